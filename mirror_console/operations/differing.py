"""Differing: what of a listing isn't as it was seen before, so that only that is looked into."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from mirror_console.domain.environment import Placed
from mirror_console.domain.lock import Lock
from mirror_console.domain.observation import LABEL, Listed, Observation, of_environment
from mirror_console.operations.ports.catalog import Books


@dataclass(frozen=True, slots=True)
class Differing:
    """Places, each with the container that was listed for it; and the images of all containers that are ours."""

    places: list[tuple[Placed, Listed | None]]
    image_ids: frozenset[str]


def differing(
    placed: Sequence[Placed],
    listed: Sequence[Listed],
    before: Mapping[tuple[str, str], Observation],
    *,
    inspect_all: bool,
    inspect: Collection[str] = (),
    locks: Mapping[str, Lock] = MappingProxyType({}),
) -> Differing:
    """What isn't as it was seen before, or isn't known well enough. `locks` are those of others, by what they lock."""
    finder = _Finder(listed)
    places: list[tuple[Placed, Listed | None]] = []
    for place in placed:
        old = before.get((place.environment_id, place.process))
        found = finder.find(place.environment_id, place.process, place.container)
        same_lock = locks.get(place.container) == (old.lock if old is not None else None)
        if found is None:
            if old is None or old.present or not same_lock:
                places.append((place, None))
            continue
        finder.image_ids.add(found.image_id)
        # Of a service all is known with the listing; it stays the same one whatever is made of it.
        differs = found.swarm or _differs(found, old) or not (old and old.fingerprint) or not same_lock
        if inspect_all or found.id in inspect or differs:
            places.append((place, found))
    return Differing(places, frozenset(finder.image_ids))


def not_noted_since(
    books: Books, changed: Sequence[Observation], listed_at: datetime, now: datetime
) -> list[Observation]:
    """What was observed, but for processes of which something was noted after the listing: a swap that has ended since.

    What the listing showed of them was its midst. A note from later than `now` is of a clock that was set back.
    """
    noted = {
        (seen.environment_id, seen.process)
        for seen in books.observations.of_all({one.environment_id for one in changed})
        if listed_at < seen.at <= now
    }
    return [one for one in changed if (one.environment_id, one.process) not in noted]


class _Finder:
    """Finds the container of an environment in a listing without reading the whole listing each time."""

    def __init__(self, listed: Sequence[Listed]) -> None:
        self._by_name = {container.name: container for container in listed}
        self._by_environment: dict[str, list[Listed]] = {}
        self.image_ids: set[str] = set()
        for container in listed:
            owner = container.labels.get(LABEL + "env")
            if owner:
                self._by_environment.setdefault(owner, []).append(container)
                self.image_ids.add(container.image_id)

    def find(self, environment_id: str, process: str, name: str) -> Listed | None:
        """The container that serves a process of an environment."""
        named = self._by_name.get(name)
        candidates = [named] if named else self._by_environment.get(environment_id, [])
        return of_environment(candidates, environment_id, process, name)


def _differs(found: Listed, old: Observation | None) -> bool:
    return (
        old is None
        or found.id != old.container_id
        or found.name != old.container_name
        or found.state is not old.state
        or found.health is not old.health
    )
