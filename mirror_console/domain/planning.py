"""Planning: what is done to each environment, from what is known of it, and in which wave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from mirror_console.domain.alignment import SAME_IMAGE, Alignment
from mirror_console.domain.canary import Traits, put_first
from mirror_console.domain.cell import Cell
from mirror_console.domain.expectation import NoExpectation
from mirror_console.domain.identity import UNREAD
from mirror_console.domain.observation import Observation, State
from mirror_console.domain.plan import Change, LeftOut, Plan, PlannedTarget, Reason, plan_fingerprint
from mirror_console.domain.process import PlannedProcess, settings_for
from mirror_console.domain.release import Mark, Release, passage
from mirror_console.domain.status import Activity, Knowledge, Status
from mirror_console.domain.swap import swap_for
from mirror_console.domain.swarm import digest_of
from mirror_console.domain.way import WaveSize, Way, wave_counts
from mirror_console.domain.way_back import WayBack, way_back_of_service, way_back_over

Holders = Mapping[str, Mapping[str, str]]
"""By the fingerprint of an image, the engines that were seen to hold it, with what each calls it."""
NOBODY: Holders = MappingProxyType({})


def make_plan(
    plan_id: str,
    environment: str,
    cells: Sequence[Cell],
    way: Way,
    made_by: str,
    now: datetime,
    releases: Mapping[str, Sequence[Release]] = MappingProxyType({}),
    holders: Holders = NOBODY,
    fate: Callable[[Cell, Sequence[Release]], PlannedTarget | LeftOut] | None = None,
) -> Plan:
    """Fix what a rollout over these cells would do. The order of cells is the order of the waves, the canary before.

    `releases` are those of each source, by its identity. `fate` is what is done to one; without it, as `planned` says.
    """
    fate = fate or (lambda cell, releases: planned(cell, releases=releases, holders=holders))
    outcomes = [(cell, fate(cell, releases.get(cell.application.source_id, ()))) for cell in cells]
    targets = [(outcome, _traits(cell)) for cell, outcome in outcomes if isinstance(outcome, PlannedTarget)]
    left_out = tuple(outcome for _, outcome in outcomes if isinstance(outcome, LeftOut))
    ordered, rule, named = put_first(way.canary, targets)
    counts = wave_counts((WaveSize(count=named), *way.waves[1:]) if named else way.waves, len(targets))
    placed: list[PlannedTarget] = []
    rest = iter(ordered)
    for wave, count in enumerate(counts):
        why = rule if wave == 0 and len(counts) > 1 else None
        placed.extend(replace(next(rest), wave=wave, canary=why) for _ in range(count))
    return Plan(plan_id, now, made_by, environment, tuple(placed), left_out, way, plan_fingerprint(placed, way))


def planned(cell: Cell, releases: Sequence[Release] = (), holders: Holders = NOBODY) -> PlannedTarget | LeftOut:
    """What a plan does to one environment, from what is known of it; or why it is left out.

    `releases` are all of the source's: they tell what may not be skipped, and what was withdrawn. `holders` are asked
    for an image that no registry is known to have: the engine may have it already, or another one gives it.
    """

    def left_out(reason: Reason, words: str) -> LeftOut:
        return LeftOut(cell.environment.id, cell.application.name, reason, words)

    expected, seen = cell.expected, cell.observation
    if isinstance(expected, NoExpectation):
        return left_out(Reason.NO_EXPECTATION, expected.why)
    if unfit := not_now(cell):
        return left_out(*unfit)
    if seen is None:
        raise ValueError("what was never checked isn't planned")
    if cell.alignment is Alignment.UNKNOWN:
        why = cell.likeness.why if cell.likeness is not None and cell.likeness.why else UNREAD.why
        return left_out(Reason.UNKNOWN_IMAGE, f"it can't be told what runs there: {why}")
    change = _change(cell)
    if change is None:
        return left_out(Reason.NOTHING_TO_DO, _as_it_should(cell, seen))
    release = expected.release
    refusal = _refused(cell, release, releases) if change is not Change.SETTINGS else None
    if refusal is not None:
        return left_out(*refusal)
    reference = release.reference if release else ""
    there = {} if reference or change is Change.SETTINGS else holders.get(expected.fingerprint, {})
    if not reference and not there and change is not Change.SETTINGS:
        words = "no digest is known under which a registry has this image, and no engine is known to have it"
        return left_out(Reason.NO_DIGEST, words)
    asked = reference
    if cell.environment.swarm:
        if unfit := no_service(cell):
            return left_out(*unfit)
        asked = service_image(change, seen.image_id, reference)
        if not asked:
            return left_out(Reason.NO_DIGEST, NO_SERVICE_IMAGE)
    settings = settings_for(cell.environment, cell.environment.processes[0])
    return PlannedTarget(
        environment_id=cell.environment.id,
        process=cell.environment.processes[0].name,
        application_id=cell.application.id,
        application=cell.application.name,
        environment=cell.environment.name,
        engine_id=cell.environment.engine_id,
        engine=cell.engine_name,
        container=cell.environment.container,
        change=change,
        swap=swap_for(settings, present=seen.present, swarm=cell.environment.swarm),
        before_title=cell.running_title,
        before_fingerprint=seen.fingerprint,
        before_container_id=seen.container_id,
        before_image_id=seen.image_id,
        after_title=cell.expected_title,
        after_fingerprint=expected.fingerprint,
        reference=asked,
        settings=settings,
        image_bytes=release.size if release else None,
        skips=max(0, (cell.behind or 0) - 1),
        engine_at_once=cell.engine_at_once,
        way_back=_way_back(cell, release, releases),
        image_id=there.get(cell.environment.engine_id, ""),
        companions=planned_beside(cell),
    )


def planned_beside(cell: Cell) -> tuple[PlannedProcess, ...]:
    """What is done to the processes beside the one that serves: each is made anew, in the image that is planned.

    What is there still of those that are declared no more is taken away.
    """
    environment = cell.environment
    known = {one.name: one for one in environment.going}
    going = tuple(
        PlannedProcess(
            seen.process,
            known[seen.process].container,
            settings_for(environment, known[seen.process]),
            known[seen.process].worker,
            seen.container_id,
            seen.image_id,
            goes=True,
        )
        for seen in cell.going
    )
    staying = tuple(
        PlannedProcess(
            process.name,
            process.container,
            settings_for(environment, process),
            process.worker,
            seen.container_id if seen is not None else "",
            seen.image_id if seen is not None else "",
        )
        for process, seen in zip(environment.processes[1:], cell.beside, strict=True)
    )
    return (*staying, *going)


def not_now(cell: Cell) -> tuple[Reason, str] | None:
    """Why nothing can be planned for an environment now, whatever is wished: too little is known, or it is busy."""
    # Of a lock of others the checks say whose it is: it may be gone by the time that it matters.
    if cell.activity not in {Activity.IDLE, Activity.LOCKED}:
        return Reason.BUSY, "a rollout is queued, running, paused or interrupted here"
    if cell.knowledge is Knowledge.NO_ACCESS:
        return Reason.NO_ACCESS, f"account {cell.application.account} has no credential on its engine"
    if cell.knowledge is Knowledge.UNREACHABLE:
        words = cell.contact.words if cell.contact and cell.contact.words else "its engine can't be reached"
        return Reason.UNREACHABLE, words
    if cell.knowledge in {Knowledge.STALE, Knowledge.NEVER} or cell.observation is None:
        return Reason.NOT_CHECKED, "check it first: what runs there is not known, or from too long ago"
    return None


NO_SERVICE_IMAGE = "the nodes of a Swarm have an image from a registry, and no digest is known under which one has it"


def no_service(cell: Cell) -> tuple[Reason, str] | None:
    """Why nothing can be planned for an environment that a Swarm runs, whatever is wished."""
    placed = cell.environment
    if cell.observation is None or not cell.observation.present:
        words = f"its Swarm has no service '{placed.container}': deploy its stack first, as the console never makes one"
        return Reason.NO_SERVICE, words
    if len(placed.processes) > 1 or placed.going:
        words = "its source declares other processes, which services of a Swarm can't have here"
        return Reason.NO_SERVICE, words
    return None


def service_image(change: Change, now: str, reference: str) -> str:
    """What a service is given: for settings alone what it has, where that is told by its digest."""
    return now if change is Change.SETTINGS and digest_of(now) else reference


def _way_back(cell: Cell, release: Release | None, releases: Sequence[Release]) -> WayBack:
    """Whether there will be a way back to what runs now. The old container is kept, and its image with it."""
    seen = cell.observation
    if seen is None or not seen.present:
        return WayBack.NOTHING_BEFORE
    if release is not None and way_back_over(releases, seen.fingerprint, release.identity):
        return WayBack.BLOCKED
    if cell.environment.swarm:
        return way_back_of_service(seen.image_id)
    return WayBack.KEPT if seen.fingerprint else WayBack.GONE


def _refused(cell: Cell, release: Release | None, releases: Sequence[Release]) -> tuple[Reason, str] | None:
    """Why a release may not come next here, by what a person said of it or of one before it."""
    if release is None:
        return None
    if release.withdrawn:
        words = f"{release.title} was withdrawn{_because(release)}; hold another release, or have the source go back"
        return Reason.WITHDRAWN, words
    own = [one for one in releases if one.environment_id == release.environment_id]
    running = cell.observation.fingerprint if cell.observation else ""
    stop = next(iter(passage(own, running, release.identity).stops), None)
    if stop is None:
        return None
    words = f"{stop.title} comes first: it is marked '{Mark.STOP_HERE}'{_because(stop)}"
    return Reason.STOP_FIRST, f"{words}. Hold it at {stop.title}, roll that out, then end the hold"


def _because(release: Release) -> str:
    return f" ({release.remark.rstrip('.')})" if release.remark else ""


def _as_it_should(cell: Cell, seen: Observation) -> str:
    """That there is nothing to bring; where it doesn't run all the same, what would help."""
    what = f"{cell.expected_title} with these settings"
    if seen.state in {None, State.RUNNING, State.RESTARTING}:
        return f"it runs {what}"
    how, helps = ("paused", "unpause") if seen.state is State.PAUSED else ("stopped", "start")
    return f"it has {what}, but is {how}: 'docker {helps} {seen.container_name}' on its engine"


def _change(cell: Cell) -> Change | None:
    match cell.alignment:
        case Alignment.ALIGNED | Alignment.UNKNOWN | Alignment.NO_RELEASE:
            return Change.SETTINGS if cell.pending else None
        case Alignment.BEHIND:
            return Change.UPDATE
        case Alignment.AHEAD:
            return Change.DOWNGRADE
        case Alignment.DRIFTED:
            return Change.SETTINGS if cell.drift in SAME_IMAGE else Change.REPLACE
        case Alignment.MISSING:
            # With several processes it may be another one that is missing.
            there = cell.observation is not None and cell.observation.present
            return Change.REPLACE if there else Change.CREATE
        case _:
            assert_never(cell.alignment)


_WELL = frozenset({Status.ALIGNED, Status.BEHIND, Status.AHEAD, Status.DRIFTED})
"""The states of what was seen lately and runs."""


def _traits(cell: Cell) -> Traits:
    return Traits(cell.application.slug, cell.application.tags, cell.status in _WELL)
