"""Parts of a page that scroll where the window is too low for them: on a small screen, or with large type."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

LEAST = 120
"""Pixels that a list keeps, however little room there is: its head and three rows."""


FOLLOWED = 200
"""Milliseconds for which a part that was brought into sight is kept there."""


class Paper(QWidget):
    """What scrolls. How high it must be follows from its width: without one, wrapped words count as far too high."""

    def minimumSizeHint(self) -> QSize:
        """The height that everything in it needs at the width that there is."""
        layout = self.layout()
        if layout is None:
            return QSize(0, 0)
        if not layout.hasHeightForWidth():
            return QSize(0, layout.totalMinimumSize().height())
        return QSize(0, layout.totalMinimumHeightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()


def scrolled(inside: Paper, *lists: QWidget) -> QScrollArea:
    """Let a part scroll up and down as one. The `lists` in it take what room is left, and give it back first."""
    for one in lists:
        one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        one.setMinimumHeight(LEAST)
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def into_sight(part: QWidget) -> None:
    """Scroll what it lies in until all of a part is seen, or of one that is too high for that its beginning.

    What was just put there is laid out in several rounds, and each gives it another place: they are followed.
    """
    area = part.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    inside = area.widget() if area is not None else None
    if area is None or inside is None:
        return
    bar, window = area.verticalScrollBar(), area.viewport()

    def scroll() -> None:
        if shiboken6.isValid(part):
            top = part.mapTo(inside, QPoint()).y()
            bar.setValue(min(top, max(bar.value(), top + part.height() - window.height())))

    scroll()
    bar.rangeChanged.connect(scroll)
    QTimer.singleShot(FOLLOWED, bar, lambda: bar.rangeChanged.disconnect(scroll))


def type_width(widget: QWidget, least: int) -> int:
    """A width of `least` pixels in everyday type, and as much more as the person's type is larger."""
    return max(least, round(least * widget.fontMetrics().horizontalAdvance("0") / EVERYDAY))


EVERYDAY = 8
"""Pixels that a figure takes in the type that widths were chosen in."""
