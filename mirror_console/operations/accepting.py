"""Accepting: take what is observed into a mirror's settings and into what was last applied, and undo that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mirror_console.domain.application import Application
from mirror_console.domain.applied import Applied
from mirror_console.domain.drift import differences, service_differences
from mirror_console.domain.environment import Environment, Settings, settings_problems
from mirror_console.domain.image import Image, short
from mirror_console.domain.observation import Observation
from mirror_console.domain.process import one_process, with_processes
from mirror_console.domain.rollout import OVER, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.setting_words import VARIABLE
from mirror_console.domain.taking import LIMITS, not_beside, secret_values, taken, taken_by
from mirror_console.errors import InvalidInput, NotAllowed, Problem, VaultError
from mirror_console.operations.applied import keep_baseline
from mirror_console.operations.console import Console
from mirror_console.operations.drift import Found, chosen_fields, find, observation_of
from mirror_console.operations.keeping import forget, kept
from mirror_console.operations.placement import Placed, clashes
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.ports.vault import Vault
from mirror_console.operations.refresh import note_seen

CHANGED = "{} was changed in the meantime."


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over, and all that is needed to undo it."""

    fields: tuple[str, ...]
    before: tuple[Environment, ...]
    after: tuple[Environment, ...]
    records_before: tuple[Applied | None, ...]
    records: tuple[Applied, ...]
    """Of each process of which something was taken over, as the records before."""
    observations_before: tuple[Observation, ...]
    secrets_before: Mapping[SecretReference, Secret | None]
    """Values that were replaced in the keyring; None: there was none."""
    source_before: Application | None = None
    source: Application | None = None
    """The source with its template, where that was changed too."""


def accept(console: Console, environment_id: str, fields: Collection[str] = ()) -> Taken:
    """Take what is observed into this mirror's settings and into what was last applied: these fields, or all.

    It is read fresh from the engine. Values of secrets go into the keyring in place of the old ones, and are shown
    nowhere. Raises InvalidInput, EngineError, VaultError, NotAllowed.
    """
    console.demand_write()
    found = find(console, environment_id)
    return take(console, found, chosen_fields(found, fields))


def take(
    console: Console,
    found: Sequence[Found],
    fields: tuple[str, ...],
    source: Application | None = None,
    followers: Iterable[tuple[Environment, Environment]] = (),
) -> Taken:
    """Keep what was found at the processes of an environment; in the same go a source with another template, and what
    follows it, before and after."""
    environment = found[0].environment
    wanted, values = environment, dict[str, Secret]()
    parts = [(one, one.own(fields)) for one in found if one.own(fields)]
    for one, own in parts:
        if source is None:
            _demand_place(one, own)
        wanted = taken_by(wanted, one.process, one.observed, own)
        values |= secret_values(environment.settings, one.observed, own)
    if source is not None:
        wanted = _as_declared(wanted, source, parts)
    secrets = {wanted.settings.secrets[name].name: value for name, value in values.items()}
    records = tuple(_record_after(console, one, one_process(wanted, one.process).settings, own) for one, own in parts)
    for (one, own), record in zip(parts, records, strict=True):
        _demand_taken(one, record, own)
    others = tuple(followers)
    with kept(console, secrets) as secrets_before, console.catalog.write() as books:
        _demand_idle(books, environment)
        _demand_unchanged(books, [environment, *(before for before, _ in others)])
        _demand_sound(books, wanted, fields)
        looks = [observation_of(books, environment, one.process) for one, _ in parts]
        source_before = books.applications.get(source.id) if source else None
        if source is not None:
            books.applications.save(source)
        for changed in (wanted, *(after for _, after in others)):
            books.environments.save(changed)
        for before, after in others:
            keep_baseline(books, console.clock(), before, after)
        for (one, _), record in zip(parts, records, strict=True):
            books.applied.save(record)
            images: dict[str, Image | None] = {one.container.image_id: one.image}
            alone = one_process(wanted, one.process)
            note_seen(books, console, one.engine, alone, one.session, one.container, images, record)
    dropped = set(environment.settings.secrets.values()) - set(wanted.settings.secrets.values())
    secrets_before |= _held(console.vault, dropped)
    forget(console, dropped)
    return Taken(
        fields,
        (environment, *(before for before, _ in others)),
        (wanted, *(after for _, after in others)),
        tuple(one.record for one, _ in parts),
        records,
        tuple(look for look in looks if look is not None),
        secrets_before,
        source_before,
        source,
    )


def undo(console: Console, taken_over: Taken) -> None:
    """Put the catalog and the keyring back to what they were before something was taken over.

    Raises NotAllowed where the settings were changed since, VaultError.
    """
    console.demand_write()
    given = {reference.name: value for reference, value in taken_over.secrets_before.items() if value is not None}
    with kept(console, given), console.catalog.write() as books:
        _demand_idle(books, taken_over.before[0])
        _demand_unchanged(books, taken_over.after)
        if taken_over.source is not None and taken_over.source_before is not None:
            if books.applications.get(taken_over.source.id) != taken_over.source:
                raise NotAllowed(CHANGED.format(taken_over.source.name), "Nothing was undone.")
            books.applications.save(taken_over.source_before)
        for environment in taken_over.before:
            books.environments.save(environment)
        for before, record in zip(taken_over.records_before, taken_over.records, strict=True):
            if before is not None:
                books.applied.save(before)
            else:
                books.applied.remove(record.environment_id, record.process)
        books.observations.save_all(taken_over.observations_before)
    forget(console, [reference for reference, value in taken_over.secrets_before.items() if value is None])


def _held(vault: Vault, references: Iterable[SecretReference]) -> dict[SecretReference, Secret | None]:
    """What the keyring has under some references; what can't be read now can't be forgotten either, and stays there."""
    found: dict[SecretReference, Secret | None] = {}
    for reference in references:
        with suppress(VaultError):
            found[reference] = vault.get(reference)
    return found


def _record_after(console: Console, found: Found, wanted: Settings, fields: tuple[str, ...]) -> Applied:
    """What counts as applied from now on: as before, with what was taken over."""
    container, record = found.container, found.record
    observed = replace(found.observed, references={**found.observed.references, **wanted.secrets})
    settings = taken(found.judged.applied, observed, fields)
    named = {field.removeprefix(VARIABLE) for field in fields}
    values = {name: Secret(container.variables[name]) for name in settings.secrets if name in container.variables}
    known = {name: mark for name, mark in found.judged.secrets.items() if name in settings.secrets}
    # Where nothing was known to be applied, the container's values are.
    new = {name: value for name, value in values.items() if name in named or record is None}
    hashes = known | console.keyed.hashes(found.environment.id, new)
    keeps_old = record is not None and found.judged.remade and "container" not in fields
    return Applied(
        environment_id=found.environment.id,
        process=found.process,
        container_id=record.container_id if keeps_old and record else container.id,
        at=console.clock(),
        by=console.person,
        fingerprint=record.fingerprint if record else found.image.fingerprint,
        settings=settings,
        title=record.title if record else found.image.version or short(found.image.fingerprint),
        secrets=hashes,
    )


def _as_declared(
    environment: Environment, source: Application, parts: Sequence[tuple[Found, tuple[str, ...]]]
) -> Environment:
    """An environment whose other processes are as their source declares them now, which has their limits too."""
    limited = {one.process for one, own in parts if set(own) & set(LIMITS)}
    processes = tuple(replace(one, own_limits=None) if one.name in limited else one for one in environment.processes)
    return with_processes(replace(environment, processes=processes), source.processes)


def _demand_place(found: Found, fields: tuple[str, ...]) -> None:
    """Raises InvalidInput where settings of a process that doesn't serve have no place for what was found there."""
    refused = {field: not_beside(field) for field in fields} if not found.serves else {}
    problems = [Problem(f"{found.process}: {field}", why) for field, why in refused.items() if why]
    if problems:
        raise InvalidInput("This can't be taken over.", problems, "Take the others alone, or correct it by a rollout.")


def _demand_taken(found: Found, record: Applied, fields: tuple[str, ...]) -> None:
    """Raises InvalidInput where settings have no place for what was found, such as a variable taken away."""
    compare = service_differences if found.environment.swarm else differences
    left = {difference.field for difference in compare(record.settings, found.container, found.image)}
    words = "settings have no place for it as it is there"
    problems = [Problem(field, words) for field in fields if field in left]
    if problems:
        raise InvalidInput("This can't be taken over.", problems, "Take the others alone, or correct it by a rollout.")


def _demand_idle(books: Books, environment: Environment) -> None:
    for rollout in books.rollouts.unfinished():
        for target in rollout.targets:
            at_work = target.state not in OVER or target.state is TargetState.UNKNOWN
            if target.environment_id == environment.id and at_work:
                title = f"Rollout {rollout.plan.fingerprint} is {rollout.state} there."
                raise NotAllowed(title, "Let the rollout end, or decide about it, then try again.")


def _demand_unchanged(books: Books, environments: Sequence[Environment]) -> None:
    there = {one.id: one for one in books.environments.some(one.id for one in environments)}
    for environment in environments:
        if there.get(environment.id) != environment:
            raise NotAllowed(CHANGED.format(f"The environment {environment.name}"), "Look at it again, then choose.")


def _demand_sound(books: Books, environment: Environment, fields: tuple[str, ...]) -> None:
    problems = settings_problems(environment.settings)
    if "ports" in fields:
        names = {one.id: one.name for one in books.applications.all()}
        placed = [
            Placed(one, f"{names[one.application_id]} {one.name}")
            for one in books.environments.all()
            if one.id != environment.id
        ]
        engines = {engine.id: engine.name for engine in books.engines.all()}
        problems += clashes([*placed, Placed(environment, environment.name, "settings")], engines)
    if problems:
        raise InvalidInput("This can't be taken over.", problems, "Correct it by a rollout, or on its engine.")
