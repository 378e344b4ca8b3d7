"""An empty place: what belongs there, why there is nothing, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from mirror_console.ui.tokens import SPACE_2, SPACE_4, SPACE_6
from mirror_console.ui.widgets.text import Look, button, label


class EmptyState(QWidget):
    """A title, a sentence and the next steps, in the middle of the room."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("class", "paper")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._mark = QLabel()
        self._mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = label("", Look.HEADING, wrap=True)
        self._words = label("", Look.MUTED, wrap=True)
        for one in (self._title, self._words):
            one.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            one.setMaximumWidth(520)
        self._buttons = QWidget()
        self._row = QHBoxLayout(self._buttons)
        self._row.setContentsMargins(0, SPACE_2, 0, 0)
        self._row.setSpacing(SPACE_2)
        box = QVBoxLayout(self)
        box.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_6)
        box.setSpacing(SPACE_2)
        box.addStretch(2)
        for one in (self._mark, self._title, self._words):
            line = QHBoxLayout()
            line.addStretch(1)
            line.addWidget(one, 8)
            line.addStretch(1)
            box.addLayout(line)
        box.addWidget(self._buttons, 0, Qt.AlignmentFlag.AlignHCenter)
        box.addSpacing(SPACE_4)
        box.addStretch(3)

    def say(
        self,
        title: str,
        words: str,
        steps: Sequence[tuple[str, Callable[[], object]]] = (),
        mark: QPixmap | None = None,
    ) -> None:
        """Say these, with a button for each step; the first one is the likeliest."""
        self._title.setText(title)
        self._words.setText(words)
        self._mark.setVisible(mark is not None)
        if mark is not None:
            self._mark.setPixmap(mark)
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, (step, run) in enumerate(steps):
            self._row.addWidget(button(step, run, look="" if place else "primary"))
        self._buttons.setVisible(bool(steps))

    def title(self) -> str:
        """What it says first."""
        return self._title.text()
