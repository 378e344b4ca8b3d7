"""The rail: the pages of the window, at its left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QVBoxLayout, QWidget

from mirror_console.ui.icons import Icons
from mirror_console.ui.theme import ThemeService, semibold, small
from mirror_console.ui.tokens import RADIUS, RAIL_COLLAPSED, RAIL_WIDTH, SPACE_1, SPACE_2, SPACE_3, TOOL_HEIGHT
from mirror_console.ui.widgets.text import plain_tip
from mirror_console.ui.words import tr


@dataclass(frozen=True, slots=True)
class RailEntry:
    """A page in the rail."""

    id: str
    title: str
    icon: str
    keys: str


class RailButton(QAbstractButton):
    """One page: icon, title and, where there is something to tell, a badge."""

    def __init__(self, entry: RailEntry, theme: ThemeService, icons: Icons) -> None:
        super().__init__()
        self.entry = entry
        self._theme = theme
        self._icons = icons
        self._badge = ""
        self.collapsed = False
        self.setCheckable(True)
        self.setFixedHeight(TOOL_HEIGHT + 4)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._name()
        theme.changed.connect(self.update)

    def set_badge(self, badge: str) -> None:
        """Show a short text at the end; empty shows none."""
        self._badge = badge
        self._name()
        self.update()

    def set_collapsed(self, collapsed: bool) -> None:
        """Show the icon alone."""
        self.collapsed = collapsed
        self._name()
        self.update()

    def _name(self) -> None:
        title = tr(self.entry.title)
        self.setText(title)
        self.setAccessibleName(f"{title}, {self._badge}" if self._badge else title)
        self.setToolTip(plain_tip(f"{title} ({self.entry.keys})"))

    def sizeHint(self) -> QSize:
        """As wide as the rail."""
        return QSize(RAIL_COLLAPSED if self.collapsed else RAIL_WIDTH, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded ground where the page is open or the pointer is, then icon, title and badge."""
        colours = self._theme.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = self.rect().adjusted(SPACE_2, 2, -SPACE_2, -2)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(QColor(colours.accent_tint if self.isChecked() else colours.hover))
            painter.drawRoundedRect(ground, RADIUS, RADIUS)
        if self.isChecked():
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(QRect(ground.left(), ground.top() + 6, 3, ground.height() - 12), 1.5, 1.5)
        token = "accent" if self.isChecked() else "muted"
        icon = self._icons.pixmap(self.entry.icon, 18, self.devicePixelRatioF(), token)
        painter.drawPixmap(SPACE_2 + 7, self.rect().center().y() - 8, icon)
        if not self.collapsed:
            painter.setFont(semibold(self.font()) if self.isChecked() else self.font())
            painter.setPen(QColor(colours.text))
            words = ground.adjusted(18 + 7 + SPACE_3, 0, -SPACE_1, 0)
            painter.drawText(words, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self.text())
        if self._badge:
            self._draw_badge(painter, ground)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.focus), 2))
            painter.drawRoundedRect(ground, RADIUS, RADIUS)
        painter.end()

    def _draw_badge(self, painter: QPainter, ground: QRect) -> None:
        colours = self._theme.colours
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent))
        if self.collapsed:
            painter.drawEllipse(ground.right() - 8, ground.top() + 3, 8, 8)
            return
        font = semibold(small(self.font()))
        width = QFontMetrics(font).horizontalAdvance(self._badge) + 12
        pill = QRect(ground.right() - width - SPACE_1, ground.center().y() - 8, width, 18)
        painter.drawRoundedRect(pill, 9, 9)
        painter.setFont(font)
        painter.setPen(QColor(colours.accent_text))
        painter.drawText(pill, int(Qt.AlignmentFlag.AlignCenter), self._badge)


class Rail(QWidget):
    """All pages, one below the other. `chosen` carries the id of the one that was clicked."""

    chosen = Signal(str)

    def __init__(self, entries: Sequence[RailEntry], theme: ThemeService, icons: Icons) -> None:
        super().__init__()
        self.setProperty("class", "rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Pages"))
        self.collapsed = False
        self.buttons: dict[str, RailButton] = {}
        self._group = QButtonGroup(self)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, SPACE_3, 1, SPACE_3)
        box.setSpacing(2)
        for entry in entries:
            made = RailButton(entry, theme, icons)
            made.clicked.connect(lambda _on, which=entry.id: self.chosen.emit(which))
            self.buttons[entry.id] = made
            self._group.addButton(made)
            box.addWidget(made)
        box.addStretch(1)
        self.collapse(False)

    def show_page(self, page_id: str) -> None:
        """Mark the page that is open."""
        self.buttons[page_id].setChecked(True)

    def set_badge(self, page_id: str, badge: str) -> None:
        """Show a short text beside a page."""
        self.buttons[page_id].set_badge(badge)

    def collapse(self, collapsed: bool) -> None:
        """Show icons alone, or icons and titles."""
        self.collapsed = collapsed
        self.setFixedWidth(RAIL_COLLAPSED if collapsed else RAIL_WIDTH)
        for made in self.buttons.values():
            made.set_collapsed(collapsed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go from page to page."""
        several = list(self.buttons.values())
        focused = next((at for at, made in enumerate(several) if made.hasFocus()), None)
        if focused is not None and event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            several[(focused + step) % len(several)].setFocus(Qt.FocusReason.TabFocusReason)
            return
        super().keyPressEvent(event)
