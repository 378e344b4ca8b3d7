"""An editor: a form as a page of its own, with Save and Cancel, and a guard for what wasn't saved."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from mirror_console.errors import ConsoleError, InvalidInput
from mirror_console.ui.notices import Notices
from mirror_console.ui.questions import Questions
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.form import Form
from mirror_console.ui.widgets.scrolled import Paper
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, line
from mirror_console.ui.words import tr

WIDEST = 880
"""The width of a form on a wide window: a field that is a metre long is read badly."""


class Editor(QWidget):
    """Title, content in a scroll area, and a bar with what is said, Cancel and Save.

    `save_wished` is sent by Save and Ctrl+S; `closed` when the editor has been left.
    """

    save_wished = Signal()
    closed = Signal()

    def __init__(
        self, title: str, content: QWidget, questions: Questions, *, refusal: str = "", scrolls: bool = True
    ) -> None:
        super().__init__()
        self._questions = questions
        self._title = title
        self.dirty: Callable[[], bool] = lambda: False
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(page_head(title)[0])
        column.addWidget(Reading(content) if scrolls else content, 1)
        column.addWidget(line())
        self.says = ElidedLabel(refusal, Look.MUTED)
        self.cancel = button(tr("Cancel"), self.leave)
        self.save = button(tr("Save"), self.save_wished.emit, look="primary")
        self.save.setEnabled(not refusal)
        self.save.setAccessibleDescription(refusal)
        self.foot = QHBoxLayout()
        self.foot.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        self.foot.setSpacing(SPACE_2)
        self.foot.addWidget(self.says, 1)
        self.foot.addWidget(self.cancel)
        self.foot.addWidget(self.save)
        column.addLayout(self.foot)
        here = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for keys, told in ((QKeySequence.StandardKey.Save, self._save), (QKeySequence.StandardKey.Cancel, self.leave)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(here)
            shortcut.activated.connect(told)

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or the person lets it be lost."""
        if not self.dirty():
            return True
        words = tr("What you changed here isn't saved.")
        return self._questions.confirm(tr("Leave “{}”?").format(self._title), words, tr("Discard the changes"))

    def leave(self) -> None:
        """Close it, unless the person wants to stay."""
        if self.may_leave():
            self.closed.emit()

    def working(self, words: str) -> None:
        """Say what is being done meanwhile; empty when it is over."""
        self.says.say(words)
        self.save.setEnabled(not words)

    def refused(self, error: Exception, form: Form, notices: Notices) -> None:
        """Saving failed: tell it at the fields, or where it concerns none of them as a notice."""
        self.working("")
        if isinstance(error, InvalidInput):
            form.refuse(error.problems)
        elif isinstance(error, ConsoleError):
            notices.error(error, key="saved")

    def _save(self) -> None:
        if self.save.isEnabled():
            self.save_wished.emit()


class Reading(QScrollArea):
    """A scroll area that keeps its content at a width that can be read, and brings the focused field into sight."""

    def __init__(self, content: QWidget, widest: int = WIDEST) -> None:
        super().__init__()
        self._widest = widest
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        paper = Paper()
        row = QHBoxLayout(paper)
        row.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_4)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        content.setMaximumWidth(widest)
        column.addWidget(content)
        column.addStretch(1)
        row.addLayout(column, 1000)
        row.addStretch(1)
        self.setWidget(paper)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the field that is worked in in sight."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, lambda: self._follow(None, QApplication.focusWidget()))

    def _follow(self, _before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and self.isAncestorOf(now):
            self.ensureWidgetVisible(now, 0, SPACE_6 * 2)


def page_head(title: str, *parts: QWidget) -> tuple[QWidget, ElidedLabel]:
    """The head of a page: its title, and what stands at its right end."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_2)
    row.setSpacing(SPACE_2)
    words = ElidedLabel(title, Look.TITLE)
    words.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    row.addWidget(words, 1)
    for part in parts:
        row.addWidget(part)
    return made, words
