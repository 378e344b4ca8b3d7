"""Forms: labelled fields with the error below them, said once a field was left or rested, and never while typing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from mirror_console.errors import Problem
from mirror_console.ui.tokens import SPACE_1, SPACE_3, SPACE_4
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.widgets.tick import TickBox
from mirror_console.ui.words import tr

IDLE_MS = 600
"""How long a field rests before it is judged while the cursor is still in it."""

FieldValue = str | bool | None


class Field(QWidget):
    """One field: its label, its control, a hint, and below them what is wrong with it.

    `name` is the name of its problems' field. `changed` is sent on every change, `rested` when it was left or idle.
    """

    changed = Signal()
    rested = Signal()

    def __init__(self, name: str, words: str, control: QWidget, *, hint: str = "", required: bool = False) -> None:
        super().__init__()
        self.name = name
        self.control = control
        self.touched = False
        self._hint = hint
        self._required = required
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(SPACE_1)
        self._title = None if isinstance(control, QCheckBox) else label("", Look.STRONG)
        if self._title is not None:
            self._title.setBuddy(control)
            box.addWidget(self._title)
        self.call(words)
        box.addWidget(control)
        self._says = label("", Look.ERROR, wrap=True)
        self._hints = label(hint, Look.MUTED, wrap=True)
        box.addWidget(self._says)
        box.addWidget(self._hints)
        # Only once they have a parent: a widget without one would open as a window.
        self._says.hide()
        self._hints.setVisible(bool(hint))
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self._rest)
        _on_change(control, self._change)
        for part in (control, *control.findChildren(QWidget)):
            part.installEventFilter(self)
        self._describe("")

    @property
    def problem(self) -> str:
        """What is said to be wrong now; empty where nothing is."""
        return self._says.text()

    def say(self, words: str) -> None:
        """Say what is wrong with it, or nothing."""
        if words == self._says.text():
            return
        self._says.setText(words)
        self._says.setVisible(bool(words))
        self._describe(words)
        for part in (self.control, *self.control.findChildren(QWidget)):
            if isinstance(part, QLineEdit | QPlainTextEdit):
                part.setProperty("invalid", "true" if words else "false")
                part.style().unpolish(part)
                part.style().polish(part)

    def call(self, words: str) -> None:
        """Change its label."""
        if self._title is not None:
            self._title.setText(f"{words} *" if self._required else words)
        self.control.setAccessibleName(words)

    def hint(self, words: str) -> None:
        """Change the hint."""
        self._hint = words
        self._hints.setText(words)
        self._hints.setVisible(bool(words))
        self._describe(self.problem)

    def value(self) -> FieldValue:
        """What stands in it: a text, or a tick."""
        return value_of(self.control)

    def text(self) -> str:
        """What stands in it as a text."""
        value = self.value()
        return value if isinstance(value, str) else ""

    def ticked(self) -> bool:
        """Whether it is ticked."""
        return self.value() is True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A field that is left has rested."""
        if event.type() == QEvent.Type.FocusOut and not self._idle.isActive():
            # Only a field that was changed, or is required and was passed over, has something to be judged.
            QTimer.singleShot(0, self, self._left)
        elif event.type() == QEvent.Type.FocusOut:
            self._idle.stop()
            QTimer.singleShot(0, self, self._rest)
        return super().eventFilter(watched, event)

    def _left(self) -> None:
        if self._required or self.touched:
            self._rest()

    def _rest(self) -> None:
        self.touched = True
        self.rested.emit()

    def _change(self) -> None:
        self._idle.start()
        self.changed.emit()

    def _describe(self, problem: str) -> None:
        parts = [tr("Required.") if self._required else "", problem, self._hint]
        self.control.setAccessibleDescription(" ".join(part for part in parts if part))


class Form(QWidget):
    """Fields in two columns, and what is wrong with them.

    `judge` is asked after each change; problems are shown below their fields, those of untouched fields not yet.
    """

    changed = Signal()

    def __init__(self, judge: Callable[[], Sequence[Problem]] = tuple, columns: int = 2) -> None:
        super().__init__()
        self.judge = judge
        self.fields: dict[str, Field] = {}
        self._columns = columns
        self._next = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_4)
        self._grid.setVerticalSpacing(SPACE_3)
        for column in range(columns):
            self._grid.setColumnStretch(column, 1)
        self.rest = label("", Look.ERROR, wrap=True)
        self.rest.hide()
        self._start: tuple[Hashable, ...] = ()

    def heading(self, words: str, explanation: str = "") -> QWidget:
        """Begin a part of the form. Returns its head, for a part that is hidden at times."""
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, SPACE_3 if self._next else 0, 0, 0)
        column.setSpacing(SPACE_1)
        column.addWidget(label(words, Look.HEADING))
        if explanation:
            column.addWidget(label(explanation, Look.MUTED, wrap=True))
        self.wide(box)
        return box

    def add(self, field: Field, *, wide: bool = False) -> Field:
        """Add a field; a `wide` one takes a line of its own."""
        self.fields[field.name] = field
        field.changed.connect(self._changed)
        field.rested.connect(self.look)
        if wide:
            self.wide(field)
        else:
            self._put(field, 1)
        return field

    def wide(self, widget: QWidget) -> None:
        """Add any widget over all columns."""
        self._next = -(-self._next // self._columns) * self._columns
        self._put(widget, self._columns)

    def end(self) -> None:
        """All fields are there: below them the problems without a field are told."""
        self.wide(self.rest)
        self.begin()

    def begin(self) -> None:
        """Take what stands in the fields now as unchanged."""
        self._start = self._state()

    @property
    def dirty(self) -> bool:
        """Whether anything was changed since `begin`."""
        return self._state() != self._start

    def look(self) -> None:
        """Judge, and tell what is wrong with the fields that were touched."""
        self._tell(self.judge(), every=False)

    def accept(self) -> bool:
        """Judge everything; where something is wrong, tell all of it and put the cursor into the first such field."""
        return self.refuse(self.judge())

    def refuse(self, problems: Sequence[Problem]) -> bool:
        """Tell these problems, and go to the first field that has one. True where there are none."""
        self.mark(problems)
        self.go_to_problem()
        return not problems

    def mark(self, problems: Sequence[Problem]) -> None:
        """Tell all of these problems, whichever fields were touched."""
        for field in self.fields.values():
            field.touched = True
        self._tell(problems, every=True)

    def hear(self, problems: Sequence[Problem]) -> None:
        """Tell these problems where their fields were touched."""
        self._tell(problems, every=False)

    def go_to_problem(self) -> bool:
        """Put the cursor into the first field that something is wrong with. False where there is none."""
        wrong = next((field for field in self.fields.values() if field.problem), None)
        if wrong is not None:
            wrong.control.setFocus(Qt.FocusReason.OtherFocusReason)
        return wrong is not None

    def lock(self) -> None:
        """Show everything, let nothing be changed."""
        for field in self.fields.values():
            freeze(field.control)

    def _put(self, widget: QWidget, span: int) -> None:
        row, column = divmod(self._next, self._columns)
        self._grid.addWidget(widget, row, column, 1, span, Qt.AlignmentFlag.AlignTop)
        self._next += span

    def _changed(self) -> None:
        self.look()
        self.changed.emit()

    def _tell(self, problems: Sequence[Problem], *, every: bool) -> None:
        said: dict[str, list[str]] = {name: [] for name in self.fields}
        rest: list[str] = []
        for problem in problems:
            place = self._place(problem.field)
            if place:
                said[place].append(sentence(problem.words))
            else:
                rest.append(sentence(str(problem)))
        for name, words in said.items():
            field = self.fields[name]
            field.say("\n".join(words) if every or field.touched else "")
        self.rest.setText("\n".join(rest) if every else "")
        self.rest.setVisible(bool(self.rest.text()))

    def _place(self, path: str) -> str:
        """The name of the field that a problem's path leads to: itself, or the longest name that the path ends with."""
        if path in self.fields:
            return path
        parts = path.replace("[", ".").replace("]", "").split(".")
        for part in reversed(parts):
            if part in self.fields:
                return part
        return ""

    def _state(self) -> tuple[Hashable, ...]:
        return tuple(field.value() for field in self.fields.values())


def line_edit(text: str = "", *, placeholder: str = "", password: bool = False) -> QLineEdit:
    """A field of one line."""
    made = QLineEdit(text)
    made.setPlaceholderText(placeholder)
    if password:
        made.setEchoMode(QLineEdit.EchoMode.Password)
    return made


def text_edit(text: str = "", *, lines: int = 3, placeholder: str = "") -> QPlainTextEdit:
    """A field of several lines. Tab leaves it."""
    made = QPlainTextEdit(text)
    made.setPlaceholderText(placeholder)
    made.setTabChangesFocus(True)
    made.setFixedHeight(made.fontMetrics().lineSpacing() * lines + 18)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made


def choice(items: Sequence[tuple[str, str]], current: str = "", *, ask: str = "") -> QComboBox:
    """A choice: each item is a value and its words. `ask` stands there as long as nothing is chosen."""
    made = QComboBox()
    if ask:
        made.addItem(ask, "")
    for value, words in items:
        made.addItem(words, value)
    place = made.findData(current)
    made.setCurrentIndex(max(0, place))
    made.setMinimumWidth(0)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(8)
    return made


def tick(words: str, on: bool = False) -> QCheckBox:
    """A tick."""
    made = TickBox(words.replace("&", "&&"))
    made.setChecked(on)
    made.setMinimumHeight(24)
    return made


def value_of(control: QWidget) -> FieldValue:
    """What stands in a control."""
    if isinstance(control, QLineEdit):
        return control.text()
    if isinstance(control, QPlainTextEdit):
        return control.toPlainText()
    if isinstance(control, QComboBox):
        value = control.currentData()
        return value if isinstance(value, str) else control.currentText()
    if isinstance(control, QCheckBox):
        return control.isChecked()
    value = control.property("typed")
    return value if isinstance(value, str | bool) else None


def freeze(control: QWidget) -> None:
    """Let nothing be changed in a control; texts can still be read, marked and copied."""
    if isinstance(control, QLineEdit | QPlainTextEdit):
        control.setReadOnly(True)
        # A text of several lines has no such state in a style sheet: it is told by a property.
        control.setProperty("frozen", True)
        control.style().unpolish(control)
        control.style().polish(control)
    else:
        control.setEnabled(False)


def sentence(words: str) -> str:
    """Words as a sentence: a capital letter first, a full stop last."""
    words = words.strip()
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words[-1] in ".?:)" else ".")


def _on_change(control: QWidget, told: Callable[[], None]) -> None:
    if isinstance(control, QLineEdit | QPlainTextEdit):
        control.textChanged.connect(lambda *_: told())
    elif isinstance(control, QComboBox):
        control.currentIndexChanged.connect(lambda *_: told())
    elif isinstance(control, QCheckBox):
        control.toggled.connect(lambda *_: told())
    else:
        signal = getattr(control, "typed_changed", None)
        if signal is not None:
            signal.connect(told)
