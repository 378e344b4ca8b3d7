"""What is done where the cursor is in the grid: with the cell, and with its mirror."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication

from mirror_console.domain.alignment import Cell
from mirror_console.domain.filter_terms import typed_word
from mirror_console.domain.filter_text import quoted
from mirror_console.domain.verdict import answer
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.view import GridView
from mirror_console.ui.words import tr


class AtCursor:
    """The actions on one cell. Beside the environments, and in an empty grid, they do nothing."""

    def __init__(self, context: UiContext, view: GridView, filter_by: Callable[[str], None]) -> None:
        self._context = context
        self._view = view
        self._filter_by = filter_by

    def cell(self) -> Cell | None:
        """The cell that the cursor is in."""
        return self._view.cursor_cell()

    def copy_answer(self) -> None:
        """Put the sentence for phone or ticket on the clipboard."""
        cell = self.cell()
        if cell is not None:
            words = answer(cell, self._context.now())
            QGuiApplication.clipboard().setText(words)
            self._context.say(tr("Copied: {}").format(words))

    def copy_version(self) -> None:
        """Put the running version on the clipboard."""
        cell = self.cell()
        if cell is not None:
            QGuiApplication.clipboard().setText(cell.running_title)
            self._context.say(tr("Copied: {}").format(cell.running_title))

    def check_this(self) -> None:
        """Ask the engine of the cell that the cursor is in, and inspect what it has."""
        cell = self.cell()
        if cell is not None:
            self._context.check([cell.environment.engine_id], thorough=True)

    def roll_out_this(self) -> None:
        """Begin a plan for the one environment that the cursor is in."""
        cell = self.cell()
        if cell is not None:
            self._context.go("rollouts", environment=cell.environment.name, application_ids=(cell.application.id,))

    def only_this_state(self) -> None:
        """Filter by the state of the cell that the cursor is in."""
        cell = self.cell()
        if cell is not None:
            self._filter_by(f"{cell.environment.name}:{typed_word(cell.status)}")

    def only_this_engine(self) -> None:
        """Filter by the engine of the cell that the cursor is in."""
        cell = self.cell()
        if cell is not None:
            self._filter_by(f"engine:{quoted(cell.engine_name)}")

    def show_engine(self) -> None:
        """Open the engine of the cell that the cursor is in."""
        cell = self.cell()
        if cell is not None:
            self._context.go("engines", engine_id=cell.environment.engine_id)

    def edit_mirror(self) -> None:
        """Open the form of the mirror that the cursor is on."""
        mirror = self._view.cursor_mirror()
        if mirror is not None:
            self._context.go("mirrors", application_id=mirror, edit=True)
