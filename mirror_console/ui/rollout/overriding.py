"""Overriding in the window: the answer that the cursor is on, what can be done about it, and the dialog for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.check import Answer, Checked, CheckResult, Override
from mirror_console.domain.overriding import may_be_overridden, overridable, rule_words, why_overridable
from mirror_console.errors import Problem
from mirror_console.operations.overriding import override_problems
from mirror_console.ui.questions import fit
from mirror_console.ui.rollout.words import titled
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.dialog_foot import dialog_foot
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit
from mirror_console.ui.widgets.text import Look, amp, button, label, plain_tip
from mirror_console.ui.words import count, tr

About = Callable[[CheckResult], str]
"""What an answer is about: a mirror, an engine, or the whole rollout."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which answers are overridden together."""

    words: str
    results: tuple[CheckResult, ...]


def scopes(checked: Checked, result: CheckResult, about: About) -> tuple[Scope, ...]:
    """For whom an answer may be overridden: for that one alone, for all with the same words, for all of the check."""
    every = tuple(one for one in overridable(checked) if one.check is result.check)
    alike = tuple(one for one in every if one.words == result.words)
    found = [Scope(about(result), (result,))]
    if 1 < len(alike) < len(every):
        found.append(Scope(tr("All {} with this answer").format(count(len(alike), "target", "targets")), alike))
    if len(every) > 1:
        words = tr("All {} that this check blocks").format(count(len(every), "target", "targets"))
        found.append(Scope(words, every))
    return tuple(found)


class OverrideDialog(QDialog):
    """Asks for whom, and why. Cancel is the default. `results` and `reason` are what was chosen."""

    def __init__(self, checked: Checked, result: CheckResult, about: About, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._checked = checked
        self.scopes = scopes(checked, result, about)
        title = tr("Override “{}”?").format(tr(result.check))
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(520)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(label(title, Look.HEADING, wrap=True))
        self.answer = label("", wrap=True, select=True)
        column.addWidget(self.answer)
        counts = tr(
            "It counts for this rollout alone, and for as long as the check answers the same where it is asked again. "
            "It goes into the audit and the report."
        )
        column.addWidget(label(f"{tr(why_overridable(result))} {counts}", Look.MUTED, wrap=True))
        self.form = Form(self._judge, columns=1)
        items = [(str(place), scope.words) for place, scope in enumerate(self.scopes)]
        self.scope = choice(items, "0")
        self.scope.currentIndexChanged.connect(lambda _place: self._tell())
        self.form.add(Field("scope", tr("For"), self.scope))
        self.reason_field = line_edit()
        self.form.add(Field("reason", tr("Why"), self.reason_field, required=True))
        self.form.end()
        column.addWidget(self.form)
        column.addStretch(1)
        self.go_button = button("", self._go, look="primary")
        self.cancel_button = button(tr("Cancel"), self.reject)
        column.addLayout(dialog_foot(self.go_button, self.cancel_button))
        self._tell()
        self.setAccessibleDescription(self.answer.text())
        self.reason_field.setFocus()
        fit(self)

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """The answers that are to be overridden."""
        return self.scopes[max(0, self.scope.currentIndex())].results

    @property
    def reason(self) -> str:
        """Why."""
        return self.reason_field.text().strip()

    def _tell(self) -> None:
        words = list(dict.fromkeys(f"{titled(tr(one.answer))}: {one.words}" for one in self.results))
        rest = count(len(words) - 1, "other answer", "other answers")
        more = tr(" And {}.").format(rest) if len(words) > 1 else ""
        self.answer.setText(words[0] + more)
        told = count(len(self.results), "answer", "answers")
        self.go_button.setText(amp(tr("Override {}").format(told)))

    def _go(self) -> None:
        if self.form.accept():
            self.accept()

    def _judge(self) -> Sequence[Problem]:
        return override_problems(self._checked, self.results, self.reason)


class AnswerPart(QWidget):
    """One answer in full, and what can be done: override it, take that back, read what the check is about."""

    override_wished = Signal()
    take_back_wished = Signal()
    help_wished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.words = label("", wrap=True, select=True)
        self.override_button = button(tr("Override…"), self.override_wished.emit)
        self.take_back_button = button(tr("Take the override back"), self.take_back_wished.emit)
        self.help_button = button(tr("What is this?"), self.help_wished.emit, look="quiet")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.words)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addWidget(self.override_button)
        row.addWidget(self.take_back_button)
        row.addWidget(self.help_button)
        row.addStretch(1)
        column.addLayout(row)

    def show_answer(self, result: CheckResult | None, word: Override | None, refusal: str, *, asked: bool) -> None:
        """Show an answer and a person's word over it. `refusal` is why nothing may be changed here; `asked`, that all
        answers are there."""
        needs_look = result is not None and result.answer is not Answer.PASS
        self.words.setText(_words(result, word) if needs_look and result is not None else "")
        self.words.setVisible(needs_look)
        blocks = asked and result is not None and result.blocks
        self.override_button.setVisible(blocks and word is None)
        self.take_back_button.setVisible(blocks and word is not None)
        if result is not None and blocks and not refusal and not may_be_overridden(result):
            refusal = tr(rule_words(result.check))
        for part in (self.override_button, self.take_back_button):
            part.setEnabled(not refusal)
            part.setAccessibleDescription(refusal)
            part.setToolTip(plain_tip(refusal))


def _words(result: CheckResult, word: Override | None) -> str:
    if word is None:
        return f"{result.words} {result.remedy}".strip()
    return tr("Overridden by {}: {}").format(word.person, word.reason) + f"\n{result.words}"
