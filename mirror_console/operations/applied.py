"""Applied: what an environment was last made of, how a container compares with that, and the record of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from mirror_console.domain.applied import Applied
from mirror_console.domain.companions import with_changes_beside
from mirror_console.domain.drift import REMADE, differences, service_differences
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.image import Image
from mirror_console.domain.in_place import FIXED, fixed_hash, granted_by, granted_to
from mirror_console.domain.observation import LABEL, Container, Difference
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.process import settings_for
from mirror_console.domain.secret import Secret
from mirror_console.domain.service_settings import as_compared
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books

Records = Mapping[tuple[str, str], Applied]
"""What was last applied, by environment and process."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How a container compares with what was last applied."""

    applied: Settings
    """What was last applied; the catalog's settings where nobody knows better."""
    differences: tuple[Difference, ...] = ()
    hash: str = ""
    """Of what was applied; empty where nothing is known to have been."""
    remade: bool = False
    not_compared: str = ""
    """Why values of secrets were not compared, in words."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Keyed hashes of what was applied."""
    unrecorded: bool = False
    """Whether nothing is known to have been applied, by whomever."""


def judged(
    console: Console, environment: Environment, container: Container, image: Image | None, record: Applied | None
) -> Judged:
    """Compare a container with what was last applied to its environment."""
    compare = service_differences if environment.swarm else differences
    rollout = container.labels.get(LABEL + "rollout", "")
    remade = record is not None and container.id != record.container_id and not rollout
    if record is None or (container.id != record.container_id and not remade):
        # A catalog of before there were records, or a container of a rollout that came later than the record.
        made_with = _made_with(environment, container)
        applied = _last_settings(console, environment, made_with)
        return Judged(applied, compare(applied, container, image), made_with, unrecorded=not made_with)
    values = {name: Secret(value) for name, value in container.variables.items() if name in record.settings.secrets}
    same, why = console.keyed.compare(environment.id, record.secrets, values)
    found = compare(record.settings, container, image, same)
    found = (REMADE, *found) if remade else found
    made_of = as_compared(record.settings, swarm=environment.swarm).hash
    return Judged(record.settings, found, made_of, remade, why, record.secrets, not record.by)


def records_of(books: Books, environment_ids: list[str]) -> Records:
    """What was last applied to environments."""
    return {(record.environment_id, record.process): record for record in books.applied.of(environment_ids)}


def with_companion_records(target: PlannedTarget, records: Records) -> PlannedTarget:
    """The target with what the old containers of its other processes were made of, as far as that is on record."""
    if not target.companions:
        return target
    companions = []
    for one in target.companions:
        record = records.get((target.environment_id, one.name))
        known = record.settings if record is not None and record.settings != one.settings else None
        companions.append(replace(one, before_settings=known))
    return with_changes_beside(replace(target, companions=tuple(companions)))


def record_of(console: Console, planned: PlannedTarget, container: Container, rollout_id: str) -> Applied:
    """The record of a target that is done: what its new container was made of.

    The hashes are of what the container was given; without the keyring they are left out. No transaction may be open.
    """
    given = {
        name: Secret(container.variables[name]) for name in planned.settings.secrets if name in container.variables
    }
    return Applied(
        environment_id=planned.environment_id,
        process=planned.process,
        container_id=container.id,
        at=console.clock(),
        by=console.person,
        fingerprint=planned.after_fingerprint,
        settings=planned.settings,
        rollout_id=rollout_id,
        title=planned.after_title,
        secrets=console.keyed.hashes(planned.environment_id, given),
    )


def keep_baseline(books: Books, at: datetime, before: Environment, after: Environment) -> None:
    """Note what the catalog said so far of what no rollout has made, as the settings of its environment change.

    Then the change waits for a rollout, and isn't taken for one that somebody made by hand. Once: what was applied
    since, or taken over, stays the record.
    """
    now = {one.name: _hash(after, settings_for(after, one)) for one in after.processes}
    was = {one.name: settings_for(before, one) for one in before.processes}
    of_process = {name: one for name, one in was.items() if now.get(name) not in {None, _hash(before, one)}}
    if not of_process or before.engine_id != after.engine_id:
        return
    recorded = {record.process for record in books.applied.of([before.id])}
    for seen in books.observations.of(before.id):
        if seen.process in recorded or not seen.present or seen.settings_hash or seen.process not in of_process:
            continue
        books.applied.save(
            Applied(
                environment_id=before.id,
                process=seen.process,
                container_id=seen.container_id,
                at=at,
                by="",
                fingerprint=seen.fingerprint,
                settings=of_process[seen.process],
                title=seen.version,
            )
        )
        books.observations.save_all([replace(seen, settings_hash=_hash(before, of_process[seen.process]))])


def _hash(environment: Environment, settings: Settings) -> str:
    """The hash by which settings of an environment are told from others."""
    return as_compared(settings, swarm=environment.swarm).hash


def _made_with(environment: Environment, container: Container) -> str:
    """The hash of the settings that a container has, as far as it tells.

    Its label says what it was made of. Where another console has changed its limits in place since, all that is fixed
    is as the catalog says, and so is what it is granted: then that is what it has, and nothing waits for a rollout.
    """
    made_of = container.labels.get(LABEL + "spec", "")
    if environment.swarm:
        return made_of
    catalog = environment.settings
    as_fixed = container.labels.get(FIXED) == fixed_hash(catalog)
    granted = granted_to(container).differs_from(granted_by(catalog)) is None
    return catalog.hash if as_fixed and granted else made_of


def _last_settings(console: Console, environment: Environment, made_with: str) -> Settings:
    catalog = settings_for(environment, environment.processes[0])
    if not made_with or made_with == _hash(environment, catalog):
        return catalog
    with console.catalog.read() as books:
        return books.rollouts.last_settings(environment.id, made_with) or catalog
