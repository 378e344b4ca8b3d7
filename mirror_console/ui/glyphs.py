"""The glyphs of the states, and of what is no state: one shape for each, told apart without colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPainterPathStroker, QPixmap, QPolygonF

from mirror_console.domain.status import Status

BOX = 16.0
"""The side of the square that every path is drawn in."""


class Sign(StrEnum):
    """What is told of a target beside its states, and has a shape of its own."""

    BACK = "roll back"


Shape = Status | Sign


def glyph(status: Shape, size: int, dpr: float, colour: str) -> QPixmap:
    """The glyph of a state or a sign, `size` device-independent pixels high; painted once for each."""
    return _pixmap(status, size, round(dpr * 100), colour)


def glyph_icon(status: Shape, colour: str, size: int = 16, gap: int = 0) -> QIcon:
    """The glyph of a state for buttons and menus, sharp at every usual resolution.

    `gap` leaves room at its right: a button sets its words close to its icon, and has no other way to part them.
    """
    made = QIcon()
    for dpr in (1.0, 1.25, 1.5, 2.0):
        wide = QPixmap(round((size + gap) * dpr), round(size * dpr))
        wide.setDevicePixelRatio(dpr)
        wide.fill(Qt.GlobalColor.transparent)
        painter = QPainter(wide)
        painter.drawPixmap(0, 0, glyph(status, size, dpr, colour))
        painter.end()
        made.addPixmap(wide)
    return made


@cache
def path(status: Shape) -> QPainterPath:
    """The shape of a state or a sign in a square of 16 by 16, to be filled."""
    return _SHAPES[status]().simplified()


def svg(status: Status, colour: str = "currentColor") -> str:
    """The glyph of a state as an SVG document, for reports and help pages."""
    box = f"{BOX:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{box}" height="{box}" viewBox="0 0 {box} {box}">'
        f'<path fill="{colour}" fill-rule="evenodd" d="{_outline(path(status))}"/></svg>\n'
    )


def forget_pixmaps() -> None:
    """Drop every cached pixmap. Needed before the application goes: pixmaps may not outlive it."""
    _pixmap.cache_clear()


@cache
def _pixmap(status: Shape, size: int, dpr_percent: int, colour: str) -> QPixmap:
    side = round(size * dpr_percent / 100)
    made = QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / BOX, side / BOX)
    painter.fillPath(path(status), QColor(colour))
    painter.end()
    made.setDevicePixelRatio(dpr_percent / 100)
    return made


def _outline(shape: QPainterPath) -> str:
    parts: list[str] = []
    place = 0
    kind = QPainterPath.ElementType
    while place < shape.elementCount():
        element = shape.elementAt(place)
        if element.type is kind.MoveToElement:
            parts.append(f"M{element.x:.2f} {element.y:.2f}")
        elif element.type is kind.LineToElement:
            parts.append(f"L{element.x:.2f} {element.y:.2f}")
        else:
            points = [shape.elementAt(place + step) for step in range(3)]
            parts.append("C" + " ".join(f"{point.x:.2f} {point.y:.2f}" for point in points))
            place += 2
        place += 1
    return "".join(parts) + "Z"


# --- the shapes ---------------------------------------------------------------------------------------------------


def _stroked(line: QPainterPath, width: float, *, flat: bool = False) -> QPainterPath:
    pen = QPainterPathStroker()
    pen.setWidth(width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if flat else Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen.createStroke(line)


def _lines(*strokes: tuple[tuple[float, float], ...]) -> QPainterPath:
    made = QPainterPath()
    for points in strokes:
        made.moveTo(*points[0])
        for point in points[1:]:
            made.lineTo(*point)
    return made


def _polygon(*points: tuple[float, float]) -> QPainterPath:
    made = QPainterPath()
    made.addPolygon(QPolygonF([QPointF(*point) for point in points]))
    made.closeSubpath()
    return made


def _ring(radius: float) -> QPainterPath:
    made = QPainterPath()
    made.addEllipse(QPointF(8, 8), radius, radius)
    return made


def _check() -> QPainterPath:
    return _stroked(_lines(((3, 8.6), (6.5, 12), (13, 4.6))), 2.2)


def _down() -> QPainterPath:
    return _polygon((1.2, 4), (14.8, 4), (8, 13.6))


def _up() -> QPainterPath:
    return _polygon((1.2, 12), (14.8, 12), (8, 2.4))


def _unequal_diamond() -> QPainterPath:
    diamond = _polygon((8, 0.4), (15.6, 8), (8, 15.6), (0.4, 8))
    unequal = _stroked(_lines(((4.9, 6.5), (11.1, 6.5)), ((4.9, 9.5), (11.1, 9.5)), ((9.6, 4.4), (6.4, 11.6))), 1.3)
    return diamond.subtracted(unequal)


def _dashed_ring() -> QPainterPath:
    made = QPainterPath()
    for dash in range(6):
        made.arcMoveTo(QRectF(2, 2, 12, 12), dash * 60 + 8)
        made.arcTo(QRectF(2, 2, 12, 12), dash * 60 + 8, 36)
    return _stroked(made, 2.2, flat=True)


def _crossed_octagon() -> QPainterPath:
    near, far = 5.1, 10.9
    octagon = _polygon(
        (near, 1), (far, 1), (15, near), (15, far), (far, 15), (near, 15), (1, far), (1, near)
    )  # fmt: skip
    return octagon.subtracted(_stroked(_lines(((5.4, 5.4), (10.6, 10.6)), ((10.6, 5.4), (5.4, 10.6))), 1.7))


def _slashed_ring() -> QPainterPath:
    ring = _stroked(_ring(6.4), 1.6)
    return ring.united(_stroked(_lines(((3.6, 12.4), (12.4, 3.6))), 1.6))


def _key() -> QPainterPath:
    bow = QPainterPath()
    bow.addEllipse(QPointF(4.2, 8), 3.2, 3.2)
    blade = _lines(((7.4, 8), (15, 8)), ((11.6, 8), (11.6, 11.4)), ((14.4, 8), (14.4, 11.4)))
    return _stroked(bow, 1.8).united(_stroked(blade, 1.8, flat=True))


def _arrow_ring() -> QPainterPath:
    arc = QPainterPath()
    arc.arcMoveTo(QRectF(2.6, 2.6, 10.8, 10.8), 20)
    arc.arcTo(QRectF(2.6, 2.6, 10.8, 10.8), 20, -290)
    # The head stands where the arc ends, at the top, and points clockwise.
    head = _polygon((6.6, 0.2), (12, 3), (7.2, 6.6))
    return _stroked(arc, 2.2, flat=True).united(head)


def _question() -> QPainterPath:
    hook = QPainterPath()
    hook.moveTo(4.8, 5.4)
    hook.cubicTo(4.9, 1.4, 11.2, 1.4, 11.2, 5.1)
    hook.cubicTo(11.2, 7.4, 8, 7.6, 8, 10)
    dot = QPainterPath()
    dot.addEllipse(QPointF(8, 13.5), 1.3, 1.3)
    return _stroked(hook, 2.1).united(dot)


def _empty_frame() -> QPainterPath:
    frame = QPainterPath()
    frame.addRoundedRect(QRectF(2.2, 2.2, 11.6, 11.6), 1.5, 1.5)
    return _stroked(frame, 1.8)


def _dash() -> QPainterPath:
    return _stroked(_lines(((5.5, 8), (10.5, 8))), 2)


def _arrow_back() -> QPainterPath:
    line = QPainterPath()
    line.moveTo(5, 5.4)
    line.lineTo(10, 5.4)
    line.cubicTo(15.2, 5.4, 15.2, 12.8, 10, 12.8)
    line.lineTo(5.4, 12.8)
    # The head is as heavy as that of what rolls out, and points to where it came from.
    head = _polygon((0.6, 5.4), (6.2, 1.2), (6.2, 9.6))
    return _stroked(line, 2.2, flat=True).united(head)


_SHAPES: Mapping[Shape, Callable[[], QPainterPath]] = {
    Status.ALIGNED: _check,
    Status.BEHIND: _down,
    Status.AHEAD: _up,
    Status.DRIFTED: _unequal_diamond,
    Status.MISSING: _dashed_ring,
    Status.UNHEALTHY: _crossed_octagon,
    Status.UNREACHABLE: _slashed_ring,
    Status.NO_ACCESS: _key,
    Status.ROLLING_OUT: _arrow_ring,
    Status.NOT_CHECKED: _question,
    Status.NO_RELEASE: _empty_frame,
    Status.NOT_APPLICABLE: _dash,
    Sign.BACK: _arrow_back,
}
