"""The model of the alignment page: which mirrors are shown in which order, what is ticked, and what each cell says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from mirror_console.domain.cell import Cell
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.selection import Query, RowSet
from mirror_console.domain.status import Status
from mirror_console.domain.ways_back import MirrorWay, Ways
from mirror_console.ui.grid.arrangement import NOTHING, Arrangement, Survey, added, arrange, first_change
from mirror_console.ui.grid.columns import WAY_BACK, GridColumn, columns_of, text_of
from mirror_console.ui.grid.face import Face, cell_said, cell_tip, face_of
from mirror_console.ui.grid.ticked import Ticked
from mirror_console.ui.grid.ways_shown import way_of, way_text, way_tip
from mirror_console.ui.widgets.table import NOWHERE
from mirror_console.ui.widgets.text import plain_tip
from mirror_console.ui.words import count, moment, tr

Index = QModelIndex | QPersistentModelIndex


class GridModel(QAbstractTableModel):
    """Rows are mirrors. It filters and sorts its own list; ticks are identities, which neither changes."""

    ticks_changed = Signal()

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock
        self._now = clock()
        self._grid: Grid | None = None
        self._survey = Survey()
        self._shown = NOTHING
        self._counts: dict[str, dict[Status, int]] = {}
        self._tick_set: RowSet = 0
        """The rows of the ticked mirrors, as far as the survey has them."""
        self._query: Query | None = None
        self.only_ticked = False
        self._sorted_by: tuple[str, bool] | None = None
        self._ticks: dict[str, None] = {}
        self._tick_note = ""
        self._last_tick: str | None = None
        self.filter_text = ""
        self._faces: dict[tuple[str, str], tuple[Cell, Face]] = {}
        self.columns: tuple[GridColumn, ...] = ()
        self.ways: Ways | None = None
        """The ways back, as they were read last; None before."""
        self.shows_ways = False
        self.ways_note = ""
        """What is to be known of the ways back: that they are being read. Empty where they are up to date."""

    # --- what is shown --------------------------------------------------------------------------------------------

    @property
    def grid(self) -> Grid | None:
        """The survey that is shown."""
        return self._grid

    @property
    def shown(self) -> list[Row]:
        """The mirrors that the filter lets through, in their order."""
        return self._shown.rows

    @property
    def now(self) -> datetime:
        """The time that ages are reckoned from."""
        return self._now

    def take(self, grid: Grid) -> None:
        """Show another survey. The filter, the order and the ticks stay; only what changed is painted again."""
        self._now = self._clock()
        first = self._grid is None
        if self._survey.rows is not grid.rows:
            self._survey = Survey(grid.rows)
        self._grid = grid
        self._tick_set = self._survey.set_of(self._ticks)
        arranged = self._arranged(like=None if first else self._shown)
        columns = columns_of(grid, ways=self.shows_ways)
        if columns != self.columns:
            self._reset(arranged, columns)
        elif self._are_others(arranged):
            self._reset(arranged)
        else:
            self._update(arranged)
        self.ticks_changed.emit()

    def show_ways(self, on: bool) -> None:
        """Show the column of ways back, or leave it out."""
        self.shows_ways = on
        if not on and self._sorted_by and self._sorted_by[0] == WAY_BACK:
            self._sorted_by = None
        if self._grid is not None:
            self._reset(columns=columns_of(self._grid, ways=on))

    def take_ways(self, ways: Ways) -> None:
        """Take the ways back as they were read now. The order stays, as with a new survey, unless it had none yet."""
        like = self._shown if self.ways is not None else None
        self.ways = ways
        arranged = self._arranged(like=like)
        if self._are_others(arranged):
            self._reset(arranged)
            self.ticks_changed.emit()
        else:
            self._show(arranged)
            self.show_again(WAY_BACK)

    def show_again(self, column_id: str) -> None:
        """Paint a column and its head once more."""
        column = self.column_of(column_id)
        if column is not None:
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, column, column)
            if self._shown:
                self.dataChanged.emit(self.index(0, column), self.index(len(self._shown) - 1, column))

    def filter(self, query: Query | None, text: str = "") -> None:
        """Show only what matches; None shows everything. `text` is the filter as it was typed."""
        self._query = query
        self.filter_text = text
        self.only_ticked = False
        self._reset()
        self.ticks_changed.emit()

    def show_only_ticked(self, only: bool) -> None:
        """Show the ticked mirrors alone, until another filter is set."""
        self.only_ticked = only
        self._reset()
        self.ticks_changed.emit()

    @property
    def sorted_by(self) -> tuple[str, bool] | None:
        """The column that orders the rows and whether it is turned; None is the order by name."""
        return self._sorted_by

    def sort_by(self, column_id: str, *, turned: bool = False) -> None:
        """Order by a column: an environment by severity, worst first. An empty id is the order by name."""
        self._sorted_by = (column_id, turned) if column_id else None
        self._reset()

    def sort_again(self) -> None:
        """Bring rows into the order that their states have now. A new survey leaves them where they were."""
        if self.order_is_old:
            self._reset()

    @property
    def order_is_old(self) -> bool:
        """Whether states have changed since the rows were ordered by them."""
        return self._shown.old

    def tick_clock(self) -> None:
        """Reckon ages anew, and paint what shows one."""
        self._now = self._clock()
        self._faces.clear()
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, len(self.columns) - 1))

    def row_at(self, place: int) -> Row:
        """The mirror at a place. Raises IndexError."""
        return self._shown.row(place)

    def place_of(self, application_id: str) -> int | None:
        """Where a mirror stands; None where the filter hides it."""
        return self._shown.place_of(application_id)

    def column_of(self, column_id: str) -> int | None:
        """Where a column stands."""
        return next((place for place, column in enumerate(self.columns) if column.id == column_id), None)

    def cell(self, place: int, column: int) -> Cell | None:
        """The cell at a place; None beside the environments, and where the mirror has no such environment."""
        which = self.columns[column]
        return self._shown.row(place).cells.get(which.id) if which.environment else None

    def face(self, place: int, column: int) -> Face | None:
        """What is painted in a cell of an environment; None where the mirror has no such environment."""
        row, name = self._shown.row(place), self.columns[column].id
        cell = row.cells.get(name)
        if cell is None:
            return None
        key = (row.application.id, name)
        made = self._faces.get(key)
        if made is None or made[0] is not cell:
            made = (cell, face_of(cell, self._now))
            self._faces[key] = made
        return made[1]

    def text(self, place: int, column: int) -> str:
        """What a column beside the environments says."""
        if self.columns[column].id == WAY_BACK:
            return way_text(self.way(place), self.ways, self._now)
        return text_of(self._shown.row(place), self.columns[column].id, self._now)

    def way(self, place: int) -> MirrorWay | None:
        """The worst way back of a mirror; None as long as they weren't read."""
        return way_of(self._shown.row(place), self._grid.columns if self._grid else (), self.ways)

    def counts(self, name: str | None = None) -> dict[Status, int]:
        """How many environments that are shown are in each state, worst first: those of one name, or all."""
        if name is None:
            return added(self.counts(column.id) for column in self.columns if column.environment)
        if name not in self._counts:
            self._counts[name] = self._survey.index.counts(name, self._shown.found)
        return self._counts[name]

    def counts_of_all(self) -> dict[Status, int]:
        """How many environments are in each state, whatever the filter hides."""
        index = self._survey.index
        return added(index.counts(column.id, index.everything) for column in self.columns if column.environment)

    def expected(self, name: str) -> list[str]:
        """The different versions that are expected where an environment is shown."""
        return self._survey.index.expected(name, self._shown.found)

    def protected(self, name: str) -> bool:
        """Whether an environment is protected, of any mirror."""
        return self._survey.index.protected(name)

    def next_attention(self, place: int, column: int, step: int) -> tuple[int, int] | None:
        """The next cell that needs a person, row by row, and around the end; None where there is none."""
        width, height = len(self.columns), len(self._shown)
        for distance in range(1, width * height + 1):
            at = (place * width + column + step * distance) % (width * height)
            cell = self.cell(at // width, at % width)
            if cell is not None and cell.needs_attention:
                return divmod(at, width)
        return None

    # --- ticks ----------------------------------------------------------------------------------------------------

    @property
    def ticked(self) -> Ticked:
        """The ticked mirrors."""
        hidden = (self._tick_set & ~self._shown.found).bit_count()
        gone = len(self._ticks) - self._tick_set.bit_count()
        return Ticked(tuple(self._ticks), hidden, gone, self._tick_note)

    def is_ticked(self, application_id: str) -> bool:
        """Whether a mirror is ticked."""
        return application_id in self._ticks

    def tick(self, application_ids: Iterable[str], on: bool) -> None:
        """Tick mirrors, or take their ticks away."""
        for one in application_ids:
            if on:
                self._ticks[one] = None
            else:
                self._ticks.pop(one, None)
            self._last_tick = one
        self._tick_note = ""
        self._ticks_moved()

    def toggle(self, place: int) -> None:
        """Tick a mirror, or take its tick away."""
        one = self._shown.row(place).application.id
        self.tick([one], one not in self._ticks)

    def tick_range(self, place: int) -> None:
        """Tick everything from the mirror that was last ticked to this one."""
        start = self.place_of(self._last_tick or "")
        first, last = sorted((place if start is None else start, place))
        self.tick([self._shown.row(at).application.id for at in range(first, last + 1)], True)

    def tick_shown(self) -> None:
        """Tick every mirror that the filter lets through now; those that match later are not added."""
        for row in self.shown:
            self._ticks[row.application.id] = None
        if self.filter_text:
            words = tr("{} that matched “{}” at {}")
            many = count(len(self._shown), "mirror", "mirrors")
            self._tick_note = words.format(many, self.filter_text, moment(self._now, self._now))
        self._ticks_moved()

    def untick_shown(self) -> None:
        """Take the ticks of the mirrors that are to be seen."""
        self.tick([row.application.id for row in self.shown], False)

    def clear_ticks(self) -> None:
        """Take every tick away, those of hidden mirrors too."""
        self._ticks.clear()
        self._tick_note = ""
        self._ticks_moved()

    def drop_hidden(self) -> None:
        """Take the ticks of mirrors that are not to be seen."""
        seen = {row.application.id for row in self.shown}
        self._ticks = {one: None for one in self._ticks if one in seen}
        self._ticks_moved()

    @property
    def shown_ticked(self) -> int:
        """How many of the mirrors that are to be seen are ticked."""
        return (self._tick_set & self._shown.found).bit_count()

    def _ticks_moved(self) -> None:
        self._tick_set = self._survey.set_of(self._ticks)
        self.ticks_changed.emit()
        self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, max(0, len(self._shown) - 1))

    # --- what Qt asks ---------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """How many mirrors are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """How many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Words for what the delegate paints, and for whoever rests on it."""
        if role == Qt.ItemDataRole.ToolTipRole and index.isValid():
            return self._tip(index.row(), index.column())
        if role not in _ROLES or not index.isValid():
            return None
        place, column = index.row(), index.column()
        which = self.columns[column]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._said(place, column)
        if not which.environment:
            return self.text(place, column)
        face = self.face(place, column)
        return f"{face.first} {face.second}".strip() if face else "–"

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Mirrors at the left, columns on top."""
        if role not in _ROLES or section < 0:
            return None
        if orientation is Qt.Orientation.Horizontal:
            return self.columns[section].title if section < len(self.columns) else None
        if section >= len(self._shown):
            return None
        application = self._shown.row(section).application
        if role == Qt.ItemDataRole.AccessibleTextRole and application.id in self._ticks:
            return f"{application.name}, {tr('ticked')}"
        return application.name

    def _said(self, place: int, column: int) -> str:
        row, which = self._shown.row(place), self.columns[column]
        ticked = f", {tr('ticked')}" if row.application.id in self._ticks else ""
        if not which.environment:
            return f"{row.application.name}, {which.title}: {self.text(place, column) or tr('none')}{ticked}"
        return cell_said(row, which.id, self._now) + ticked

    def _tip(self, place: int, column: int) -> str | None:
        """The verdict, and each difference: what the details tell as well."""
        row, which = self._shown.row(place), self.columns[column]
        if which.id == WAY_BACK and self._grid is not None:
            return plain_tip(way_tip(row, self._grid.columns, self.ways, self._now))
        cell = row.cells.get(which.id)
        return plain_tip(cell_tip(cell, self._now)) if cell is not None and which.environment else None

    # --- order ----------------------------------------------------------------------------------------------------

    def _arranged(self, like: Arrangement | None = None) -> Arrangement:
        only = self._tick_set if self.only_ticked else None
        return arrange(self._survey, self._query, only, self._sorted_by, self._now, like=like, ways=self.ways)

    def _show(self, arranged: Arrangement) -> None:
        self._shown = arranged
        self._counts.clear()

    def _are_others(self, arranged: Arrangement) -> bool:
        """Whether other rows are to be shown, or in another order."""
        return [row.application.id for row in arranged.rows] != [row.application.id for row in self._shown.rows]

    def _reset(self, arranged: Arrangement | None = None, columns: tuple[GridColumn, ...] | None = None) -> None:
        # What is shown changes only inside: whoever keeps its place is told before, and still sees the old rows.
        self.beginResetModel()
        if columns is not None:
            self.columns = columns
            self._faces.clear()
        self._show(self._arranged() if arranged is None else arranged)
        self.endResetModel()

    def _update(self, arranged: Arrangement) -> None:
        before, after = self._shown.rows, arranged.rows
        self._show(arranged)
        first = first_change(before, after)
        if first is None:
            return
        # One signal for all: an engine's mirrors stand everywhere among the others.
        last = len(after) - 1 - (first_change(reversed(before), reversed(after)) or 0)
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))
        self.headerDataChanged.emit(Qt.Orientation.Vertical, first, last)


_ROLES = frozenset({int(Qt.ItemDataRole.DisplayRole), int(Qt.ItemDataRole.AccessibleTextRole)})
