"""Questions: the only place where the program asks before it goes on. Cancel is always the default."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.dialog_foot import dialog_foot
from mirror_console.ui.widgets.scrolled import Paper, scrolled
from mirror_console.ui.widgets.text import BREAK, Look, amp, button, label
from mirror_console.ui.words import tr

MOST_LINES = 14
"""Lines of details that are shown at once."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text that has to be typed or pasted exactly; what stands around it in a pasted line doesn't matter."""

    exact: str
    words: str
    """What the field is called."""
    wrong: str
    """What is said as long as something else stands there."""
    same: tuple[str, ...] = ()
    """Other spellings of the same text, which will do as well."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `go` is the verb of the button that goes on: never OK or Yes.

    With a `number` or a `phrase`, the button stays off until exactly that is typed. With `reason`, a sentence is asked
    for.
    """

    title: str
    text: str = ""
    go: str = ""
    cancel: str = ""
    number: int | None = None
    reason: bool = False
    details: str = ""
    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person said. `go` False is Cancel, Escape, or the closed dialog."""

    go: bool
    number: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ways to go on."""

    id: str
    words: str
    explanation: str = ""


class Questions:
    """Asks in a dialog over a window. Tests hand in another one that answers by itself."""

    def __init__(self, over: QWidget | None = None) -> None:
        self.over = over

    def ask(self, question: Question) -> Answer:
        """Ask whether to go on, and wait for the answer."""
        dialog = QuestionDialog(question, self.over)
        went = dialog.exec() == QDialog.DialogCode.Accepted
        answer = dialog.answer() if went else Answer(False)
        dialog.deleteLater()
        return answer

    def confirm(self, title: str, text: str, go: str) -> bool:
        """Ask whether to go on, without more."""
        return self.ask(Question(title, text, go)).go

    def choose(self, title: str, text: str, choices: tuple[Choice, ...]) -> str | None:
        """Ask which way to go on. None is Cancel."""
        dialog = ChoiceDialog(title, text, choices, self.over)
        went = dialog.exec() == QDialog.DialogCode.Accepted
        chosen = dialog.chosen if went else None
        dialog.deleteLater()
        return chosen


class QuestionDialog(QDialog):
    """A question with Cancel as the default: Enter and Escape both leave everything as it is."""

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question = question
        self.setWindowTitle(question.title)
        self.setModal(True)
        self.setMinimumWidth(460)
        box = _column(self, question.title, question.text)
        if question.details:
            box.addWidget(_details(question.details))
        self.number_field: QLineEdit | None = None
        self.reason_field: QLineEdit | None = None
        self.phrase_field: QLineEdit | None = None
        if question.phrase is not None:
            self.phrase_field = _field(box, question.phrase.words)
            self.phrase_field.textChanged.connect(self._look)
            self._wrong = label("", Look.ERROR)
            box.addWidget(self._wrong)
        if question.reason:
            self.reason_field = _field(box, tr("Why (goes into the report)"))
            self.reason_field.textChanged.connect(self._look)
        if question.number is not None:
            self.number_field = _field(box, tr("Type {} to confirm").format(question.number))
            self.number_field.setFixedWidth(160)
            self.number_field.textChanged.connect(self._look)
            self._says = label("", Look.MUTED)
            # Beside the field: below it, its line would stay empty most of the time.
            row = QHBoxLayout()
            row.setSpacing(SPACE_3)
            row.addWidget(self.number_field)
            row.addWidget(self._says, 1)
            box.addLayout(row)
        self.go_button = button(amp(question.go or tr("Go on")), self.accept, look="primary")
        self.cancel_button = button(amp(question.cancel or tr("Cancel")), self.reject)
        box.addSpacing(SPACE_2)
        box.addLayout(dialog_foot(self.go_button, self.cancel_button))
        (self.phrase_field or self.reason_field or self.number_field or self.cancel_button).setFocus()
        self._look()
        fit(self)

    def answer(self) -> Answer:
        """What was typed, for a dialog that was accepted."""
        return Answer(True, self._typed(), self.reason_field.text().strip() if self.reason_field else "")

    def _typed(self) -> int | None:
        text = self.number_field.text().strip() if self.number_field else ""
        return int(text) if text.isascii() and text.isdigit() else None

    def _phrased(self) -> bool:
        phrase = self._question.phrase
        if phrase is None or self.phrase_field is None:
            return True
        typed = self.phrase_field.text().replace(BREAK, "").split()
        right = not {phrase.exact, *phrase.same}.isdisjoint(typed)
        self._wrong.setText("" if right or not typed else phrase.wrong)
        self.phrase_field.setAccessibleDescription(self._wrong.text())
        return right

    def _look(self) -> None:
        wanted = self._question.number
        right = wanted is None or self._typed() == wanted
        reasoned = self.reason_field is None or bool(self.reason_field.text().strip())
        self.go_button.setEnabled(right and reasoned and self._phrased())
        if self.number_field is not None:
            typed = self.number_field.text().strip()
            self._says.setText("" if right or not typed else tr("{} expected").format(wanted))
            self.number_field.setAccessibleDescription(self._says.text())


class ChoiceDialog(QDialog):
    """Several ways to go on, each with what it means, and Cancel as the default."""

    def __init__(self, title: str, text: str, choices: tuple[Choice, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chosen: str | None = None
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(480)
        box = _column(self, title, text)
        for choice in choices:
            made = button(amp(choice.words), partial(self._take, choice.id))
            made.setAccessibleDescription(choice.explanation)
            box.addWidget(made)
            if choice.explanation:
                explanation = label(choice.explanation, Look.MUTED, wrap=True)
                explanation.setContentsMargins(SPACE_3, 0, 0, SPACE_2)
                box.addWidget(explanation)
        self.cancel_button = button(tr("Cancel"), self.reject)
        self.cancel_button.setAutoDefault(True)
        self.cancel_button.setDefault(True)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        box.addLayout(row)
        self.cancel_button.setFocus()
        fit(self)

    def _take(self, which: str) -> None:
        self.chosen = which
        self.accept()


def _column(dialog: QDialog, title: str, text: str) -> QVBoxLayout:
    box = QVBoxLayout(dialog)
    box.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
    box.setSpacing(SPACE_2)
    box.addWidget(label(title, Look.HEADING, wrap=True))
    if text:
        box.addWidget(label(text, wrap=True, select=True))
    dialog.setAccessibleDescription(text)
    return box


def _details(text: str) -> QWidget:
    """Lines below the question; many of them scroll."""
    lines = label(text, Look.MUTED, wrap=True, select=True)
    if text.count("\n") < MOST_LINES:
        return lines
    paper = Paper()
    column = QVBoxLayout(paper)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(lines)
    area = scrolled(paper)
    area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    area.setAccessibleName(tr("Details"))
    area.setFixedHeight(MOST_LINES * lines.fontMetrics().lineSpacing())
    return area


def fit(dialog: QDialog) -> None:
    """Make a dialog as high as what stands in it."""
    # A layout guesses the height of wrapped text too high, and makes that the least height of its dialog. Parts have
    # their sizes only once they are polished.
    dialog.ensurePolished()
    for part in dialog.findChildren(QWidget):
        part.ensurePolished()
    layout = dialog.layout()
    if layout is not None:
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        layout.invalidate()
        width = max(dialog.minimumWidth(), layout.minimumSize().width())
        height = layout.heightForWidth(width)
        dialog.setMinimumSize(width, height)
        dialog.resize(width, height)


def _field(box: QVBoxLayout, words: str) -> QLineEdit:
    name = label(words, Look.STRONG)
    made = QLineEdit()
    name.setBuddy(made)
    made.setAccessibleName(words)
    name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    box.addSpacing(SPACE_1)
    box.addWidget(name)
    box.addWidget(made)
    return made
