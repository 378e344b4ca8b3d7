"""Failures by their cause: one line and one decision for all targets that failed for the same reason."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from mirror_console.domain.causes import Cause, causes
from mirror_console.domain.overriding import RULES
from mirror_console.domain.rollout import Rollout, TargetState
from mirror_console.operations.deciding import PASSED_OVER, Decision
from mirror_console.operations.retrying import FAILED
from mirror_console.ui.context import UiContext
from mirror_console.ui.glyphs import glyph
from mirror_console.ui.questions import Choice
from mirror_console.ui.rollout.words import STATE_GLYPHS
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3
from mirror_console.ui.widgets.scrolled import into_sight
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, label
from mirror_console.ui.words import count, number, tr

IN_SPITE = "in spite"
"""Beside the decisions: not a word over targets, but over the check that left them out."""
SHOWN = 3
"""Causes that have a line of their own before a person asks for all: the targets below need their room, too."""
SEEN = 6
"""Lines that are seen at once of all, in a window that is high enough; the others are scrolled to."""
SHARE = 4
"""All of them take no more than one part of so many of the window's height, and never less than those at first."""
MOST = 100
"""Causes that have a line at all: where more differ, they are no groups any more, and the list of targets has them."""
NAMED = 4


class CausesPanel(QFrame):
    """The causes of a rollout's failures. `decided` carries a cause and the decision about its targets,
    `in_spite_wished` a cause whose check is to be overridden."""

    decided = Signal(object, object)
    in_spite_wished = Signal(object)

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._causes: tuple[Cause, ...] = ()
        self._refusal = ""
        self._of = ""
        """The rollout that is shown."""
        self._all = False
        self.buttons: list[QPushButton] = []
        self.setProperty("class", "card")
        self.setAccessibleName(tr("Failures by cause"))
        self.unfold = button("", self._fold, look="quiet")
        self._inside = QWidget()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_2)
        self._grid.setVerticalSpacing(SPACE_1)
        self._grid.setColumnStretch(2, 3)
        self._grid.setColumnStretch(3, 2)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(self._inside)
        for part in (self.area.viewport(), self._inside):
            part.setAutoFillBackground(False)  # the card's own shows through
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_3, SPACE_2, SPACE_2, SPACE_2)
        column.setSpacing(SPACE_1)
        column.addWidget(self.area)
        column.addWidget(self.unfold, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()
        context.theme.changed.connect(self._draw)

    def show_rollout(self, rollout: Rollout, refusal: str) -> None:
        """Show the causes of a rollout; `refusal` is why nothing can be decided now."""
        found = causes(rollout.targets)
        # While others go on, what failed stays as it is, and so does the button that is just being pressed.
        if (rollout.id, found, refusal) != (self._of, self._causes, self._refusal):
            self._all = self._all and rollout.id == self._of
            self._of, self._causes, self._refusal = rollout.id, found, refusal
            self._draw()

    def _fold(self) -> None:
        """Show all causes, or the first ones alone again. The focus goes to the first that was not seen before."""
        self._all = not self._all
        self._draw()
        if self._all and self.unfold.hasFocus():
            self.buttons[SHOWN].setFocus()

    def _draw(self) -> None:
        focused = next((place for place, made in enumerate(self.buttons) if made.hasFocus()), None)
        scrolled = self.area.verticalScrollBar().value()
        while (item := self._grid.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        self.buttons = []
        many = len(self._causes)
        for line, cause in enumerate(self._causes[: MOST if self._all else SHOWN]):
            self._add(line, cause)
        self.unfold.setVisible(many > SHOWN)
        words = (
            tr("Show the first {} only").format(number(SHOWN))
            if self._all
            else tr("Show all {} causes").format(number(many))
            if many <= MOST
            else tr("Show the first {} of {} causes").format(number(MOST), number(many))
        )
        self.unfold.setText(words)
        self._in_order()
        self.setVisible(bool(self._causes))
        self._fit()
        self.area.verticalScrollBar().setValue(scrolled)
        if focused is not None and self.buttons:
            # Drawn anew under the hands of whoever goes from one cause to the next.
            self.buttons[min(focused, len(self.buttons) - 1)].setFocus()

    def _in_order(self) -> None:
        """Tab comes to the buttons where they are seen: new ones would come last of the whole window."""
        before = self.unfold.previousInFocusChain()
        while before is not None and before is not self.unfold and before.focusPolicy() == Qt.FocusPolicy.NoFocus:
            before = before.previousInFocusChain()
        for made in self.buttons:
            if before is not None:
                QWidget.setTabOrder(before, made)
            before = made

    def _fit(self) -> None:
        """As high as its lines; of many as high as leaves the targets their room."""
        lines = len(self.buttons)
        if not lines:
            return
        whole = self._inside.sizeHint().height()
        each = (whole + SPACE_1) / lines
        if lines > SHOWN:
            seen = min(SEEN, int((self.window().height() / SHARE + SPACE_1) / each))
            whole = min(whole, round(max(SHOWN, seen) * each) - SPACE_1)
        self.area.setFixedHeight(whole)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whoever comes to a button by the keys sees it."""
        if event.type() == QEvent.Type.FocusIn and isinstance(watched, QPushButton):
            into_sight(watched)
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A higher window has room for more of them."""
        super().resizeEvent(event)
        self._fit()

    def _add(self, line: int, cause: Cause) -> None:
        status = STATE_GLYPHS[cause.state]
        mark = QLabel()
        mark.setPixmap(glyph(status, 14, self.devicePixelRatioF(), self._context.theme.colours.status[status].glyph))
        words = ElidedLabel(cause.words)
        names = [target.planned.application for target in cause.targets]
        rest = len(names) - NAMED
        told = ", ".join(names[:NAMED]) + (tr(" and {} more").format(number(rest)) if rest > 0 else "")
        times = label(f"{number(cause.count)} × {tr(cause.state)}", Look.STRONG)
        decide = button(tr("Decide…"), lambda: self.decide(cause), look="quiet")
        decide.setEnabled(not self._refusal and bool(choices(cause)))
        decide.setAccessibleName(tr("Decide about {}").format(cause.words))
        decide.setAccessibleDescription(self._refusal)
        if self._refusal:
            decide.setToolTip(self._refusal)
        decide.installEventFilter(self)
        self.buttons.append(decide)
        for column, part in enumerate((mark, times, words, ElidedLabel(told, Look.MUTED), decide)):
            self._grid.addWidget(part, line, column, Qt.AlignmentFlag.AlignVCenter)
            part.show()  # what is new counts as hidden until later, and as no height

    def decide(self, cause: Cause) -> None:
        """Ask what becomes of the targets of a cause."""
        names = count(cause.count, "target", "targets")
        chosen = self._context.questions.choose(tr("What becomes of {}?").format(names), cause.words, choices(cause))
        if chosen == IN_SPITE:
            self.in_spite_wished.emit(cause)
        elif chosen is not None:
            self.decided.emit(cause, Decision(chosen))


def choices(cause: Cause) -> tuple[Choice, ...]:
    """What can be decided about targets in their state."""
    asking = cause.state is TargetState.UNDECIDED
    offered: list[tuple[Decision, str, str, Callable[[], bool]]] = [
        (
            Decision.RETRY,
            tr("Try again"),
            tr("A new attempt of these alone, after a fresh look and with all checks. Mend the cause first."),
            lambda: cause.state in FAILED or cause.state is TargetState.SKIPPED,
        ),
        (
            Decision.PUT_BACK,
            tr("Put back"),
            tr("The old container serves again. It counts as failed."),
            lambda: asking,
        ),
        (
            Decision.LEAVE,
            tr("Leave"),
            tr("The new container stays, to be looked at; the old one is kept as the way back."),
            lambda: asking,
        ),
        (
            Decision.SKIP,
            tr("Skip"),
            tr("It runs what it ran, is left out of this rollout, and doesn't count as failed."),
            lambda: asking or cause.state in PASSED_OVER,
        ),
    ]
    found = [Choice(str(decision), name, words) for decision, name, words, fits in offered if fits()]
    if cause.state is TargetState.SKIPPED and _by_judgement(cause):
        words = tr("Override the check, with a reason that goes into the report; then a new attempt.")
        found.append(Choice(IN_SPITE, tr("Go on in spite of it…"), words))
    return tuple(found)


def _by_judgement(cause: Cause) -> bool:
    """Whether targets were left out by a check that may ever be overridden, and not by a person."""
    return any(rule.ever and cause.words.startswith(f"{check}: ") for check, rule in RULES.items())
