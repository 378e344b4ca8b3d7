"""The ways back on the alignment page: their column, which a person shows or hides, and filters that ask for them."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QWidget

from mirror_console.domain.selection import Query
from mirror_console.domain.ways_back import Ways
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.columns import WAY_BACK
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.grid.view import GridView
from mirror_console.ui.grid.ways_reader import Read, WaysReader
from mirror_console.ui.words import tr

ACTION = "grid.way_back"
"""The action that shows or hides the column."""


class WaysPart(QObject):
    """Reads the ways back as long as the column is shown or the filter asks for them.

    `moved` is sent when other ones are known, or it is known that they can't be read: the filter may mean others now.
    """

    moved = Signal()

    def __init__(self, context: UiContext, model: GridModel, view: GridView, page: QWidget) -> None:
        super().__init__(page)
        self._context = context
        self._model = model
        self._view = view
        self._page = page
        self._wanting = False
        """Whether the filter asks for ways back that were never read."""
        self.reader = WaysReader(context, self._environment_ids, page.isVisible)
        self.reader.arrived.connect(self._arrived)
        self.reader.stands.connect(self._stands)
        head = view.environments
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._menu)

    @property
    def waiting(self) -> str:
        """Why the filter that was typed doesn't count yet; empty where it does."""
        if not self._wanting:
            return ""
        if self.reader.failed:
            return tr("The ways back couldn't be read. Until they are, the filter before this one counts.")
        return tr("The ways back are being read. Until then the filter before this one counts.")

    def read_by(self, read: Read) -> None:
        """Ask something else than the catalog: for pictures and tests."""
        self.reader.read = read

    def show(self, on: bool) -> None:
        """Show the column, or leave it out."""
        self._model.show_ways(on)
        self.reader.want("column", on)

    def turn(self) -> None:
        """Show the column where it isn't, and leave it out where it is."""
        self.show(not self._model.shows_ways)
        words = tr("The way back is shown.") if self._model.shows_ways else tr("The way back is hidden.")
        self._context.say(words)
        if self._model.shows_ways and self._model.rowCount():
            # It may stand to the right of what is to be seen.
            column = self._model.column_of(WAY_BACK)
            self._view.scrollTo(self._model.index(max(0, self._view.currentIndex().row()), column or 0))

    def allow(self, query: Query) -> bool:
        """Whether a filter can be answered. One that asks for ways back waits until they were read."""
        self.reader.want("filter", query.asks_for_ways)
        self._wanting = query.asks_for_ways and self._model.ways is None
        return not self._wanting

    def look(self) -> None:
        """The page is looked at, or has another survey."""
        self.reader.look()

    def tick_clock(self) -> None:
        """Time has passed: try again what failed; of a catalog that another program changes, nobody tells."""
        if self._context.console.read_only:
            self.reader.look_again()
        else:
            self.reader.look()

    def _environment_ids(self) -> list[str]:
        grid = self._model.grid
        return [cell.environment.id for row in grid.rows for cell in row.cells.values()] if grid is not None else []

    def _arrived(self, ways: Ways) -> None:
        self._model.take_ways(ways)
        self.moved.emit()

    def _stands(self) -> None:
        self._model.ways_note = self.reader.note
        self._model.show_again(WAY_BACK)
        if self._wanting:
            self.moved.emit()

    def _menu(self, at: QPoint) -> None:
        menu = self._context.actions.context_menu((ACTION,), self._page)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._view.environments.viewport().mapToGlobal(at))
