"""What is done where the cursor is in the grid: with the cell, and with its mirror."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QGuiApplication

from mirror_console.domain.cell import Cell
from mirror_console.domain.filter_terms import typed_word
from mirror_console.domain.filter_text import quoted, without
from mirror_console.domain.verdict import answer
from mirror_console.domain.where import best_name
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.view import GridView
from mirror_console.ui.where import ask_where
from mirror_console.ui.words import tr


class AtCursor:
    """The actions on one cell. Beside the environments, and in an empty grid, they do nothing."""

    def __init__(
        self, context: UiContext, view: GridView, filtered: Callable[[], str], filter_by: Callable[[str], None]
    ) -> None:
        self._context = context
        self._view = view
        self._filtered = filtered
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

    def where_it_runs(self) -> None:
        """List all that have the same image, under whatever name: mirrors, sources, and engines that only hold it."""
        cell = self.cell()
        seen = cell.observation if cell is not None else None
        if cell is None or seen is None or not seen.present:
            return
        ask_where(
            self._context,
            self._view.window(),
            best_name(cell.names, seen.fingerprint or seen.recorded or seen.image_id),
        )

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

    def asks(self) -> Mapping[str, str]:
        """What a filter asks that wants the same state, version, engine or source as here; nothing of what isn't."""
        cell, row = self.cell(), self._view.cursor_row()
        parts = {}
        if row is not None:
            parts["source"] = f"source:{quoted(row.source_name)}"
        if cell is not None:
            name = cell.environment.name
            parts["state"] = f"{name}:{typed_word(cell.status)}"
            parts["engine"] = f"engine:{quoted(cell.engine_name)}"
            if cell.running_title:
                parts["version"] = f"{name}.version:{quoted(cell.running_title)}"
        return parts

    def only(self, what: str) -> None:
        """Show only what has the same as here, whatever was shown before."""
        part = self.asks().get(what)
        if part:
            self._filter_by(part)

    def leave_out(self, what: str) -> None:
        """Of what is shown, leave out what has the same as here."""
        part = self.asks().get(what)
        if part:
            self._filter_by(without(self._filtered(), part))

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
