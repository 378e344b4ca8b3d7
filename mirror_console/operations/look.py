"""One look at one engine for the watch: subscribe to its events first, then list, and keep what is new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mirror_console.errors import ConsoleError, EngineError, FailureKind
from mirror_console.jobs import Jobs
from mirror_console.operations.access import Entry, entries
from mirror_console.operations.console import Console
from mirror_console.operations.listing import list_all
from mirror_console.operations.ports.engine import EngineSession, EventStream
from mirror_console.operations.refresh import Listing, keep_failure, refresh_entry


@dataclass(frozen=True, slots=True)
class Look:
    """What to look at, and what is known from the look before. `inspect` are ids of containers that were told of."""

    entry: Entry
    """The way into the engine, without the environments behind it."""
    shared: bool
    """Whether accounts have credentials of their own on it: then each look is kept by itself."""
    failures: int
    failure: str
    """Why it failed the last time."""
    stream: EventStream | None
    inspect: frozenset[str]
    inspect_all: bool
    new_facts: bool
    picture: object
    began: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a look. `stream` is the one that is open now, be it new or the one from before.

    `listing` is there where nothing was new, `away` where it failed for the same reason as the last time: then that is
    still to be kept.
    """

    look: Look
    stream: EventStream | None = None
    listing: Listing | None = None
    away: datetime | None = None
    picture: object = None
    environments: int | None = None
    error: Exception | None = None


def look_at(console: Console, jobs: Jobs, look: Look, edition: Callable[[], int]) -> Seen:
    """Look once. Whatever goes wrong is part of what came of it.

    `edition` changes with what the catalog knows of environments: what was seen then has to be read anew.
    """
    stream = look.stream
    began, at = console.monotonic(), console.clock()
    try:
        session = console.engines.session(look.entry.engine)
        if stream is None:
            if look.failures:
                # One that still doesn't answer then costs its timeout once, not twice.
                session.list_containers()
            stream = _subscribed(session)
        began, at = console.monotonic(), console.clock()
        containers = list_all(session, swarm=look.entry.swarm)
    except EngineError as error:
        if look.failure == error.kind.value and not look.shared:
            return Seen(look, stream, away=at, error=error)
        return Seen(look, stream, error=_kept(console, look, error, at, console.monotonic() - began))
    except Exception as error:  # noqa: BLE001 - the watch tells of it, and the stream has to get back there
        return Seen(look, stream, error=error)
    listing = Listing(containers, at, console.monotonic() - began, look.entry.swarm)
    picture = (edition(), look.entry, tuple(containers))
    told = look.inspect or look.inspect_all or look.new_facts
    if picture == look.picture and not told and not look.shared:
        return Seen(look, stream, listing, picture=picture)
    try:
        count = refresh_entry(
            console,
            jobs,
            _with_environments(console, look.entry),
            inspect_all=look.inspect_all,
            inspect=look.inspect,
            listing=listing,
            new_facts=look.new_facts,
        )
    except Exception as error:  # noqa: BLE001 - the same
        return Seen(look, stream, error=error)
    return Seen(look, stream, picture=picture, environments=count)


def _with_environments(console: Console, entry: Entry) -> Entry:
    """The same way with the environments that are behind it now."""
    with console.catalog.read() as books:
        try:
            engine = books.engines.get(entry.engine.id)
        except KeyError:  # it was removed in the meantime
            return entry
        return next((one for one in entries(books, engine) if one.account == entry.account), entry)


def _subscribed(session: EngineSession) -> EventStream | None:
    """The engine's stream; None where it has none for us: then it is only looked at from time to time."""
    try:
        return session.events()
    except EngineError as error:
        if error.kind in {FailureKind.REFUSED, FailureKind.DNS}:
            raise
        return None


def _kept(console: Console, look: Look, error: EngineError, at: datetime, took: float) -> Exception:
    try:
        keep_failure(console, look.entry, error, at, took)
    except ConsoleError as worse:
        return worse
    return error
