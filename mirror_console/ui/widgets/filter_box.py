"""The filter box: one line of text that narrows a table, with completion, and an error that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QTextCharFormat
from PySide6.QtWidgets import QApplication, QCompleter, QLineEdit, QListView, QVBoxLayout, QWidget

from mirror_console.ui.icons import Icons
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import tr

DEBOUNCE = 120
"""Milliseconds after the last key until the filter is asked for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One completion: the whole text with it, where the cursor then stands, and what the list says of it."""

    text: str
    cursor: int
    shown: str


class FilterBox(QWidget):
    """A line to type a filter into.

    `wanted` carries the text once typing has paused. `left` is sent when the person goes on to the table.
    """

    wanted = Signal(str)
    left = Signal()

    def __init__(
        self, placeholder: str, theme: ThemeService, icons: Icons, offers: Callable[[str, int], Sequence[Offer]]
    ) -> None:
        super().__init__()
        self._theme = theme
        self._icons = icons
        self._find_offers = offers
        self._offered: Sequence[Offer] = ()
        self.line = QLineEdit()
        self.line.setPlaceholderText(placeholder)
        self.line.setAccessibleName(tr("Filter"))
        self.line.setClearButtonEnabled(True)
        self.line.installEventFilter(self)
        self._lens = self.line.addAction(icons.icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        icons.wear(self._lens, "search", "muted")
        self.error = label("", Look.ERROR, wrap=True)
        self.error.hide()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.line)
        box.addWidget(self.error)
        self._pause = QTimer(self, singleShot=True, interval=DEBOUNCE)
        self._pause.timeout.connect(self._ask)
        self._list = QStringListModel(self)
        self._completer = QCompleter(self._list, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setWidget(self.line)
        self._completer.setMaxVisibleItems(12)
        self._popup = QListView()
        self._popup.setAccessibleName(tr("Completions"))
        self._completer.setPopup(self._popup)
        self._completer.activated.connect(self._take)
        self.line.textEdited.connect(self._edited)
        self.line.textChanged.connect(self._changed)

    def text(self) -> str:
        """What is typed."""
        return self.line.text()

    def put(self, text: str) -> None:
        """Have this typed, and ask for it at once."""
        self.line.setText(text)
        self._ask()

    def focus(self) -> None:
        """Begin to type; what is there is marked."""
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.line.selectAll()

    def show_error(self, words: str, start: int = 0, end: int = 0) -> None:
        """Say what is wrong with the text, and underline that part of it; no words take the error away."""
        if not words and not self.error.text():
            return
        self.error.setText(words)
        self.error.setVisible(bool(words))
        self.line.setAccessibleDescription(words)
        if bool(self.line.property("invalid")) != bool(words):
            self.line.setProperty("invalid", bool(words))
            self.line.style().unpolish(self.line)
            self.line.style().polish(self.line)
        self._underline(start, end if words else start)

    def _underline(self, start: int, end: int) -> None:
        # The line's own layout takes formats only from an input method.
        attributes = []
        if end > start:
            wave = QTextCharFormat()
            wave.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            wave.setUnderlineColor(self._theme.colour(self._theme.colours.danger))
            kind = QInputMethodEvent.AttributeType.TextFormat
            attributes.append(QInputMethodEvent.Attribute(kind, start - self.line.cursorPosition(), end - start, wave))
        QApplication.sendEvent(self.line, QInputMethodEvent("", attributes))

    def _edited(self) -> None:
        self._offered = self._find_offers(self.line.text(), self.line.cursorPosition())
        self._offer()

    def _changed(self) -> None:
        self._pause.start()

    def _ask(self) -> None:
        self._pause.stop()
        self.wanted.emit(self.line.text())

    def _offer(self) -> None:
        if not self._offered:
            self._popup.hide()
            return
        self._list.setStringList([offer.shown for offer in self._offered])
        self._completer.setCompletionPrefix("")
        self._completer.complete()

    def _take(self, shown: str) -> None:
        offer = next((offer for offer in self._offered if offer.shown == shown), None)
        if offer is not None:
            self.line.setText(offer.text)
            self.line.setCursorPosition(offer.cursor)
            if offer.text[: offer.cursor].endswith(":"):
                # A key is only half of it.
                QTimer.singleShot(0, self, self._edited)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape clears, then leaves; Enter and Down go to the table."""
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                if self.line.text():
                    self.put("")
                else:
                    self.left.emit()
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._ask()
                self.left.emit()
                return True
            if event.key() == Qt.Key.Key_Down:
                self.left.emit()
                return True
        return super().eventFilter(watched, event)
