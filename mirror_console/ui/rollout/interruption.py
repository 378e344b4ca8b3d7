"""A rollout that was cut off: what was found on the engines, and the two ways to go on. A person chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.recovery import MEANING, Found
from mirror_console.domain.rollout import OVER, Rollout, Target, TargetState
from mirror_console.domain.status import Status
from mirror_console.errors import ConsoleError
from mirror_console.operations.recovery import Finding
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.head import RolloutHead, is_protected
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.outcome_bar import OutcomeBar
from mirror_console.ui.rollout.runs import Runs
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import outcome_words, plan_title
from mirror_console.ui.theme import semibold
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.scrolled import Paper, scrolled
from mirror_console.ui.widgets.table import Column, TableView
from mirror_console.ui.widgets.text import Look, button, label, line
from mirror_console.ui.words import count, moment, tr

RUNNING = 4


class InterruptionView(QWidget):
    """What was interrupted. `left` asks for the list, `chosen` says that one of the two ways is being gone."""

    left = Signal()
    chosen = Signal(object)

    def __init__(self, context: UiContext, operations: RolloutOperations, runs: Runs) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._runs = runs
        self._rollout: Rollout | None = None
        self._findings: dict[str, Finding] = {}
        self._looking = False
        self._not_looked = ""
        """Why the last look failed as a whole."""
        self.head = RolloutHead(self.left.emit)
        self.head.at(RUNNING)
        self.title = label(tr("This rollout was interrupted"), Look.TITLE, wrap=True)
        self.words = label("", wrap=True, select=True)
        self.bar = OutcomeBar(context.theme)
        self.outcomes = label("", Look.MUTED, wrap=True)
        self.table = PlainTable[Target](self._columns(), lambda target: target.environment_id)
        self.view = TableView(self.table, context.theme, tr("Targets that were cut off"))
        self.view.cursor_changed.connect(lambda _key: self._say_whole())
        self.whole = label("", wrap=True, select=True)
        self.state = label("", Look.STRONG, wrap=True)
        self.look_again = button(tr("Look again"), self.look, look="quiet")
        self.go_on = button(tr("Re-read and continue"), self._go_on)
        self.put_back = button(tr("Put back"), self._put_back)
        self._lay_out()

    @property
    def rollout(self) -> Rollout | None:
        """The rollout that is shown."""
        return self._rollout

    def show_rollout(self, rollout: Rollout) -> None:
        """Show a rollout that was interrupted, and look at what it left behind."""
        other = self._rollout is None or self._rollout.id != rollout.id
        self._rollout = rollout
        now = self._context.console.clock()
        when = tr("started {} by {}").format(moment(rollout.started_at, now), rollout.started_by)
        self.head.say(plan_title(rollout.plan), f"{tr(rollout.state)} · {when}")
        self.head.protect(is_protected(self._context.grid, rollout.plan.environment))
        because = f"{rollout.paused_because} " if rollout.paused_because else ""
        self.words.setText(because + tr("Nothing is changed until you choose."))
        self.bar.show_rollout(rollout)
        self.outcomes.setText(outcome_words(rollout))
        self.table.show([target for target in rollout.targets if unsure(target)])
        if other:
            self._findings = {}
            self.look()
        self._tell()

    def look(self) -> None:
        """Look at the engines. Nothing is changed by it."""
        rollout = self._rollout
        if rollout is None or self._looking:
            return
        self._looking, self._not_looked = True, ""
        self._tell()
        examine, context = self._operations.examine, self._context

        def take(findings: Sequence[Finding]) -> None:
            self._looking = False
            self._findings = {finding.target.environment_id: finding for finding in findings}
            if self._rollout is not None:
                targets = [finding.target for finding in findings]
                self.table.show(targets or [target for target in self._rollout.targets if unsure(target)])
                self.table.repaint_all()
            self._tell()

        def failed(error: Exception) -> None:
            self._looking = False
            self._findings = {}
            self._not_looked = error.title if isinstance(error, ConsoleError) else tr("Look again.")
            self._tell()

        self._context.run(
            tr("Look at what was interrupted"),
            lambda _work: examine(context.console, context.jobs, rollout),
            take,
            failed,
            owner=self,
        )

    def _tell(self) -> None:
        refusal = self._context.console.read_only
        down = sum(finding.down for finding in self._findings.values())
        unread = sum(finding.found is None for finding in self._findings.values())
        if refusal:
            words = refusal
        elif self._looking:
            words = tr("Looking at the engines. Nothing is changed by it.")
        elif down:
            words = tr("{} now. Decide soon.").format(count(down, "target is down", "targets are down"))
        elif unread:
            words = tr("{} could not be looked at. They can be left for later.").format(
                count(unread, "target", "targets")
            )
        elif self._not_looked:
            words = tr("The targets that were cut off could not be looked at. {}").format(self._not_looked)
        elif self.table.rowCount():
            words = tr("All targets that were cut off were looked at; none of them is down.")
        else:
            words = tr("No target was cut off in the middle.")
        self.state.setText(words)
        self.state.setProperty("class", "error" if down else "")
        self.state.style().unpolish(self.state)
        self.state.style().polish(self.state)
        self.state.setFont(semibold(self.font()))
        self._say_whole()
        for made in (self.go_on, self.put_back):
            made.setEnabled(not refusal and not self._looking)
            if refusal:
                made.setAccessibleDescription(refusal)

    def _say_whole(self) -> None:
        """What was found of the target that the cursor is on: in the table there is seldom room for all of it."""
        finding = self._findings.get(str(self.view.current_key()))
        if finding is not None:
            self.whole.setText(f"{finding.target.planned.application}: {finding.words}. {_meaning(finding)}")
        self.whole.setVisible(finding is not None)

    def _go_on(self) -> None:
        self._choose(self._runs.go_on)

    def _put_back(self) -> None:
        self._choose(self._runs.put_back)

    def _choose(self, way: Callable[[Rollout], None]) -> None:
        rollout = self._rollout
        if rollout is not None:
            self._rollout = None
            way(rollout)
            self.chosen.emit(rollout)

    def _columns(self) -> tuple[Column[Target], ...]:
        def found(target: Target) -> str:
            finding = self._findings.get(target.environment_id)
            if finding is None:
                return tr("looking…") if self._looking else tr("not looked at")
            return finding.words

        def shape(target: Target) -> Status | None:
            finding = self._findings.get(target.environment_id)
            if finding is None:
                return None
            if finding.found is None:
                return Status.UNREACHABLE
            if finding.down or finding.found is Found.LOST:
                return Status.UNHEALTHY
            fine = {Found.FINISHED, Found.COMMITTED, Found.NOT_BEGUN}
            return Status.ALIGNED if finding.found in fine else Status.BEHIND

        def meaning(target: Target) -> str:
            finding = self._findings.get(target.environment_id)
            return _meaning(finding) if finding is not None else ""

        return (
            Column("mirror", tr("Target"), lambda target: target.planned.application, 150, strong=True),
            Column("engine", tr("Engine"), lambda target: target.planned.engine, 70, muted=True),
            Column("step", tr("Cut off at"), lambda target: tr(target.step) if target.step else tr(target.state), 100),
            Column("found", tr("Found"), found, 226, status=shape),
            Column("meaning", tr("What that means"), meaning, 240, muted=True, stretch=True),
        )

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(line())
        paper = Paper()
        top = QVBoxLayout(paper)
        top.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_2)
        top.setSpacing(SPACE_2)
        top.addWidget(self.title)
        top.addWidget(self.words)
        top.addWidget(self.bar)
        top.addWidget(self.outcomes)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        row.addWidget(self.state, 1)
        row.addWidget(self.look_again)
        top.addLayout(row)
        top.addWidget(self.view, 1)
        top.addWidget(self.whole)
        column.addWidget(scrolled(paper, self.view), 1)
        column.addWidget(line())
        ways = QHBoxLayout()
        ways.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_3)
        ways.setSpacing(SPACE_4)
        explained = (
            (self.go_on, tr("What was done stays, what was cut off is brought to its end, and the rest goes on.")),
            (self.put_back, tr("Targets that were cut off get their old container back. The rest is not started.")),
        )
        for made, words in explained:
            box = QVBoxLayout()
            box.setSpacing(SPACE_1)
            box.addWidget(made)
            box.addWidget(label(words, Look.MUTED, wrap=True))
            # Of two explanations one may take two lines: both begin below their buttons.
            box.addStretch(1)
            made.setAccessibleDescription(words)
            ways.addLayout(box, 1)
        column.addLayout(ways)


def _meaning(finding: Finding) -> str:
    return tr(MEANING[finding.found]) if finding.found else tr("It stays unknown until its engine answers.")


def unsure(target: Target) -> bool:
    """Whether it isn't known how far a target got."""
    return target.state is TargetState.UNKNOWN or target.state not in OVER | {TargetState.QUEUED}
