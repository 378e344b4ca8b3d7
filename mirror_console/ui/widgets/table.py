"""A table of anything: declared columns, rows known by a key, and a view that keeps its place when they change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from mirror_console.ui.glyphs import Shape, Sign, glyph
from mirror_console.ui.theme import ThemeService, monospace, semibold, tabular
from mirror_console.ui.tokens import GLYPH, ROW_HEIGHTS, SPACE_2
from mirror_console.ui.widgets.column_widths import SAMPLE, ColumnWidths
from mirror_console.ui.widgets.text import plain_tip

R = TypeVar("R")
Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column: what it says of a row, and how.

    `order` gives what is sorted by; the text itself where it is missing. `status` puts the glyph of a state
    or a sign before the text.
    """

    id: str
    title: str
    text: Callable[[R], str]
    width: int = 160
    order: Callable[[R], Any] | None = None
    status: Callable[[R], Shape | None] | None = None
    tip: Callable[[R], str] | None = None
    muted: bool = False
    strong: bool = False
    mono: bool = False
    right: bool = False
    stretch: bool = False
    """Whether it takes the room that is left over."""
    spare: bool = False
    """Whether it is left out where others would be shortened for it: what it says stands in the details too."""


class Table(QAbstractTableModel, Generic[R]):
    """Rows of one kind. `show` takes a new list: what stayed keeps its place, its cursor and its ticks."""

    def __init__(self, columns: Sequence[Column[R]], key: Callable[[R], Hashable]) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self._key = key
        self._given: list[R] = []
        self._rows: list[R] = []
        self._places: dict[Hashable, int] = {}
        self._sorted_by: tuple[int, Qt.SortOrder] | None = None

    def show(self, rows: Sequence[R]) -> None:
        """Show these rows. Where they are the same ones in the same order, only what changed is painted again.

        Where they are the same ones in another order, a view stays where it was scrolled to.
        """
        self._given = list(rows)
        ordered = self._in_order(self._given)
        keys = [self._key(row) for row in ordered]
        places = {key: place for place, key in enumerate(keys)}
        if len(ordered) != len(self._rows) or places.keys() != self._places.keys():
            self.beginResetModel()
            self._rows, self._places = ordered, places
            self.endResetModel()
        elif places != self._places:
            self._move(ordered, places)
        else:
            changed = [place for place, row in enumerate(ordered) if row != self._rows[place]]
            self._rows = ordered
            for first, last in blocks(changed):
                self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))

    def _move(self, rows: list[R], places: dict[Hashable, int]) -> None:
        """Put the rows that are shown into another order; cursor and selection go with theirs."""
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        keys = [self.key(index.row()) for index in held]
        self._rows, self._places = rows, places
        moved = [self.index(places[key], index.column()) for key, index in zip(keys, held, strict=True)]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def repaint_all(self) -> None:
        """Say that texts may have changed though the rows didn't: ages, for one."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(self.columns) - 1))

    @property
    def rows(self) -> tuple[R, ...]:
        """All rows in the order in which they are shown."""
        return tuple(self._rows)

    def row(self, place: int) -> R:
        """The row at a place. Raises IndexError."""
        return self._rows[place]

    def key(self, place: int) -> Hashable:
        """The key of the row at a place."""
        return self._key(self._rows[place])

    def place(self, key: Hashable) -> int | None:
        """Where the row with a key is now; None where there is none."""
        return self._places.get(key)

    # --- what Qt asks ---------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """How many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """How many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says."""
        if role not in _ROLES or not index.isValid():
            return None
        column, row = self.columns[index.column()], self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(column.tip(row) if column.tip else column.text(row))
        said = column.text(row)
        state = column.status(row) if column.status else None
        return f"{column.title}: {state}, {said}" if state and state not in said else f"{column.title}: {said}"

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The titles of the columns."""
        if orientation is Qt.Orientation.Horizontal and 0 <= section < len(self.columns):
            if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole}:
                return self.columns[section].title
            if role == Qt.ItemDataRole.TextAlignmentRole:
                right = self.columns[section].right
                side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column from now on; -1 leaves the order in which rows are given."""
        self._sorted_by = (column, order) if 0 <= column < len(self.columns) else None
        self.beginResetModel()
        self._rows = self._in_order(self._given)
        self._places = {self._key(row): place for place, row in enumerate(self._rows)}
        self.endResetModel()

    def _in_order(self, rows: list[R]) -> list[R]:
        if self._sorted_by is None:
            return list(rows)
        place, order = self._sorted_by
        column = self.columns[place]
        if column.order is not None:
            by: Callable[[R], Any] = column.order
        else:
            by = lambda row: column.text(row).casefold()  # noqa: E731 - one of two functions
        return sorted(rows, key=by, reverse=order is Qt.SortOrder.DescendingOrder)


_ROLES = frozenset(
    {
        int(Qt.ItemDataRole.DisplayRole),
        int(Qt.ItemDataRole.TextAlignmentRole),
        int(Qt.ItemDataRole.ToolTipRole),
        int(Qt.ItemDataRole.AccessibleTextRole),
    }
)


def blocks(places: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending places as runs: ``[1, 2, 3, 7]`` becomes ``[(1, 3), (7, 7)]``."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


@dataclass(slots=True)
class _Look:
    """What the delegate needs, made once for each theme."""

    body: QFont
    strong: QFont
    mono: QFont
    text: QColor
    muted: QColor
    colours: Mapping[Shape, str] = field(default_factory=dict)


class TableDelegate(QStyledItemDelegate):
    """Paints a cell: glyph and text, the text as plain text and shortened at its end."""

    def __init__(self, theme: ThemeService, parent: QTableView) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table = parent
        self._made: _Look | None = None
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._made = None

    def _look(self) -> _Look:
        if self._made is None:
            colours, font = self._theme.colours, tabular(self._table.font())
            self._made = _Look(
                font,
                semibold(font),
                monospace(font),
                QColor(colours.text),
                QColor(colours.muted),
                # A sign is no state: it has the colour of the words beside it.
                {**{status: painted.glyph for status, painted in colours.status.items()}, Sign.BACK: colours.text},
            )
        return self._made

    def font(self, column: Column[Any]) -> QFont:
        """What the texts of a column are written in."""
        look = self._look()
        return look.mono if column.mono else look.strong if column.strong else look.body

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Background by the style, the rest by hand."""
        look = self._look()
        model: Any = index.model()
        column: Column[Any] = model.columns[index.column()]
        row = model.row(index.row())
        state = QStyle.StateFlag
        if option.state & state.State_Selected:
            painter.fillRect(option.rect, option.palette.brush(QPalette.ColorRole.Highlight))
        place = option.rect.adjusted(SPACE_2, 0, -SPACE_2, 0)
        status = column.status(row) if column.status else None
        if status is not None:
            dpr = painter.device().devicePixelRatioF()
            made = glyph(status, GLYPH, dpr, look.colours[status])
            painter.drawPixmap(place.left(), place.center().y() - GLYPH // 2 + 1, made)
            place.setLeft(place.left() + GLYPH + SPACE_2)
        painter.setFont(self.font(column))
        painter.setPen(look.muted if column.muted else look.text)
        text = painter.fontMetrics().elidedText(
            " ".join(column.text(row).split()), Qt.TextElideMode.ElideRight, place.width()
        )
        side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(place, int(side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), text)
        if option.state & state.State_HasFocus and self._table.hasFocus():
            pen = painter.pen()
            pen.setColor(QColor(self._theme.colours.focus))
            pen.setWidth(2)
            painter.setPen(pen)
            painter.drawRect(option.rect.adjusted(1, 1, -2, -2))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Rows have a fixed height."""
        return QSize(80, ROW_HEIGHTS[self._theme.density])


class TableView(QTableView):
    """Shows a Table. The cursor, the selection and the scroll position stay where they are by key.

    `opened` carries the key of the row on which Enter was pressed or that was double-clicked; `cursor_changed` the key
    of the row that the cursor is in, None without one.
    """

    opened = Signal(object)
    cursor_changed = Signal(object)

    def __init__(self, model: Table[Any], theme: ThemeService, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = model
        self._theme = theme
        self._kept: tuple[Hashable | None, int, Hashable | None] = (None, 0, None)
        self._advances: dict[int, dict[str, int]] = {}
        """How long the texts are that were measured last, by column: to shape a text is what takes long."""
        self.setAccessibleName(name)
        self.setModel(model)
        self._delegate = TableDelegate(theme, self)
        self.setItemDelegate(self._delegate)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSortingEnabled(True)
        self.setCornerButtonEnabled(False)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setMinimumSectionSize(48)
        for place, column in enumerate(model.columns):
            self.setColumnWidth(place, column.width)
            if column.stretch:
                header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        self._widths = ColumnWidths(self, self._needed, lambda place: model.columns[place].spare)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._fit_rows()
        theme.changed.connect(self._fit_rows)
        theme.changed.connect(self._advances.clear)
        model.modelAboutToBeReset.connect(self._keep)
        model.modelReset.connect(self._restore)
        model.modelReset.connect(self._widths.fit)
        model.dataChanged.connect(lambda *_where: self._widths.fit_soon())
        model.layoutChanged.connect(self._widths.fit_soon)
        self.selectionModel().currentChanged.connect(self._moved)
        self.doubleClicked.connect(lambda index: self.opened.emit(model.key(index.row())))

    def current_key(self) -> Hashable | None:
        """The key of the row that the cursor is in."""
        index = self.currentIndex()
        return self.table.key(index.row()) if index.isValid() and index.row() < self.table.rowCount() else None

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row with a key, and bring it into sight. False where there is none."""
        place = self.table.place(key)
        if place is None:
            return False
        self.setCurrentIndex(self.table.index(place, max(0, self.currentIndex().column())))
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the row."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers() & ~_KEYPAD:
            key = self.current_key()
            if key is not None:
                self.opened.emit(key)
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room lets more be read."""
        super().resizeEvent(event)
        self._widths.fit()

    def showEvent(self, event: QShowEvent) -> None:
        """As long as nobody sees it, its texts aren't measured."""
        super().showEvent(event)
        self._widths.fit()

    def _needed(self, place: int) -> tuple[int, int]:
        """The declared width of a column, and what the texts in it take."""
        column, rows = self.table.columns[place], self.table.rows[:SAMPLE]
        metrics, known = QFontMetrics(self._delegate.font(column)), self._advances.get(place, {})
        texts = {" ".join(column.text(row).split()) for row in rows}
        advances = {text: known[text] if text in known else metrics.horizontalAdvance(text) for text in texts}
        self._advances[place] = advances
        longest = max(advances.values(), default=0)
        beside = 2 * SPACE_2 + (GLYPH + SPACE_2 if column.status else 0)
        # An advance is rounded, and what is a pixel too long is shortened.
        return column.width, longest + beside + 1

    def _fit_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHTS[self._theme.density])
        self.viewport().update()

    def _keep(self) -> None:
        top = self.rowAt(0)
        top_key = self.table.key(top) if 0 <= top < self.table.rowCount() else None
        self._kept = (self.current_key(), max(0, self.currentIndex().column()), top_key)

    def _restore(self) -> None:
        key, column, top_key = self._kept
        place = self.table.place(key) if key is not None else None
        if place is None and self.table.rowCount():
            place = 0 if key is None else min(self.table.rowCount() - 1, 0)
        if place is not None:
            # The cursor comes back without scrolling to it: what is in sight stays in sight.
            automatic = self.hasAutoScroll()
            self.setAutoScroll(False)
            self.setCurrentIndex(self.table.index(place, min(column, len(self.table.columns) - 1)))
            self.setAutoScroll(automatic)
        top = self.table.place(top_key) if top_key is not None else None
        if top is not None:
            self.verticalScrollBar().setValue(top)
        if place is None or (key is not None and self.table.place(key) is None):
            self.cursor_changed.emit(self.current_key())

    def _moved(self, index: QModelIndex, before: QModelIndex) -> None:
        if index.row() != before.row() or not before.isValid():
            self.cursor_changed.emit(self.current_key())


_KEYPAD = Qt.KeyboardModifier.KeypadModifier
