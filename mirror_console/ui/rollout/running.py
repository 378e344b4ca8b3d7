"""A rollout under way: what came of its targets so far, what is being done, why it paused, and how to stop it."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from mirror_console.domain.causes import Cause
from mirror_console.domain.durations import Learned, left_words, slower_than_usual
from mirror_console.domain.fetching import fetching_words
from mirror_console.domain.journal import JournalEntry
from mirror_console.domain.rollout import OVER, WORKING, Rollout, RolloutState, Target
from mirror_console.domain.stop_rule import stop_rule_words
from mirror_console.domain.way import Way
from mirror_console.operations.deciding import Decision
from mirror_console.operations.rollback import Part
from mirror_console.ui.context import UiContext
from mirror_console.ui.notices import announce
from mirror_console.ui.rollout.causes_panel import CausesPanel
from mirror_console.ui.rollout.command_dialog import show_runs
from mirror_console.ui.rollout.control import ControlBar
from mirror_console.ui.rollout.head import RolloutHead, is_protected
from mirror_console.ui.rollout.operations import journal_of
from mirror_console.ui.rollout.outcome_bar import OutcomeBar
from mirror_console.ui.rollout.run_tables import Wave, target_columns, wave_columns, waves_of
from mirror_console.ui.rollout.runs import Runs
from mirror_console.ui.rollout.steps import StepsPanel
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import by_urgency, outcome_words, over_of, overridden_words, plan_title, took
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.scrolled import LEAST, Paper, scrolled, type_width
from mirror_console.ui.widgets.table import TableView
from mirror_console.ui.widgets.text import Look, button, label, line
from mirror_console.ui.words import age, count, moment, number, tr

RUNNING, REPORT = 4, 5
JOURNAL_EVERY_MS = 500
CLOCK_EVERY_MS = 1000


class RunView(QWidget):
    """A rollout that runs, pauses, or is about to stop. `left` asks for the list, `rollback_wished` for the plan that
    takes back a rollout's part, of a wave or none, `in_spite_wished` that a cause's check be overridden."""

    left = Signal()
    rollback_wished = Signal(object, object, object)
    in_spite_wished = Signal(object, object)

    def __init__(self, context: UiContext, runs: Runs) -> None:
        super().__init__()
        self._context = context
        self._runs = runs
        self._rollout: Rollout | None = None
        self._journal: tuple[JournalEntry, ...] = ()
        self._told = ""
        self._read_of: Target | None = None
        """The target as it was when its journal was read last."""
        self._learned = Learned()
        self.head = RolloutHead(self.left.emit)
        self.head.at(RUNNING)
        self.bar = OutcomeBar(context.theme)
        self.counts = label("", Look.STRONG)
        self.outcomes = label("", Look.MUTED, wrap=True)
        self.lasts = label("", Look.MUTED)
        self.fetching = label("", wrap=True, select=True)
        self.pause = button(tr("Pause"), self._pause)
        self.resume = button(tr("Resume"), self._resume, look="primary")
        self.stop = button(tr("Stop…"), self._stop)
        self.abort = button(tr("Abort…"), self._abort, look="quiet")
        self.control = ControlBar(context)
        self.control.retry_wished.connect(self._retry)
        self.control.rollback_wished.connect(self._roll_back)
        context.icons.wear(self.pause, "pause")
        context.icons.wear(self.stop, "square")
        context.icons.wear(self.resume, "play", "accent_text")
        self.rule = label("", Look.MUTED, wrap=True)
        self.why = label("", wrap=True, select=True)
        self._banner = QFrame()
        self._banner.setProperty("class", "banner")
        self.causes = CausesPanel(context)
        self.causes.decided.connect(self._decide)
        self.causes.in_spite_wished.connect(lambda cause: self.in_spite_wished.emit(self._rollout, cause))
        self.waves = PlainTable[Wave](wave_columns(), lambda wave: wave.place)
        self.targets = PlainTable[Target](
            target_columns(context.console.clock, self._slow), lambda target: target.environment_id
        )
        self.waves_view = TableView(self.waves, context.theme, tr("Waves"))
        self.view = TableView(self.targets, context.theme, tr("Targets"))
        self.view.cursor_changed.connect(lambda _key: self._read_journal())
        self.panel = StepsPanel(context.theme)
        self.panel.commands_wished.connect(self._show_commands)
        self._read = QTimer(self)
        self._read.setSingleShot(True)
        self._read.setInterval(JOURNAL_EVERY_MS)
        self._read.timeout.connect(self._read_on)
        self._clock = QTimer(self)
        self._clock.setInterval(CLOCK_EVERY_MS)
        self._clock.timeout.connect(self._tick)
        self._lay_out()

    @property
    def rollout(self) -> Rollout | None:
        """The rollout that is shown."""
        return self._rollout

    def show_rollout(self, rollout: Rollout) -> None:
        """Show how a rollout stands."""
        first = self._rollout is None or self._rollout.id != rollout.id
        self._rollout = rollout
        if first:
            self._journal, self._told = (), ""
            self._learn(rollout.id)
        now = self._context.console.clock()
        self._show_head(rollout, now)
        self.bar.show_rollout(rollout)
        over, total = over_of(rollout)
        self.counts.setText(tr("{} of {}").format(number(over), number(total)))
        self._show_pace(rollout, now)
        self.fetching.setText(fetching_words(rollout.fetches))
        self.fetching.setVisible(bool(rollout.fetches))
        stops = tr("Stop rule: {}.").format(stop_rule_words(rollout))
        self.rule.setText("\n".join([stops, *overridden_words(rollout)]))
        self.waves.show(waves_of(rollout))
        self.targets.show(by_urgency(rollout.targets))
        self._show_buttons(rollout)
        if first and self.targets.rowCount():
            self.view.move_to(self.targets.key(0))
        self._show_target()
        if not self._read.isActive():
            self._read.start()
        if rollout.state is RolloutState.RUNNING and not self._clock.isActive():
            self._clock.start()

    def _show_head(self, rollout: Rollout, now: datetime) -> None:
        plan = rollout.plan
        self.head.at(REPORT if rollout.ended_at else RUNNING)
        protected = is_protected(self._context.grid, plan.environment)
        self.head.protect(protected)
        parts = [
            tr(self._state(rollout)),
            tr("fetching images")
            if rollout.fetches_ahead
            else tr("wave {} of {}").format(rollout.current_wave + 1, rollout.waves),
            tr("started {}").format(moment(rollout.started_at, now)),
            tr("took {}").format(took(rollout.started_at, rollout.ended_at))
            if rollout.ended_at
            else tr("for {}").format(age(now - rollout.started_at)),
        ]
        self.head.say(plan_title(plan), " · ".join(parts))

    def _state(self, rollout: Rollout) -> str:
        asked = self._runs.asked(rollout.id)
        if asked == "pause":
            return "pausing"
        if asked == "abort":
            return "aborting"
        return "stopping" if asked == "stop" else str(rollout.state)

    def _show_buttons(self, rollout: Rollout) -> None:
        running = self._runs.is_running(rollout.id)
        asked = self._runs.asked(rollout.id)
        refusal = self._context.console.read_only
        paused = rollout.state is RolloutState.PAUSED and not running
        self.pause.setVisible(not paused)
        self.pause.setEnabled(running and not asked and not refusal)
        self.resume.setVisible(paused)
        self.resume.setEnabled(not refusal)
        self.stop.setEnabled((running or paused) and asked not in {"stop", "abort"} and not refusal)
        self.abort.setVisible(not paused)
        self.abort.setEnabled(running and asked != "abort" and not refusal)
        busy = refusal or (tr("Pause it first: targets are being worked on.") if running else "")
        self.control.show_rollout(rollout, busy)
        self.causes.show_rollout(rollout, busy)
        for made in (self.pause, self.resume, self.stop, self.abort):
            made.setAccessibleDescription(refusal)
        words = ""
        working = sum(target.state not in OVER and target.started_at is not None for target in rollout.targets)
        if asked and running:
            doing = {"pause": tr("Pausing"), "stop": tr("Stopping"), "abort": tr("Aborting")}[asked]
            words = tr("{} – {} still working. Nothing new is begun.").format(doing, number(working))
        elif paused:
            words = rollout.paused_because or tr("Paused.")
        elif running:
            # It waits for a window to open, and goes on by itself.
            words = rollout.paused_because
        self.why.setText(words)
        self._banner.setVisible(bool(words))
        if words and words != self._told:
            announce(self, words, urgent=paused)
        self._told = words

    def _tick(self) -> None:
        rollout = self._rollout
        if rollout is None or rollout.state is not RolloutState.RUNNING:
            self._clock.stop()
            return
        if self.isVisible():
            now = self._context.console.clock()
            self._show_head(rollout, now)
            self._show_pace(rollout, now)
            self.targets.repaint_all()
            self._show_target()

    def _show_pace(self, rollout: Rollout, now: datetime) -> None:
        """What came of the targets, how long the rest will take, and how many take longer than usual."""
        self.lasts.setText(left_words(rollout, self._learned, now))
        slow = sum(bool(self._slow(target)) for target in rollout.targets)
        told = tr("{} slower than usual").format(number(slow)) if slow else ""
        self.outcomes.setText(" · ".join(part for part in (outcome_words(rollout), told) if part))

    def _slow(self, target: Target) -> str:
        way = self._rollout.plan.way if self._rollout is not None else Way()
        return slower_than_usual(target, way, self._learned, self._context.console.clock())

    def _learn(self, rollout_id: str) -> None:
        learned, console = self._runs.operations.learned, self._context.console

        def told(found: Learned) -> None:
            rollout = self._rollout
            if rollout is not None and rollout.id == rollout_id:
                self._learned = found
                self._show_pace(rollout, console.clock())

        self._context.run(tr("Learn durations"), lambda _work: learned(console), told, owner=self)

    def hidden(self) -> None:
        """It is not looked at any more."""
        self._clock.stop()
        self._read.stop()

    # --- one target ---------------------------------------------------------------------------------------------

    def _current(self) -> Target | None:
        key = self.view.current_key()
        if self._rollout is None or not isinstance(key, str):
            return None
        return next((target for target in self._rollout.targets if target.environment_id == key), None)

    def _show_target(self) -> None:
        target = self._current()
        journal = tuple(entry for entry in self._journal if target and entry.environment_id == target.environment_id)
        self.panel.show_target(target, journal, self._context.console.clock())

    def _show_commands(self) -> None:
        target = self._current()
        if target is not None:
            show_runs(self._context, target, self)

    def _read_on(self) -> None:
        # Of what waits or is over, all lines are known: the journal of a whole rollout is long.
        target = self._current()
        if target is not self._read_of or (target is not None and target.state in WORKING):
            self._read_journal()

    def _read_journal(self) -> None:
        target, rollout = self._current(), self._rollout
        self._read_of = target
        self._show_target()
        if target is None or rollout is None:
            return
        console, rollout_id, environment_id = self._context.console, rollout.id, target.environment_id

        def take(entries: tuple[JournalEntry, ...]) -> None:
            current = self._current()
            if current is not None and current.environment_id == environment_id:
                self._journal = entries
                self._show_target()

        read = lambda _work: journal_of(console, rollout_id, environment_id)  # noqa: E731 - handed on as it is
        self._context.run(tr("Read the journal"), read, take, lane="journal", owner=self)

    # --- what a person may do -----------------------------------------------------------------------------------

    def _pause(self) -> None:
        if self._rollout is not None:
            self._leave(self.pause)
            self._runs.pause(self._rollout.id)

    def _leave(self, pressed: QWidget) -> None:
        """A button that can't be pressed again hands the focus on: to the list, not to the next one, which stops it."""
        if pressed.hasFocus():
            self.view.setFocus()

    def _resume(self) -> None:
        if self._rollout is not None:
            self._leave(self.resume)
            self.resume.setEnabled(False)
            self._runs.resume(self._rollout)

    def _stop(self) -> None:
        rollout = self._rollout
        if rollout is None:
            return
        waiting = sum(target.state not in OVER and target.started_at is None for target in rollout.targets)
        words = tr(
            "{} will not be started. What is being worked on is finished first; finished targets keep the new version."
        )
        if self._context.questions.confirm(
            tr("Stop this rollout?"), words.format(number(waiting)), tr("Stop the rollout")
        ):
            self._runs.stop(rollout)

    def _abort(self) -> None:
        rollout = self._rollout
        if rollout is None:
            return
        working = sum(target.state in WORKING for target in rollout.targets)
        words = tr(
            "{} being worked on end at their next safe point: what isn't committed yet is put back, what is committed "
            "goes on without being watched any longer. The rest is not started."
        )
        if self._context.questions.confirm(
            tr("Abort this rollout now?"), words.format(count(working, "target", "targets")), tr("Abort the rollout")
        ):
            self._runs.abort(rollout)

    def _retry(self) -> None:
        if self._rollout is not None:
            self._runs.retry(self._rollout)

    def _roll_back(self, part: Part, wave: int | None) -> None:
        if self._rollout is not None:
            self.rollback_wished.emit(self._rollout, part, wave)

    def _decide(self, cause: Cause, decision: Decision) -> None:
        if self._rollout is not None:
            self._runs.carry_out_decision(self._rollout, cause, decision)

    # --- what is shown ------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(line())
        banner = QHBoxLayout(self._banner)
        banner.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        banner.addWidget(self.why, 1)
        column.addWidget(self._banner)
        paper = Paper()
        top = QVBoxLayout(paper)
        top.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_3)
        top.setSpacing(SPACE_2)
        bar = QHBoxLayout()
        bar.setSpacing(SPACE_3)
        bar.addWidget(self.bar, 1)
        bar.addWidget(self.counts)
        bar.addWidget(self.lasts)
        top.addLayout(bar)
        top.addWidget(self.outcomes)
        top.addWidget(self.fetching)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_2)
        for made in (self.pause, self.resume, self.stop, self.abort, self.control):
            buttons.addWidget(made)
        buttons.addSpacing(SPACE_2)
        buttons.addWidget(self.rule, 1)
        top.addLayout(buttons)
        top.addWidget(self.causes)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        self.waves_view.setMinimumWidth(164)
        self.view.setMinimumWidth(300)
        self.panel.setMinimumWidth(240)
        for part in (self.waves_view, self.view, self.panel):
            split.addWidget(part)
        split.setStretchFactor(1, 3)
        split.setStretchFactor(2, 2)
        split.setSizes([164, 470, 280])
        top.addSpacing(SPACE_1)
        top.addWidget(split, 1)
        column.addWidget(scrolled(paper, split), 1)
        # Words stand beside the lists, too: they need more in larger type.
        split.setMinimumHeight(type_width(self, LEAST))
