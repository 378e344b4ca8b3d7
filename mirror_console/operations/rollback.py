"""Rollback: the plan that takes a rollout back, each target to its own image and settings of before.

It is a rollout like any other from there on: with its own checks, confirmation, journal and report. What is there now
is read from the engines first. The image that is kept there is used by its id, so that no registry is needed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mirror_console.domain.canary import FIRST_THAT_RUN_WELL
from mirror_console.domain.environment import Environment
from mirror_console.domain.identity import is_image
from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container
from mirror_console.domain.pending import settings_changes
from mirror_console.domain.plan import Change, LeftOut, Plan, PlannedTarget, Reason, RollbackOf, plan_fingerprint
from mirror_console.domain.process import PlannedProcess
from mirror_console.domain.release import Release
from mirror_console.domain.rollout import CHANGED, ENDED, Rollout, RolloutState, Target, TargetState
from mirror_console.domain.service_settings import as_compared
from mirror_console.domain.swap import Swap, swap_for
from mirror_console.domain.swarm import digest_of
from mirror_console.domain.way import REST, OnFailure, OnTrip
from mirror_console.domain.way_back import WayBack, judge_way_back, way_back_of_service, way_back_over
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached_now
from mirror_console.operations.applied import Records, records_of
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.deciding import claimed
from mirror_console.operations.reaching import session_for
from mirror_console.operations.scene import made_by
from mirror_console.operations.ways_back import cant_go_back

AT_ONCE = 16
NO_IMAGE = "its image of before isn't on the engine any more, and no digest is known to pull it by"
NO_SERVICE_IMAGE = "no digest is known by which the nodes of its Swarm could have its image of before"
OTHER_CONTAINER = "container is there now, which this console didn't make"


class Part(StrEnum):
    """How much of a rollout is taken back."""

    FAILED = "failed"
    """What failed and doesn't run what it ran: new containers that were left, and what is stranded."""
    WAVE = "wave"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is there now of one target, and of its image of before."""

    named: Container | None
    runs: Image | None
    """The image of what is there now."""
    before: Image | None
    """The image of before, where it is on the engine."""
    beside: tuple[Container | None, ...] = ()
    """What is there of its other processes, in their order."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the catalog says that a rollback needs."""

    environments: Mapping[str, Environment]
    releases: Mapping[str, Sequence[Release]]
    """Those of its source, by application."""
    names: Mapping[str, str]
    """What plans of other rollouts are called, by the rollout."""
    applied: Records
    """What was last applied."""


def plan_rollback(console: Console, jobs: Jobs, rollout_id: str, part: Part, wave: int | None = None) -> Plan:
    """Make and keep the plan that takes a paused or ended rollout back. `wave` is counted from 0.

    No target is left out without a word. All go in one wave, under the caps of the rollout: what they go back to has
    proved itself there. Health is waited for as each environment says, however little time the rollout gave it: what
    made the way forward fail must not make the way back fail too. Raises InvalidInput, NotAllowed and CatalogError.
    """
    rollout = claimed(console, rollout_id)
    chosen = _chosen(rollout, part, wave)
    seen = _look(console, jobs, [target for target in chosen if target.state in CHANGED])
    known = _known(console, chosen)
    outcomes = [_planned(rollout, target, seen.get(target.environment_id), known) for target in chosen]
    targets = tuple(outcome for outcome in outcomes if isinstance(outcome, PlannedTarget))
    left_out = tuple(outcome for outcome in outcomes if isinstance(outcome, LeftOut))
    way = replace(
        rollout.plan.way,
        waves=(REST,),
        canary=FIRST_THAT_RUN_WELL,
        pause_after_canary=False,
        pause_after_every=False,
        pause_after=(),
        on_failure=OnFailure.PUT_BACK,
        # Never is a rollback rolled back by a rule: who goes forward and back by himself ends nowhere.
        on_trip=OnTrip.PAUSE,
        health_limit=0.0,
    )
    words = f"wave {wave + 1}" if part is Part.WAVE and wave is not None else str(part)
    of = RollbackOf(rollout.id, rollout.plan.fingerprint, words)
    environment = rollout.plan.environment
    fingerprint = plan_fingerprint(targets, way)
    made = Plan(
        new_id(), console.clock(), console.person, environment, targets, left_out, way, fingerprint, rollback_of=of
    )
    with console.catalog.write() as books:
        books.plans.save(made)
    return made


def _chosen(rollout: Rollout, part: Part, wave: int | None) -> list[Target]:
    """The targets of a part of a rollout. Raises InvalidInput."""
    problems = []
    if part is Part.WAVE and (wave is None or not 0 <= wave < rollout.waves):
        problems.append(Problem("wave", f"say one of the waves 1 to {rollout.waves}"))
    if part is Part.ALL and rollout.state not in ENDED:
        problems.append(
            Problem("rollout", f"it is {rollout.state}: stop it first, or its rest is rolled out after that")
        )
    if rollout.state is RolloutState.PAUSED and any(one.state is TargetState.UNDECIDED for one in rollout.targets):
        problems.append(Problem("rollout", "some of its targets wait for a decision: decide about them first"))
    if problems:
        raise InvalidInput("This can't be rolled back now.", problems, "Nothing was changed.")
    match part:
        case Part.WAVE:
            return list(rollout.wave(wave or 0))
        case Part.FAILED:
            return [one for one in rollout.targets if one.state in CHANGED - {TargetState.DONE}]
        case Part.ALL:
            return list(rollout.targets)


def _look(console: Console, jobs: Jobs, targets: Sequence[Target]) -> dict[str, _Seen | EngineError]:
    """What is there now of each target. Changes nothing."""

    def at(target: Target) -> Callable[[], _Seen]:
        return lambda: _look_at(console, target.planned)

    works = {target.environment_id: at(target) for target in targets}
    seen: dict[str, _Seen | EngineError] = {}
    for environment_id, outcome in jobs.side_by_side(works, at_once=AT_ONCE).items():
        if isinstance(outcome, Exception) and not isinstance(outcome, EngineError):
            raise outcome
        seen[environment_id] = outcome
    return seen


def _look_at(console: Console, planned: PlannedTarget) -> _Seen:
    session = session_for(console, reached_now(console, planned.engine_id, planned.application_id), planned)
    named = session.inspect(planned.container)
    runs = session.image(named.image_id) if named is not None else None
    before = session.image(planned.before_image_id) if planned.before_image_id else None
    beside = tuple(session.inspect(one.container) for one in planned.companions)
    return _Seen(named, runs, before, beside)


def _known(console: Console, targets: Sequence[Target]) -> _Known:
    ids = {target.planned.application_id for target in targets}
    with console.catalog.read() as books:
        placed = {one.id: one for one in books.environments.some([target.environment_id for target in targets])}
        sources = {one.id: one.source_id for one in books.applications.all() if one.id in ids}
        of_source = {}
        for source_id in set(sources.values()):
            environments = [one.id for one in books.environments.of(source_id)]
            of_source[source_id] = books.releases.of(environments)
        names = {head.id: head.fingerprint for head in books.rollouts.heads()}
        applied = records_of(books, [target.environment_id for target in targets])
    return _Known(placed, {one: of_source[source] for one, source in sources.items()}, names, applied)


def _planned(
    rollout: Rollout, target: Target, seen: _Seen | EngineError | None, known: _Known
) -> PlannedTarget | LeftOut:
    """What the rollback does to one target; or why it is left out."""
    before = target.planned

    def left_out(reason: Reason, words: str) -> LeftOut:
        return LeftOut(before.environment_id, before.application, reason, words)

    if target.state not in CHANGED:
        return left_out(Reason.NOTHING_TO_DO, f"the rollout changed nothing here: it is {target.state}")
    if before.taken_from is not None:
        return left_out(
            Reason.NO_WAY_BACK, f"it ended what {before.taken_from.holder} had begun: nothing was rolled out"
        )
    placed = known.environments.get(before.environment_id)
    if placed is None or _placed(placed) != (before.engine_id, before.container, before.swap is Swap.SERVICE):
        return left_out(Reason.CHANGED_SINCE, "it was removed, or placed elsewhere since")
    there = {one.name for one in (*placed.processes[1:], *placed.going)}
    if there != {one.name for one in before.companions if not one.goes}:
        return left_out(Reason.CHANGED_SINCE, "its source declares other processes since")
    if before.swap is Swap.CREATE:
        return left_out(Reason.NO_WAY_BACK, "it had no container before: nothing is there to go back to")
    if isinstance(seen, EngineError):
        return left_out(Reason.UNREACHABLE, seen.title)
    if seen is None:
        raise RuntimeError("a target was not looked at")
    if refusal := _changed_in_place(rollout, before, seen, known) or _not_ours(rollout, before, seen, known):
        return left_out(*refusal)
    if before.swap is Swap.IN_PLACE and before.before_settings is None:
        return left_out(Reason.NO_WAY_BACK, "it took back what was changed by hand: what was there isn't on record")
    releases = known.releases.get(before.application_id, ())
    migrations = way_back_over(releases, before.before_fingerprint, before.after_fingerprint or before.digest)
    image = seen.before if seen.before is not None and _is_before(before, seen.before) else None
    reference = _reference(before, image, releases)
    irreversible = before.preparation is not None and before.preparation.irreversible
    match judge_way_back(
        # The nodes of a Swarm have it from a registry, whatever its manager holds.
        on_engine=image is not None and before.swap is not Swap.SERVICE,
        can_be_pulled=bool(reference),
        migrations=migrations,
        irreversible=irreversible,
    ):
        case WayBack.BLOCKED:
            words = (
                f"{cant_go_back(before, migrations)}; where the data can take it, hold it at "
                f"{before.before_title or 'the older release'} and roll that out"
            )
            return left_out(Reason.MIGRATION, words)
        case WayBack.GONE | WayBack.NOTHING_BEFORE:
            return left_out(Reason.NO_WAY_BACK, NO_SERVICE_IMAGE if before.swap is Swap.SERVICE else NO_IMAGE)
        case WayBack.KEPT | WayBack.PULL:
            return _back(target, seen, image, reference)


def _placed(environment: Environment) -> tuple[str, str, bool]:
    return environment.engine_id, environment.container, environment.swarm


def _not_ours(rollout: Rollout, before: PlannedTarget, seen: _Seen, known: _Known) -> tuple[Reason, str] | None:
    """Why what is there now isn't this rollout's to take back."""
    named, service = seen.named, before.swap is Swap.SERVICE
    if named is None and service:
        return Reason.NO_WAY_BACK, "its service is gone: deploy its stack first"
    if named is None or made_by(named, before, rollout.id) or _still_as_changed(rollout, before, seen, known):
        return None
    # A service is the same before and after; what it is made of tells.
    if named.id == before.before_container_id and not service:
        return (
            (Reason.NOTHING_TO_DO, f"it runs {before.before_title or 'what it ran'}, as before")
            if named.running
            else None
        )
    if seen.runs is not None and _is_before(before, seen.runs):
        return Reason.NOTHING_TO_DO, f"it runs {before.before_title or 'what it ran'} again"
    later = known.names.get(named.labels.get(LABEL + "rollout", ""))
    if later:
        return Reason.CHANGED_SINCE, f"rollout {later} was here since: roll that one back first"
    if service and named.id == before.before_container_id:
        return Reason.CHANGED_SINCE, "its service was changed since by somebody else: what it runs isn't this rollout's"
    other = "service is there now, which this console didn't update" if service else OTHER_CONTAINER
    return Reason.CHANGED_SINCE, f"another {other}"


def _still_as_changed(rollout: Rollout, before: PlannedTarget, seen: _Seen, known: _Known) -> bool:
    """Whether this rollout was the last that changed the container in place, which is the same as before."""
    record = known.applied.get((before.environment_id, before.process))
    same = seen.named is not None and seen.named.id == before.before_container_id
    return before.swap is Swap.IN_PLACE and same and record is not None and record.rollout_id == rollout.id


def _changed_in_place(rollout: Rollout, before: PlannedTarget, seen: _Seen, known: _Known) -> tuple[Reason, str] | None:
    """That a later rollout has changed this one's container in place, which no label of it tells."""
    record = known.applied.get((before.environment_id, before.process))
    if record is None or seen.named is None or record.container_id != seen.named.id:
        return None
    if record.rollout_id in {"", rollout.id} or made_by(seen.named, before, record.rollout_id):
        return None
    later = known.names.get(record.rollout_id)
    return (Reason.CHANGED_SINCE, f"rollout {later} was here since: roll that one back first") if later else None


def _is_before(before: PlannedTarget, image: Image) -> bool:
    """Whether an image is the one that ran before."""
    if before.before_fingerprint:
        return is_image(before.before_fingerprint, "", image)
    return image.id == before.before_image_id


def _reference(before: PlannedTarget, image: Image | None, releases: Sequence[Release]) -> str:
    """How the image of before can be pulled; empty where nobody knows."""
    release = next((one for one in releases if one.is_image(before.before_fingerprint) and one.reference), None)
    if release is not None:
        return release.reference
    if before.swap is Swap.SERVICE and digest_of(before.before_image_id):
        return before.before_image_id
    return next(iter(image.digests), "") if image is not None else ""


def _back(target: Target, seen: _Seen, image: Image | None, reference: str) -> PlannedTarget:
    done, named, runs = target.planned, seen.named, seen.runs
    settings = done.before_settings or done.settings
    swarm = done.swap is Swap.SERVICE
    again = Swap.IN_PLACE if done.swap is Swap.IN_PLACE and named is not None and named.running else None
    return replace(
        done,
        change=Change.BACK,
        swap=again if again is not None else swap_for(settings, present=named is not None, swarm=swarm),
        before_title=done.after_title if named is not None else "",
        before_fingerprint=runs.fingerprint if runs is not None else "",
        before_container_id=named.id if named is not None else "",
        before_image_id=named.image_id if named is not None else "",
        after_title=done.before_title,
        after_fingerprint=image.fingerprint if image is not None else done.before_fingerprint,
        reference=reference,
        settings=settings,
        image_bytes=image.size if image is not None else None,
        skips=0,
        wave=0,
        canary=None,
        preparation=None,
        way_back=_way_forward(seen, swarm=swarm),
        before_settings=done.settings if done.settings != settings else None,
        changes=settings_changes(as_compared(done.settings, swarm=swarm), as_compared(settings, swarm=swarm)),
        image_id=image.id if image is not None else "",
        companions=tuple(
            _back_beside(one, now)
            for one, now in zip(done.companions, seen.beside, strict=True)
            if one.before_container_id or now is not None
        ),
    )


def _way_forward(seen: _Seen, *, swarm: bool) -> WayBack:
    """Whether there will be a way back from the rollback, to what is there now."""
    if seen.named is None:
        return WayBack.NOTHING_BEFORE
    if swarm:
        return way_back_of_service(seen.named.image_id)
    return WayBack.KEPT if seen.runs is not None else WayBack.GONE


def _back_beside(done: PlannedProcess, now: Container | None) -> PlannedProcess:
    """Another process goes back with the one that serves: one that was taken away is made again, a new one goes."""
    settings = done.before_settings or done.settings
    return replace(
        done,
        goes=not done.before_container_id,
        settings=settings,
        before_container_id=now.id if now is not None else "",
        before_image_id=now.image_id if now is not None else "",
        before_settings=done.settings if done.settings != settings else None,
    )
