"""The third step of the assistant: every check with its count, the answers behind it, and what to do about each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QSplitter, QVBoxLayout, QWidget

from mirror_console.domain.check import Answer, Check, Checked, CheckResult, Override
from mirror_console.domain.plan import Plan
from mirror_console.domain.status import Status
from mirror_console.operations.overriding import override, still_overridden, take_back
from mirror_console.ui.context import UiContext
from mirror_console.ui.help import show_help
from mirror_console.ui.rollout.check_groups import CheckGroup, grouped
from mirror_console.ui.rollout.overriding import AnswerPart, OverrideDialog
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import ANSWER_GLYPHS, titled
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_4
from mirror_console.ui.widgets.form import tick
from mirror_console.ui.widgets.table import Column, TableView
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import count, tr


class ChecksStep(QWidget):
    """The checks of a plan. `changed` is sent whenever what may follow has changed."""

    changed = Signal()

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._plan: Plan | None = None
        self._results: tuple[CheckResult, ...] = ()
        self._ticks: dict[Check, QCheckBox] = {}
        self._overrides: tuple[Override, ...] = ()
        """What was overridden of this plan's answers: it is kept when they are asked again."""
        self.checked: Checked | None = None
        self.summary = label("", Look.HEADING, wrap=True)
        self.groups = PlainTable[CheckGroup](_group_columns(), lambda group: group.key)
        self.view = TableView(self.groups, context.theme, tr("Checks"))
        self.view.cursor_changed.connect(lambda _key: self._show_details())
        self.details = PlainTable[tuple[int, CheckResult]](self._detail_columns(), lambda row: row[0])
        self.details_view = TableView(self.details, context.theme, tr("Answers to the check"))
        self.details_view.cursor_changed.connect(lambda _key: self._say_whole())
        self.details_title = label("", Look.STRONG)
        self.answer = AnswerPart()
        self.answer.override_wished.connect(self._override)
        self.answer.take_back_wished.connect(self._take_back)
        self.answer.help_wished.connect(lambda: show_help(context, self, self.help_page()))
        self.unfolded = tick(tr("List the checks that pass, too"))
        self.unfolded.toggled.connect(lambda _on: self._show_groups())
        self._understood = QVBoxLayout()
        self._understood.setSpacing(0)
        self._lay_out()

    def begin(self, plan: Plan) -> None:
        """The checks of a plan are about to be asked."""
        if self._plan is None or self._plan.id != plan.id:
            self._overrides = ()
        self._plan = plan
        self.checked = None
        self._clear_ticks()
        self.take(())

    def take(self, results: Sequence[CheckResult]) -> None:
        """Show the answers that are there so far."""
        self._results = tuple(results)
        self._show_groups()
        self._tell()

    def finish(self, checked: Checked) -> None:
        """All answers are there."""
        self.checked = checked = still_overridden(checked, self._overrides)
        self.take(checked.results)
        self._clear_ticks()
        for group in grouped(checked):
            if group.warned:
                words = tr("I have looked at the {} of “{}”").format(
                    count(group.warned, "answer", "answers"), tr(group.check)
                )
                made = tick(words)
                made.toggled.connect(self.changed)
                made.toggled.connect(self._tell)
                self._ticks[group.check] = made
                self._understood.addWidget(made)
                made.show()
        self._tell()
        first = self.groups.rows[0]
        if first.blocking or first.overridden or first.warned:
            self.view.move_to(first.key)
        self.changed.emit()

    def fail(self, words: str) -> None:
        """The checks could not be asked."""
        self.summary.setText(words)
        self.changed.emit()

    def help_page(self) -> str:
        """The page of the check that the cursor is on."""
        key = self.view.current_key()
        return key.id if isinstance(key, Check) else ""

    @property
    def ticks(self) -> tuple[QCheckBox, ...]:
        """The ticks of understanding, one for each check that warns."""
        return tuple(self._ticks.values())

    @property
    def ready(self) -> int:
        """How many targets nothing blocks."""
        if self._plan is None or self.checked is None or self.checked.blocks_all:
            return 0
        ids = [target.environment_id for target in self._plan.targets]
        return len(ids) - len(self.checked.blocked(ids))

    @property
    def refusal(self) -> str:
        """Why it can't go on yet; empty where it can."""
        if self.checked is None:
            return tr("The checks are still being asked.")
        if self.checked.blocks_all:
            return tr("A check blocks the whole rollout.")
        if not self.ready:
            return tr("Every target is blocked.")
        if not all(made.isChecked() for made in self._ticks.values()):
            return tr("Look at what warns, and tick it.")
        return ""

    def _clear_ticks(self) -> None:
        for made in self._ticks.values():
            self._understood.removeWidget(made)
            made.hide()
            made.deleteLater()
        self._ticks.clear()

    def _tell(self) -> None:
        if self._plan is None:
            return
        if self.checked is None:
            self.summary.setText(tr("Asking… {} so far.").format(count(len(self._results), "answer", "answers")))
            return
        targets, ready = len(self._plan.targets), self.ready
        if self.checked.blocks_all:
            words = tr("This can't be started.")
        elif not ready:
            words = tr("Every target is blocked.")
        elif ready < targets:
            blocked = count(targets - ready, "target is blocked", "targets are blocked")
            words = tr("{} ready; {} and will be left out.").format(count(ready, "target is", "targets are"), blocked)
        else:
            words = tr("All {} are ready.").format(count(targets, "target", "targets"))
        overridden = len(self.checked.overrides)
        if overridden:
            words += " " + tr("{} overridden.").format(count(overridden, "answer is", "answers are"))
        unread = sum(not made.isChecked() for made in self._ticks.values())
        if unread:
            words += " " + tr("{} to look at first.").format(count(unread, "check", "checks"))
        self.summary.setText(words)

    def _show_groups(self) -> None:
        asking = self._plan is not None and self.checked is None
        checked = self.checked or Checked(self._results)
        self.groups.show(grouped(checked, asking=asking, folded=not self.unfolded.isChecked()))
        self._show_details()

    def _group(self) -> CheckGroup | None:
        """The one that the cursor is on."""
        key = self.view.current_key()
        return next((group for group in self.groups.rows if group.key == key), None)

    def _show_details(self) -> None:
        group = self._group()
        self.details.show(list(enumerate(group.answers if group else ())))
        self.details_title.setText(group.title if group else "")
        self._say_whole()

    def _current(self) -> CheckResult | None:
        """The answer that the cursor is on."""
        key = self.details_view.current_key()
        return next((result for place, result in self.details.rows if place == key), None)

    def _say_whole(self) -> None:
        """The answer that the cursor is on, with its remedy: in the table there is seldom room for all of it."""
        result = self._current()
        word = self.checked.override_of(result) if self.checked and result else None
        refusal = self._context.console.read_only
        self.answer.show_answer(result, word, refusal, asked=self.checked is not None)

    def _override(self) -> None:
        checked, result = self.checked, self._current()
        if checked is None or result is None:
            return
        dialog = OverrideDialog(checked, result, self._about, self)
        if dialog.exec() == OverrideDialog.DialogCode.Accepted:
            self._put(override(self._context.console, checked, dialog.results, dialog.reason))
        dialog.deleteLater()

    def _take_back(self) -> None:
        """Take a word back, for all whom it was said for at once."""
        checked, result = self.checked, self._current()
        word = checked.override_of(result) if checked and result else None
        if checked is not None and word is not None:
            said = (word.check, word.reason, word.at)
            keys = {one.key for one in checked.overrides if (one.check, one.reason, one.at) == said}
            self._put(take_back(checked, [one for one in checked.results if one.key in keys]))

    def _put(self, checked: Checked) -> None:
        """Show the answers as they are overridden now; the cursor stays where it is."""
        self.checked, self._overrides = checked, checked.overrides
        self.take(checked.results)
        self.details.repaint_all()
        self.changed.emit()

    def _about(self, result: CheckResult) -> str:
        group = self._group()
        if group is not None and len(group.checks) > 1:
            return titled(tr(result.check))
        if self._plan is None:
            return ""
        for target in self._plan.targets:
            if result.environment_id and target.environment_id == result.environment_id:
                return target.application
            if not result.environment_id and result.engine_id and target.engine_id == result.engine_id:
                return target.engine
        return tr("whole rollout")

    def _detail_columns(self) -> tuple[Column[tuple[int, CheckResult]], ...]:
        def word(row: tuple[int, CheckResult]) -> Override | None:
            return self.checked.override_of(row[1]) if self.checked else None

        def said(row: tuple[int, CheckResult]) -> str:
            over = word(row)
            return over.reason if over else f"{row[1].words} {row[1].remedy}".strip()

        def answer(row: tuple[int, CheckResult]) -> str:
            return tr("overridden") if word(row) else tr(row[1].answer)

        def glyph(row: tuple[int, CheckResult]) -> Status:
            return ANSWER_GLYPHS[Answer.WARNING if word(row) else row[1].answer]

        def tip(row: tuple[int, CheckResult]) -> str:
            return f"{row[1].words}\n{row[1].remedy}".strip()

        return (
            Column("about", tr("For"), lambda row: self._about(row[1]), 150, strong=True),
            Column(
                "answer",
                tr("Answer"),
                answer,
                124,
                status=glyph,
            ),
            Column("words", tr("Reason, and what to do"), said, 300, tip=tip, stretch=True),
        )

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_4, SPACE_1, SPACE_4, SPACE_1)
        column.setSpacing(SPACE_2)
        column.addWidget(self.summary)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        left = QWidget()
        left.setMinimumWidth(300)
        beside = QVBoxLayout(left)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(SPACE_1)
        beside.addWidget(self.view, 1)
        beside.addWidget(self.unfolded)
        split.addWidget(left)
        right = QWidget()
        inner = QVBoxLayout(right)
        inner.setContentsMargins(SPACE_2, 0, 0, 0)
        inner.setSpacing(SPACE_1)
        inner.addWidget(self.details_title)
        inner.addWidget(self.details_view, 1)
        inner.addWidget(self.answer)
        split.addWidget(right)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        split.setSizes([350, 470])
        column.addWidget(split, 1)
        column.addLayout(self._understood)


def _group_columns() -> tuple[Column[CheckGroup], ...]:
    def status(group: CheckGroup) -> Status | None:
        return ANSWER_GLYPHS[group.worst] if group.worst else None

    return (
        Column("check", tr("Check"), lambda group: group.title, 190, status=status, stretch=True),
        Column("words", tr("Answers"), lambda group: group.words, 150, muted=True),
    )
