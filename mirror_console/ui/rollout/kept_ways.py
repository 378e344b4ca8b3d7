"""Keeping a way under a name: offered for a way that is typed, and forgetting one that was kept."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QWidget

from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.form import line_edit
from mirror_console.ui.widgets.text import button
from mirror_console.ui.words import tr

LONGEST = 40


class KeptWays(QWidget):
    """A name and *Keep* for a way that has none, *Forget* for one that has. A preset has neither.

    `keep` returns whether it could be kept.
    """

    def __init__(self, keep: Callable[[str], bool], forget: Callable[[str], None]) -> None:
        super().__init__()
        self._keep = keep
        self._forget = forget
        self._shown = ""
        self.name = line_edit(placeholder=tr("Friday evening"))
        self.name.setAccessibleName(tr("Name for this way"))
        self.name.setMaxLength(LONGEST)
        self.name.textChanged.connect(self._look)
        self.name.returnPressed.connect(self._go)
        self.keep_button = button(tr("Keep this way"), self._go)
        self.forget_button = button(tr("Forget this way"), self._drop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self.name, 1)
        row.addWidget(self.keep_button)
        row.addWidget(self.forget_button)
        self.offer("", own=False)

    def offer(self, name: str, *, own: bool) -> None:
        """Offer what fits the way of that name, which is one of the person's `own`; an empty name is one without."""
        self._shown = name
        self.name.setVisible(not name)
        self.keep_button.setVisible(not name)
        self.forget_button.setVisible(own)
        self._look()

    def _look(self) -> None:
        self.keep_button.setEnabled(bool(self.name.text().strip()))

    def _go(self) -> None:
        name = " ".join(self.name.text().split())
        if name and self._keep(name):
            self.name.clear()
            if self.forget_button.isVisibleTo(self):
                self.forget_button.setFocus()

    def _drop(self) -> None:
        self._forget(self._shown)
        self.name.setFocus()
