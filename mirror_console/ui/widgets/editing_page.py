"""A page with a list, whose place an editor takes while it is open."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from mirror_console.ui.context import UiContext
from mirror_console.ui.page import Page


class OpenEditor(Protocol):
    """What the page asks of an editor, which is a widget."""

    saved: SignalInstance
    closed: SignalInstance

    def may_leave(self) -> bool: ...
    def begin(self) -> None: ...


class EditingPage(Page):
    """Holds the list and the editor. The focus goes back to where the editor was opened from."""

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._open_editor: OpenEditor | None = None
        self._open_widget: QWidget | None = None
        self._opener: QWidget | None = None
        self.stack = QStackedWidget()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)

    def home(self) -> QWidget:
        """Where the focus goes when nothing else is better."""
        raise NotImplementedError

    def shown(self) -> None:
        """The focus goes to the list, or stays in the open form."""
        if self._open_editor is None:
            self.home().setFocus()

    def may_leave(self) -> bool:
        """Whether an open form has nothing to lose."""
        return self._open_editor is None or self._open_editor.may_leave()

    def open_editor(self, editor: OpenEditor) -> None:
        """Show a form in place of the list."""
        assert isinstance(editor, QWidget)  # noqa: S101 - a protocol can't name a class as its base
        self._opener = self.focusWidget()
        self._drop()
        self._open_editor, self._open_widget = editor, editor
        editor.saved.connect(self._saved)
        editor.closed.connect(self.close_editor)
        self.stack.addWidget(editor)
        self.stack.setCurrentWidget(editor)
        editor.begin()

    def close_editor(self) -> None:
        """Show the list again."""
        self._drop()
        self.stack.setCurrentIndex(0)
        opener = self._opener if self._opener is not None and self._opener.isVisible() else self.home()
        opener.setFocus()

    def was_saved(self, what: object) -> None:
        """Called after a form was saved and closed, with what was saved."""

    def _saved(self, what: object) -> None:
        self.close_editor()
        self.was_saved(what)

    def _drop(self) -> None:
        widget = self._open_widget
        self._open_editor, self._open_widget = None, None
        if widget is not None:
            self.stack.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
