"""Report content: what a report tells, gathered from the rollout and its journal before anyone writes it down."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mirror_console import __version__
from mirror_console.domain.causes import causes
from mirror_console.domain.check import Check, Override
from mirror_console.domain.counting import counted
from mirror_console.domain.fetching import Fetch, fetching_words
from mirror_console.domain.image import short
from mirror_console.domain.journal import JournalEntry, Phase, Result, begun_at
from mirror_console.domain.overriding import together
from mirror_console.domain.plan import LeftOut, PlannedTarget
from mirror_console.domain.rollout import ROLLED_BACK, SUCCEEDED, Rollout, RolloutState, Target, TargetState, headline
from mirror_console.domain.steps import Step
from mirror_console.operations.console import Console
from mirror_console.operations.report_commands import ReportedCommand, commands_words, reported_commands
from mirror_console.operations.report_decisions import ReportedDecision, ReportedTrip, decisions, gates, trips
from mirror_console.operations.standing import standing
from mirror_console.operations.waiting import Waiting, lay_of, spans_of, waiting_of, worked
from mirror_console.operations.way_typed import rules_text
from mirror_console.operations.written import seconds

NEEDS_A_PERSON = {
    TargetState.STRANDED: "Neither the new nor the old container serves well. Look at the engine now.",
    TargetState.UNKNOWN: "Contact was lost in mid-step. Recover the rollout: it reads the engine again.",
    TargetState.UNDECIDED: "It may be down. Say whether it is tried again, put back, left, or skipped.",
    TargetState.LEFT: "The new container stays although it isn't well. Look at it; then try again, or roll it back.",
    TargetState.SUPERSEDED: "Somebody else changed it meanwhile. Look at what runs there now.",
    TargetState.FAILED: "Nothing was changed: it runs what it ran. Remove the cause, then try it again.",
    TargetState.PUT_BACK: "It runs what it ran before. Look at the cause, then try it again.",
    TargetState.SKIPPED: "A check or a person said no; it runs what it ran. Follow the remedy, then try it again.",
}
"""What to do about a target that didn't get what was planned, the most pressing first."""

_PRESSING = (*NEEDS_A_PERSON, TargetState.NOT_STARTED)


@dataclass(frozen=True, slots=True)
class ReportedStep:
    """One step of the journal. `result` None: it was begun, and nothing is known of its end. `seconds` it took."""

    step: Step
    attempt: int
    began_at: datetime
    seconds: float | None
    result: Result | None
    words: str


@dataclass(frozen=True, slots=True)
class ReportedTarget:
    """One target. `seconds` it took, `down_seconds` it didn't serve. It was begun so often as `attempt` says.

    It serves once its container was found well, or, where it has no health test, once it runs. Where nobody knows until
    when it didn't, `down_seconds` is None, and `down_since` is when that began.

    The `waited_seconds` in which a person was to decide aren't among those that it took, nor are the `lay_seconds` for
    which it lay cut off, with the console closed or gone.
    """

    mirror: str
    environment: str
    account: str
    engine: str
    container: str
    wave: int
    change: str
    before: str
    after: str
    before_fingerprint: str
    after_fingerprint: str
    """Of what was read back after the swap; empty where nothing was."""
    after_identity: str
    state: TargetState
    words: str
    advice: str
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    waited_seconds: float
    lay_seconds: float
    down_seconds: float | None
    down_since: datetime | None
    verified_by: str
    overridden: str
    """The checks that a person overrode for it, and why; empty where none was."""
    outcome: str
    """Its state, or that it was rolled back since."""
    rolled_back_by: str
    """What the plan of the rollback is called that took it back since, or failed to; empty where none was there."""
    rollback_id: str
    since: str
    """What that rollback did, in words."""
    steps: tuple[ReportedStep, ...]


@dataclass(frozen=True, slots=True)
class ReportedGroup:
    """The outcomes of a wave or of an engine, in words that count them."""

    name: str
    targets: int
    words: str


@dataclass(frozen=True, slots=True)
class ReportedOverride:
    """A check's answer that the rollout went on in spite of. Without `mirrors` it concerned the whole rollout."""

    check: Check
    id: str
    answer: str
    words: str
    mirrors: tuple[str, ...]
    reason: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RolloutReport:
    """Everything that a report tells. `exceptions` are the targets that didn't get what was planned, worst first.

    It took `seconds`, without the `waited_seconds` in which a person was to decide, and without the `lay_seconds` for
    which it lay cut off.
    """

    rollout_id: str
    fingerprint: str
    kind: str
    """``rollback of …`` where it is one."""
    headline: str
    state: RolloutState
    state_words: str
    environment: str
    releases: tuple[str, ...]
    started_by: str
    why: str
    planned_by: str
    planned_at: datetime
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    waited_seconds: float
    lay_seconds: float
    median_down: float | None
    longest_down: float | None
    """Of the `down_known` of the `down_targets` that were down of which it is known for how long."""
    down_known: int
    down_targets: int
    down_words: str
    """That in words; empty where none was down."""
    way: str
    fetched: str
    """In one sentence what was brought to engines ahead; empty where nothing was."""
    fetches: tuple[Fetch, ...]
    causes: tuple[ReportedGroup, ...]
    windows: tuple[ReportedGroup, ...]
    """The windows and freezes that counted when it started, and for how many targets."""
    waves: tuple[ReportedGroup, ...]
    engines: tuple[ReportedGroup, ...]
    exceptions: tuple[ReportedTarget, ...]
    rolled_back: tuple[ReportedGroup, ...]
    """The rollbacks that took targets back since, and how many each."""
    targets: tuple[ReportedTarget, ...]
    left_out: tuple[LeftOut, ...]
    passed_gates: tuple[str, ...]
    overrides: tuple[ReportedOverride, ...]
    decisions: tuple[ReportedDecision, ...]
    """Pauses, what was decided about them, and cuts, as the audit has them; the start and the end aside."""
    trips: tuple[ReportedTrip, ...]
    """What the stop rule did, oldest first."""
    commands: tuple[ReportedCommand, ...]
    """What was run before the release took over; what didn't succeed first."""
    commands_words: str
    console_version: str
    simulated: bool
    made_at: datetime


def report_content(console: Console, rollout_id: str) -> RolloutReport:
    """Gather the report of a rollout, ended or not. Raises KeyError where there is none."""
    with console.catalog.read() as books:
        rollout = standing(console, books.rollouts.get(rollout_id))
        journal = books.journal.of(rollout_id)
        lines = books.audit.of(rollout_id)
        commands = reported_commands(books, rollout_id)
        mirrors = books.applications.some({one.planned.application_id for one in rollout.targets})
    accounts = {mirror.id: mirror.account for mirror in mirrors}
    entries: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in journal:
        entries[entry.environment_id].append(entry)
    waiting = spans_of(lines, journal)
    overridden: dict[str, list[Override]] = defaultdict(list)
    for override in rollout.overrides:
        overridden[override.environment_id].append(override)
    targets = sorted(
        (
            _target(one, entries[one.environment_id], accounts.get(one.planned.application_id, ""), waiting, overridden)
            for one in rollout.targets
        ),
        key=_by_pressure,
    )
    downs = [target.down_seconds for target in targets if target.down_seconds is not None]
    down_targets = len(downs) + sum(target.down_since is not None for target in targets)
    way = rollout.plan.way
    windows = Counter(one.planned.window for one in rollout.targets if one.planned.window)
    back = Counter(one.rolled_back_by for one in targets if one.outcome == ROLLED_BACK)
    return RolloutReport(
        rollout_id=rollout.id,
        fingerprint=rollout.plan.fingerprint,
        kind=rollout.plan.kind,
        headline=headline(rollout),
        state=rollout.state,
        state_words=rollout.paused_because,
        environment=rollout.plan.environment,
        releases=tuple(dict.fromkeys(_release(one.planned) for one in rollout.targets)),
        started_by=rollout.started_by,
        why=rollout.why,
        planned_by=rollout.plan.made_by,
        planned_at=rollout.plan.made_at,
        started_at=rollout.started_at,
        ended_at=rollout.ended_at,
        seconds=worked(rollout.started_at, rollout.ended_at, waiting.whole),
        waited_seconds=waiting_of(rollout.started_at, rollout.ended_at, waiting.whole),
        lay_seconds=lay_of(rollout.started_at, rollout.ended_at, waiting.whole),
        median_down=statistics.median(downs) if downs else None,
        longest_down=max(downs, default=None),
        down_known=len(downs),
        down_targets=down_targets,
        down_words=_down_words(downs, down_targets),
        way=f"waves {', '.join(map(str, way.waves))}; {way.at_once} at once, {way.at_once_per_engine} on one engine; "
        f"{way.pulls_per_registry} pulls from one registry, {way.pulls_per_engine} to one engine"
        f"{', images first' if way.prefetch else ''}; {way.bake:g} s bake; {rules_text(rollout.plan)}",
        fetched=fetching_words(rollout.fetches),
        fetches=rollout.fetches,
        # A report tells what happened: why something failed is of interest, too, where it was rolled back since.
        causes=tuple(
            ReportedGroup(cause.words, cause.count, "")
            for cause in causes(replace(one, taken_back=None) for one in rollout.targets)
        ),
        windows=tuple(ReportedGroup(words, many, "") for words, many in windows.most_common()),
        waves=_groups((f"wave {target.wave}", target) for target in sorted(targets, key=lambda one: one.wave)),
        engines=_groups((target.engine, target) for target in sorted(targets, key=lambda one: one.engine)),
        exceptions=tuple(target for target in targets if _is_exception(target)),
        rolled_back=tuple(ReportedGroup(name, many, "") for name, many in back.most_common()),
        targets=tuple(targets),
        left_out=rollout.plan.left_out,
        passed_gates=gates(rollout),
        overrides=_overrides(rollout),
        decisions=decisions(lines, rollout.targets),
        trips=trips(rollout),
        commands=commands,
        commands_words=commands_words(commands),
        console_version=__version__,
        simulated=console.simulated,
        made_at=console.clock(),
    )


def _down_words(downs: Sequence[float], were_down: int) -> str:
    """``median 0.4 s, longest 1.2 s``, and of how many that is known where it isn't of all."""
    if not were_down:
        return ""
    if not downs:
        return f"not known, of {counted(were_down, 'target')} that {'was' if were_down == 1 else 'were'} down"
    words = f"median {seconds(statistics.median(downs))}, longest {seconds(max(downs))}"
    known = f", known of {len(downs)} of {counted(were_down, 'target')} that were down"
    return words if len(downs) == were_down else words + known


def _overrides(rollout: Rollout) -> tuple[ReportedOverride, ...]:
    names = {target.environment_id: target.planned.application for target in rollout.targets}
    return tuple(
        ReportedOverride(
            check=one.check,
            id=one.check.id,
            answer=one.answer.value,
            words=one.words,
            mirrors=tuple(names.get(environment_id, environment_id) for environment_id in one.environment_ids),
            reason=one.reason,
            who=one.person,
            at=one.at,
        )
        for one in together(rollout.overrides)
    )


def _target(
    target: Target,
    entries: Sequence[JournalEntry],
    account: str,
    waiting: Waiting,
    overridden: Mapping[str, Sequence[Override]],
) -> ReportedTarget:
    planned, spans = target.planned, waiting.of(target)
    back = target.since
    advice = NEEDS_A_PERSON.get(target.state, "") if not target.rolled_back else ""
    if back is not None and not back.well:
        advice = f"Its rollback failed. See what rollout {back.fingerprint} says of it."
    return ReportedTarget(
        mirror=planned.application,
        environment=planned.environment,
        account=account,
        engine=planned.engine,
        container=planned.container,
        wave=planned.wave + 1,
        change=planned.change.value,
        before=planned.before_title,
        after=planned.after_title,
        before_fingerprint=planned.before_fingerprint,
        after_fingerprint=target.after_fingerprint,
        after_identity=short(target.after_fingerprint) if target.after_fingerprint else "",
        state=target.state,
        words=target.words,
        advice=advice,
        attempt=target.attempts,
        started_at=target.started_at,
        ended_at=target.ended_at,
        seconds=worked(target.started_at, target.ended_at, spans),
        waited_seconds=waiting_of(target.started_at, target.ended_at, spans),
        lay_seconds=lay_of(target.started_at, target.ended_at, spans),
        down_seconds=target.down_for,
        down_since=target.down_since,
        verified_by=target.verified_by,
        overridden="; ".join(
            f"{one.check}: {one.reason} ({one.person})" for one in overridden.get(target.environment_id, ())
        ),
        outcome=target.stands,
        rolled_back_by=back.fingerprint if back is not None else "",
        rollback_id=back.rollout_id if back is not None else "",
        since=back.words if back is not None else "",
        steps=_steps(entries, planned.process),
    )


def _steps(entries: Sequence[JournalEntry], serving: str) -> tuple[ReportedStep, ...]:
    """Each intent with the outcome that follows it, in the order in which they were begun.

    Those of another process than the one that serves are told with its name.
    """
    steps: list[ReportedStep] = []
    begun: dict[tuple[int, Step, str], int] = {}
    ended: datetime | None = None
    for entry in (_told_with_process(one, serving) for one in entries):
        key = (entry.attempt, entry.step, entry.process)
        if entry.phase is Phase.INTENT:
            begun[key] = len(steps)
            steps.append(ReportedStep(entry.step, entry.attempt, entry.at, None, None, entry.words))
        elif key in begun:
            place = begun.pop(key)
            intent = steps[place]
            began = begun_at(intent.began_at, ended)
            words = entry.words or intent.words
            steps[place] = ReportedStep(entry.step, entry.attempt, began, _span(began, entry.at), entry.result, words)
        else:
            steps.append(ReportedStep(entry.step, entry.attempt, entry.at, None, entry.result, entry.words))
        ended = entry.at if entry.phase is Phase.OUTCOME else ended
    return tuple(steps)


def _told_with_process(entry: JournalEntry, serving: str) -> JournalEntry:
    if entry.process == serving:
        return entry
    return replace(entry, words=f"{entry.process}: {entry.words}" if entry.words else entry.process)


def _by_pressure(target: ReportedTarget) -> tuple[int, int, str]:
    place = _PRESSING.index(target.state) if target.state in _PRESSING else len(_PRESSING)
    if target.outcome == ROLLED_BACK:
        place = len(_PRESSING) + 1
    elif target.state in SUCCEEDED:
        place = 0 if target.advice else len(_PRESSING) + 2
    return place, target.wave, target.mirror.casefold()


def _is_exception(target: ReportedTarget) -> bool:
    """Whether it didn't get what was planned, or may not have got rid of it again."""
    return bool(target.advice) or (target.state not in SUCCEEDED and target.outcome != ROLLED_BACK)


def _release(planned: PlannedTarget) -> str:
    return planned.after_title or short(planned.after_fingerprint)


def _groups(named: Iterable[tuple[str, ReportedTarget]]) -> tuple[ReportedGroup, ...]:
    states: dict[str, list[str]] = defaultdict(list)
    for name, target in named:
        states[name].append(target.outcome)
    return tuple(ReportedGroup(name, len(several), _outcomes(several)) for name, several in states.items())


def _outcomes(states: Sequence[str]) -> str:
    counts = Counter(states)
    back = [f"{counts[ROLLED_BACK]} {ROLLED_BACK} since"] if counts[ROLLED_BACK] else []
    return ", ".join([*(f"{counts[state]} {state}" for state in TargetState if counts[state]), *back])


def _span(began: datetime | None, ended: datetime | None) -> float | None:
    return (ended - began).total_seconds() if began and ended else None
