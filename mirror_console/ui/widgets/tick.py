"""Tick boxes that are seen on every ground: the style's own is nearly invisible in the dark."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QPolygon
from PySide6.QtWidgets import QCheckBox, QStyle, QStyleOptionButton

from mirror_console.ui.tokens import DARK, LIGHT, Colours

TICK = 16
"""The side of a tick box, in device-independent pixels."""


class TickBox(QCheckBox):
    """A check box that paints its box with the colours of the theme, and a ring around its words while keys go here."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Box, words, ring."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        style = self.style()
        colours = DARK if self.palette().window().color().lightness() < 128 else LIGHT
        place = style.subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        box = QRect(0, 0, TICK, TICK)
        box.moveCenter(place.center())
        words = style.subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, self)
        painter = QPainter(self)
        draw_tick(painter, box, colours, self.checkState(), enabled=self.isEnabled())
        option.rect = words
        style.drawControl(QStyle.ControlElement.CE_CheckBoxLabel, option, painter, self)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(colours.focus), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 4, 4)
        painter.end()


def draw_tick(painter: QPainter, rect: QRect, colours: Colours, state: Qt.CheckState, *, enabled: bool = True) -> None:
    """A tick box in `rect`, a square of `TICK`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    box = rect.adjusted(1, 1, -1, -1)
    filled = enabled and state is not Qt.CheckState.Unchecked
    painter.setPen(QPen(QColor(colours.accent if filled else colours.border), 1.4))
    painter.setBrush(QColor(colours.accent if filled else colours.base if enabled else colours.window))
    painter.drawRoundedRect(box, 3, 3)
    mark = QColor(colours.accent_text if enabled else colours.muted)
    painter.setPen(QPen(mark, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y = rect.left(), rect.top()
    if state is Qt.CheckState.Checked:
        painter.drawPolyline(QPolygon([QPoint(x + 4, y + 8), QPoint(x + 7, y + 11), QPoint(x + 12, y + 5)]))
    elif state is Qt.CheckState.PartiallyChecked:
        painter.drawLine(x + 4, y + 8, x + 12, y + 8)
    painter.restore()


def tick_pixmap(colours: Colours, state: Qt.CheckState, dpr: float) -> QPixmap:
    """A tick box on nothing, for those who paint very many."""
    made = QPixmap(round(TICK * dpr), round(TICK * dpr))
    made.setDevicePixelRatio(dpr)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    draw_tick(painter, QRect(0, 0, TICK, TICK), colours, state)
    painter.end()
    return made
