"""A plan for settings alone: the image that runs stays, and what waits in the catalog for a rollout is applied.

Where only limits, the restart policy or how health is judged differ, nothing is made anew: the engine changes them of
the container that runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mirror_console.domain.applied import Applied
from mirror_console.domain.cell import Cell
from mirror_console.domain.counting import counted
from mirror_console.domain.drift import of_settings
from mirror_console.domain.in_place import goes_in_place
from mirror_console.domain.observation import Difference, Observation, State
from mirror_console.domain.pending import replaced_secret, settings_changes
from mirror_console.domain.plan import Change, LeftOut, Plan, PlannedTarget, Reason
from mirror_console.domain.planning import NO_SERVICE_IMAGE, no_service, not_now, planned_beside, service_image
from mirror_console.domain.process import settings_for
from mirror_console.domain.release import Release
from mirror_console.domain.service_settings import as_compared, brought
from mirror_console.domain.swap import Swap, swap_for
from mirror_console.domain.way_back import WayBack, way_back_of_service


def settings_alone(cell: Cell, releases: Sequence[Release] = ()) -> PlannedTarget | LeftOut:
    """What a plan for settings alone does to one environment, whatever image is expected; or why it is left out."""

    def left_out(reason: Reason, words: str) -> LeftOut:
        return LeftOut(cell.environment.id, cell.application.name, reason, words)

    seen, placed = cell.observation, cell.environment
    if unfit := not_now(cell):
        return left_out(*unfit)
    if seen is None or not seen.present:
        return left_out(Reason.NOTHING_TO_DO, "it has no container whose settings could be changed")
    if not cell.pending:
        return left_out(Reason.NOTHING_TO_DO, "no change of its settings waits for a rollout")
    fingerprint = seen.fingerprint or seen.recorded
    if not fingerprint:
        words = "it can't be told what image runs there, so that it could not be proved to stay"
        return left_out(Reason.UNKNOWN_IMAGE, words)
    release = next((one for one in releases if one.is_image(fingerprint)), None)
    reference = release.reference if release else ""
    if placed.swarm:
        if unfit := no_service(cell):
            return left_out(*unfit)
        reference = service_image(Change.SETTINGS, seen.image_id, reference)
        if not reference:
            return left_out(Reason.NO_DIGEST, NO_SERVICE_IMAGE)
    settings = settings_for(placed, placed.processes[0])
    return PlannedTarget(
        environment_id=placed.id,
        process=placed.processes[0].name,
        application_id=cell.application.id,
        application=cell.application.name,
        environment=placed.name,
        engine_id=placed.engine_id,
        engine=cell.engine_name,
        container=placed.container,
        change=Change.SETTINGS,
        swap=swap_for(settings, present=True, swarm=placed.swarm),
        before_title=cell.running_title,
        before_fingerprint=seen.fingerprint,
        before_container_id=seen.container_id,
        before_image_id=seen.image_id,
        after_title=cell.running_title,
        after_fingerprint=fingerprint,
        reference=reference,
        settings=settings,
        image_bytes=release.size if release else None,
        engine_at_once=cell.engine_at_once,
        way_back=way_back_of_service(seen.image_id) if placed.swarm else WayBack.KEPT,
        image_id=seen.image_id,
        companions=planned_beside(cell),
    )


def with_changes(
    target: PlannedTarget, cell: Cell, record: Applied | None, replaced: Sequence[str] = ()
) -> PlannedTarget:
    """A target with what its settings were and what becomes of them, changed in place where its engine can do that.

    `record` is what was last applied, `replaced` the secrets of which the keyring has another value since.
    """
    if target.swap is Swap.CREATE:
        return target
    changes = _changes(target, cell, record, replaced)
    before = record.settings if record is not None else target.settings
    if target.swap is Swap.SERVICE:
        before = brought(before)
    if before != target.settings:
        target = replace(target, before_settings=before)
    target = replace(target, changes=changes)
    seen = cell.observation
    if seen is None or not _in_place(target, seen, record):
        return target
    # Nothing is fetched: what is proved to stay is what runs.
    return replace(
        target,
        swap=Swap.IN_PLACE,
        after_fingerprint=seen.fingerprint,
        image_id=seen.image_id,
        reference="",
        image_bytes=0,
        way_back=WayBack.KEPT,
    )


def _changes(
    target: PlannedTarget, cell: Cell, record: Applied | None, replaced: Sequence[str]
) -> tuple[Difference, ...]:
    """From what is there now, where that is known, to what is planned."""
    swarm = target.swap is Swap.SERVICE
    after = as_compared(target.settings, swarm=swarm)
    planned = settings_changes(as_compared(record.settings, swarm=swarm), after) if record is not None else ()
    found = {one.field: one for one in (*planned, *map(replaced_secret, replaced))}
    for drifted in of_settings(cell.differences):
        wanted = found[drifted.field].observed if drifted.field in found else drifted.applied
        found[drifted.field] = Difference(drifted.field, drifted.observed, wanted)
    return tuple(one for one in found.values() if one.applied != one.observed)


def _in_place(target: PlannedTarget, seen: Observation, record: Applied | None) -> bool:
    """Whether the container that this console made stays, and its engine changes it while it runs."""
    if target.change is not Change.SETTINGS or record is None or target.companions or target.swap is Swap.SERVICE:
        # Several containers aren't changed in one call: they are made anew, and so put back as one.
        return False
    # Of a container that others made it isn't known whether what they gave it besides would come back.
    ours = bool(record.rollout_id) and record.container_id == seen.container_id
    runs = seen.state is State.RUNNING and bool(seen.fingerprint)
    return ours and runs and bool(target.changes) and goes_in_place(target.changes)


# --- in words ---------------------------------------------------------------------------------------------------


def settings_words(targets: Sequence[PlannedTarget]) -> list[tuple[str, list[str]]]:
    """Every change of a setting, ``memory limit: 256 MiB → 512 MiB``, with the mirrors that get it, most first."""
    found: dict[str, list[str]] = {}
    for target in targets:
        for change in target.changes:
            found.setdefault(str(change), []).append(target.application)
    return sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))


def unlike_words(plan: Plan) -> list[str]:
    """How many targets are changed while they run, and how many are made anew for their settings; no more than that."""
    several = [target for target in plan.targets if target.changes]
    in_place = sum(target.swap is Swap.IN_PLACE for target in several)
    services = sum(target.swap is Swap.SERVICE for target in several)
    anew = len(several) - in_place - services
    words = []
    if in_place:
        words.append(f"{counted(in_place, 'target')} changed in place, while it runs: no restart, no downtime.")
    if in_place and services:
        words.append(f"{counted(services, 'service')} of a Swarm updated, which starts new tasks.")
    if in_place and anew:
        words.append(f"{counted(anew, 'target')} made anew, as an engine can't change these settings in place.")
    return words
