"""A field for something secret: it says whether one is stored, takes a new one, and never shows what it keeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from mirror_console.operations.key_file import read_by_others
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.form import line_edit, text_edit
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

LARGEST = 256 * 1024
"""Octets of a file that is read into a field: a PEM file is far smaller."""

AskFile = Callable[[QWidget, str], str]
"""Asks for a file to read: over which widget, and under which title. Empty where none was chosen."""


def ask_file(over: QWidget, title: str) -> str:
    """Ask for a file with the system's dialog."""
    path, _ = QFileDialog.getOpenFileName(over, title, "", tr("PEM files (*.pem *.crt *.cer *.key);;All files (*)"))
    return path


class SecretInput(QWidget):
    """Says 'stored' or 'missing'. What is typed or read from a file replaces it when the form is saved.

    `typed` is the new text, None as long as what is stored stays as it is.
    """

    typed_changed = Signal()

    def __init__(
        self,
        name: str,
        *,
        stored: bool,
        lines: int = 1,
        from_file: bool = False,
        required: bool = True,
        ask: AskFile = ask_file,
    ) -> None:
        super().__init__()
        self._name = name
        self._stored = stored
        self._required = required
        self._ask = ask
        self._open = not stored
        self.edit: QLineEdit | QPlainTextEdit
        self.edit = line_edit(password=True) if lines == 1 else text_edit(lines=lines, placeholder="-----BEGIN …")
        self.edit.setAccessibleName(name)
        self.edit.textChanged.connect(self._changed)
        self.says = label("", Look.MUTED, wrap=True)
        self.replace = button(tr("Replace…"), self.open)
        self.replace.setAccessibleName(tr("Replace {}").format(name))
        self.read = button(tr("Read from file…"), self.read_file)
        self.read.setAccessibleName(tr("Read {} from a file").format(name))
        self.keep = button(tr("Keep the stored one"), self.close_again, look="quiet")
        self._closed_part, self._open_part = self._state(), self._editing(from_file=from_file)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._closed_part)
        column.addWidget(self._open_part)
        self.keep.setVisible(stored)
        self._show(typing=not stored)
        self._look()

    @property
    def typed(self) -> str | None:
        """The new text, or None where nothing new was given."""
        if not self._open:
            return None
        text = self.edit.text() if isinstance(self.edit, QLineEdit) else self.edit.toPlainText()
        return text or None

    def open(self) -> None:
        """Let a new one be typed."""
        self._show(typing=True)
        self.edit.setFocus()
        self._changed()

    def close_again(self) -> None:
        """Keep what is stored."""
        self.edit.clear()
        self._show(typing=False)
        self.replace.setFocus()
        self._changed()

    def read_file(self) -> None:
        """Take the text of a file."""
        path = self._ask(self, tr("Read {} from a file").format(self._name))
        if not path:
            return
        try:
            with Path(path).open("rb") as file:
                text = file.read(LARGEST + 1)
                others = read_by_others(Path(path).resolve(), os.fstat(file.fileno()).st_mode)
            if others and b"PRIVATE KEY-----" in text:
                self.says.setText(tr("Others can read this key. Take that right away (chmod 600), or make a new one."))
                return
            if len(text) > LARGEST:
                self.says.setText(tr("This file is too large. Choose a PEM file."))
                return
            words = text.decode("ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else tr("it is not a text")
            self.says.setText(tr("The file can't be read: {}. Choose another one.").format(reason))
            return
        if isinstance(self.edit, QPlainTextEdit):
            self.edit.setPlainText(words)
        else:
            self.edit.setText(words.strip())
        self.says.setText(tr("Read from {}. It goes into the keyring when you save.").format(Path(path).name))

    def lock(self) -> None:
        """Let nothing be changed."""
        for part in (self.replace, self.read, self.keep):
            part.setEnabled(False)
        self.edit.setReadOnly(True)

    def _show(self, *, typing: bool) -> None:
        self._open = typing
        self._closed_part.setVisible(not typing)
        self._open_part.setVisible(typing)
        self.setFocusProxy(self.edit if typing else self.replace)

    def _state(self) -> QWidget:
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(label(tr("stored in the keyring"), Look.CHIP))
        row.addWidget(self.replace)
        row.addStretch(1)
        return made

    def _editing(self, *, from_file: bool) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(self.edit)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        if from_file:
            row.addWidget(self.read)
        else:
            self.read.setParent(made)
            self.read.hide()
        row.addWidget(self.keep)
        row.addWidget(self.says, 1)
        column.addLayout(row)
        return made

    def _changed(self) -> None:
        self._look()
        self.setProperty("typed", self.typed)
        self.typed_changed.emit()

    def _look(self) -> None:
        if self.typed:
            self.says.setText(tr("New. It goes into the keyring when you save."))
        else:
            self.says.setText(tr("missing") if self._required and not self._stored else "")
