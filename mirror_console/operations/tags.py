"""Tags: look up in registries what the tags point to that sources' environments follow. Nothing is pulled.

The console itself speaks to no registry: an engine asks it, with the credentials that are sent along. A tag that
several follow is asked for once, and not more often than a person set. Registries are asked side by side, the tags of
one registry one after the other: one that is silent costs its own tags, and each of them is asked for no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from mirror_console.domain.access import Access, way_in
from mirror_console.domain.application import Application
from mirror_console.domain.engine import Engine
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import Environment
from mirror_console.domain.image import HUB, parse_reference
from mirror_console.domain.release import tagged
from mirror_console.domain.request import RegistryLogin, Resolved
from mirror_console.domain.tag import TagLook
from mirror_console.errors import EngineError, FailureKind, InvalidInput, Problem, VaultError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reach
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.releases_tagged import note_tagged

AT_ONCE = 16
"""Registries that are asked side by side."""
ENGINES_TRIED = 3
"""At most so many engines are asked for one tag, where the first ones don't reach the registry."""
_ELSEWHERE = frozenset({FailureKind.REGISTRY_UNREACHABLE, FailureKind.REJECTED})
"""Failures that say nothing of the tag, besides those of the way to the engine: another engine may do better."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A tag that is followed, by whom, and the seconds that lie between two looks at it: the shortest that one asks."""

    reference: str
    every: int
    by: tuple[tuple[Application, Environment], ...]

    @property
    def repository(self) -> str:
        """Where the tag is."""
        return self.reference.rpartition(":")[0]

    @property
    def registry(self) -> str:
        """Its host."""
        return parse_reference(self.reference).registry or HUB


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at a tag."""

    look: TagLook
    changed: bool
    """Whether it points to another image than before."""
    engine: str
    """The engine that asked; empty where none could."""

    @property
    def words(self) -> str:
        """One line on it."""
        if self.look.words:
            told = self.look.words
            return told if self.look.reference in told else f"{self.look.reference}: {told}"
        return f"{self.look.reference} {'now points' if self.changed else 'points'} to {self.look.digest}"


def look_up(
    console: Console, jobs: Jobs, *, forced: bool = False, references: Collection[str] | None = None
) -> list[Looked]:
    """Look at the tags that are due, or with `forced` at all, and keep what they point to; of the given ones alone.

    Where nobody follows a tag nothing is asked. What a registry doesn't tell is part of what came of it.
    """
    with console.catalog.read() as books:
        wanted = [one for one in followed(books) if references is None or one.reference in references]
        looks = {one.reference: books.tags.of(one.reference) for one in wanted}
    tell_new_followers(console, wanted)
    now = console.clock()
    due = [one for one in wanted if forced or seconds_until_due(one, looks[one.reference], now) <= 0]
    works = {host: partial(look_in, console, several) for host, several in by_registry(due).items()}
    found: list[Looked] = []
    for outcome in jobs.side_by_side(works, at_once=AT_ONCE).values():
        if isinstance(outcome, Exception):
            raise outcome
        found += outcome
    return found


def followed(books: Books) -> list[Followed]:
    """Every tag that is followed, once, in the order of their names."""
    environments = books.environments.following()
    if not environments:
        return []
    sources = {source.id: source for source in books.applications.sources()}
    by: dict[str, list[tuple[Application, Environment]]] = defaultdict(list)
    for environment in environments:
        source = sources.get(environment.application_id)
        if source is not None and environment.follows is not None:
            by[f"{source.repository}:{environment.follows.tag}"].append((source, environment))
    return [
        Followed(reference, min(one.follows.every for _, one in several if one.follows), tuple(several))
        for reference, several in sorted(by.items())
    ]


def seconds_until_due(followed: Followed, last: TagLook | None, now: datetime) -> float:
    """Seconds until it is to be looked at again; 0 or less where that is now, as where the clock was set back."""
    if last is None or last.at > now:
        return 0.0
    return (last.at + timedelta(seconds=followed.every) - now).total_seconds()


def by_registry(several: Sequence[Followed]) -> dict[str, list[Followed]]:
    """Tags by the registry that they are in."""
    groups: dict[str, list[Followed]] = defaultdict(list)
    for one in several:
        groups[one.registry].append(one)
    return groups


def look_in(console: Console, several: Sequence[Followed], check: Callable[[], object] = lambda: None) -> list[Looked]:
    """Look at tags of one registry, one after the other, and keep what was found at once. `check` may end it early.

    One that can't be reached isn't asked for the others.
    """
    found: list[Looked] = []
    silent: EngineError | None = None
    for one in several:
        check()
        at = console.clock()
        engine: Engine | None = None
        outcome: Resolved | EngineError | VaultError
        if silent is not None:
            outcome = silent
        else:
            try:
                engine, outcome = _resolve(console, one)
            except (EngineError, VaultError) as error:
                outcome = error
        if isinstance(outcome, EngineError) and outcome.kind in {FailureKind.REGISTRY_UNREACHABLE, FailureKind.TIMEOUT}:
            silent = outcome
        found.append(_keep(console, one, engine, outcome, at))
    return found


def tell_new_followers(console: Console, several: Iterable[Followed]) -> None:
    """Let those that began to follow a tag know what others learned of it already. Seldom is there anything to do."""
    with console.catalog.read() as books:
        behind = [
            (one, digest, environment)
            for one in several
            if (look := books.tags.of(one.reference)) is not None and (digest := look.digest)
            for _, environment in one.by
            if environment.follows is not None
            and tagged(books.releases.of([environment.id]), environment.follows.tag) is None
        ]
    if behind:
        at = console.clock()
        with console.catalog.write() as books:
            for one, digest, environment in behind:
                note_tagged(books, environment, one.repository, digest, at)


def try_tag(console: Console, application_id: str | None, engine: str, repository: str, tag: str) -> Resolved:
    """Ask once what a tag points to, before it is followed: by the engine of that name, or another. Nothing is kept.

    Raises InvalidInput where that is no reference, EngineError, VaultError.
    """
    if not tag:
        raise InvalidInput("This can't be looked up.", [Problem("tag", "a tag is needed")])
    reference = parse_reference(f"{repository}:{tag}")
    with console.catalog.read() as books:
        source = next((one for one in books.applications.sources() if one.id == application_id), None)
        found = books.engines.by_name(engine)
        candidates = list(_engines(books, [(source.account if source else "", found.id if found else "")]))
    return _ask(console, str(reference), candidates)[1]


# --- asking -------------------------------------------------------------------------------------------------------


def _resolve(console: Console, followed: Followed) -> tuple[Engine, Resolved]:
    with console.catalog.read() as books:
        placed = [(source.account, environment.engine_id) for source, environment in followed.by]
        candidates = list(_engines(books, placed))
    return _ask(console, followed.reference, candidates)


def _ask(console: Console, reference: str, candidates: Sequence[Engine]) -> tuple[Engine, Resolved]:
    """Ask one engine after the other, until one of them tells. Raises the first failure that says something."""
    login = console.login(parse_reference(reference).registry)
    first: EngineError | None = None
    for engine in candidates[:ENGINES_TRIED]:
        try:
            return engine, _asked(console, engine, reference, login)
        except EngineError as error:
            first = first or error
            if not error.unreachable and error.kind not in _ELSEWHERE:
                raise
            if error.kind is FailureKind.REGISTRY_UNREACHABLE:
                # That an engine couldn't be reached says less than that the registry couldn't.
                first = error
    if first is not None:
        raise first
    words = "No engine can ask the registry: none that answers may be used by the source's account."
    raise EngineError(FailureKind.NO_ACCESS, words, "Check the engines, or give the account a credential on one.")


def _asked(console: Console, engine: Engine, reference: str, login: RegistryLogin | None) -> Resolved:
    return console.engines.session(engine).resolve(reference, login)


def _engines(books: Books, placed: Sequence[tuple[str, str]]) -> Iterator[Engine]:
    """Engines that may ask, as they are reached: those of the followers first, then others that answered.

    `placed` are accounts, each with the engine that its environment is on. Podman can't look into a registry.
    """
    engines = {engine.id: engine for engine in books.engines.all()}
    ways = reach(books)
    accesses: dict[str, list[Access]] = defaultdict(list)
    for access in books.accesses.all():
        accesses[access.engine_id].append(access)
    own = [(account, engine_id) for account, engine_id in placed if engine_id in engines]
    others = [(account, engine_id) for account, _ in placed for engine_id in engines]
    told: set[str] = set()

    def usable(account: str, engine_id: str, *, answered: bool) -> Engine | None:
        contact, may_look = ways.of(engine_id, account)
        kind = contact.facts.kind if contact and contact.facts else None
        if engine_id in told or not may_look or kind is EngineKind.PODMAN:
            return None
        if answered and not (contact and contact.answered):
            return None
        found = way_in(engines[engine_id], accesses[engine_id], account)
        if found is not None:
            told.add(engine_id)
        return found

    for answered, several in ((True, own), (True, others), (False, own)):
        for account, engine_id in several:
            found = usable(account, engine_id, answered=answered)
            if found is not None:
                yield found


# --- keeping ------------------------------------------------------------------------------------------------------


def _keep(
    console: Console,
    followed: Followed,
    engine: Engine | None,
    outcome: Resolved | EngineError | VaultError,
    at: datetime,
) -> Looked:
    """Keep a look, and what it means for the releases of all that follow the tag. A failure keeps what was known."""
    with console.catalog.write() as books:
        before = books.tags.of(followed.reference)
        if isinstance(outcome, Resolved):
            changed = before is None or before.digest != outcome.digest
            look = TagLook(
                reference=followed.reference,
                at=at,
                digest=outcome.digest,
                platforms=outcome.platforms,
                changed_at=at if changed or before is None else before.changed_at,
                engine_id=engine.id if engine else "",
            )
            # Of those who follow it now: somebody may have stopped to, or begun, while it was asked for.
            for one in _followers(books, followed.reference):
                note_tagged(books, one, followed.repository, outcome.digest, at)
        else:
            changed = False
            last = before or TagLook(followed.reference, at)
            look = replace(last, at=at, failure=outcome.kind, words=outcome.title)
        books.tags.save(look)
        names: Mapping[str, str] = {one.id: one.name for one in books.engines.all()}
    return Looked(look, changed, names.get(engine.id, "") if engine else "")


def _followers(books: Books, reference: str) -> list[Environment]:
    found = next((one for one in followed(books) if one.reference == reference), None)
    return [environment for _, environment in found.by] if found else []
