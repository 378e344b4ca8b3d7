"""The sticky column of the alignment page: each mirror's tick, name and account at the left of its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QLine, QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QStaticText,
    QTransform,
)
from PySide6.QtWidgets import QHeaderView, QTableView

from mirror_console.domain.application import Application
from mirror_console.domain.fleet import Row
from mirror_console.settings import Density
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.theme import ThemeService, semibold, small
from mirror_console.ui.tokens import ROW_HEIGHTS, SPACE_2, Colours
from mirror_console.ui.widgets.text import plain_tip
from mirror_console.ui.widgets.tick import TICK, tick_pixmap
from mirror_console.ui.words import tr

TICK_AT = SPACE_2
NAME_AT = TICK_AT + TICK + SPACE_2
NARROW = 900


@dataclass(frozen=True, slots=True)
class _Words:
    """What of a name and its account there is room for, laid out, and where, from the corner of the name's room."""

    name: QStaticText
    name_at: QPoint
    account: QStaticText | None
    account_at: QPoint


@dataclass(slots=True)
class _Paints:
    """Everything a mirror is painted with, made once for a theme, a font and a resolution."""

    plain: QFont
    strong: QFont
    little: QFont
    text: QColor
    muted: QColor
    base: QColor
    hover: QColor
    ticked: QColor
    hairline: QPen
    ticks: dict[bool, QPixmap]
    words: dict[tuple[str, str, int, int, bool, bool], _Words] = field(default_factory=dict)


class MirrorHeader(QHeaderView):
    """The sticky column: tick, name and account of each mirror.

    `ticked` carries the row whose tick was clicked and whether a range is meant; `chosen` the row of a clicked name.
    """

    ticked = Signal(int, bool)
    chosen = Signal(int)
    opened = Signal(int)

    def __init__(self, model: GridModel, theme: ThemeService, view: QTableView) -> None:
        super().__init__(Qt.Orientation.Vertical, view)
        self._grid = model
        self._theme = theme
        self._view = view
        self.hovered_row = -1
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(ROW_HEIGHTS[Density.COMPACT])
        self.setSectionsClickable(False)
        self.setHighlightSections(False)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setProperty("class", "paper")
        self.setAccessibleName(tr("Mirrors"))
        self._width = 240
        self._made: _Paints | None = None
        self._made_for: tuple[float, str] = (0.0, "")
        self._measured: tuple[Sequence[Row], str, int] = ((), "", 0)
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._made = None

    def fit(self, rows: Sequence[Row]) -> None:
        """Take the width of the names; of a sample where there are very many."""
        # A narrow window has more use for another environment than for accounts.
        account = 84 if self._view.width() > NARROW else 0
        width = max(160, min(320 if account else 208, self._widest(rows) + NAME_AT + SPACE_2 + account))
        if width != self._width or self.width() != width:
            self._width = width
            self.setFixedWidth(width)
            self.updateGeometry()

    def _widest(self, rows: Sequence[Row]) -> int:
        measured, font, widest = self._measured
        if measured is not rows or font != self.font().key():
            size = QFontMetrics(semibold(self.font()))
            step = max(1, len(rows) // 300)
            widest = max((size.horizontalAdvance(row.application.name) for row in rows[::step]), default=120)
            self._measured = (rows, self.font().key(), widest)
        return widest

    def sizeHint(self) -> QSize:
        """As wide as the names. Qt's own would ask hundreds of rows for theirs."""
        return QSize(self._width, ROW_HEIGHTS[self._theme.density])

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tick, name, account and line of the rows in sight, one kind of thing after the other.

        Asked for section by section, as Qt does by itself, they would take as long again.
        """
        paints, height, width = self._paints(), self.defaultSectionSize(), self.viewport().width()
        room = width - NAME_AT - SPACE_2
        here = self._view.currentIndex().row()
        first = max(0, self.logicalIndexAt(0))
        top = self.sectionViewportPosition(first)
        last = min(self._grid.rowCount(), first + (self.viewport().height() - top) // height + 1)
        painter = QPainter(self.viewport())
        painter.setFont(paints.plain)
        painter.setPen(paints.text)
        written = []
        for row in range(first, last):
            application = self._grid.row_at(row).application
            ticked = self._grid.is_ticked(application.id)
            ground = paints.ticked if ticked else paints.hover if row == self.hovered_row else paints.base
            painter.fillRect(0, top, width, height, ground)
            painter.drawPixmap(TICK_AT, top + (height - 1) // 2 - TICK // 2, paints.ticks[ticked])
            words = self._words(application, room, paints, here=row == here)
            written.append((top, words))
            if row == here:
                painter.setFont(paints.strong)
            painter.drawStaticText(words.name_at + QPoint(NAME_AT, top), words.name)
            if row == here:
                painter.setFont(paints.plain)
            top += height
        painter.setFont(paints.little)
        painter.setPen(paints.muted)
        for top, words in written:
            if words.account is not None:
                painter.drawStaticText(words.account_at + QPoint(NAME_AT, top), words.account)
        painter.setPen(paints.hairline)
        painter.drawLines([QLine(0, top + height - 1, width - 1, top + height - 1) for top, _ in written])
        if written:
            painter.drawLine(width - 1, written[0][0], width - 1, written[-1][0] + height - 1)
        painter.end()

    def _words(self, application: Application, room: int, paints: _Paints, *, here: bool) -> _Words:
        name, account, height = application.name, application.account, self.defaultSectionSize()
        tall = self._theme.density is Density.TALL and bool(account)
        key = (name, account, room, height, here, tall)
        words = paints.words.get(key)
        if words is None:
            if len(paints.words) > 4096:
                paints.words.clear()
            words = paints.words[key] = _fitted(name, account, QSize(room, height - 1), paints, here=here, tall=tall)
        return words

    def _paints(self) -> _Paints:
        made_for = (self.devicePixelRatioF(), self.font().key())
        if self._made is None or self._made_for != made_for:
            self._made = _paints(self._theme.colours, self.font(), made_for[0])
            self._made_for = made_for
        return self._made

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The tick, or the name."""
        row = self.logicalIndexAt(event.position().toPoint())
        if row < 0 or event.button() is not Qt.MouseButton.LeftButton:
            return
        if event.position().x() < NAME_AT:
            self.ticked.emit(row, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            self.chosen.emit(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two fast clicks on a tick are two clicks; on a name they open it."""
        if event.position().x() < NAME_AT:
            self.mousePressEvent(event)
        else:
            self.opened.emit(self.logicalIndexAt(event.position().toPoint()))

    def viewportEvent(self, event: QEvent) -> bool:
        """Names that are cut off are told whole."""
        if event.type() is QEvent.Type.ToolTip:
            place = event.pos()  # type: ignore[attr-defined]  # a QHelpEvent, by its type
            row = self.logicalIndexAt(place)
            if 0 <= row < self._grid.rowCount():
                application = self._grid.row_at(row).application
                lines = [application.name, application.account, *application.domains]
                self.setToolTip(plain_tip("\n".join(line for line in lines if line)))
        return bool(super().viewportEvent(event))


def _fitted(name: str, account: str, room: QSize, paints: _Paints, *, here: bool, tall: bool) -> _Words:
    font = paints.strong if here else paints.plain
    size, little = QFontMetrics(font), QFontMetrics(paints.little)
    width, height, middle = room.width(), room.height(), (room.height() - 1) // 2
    shown = size.elidedText(" ".join(name.split()), Qt.TextElideMode.ElideRight, width)
    if tall:
        below = little.elidedText(account, Qt.TextElideMode.ElideRight, width)
        return _Words(
            _laid_out(shown, font),
            QPoint(0, _middle(middle + 2, size)),
            _laid_out(below, paints.little),
            QPoint(0, middle + _middle(height - middle, little)),
        )
    at = size.horizontalAdvance(shown) + SPACE_2
    # Half an account is noise beside the name; in a line of its own it is worth its beginning.
    fits = little.horizontalAdvance(account) <= width - at
    return _Words(
        _laid_out(shown, font),
        QPoint(0, _middle(height, size)),
        _laid_out(account, paints.little) if account and fits else None,
        QPoint(at, _middle(height, little)),
    )


def _laid_out(text: str, font: QFont) -> QStaticText:
    """One line that is laid out once, and not each time that it is painted. Never read as markup."""
    made = QStaticText()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    made.prepare(QTransform(), font)
    return made


def _middle(height: int, size: QFontMetrics) -> int:
    """Where a line begins that stands in the middle of so much height."""
    return (height - size.height() + 1) // 2


def _paints(colours: Colours, font: QFont, dpr: float) -> _Paints:
    return _Paints(
        plain=font,
        strong=semibold(font),
        little=small(font),
        text=QColor(colours.text),
        muted=QColor(colours.muted),
        base=QColor(colours.base),
        hover=QColor(colours.hover),
        ticked=QColor(colours.ticked),
        hairline=QPen(QColor(colours.hairline)),
        ticks={
            False: tick_pixmap(colours, Qt.CheckState.Unchecked, dpr),
            True: tick_pixmap(colours, Qt.CheckState.Checked, dpr),
        },
    )
