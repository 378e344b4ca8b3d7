"""The part of the details that tells whose lock is on an environment, and lets a person take it over."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.cell import Cell
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.lock_actions import LockActions
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.text import Look, button, label, line, plain_tip
from mirror_console.ui.words import tr


class LockPart(QWidget):
    """Hidden while no other console holds the lock. Its widgets stay, so that the focus does."""

    def __init__(self, context: UiContext, actions: LockActions) -> None:
        super().__init__()
        self._context = context
        self._actions = actions
        self._cell: Cell | None = None
        self.setAccessibleName(tr("Lock"))
        self.words = label("", wrap=True, select=True)
        self.details = label("", Look.MUTED, wrap=True, select=True)
        self.doing = label("", Look.MUTED, wrap=True)
        self.take_over = button(tr("Take over…"), actions.take_over)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(SPACE_2)
        box.addWidget(line())
        box.addWidget(label(tr("Locked by another console"), Look.STRONG))
        for one in (self.words, self.details, self.doing):
            box.addWidget(one)
        row = QHBoxLayout()
        row.addWidget(self.take_over)
        row.addStretch(1)
        box.addLayout(row)
        actions.changed.connect(self._draw)
        self.hide()

    def show_cell(self, cell: Cell | None) -> None:
        """Show whose lock is there."""
        self._cell = cell
        self._draw()

    def _draw(self) -> None:
        cell = self._cell
        lock = cell.observation.lock if cell is not None and cell.observation is not None else None
        self.setVisible(lock is not None)
        if cell is None or lock is None:
            return
        self.words.setText(f"{lock.words(self._context.now())}.")
        self.details.setText(f"{lock.details[:1].upper()}{lock.details[1:]}.")
        doing = self._actions.doing(cell.environment.id)
        hint = tr("Where that console is gone for good, its lock can be taken over. Its heartbeat is watched first.")
        self.doing.setText(f"{doing}." if doing else hint)
        refusal = self._actions.refusal()
        self.take_over.setEnabled(not refusal)
        name = tr("Take the lock over")
        self.take_over.setAccessibleName(f"{name} ({refusal})" if refusal else name)
        self.take_over.setToolTip(plain_tip(f"{name}: {refusal}" if refusal else name))
