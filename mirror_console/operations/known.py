"""Known: what the catalog knows of the fleet, kept in memory; of a change, only what changed is read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import TypeVar

from mirror_console.domain.application import Application
from mirror_console.domain.changes import Changes
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Environment
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release
from mirror_console.domain.schedule import NO_SCHEDULE
from mirror_console.domain.status import Activity
from mirror_console.domain.tag import TagLook
from mirror_console.domain.where import names_of
from mirror_console.operations.access import Reach, reach
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.standing import activities, standing

_Key = TypeVar("_Key")

EVERYTHING = Changes(
    dict.fromkeys(
        (
            "applications",
            "environments",
            "engines",
            "accesses",
            "releases",
            "tags",
            "observations",
            "rollouts",
            "images",
            "schedule",
        ),
        None,
    )
)
"""Whatever is kept of the catalog."""


@dataclass(slots=True)
class Concerned:
    """What a change is about: whatever follows from one of these is to be reckoned again."""

    environments: set[str] = field(default_factory=set)
    applications: set[str] = field(default_factory=set)
    """Of themselves, or in which environments they have."""
    engines: set[str] = field(default_factory=set)
    """Themselves, or the way to them: whatever is placed there is concerned."""
    looks: set[str] = field(default_factory=set)
    """Engines of which only what is placed there or was seen there has changed."""
    sources: set[str] = field(default_factory=set)
    """What they expect of their mirrors."""
    watched: set[str] = field(default_factory=set)
    """Sources of which only what runs there has changed, or how many mirrors they have."""

    def __bool__(self) -> bool:
        return any((self.environments, self.applications, self.engines, self.looks, self.sources, self.watched))


class Known:
    """The catalog's values with what is looked up in them. What is read again and is the same stays the same object."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.applications: dict[str, Application] = {}
        self.places: dict[str, int] = {}
        """In which order applications came."""
        self.mirrors: defaultdict[str, set[str]] = defaultdict(set)
        """By source."""
        self.environments: dict[str, Environment] = {}
        self.of_application: defaultdict[str, dict[str, Environment]] = defaultdict(dict)
        self.placed_on: defaultdict[str, set[str]] = defaultdict(set)
        self.engines: dict[str, Engine] = {}
        self.reach = Reach({}, {}, {})
        self.releases: dict[str, list[Release]] = {}
        """By environment of a source, in the order in which they were first seen."""
        self.tags: dict[str, TagLook] = {}
        """The last look at each tag that is followed, by its reference."""
        self.seen: dict[str, Observation] = {}
        """The last look at the first process of an environment."""
        self.seen_on: defaultdict[str, set[str]] = defaultdict(set)
        self._running: defaultdict[str, set[str]] = defaultdict(set)
        """The environments that were seen to run an image, by what it is known by."""
        self.activity: dict[str, tuple[Activity, str]] = {}
        self.held: defaultdict[str, dict[str, HeldImage]] = defaultdict(dict)
        """What engines were seen to hold, by engine and image id."""
        self.names: dict[str, tuple[str, ...]] = {}
        """By fingerprint: all that an image is called anywhere."""
        self.schedule = NO_SCHEDULE
        """It follows from the time alone what it says: no cell is reckoned anew for it."""
        self._observations: defaultdict[str, dict[str, Observation]] = defaultdict(dict)
        self._times: dict[str, datetime] = {}
        """When engines were found unchanged, as far as that was taken in since their observations were read."""

    def beside(self, environment: Environment) -> tuple[Observation | None, ...]:
        """The last looks at the other processes of an environment, in their order."""
        if len(environment.processes) == 1:
            return ()
        of_process = self._observations.get(environment.id, {})
        return tuple(of_process.get(one.name) for one in environment.processes[1:])

    def going(self, environment: Environment) -> tuple[Observation, ...]:
        """What is there still of the processes of an environment that its source declares no more."""
        if not environment.going:
            return ()
        of_process = self._observations.get(environment.id, {})
        seen = (of_process.get(one.name) for one in environment.going)
        return tuple(one for one in seen if one is not None and one.present)

    def read(self, books: Books, changes: Changes) -> Concerned:
        """Read what changed; what of it is new."""
        found = Concerned()
        parts = changes.parts
        if "applications" in parts:
            self._read_applications(books, parts["applications"], found)
        if "environments" in parts:
            self._read_environments(books, parts["environments"], found)
        if "engines" in parts or "accesses" in parts:
            self._read_engines(books, found)
        if "releases" in parts:
            self._read_releases(books, parts["releases"], found)
        if "tags" in parts:
            self.tags = {look.reference: look for look in books.tags.all()}
            following = (one for one in self.environments.values() if one.follows is not None)
            found.watched |= {one.application_id for one in following}
        if "schedule" in parts or "applications" in parts:
            # What belonged to a mirror went with it.
            self.schedule = books.schedule.all()
        if "observations" in parts:
            self._read_observations(books, parts["observations"], found)
        if "images" in parts:
            self._read_images(books, parts["images"], found)
        if parts.keys() & {"images", "releases", "environments", "applications"}:
            self._name_images(found)
        if "rollouts" in parts:
            busy = activities([standing(self._console, rollout) for rollout in books.rollouts.unfinished()])
            found.environments |= {one for one, _ in busy.items() ^ self.activity.items()}
            self.activity = busy
        return found

    def see_again(self, times: Mapping[str, datetime], now: datetime, found: Concerned) -> None:
        """Engines, by their identities, were found unchanged at these times: so was everything that was seen there.

        What was seen later stays. A later time that hasn't come yet is none: the clock was set back since.
        """
        own = dict(self.reach.own)
        for engine_id, at in times.items():
            contact = own.get(engine_id)
            if contact is not None and contact.answered and _before(contact.at, at, now):
                own[engine_id] = replace(contact, at=at, last_answer=at)
                found.engines.add(engine_id)
            if self._times.get(engine_id) == at:
                continue
            self._times[engine_id] = at
            for one in list(self.seen_on.get(engine_id, ())):
                seen = self.seen[one]
                if _before(seen.at, at, now):
                    of_process = self._observations[one]
                    for name, each in of_process.items():
                        of_process[name] = replace(each, at=at)
                    self._note_seen(one, found)
        self.reach = replace(self.reach, own=own)

    # --- applications ---------------------------------------------------------------------------------------------

    def _read_applications(self, books: Books, ids: frozenset[str] | None, found: Concerned) -> None:
        several = books.applications.all() if ids is None else books.applications.some(ids)
        gone = (self.applications.keys() if ids is None else ids) - {one.id for one in several}
        for one in several:
            before = self.applications.get(one.id)
            if before != one:
                self._forget_mirror(before, found)
                self.applications[one.id] = one
                self.places.setdefault(one.id, len(self.places))
                if one.is_mirror:
                    self.mirrors[one.source_id].add(one.id)
                    found.watched.add(one.source_id)
                else:
                    found.sources.add(one.id)
                found.applications.add(one.id)
        for one_id in gone & self.applications.keys():
            self._forget_mirror(self.applications.pop(one_id), found)
            for environment_id in list(self.of_application[one_id]):
                self._forget_environment(environment_id, found)
            del self.of_application[one_id]
            found.applications.add(one_id)
            found.sources.add(one_id)

    def _forget_mirror(self, before: Application | None, found: Concerned) -> None:
        if before is not None and before.is_mirror:
            self.mirrors[before.source_id].discard(before.id)
            found.watched.add(before.source_id)

    # --- environments ---------------------------------------------------------------------------------------------

    def _read_environments(self, books: Books, ids: frozenset[str] | None, found: Concerned) -> None:
        several = books.environments.all() if ids is None else books.environments.some(ids)
        gone = (self.environments.keys() if ids is None else ids) - {one.id for one in several}
        for one in several:
            before = self.environments.get(one.id)
            if before != one:
                self._take_environment(before, one, found)
        for one_id in gone & self.environments.keys():
            self._forget_environment(one_id, found)

    def _take_environment(self, before: Environment | None, one: Environment, found: Concerned) -> None:
        if before is not None:
            self.placed_on[before.engine_id].discard(one.id)
            if before.application_id != one.application_id:
                del self.of_application[before.application_id][one.id]
            found.looks.add(before.engine_id)
            self._note_owner(before.application_id, found)
        self.environments[one.id] = self.of_application[one.application_id][one.id] = one
        self.placed_on[one.engine_id].add(one.id)
        found.looks.add(one.engine_id)
        found.environments.add(one.id)
        self._note_owner(one.application_id, found)
        kept, names = self._observations[one.id], {process.name for process in (*one.processes, *one.going)}
        for name in kept.keys() - names:
            del kept[name]
        self._note_seen(one.id, found)

    def _forget_environment(self, one_id: str, found: Concerned) -> None:
        one = self.environments.pop(one_id)
        del self.of_application[one.application_id][one_id]
        self.placed_on[one.engine_id].discard(one_id)
        self._observations.pop(one_id, None)
        self.releases.pop(one_id, None)
        self._note_seen(one_id, found)
        found.looks.add(one.engine_id)
        found.environments.add(one_id)
        self._note_owner(one.application_id, found)

    def _note_owner(self, application_id: str, found: Concerned) -> None:
        found.applications.add(application_id)
        owner = self.applications.get(application_id)
        if owner is not None and not owner.is_mirror:
            found.sources.add(application_id)

    # --- engines, releases and what was seen ----------------------------------------------------------------------

    def _read_engines(self, books: Books, found: Concerned) -> None:
        engines = {engine.id: engine for engine in books.engines.all()}
        ways = reach(books)
        before = self.reach
        found.engines |= _differing(self.engines, engines)
        found.engines |= _differing(before.own, ways.own) | _differing(before.accounts, ways.accounts)
        found.engines |= {engine_id for engine_id, _ in _differing(before.others, ways.others)}
        self.engines, self.reach = engines, ways
        gone = self.held.keys() - engines.keys()
        for engine_id in gone:
            del self.held[engine_id]
        if gone:
            self._name_images(found)

    def _read_releases(self, books: Books, ids: frozenset[str] | None, found: Concerned) -> None:
        releases: defaultdict[str, list[Release]] = defaultdict(list)
        for release in books.releases.all() if ids is None else books.releases.of(ids):
            releases[release.environment_id].append(release)
        for one_id in self.releases.keys() | releases.keys() if ids is None else ids:
            if self.releases.get(one_id, []) == releases.get(one_id, []) or one_id not in self.environments:
                continue
            self.releases[one_id] = releases[one_id]
            found.sources.add(self.environments[one_id].application_id)

    def _read_observations(self, books: Books, ids: frozenset[str] | None, found: Concerned) -> None:
        if ids is None:
            self._times.clear()
            several: Iterable[Observation] = books.observations.all()
            kept = {(one.environment_id, one.process) for one in several}
            for environment_id, of_process in self._observations.items():
                for process in [name for name in of_process if (environment_id, name) not in kept]:
                    del of_process[process]
                    self._note_seen(environment_id, found)
        else:
            for engine_id in ids:
                self._times.pop(engine_id, None)
            several = (one for engine_id in ids for one in books.observations.on(engine_id))
        for one in several:
            of_process = self._observations[one.environment_id]
            if of_process.get(one.process) != one:
                of_process[one.process] = one
                self._note_seen(one.environment_id, found)

    def _read_images(self, books: Books, ids: frozenset[str] | None, found: Concerned) -> None:
        held: defaultdict[str, dict[str, HeldImage]] = defaultdict(dict)
        several = books.images.all() if ids is None else [one for each in ids for one in books.images.on(each)]
        for one in several:
            held[one.engine_id][one.id] = one
        for engine_id in {*self.held, *held} if ids is None else ids:
            now, before = held.get(engine_id, {}), self.held.pop(engine_id, {})
            self.held[engine_id] = now
            # That it was seen again, or who brought it, says nothing of what it is.
            changed = {one for one in {*now, *before} if is_what(now.get(one)) != is_what(before.get(one))}
            found.environments |= {one for one in self.seen_on.get(engine_id, ()) if self.seen[one].image_id in changed}

    def _name_images(self, found: Concerned) -> None:
        images = (one for of_engine in self.held.values() for one in of_engine.values())
        names = names_of(images, (one for several in self.releases.values() for one in several))
        changed = _differing(self.names, names)
        self.names = {
            one: self.names.get(one, several) if one not in changed else several for one, several in names.items()
        }
        found.environments.update(*(self._running[one] for one in changed & self._running.keys()))

    def _note_seen(self, environment_id: str, found: Concerned) -> None:
        """Note what stands for an environment: the look at its first process."""
        environment, before = self.environments.get(environment_id), self.seen.get(environment_id)
        first = environment.processes[0].name if environment is not None and environment.processes else ""
        now = self._observations.get(environment_id, {}).get(first)
        found.environments.add(environment_id)
        if before is not None:
            self.seen_on[before.engine_id].discard(environment_id)
            found.looks.add(before.engine_id)
        was, runs = _identity(before), _identity(now)
        if was != runs:
            self._running[was].discard(environment_id)
            self._running[runs].add(environment_id)
        if now is None:
            self.seen.pop(environment_id, None)
        else:
            self.seen[environment_id] = now
            self.seen_on[now.engine_id].add(environment_id)
            found.looks.add(now.engine_id)
        if environment is not None:
            owner = self.applications.get(environment.application_id)
            if owner is not None and not owner.is_mirror:
                found.watched.add(owner.id)


_IMAGE = attrgetter("fingerprint", "platform", "tags", "digests", "version", "revision")


def is_what(held: HeldImage | None) -> object:
    """What tells one held image from another, however often it was seen."""
    return None if held is None else _IMAGE(held)


def _identity(seen: Observation | None) -> str:
    """What the image is known by that was seen to run; empty where none was."""
    return "" if seen is None else seen.fingerprint or seen.recorded


def _before(seen: datetime, again: datetime, now: datetime) -> bool:
    return again <= now and not again <= seen <= now


def _differing(before: Mapping[_Key, object], after: Mapping[_Key, object]) -> set[_Key]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
