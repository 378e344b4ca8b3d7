"""Labels and buttons: everything that is written on the screen, always as plain text.

What engines, containers and the catalog say may hold anything. None of it is ever read as markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QIcon, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from mirror_console.ui.theme import heading, monospace, semibold, small, tabular

BREAK = "\u200b"
"""Takes no room, and lets a line end: what was copied with it is the same without it."""
_LONG = re.compile(r"\S{25,}")


class Look(StrEnum):
    """How a label looks."""

    BODY = "body"
    MUTED = "muted"
    SMALL = "small"
    STRONG = "strong"
    HEADING = "heading"
    TITLE = "title"
    MONO = "mono"
    ERROR = "error"
    CHIP = "chip"


def label(text: str = "", look: Look = Look.BODY, *, wrap: bool = False, select: bool = False) -> QLabel:
    """A label. `wrap` lets it take several lines, `select` lets the text be marked and copied."""
    made = QLabel()
    dress(made, look)
    made.setText(text)
    made.setWordWrap(wrap)
    if wrap:
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        made.setSizePolicy(policy)
    if select:
        by_both = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        made.setTextInteractionFlags(by_both)
    return made


def dress(made: QLabel, look: Look) -> None:
    """Give a label its look, and plain text."""
    made.setTextFormat(Qt.TextFormat.PlainText)
    font = made.font()
    match look:
        case Look.SMALL:
            made.setFont(small(font))
            made.setProperty("class", "muted")
        case Look.STRONG:
            made.setFont(semibold(font))
        case Look.HEADING:
            made.setFont(heading(font))
        case Look.TITLE:
            made.setFont(heading(font, large=True))
        case Look.MONO:
            made.setFont(monospace(font))
        case Look.MUTED | Look.ERROR | Look.CHIP:
            made.setProperty("class", str(look))
        case Look.BODY:
            made.setFont(tabular(font))


class ElidedLabel(QLabel):
    """A one-line label that is shortened with an ellipsis; the whole text is its tooltip and its accessible name."""

    def __init__(self, text: str = "", look: Look = Look.BODY) -> None:
        super().__init__()
        dress(self, look)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.say(text)

    def say(self, text: str) -> None:
        """Show another text."""
        whole = " ".join(text.split())
        if whole == self._whole:
            return
        self._whole = whole
        self.setAccessibleName(whole)
        self._fit()

    def whole(self) -> str:
        """The text, not shortened."""
        return self._whole

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(24, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """The width of the whole text."""
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self._whole) + 4, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._whole, Qt.TextElideMode.ElideRight, max(24, self.width()))
        self.setText(shown)
        self.setToolTip(plain_tip(self._whole) if shown != self._whole else "")


def plain_tip(text: str) -> str:
    """A text for setToolTip(). Qt reads what looks like markup as markup there, so the text is escaped into it."""
    if not text:
        return ""
    return "<span style='white-space: pre-wrap'>" + escape(text).replace("\n", "<br>") + "</span>"


def button(
    words: str, done: Callable[[], object] | None = None, *, look: str = "", icon: QIcon | None = None
) -> QPushButton:
    """A button. `look` is "", "primary" or "quiet"; `words` may hold a mnemonic (``&``)."""
    made = QPushButton(words)
    if look:
        made.setProperty("class", look)
    if icon is not None:
        made.setIcon(icon)
    made.setAutoDefault(False)
    if done is not None:
        made.clicked.connect(lambda _checked=False: done())
    return made


def icon_button(name: str, icon: QIcon, done: Callable[[], object] | None = None, keys: str = "") -> QToolButton:
    """A button with an icon alone: `name` is what it does, said by tooltip and screen reader; `keys` its shortcut."""
    made = QToolButton()
    made.setIcon(icon)
    made.setIconSize(QSize(16, 16))
    made.setFixedSize(28, 28)
    made.setAccessibleName(name)
    made.setToolTip(plain_tip(f"{name} ({keys})" if keys else name))
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if done is not None:
        made.clicked.connect(lambda _checked=False: done())
    return made


def line(parent: QWidget | None = None, *, upright: bool = False) -> QFrame:
    """A hairline."""
    made = QFrame(parent)
    made.setProperty("class", "line")
    if upright:
        made.setFixedWidth(1)
    else:
        made.setFixedHeight(1)
    return made


def breakable(text: str) -> str:
    """A text whose long words, such as fingerprints, may go on in the next line: a narrow place would cut them off."""
    return _LONG.sub(lambda found: BREAK.join(found[0][at : at + 4] for at in range(0, len(found[0]), 4)), text)


def amp(text: str) -> str:
    """A text from outside for a button or menu, where ``&`` would mark a mnemonic."""
    return text.replace("&", "&&")
