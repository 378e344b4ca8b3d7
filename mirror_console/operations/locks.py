"""Locks of others: who else works on which environments, as engines list it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mirror_console.domain.environment import LOCK_PREFIX, Environment, Placed
from mirror_console.domain.lock import Lock
from mirror_console.domain.observation import LABEL, Listed, Observation
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import Entry, entries
from mirror_console.operations.console import Console
from mirror_console.operations.listing import by_kind, list_all
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.scene import lock_on

AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class FoundLock:
    """A lock on an engine, and what it locks: the mirror and its environment, as far as this catalog knows them."""

    engine: str
    lock: Lock
    mirror: str = ""
    """Its slug."""
    environment: str = ""
    own: bool = False
    """Whether it is of a rollout of this catalog."""


@dataclass(frozen=True, slots=True)
class AllLocks:
    """The locks that engines told of, and why others couldn't be asked, by name."""

    found: tuple[FoundLock, ...]
    failed: tuple[tuple[str, EngineError], ...]


def all_locks(console: Console, jobs: Jobs) -> AllLocks:
    """The locks on all engines, as they say now. Changes nothing."""
    with console.catalog.read() as books:
        ways = [entry for engine in books.engines.all() for entry in entries(books, engine)]
        slugs = {one.id: one.slug for one in books.applications.all()}
        environments = {one.id: one for one in books.environments.all()}

    def found_lock(entry: Entry, lock: Lock, mirror: str = "", environment: str = "") -> FoundLock:
        with console.catalog.read() as books:
            return FoundLock(entry.engine.name, lock, mirror, environment, _is_own(books, lock))

    def ask(entry: Entry) -> list[FoundLock]:
        listed = list_all(console.engines.session(entry.engine), swarm=entry.swarm)
        found = []
        for _, places, of_kind in by_kind(entry.placed, listed):
            placed = {place.container: environments[place.environment_id] for place in places}
            for container, lock in _locks(of_kind).items():
                here: Environment | None = placed.get(container)
                if here is not None:
                    found.append(found_lock(entry, lock, slugs[here.application_id], here.name))
                elif not entry.own:
                    # What isn't placed there is nobody's business who came with one account's credential.
                    found.append(found_lock(entry, lock))
        return found

    works = {(entry.engine.id, entry.account): partial(ask, entry) for entry in ways}
    outcomes = jobs.side_by_side(works, at_once=AT_ONCE)
    found: dict[str, FoundLock] = {}
    failed = []
    for entry, outcome in zip(ways, outcomes.values(), strict=True):
        if isinstance(outcome, EngineError):
            failed.append((entry.engine.name, outcome))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            found |= {one.lock.id: one for one in outcome if one.lock.id not in found or one.mirror}
    ordered = sorted(found.values(), key=lambda one: (one.engine.casefold(), one.lock.container))
    return AllLocks(tuple(ordered), tuple(failed))


def locks_of_others(console: Console, listed: Sequence[Listed]) -> dict[str, Lock]:
    """The locks that an engine lists, by the name of what they lock, but for those of this catalog's rollouts.

    What these do, or have left, is told and dealt with anyway.
    """
    found = {name: lock for name, lock in _locks(listed).items() if lock.console != console.run}
    if found:
        with console.catalog.read() as books:
            found = {name: lock for name, lock in found.items() if not _is_own(books, lock)}
    return found


def _is_own(books: Books, lock: Lock) -> bool:
    try:
        books.rollouts.get(lock.rollout_id)
    except KeyError:
        return False
    return True


def _locks(listed: Sequence[Listed]) -> dict[str, Lock]:
    return {
        container.name.removeprefix(LOCK_PREFIX): lock_on(container, container.name.removeprefix(LOCK_PREFIX))
        for container in listed
        if container.name.startswith(LOCK_PREFIX) and LABEL + "console" in container.labels
    }


def with_locks(
    seen: Sequence[Observation], places: Sequence[tuple[Placed, Listed | None]], locks: Mapping[str, Lock]
) -> list[Observation]:
    """What was seen at places, with the locks that others hold there."""
    if not locks:
        return list(seen)
    held = {(place.environment_id, place.process): locks.get(place.container) for place, _ in places}
    return [replace(one, lock=held.get((one.environment_id, one.process))) for one in seen]
