"""The icons of buttons and menus, in the colours of the theme and changed with it.

What was painted once is kept for all windows: it follows from name, colours, size and resolution, and there are few.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

import shiboken6
from PySide6.QtCore import QByteArray, QObject, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from mirror_console.paths import resources
from mirror_console.ui.theme import ThemeService

SIZES = (16, 20)
RESOLUTIONS = (1.0, 1.25, 1.5, 2.0)


class Wearer(Protocol):
    """What can wear an icon: buttons and actions."""

    def setIcon(self, icon: QIcon) -> None: ...


class Icons(QObject):
    """Icons by name. Whatever wears one is given it anew when the theme changes."""

    def __init__(self, theme: ThemeService) -> None:
        super().__init__()
        self._theme = theme
        self._worn: WeakKeyDictionary[Wearer, tuple[str, str]] = WeakKeyDictionary()
        theme.changed.connect(self._change)

    def wear(self, wearer: Wearer, name: str, shade: str = "text") -> None:
        """Give a button or an action an icon. `shade` names the colour of the theme that it is drawn in."""
        self._worn[wearer] = (name, shade)
        wearer.setIcon(self.icon(name, shade))

    def icon(self, name: str, shade: str = "text") -> QIcon:
        """An icon in the theme that is in force now. Raises KeyError where there is none of that name."""
        colours = self._theme.colours
        return _drawn(name, str(getattr(colours, shade)), colours.border)

    def pixmap(self, name: str, size: int, dpr: float, shade: str = "text") -> QPixmap:
        """One icon as a pixmap, for painting."""
        return _painted(name, str(getattr(self._theme.colours, shade)), size, dpr)

    def _change(self) -> None:
        for wearer, (name, shade) in list(self._worn.items()):
            if shiboken6.isValid(wearer):
                wearer.setIcon(self.icon(name, shade))


def names() -> tuple[str, ...]:
    """The names of all icons that the program has."""
    return tuple(sorted(path.stem for path in _folder().glob("*.svg")))


def _folder() -> Path:
    return resources() / "icons"


@cache
def _source(name: str) -> str:
    path = _folder() / f"{name}.svg"
    if not path.is_file():
        raise KeyError(name)
    return path.read_text("utf-8")


@cache
def _drawn(name: str, colour: str, disabled: str) -> QIcon:
    made = QIcon()
    for size in SIZES:
        for dpr in RESOLUTIONS:
            made.addPixmap(_painted(name, colour, size, dpr), QIcon.Mode.Normal)
            made.addPixmap(_painted(name, disabled, size, dpr), QIcon.Mode.Disabled)
    return made


@cache
def _painted(name: str, colour: str, size: int, dpr: float) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))
    side = round(size * dpr)
    made = QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    made.setDevicePixelRatio(dpr)
    return made
