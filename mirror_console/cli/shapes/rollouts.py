"""What `--json` prints of plans and rollouts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.cli.shapes.checks import OverrideShape, override_shapes
from mirror_console.domain.causes import causes
from mirror_console.domain.durations import Eta, Learned, eta_of_plan
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.rollout import Rollout, headline
from mirror_console.domain.taken_back import TakenBack
from mirror_console.domain.trip import trip_words
from mirror_console.domain.way_words import plan_way_words


@dataclass(frozen=True, slots=True)
class PlanShape:
    """What `rollout plan --json` prints."""

    id: str
    fingerprint: str
    environment: str
    made_at: datetime
    valid_until: datetime
    waves: Sequence[int]
    targets: Sequence[TargetShape]
    left_out: Sequence[Mapping[str, str]]
    canary: str
    lasts: Eta | None
    """Seconds, without pauses and fetching images, and from how many earlier turns; null where none is known."""
    kind: str
    """``rollback of …`` where it is one; empty for what takes a release to mirrors."""
    way: WayShape


@dataclass(frozen=True, slots=True)
class RolloutShape:
    """What `rollout start|resume|show --json` and `recover` print."""

    id: str
    fingerprint: str
    environment: str
    state: str
    headline: str
    words: str
    started_by: str
    why: str
    started_at: datetime
    ended_at: datetime | None
    targets: Sequence[TargetShape]
    fetches: Sequence[Fetch]
    kind: str
    causes: Sequence[CauseShape]
    overrides: Sequence[OverrideShape]
    way: WayShape
    trips: Sequence[TripShape]
    """The times that its stop rule stopped it, oldest first."""


@dataclass(frozen=True, slots=True)
class TripShape:
    """One time that a stop rule stopped a rollout."""

    at: datetime
    words: str
    """Which rule, and what came of it."""
    wave: int
    action: str
    """What the plan says the rule does: pause, roll back the wave, roll back the rollout."""
    came: str
    """paused, due, begun, nothing to roll back, not begun, gone on in spite of it."""
    rollback: str | None
    """The identity of the rollout that rolls back; null where none was begun."""


@dataclass(frozen=True, slots=True)
class WayShape:
    """How a rollout goes. Times are in seconds."""

    words: str
    """All of it in one sentence."""
    waves: Sequence[WaveShape]
    at_once: int
    at_once_per_engine: int
    prefetch: bool
    pulls_per_registry: int
    pulls_per_engine: int
    bake: float
    health_limit: float
    """0 for what each environment says."""
    max_failed: int
    max_failed_percent: float
    """Counts in the place of `max_failed` where it isn't 0."""
    max_failed_in_all: int | None
    """Of all targets; null for no such rule."""
    max_failed_in_all_percent: float
    """Counts in the place of `max_failed_in_all` where it isn't 0."""
    stops_at_in_all: int | None
    """With so many failed targets in all the rollout stops, as it was planned; null where no rule over all does."""
    in_a_row: int
    """0 for no such rule."""
    on_trip: str
    """What the stop rule does: pause, roll back the wave, roll back the rollout."""
    on_failure: str
    """put back, leave or ask."""
    proof_days: int
    """For how many days it counts that a mirror's test ran the release well."""
    resumes: bool
    """Whether it goes on by itself where it waited for a window to open."""


@dataclass(frozen=True, slots=True)
class WaveShape:
    """A wave of a way."""

    wave: int
    targets: int
    stops_at: int | None
    """With so many failed targets of this wave the rollout stops, as it was planned; null where all may fail."""
    pauses_after: bool


@dataclass(frozen=True, slots=True)
class TargetShape:
    """A target of a plan or of a rollout."""

    environment_id: str
    mirror: str
    engine: str
    container: str
    wave: int
    change: str
    before: str
    after: str
    reference: str
    state: str
    words: str
    attempt: int
    way_back: str
    """Whether there is a way back from it: yes, by pull only, no, blocked, nothing before; empty where nobody told."""
    swap: str
    """How the new container takes over: create, recreate, start beside; in place, where it stays; or service update."""
    settings: Sequence[Mapping[str, str]]
    """The settings that become others: ``field``, ``before``, ``after``; secrets only as changed."""
    release_command: str = ""
    """What is run before it takes over."""
    backup: str = ""
    group: str = ""
    """The group whose data it shares."""
    rolled_back_by: RolledBackShape | None = None
    """What a rollback did to it since; null where none did."""
    processes: Sequence[Mapping[str, str]] = ()
    """The other processes that are rolled out with it: ``name``, ``container`` and ``change``, which is create, replace
    or take away."""


@dataclass(frozen=True, slots=True)
class RolledBackShape:
    """What came of a target in the rollback of its rollout."""

    rollout: str
    """The identity of the rollout that rolls back."""
    fingerprint: str
    well: bool
    words: str


@dataclass(frozen=True, slots=True)
class CauseShape:
    """Targets that failed, or were skipped, for one reason. `number` names it on the command line."""

    number: int
    state: str
    words: str
    count: int
    environment_ids: Sequence[str]
    mirrors: Sequence[str]


def plan_shape(plan: Plan, learned: Learned) -> PlanShape:
    """A plan, and how long it would take."""
    targets = [_target(target, state="planned") for target in plan.targets]
    left_out = [
        {
            "environment_id": one.environment_id,
            "mirror": one.application,
            "reason": one.reason.value,
            "words": one.words,
        }
        for one in plan.left_out
    ]
    return PlanShape(
        id=plan.id,
        fingerprint=plan.fingerprint,
        environment=plan.environment,
        made_at=plan.made_at,
        valid_until=plan.valid_until,
        waves=[len(wave) for wave in plan.waves],
        targets=targets,
        left_out=left_out,
        canary=plan.canary_words,
        lasts=eta_of_plan(plan, learned),
        kind=plan.kind,
        way=_way(plan),
    )


def rollout_shape(rollout: Rollout) -> RolloutShape:
    """A rollout."""
    targets = [
        _target(
            target.planned, state=target.state.value, words=target.words, attempt=target.attempt, since=target.since
        )
        for target in rollout.targets
    ]
    return RolloutShape(
        id=rollout.id,
        fingerprint=rollout.plan.fingerprint,
        environment=rollout.plan.environment,
        state=rollout.state.value,
        headline=headline(rollout),
        words=rollout.paused_because,
        started_by=rollout.started_by,
        why=rollout.why,
        started_at=rollout.started_at,
        ended_at=rollout.ended_at,
        targets=targets,
        fetches=rollout.fetches,
        kind=rollout.plan.kind,
        causes=[
            CauseShape(
                number=number,
                state=cause.state.value,
                words=cause.words,
                count=cause.count,
                environment_ids=cause.environment_ids,
                mirrors=[target.planned.application for target in cause.targets],
            )
            for number, cause in enumerate(causes(rollout.targets), 1)
        ],
        overrides=override_shapes(rollout),
        way=_way(rollout.plan),
        trips=[
            TripShape(
                at=trip.at,
                words=trip_words(trip),
                wave=trip.wave + 1,
                action=trip.action.value,
                came=trip.came.value,
                rollback=trip.rollback_id or None,
            )
            for trip in rollout.trips
        ],
    )


def _way(plan: Plan) -> WayShape:
    way, counts = plan.way, [len(wave) for wave in plan.waves]
    allowed = [way.allowed_failures(wave, len(counts), size) for wave, size in enumerate(counts)]
    in_all = way.allowed_in_all(sum(counts))
    return WayShape(
        words=plan_way_words(plan),
        waves=[
            WaveShape(
                wave=wave + 1,
                targets=size,
                stops_at=allowed[wave] + 1 if allowed[wave] < size else None,
                pauses_after=way.pauses_after(wave, len(counts)),
            )
            for wave, size in enumerate(counts)
        ],
        at_once=way.at_once,
        at_once_per_engine=way.at_once_per_engine,
        prefetch=way.prefetch,
        pulls_per_registry=way.pulls_per_registry,
        pulls_per_engine=way.pulls_per_engine,
        bake=way.bake,
        health_limit=way.health_limit,
        max_failed=way.max_failed,
        max_failed_percent=way.max_failed_percent,
        max_failed_in_all=way.max_failed_in_all,
        max_failed_in_all_percent=way.max_failed_in_all_percent,
        stops_at_in_all=in_all + 1 if in_all is not None and in_all < sum(counts) else None,
        in_a_row=way.in_a_row,
        on_trip=way.on_trip.value,
        on_failure=way.on_failure.value,
        proof_days=way.proof_days,
        resumes=way.resumes,
    )


def _target(
    target: PlannedTarget, *, state: str, words: str = "", attempt: int = 0, since: TakenBack | None = None
) -> TargetShape:
    return TargetShape(
        environment_id=target.environment_id,
        mirror=target.application,
        engine=target.engine,
        container=target.container,
        wave=target.wave + 1,
        change=target.change.value,
        before=target.before_title,
        after=target.after_title,
        reference=target.reference,
        state=state,
        words=words,
        attempt=attempt,
        way_back=target.way_back.value if target.way_back else "",
        swap=target.swap.value,
        settings=[{"field": one.field, "before": one.applied, "after": one.observed} for one in target.changes],
        rolled_back_by=RolledBackShape(since.rollout_id, since.fingerprint, since.well, since.words) if since else None,
        processes=[{"name": one.name, "container": one.container, "change": one.change} for one in target.companions],
        **_prepared(target),
    )


def _prepared(target: PlannedTarget) -> dict[str, str]:
    preparation = target.preparation
    if preparation is None:
        return {}
    release, backup = preparation.release, preparation.backup
    return {
        "release_command": shlex.join(release.command) if release else "",
        "backup": shlex.join(backup.command) if backup else "",
        "group": preparation.group,
    }
