"""What the rollout pages ask of the operations: functions, handed in where the window is put together or tested."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from mirror_console.domain.check import Checked, CheckResult
from mirror_console.domain.durations import Learned
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.journal import JournalEntry
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.release_command import CommandRun, RunKind
from mirror_console.domain.rollout import Rollout
from mirror_console.domain.way import Way
from mirror_console.jobs import Jobs, Work
from mirror_console.operations import deciding, durations, recheck, recovery, retrying, rollback, starting, trips
from mirror_console.operations import plan as planning
from mirror_console.operations import prefetch as prefetching
from mirror_console.operations import preflight as checking
from mirror_console.operations import report as reporting
from mirror_console.operations import waiting as waits
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision
from mirror_console.operations.left_commands import say as say_of_run
from mirror_console.operations.recovery import Finding, Interruption
from mirror_console.operations.report import Format
from mirror_console.operations.rollback import Part
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.waiting import Waiting

__all__ = ["Conducting", "RolloutOperations", "journal_of", "runs_of", "say_of_run"]

Report = Callable[[Rollout], None]


class Conducting(Protocol):
    """What carries a rollout out. `pause`, `stop` and `abort` return at once; only the last doesn't let what is in
    flight be finished."""

    def run(self, work: Work | None = None) -> Rollout: ...
    def pause(self, because: str = "") -> None: ...
    def stop(self) -> None: ...
    def abort(self) -> None: ...

    @property
    def followed_by(self) -> Rollout | None:
        """The rollback that its stop rule asked for, once it is begun."""


class Planning(Protocol):
    """What makes a plan; with `settings_only` images stay."""

    def __call__(
        self,
        console: Console,
        environment: str,
        application_ids: Sequence[str],
        way: Way,
        *,
        settings_only: bool = False,
    ) -> Plan: ...


@dataclass(frozen=True, slots=True)
class RolloutOperations:
    """The operations behind the pages. All but `conductor` may take long and belong in a job."""

    plan: Planning = planning.plan
    preflight: Callable[[Console, Jobs, Plan, Callable[[CheckResult], None]], Checked] = checking.preflight
    start: Callable[[Console, Plan, Checked, str, int | None], Rollout] = starting.start
    conductor: Callable[[Console, Jobs, Rollout, Report], Conducting] = Conductor
    resume: Callable[[Console, str], Rollout] = starting.resume
    interrupted: Callable[[Console, Collection[str]], tuple[Interruption, ...]] = recovery.interrupted
    mark_broken_off: Callable[[Console, str, str], Rollout] = recovery.mark_broken_off
    mark_once_there_is_room: Callable[[Console, str, str, Work], Rollout] = recovery.mark_once_there_is_room
    examine: Callable[[Console, Jobs, Rollout], tuple[Finding, ...]] = recovery.examine
    go_on: Callable[[Console, Jobs, str, Report], Conducting] = recovery.go_on
    put_back: Callable[[Console, Jobs, str, Report], Rollout] = recovery.put_back
    retry: Callable[[Console, Jobs, str, Collection[str], Report], Rollout] = retrying.retry
    decide: Callable[[Console, Jobs, str, Collection[str], Decision, Report], Rollout] = deciding.decide_on
    checked_again: Callable[[Console, Jobs, Rollout, Collection[str]], Checked] = recheck.checked_again
    keep_overrides: Callable[[Console, Rollout, Checked], None] = recheck.keep_overrides
    plan_rollback: Callable[[Console, Jobs, str, Part, int | None], Plan] = rollback.plan_rollback
    leave_rollback: Callable[[Console, str], Rollout] = trips.leave
    report_text: Callable[[Console, str, Format], str] = reporting.report_text
    waiting: Callable[[Console, str], Waiting] = waits.waiting
    prefetch: Callable[[Console, Jobs, Plan, Callable[[tuple[Fetch, ...]], None], Work], tuple[Fetch, ...]] = (
        prefetching.prefetch_plan
    )
    learned: Callable[[Console], Learned] = durations.learned
    summary_text: Callable[[Console, str], str] = reporting.summary_text


def runs_of(console: Console, planned: PlannedTarget) -> tuple[CommandRun, ...]:
    """The last backup and the last release command for a target's data and release, with what they wrote."""
    preparation = planned.preparation
    if preparation is None:
        return ()
    with console.catalog.read() as books:
        runs = [books.commands.like(kind, preparation.data, preparation.names)[-1:] for kind in RunKind]
        return tuple(books.commands.get(run.id) for several in runs for run in several)


def journal_of(console: Console, rollout_id: str, environment_id: str) -> tuple[JournalEntry, ...]:
    """What the journal says of one target, oldest first."""
    with console.catalog.read() as books:
        return tuple(books.journal.of_target(rollout_id, environment_id))
