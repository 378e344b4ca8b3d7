"""Paints the cells of the alignment page: edge bar, glyph, version, muted words, badges and age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTableView

from mirror_console.domain.status import Status
from mirror_console.domain.verdict import Badge
from mirror_console.domain.way_back import WayBack
from mirror_console.domain.ways_back import WORST_FIRST
from mirror_console.ui.glyphs import glyph
from mirror_console.ui.grid.columns import WAY_BACK
from mirror_console.ui.grid.face import Face
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.grid.ways_shown import ICONS, WayFace, face_of_way
from mirror_console.ui.icons import Icons
from mirror_console.ui.theme import ThemeService, semibold, small, tabular
from mirror_console.ui.tokens import EDGE_BAR, GLYPH, ROW_HEIGHTS, SPACE_1, SPACE_2, Colours

Index = QModelIndex | QPersistentModelIndex

GLYPH_AT = 10
TEXT_AT = GLYPH_AT + GLYPH + SPACE_2
BADGE = 14
BADGE_ICONS = {Badge.HELD: "pin", Badge.PENDING: "pencil"}
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)


@dataclass(slots=True)
class Paints:
    """Everything a cell is painted with, made once for a theme, a font and a resolution."""

    colours: Colours
    plain: QFont
    strong: QFont
    little: QFont
    plain_size: QFontMetrics
    strong_size: QFontMetrics
    little_size: QFontMetrics
    text: QColor
    muted: QColor
    base: QColor
    hover: QColor
    ticked: QColor
    hairline: QPen
    focus: QPen
    faint_focus: QPen
    tints: dict[Status, QColor]
    edges: dict[Status, QColor]
    glyphs: dict[Status, QPixmap]
    hatch: QBrush
    badges: dict[Badge, QPixmap]
    ways: dict[WayBack | None, QPixmap]


class CellDelegate(QStyledItemDelegate):
    """Paints one cell. It only reads the model."""

    def __init__(self, theme: ThemeService, icons: Icons, view: QTableView, model: GridModel) -> None:
        super().__init__(view)
        self._theme = theme
        self._icons = icons
        self._view = view
        self._model = model
        self._made: Paints | None = None
        self._made_for: tuple[float, str] = (0.0, "")
        self._shortened: dict[tuple[str, int, bool], str] = {}
        self.hovered_row = -1
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._made = None
        self._shortened.clear()

    def paints(self, dpr: float) -> Paints:
        """The paints in force."""
        made_for = (dpr, self._view.font().key())
        if self._made is None or self._made_for != made_for:
            self._made = _paints(self._theme.colours, self._view.font(), self._icons, dpr)
            self._made_for = made_for
            self._shortened.clear()
        return self._made

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Fill, then what the column says, then the ring of the cursor."""
        paints = self.paints(self._view.devicePixelRatioF())
        place, column = index.row(), index.column()
        rect: QRect = option.rect
        ticked = self._model.is_ticked(self._model.row_at(place).application.id)
        if ticked:
            painter.fillRect(rect, paints.ticked)
        elif place == self.hovered_row:
            painter.fillRect(rect, paints.hover)
        if self._model.columns[column].environment:
            face = self._model.face(place, column)
            if face is None:
                self._nothing(painter, rect, paints)
            else:
                self._cell(painter, rect, face, paints, ticked=ticked)
        elif self._model.columns[column].id == WAY_BACK and (way := self._model.way(place)) is not None:
            self._way(painter, rect, face_of_way(way, self._model.now), paints)
        else:
            painter.setFont(paints.plain)
            painter.setPen(paints.muted)
            text = self._short(self._model.text(place, column), rect.width() - 2 * SPACE_2, paints, strong=False)
            painter.drawText(rect.adjusted(SPACE_2, 0, -SPACE_2, 0), _LEFT, text)
        painter.setPen(paints.hairline)
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        if self._view.currentIndex() == index:
            painter.setPen(paints.focus if self._view.hasFocus() else paints.faint_focus)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect.adjusted(1, 1, -2, -2))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Rows have a fixed height."""
        return QSize(180, ROW_HEIGHTS[self._theme.density])

    def _nothing(self, painter: QPainter, rect: QRect, paints: Paints) -> None:
        mark = paints.glyphs[Status.NOT_APPLICABLE]
        painter.drawPixmap(rect.left() + GLYPH_AT, rect.center().y() - GLYPH // 2 + 1, mark)

    def _cell(self, painter: QPainter, rect: QRect, face: Face, paints: Paints, *, ticked: bool) -> None:
        tint = paints.tints.get(face.status)
        if tint is not None and not ticked:
            painter.fillRect(rect.adjusted(1, 1, -1, -2), tint)
        if face.status is Status.NOT_CHECKED:
            painter.fillRect(rect.adjusted(1, 1, -1, -2), paints.hatch)
        if face.loud:
            bar = QRect(rect.left() + 1, rect.top() + 1, EDGE_BAR, rect.height() - 3)
            painter.fillRect(bar, paints.edges[face.status])
        painter.drawPixmap(rect.left() + GLYPH_AT, rect.center().y() - GLYPH // 2, paints.glyphs[face.status])
        right = self._badges(painter, rect, face.age, face.badges, paints)
        self._words(painter, rect, right, (face.first, face.second), paints, loud=face.loud)

    def _way(self, painter: QPainter, rect: QRect, face: WayFace, paints: Paints) -> None:
        if face.old:
            # As of an environment that wasn't seen for long: it is only what was known last.
            painter.fillRect(rect.adjusted(1, 1, -1, -2), paints.hatch)
        mark = paints.ways[face.way_back]
        painter.drawPixmap(rect.left() + GLYPH_AT, rect.center().y() - GLYPH // 2, mark)
        right = self._badges(painter, rect, face.age, (), paints)
        self._words(painter, rect, right, (face.word, face.where), paints, loud=face.loud)

    def _words(
        self, painter: QPainter, rect: QRect, right: int, texts: tuple[str, str], paints: Paints, *, loud: bool
    ) -> None:
        left = rect.left() + TEXT_AT
        size = paints.strong_size if loud else paints.plain_size
        first = self._short(texts[0], right - left, paints, strong=loud)
        painter.setFont(paints.strong if loud else paints.plain)
        painter.setPen(paints.text)
        painter.drawText(QRect(left, rect.top(), right - left, rect.height() - 1), _LEFT, first)
        left += size.horizontalAdvance(first) + SPACE_2
        if texts[1] and right - left > 24:
            painter.setFont(paints.plain)
            painter.setPen(paints.muted)
            second = self._short(texts[1], right - left, paints, strong=False)
            painter.drawText(QRect(left, rect.top(), right - left, rect.height() - 1), _LEFT, second)

    def _badges(self, painter: QPainter, rect: QRect, age: str, badges: Sequence[Badge], paints: Paints) -> int:
        right = rect.right() - SPACE_2
        if age:
            width = paints.little_size.horizontalAdvance(age)
            painter.setFont(paints.little)
            painter.setPen(paints.muted)
            painter.drawText(QRect(right - width, rect.top(), width, rect.height() - 1), _RIGHT, age)
            right -= width + SPACE_1
        for badge in badges:
            painter.drawPixmap(right - BADGE, rect.center().y() - BADGE // 2, paints.badges[badge])
            right -= BADGE + SPACE_1
        return right - SPACE_1 if right != rect.right() - SPACE_2 else right

    def _short(self, text: str, width: int, paints: Paints, *, strong: bool) -> str:
        key = (text, width, strong)
        shortened = self._shortened.get(key)
        if shortened is None:
            size = paints.strong_size if strong else paints.plain_size
            # Line ends would be drawn; whatever an engine says stays on its line.
            shortened = size.elidedText(" ".join(text.split()), Qt.TextElideMode.ElideRight, max(0, width))
            if len(self._shortened) > 4096:
                self._shortened.clear()
            self._shortened[key] = shortened
        return shortened


def _paints(colours: Colours, font: QFont, icons: Icons, dpr: float) -> Paints:
    plain = tabular(font)
    strong = semibold(plain)
    little = tabular(small(font))
    focus = QPen(QColor(colours.focus), 2)
    focus.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    hatch = QColor(colours.status[Status.NOT_CHECKED].map)
    hatch.setAlpha(110)
    nothing = glyph(Status.NOT_APPLICABLE, GLYPH, dpr, colours.status[Status.NOT_APPLICABLE].glyph)
    ways = {way_back: icons.pixmap(name, GLYPH, dpr, shade) for way_back, (name, shade) in ICONS.items()}
    return Paints(
        colours=colours,
        plain=plain,
        strong=strong,
        little=little,
        plain_size=QFontMetrics(plain),
        strong_size=QFontMetrics(strong),
        little_size=QFontMetrics(little),
        text=QColor(colours.text),
        muted=QColor(colours.muted),
        base=QColor(colours.base),
        hover=QColor(colours.hover),
        ticked=QColor(colours.ticked),
        hairline=QPen(QColor(colours.hairline), 1),
        focus=focus,
        faint_focus=QPen(QColor(colours.border), 1),
        tints={status: QColor(painted.tint) for status, painted in colours.status.items() if painted.tint},
        edges={status: QColor(painted.glyph) for status, painted in colours.status.items()},
        glyphs={status: glyph(status, GLYPH, dpr, painted.glyph) for status, painted in colours.status.items()},
        hatch=QBrush(hatch, Qt.BrushStyle.BDiagPattern),
        badges={badge: icons.pixmap(name, BADGE, dpr, "muted") for badge, name in BADGE_ICONS.items()},
        ways={way_back: ways.get(way_back, nothing) for way_back in WORST_FIRST},
    )
