"""The keys that work here, in one dialog."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from mirror_console.ui.context import UiContext
from mirror_console.ui.tokens import SPACE_2, SPACE_4, SPACE_6
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import tr

OF_THE_GRID = (
    ("Space", "Tick the mirror"),
    ("Shift+Space", "Tick everything from the last tick to here"),
    ("[  ]", "Previous or next environment"),
    ("/", "Filter"),
)
"""Keys of the grid that belong to no action."""


def show_keys(context: UiContext, over: QWidget) -> None:
    """Show every key, and wait until the person has seen enough."""
    dialog = QDialog(over)
    dialog.setWindowTitle(tr("Keys"))
    dialog.resize(520, 560)
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setHorizontalSpacing(SPACE_6)
    grid.setVerticalSpacing(SPACE_2)
    pairs = [(one.shortcut or one.key, one.words) for one in context.actions.all() if one.shortcut or one.key]
    for place, (keys, words) in enumerate([*pairs, *OF_THE_GRID]):
        grid.addWidget(label(keys, Look.STRONG), place, 0)
        grid.addWidget(label(tr(words)), place, 1)
    grid.setColumnStretch(1, 1)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidget(inside)
    scroll.setAccessibleName(tr("Keys"))
    box = QVBoxLayout(dialog)
    box.setContentsMargins(SPACE_4, SPACE_4, SPACE_4, SPACE_4)
    box.addWidget(scroll, 1)
    close = button(tr("Close"), dialog.accept)
    close.setDefault(True)
    box.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
    dialog.exec()
    dialog.deleteLater()
