"""A bar that counts outcomes: how many targets are done, failed, worked on and waiting, each in its own look."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mirror_console.domain.rollout import ROLLED_BACK, SUCCEEDED, WORKING, Rollout, TargetState
from mirror_console.domain.status import Status
from mirror_console.ui.rollout.words import outcome_words, over_of
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.tokens import RADIUS
from mirror_console.ui.words import number, tr

_ORDER = (
    (SUCCEEDED, Status.ALIGNED),
    ({TargetState.PUT_BACK, TargetState.PUTTING_BACK, ROLLED_BACK}, Status.BEHIND),
    ({TargetState.FAILED, TargetState.LEFT, TargetState.UNDECIDED, TargetState.STRANDED}, Status.UNHEALTHY),
    ({TargetState.SUPERSEDED}, Status.DRIFTED),
    ({TargetState.UNKNOWN}, Status.UNREACHABLE),
    ({TargetState.SKIPPED, TargetState.NOT_STARTED}, Status.NOT_CHECKED),
    (WORKING - {TargetState.PUTTING_BACK}, Status.ROLLING_OUT),
)
"""Outcomes from the left, what is worked on last; the rest of the bar is what waits."""


class OutcomeBar(QWidget):
    """The outcomes of a rollout as a picture; the words beside it carry the information."""

    def __init__(self, theme: ThemeService) -> None:
        super().__init__()
        self._theme = theme
        self._parts: list[tuple[Status, int]] = []
        self._total = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(12)
        self.setAccessibleName(tr("Outcomes"))
        theme.changed.connect(self.update)

    def show_rollout(self, rollout: Rollout) -> None:
        """Show how a rollout stands."""
        counted = Counter(target.stands for target in rollout.targets)
        self._parts = [(like, sum(counted[state] for state in states)) for states, like in _ORDER]
        over, self._total = over_of(rollout)
        words = tr("{} of {} targets").format(number(over), number(self._total))
        self.setAccessibleName(words)
        self.setAccessibleDescription(outcome_words(rollout))
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(240, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the parts; none that has a target is narrower than can be seen."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._theme.colours
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        shape = QPainterPath()
        shape.addRoundedRect(whole, RADIUS, RADIUS)
        painter.fillPath(shape, QColor(colours.hairline))
        painter.save()
        painter.setClipPath(shape)
        left = whole.left()
        for like, times in self._parts:
            if not times or not self._total:
                continue
            width = max(3.0, whole.width() * times / self._total)
            colour = colours.status[like].glyph if like is Status.ALIGNED else colours.status[like].map
            part = QRectF(left, whole.top(), width, whole.height())
            painter.fillRect(part, QColor(colour))
            if colours.status[like].hatched:
                painter.fillRect(part, QBrush(QColor(colours.text), Qt.BrushStyle.BDiagPattern))
            left += width
        painter.restore()
        painter.setPen(QColor(colours.border))
        painter.drawPath(shape)
        painter.end()
