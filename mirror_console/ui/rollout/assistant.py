"""The assistant: from chosen mirrors over plan and checks to a confirmed rollout, one page after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.check import Checked, CheckResult
from mirror_console.domain.durations import Learned
from mirror_console.domain.fleet import Grid
from mirror_console.domain.plan import Change, Plan, PlannedTarget, number_to_type
from mirror_console.domain.reason import why_a_reason
from mirror_console.domain.rollout import Rollout
from mirror_console.domain.way_words import ruled_words
from mirror_console.errors import ConsoleError
from mirror_console.jobs import Job, JobEvent, Work
from mirror_console.operations.rollback import Part
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Question
from mirror_console.ui.rollout.checks import ChecksStep
from mirror_console.ui.rollout.fetch_now import FetchNow
from mirror_console.ui.rollout.head import RolloutHead, is_protected
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.preview import PlanPreview, preview_title
from mirror_console.ui.rollout.targets import TargetsStep
from mirror_console.ui.rollout.words import versions
from mirror_console.ui.tokens import SPACE_2, SPACE_4
from mirror_console.ui.widgets.text import ElidedLabel, Look, amp, button, line
from mirror_console.ui.words import count, number, tr

TARGETS, PLAN, CHECKS, CONFIRM = range(4)
AGE_EVERY_MS = 15_000


class Assistant(QWidget):
    """Targets, plan, checks, confirmation. `started` carries the rollout; `left` is sent when it is given up, `planned`
    when a plan is there to be shown."""

    started = Signal(object)
    left = Signal()
    planned = Signal()

    def __init__(self, context: UiContext, operations: RolloutOperations) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._plan: Plan | None = None
        self._job: Job[Checked] | None = None
        self._busy = ""
        self._rollback: Callable[[], Plan] | None = None
        """Makes the plan again, where it takes a rollout back."""
        self.head = RolloutHead(self.leave)
        self.targets = TargetsStep(context)
        self.preview = PlanPreview(context)
        self.checks = ChecksStep(context)
        self.stack = QStackedWidget()
        for step in (self.targets, self.preview, self.checks):
            self.stack.addWidget(step)
        self.says = ElidedLabel("", Look.MUTED)
        self.fetch_now = FetchNow(context, operations)
        self.back_button = button(tr("Back"), self.back)
        self.next_button = button("", self.go_on, look="primary")
        self._clock = QTimer(self)
        self._clock.setInterval(AGE_EVERY_MS)
        self._clock.timeout.connect(self._age)
        self.targets.changed.connect(self._look)
        self.checks.changed.connect(self._look)
        self._lay_out()
        self._show(TARGETS)

    @property
    def step(self) -> int:
        """The step that is shown."""
        return self.stack.currentIndex()

    @property
    def plan(self) -> Plan | None:
        """The plan that was made, if one was."""
        return self._plan

    @property
    def _first(self) -> int:
        """The step that no other comes before."""
        takes_back = self.step != TARGETS and self._plan is not None and self._plan.rollback_of is not None
        return PLAN if takes_back else TARGETS

    def begin(self, environment: str = "", application_ids: Sequence[str] = (), *, settings_only: bool = False) -> None:
        """Begin anew with these mirrors. With none, what was chosen before stays."""
        self._rollback = None
        if application_ids or environment:
            self.targets.choose(environment, application_ids, settings_only=settings_only)
        self._show(TARGETS)
        (self.targets.view if self.targets.environment_name else self.targets.environment).setFocus()

    def roll_back(self, rollout: Rollout, part: Part, wave: int | None) -> None:
        """Plan to take a rollout back, or a part of it, and show that."""
        plan_rollback, console, jobs = self._operations.plan_rollback, self._context.console, self._context.jobs
        self._rollback = lambda: plan_rollback(console, jobs, rollout.id, part, wave)
        self._make_plan()

    def refresh(self, grid: Grid) -> None:
        """A new survey."""
        if self.step == TARGETS:
            self.targets.refresh(grid)
        self._look()

    def leave(self) -> None:
        """Give it up. The plan that was made is kept in the catalog and starts nothing by itself."""
        self._cancel_checks()
        self.fetch_now.stop()
        self.left.emit()

    def back(self) -> None:
        """One step back. What takes a rollout back has no targets to choose: before its plan stands the rollout."""
        self._cancel_checks()
        self._show(max(self._first, self.step - 1))

    def go_on(self) -> None:
        """One step on: plan, check, or confirm."""
        if self._refusal():
            return
        forward: dict[int, Callable[[], None]] = {
            TARGETS: self._make_plan,
            PLAN: self._ask_checks,
            CHECKS: self.confirm,
        }
        forward[self.step]()

    # --- the steps ----------------------------------------------------------------------------------------------

    def _make_plan(self) -> None:
        if self._rollback is not None:
            again = self._rollback
            self._wait(tr("Planning…"))
            self._context.run(tr("Make a plan"), lambda _work: again(), self.show_plan, self._failed, owner=self)
            return
        if not self.targets.way.accept():
            return
        environment, ids = self.targets.environment_name, self.targets.application_ids
        way, alone = self.targets.way.way(), self.targets.settings_only
        plan, console = self._operations.plan, self._context.console
        self._wait(tr("Planning…"))
        self._context.run(
            tr("Make a plan"),
            lambda _work: plan(console, environment, ids, way, settings_only=alone),
            self.show_plan,
            self._failed,
            owner=self,
        )

    def show_plan(self, plan: Plan) -> None:
        """Show a plan that was made."""
        self._wait("")
        self._plan = plan
        self.planned.emit()
        self.preview.show_plan(plan, self._context.console.clock())
        self._learn(plan)
        self.fetch_now.show_plan(plan)
        self._show(PLAN)
        self.preview.tabs.setFocus()

    def _learn(self, plan: Plan) -> None:
        learned, console = self._operations.learned, self._context.console

        def told(found: Learned) -> None:
            if self._plan is plan:
                self.preview.show_learned(plan, found)

        self._context.run(tr("Learn durations"), lambda _work: learned(console), told, owner=self)

    def _ask_checks(self) -> None:
        plan = self._plan
        if plan is None:
            return
        if self._context.console.clock() > plan.valid_until:
            self._make_plan()
            return
        self.show_checks(plan)
        preflight, console, jobs = self._operations.preflight, self._context.console, self._context.jobs

        def ask(work: Work) -> Checked:
            answers: list[CheckResult] = []

            def heard(result: CheckResult) -> None:
                answers.append(result)
                work.report(str(result.check), len(answers), 0, tuple(answers))

            return preflight(console, jobs, plan, heard)

        self._job = self._context.run(
            tr("Ask the checks"), ask, self._answered, self._failed, progress=self._heard, owner=self
        )

    def show_checks(self, plan: Plan) -> None:
        """Show the checks of a plan, none of which has an answer yet."""
        self.checks.begin(plan)
        self._show(CHECKS)
        self.checks.view.setFocus()

    def _heard(self, event: JobEvent) -> None:
        if self.step == CHECKS and self.checks.checked is None and isinstance(event.body, tuple):
            self.checks.take(event.body)

    def _answered(self, checked: Checked) -> None:
        self._job = None
        if self.step == CHECKS:
            self.checks.finish(checked)

    def confirm(self) -> None:
        """Ask for the person's word, and start."""
        plan, checked = self._plan, self.checks.checked
        if plan is None or checked is None:
            return
        self.head.at(CONFIRM)
        answer = self._context.questions.ask(question(plan, checked, protected=self._protected(plan.environment)))
        self.head.at(self.step)
        if not answer.go:
            self.next_button.setFocus()
            return
        start, console = self._operations.start, self._context.console
        self._wait(tr("Starting…"))
        self._context.run(
            tr("Start the rollout"),
            lambda _work: start(console, plan, checked, answer.reason, answer.number),
            self._start,
            self._failed,
            owner=self,
        )

    def _start(self, rollout: Rollout) -> None:
        self._wait("")
        self._plan = None
        self._rollback = None
        self._show(TARGETS)
        self.started.emit(rollout)

    def _failed(self, error: Exception) -> None:
        self._wait("")
        self._job = None
        if isinstance(error, ConsoleError):
            self._context.notices.error(error, key="assistant")
        if self.step == CHECKS and self.checks.checked is None:
            self.checks.fail(tr("The checks could not be asked. Go back and try again."))

    # --- what is shown ------------------------------------------------------------------------------------------

    def _show(self, step: int) -> None:
        self.stack.setCurrentIndex(step)
        self.head.at(step)
        if step == TARGETS:
            self._clock.stop()
        else:
            self._clock.start()
        self._look()

    def _wait(self, words: str) -> None:
        self._busy = words
        self._look()

    def _cancel_checks(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _refusal(self) -> str:
        read_only = self._context.console.read_only
        if read_only:
            return read_only
        if self._busy:
            return self._busy
        if self.step == TARGETS:
            return self.targets.refusal
        if self.step == PLAN and self._plan is not None and not self._plan.targets:
            return tr("The plan changes nothing.")
        return self.checks.refusal if self.step == CHECKS else ""

    def _look(self) -> None:
        refusal = self._refusal()
        self.next_button.setEnabled(not refusal)
        self.next_button.setAccessibleDescription(refusal)
        self.back_button.setVisible(self.step > self._first)
        self.says.say(refusal)
        self.says.setVisible(self.step != PLAN or bool(refusal))
        self.fetch_now.setVisible(self.step == PLAN and not refusal)
        plan = self._plan
        if self.step == TARGETS or plan is None:
            self.next_button.setText(tr("Make the plan"))
            name = self.targets.environment_name
            self.head.say(
                tr("New rollout to {}").format(name) if name else tr("New rollout"),
                tr("Nothing is changed before you confirm."),
            )
            self.head.protect(self._protected(name))
            return
        now = self._context.console.clock()
        old = now > plan.valid_until
        if self.step == PLAN:
            self.next_button.setText(tr("Plan again") if old else tr("Ask the checks"))
        else:
            ready = self.checks.ready
            verb = tr("Roll back {}…") if plan.rollback_of is not None else tr("Roll out {}…")
            told = verb.format(count(ready, "target", "targets")) if ready else tr("Roll out…")
            self.next_button.setText(amp(told))
        words = tr("{} · plan {}").format(count(len(plan.targets), "target", "targets"), plan.fingerprint)
        self.head.say(preview_title(plan), words + (tr(" · too old to start") if old else ""))
        self.head.protect(self._protected(plan.environment))

    def _age(self) -> None:
        if self._plan is not None and self.isVisible():
            self.preview.age(self._plan, self._context.console.clock())
            self._look()

    def _protected(self, environment: str) -> bool:
        return is_protected(self._context.grid, environment)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(line())
        column.addWidget(self.stack, 1)
        column.addWidget(line())
        foot = QHBoxLayout()
        foot.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        foot.setSpacing(SPACE_2)
        foot.addWidget(self.says, 1)
        foot.addWidget(self.fetch_now, 1)
        foot.addWidget(self.back_button)
        foot.addWidget(self.next_button)
        column.addLayout(foot)


def question(plan: Plan, checked: Checked, *, protected: bool) -> Question:
    """What is asked before a rollout starts: always about the targets that will change, never about those left out."""
    blocked = checked.blocked(target.environment_id for target in plan.targets)
    ready = [target for target in plan.targets if target.environment_id not in blocked]
    to = count(len(ready), f"{plan.environment} mirror", f"{plan.environment} mirrors")
    first = sum(target.wave == 0 for target in ready)
    pauses = plan.way.pauses_after(0, len(plan.waves)) and first
    sentences = [
        _changes(ready),
        tr("First {}, then it pauses.").format(number(first)) if pauses else "",
        tr("You can stop at any time; finished targets keep the new version."),
        tr(ruled_words(plan.way)),
    ]
    details = []
    if blocked:
        details.append(tr("{} and left out.").format(count(len(blocked), "target is blocked", "targets are blocked")))
    if checked.overrides:
        details.append(
            tr("{} overridden: the rollout goes on in spite of them.").format(
                count(len(checked.overrides), "answer is", "answers are")
            )
        )
    if checked.warnings:
        details.append(tr("{} looked at.").format(count(len(checked.warnings), "warning was", "warnings were")))
    reason = bool(why_a_reason(plan, checked, protected=protected))
    to_type = number_to_type(len(ready), overridden=bool(checked.overrides))
    if plan.rollback_of is not None:
        sentences = [
            tr("Each goes back to its own image and settings of before {}.").format(plan.rollback_of.fingerprint),
            tr("You can stop at any time; finished targets stay where they went back to."),
        ]
        return Question(
            tr("Roll back {}?").format(to),
            " ".join(sentences),
            go=tr("Start rollback of {}").format(number(len(ready))),
            number=to_type,
            reason=reason,
            details=" ".join(details),
        )
    return Question(
        tr("Roll out {} to {}?").format(versions(ready), to),
        " ".join(sentence for sentence in sentences if sentence),
        go=tr("Start rollout to {}").format(number(len(ready))),
        number=to_type,
        reason=reason,
        details=" ".join(details),
    )


def _changes(targets: Sequence[PlannedTarget]) -> str:
    words = {
        Change.UPDATE: ("update", "updates"),
        Change.DOWNGRADE: ("downgrade", "downgrades"),
        Change.REPLACE: ("replacement that loses local changes", "replacements that lose local changes"),
        Change.SETTINGS: ("change of settings", "changes of settings"),
        Change.CREATE: ("new container", "new containers"),
        Change.TAKE_OVER: ("lock taken over", "locks taken over"),
        Change.BACK: ("way back", "ways back"),
    }
    counted = {change: sum(target.change is change for target in targets) for change in Change}
    return ", ".join(count(times, *words[change]) for change, times in counted.items() if times) + "."
