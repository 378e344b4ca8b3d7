"""The selection bar: what is ticked, in words and numbers, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from mirror_console.ui.grid.ticked import Ticked
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.scrolled import type_width
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, plain_tip
from mirror_console.ui.words import count, number, tr


class SelectionBar(QWidget):
    """Says how many mirrors are ticked, and how many of them the filter hides.

    `wanted` carries what a button asks for: ``show``, ``drop``, ``clear`` or ``roll out``.
    """

    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("class", "selection")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Selection"))
        self._refusal = ""
        self.words = ElidedLabel("", Look.STRONG)
        self.show_button = button(tr("Show selected"), lambda: self.wanted.emit("show"), look="onselection")
        self.drop_button = button(tr("Drop hidden"), lambda: self.wanted.emit("drop"), look="onselection")
        self.clear_button = button(tr("Clear"), lambda: self.wanted.emit("clear"), look="onselection")
        self.environment = QComboBox()
        self.environment.setAccessibleName(tr("Environment to roll out to"))
        self.environment.setMinimumWidth(type_width(self.environment, 176))
        self.environment.currentIndexChanged.connect(self._look)
        self.roll_out = button(tr("Roll out…"), lambda: self.wanted.emit("roll out"), look="primary")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_3, SPACE_2, SPACE_2, SPACE_2)
        row.setSpacing(SPACE_2)
        row.addWidget(self.words, 1)
        row.addWidget(self.show_button)
        row.addWidget(self.drop_button)
        row.addWidget(self.clear_button)
        row.addSpacing(SPACE_4)
        row.addWidget(self.environment)
        row.addWidget(self.roll_out)
        self.show_environments(())
        self.hide()

    def show_environments(self, names: Sequence[str]) -> None:
        """Offer these environments. None is chosen beforehand: ticking a mirror implies none."""
        chosen = self.chosen_environment()
        self.environment.blockSignals(True)
        self.environment.clear()
        self.environment.addItem(tr("Environment: choose"), "")
        for name in names:
            self.environment.addItem(name, name)
        self.environment.setCurrentIndex(max(0, self.environment.findData(chosen)))
        self.environment.blockSignals(False)
        self._look()

    def chosen_environment(self) -> str:
        """The environment that was chosen; empty before."""
        return str(self.environment.currentData() or "")

    def refuse(self, refusal: str) -> None:
        """Why nothing may be rolled out now; empty where it may."""
        self._refusal = refusal
        self._look()

    def show_ticked(self, ticked: Ticked, *, alone: bool = False) -> None:
        """Say what is ticked; with nothing ticked the bar goes. `alone`: nothing else is shown in the grid."""
        self.show_button.setText(tr("Show all") if alone else tr("Show selected"))
        many = len(ticked.ids)
        if many:
            parts = [f"{count(many, 'mirror', 'mirrors')} {tr('selected')}"]
            if ticked.hidden:
                parts.append(f"{number(ticked.hidden)} {tr('hidden by the current filter')}")
            if ticked.gone:
                parts.append(f"{number(ticked.gone)} {tr('no longer in the catalog')}")
            if ticked.note:
                parts.append(ticked.note)
            self.words.say(" · ".join(parts))
        else:
            # A choice made for one selection says nothing about the next.
            self.environment.setCurrentIndex(0)
        self.drop_button.setVisible(bool(ticked.hidden))
        self.setVisible(bool(many))

    def _look(self) -> None:
        chosen = self.chosen_environment()
        self.roll_out.setEnabled(bool(chosen) and not self._refusal)
        why = self._refusal or ("" if chosen else tr("Choose an environment first."))
        self.roll_out.setToolTip(plain_tip(why))
        self.roll_out.setAccessibleDescription(why)
