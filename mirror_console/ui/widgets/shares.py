"""A bar with a part for each state: the picture of a summary and of a column's header."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter, QPen

from mirror_console.domain.status import SEVERITY, Status
from mirror_console.ui.tokens import Colours

LEAST = 3
"""The width of the smallest part, so that one among thousands is still seen."""


def draw_shares(painter: QPainter, rect: QRect, counts: Mapping[Status, int], colours: Colours) -> None:
    """A bar with a part for each state, worst first. The smallest part can still be seen."""
    total = sum(counts.values())
    if not total:
        return
    parts = [(status, counts[status]) for status in SEVERITY if counts.get(status)]
    left, room = rect.left(), rect.width()
    for place, (status, many) in enumerate(parts):
        last = place == len(parts) - 1
        width = rect.right() + 1 - left if last else max(LEAST, round(room * many / total))
        painter.fillRect(QRect(left, rect.top(), width, rect.height()), QColor(colours.status[status].map))
        if status is Status.NOT_CHECKED:
            pen = QColor(colours.status[status].glyph)
            painter.save()
            painter.setPen(QPen(pen, 1))
            painter.setClipRect(QRect(left, rect.top(), width, rect.height()))
            for x in range(left - rect.height(), left + width, 5):
                painter.drawLine(x, rect.bottom() + 1, x + rect.height(), rect.top())
            painter.restore()
        left += width
