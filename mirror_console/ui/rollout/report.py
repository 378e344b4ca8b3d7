"""The report of a rollout: the headline, what needs a person, and every target with before, after and how long."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.rollout import SUCCEEDED, Rollout, Target, TargetState, headline
from mirror_console.domain.status import Status
from mirror_console.domain.trip import trip_words
from mirror_console.domain.way_words import plan_way_words
from mirror_console.operations.waiting import NO_WAITS, Waiting, halted_of, lay_of, waiting_of
from mirror_console.operations.written import seconds as seconds_text
from mirror_console.ui.context import UiContext
from mirror_console.ui.glyphs import glyph
from mirror_console.ui.rollout.causes_panel import CausesPanel
from mirror_console.ui.rollout.command_dialog import show_runs
from mirror_console.ui.rollout.control import ControlBar
from mirror_console.ui.rollout.head import RolloutHead
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.outcome_bar import OutcomeBar
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import (
    ROLLOUT_GLYPHS,
    by_urgency,
    overridden_words,
    plan_title,
    state_glyph,
    titled,
    took,
    urgency,
)
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.saving import AskWhere, ask_where, save_report
from mirror_console.ui.widgets.scrolled import Paper, scrolled
from mirror_console.ui.widgets.table import Column, TableView
from mirror_console.ui.widgets.text import Look, button, label, line
from mirror_console.ui.words import count, moment, number, tr

REPORT = 5


class ReportView(QWidget):
    """A rollout that has ended. `left` asks for the list. The other signals carry the rollout, and what is wished:
    that what failed is tried again, a part of it and a wave to be rolled back, a cause and a decision about it, or a
    cause whose check is to be overridden."""

    left = Signal()
    retry_wished = Signal(object)
    rollback_wished = Signal(object, object, object)
    decided = Signal(object, object, object)
    in_spite_wished = Signal(object, object)

    def __init__(self, context: UiContext, operations: RolloutOperations, ask: AskWhere = ask_where) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._ask = ask
        self._rollout: Rollout | None = None
        self.head = RolloutHead(self.left.emit)
        self.head.at(REPORT)
        self.mark = label("")
        self.headline = label("", Look.TITLE, wrap=True, select=True)
        self.facts = label("", Look.MUTED, wrap=True, select=True)
        self.why = label("", wrap=True, select=True)
        self.causes = CausesPanel(context)
        self.causes.decided.connect(lambda cause, decision: self.decided.emit(self._rollout, cause, decision))
        self.causes.in_spite_wished.connect(lambda cause: self.in_spite_wished.emit(self._rollout, cause))
        self.control = ControlBar(context)
        self.control.retry_wished.connect(lambda: self.retry_wished.emit(self._rollout))
        self.control.rollback_wished.connect(lambda part, wave: self.rollback_wished.emit(self._rollout, part, wave))
        self.bar = OutcomeBar(context.theme)
        self._waiting = NO_WAITS
        self.table = PlainTable[Target](_columns(self._waited), lambda target: target.environment_id)
        self.view = TableView(self.table, context.theme, tr("Targets of the report"))
        self.view.cursor_changed.connect(lambda _key: self._show_current())
        self.commands = button(tr("Commands of the target…"), self._show_commands)
        self.save = button(tr("Save as…"), self.save_as)
        self.copy = button(tr("Copy summary"), self.copy_summary)
        context.icons.wear(self.save, "download")
        context.icons.wear(self.copy, "copy")
        context.theme.changed.connect(self._mark)
        self._lay_out()

    @property
    def rollout(self) -> Rollout | None:
        """The rollout that is shown."""
        return self._rollout

    def show_rollout(self, rollout: Rollout) -> None:
        """Show the report of a rollout."""
        self._rollout = rollout
        plan = rollout.plan
        self.head.say(plan_title(plan), " · ".join((tr(rollout.state), tr("plan {}").format(plan.fingerprint))))
        self.headline.setText(headline(rollout))
        self._waiting = NO_WAITS
        self.facts.setText(self._facts(rollout))
        self.why.setText(tr("Why: {}").format(rollout.why) if rollout.why else tr("No reason was given."))
        needy = sum(target.state not in SUCCEEDED for target in rollout.targets)
        refusal = self._context.console.read_only
        self.causes.show_rollout(rollout, refusal)
        self.control.show_rollout(rollout, refusal)
        self.bar.show_rollout(rollout)
        self.table.show(by_urgency(rollout.targets))
        self.view.setAccessibleDescription(tr("{} first").format(count(needy, "exception", "exceptions")))
        self._mark()
        self._show_current()
        ask, console = self._operations.waiting, self._context.console
        self._context.run(
            tr("Read how long was waited"),
            lambda _work: ask(console, rollout.id),
            lambda found: self._take_waits(rollout, found),
            owner=self,
        )

    def _current(self) -> Target | None:
        key, rollout = self.view.current_key(), self._rollout
        targets = rollout.targets if rollout is not None else ()
        return next((target for target in targets if target.environment_id == key), None)

    def _show_current(self) -> None:
        """What was run for a target can be looked at, and said something of, after the end, too."""
        targets, current = self._rollout.targets if self._rollout is not None else (), self._current()
        self.commands.setVisible(any(target.planned.preparation is not None for target in targets))
        self.commands.setEnabled(current is not None and current.planned.preparation is not None)

    def _show_commands(self) -> None:
        target = self._current()
        if target is not None:
            show_runs(self._context, target, self)

    def _take_waits(self, rollout: Rollout, found: Waiting) -> None:
        """The time in which a person was to decide is nobody's work."""
        if self._rollout is rollout and found != NO_WAITS:
            self._waiting = found
            self.facts.setText(self._facts(rollout))
            self.table.repaint_all()

    def _facts(self, rollout: Rollout) -> str:
        now, plan = self._context.console.clock(), rollout.plan
        ended = moment(rollout.ended_at, now) if rollout.ended_at else tr("not yet")
        span = rollout.started_at, rollout.ended_at, self._waiting.whole
        waited, lay = waiting_of(*span), lay_of(*span)
        lasted = took(rollout.started_at, rollout.ended_at, waited + lay) or "—"
        facts = tr("Started {} by {}, ended {}, took {}").format(
            moment(rollout.started_at, now), rollout.started_by, ended, lasted
        )
        if waited >= 1:
            facts += tr(", waited {} for a decision").format(seconds_text(waited))
        if lay >= 1:
            facts += tr(", lay cut off for {}").format(seconds_text(lay))
        told = [facts, plan_way_words(plan)]
        if plan.kind:
            told.insert(0, titled(plan.kind))
        if rollout.paused_because:
            told.append(rollout.paused_because)
        told += [trip_words(trip) for trip in rollout.trips if trip.words not in rollout.paused_because]
        told += overridden_words(rollout)
        if plan.left_out:
            left_out = count(len(plan.left_out), "mirror was left out", "mirrors were left out")
            told.append(tr("{} of the plan").format(left_out))
        return "\n".join(told)

    def _waited(self, target: Target) -> float:
        return halted_of(target.started_at, target.ended_at, self._waiting.of(target))

    def save_as(self) -> None:
        """Ask where, and write the report there, as what the name's end says."""
        rollout = self._rollout
        if rollout is None:
            return
        path = self._ask(self, f"rollout-{rollout.plan.fingerprint}.html")
        if path:
            report, console = self._operations.report_text, self._context.console
            save_report(self._context, self, path, lambda form: report(console, rollout.id, form))

    def copy_summary(self) -> None:
        """Put the summary on the clipboard, ready for a ticket or chat."""
        rollout = self._rollout
        if rollout is None:
            return
        summary, console = self._operations.summary_text, self._context.console

        def take(text: str) -> None:
            QGuiApplication.clipboard().setText(text)
            self._context.notices.done(tr("The summary is on the clipboard."), key="report")

        self._context.run(tr("Make a summary"), lambda _work: summary(console, rollout.id), take, owner=self)

    def _mark(self) -> None:
        if self._rollout is None:
            return
        status: Status = ROLLOUT_GLYPHS[self._rollout.state]
        colour = self._context.theme.colours.status[status].glyph
        self.mark.setPixmap(glyph(status, 28, self.devicePixelRatioF(), colour))
        self.mark.setAccessibleName(tr(self._rollout.state))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(line())
        paper = Paper()
        top = QVBoxLayout(paper)
        top.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_3)
        top.setSpacing(SPACE_2)
        row = QHBoxLayout()
        row.setSpacing(SPACE_3)
        row.addWidget(self.mark)
        row.addWidget(self.headline, 1)
        row.addWidget(self.control)
        row.addWidget(self.save)
        row.addWidget(self.copy)
        top.addLayout(row)
        top.addWidget(self.bar)
        top.addWidget(self.facts)
        reasons = QHBoxLayout()
        reasons.setSpacing(SPACE_3)
        reasons.addWidget(self.why, 1)
        reasons.addWidget(self.commands)
        top.addLayout(reasons)
        top.addWidget(self.causes)
        top.addWidget(self.view, 1)
        column.addWidget(scrolled(paper, self.view), 1)


def _columns(waited: Callable[[Target], float]) -> tuple[Column[Target], ...]:
    def after(target: Target) -> str:
        if target.rolled_back:
            return target.planned.before_title or "—"
        kept = {TargetState.FAILED, TargetState.PUT_BACK, TargetState.SKIPPED, TargetState.NOT_STARTED}
        if target.state in SUCCEEDED or target.state is TargetState.LEFT:
            return target.planned.after_title
        return (target.planned.before_title or "—") if target.state in kept else "?"

    def down(target: Target) -> str:
        if target.down_since is not None:
            return tr("not known")
        return f"{target.down_seconds:.1f} s" if target.down_seconds is not None else ""

    def attempts(target: Target) -> str:
        return number(target.attempts) if target.attempts else "—"

    def downs(target: Target) -> float:
        return math.inf if target.down_since is not None else target.down_seconds or 0.0

    def lasted(target: Target) -> float:
        if target.started_at is None or target.ended_at is None:
            return 0.0
        return (target.ended_at - target.started_at).total_seconds() - waited(target)

    def worked(target: Target) -> str:
        return took(target.started_at, target.ended_at, waited(target))

    def words(target: Target) -> str:
        if target.since is not None:
            return target.told
        return target.words if target.state not in SUCCEEDED else target.verified_by or target.words

    return (
        Column("mirror", tr("Target"), lambda target: target.planned.application, 160, strong=True),
        Column(
            "state",
            tr("Outcome"),
            lambda target: tr(target.stands),
            116,
            order=urgency,
            status=state_glyph,
        ),
        Column("before", tr("Before"), lambda target: target.planned.before_title or "—", 80),
        Column("after", tr("Runs now"), after, 80),
        Column("took", tr("Took"), worked, 58, order=lasted, right=True),
        Column("down", tr("Down"), down, 80, order=downs, right=True),
        Column("attempt", tr("Attempts"), attempts, 92, right=True, muted=True),
        Column("words", tr("Reason, or how it was verified"), words, 220, stretch=True),
    )
