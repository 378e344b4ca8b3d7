"""Refresh: ask every engine side by side what runs, with one listing call each, and keep what was seen with its time.

A dead engine costs its own cells only, and at most its timeout. A container is inspected only when its id, its state or
its health changed, or on request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mirror_console.domain.applied import Applied
from mirror_console.domain.counting import counted
from mirror_console.domain.engine import Contact, Engine
from mirror_console.domain.environment import Environment, Placed
from mirror_console.domain.held import HeldImage
from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container, Listed, Observation, is_ours
from mirror_console.domain.process import one_process
from mirror_console.domain.swarm import digest_of
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import Entry, entries, last_contact, save_contact
from mirror_console.operations.applied import judged, records_of
from mirror_console.operations.console import Console
from mirror_console.operations.differing import differing, not_noted_since
from mirror_console.operations.listing import by_kind, list_all, list_services
from mirror_console.operations.locks import locks_of_others, with_locks
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.releases_seen import note_held, record_releases
from mirror_console.operations.swarm_session import session_of
from mirror_console.operations.tags import Looked, look_up
from mirror_console.operations.trust import remember
from mirror_console.operations.unused_images import unused_images

AT_ONCE = 64
INSPECTS_AT_ONCE = 4
_REGISTRIES = ("", "")
"""Stands among the ways into engines for what registries are asked."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What came of a refresh: names of the engines that answered, and of those that didn't, with the reason."""

    answered: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    environments: int
    tags: tuple[Looked, ...] = ()
    """What came of the looks at registries' tags that were due."""

    @property
    def sentence(self) -> str:
        """One sentence that says how many environments were checked, and which engines didn't answer; another one for
        tags that couldn't be looked up."""
        words = f"Checked {counted(self.environments, 'environment')} on {counted(len(self.answered), 'engine')}"
        if self.failed:
            reasons = ", ".join(f"{name}: {why}" for name, why in self.failed)
            noun = "engine" if len(self.failed) == 1 else "engines"
            words = f"{words}; {len(self.failed)} {noun} unreachable ({reasons})"
        unread = [looked.words for looked in self.tags if looked.look.words]
        return " ".join([f"{words}.", *unread])


def refresh(
    console: Console,
    jobs: Jobs,
    engine_ids: Sequence[str] | None = None,
    *,
    inspect_all: bool = False,
    tags: bool = False,
    report: Callable[[str], None] = lambda _words: None,
) -> Refreshed:
    """Ask the given engines, or all, and keep what was seen. Each engine's part is kept as soon as it is there.

    With all of them go the registries' tags that are due; with `tags` all tags that are followed, due or not.
    """
    with console.catalog.read() as books:
        engines = [engine for engine in books.engines.all() if engine_ids is None or engine.id in engine_ids]
        ways = [entry for engine in engines for entry in entries(books, engine)]
        contacts, of_accounts = books.engines.contacts(), books.accesses.contacts()

    def was_silent(entry: Entry) -> bool:
        engine_id = entry.engine.id
        contact = of_accounts.get((engine_id, entry.account)) if entry.own else contacts.get(engine_id)
        return contact is not None and not contact.answered

    # However many are dead, none that lives waits for them.
    ways.sort(key=was_silent)

    def ask(entry: Entry) -> int:
        count = refresh_entry(console, jobs, entry, inspect_all=inspect_all)
        report(f"{titled(entry)} answered")
        return count

    looked: list[Looked] = []

    def ask_registries() -> int:
        looked.extend(look_up(console, jobs, forced=tags))
        return 0

    works = {(entry.engine.id, entry.account): _bound(ask, entry) for entry in ways}
    if engine_ids is None or tags:
        works[_REGISTRIES] = ask_registries
    outcomes = jobs.side_by_side(works, at_once=AT_ONCE)
    of_registries = outcomes.get(_REGISTRIES)
    if isinstance(of_registries, Exception):
        raise of_registries
    answered, failed, environments = [], [], 0
    for entry in ways:
        outcome = outcomes[entry.engine.id, entry.account]
        if isinstance(outcome, EngineError):
            failed.append((titled(entry), outcome.kind.value))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            answered.append(entry.engine.name)
            environments += outcome
    return Refreshed(tuple(dict.fromkeys(answered)), tuple(failed), environments, tuple(looked))


def note_seen(
    books: Books,
    console: Console,
    engine: Engine,
    environment: Environment,
    session: EngineSession,
    container: Container | None,
    images: Mapping[str, Image | None],
    record: Applied | None,
) -> None:
    """Note, in a transaction that is open, what was seen just now of a mirror's environment: `container` has its name.

    `images` has its image, so that nothing is asked; `record` is what was last applied there. Of an environment that
    was removed meanwhile nothing is noted.
    """
    process = environment.processes[0].name
    before = next((seen for seen in books.observations.of(environment.id) if seen.process == process), None)
    observer = _Observer(console, session, engine, {}, images)
    if record is not None:
        observer.records[environment.id, process] = record
    seen = observer.observation(environment, process, container, before)
    books.observations.save_all([seen])
    if container is not None:
        note_held(books, engine.id, [images.get(container.image_id)], seen.at)


def _bound(work: Callable[[Entry], int], entry: Entry) -> Callable[[], int]:
    return lambda: work(entry)


def titled(entry: Entry) -> str:
    """What a way into an engine is called: by the engine, and by the account where it is one's own."""
    return f"{entry.engine.name} for {entry.account}" if entry.own else entry.engine.name


@dataclass(frozen=True, slots=True)
class Listing:
    """What an engine listed, when it was asked, and how many seconds it took."""

    containers: Sequence[Listed]
    at: datetime
    took: float
    swarm: bool = False
    """Whether it was asked for the services of its Swarm too."""


def refresh_entry(
    console: Console,
    jobs: Jobs,
    entry: Entry,
    *,
    inspect_all: bool = False,
    inspect: Collection[str] = (),
    listing: Listing | None = None,
    new_facts: bool = False,
) -> int:
    """Ask an engine with one of its credentials, for the environments that are reached with it; how many these are.

    A failure is kept too, and raised. `inspect` are ids of containers to inspect although they seem unchanged.
    `listing` is one that was just made, `new_facts` asks the engine again for what it says of itself.
    """
    engine = entry.engine
    # Read before the engine is asked: what a rollout notes meanwhile is newer than the answer, and may not differ.
    with console.catalog.read() as books:
        before = {(seen.environment_id, seen.process): seen for seen in books.observations.on(engine.id)}
        held = {image.id: image for image in books.images.on(engine.id)}
        contact = last_contact(books, entry)
    began, at = console.monotonic(), listing.at if listing else console.clock()
    try:
        session = console.engines.session(engine)
        listed = _listed(session, entry, listing)
        known_facts = contact.facts if contact and contact.answered and not new_facts else None
        if known_facts is not None and not known_facts.kernel:
            known_facts = None  # an earlier version asked for less
        facts = known_facts or session.facts()
        observer = _Observer(console, session, engine, _known_images(before.values(), held.values()))
        environments: dict[str, Environment] = {}
        changed: list[Observation] = []
        for of_swarm, placed, of_kind in by_kind(entry.placed, listed):
            locks = locks_of_others(console, of_kind)
            news = differing(placed, of_kind, before, inspect_all=inspect_all, inspect=inspect, locks=locks)
            with console.catalog.read() as books:
                several = books.environments.some({place.environment_id for place, _ in news.places})
                # One that has become the other kind since is told with the next look.
                these = {one.id: one for one in several if one.swarm == of_swarm}
                observer.records.update(records_of(books, list(these)))
            environments |= these
            seen = with_locks(observer.observe_all(jobs, these, news.places, before), news.places, locks)
            changed += _other_than(before, seen) if of_swarm else seen
            if not of_swarm:
                observer.look_at(sorted(news.image_ids - held.keys()))
        gone: list[str] = []
        if listing is None or new_facts or inspect_all:
            # Whoever watches looks after every event: listing images is dear where there are many.
            in_use = {container.image_id for container in listed}
            gone, found = unused_images(console, session, held.keys(), in_use, thorough=inspect_all)
            observer.look_at(found)
    except EngineError as error:
        keep_failure(console, entry, error, at, console.monotonic() - began)
        raise
    took = console.monotonic() - began + (listing.took if listing else 0.0)
    behind = {place.environment_id for place in entry.placed}
    with console.catalog.write() as books:
        save_contact(books, entry, Contact(engine.id, at, True, took, None, "", at, facts))
        remember(books, engine, session, facts.identity)
        everything = not books.accesses.of(engine.id)
        changed = not_noted_since(books, changed, at, console.clock())
        books.observations.touch(engine.id, at, None if everything else sorted(behind))
        books.observations.save_all(changed)
        if gone:
            books.images.remove(engine.id, gone)
        if observer.images:
            note_held(books, engine.id, observer.images.values(), at)
        record_releases(books, list(environments.values()), changed, observer.images, at)
    return len(behind)


def _listed(session: EngineSession, entry: Entry, listing: Listing | None) -> Sequence[Listed]:
    if listing is None:
        return list_all(session, swarm=entry.swarm)
    if entry.swarm and not listing.swarm:
        # The first service of a Swarm was placed there just now.
        return [*listing.containers, *list_services(session)]
    return listing.containers


def _other_than(before: Mapping[tuple[str, str], Observation], seen: Sequence[Observation]) -> list[Observation]:
    """What was seen, but for what is as it was before."""
    known = ((before.get((one.environment_id, one.process)), one) for one in seen)
    return [one for old, one in known if old is None or replace(one, at=old.at) != old]


def keep_failure(console: Console, entry: Entry, error: EngineError, at: datetime, took: float) -> None:
    """Keep that an engine couldn't be asked, beside what was last known of it."""
    with console.catalog.write() as books:
        before = last_contact(books, entry)
        last, facts = (before.last_answer, before.facts) if before else (None, None)
        failed = Contact(entry.engine.id, at, False, took, error.kind, str(error), last, facts)
        save_contact(books, entry, failed)


def keep_unchanged(console: Console, answers: Mapping[str, Listing], away: Mapping[str, datetime]) -> None:
    """Keep that engines, by their identities, have nothing new, and that others are still away for the same reason.

    One change of the catalog, however many they are. Only for engines on which no account has a credential of its own.
    """
    with console.catalog.write() as books:
        contacts = books.engines.contacts()
        for engine_id, listing in answers.items():
            before = contacts.get(engine_id)
            if before is not None:
                at, took = listing.at, listing.took
                news = not before.answered
                books.engines.save_contact(Contact(engine_id, at, True, took, None, "", at, before.facts), news=news)
                books.observations.touch(engine_id, at, news=news)
        for engine_id, at in away.items():
            before = contacts.get(engine_id)
            if before is not None and not before.answered:
                books.engines.save_contact(replace(before, at=at), news=False)


def _known_images(before: Iterable[Observation], held: Iterable[HeldImage]) -> dict[str, tuple[str, str, str]]:
    """Fingerprint, version and revision by image id: ids never change their meaning on one engine."""
    known = {
        seen.image_id: (seen.fingerprint, seen.version, seen.revision)
        for seen in before
        if seen.image_id and seen.fingerprint
    }
    return known | {image.id: (image.fingerprint, image.version, image.revision) for image in held}


class _Observer:
    """Turns what one engine lists into observations, asking it only for what isn't known yet."""

    def __init__(
        self,
        console: Console,
        session: EngineSession,
        engine: Engine,
        known: dict[str, tuple[str, str, str]],
        images: Mapping[str, Image | None] | None = None,
    ) -> None:
        self._console = console
        self._session = session
        self._engine = engine
        self._known = known
        self._lost: EngineError | None = None
        """Why the engine can't be asked any more: what would still be asked would each cost another timeout."""
        self.images: dict[str, Image | None] = dict(images or {})
        self.records: dict[tuple[str, str], Applied] = {}
        """What was last applied, by environment and process."""

    def observe_all(
        self,
        jobs: Jobs,
        environments: Mapping[str, Environment],
        differing: Sequence[tuple[Placed, Listed | None]],
        before: Mapping[tuple[str, str], Observation],
    ) -> list[Observation]:
        """Observations of what differs; of environments that were removed meanwhile there is none."""
        at = self._console.clock()
        changed: list[Observation] = []
        to_inspect: dict[tuple[str, str], Callable[[], Observation]] = {}
        for place, found in differing:
            environment = environments.get(place.environment_id)
            if environment is None:
                continue
            key = (place.environment_id, place.process)
            if found is None:
                changed.append(Observation(*key, self._engine.id, at))
            else:
                to_inspect[key] = self._later(environment, place.process, found, before.get(key))
        for outcome in jobs.side_by_side(to_inspect, at_once=INSPECTS_AT_ONCE).values():
            if isinstance(outcome, Exception):
                raise outcome
            changed.append(outcome)
        return changed

    def _later(
        self, environment: Environment, process: str, found: Listed, old: Observation | None
    ) -> Callable[[], Observation]:
        def inspect() -> Observation:
            if self._lost is not None:
                raise self._lost
            try:
                if found.whole is not None:
                    return self.observation(environment, process, found.whole, old)
                return self.observe(environment, process, found.id, old)
            except EngineError as error:
                if error.unreachable:
                    self._lost = error
                raise

        return inspect

    def observe(
        self, environment: Environment, process: str, container_id: str, old: Observation | None
    ) -> Observation:
        """What is to be said of one process now; the container by id or name."""
        return self.observation(environment, process, self._session.inspect(container_id), old)

    def observation(
        self, environment: Environment, process: str, container: Container | None, old: Observation | None
    ) -> Observation:
        """What is to be said of one process whose container was seen just now."""
        at = self._console.clock()
        if container is None:
            return Observation(environment.id, process, self._engine.id, at)
        fingerprint, version, revision = self._identity(container.image_id)
        recorded = ""
        if not fingerprint and is_ours(container.labels, environment.id):
            recorded, version = container.labels.get(LABEL + "to", ""), container.labels.get(LABEL + "version", "")
        image = self.images.get(container.image_id)
        record = self.records.get((environment.id, process))
        compared = judged(self._console, one_process(environment, process), container, image, record)
        same = old is not None and old.running_since is not None and old.fingerprint == fingerprint
        return Observation(
            environment_id=environment.id,
            process=process,
            engine_id=self._engine.id,
            at=at,
            container_id=container.id,
            container_name=container.name,
            image=container.image,
            image_id=container.image_id,
            fingerprint=fingerprint,
            version=version,
            revision=revision,
            state=container.state,
            health=container.health,
            started_at=container.started_at,
            exit_code=container.exit_code,
            restart_count=container.restart_count,
            running_since=old.running_since if same and old else container.created_at,
            differences=compared.differences,
            settings_hash=compared.hash,
            health_output=container.health_output,
            recorded=recorded,
            remade=compared.remade,
            not_compared=compared.not_compared,
            unrecorded=compared.unrecorded,
        )

    def look_at(self, image_ids: Iterable[str]) -> None:
        """Read images of which nothing is known yet besides their ids."""
        for image_id in image_ids:
            if image_id not in self.images:
                self._identity(image_id)

    def _identity(self, image_id: str) -> tuple[str, str, str]:
        digest = digest_of(image_id)
        if digest and self._known.get(image_id, ("",))[0]:
            # A digest means the same for ever, and nothing else of the image is asked for.
            return self._known[image_id]
        if image_id not in self.images:
            self.images[image_id] = session_of(self._session, swarm=bool(digest)).image(image_id)
        image = self.images[image_id]
        if image is not None:
            self._known[image_id] = (image.fingerprint, image.version, image.revision)
        elif digest:
            # The tasks of a service run on other nodes: what engines elsewhere hold under this digest is the same.
            self._known[image_id] = self._by_digest(digest)
        return self._known.get(image_id, ("", "", ""))

    def _by_digest(self, digest: str) -> tuple[str, str, str]:
        with self._console.catalog.read() as books:
            known = [(one.fingerprint, one.version, one.revision) for one in books.images.of_digest(digest)]
            known += [(one.fingerprint, one.version, one.revision) for one in books.releases.of_digest(digest)]
        return next((one for one in known if one[0]), ("", "", ""))
