"""The Rollouts page: the list, and inside it the assistant, what runs, what was interrupted, and the reports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.causes import Cause
from mirror_console.domain.fleet import Grid
from mirror_console.domain.rollout import ENDED, Rollout, RolloutState, headline
from mirror_console.operations.deciding import Decision
from mirror_console.operations.recovery import Interruption
from mirror_console.operations.rollback import Part
from mirror_console.operations.standing import all_rollouts
from mirror_console.operations.trips import is_due
from mirror_console.ui.actions import Declared, MenuName
from mirror_console.ui.context import UiContext
from mirror_console.ui.notices import Notice, NoticeAction, Tone, announce
from mirror_console.ui.page import Page
from mirror_console.ui.questions import Choice
from mirror_console.ui.rollout.assistant import Assistant
from mirror_console.ui.rollout.in_spite import InSpite
from mirror_console.ui.rollout.interruption import InterruptionView
from mirror_console.ui.rollout.listing import RolloutList
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.report import ReportView
from mirror_console.ui.rollout.running import RunView
from mirror_console.ui.rollout.runs import Runs
from mirror_console.ui.rollout.words import plan_title
from mirror_console.ui.words import tr

READ_AFTER_MS = 300
CONCERNED = frozenset({"rollouts", "targets", "plans"})


class RolloutsPage(Page):
    """All of a rollout from the first tick to the report."""

    id = "rollouts"
    title = "Rollouts"
    icon = "rocket"

    def __init__(self, context: UiContext, operations: RolloutOperations | None = None) -> None:
        super().__init__(context)
        self.operations = operations or RolloutOperations()
        self._closing = False
        self._wanted = ""
        self._told: set[str] = set()
        self._due: set[str] = set()
        """The rollouts of which it was told that their rollback isn't begun."""
        self.runs = Runs(context, self.operations)
        self.in_spite = InSpite(context, self.runs, self, self._show_run)
        self.list = RolloutList(context)
        self.assistant = Assistant(context, self.operations)
        self.run_view = RunView(context, self.runs)
        self.report_view = ReportView(context, self.operations)
        self.interruption_view = InterruptionView(context, self.operations, self.runs)
        self.stack = QStackedWidget()
        for view in (self.list, self.assistant, self.run_view, self.report_view, self.interruption_view):
            self.stack.addWidget(view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)
        self._reading = QTimer(self)
        self._reading.setSingleShot(True)
        self._reading.setInterval(READ_AFTER_MS)
        self._reading.timeout.connect(self.read)
        self._connect()
        self._declare()
        self.read()
        self.look_for_interrupted()

    # --- what the window asks -----------------------------------------------------------------------------------

    def shown(self) -> None:
        """The focus goes where work begins. What runs is shown as it has become meanwhile."""
        shown = self.run_view.rollout
        if shown is not None and self.stack.currentWidget() is self.run_view:
            self.run_view.show_rollout(self.list.rollout(shown.id) or shown)
        self._focus()

    def refresh(self, grid: Grid) -> None:
        """A new survey: what is known of the chosen mirrors may have changed."""
        self.assistant.refresh(grid)

    def show_what(self, what: dict[str, object]) -> None:
        """Show a rollout by its id, or begin a new one with an environment and mirrors."""
        rollout_id, environment = what.get("rollout_id"), what.get("environment")
        ids = what.get("application_ids")
        if isinstance(rollout_id, str):
            self.open(rollout_id)
        elif isinstance(environment, str) or ids:
            chosen = [str(one) for one in ids] if isinstance(ids, Sequence) else []
            alone = bool(what.get("settings_only"))
            self.begin(environment if isinstance(environment, str) else "", chosen, settings_only=alone)

    def may_close(self) -> bool:
        """Whether the window may close now. Where a rollout runs, the person is asked.

        Keep running minimises the window; pause and quit closes it once nothing is in flight any more.
        """
        running = self.runs.running
        if not running:
            return True
        chosen = self.context.questions.choose(
            tr("A rollout is running"),
            f"{plan_title(running[0].plan)}: {headline(running[0])}.",
            (
                Choice("keep", tr("Keep running"), tr("The window gets out of the way, and the rollout goes on.")),
                Choice(
                    "pause", tr("Pause and quit"), tr("What is being worked on is finished first. Resume it any time.")
                ),
            ),
        )
        if chosen == "keep":
            self.window().showMinimized()
        elif chosen == "pause":
            self._closing = True
            for rollout in running:
                self.runs.pause(rollout.id)
                self._show_run(rollout)
        return False

    # --- what is shown ------------------------------------------------------------------------------------------

    def begin(self, environment: str = "", application_ids: Sequence[str] = (), *, settings_only: bool = False) -> None:
        """Open the assistant; with `settings_only` images stay."""
        self.stack.setCurrentWidget(self.assistant)
        self.assistant.begin(environment, application_ids, settings_only=settings_only)

    def open(self, rollout_id: str) -> None:
        """Show a rollout: running, interrupted, or its report."""
        rollout = self.runs.latest(rollout_id) or self.list.rollout(rollout_id)
        if rollout is None:
            self._wanted = rollout_id
            self.read()
            return
        self._show(rollout)

    def show_list(self) -> None:
        """Show all rollouts."""
        self.run_view.hidden()
        self.stack.setCurrentWidget(self.list)
        self._focus()

    def read(self) -> None:
        """Read the rollouts from the catalog."""
        console, known = self.context.console, self.list.rollouts
        self.context.run(
            tr("Read the rollouts"),
            lambda _work: all_rollouts(console, known),
            self._take_all,
            lane="rollouts",
            owner=self,
        )

    def _take_all(self, rollouts: Sequence[Rollout]) -> None:
        self.list.show_rollouts([self.runs.latest(rollout.id) or rollout for rollout in rollouts])
        self.runs.watch_over_new(rollouts)
        self._tell_due(rollouts)
        self._show_again()
        if self._wanted:
            wanted, self._wanted = self._wanted, ""
            found = self.list.rollout(wanted)
            if found is not None:
                self._show(found)

    def _show_again(self) -> None:
        """Of the rollout that is looked at, what a rollback did to it since may be news."""
        view = self.stack.currentWidget()
        shown = view.rollout if isinstance(view, RunView | ReportView) else None
        if isinstance(view, RunView | ReportView) and shown is not None and not self.runs.is_running(shown.id):
            now = self.list.rollout(shown.id)
            if now is not None and now != shown and now.state is shown.state:
                view.show_rollout(now)

    def _show(self, rollout: Rollout) -> None:
        self.run_view.hidden()
        if self.runs.is_running(rollout.id):
            self._show_run(rollout)
        elif rollout.state is RolloutState.INTERRUPTED:
            self.interruption_view.show_rollout(rollout)
            self.stack.setCurrentWidget(self.interruption_view)
        elif rollout.state in ENDED:
            self.report_view.show_rollout(rollout)
            self.stack.setCurrentWidget(self.report_view)
        else:
            self._show_run(rollout)
        self._focus()

    def _show_run(self, rollout: Rollout) -> None:
        self.run_view.show_rollout(rollout)
        self.stack.setCurrentWidget(self.run_view)

    def _focus(self) -> None:
        first: dict[QWidget, QWidget] = {
            self.list: self.list.view if self.list.table.rowCount() else self.list.new,
            self.run_view: self.run_view.view,
            self.report_view: self.report_view.view,
            self.interruption_view: self.interruption_view.view,
        }
        current = self.stack.currentWidget()
        if current in first:
            first[current].setFocus()

    # --- what happens -------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self.list.opened.connect(self.open)
        self.list.new_wished.connect(self.begin)
        for view in (self.assistant, self.run_view, self.report_view, self.interruption_view):
            view.left.connect(self.show_list)
        self.assistant.started.connect(self._start)
        self.assistant.planned.connect(self._show_assistant)
        self.interruption_view.chosen.connect(self._chosen)
        self.run_view.rollback_wished.connect(self._roll_back)
        self.report_view.rollback_wished.connect(self._roll_back)
        self.report_view.retry_wished.connect(self._retry)
        self.report_view.decided.connect(self._decided)
        for shown in (self.run_view, self.report_view):
            shown.in_spite_wished.connect(lambda rollout, cause: self.in_spite.ask(rollout, cause.targets))
        self.runs.changed.connect(self._run_changed)
        self.runs.ended.connect(self._run_ended)
        self.runs.followed.connect(self._followed)
        self.context.signals.catalog.connect(self._catalog_changed)

    def _start(self, rollout: Rollout) -> None:
        self.list.take(rollout)
        self.runs.carry_out(rollout)
        self._show_run(rollout)
        self.run_view.view.setFocus()

    def _roll_back(self, rollout: Rollout, part: Part, wave: int | None) -> None:
        self.assistant.roll_back(rollout, part, wave)

    def _show_assistant(self) -> None:
        self.run_view.hidden()
        self.stack.setCurrentWidget(self.assistant)

    def _retry(self, rollout: Rollout) -> None:
        self.runs.retry(rollout)
        self._show_run(rollout)

    def _decided(self, rollout: Rollout, cause: Cause, decision: Decision) -> None:
        self.runs.carry_out_decision(rollout, cause, decision)
        self._show_run(rollout)

    def _chosen(self, rollout: Rollout) -> None:
        self.context.notices.take_back(f"interrupted:{rollout.id}")
        self._show_run(rollout)
        self.run_view.view.setFocus()

    def _run_changed(self, rollout: Rollout) -> None:
        self.list.take(rollout)
        shown = self.run_view.rollout
        if self.run_view.isVisible() and shown is not None and shown.id == rollout.id:
            self.run_view.show_rollout(rollout)
        self.context.actions.refresh()

    def _run_ended(self, rollout: Rollout) -> None:
        shown = self.run_view.rollout
        looked_at = self.stack.currentWidget() is self.run_view and shown is not None and shown.id == rollout.id
        if looked_at and (rollout.state in ENDED or rollout.state is RolloutState.INTERRUPTED):
            self._show(rollout)
        self._announce(rollout)
        self.context.actions.refresh()
        if rollout.plan.rollback_of is not None:
            # The rollout that it takes back tells of it, too.
            self.read()
        if not self._closing:
            return
        for follows in self.runs.running:
            # The rollback that a stop rule began just before.
            self.runs.pause(follows.id)
        if not self.runs.running:
            self._closing = False
            self.window().close()

    def _followed(self, rollout: Rollout, back: Rollout) -> None:
        """Its stop rule began a rollback: whoever looks at the one sees the other, which is what happens now."""
        self.list.take(back)
        current = self.stack.currentWidget()
        shown = current.rollout if isinstance(current, RunView | ReportView) else None
        if shown is not None and shown.id == rollout.id:
            self._show_run(back)

    def _announce(self, rollout: Rollout) -> None:
        words = f"{plan_title(rollout.plan)}: {headline(rollout)}."
        urgent = rollout.state in {RolloutState.PAUSED, RolloutState.INTERRUPTED}
        announce(self, f"{rollout.paused_because} {words}".strip(), urgent=urgent)
        if self.isVisible() or self._closing:
            return
        look = NoticeAction(tr("Look at it"), lambda: self.context.go(self.id, rollout_id=rollout.id))
        tone = Tone.DONE if rollout.state is RolloutState.COMPLETED else Tone.WARNING
        title = rollout.paused_because or tr("The rollout has ended: {}.").format(tr(rollout.state))
        self.context.notices.tell(Notice(tone, title, words, key=f"rollout:{rollout.id}", actions=(look,)))

    def _catalog_changed(self, collections: frozenset[str]) -> None:
        # What runs here is heard of directly; reading everything again at each step would cost more than it tells.
        if collections & CONCERNED and not self.runs.running and not self._reading.isActive():
            self._reading.start()

    # --- what was interrupted -----------------------------------------------------------------------------------

    def look_for_interrupted(self) -> None:
        """Tell of rollouts that an earlier run of the program left in the middle. No engine is changed by it."""
        console = self.context.console
        if console.read_only:
            return
        interrupted = self.operations.interrupted
        running = tuple(rollout.id for rollout in self.runs.running)
        self.context.run(
            tr("Look for interrupted rollouts"),
            lambda _work: interrupted(console, running),
            self._tell_interrupted,
            lane="rollouts",
            owner=self,
        )

    def _tell_interrupted(self, interruptions: Sequence[Interruption]) -> None:
        for interruption in interruptions:
            rollout = interruption.rollout
            self.list.take(rollout)
            if rollout.id in self._told:
                continue
            self._told.add(rollout.id)
            look = NoticeAction(tr("Look at it"), partial(self.context.go, self.id, rollout_id=rollout.id))
            self.context.notices.tell(
                Notice(
                    Tone.WARNING,
                    tr("A rollout was interrupted."),
                    interruption.words,
                    key=f"interrupted:{rollout.id}",
                    actions=(look,),
                )
            )

    def _tell_due(self, rollouts: Sequence[Rollout]) -> None:
        """Tell of rollbacks that a stop rule asks for, and that weren't begun before the program ended."""
        asking = [one for one in rollouts if is_due(one) and not self.runs.is_running(one.id)]
        if self.context.console.read_only:
            # Who may change something now may be about to begin them.
            asking = []
        for rollout in asking:
            if rollout.id not in self._due:
                look = NoticeAction(tr("Look at it"), partial(self.context.go, self.id, rollout_id=rollout.id))
                leave = NoticeAction(tr("Leave it as it is"), partial(self._leave, rollout.id))
                title, words, key = tr("A rollback was not begun."), rollout.paused_because, f"due:{rollout.id}"
                self.context.notices.tell(Notice(Tone.WARNING, title, words, key=key, actions=(look, leave)))
        for done in self._due - {one.id for one in asking}:
            self.context.notices.take_back(f"due:{done}")
        self._due = {one.id for one in asking}

    def _leave(self, rollout_id: str) -> None:
        leave, console = self.operations.leave_rollback, self.context.console
        self.context.run(
            tr("Leave it as it is"), lambda _work: leave(console, rollout_id), lambda _rollout: self.read(), owner=self
        )

    # --- actions ------------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        def read_only() -> str:
            return self.context.console.read_only

        def unless_running() -> str:
            shown = self.run_view.rollout
            running = shown is not None and self.runs.is_running(shown.id)
            return read_only() or ("" if running else tr("no rollout runs here"))

        self.context.actions.declare(
            Declared("rollout.new", "New rollout…", MenuName.ROLLOUT, self._new, icon="rocket", refusal=read_only),
            Declared("rollout.list", "All rollouts", MenuName.ROLLOUT, self.show_list, page=self.id),
            Declared(
                "rollout.pause",
                "Pause",
                MenuName.ROLLOUT,
                self.run_view.pause.click,
                icon="pause",
                page=self.id,
                refusal=unless_running,
                begins_group=True,
            ),
            Declared(
                "rollout.stop",
                "Stop…",
                MenuName.ROLLOUT,
                self.run_view.stop.click,
                icon="square",
                page=self.id,
                refusal=unless_running,
            ),
        )

    def _new(self) -> None:
        self.context.go(self.id)
        self.begin()
