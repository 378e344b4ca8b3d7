"""Failures by their cause: one line and one decision for all targets that failed for the same reason."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton

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
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, label
from mirror_console.ui.words import count, number, tr

IN_SPITE = "in spite"
"""Beside the decisions: not a word over targets, but over the check that left them out."""
SHOWN = 3
"""Causes that have a line of their own; the table below has every target."""
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
        self.buttons: list[QPushButton] = []
        self.setProperty("class", "card")
        self.setAccessibleName(tr("Failures by cause"))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(SPACE_3, SPACE_2, SPACE_2, SPACE_2)
        self._grid.setHorizontalSpacing(SPACE_2)
        self._grid.setVerticalSpacing(SPACE_1)
        self._grid.setColumnStretch(2, 3)
        self._grid.setColumnStretch(3, 2)
        self.hide()
        context.theme.changed.connect(self._draw)

    def show_rollout(self, rollout: Rollout, refusal: str) -> None:
        """Show the causes of a rollout; `refusal` is why nothing can be decided now."""
        found = causes(rollout.targets)
        # While others go on, what failed stays as it is, and so does the button that is just being pressed.
        if (found, refusal) != (self._causes, self._refusal):
            self._causes, self._refusal = found, refusal
            self._draw()

    def _draw(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        self.buttons = []
        for line, cause in enumerate(self._causes[:SHOWN]):
            self._add(line, cause)
        more = len(self._causes) - SHOWN
        if more > 0:
            words = tr("and {}: the list of targets has all of them").format(count(more, "more cause", "more causes"))
            self._grid.addWidget(label(words, Look.MUTED), SHOWN, 2)
        self.setVisible(bool(self._causes))

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
        self.buttons.append(decide)
        for column, part in enumerate((mark, times, words, ElidedLabel(told, Look.MUTED), decide)):
            self._grid.addWidget(part, line, column, Qt.AlignmentFlag.AlignVCenter)

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
