"""The top of the alignment page's grid: environments with their outcome, and the corner that ticks what is shown."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygon
from PySide6.QtWidgets import QAbstractButton, QHeaderView, QTableView, QWidget

from mirror_console.domain.status import Status
from mirror_console.ui.grid.columns import WAY_BACK
from mirror_console.ui.grid.mirror_header import NAME_AT, TICK_AT
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.icons import Icons
from mirror_console.ui.theme import ThemeService, semibold, small, tabular
from mirror_console.ui.tokens import SPACE_1, SPACE_2, TARGET
from mirror_console.ui.widgets.shares import draw_shares
from mirror_console.ui.widgets.text import plain_tip
from mirror_console.ui.widgets.tick import TICK, draw_tick
from mirror_console.ui.words import count, tr

TOP_HEIGHT = 48
STRIPE = 3
BAR = 4
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)


class EnvironmentHeader(QHeaderView):
    """The columns: an environment's name, what is expected there, and how many mirrors are in which state."""

    def __init__(self, model: GridModel, theme: ThemeService, icons: Icons, view: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, view)
        self._grid = model
        self._theme = theme
        self._icons = icons
        self._said: dict[str, tuple[str, bool, dict[Status, int]]] = {}
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(80)
        self._made_for = ""
        _, size, _, little_size = self._fonts()
        self._name_height = max(20, size.height())
        self._words_height = max(16, little_size.height())
        self.setFixedHeight(max(TOP_HEIGHT, 4 + self._name_height + self._words_height + BAR + 4))
        self.setAccessibleName(tr("Columns"))
        for signal in (model.modelReset, model.dataChanged):
            signal.connect(self._forget)
        model.headerDataChanged.connect(self.viewport().update)

    def _forget(self) -> None:
        self._said.clear()
        self.viewport().update()

    def paintSection(self, painter: QPainter, rect: QRect, logical: int) -> None:
        """Stripe, name, expectation and outcome."""
        if logical >= len(self._grid.columns):
            return
        colours, (font, size, little, little_size) = self._theme.colours, self._fonts()
        column = self._grid.columns[logical]
        painter.fillRect(rect, QColor(colours.window))
        painter.setFont(font)
        painter.setPen(QColor(colours.text if column.environment else colours.muted))
        left = rect.left() + SPACE_2
        sorted_by = self._grid.sorted_by
        if column.environment:
            expected, protected, counts = self.said(column.id)
            if protected:
                painter.fillRect(QRect(rect.left() + 1, rect.top(), rect.width() - 2, STRIPE), QColor(colours.accent))
                lock = self._icons.pixmap("lock", 12, self.devicePixelRatioF(), "muted")
                painter.drawPixmap(left, rect.top() + 10, lock)
                left += 12 + SPACE_1
            line = QRect(left, rect.top() + 6, rect.right() - left - 16, self._name_height)
            painter.drawText(line, _LEFT, size.elidedText(column.title, _ELIDE, line.width()))
            painter.setFont(little)
            painter.setPen(QColor(colours.muted))
            top = rect.top() + 4 + self._name_height
            below = QRect(rect.left() + SPACE_2, top, rect.width() - 2 * SPACE_2, self._words_height)
            painter.drawText(below, _LEFT, little_size.elidedText(expected, _ELIDE, below.width()))
            bar = QRect(rect.left() + 1, rect.bottom() - BAR, rect.width() - 2, BAR)
            draw_shares(painter, bar, counts, colours)
        else:
            line = rect.adjusted(SPACE_2, 0, -SPACE_2, 0)
            note = self._grid.ways_note if column.id == WAY_BACK else ""
            if note:
                line = QRect(line.left(), rect.top() + 6, line.width(), self._name_height)
                below = QRect(line.left(), rect.top() + 4 + self._name_height, line.width(), self._words_height)
                painter.setFont(little)
                painter.drawText(below, _LEFT, little_size.elidedText(note, _ELIDE, below.width()))
                painter.setFont(font)
            painter.drawText(line, _LEFT, size.elidedText(column.title, _ELIDE, line.width()))
        if sorted_by and sorted_by[0] == column.id:
            self._arrow(painter, rect, turned=sorted_by[1])
        painter.setPen(QColor(colours.hairline))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())

    def _fonts(self) -> tuple[QFont, QFontMetrics, QFont, QFontMetrics]:
        font = self.font()
        if self._made_for != font.key():
            strong, little = semibold(font), tabular(small(font))
            self._made = (strong, QFontMetrics(strong), little, QFontMetrics(little))
            self._made_for = font.key()
        return self._made

    def said(self, name: str) -> tuple[str, bool, dict[Status, int]]:
        """What is expected in an environment, whether it is protected, and its states; of the mirrors shown."""
        if name not in self._said:
            titles = self._grid.expected(name)
            words = f"→ {titles[0]}" if len(titles) == 1 else ""
            if len(titles) > 1:
                words = count(len(titles), "version", "versions") + " " + tr("expected")
            self._said[name] = (words, self._grid.protected(name), self._grid.counts(name))
        return self._said[name]

    def _arrow(self, painter: QPainter, rect: QRect, *, turned: bool) -> None:
        x, y = rect.right() - 16, rect.top() + 13
        points = [QPoint(x, y), QPoint(x + 8, y), QPoint(x + 4, y + 5)]
        if turned:
            points = [QPoint(x, y + 5), QPoint(x + 8, y + 5), QPoint(x + 4, y)]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colours.accent))
        painter.drawPolygon(QPolygon(points))
        painter.restore()


_ELIDE = Qt.TextElideMode.ElideRight


class CornerTick(QAbstractButton):
    """The corner of the grid: a tick for every mirror that is shown."""

    def __init__(self, model: GridModel, theme: ThemeService, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumSize(TARGET, TARGET)
        self.clicked.connect(self._click)
        for signal in (model.ticks_changed, model.modelReset, theme.changed):
            signal.connect(self._look)
        self._look()

    def check_state(self) -> Qt.CheckState:
        """None, some, or all of what is shown."""
        shown, ticked = self._model.rowCount(), self._model.shown_ticked
        if not ticked:
            return Qt.CheckState.Unchecked
        return Qt.CheckState.Checked if ticked == shown else Qt.CheckState.PartiallyChecked

    def _look(self) -> None:
        shown = count(self._model.rowCount(), "mirror", "mirrors")
        words = tr("{} of {} shown are ticked").format(self._model.shown_ticked, shown)
        if words != self.accessibleDescription():
            self._say(words)
        self.update()

    def _say(self, words: str) -> None:
        self.setAccessibleName(tr("Tick all that are shown"))
        self.setAccessibleDescription(words)
        self.setToolTip(plain_tip(f"{tr('Tick all that are shown')} (Ctrl+A)\n{words}"))

    def _click(self) -> None:
        if self.check_state() is Qt.CheckState.Checked:
            self._model.untick_shown()
        else:
            self._model.tick_shown()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tick and title."""
        colours = self._theme.colours
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colours.window))
        tick = QRect(TICK_AT, self.rect().center().y() - TICK // 2, TICK, TICK)
        draw_tick(painter, tick, colours, self.check_state())
        painter.setFont(semibold(self.font()))
        painter.setPen(QColor(colours.muted))
        painter.drawText(self.rect().adjusted(NAME_AT, 0, 0, 0), _LEFT, tr("Mirror"))
        painter.setPen(QColor(colours.hairline))
        painter.drawLine(self.rect().bottomLeft(), self.rect().bottomRight())
        painter.drawLine(self.rect().topRight(), self.rect().bottomRight())
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.focus), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
        painter.end()
