"""Notices: what happened and what to do next, said in the page and not over it, until it is dealt with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from mirror_console.domain.status import Status
from mirror_console.errors import ConsoleError, InvalidInput
from mirror_console.ui.icons import Icons
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.tokens import RADIUS, SPACE_1, SPACE_2, SPACE_3, Colours
from mirror_console.ui.widgets.text import Look, button, icon_button, label
from mirror_console.ui.words import tr


class Tone(StrEnum):
    """How a notice is meant."""

    DONE = "done"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class NoticeAction:
    """A button of a notice."""

    words: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `key` names what it is about: a later notice with the same key takes its place."""

    tone: Tone
    title: str
    hint: str = ""
    key: str = ""
    details: str = ""
    """More text, for 'Copy details'."""
    actions: tuple[NoticeAction, ...] = field(default=())


class Notices(QObject):
    """Where notices are told. The window shows them above its pages; `changed` is sent on each change."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Notice] = []

    @property
    def shown(self) -> tuple[Notice, ...]:
        """The notices that are to be seen, the latest last."""
        return tuple(self._shown)

    def tell(self, notice: Notice) -> None:
        """Show a notice in place of the one with the same key."""
        self._shown = [other for other in self._shown if not notice.key or other.key != notice.key]
        self._shown.append(notice)
        # More than three at once push the page out of sight; the oldest has been read longest.
        self._shown = self._shown[-3:]
        self.changed.emit()

    def error(self, error: ConsoleError, key: str = "", *actions: NoticeAction) -> None:
        """Tell of an error in its own words."""
        details = str(error)
        hint = error.hint
        if isinstance(error, InvalidInput) and error.problems:
            some = "\n".join(f"• {problem}" for problem in error.problems[:5])
            more = len(error.problems) - 5
            hint = some + (f"\n… {more} " + tr("more") if more > 0 else "") + (f"\n{error.hint}" if error.hint else "")
        self.tell(Notice(Tone.ERROR, error.title, hint, key, details, actions))

    def done(self, words: str, key: str = "", *actions: NoticeAction) -> None:
        """Tell that something worked."""
        self.tell(Notice(Tone.DONE, words, key=key, actions=actions))

    def take_back(self, key: str) -> None:
        """Remove the notice with that key, if it is shown."""
        left = [notice for notice in self._shown if notice.key != key]
        if len(left) != len(self._shown):
            self._shown = left
            self.changed.emit()

    def close(self, notice: Notice) -> None:
        """Remove a notice."""
        self._shown = [other for other in self._shown if other is not notice]
        self.changed.emit()


_ICONS = {Tone.DONE: "circle-check", Tone.NOTE: "info", Tone.WARNING: "triangle-alert", Tone.ERROR: "circle-alert"}
_LIKE = {
    Tone.DONE: Status.ROLLING_OUT,
    Tone.NOTE: Status.AHEAD,
    Tone.WARNING: Status.BEHIND,
    Tone.ERROR: Status.UNHEALTHY,
}


class NoticeBar(QWidget):
    """The notices, one below the other. Takes no room while there are none."""

    def __init__(self, notices: Notices, theme: ThemeService, icons: Icons) -> None:
        super().__init__()
        self._notices = notices
        self._theme = theme
        self._icons = icons
        self._box = QVBoxLayout(self)
        self._box.setSpacing(SPACE_1)
        self.setAccessibleName(tr("Notices"))
        self._cards: list[tuple[Notice, QFrame]] = []
        notices.changed.connect(self._draw)
        theme.changed.connect(self._redraw)
        self._draw()

    def _redraw(self) -> None:
        for _, card in self._cards:
            card.hide()
            card.deleteLater()
        self._cards.clear()
        self._draw()

    def _draw(self) -> None:
        wanted = self._notices.shown
        for notice, card in self._cards:
            if not any(notice is one for one in wanted):
                self._box.removeWidget(card)
                card.hide()
                card.deleteLater()
        self._cards = [(notice, card) for notice, card in self._cards if any(notice is one for one in wanted)]
        for notice in wanted:
            if not any(notice is one for one, _ in self._cards):
                card = _card(notice, self._theme.colours, self._icons, self._notices)
                self._cards.append((notice, card))
                self._box.addWidget(card)
                announce(self, f"{notice.title} {notice.hint}", urgent=notice.tone is Tone.ERROR)
        margin = SPACE_2 if wanted else 0
        self._box.setContentsMargins(SPACE_3 if wanted else 0, margin, SPACE_3 if wanted else 0, 0)
        self.setVisible(bool(wanted))


def _card(notice: Notice, colours: Colours, icons: Icons, notices: Notices) -> QFrame:
    like = colours.status[_LIKE[notice.tone]]
    card = QFrame()
    card.setObjectName("notice")
    card.setStyleSheet(
        f"#notice {{ background: {like.tint}; border: 1px solid {like.glyph}; border-radius: {RADIUS}px; }}"
    )
    row = QHBoxLayout(card)
    row.setContentsMargins(SPACE_3, SPACE_1, SPACE_1, SPACE_1)
    row.setSpacing(SPACE_2)
    mark = QLabel()
    mark.setPixmap(icons.pixmap(_ICONS[notice.tone], 18, card.devicePixelRatioF()))
    mark.setAccessibleName(str(notice.tone))
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop if notice.hint else Qt.AlignmentFlag.AlignVCenter)
    words = QVBoxLayout()
    words.setContentsMargins(0, SPACE_1, 0, SPACE_1)
    words.setSpacing(2)
    words.addWidget(label(notice.title, Look.STRONG if notice.hint else Look.BODY, wrap=True, select=True))
    if notice.hint:
        words.addWidget(label(notice.hint, wrap=True, select=True))
    row.addLayout(words, 1)
    for action in notice.actions:
        row.addWidget(button(action.words, action.run), 0, Qt.AlignmentFlag.AlignVCenter)
    if notice.details:
        copy = button(tr("Copy details"), lambda: QGuiApplication.clipboard().setText(notice.details), look="quiet")
        row.addWidget(copy, 0, Qt.AlignmentFlag.AlignVCenter)
    row.addWidget(
        icon_button(tr("Close this notice"), icons.icon("x"), lambda: notices.close(notice)),
        0,
        Qt.AlignmentFlag.AlignVCenter,
    )
    return card


def announce(widget: QWidget, words: str, *, urgent: bool = False) -> None:
    """Tell a screen reader what happened, without moving the focus."""
    event = QAccessibleAnnouncementEvent(widget, words)
    if urgent:
        event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
    QAccessible.updateAccessibility(event)
