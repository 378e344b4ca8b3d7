"""The foot of a dialog: the button that goes on, and Cancel, which is what Enter and Escape mean."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton

from mirror_console.ui.tokens import SPACE_2


def dialog_foot(go: QPushButton, cancel: QPushButton) -> QHBoxLayout:
    """A plain row: in a window with a style sheet, Qt's own box of buttons takes its first one out of Tab's way."""
    row = QHBoxLayout()
    row.setSpacing(SPACE_2)
    row.addStretch(1)
    row.addWidget(go)
    row.addWidget(cancel)
    cancel.setAutoDefault(True)
    cancel.setDefault(True)
    return row
