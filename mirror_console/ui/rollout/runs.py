"""The rollouts that this window carries out: how each stands now, and the way to pause, stop and resume it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from mirror_console.domain.causes import Cause
from mirror_console.domain.check import Checked
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.errors import ConsoleError
from mirror_console.jobs import Job, JobEvent, Work
from mirror_console.operations.deciding import Decision
from mirror_console.operations.recovery import broke_off
from mirror_console.operations.standing import CUT_OFF, cut_off
from mirror_console.operations.vigil import UNSETTLED, Vigil
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.operations import Conducting, Report, RolloutOperations
from mirror_console.ui.rollout.words import over_of
from mirror_console.ui.words import tr

TELL_EVERY_MS = 250
"""Milliseconds between two reports of a rollout that are told on: each has a whole page drawn anew."""


@dataclass(slots=True)
class _Run:
    rollout: Rollout
    conductor: Conducting | None = None
    asked: str = ""
    """What the person has asked for and what is being waited for: pausing, stopping or aborting."""
    followed_by: Rollout | None = None
    """The rollback that its stop rule began."""
    unkept: Rollout | None = None
    """How it was shown before, where the catalog doesn't say yet that it broke off."""


class Runs(QObject):
    """One job for each rollout that is under way. `changed` carries each new state of one, `ended` its last; `followed`
    one that has ended, and the rollback that its stop rule began, which is carried out too."""

    changed = Signal(object)
    ended = Signal(object)
    followed = Signal(object, object)

    def __init__(self, context: UiContext, operations: RolloutOperations) -> None:
        super().__init__()
        self._context = context
        self.operations = operations
        self._runs: dict[str, _Run] = {}
        self._vigil = Vigil(context.console, context.jobs)
        self._unkept: dict[str, tuple[Rollout, Job[Rollout]]] = {}
        """What broke off and isn't interrupted in the catalog yet, as it can't be written: how it stands, and the job
        that keeps it once there is room."""
        self._watched: set[str] = set()
        self._untold: set[str] = set()
        """The rollouts of which more was reported since they were told of."""
        self._told_just_now = QTimer(self, singleShot=True, interval=TELL_EVERY_MS)
        self._told_just_now.timeout.connect(self._tell_untold)

    @property
    def running(self) -> tuple[Rollout, ...]:
        """The rollouts that are carried out now."""
        return tuple(run.rollout for run in self._runs.values())

    def is_running(self, rollout_id: str) -> bool:
        """Whether this window carries it out now."""
        return rollout_id in self._runs

    def latest(self, rollout_id: str) -> Rollout | None:
        """How a running one stands, or one that broke off where only this window knows; None of all others."""
        run = self._runs.get(rollout_id)
        if run is None:
            return self._unkept[rollout_id][0] if rollout_id in self._unkept else None
        return run.rollout

    def asked(self, rollout_id: str) -> str:
        """'pause', 'stop' or 'abort' where the person has asked for it and targets are still in flight."""
        run = self._runs.get(rollout_id)
        return run.asked if run else ""

    def watch_over(self, rollout: Rollout) -> None:
        """Where a rollout waits for a person here, let the locks that it holds go on beating meanwhile."""
        waits = rollout.state in {RolloutState.PAUSED, RolloutState.INTERRUPTED} and rollout.count(*UNSETTLED)
        if waits and rollout.id not in self._runs and not self._context.console.read_only:
            title = tr("Keep the locks of {}").format(rollout.plan.fingerprint)
            self._watched.add(rollout.id)
            self._context.run(
                title, lambda _work: self._vigil.keep(rollout), self._kept(rollout.id), lane="vigil", owner=self
            )

    def watch_over_new(self, rollouts: Iterable[Rollout]) -> None:
        """The same for those of which an earlier run of the program has left some."""
        for rollout in rollouts:
            if rollout.id not in self._watched:
                self.watch_over(rollout)

    def _kept(self, rollout_id: str) -> Callable[[int], None]:
        def kept(_number: int) -> None:
            if rollout_id in self._runs:
                # It was decided about meanwhile.
                self._vigil.leave(rollout_id)

        return kept

    def carry_out(self, rollout: Rollout) -> None:
        """Carry out a rollout that was started or resumed."""
        self._submit(rollout, self._conductor_of(rollout))

    def go_on(self, rollout: Rollout) -> None:
        """Re-read what was interrupted, and continue."""
        operations, context, mark = self.operations, self._context, self._marking(rollout)

        def make(report: Report) -> Conducting:
            mark()
            return operations.go_on(context.console, context.jobs, rollout.id, report)

        self._submit(rollout, make)

    def put_back(self, rollout: Rollout) -> None:
        """Put back what was interrupted, and end."""
        operations, context, mark = self.operations, self._context, self._marking(rollout)

        def work(_work: Work, report: Report) -> Rollout:
            mark()
            return operations.put_back(context.console, context.jobs, rollout.id, report)

        self._run(rollout, work)

    def _marking(self, rollout: Rollout) -> Callable[[], object]:
        """What first keeps that it is interrupted, where the catalog doesn't say so yet: nothing else is recovered."""
        if rollout.id not in self._unkept:
            return lambda: None
        mark, console = self.operations.mark_broken_off, self._context.console
        return lambda: mark(console, rollout.id, rollout.paused_because)

    def resume(self, rollout: Rollout) -> None:
        """Let a paused rollout go on."""

        def resumed(again: Rollout) -> None:
            self.carry_out(again)

        resume, console = self.operations.resume, self._context.console
        self._context.run(tr("Resume"), lambda _work: resume(console, rollout.id), resumed, owner=self)

    def pause(self, rollout_id: str) -> None:
        """Begin nothing more; what is in flight is finished."""
        run = self._runs.get(rollout_id)
        if run is not None and not run.asked:
            run.asked = "pause"
            if run.conductor is not None:
                run.conductor.pause()
            self.changed.emit(run.rollout)

    def stop(self, rollout: Rollout) -> None:
        """Begin nothing more, finish what is in flight, and leave the rest as it is. A paused one is ended."""
        run = self._runs.get(rollout.id)
        if run is None:
            self._submit(rollout, self._conductor_of(rollout), asked="stop")
            return
        run.asked = "stop"
        if run.conductor is not None:
            run.conductor.stop()
        self.changed.emit(run.rollout)

    def abort(self, rollout: Rollout) -> None:
        """Begin nothing more, and end what is in flight at its next safe point."""
        run = self._runs.get(rollout.id)
        if run is None:
            self._submit(rollout, self._conductor_of(rollout), asked="abort")
            return
        run.asked = "abort"
        if run.conductor is not None:
            run.conductor.abort()
        self.changed.emit(run.rollout)

    def decide(self, rollout: Rollout, environment_ids: Collection[str], decision: Decision) -> None:
        """Do to targets that failed what a person decided; the rollout is paused or has ended, and stays so."""
        decide, context = self.operations.decide, self._context

        def work(_work: Work, report: Report) -> Rollout:
            return decide(context.console, context.jobs, rollout.id, environment_ids, decision, report)

        self._run(rollout, work)

    def carry_out_decision(self, rollout: Rollout, cause: Cause, decision: Decision) -> None:
        """Do what was decided about the targets of a cause."""
        if decision is Decision.RETRY:
            self.retry(rollout, cause.environment_ids)
        else:
            self.decide(rollout, cause.environment_ids, decision)

    def retry(self, rollout: Rollout, environment_ids: Collection[str] = (), overridden: Checked | None = None) -> None:
        """Try again what failed, or those of it that are named; in spite of what is overridden of their checks."""
        operations, context = self.operations, self._context

        def work(handed: Work, report: Report) -> Rollout:
            if overridden is not None:
                operations.keep_overrides(context.console, rollout, overridden)
            again = operations.retry(context.console, context.jobs, rollout.id, environment_ids, report)
            if again.state is not RolloutState.RUNNING:
                return again
            return self._conduct(again, self._conductor_of(again), handed, report)

        self._run(rollout, work)

    def _conductor_of(self, rollout: Rollout) -> Callable[[Report], Conducting]:
        operations, context = self.operations, self._context
        return lambda report: operations.conductor(context.console, context.jobs, rollout, report)

    def _submit(self, rollout: Rollout, make: Callable[[Report], Conducting], asked: str = "") -> None:
        def work(handed: Work, report: Report) -> Rollout:
            return self._conduct(rollout, make, handed, report)

        self._run(rollout, work, asked)

    def _conduct(self, rollout: Rollout, make: Callable[[Report], Conducting], handed: Work, report: Report) -> Rollout:
        conductor = make(report)
        run = self._runs.get(rollout.id)
        if run is not None:
            run.conductor = conductor
            # Asked for while the conductor was still being made.
            match run.asked:
                case "pause":
                    conductor.pause()
                case "stop":
                    conductor.stop()
                case "abort":
                    conductor.abort()
        ended = conductor.run(handed)
        if run is not None:
            run.followed_by = conductor.followed_by
        return ended

    def _run(self, rollout: Rollout, work: Callable[[Work, Report], Rollout], asked: str = "") -> None:
        if rollout.id in self._runs:
            return
        unkept, keeping = self._unkept.pop(rollout.id, (None, None))
        if keeping is not None:
            # It is in the lane before this one, and would wait there for room.
            keeping.cancel()
        self._runs[rollout.id] = _Run(rollout, asked=asked, unkept=unkept)
        self._tell(rollout)

        def carry(handed: Work) -> Rollout:
            # What is done now has a heart of its own.
            self._vigil.leave(rollout.id)

            def report(now: Rollout) -> None:
                over, total = over_of(now)
                handed.report(str(now.state), over, total, now)

            return work(handed, report)

        self._context.run(
            tr("Rollout {}").format(rollout.plan.fingerprint),
            carry,
            self._end,
            lambda error: self._fail(rollout.id, error),
            lane=f"rollout:{rollout.id}",
            progress=self._progress,
            owner=self,
        )

    def _progress(self, event: JobEvent) -> None:
        if isinstance(event.body, Rollout):
            run = self._runs.get(event.body.id)
            if run is not None:
                run.rollout = event.body
                self._untold.add(run.rollout.id)
                if not self._told_just_now.isActive():
                    self._tell_untold()

    def _tell_untold(self) -> None:
        untold, self._untold = self._untold, set()
        for rollout_id in untold:
            if (run := self._runs.get(rollout_id)) is not None:
                self._told_just_now.start()
                self._tell(run.rollout)

    def _tell(self, rollout: Rollout) -> None:
        self._context.set_running(rollout)
        self.changed.emit(rollout)

    def _end(self, rollout: Rollout) -> None:
        run = self._runs.pop(rollout.id, None)
        self._show_next()
        self.watch_over(rollout)
        back = run.followed_by if run is not None else None
        if back is not None:
            # Before the end is told: a window that closes once nothing runs has to wait for this one.
            self.carry_out(back)
        self.changed.emit(rollout)
        self.ended.emit(rollout)
        if back is not None:
            self.followed.emit(rollout, back)

    def _fail(self, rollout_id: str, error: Exception) -> None:
        run = self._runs.pop(rollout_id, None)
        self._show_next()
        if isinstance(error, ConsoleError):
            self._context.notices.error(error, key=f"rollout:{rollout_id}")
        if run is not None:
            left = self._broken_off(run, error)
            self.changed.emit(left)
            self.ended.emit(left)

    def _broken_off(self, run: _Run, error: Exception) -> Rollout:
        """How a rollout stands that failed as a whole: interrupted, also where that could not be kept."""
        rollout = run.rollout
        if broke_off(rollout):
            because = error.title if isinstance(error, ConsoleError) else CUT_OFF
            rollout = replace(cut_off(rollout), paused_because=because)
        elif run.unkept is None:
            return rollout
        mark, console = self.operations.mark_once_there_is_room, self._context.console
        job = self._context.run(
            tr("Keep that {} broke off").format(rollout.plan.fingerprint),
            lambda work: mark(console, rollout.id, rollout.paused_because, work),
            lambda _kept: self._unkept.pop(rollout.id, None),
            lane=f"rollout:{rollout.id}",
            owner=self,
        )
        self._unkept[rollout.id] = rollout, job
        return rollout

    def _show_next(self) -> None:
        rest = self.running
        self._context.set_running(rest[0] if rest else None)
