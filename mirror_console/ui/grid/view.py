"""The grid itself: a table whose rows are mirrors, for the keyboard first, with a sticky column of names and ticks."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from mirror_console.domain.cell import Cell
from mirror_console.domain.fleet import Row
from mirror_console.ui.grid.columns import CHANGE, SOURCE, TAGS, WAY_BACK
from mirror_console.ui.grid.delegate import CellDelegate
from mirror_console.ui.grid.headers import CornerTick, EnvironmentHeader
from mirror_console.ui.grid.mirror_header import MirrorHeader
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.icons import Icons
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.tokens import ROW_HEIGHTS
from mirror_console.ui.words import tr

ENVIRONMENT_WIDTH = 168
WIDEST = 320
WIDTHS = {WAY_BACK: 176, SOURCE: 128, CHANGE: 116, TAGS: 120}
_PLAIN = Qt.KeyboardModifier.NoModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


class GridView(QTableView):
    """The table of the alignment page.

    `moved` is sent when the cursor is in another cell; `opened` when a cell is to be shown in detail; `asked` carries
    the id of an action that a key of the grid stands for, such as ``search`` or ``check``; `menu_wanted` a place.
    """

    moved = Signal()
    opened = Signal()
    asked = Signal(str)
    menu_wanted = Signal(QPoint)

    def __init__(self, model: GridModel, theme: ThemeService, icons: Icons) -> None:
        super().__init__()
        self.grid = model
        self._theme = theme
        self._kept: tuple[str | None, str | None, str | None] = (None, None, None)
        self.setAccessibleName(tr("Alignment of all mirrors"))
        self.setAccessibleDescription(tr("Rows are mirrors, columns are environments. Space ticks the mirror."))
        self.setModel(model)
        self.delegate = CellDelegate(theme, icons, self, model)
        self.setItemDelegate(self.delegate)
        self.mirrors = MirrorHeader(model, theme, self)
        self.setVerticalHeader(self.mirrors)
        self.environments = EnvironmentHeader(model, theme, icons, self)
        self.setHorizontalHeader(self.environments)
        self.corner = CornerTick(model, theme, self)
        self.setCornerButtonEnabled(False)
        self._set_up()
        self._fit_rows()
        theme.changed.connect(self._fit_rows)
        model.modelAboutToBeReset.connect(self._keep)
        model.modelReset.connect(self._restore)
        model.ticks_changed.connect(self.viewport().update)
        self.selectionModel().currentChanged.connect(self._on_current)
        self.doubleClicked.connect(lambda _index: self.opened.emit())
        self.environments.sectionClicked.connect(self._sort)
        self.mirrors.chosen.connect(self._choose)
        self.mirrors.opened.connect(self._open_row)
        self.mirrors.ticked.connect(self._tick)

    def _set_up(self) -> None:
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.environments.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.environments.setStretchLastSection(True)

    # --- the cursor -----------------------------------------------------------------------------------------------

    def cursor_cell(self) -> Cell | None:
        """The cell that the cursor is in; of a way back the environment that it is said of, of several the last. None
        beside them."""
        index = self.currentIndex()
        if not self._valid(index):
            return None
        if self.grid.columns[index.column()].id == WAY_BACK:
            way = self.grid.way(index.row())
            return way.cells[-1] if way is not None else None
        return self.grid.cell(index.row(), index.column())

    def cursor_row(self) -> Row | None:
        """The mirror that the cursor is on, with all its cells."""
        index = self.currentIndex()
        return self.grid.row_at(index.row()) if self._valid(index) else None

    def cursor_mirror(self) -> str | None:
        """The id of the mirror that the cursor is on."""
        row = self.cursor_row()
        return row.application.id if row is not None else None

    def cursor_column(self) -> str:
        """The id of the column that the cursor is in."""
        index = self.currentIndex()
        return self.grid.columns[index.column()].id if self._valid(index) else ""

    def move_to(self, application_id: str, column_id: str = "") -> bool:
        """Put the cursor on a mirror and bring it into sight; False where the filter hides it."""
        place = self.grid.place_of(application_id)
        if place is None:
            return False
        column = self.grid.column_of(column_id)
        self.setCurrentIndex(self.grid.index(place, max(0, self.currentIndex().column()) if column is None else column))
        return True

    def next_attention(self, step: int) -> bool:
        """Go to the next cell that needs a person, or the one before; False where there is none."""
        index = self.currentIndex()
        found = self.grid.next_attention(index.row(), index.column(), step) if self._valid(index) else None
        if found is None:
            return False
        self.setCurrentIndex(self.grid.index(*found))
        return True

    def _valid(self, index: QModelIndex) -> bool:
        return index.isValid() and index.row() < self.grid.rowCount() and index.column() < self.grid.columnCount()

    def _choose(self, row: int) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.setCurrentIndex(self.grid.index(row, max(0, self.currentIndex().column())))

    def _open_row(self, row: int) -> None:
        self._choose(row)
        self.opened.emit()

    def _tick(self, row: int, reach: bool) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if reach:
            self.grid.tick_range(row)
        else:
            self.grid.toggle(row)

    def _sort(self, section: int) -> None:
        name = self.grid.columns[section].id
        match self.grid.sorted_by:
            case (current, False) if current == name:
                self.grid.sort_by(name, turned=True)
            case (current, True) if current == name:
                self.grid.sort_by("")
            case _:
                self.grid.sort_by(name)

    def _on_current(self, index: QModelIndex, before: QModelIndex) -> None:
        for row in {index.row(), before.row()}:
            self.mirrors.viewport().update()
            if row >= 0:
                self.viewport().update()
        self.moved.emit()

    # --- keeping the place ------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        top = self.rowAt(0)
        top_id = self.grid.row_at(top).application.id if 0 <= top < self.grid.rowCount() else None
        self._kept = (self.cursor_mirror() or self._kept[0], self.cursor_column() or self._kept[1], top_id)

    def _restore(self) -> None:
        cursor, column_id, top_id = self._kept
        self._fit_columns()
        if not self.grid.rowCount() or not self.grid.columnCount():
            self.moved.emit()
            return
        place = self.grid.place_of(cursor) if cursor else None
        column = self.grid.column_of(column_id) if column_id else None
        if column is None:
            column = next((at for at, one in reversed(list(enumerate(self.grid.columns))) if one.environment), 0)
        # What is in sight stays in sight: the cursor comes back without scrolling to it.
        automatic = self.hasAutoScroll()
        self.setAutoScroll(False)
        self.setCurrentIndex(self.grid.index(place or 0, column))
        self.setAutoScroll(automatic)
        top = self.grid.place_of(top_id) if top_id else None
        self.verticalScrollBar().setValue(top or 0)

    # --- measures -------------------------------------------------------------------------------------------------

    def _fit_rows(self) -> None:
        self.mirrors.setDefaultSectionSize(ROW_HEIGHTS[self._theme.density])
        self.viewport().update()
        self.mirrors.viewport().update()
        self.environments.viewport().update()

    def _fit_columns(self) -> None:
        rows = self.grid.grid.rows if self.grid.grid else ()
        self.mirrors.fit(rows)
        environments = [at for at, column in enumerate(self.grid.columns) if column.environment]
        room = self.viewport().width() - ENVIRONMENT_WIDTH * len(environments)
        # What stands beside the environments gives way to them; the detail panel tells it too.
        # One that a person asked for comes first, and stays.
        widths = [(name, place) for name, place in WIDTHS.items() if self.grid.column_of(name) is not None]
        kept = [name for name, place in widths if (room := room - place) >= 0 or name == WAY_BACK]
        others = sum(WIDTHS[column.id] for column in self.grid.columns if column.id in kept)
        each = (self.viewport().width() - others) // max(1, len(environments))
        shown = [column.environment or column.id in kept for column in self.grid.columns]
        last = max((at for at, there in enumerate(shown) if there), default=-1)
        for at, column in enumerate(self.grid.columns):
            if self.isColumnHidden(at) is shown[at]:
                self.setColumnHidden(at, not shown[at])
            width = max(ENVIRONMENT_WIDTH, min(WIDEST, each)) if column.environment else WIDTHS[column.id]
            # The last one takes the room that is left: given a width it would be stretched and painted once more.
            if shown[at] and at != last and self.columnWidth(at) != width:
                self.setColumnWidth(at, width)

    def updateGeometries(self) -> None:
        """The corner is where both headers meet."""
        super().updateGeometries()
        if hasattr(self, "corner"):
            frame = self.frameWidth()
            self.corner.setGeometry(frame, frame, self.mirrors.width(), self.environments.height())
            self.corner.raise_()

    def resizeEvent(self, event: Any) -> None:
        """Environments share the room."""
        super().resizeEvent(event)
        self._fit_columns()

    # --- mouse and keys -------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The row under the pointer is told apart."""
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(int(event.position().y())))

    def leaveEvent(self, event: QEvent) -> None:
        """No row is under the pointer."""
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self.delegate.hovered_row:
            self.delegate.hovered_row = row
            self.mirrors.hovered_row = row
            self.viewport().update()
            self.mirrors.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """By mouse at the pointer, by keyboard at the cursor."""
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            at = self.visualRect(self.currentIndex()).bottomLeft()
        else:
            at = event.pos()
            index = self.indexAt(at)
            if index.isValid():
                self.setCurrentIndex(index)
        self.menu_wanted.emit(self.viewport().mapToGlobal(at))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The ring of the cursor is strong while keys go here."""
        super().focusInEvent(event)
        self.viewport().update()

    def keyboardSearch(self, search: str) -> None:
        """Letters are keys of the grid, not a search in it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The grid's own keys; what it doesn't know moves the cursor."""
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        index = self.currentIndex()
        there = self._valid(index)
        match (event.key(), held):
            case (Qt.Key.Key_Space, mods) if mods == _PLAIN and there:
                self.grid.toggle(index.row())
            case (Qt.Key.Key_Space, mods) if mods == _SHIFT and there:
                self.grid.tick_range(index.row())
            case (Qt.Key.Key_Return | Qt.Key.Key_Enter, mods) if mods == _PLAIN:
                self.opened.emit()
            case (Qt.Key.Key_N, mods) if mods in (_PLAIN, _SHIFT):
                self.asked.emit("grid.previous_attention" if mods == _SHIFT else "grid.next_attention")
            case (Qt.Key.Key_Slash, _):
                self.asked.emit("grid.search")
            case (Qt.Key.Key_R, mods) if mods == _PLAIN:
                self.asked.emit("grid.check_this")
            case (Qt.Key.Key_Escape, _):
                self.asked.emit("grid.back_out")
            case (Qt.Key.Key_BracketLeft, _) if there:
                self._step_environment(-1)
            case (Qt.Key.Key_BracketRight, _) if there:
                self._step_environment(1)
            case _:
                super().keyPressEvent(event)

    def _step_environment(self, step: int) -> None:
        index = self.currentIndex()
        places = [at for at, column in enumerate(self.grid.columns) if column.environment]
        ahead = [at for at in places if (at - index.column()) * step > 0]
        if ahead:
            self.setCurrentIndex(self.grid.index(index.row(), ahead[0] if step > 0 else ahead[-1]))
