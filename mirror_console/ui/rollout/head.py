"""The head of the assistant and of a run: what is rolled out where, and at which of its steps it is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.fleet import Grid
from mirror_console.ui.tokens import EDGE_BAR, SPACE_1, SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, label
from mirror_console.ui.words import tr

STEPS = ("Targets", "Plan", "Checks", "Confirm", "Running", "Report")


class RolloutHead(QWidget):
    """Never scrolls away: the stripe of a protected environment, the title, a line below it, and the steps."""

    def __init__(self, back: Callable[[], object]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._stripe = QFrame()
        self._stripe.setFixedHeight(EDGE_BAR)
        self._stripe.setAutoFillBackground(True)
        column.addWidget(self._stripe)
        self._protected: bool | None = None
        self._at: int | None = None
        self.protect(False)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        row.setSpacing(SPACE_3)
        self.back = button(tr("‹ All rollouts"), back, look="quiet")
        self.back.setAccessibleName(tr("Back to all rollouts"))
        row.addWidget(self.back, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        self.title = ElidedLabel("", Look.TITLE)
        self.line = ElidedLabel("", Look.MUTED)
        words.addWidget(self.title)
        words.addWidget(self.line)
        row.addLayout(words, 1)
        column.addLayout(row)
        self._steps: list[QWidget] = []
        steps = QHBoxLayout()
        steps.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_2)
        steps.setSpacing(SPACE_1)
        for place, step in enumerate(STEPS):
            if place:
                steps.addWidget(label("›", Look.MUTED))
            made = label(f"{place + 1} {tr(step)}", Look.MUTED)
            made.setContentsMargins(SPACE_1, 0, SPACE_1, 0)
            steps.addWidget(made)
            self._steps.append(made)
        steps.addStretch(1)
        column.addLayout(steps)

    def say(self, title: str, words: str) -> None:
        """Show a title and the line below it."""
        self.title.say(title)
        self.line.say(words)

    def protect(self, protected: bool) -> None:
        """Show or hide the stripe of a protected environment."""
        # Each report of a rollout says it again, and a style sheet has the whole page laid out anew.
        if protected is self._protected:
            return
        self._protected = protected
        self._stripe.setStyleSheet("background: palette(accent);" if protected else "background: transparent;")
        self._stripe.setAccessibleName(tr("Protected environment") if protected else "")

    def at(self, step: int) -> None:
        """Mark the step that is being worked on, counted from 0."""
        if step == self._at:
            return
        self._at = step
        for place, made in enumerate(self._steps):
            made.setProperty("class", "now" if place == step else "muted")
            made.style().unpolish(made)
            made.style().polish(made)
        self.setAccessibleDescription(tr("Step {} of {}: {}").format(step + 1, len(STEPS), tr(STEPS[step])))


def is_protected(grid: Grid | None, environment: str) -> bool:
    """Whether an environment of that name is protected anywhere in the fleet."""
    return grid is not None and any(
        row.cells[environment].environment.protected for row in grid.rows if environment in row.cells
    )
