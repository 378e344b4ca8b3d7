"""Ahead: bring images to every engine that lacks them, before anything else is done there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.fetching import ARRIVED, Fetch, FetchState
from mirror_console.domain.identity import is_image
from mirror_console.domain.image import Image, parse_reference
from mirror_console.errors import EngineError, VaultError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached_now
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import HowFar, PutAside, Want, known_as, note_brought
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.ports.engine import EngineSession

LOOKS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Errand:
    """An image that is to be on an engine. `application_id` is whose way in is taken, `fingerprint` what it must be.

    It is empty where only the digest is known.
    """

    fetch: Fetch
    fingerprint: str
    application_id: str

    def is_met_by(self, image: Image) -> bool:
        """Whether an engine's image is the one."""
        return is_image(self.fingerprint, self.fetch.pulled.rpartition("@")[2], image)


def look(console: Console, jobs: Jobs, errands: Sequence[Errand]) -> list[Errand]:
    """The same, with those noted as there that are. One that can't be looked at stays as it is."""

    def seen(errand: Errand) -> Errand:
        if _here(console, _session(console, errand), errand) is None:
            return errand
        now = console.clock()
        there = replace(errand.fetch, state=FetchState.ALREADY, share=1.0, started_at=now, ended_at=now)
        return replace(errand, fetch=there)

    works = {place: _bound(seen, errand) for place, errand in enumerate(errands)}
    outcomes = jobs.side_by_side(works, at_once=LOOKS_AT_ONCE)
    looked = []
    for place, errand in enumerate(errands):
        outcome = outcomes[place]
        if isinstance(outcome, EngineError):
            outcome = errand  # fetching says why
        if isinstance(outcome, Exception):
            raise outcome
        looked.append(outcome)
    return looked


def _bound(work: Callable[[Errand], Errand], errand: Errand) -> Callable[[], Errand]:
    return lambda: work(errand)


def bring(console: Console, fetcher: Fetcher, errand: Errand, brought_by: str, tell: Callable[[Fetch], None]) -> Fetch:
    """Bring one image to one engine, and prove that it is there. How it ended; waiting where it was put aside."""
    fetch = replace(errand.fetch, started_at=console.clock())

    def told(how_far: HowFar) -> None:
        tell(replace(fetch, state=how_far.state, share=how_far.share, words=how_far.words))

    def ended(state: FetchState, words: str = "") -> Fetch:
        share = 1.0 if state in ARRIVED else 0.0
        return replace(fetch, state=state, share=share, words=words, ended_at=console.clock())

    try:
        session = _session(console, errand)
        if _here(console, session, errand) is not None:
            return ended(FetchState.ALREADY)
        login = console.login(parse_reference(fetch.pulled).registry) if fetch.pulled else None
        arrival = fetcher.fetch(_want(errand), session, login, told)
        here = session.image(arrival.image)
    except PutAside:
        return errand.fetch
    except VaultError as error:
        return ended(FetchState.FAILED, str(error))
    except EngineError as error:
        return ended(FetchState.FAILED, error.title)
    if here is None:
        return ended(FetchState.FAILED, "the image did not arrive")
    if not errand.is_met_by(here):
        return ended(FetchState.FAILED, "the image that arrived is not the planned one")
    if arrival.brought:
        with console.catalog.write() as books:
            note_brought(books, console, fetch.engine_id, here, brought_by)
    return ended(FetchState.THERE, arrival.words)


def _session(console: Console, errand: Errand) -> EngineSession:
    return console.engines.session(reached_now(console, errand.fetch.engine_id, errand.application_id))


def _want(errand: Errand) -> Want:
    fetch = errand.fetch
    of = (fetch.engine_id, fetch.engine, fetch.reference)
    return Want(*of, errand.fingerprint, errand.application_id, fetch.title)


def _here(console: Console, session: EngineSession, errand: Errand) -> Image | None:
    ids = known_as(console, errand.fetch.engine_id, errand.fingerprint) if errand.fingerprint else []
    for name in filter(None, (errand.fetch.pulled, *ids)):
        found = session.image(name)
        if found is not None and errand.is_met_by(found):
            return found
    return None
