"""Neighbours: engines that hold an image which another engine can't get from its registry, and how they give it."""

from __future__ import annotations

import re
from collections.abc import Callable

from mirror_console.domain.engine import Engine
from mirror_console.domain.fetching import FetchState
from mirror_console.domain.image import parse_reference
from mirror_console.domain.relay import LegState, Relay
from mirror_console.errors import EngineError, FailureKind
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.access import reached_now
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import Arrival, HowFar, PutAside, Relays, Want
from mirror_console.operations.relay import Asked, relay
from mirror_console.operations.relay_choice import name_of

_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)


def from_neighbours(console: Console, jobs: Jobs, brought_by: str) -> Relays:
    """How a fetcher is given an image by another engine. What comes so is kept as brought by `brought_by`."""

    def bring(want: Want, say: Callable[[HowFar], None], stopped: Callable[[], bool]) -> Arrival | None:
        sources = neighbours(console, want.fingerprint, want.engine_id, want.application_id)
        if not sources:
            return None
        work = Work(lambda *_: None)

        def told(now: Relay) -> None:
            if stopped():
                work.stop()
            share = min(1.0, now.done / now.total) if now.total else 0.0
            say(HowFar(FetchState.FETCHING, share, f"from {now.source or sources[0].name} {share:.0%}"))

        target = reached_now(console, want.engine_id, want.application_id)
        asked = Asked(want.fingerprint, _name(console, want), brought_by)
        try:
            ended = relay(console, jobs, asked, sources, [target], told, work)
        except Stopped as stop:
            raise PutAside from stop
        leg = ended.leg(want.engine_id)
        if not leg.arrived:
            raise EngineError(leg.kind or FailureKind.REJECTED, leg.words, leg.hint)
        words = "it was there already" if leg.state is LegState.THERE else f"taken from {ended.source}"
        # The relay itself has kept whose it is.
        return Arrival(words, image=leg.image_id)

    return bring


def neighbours(console: Console, fingerprint: str, but: str, application_id: str) -> list[Engine]:
    """Engines that were seen to hold an image, or to run it, as an application's account reaches them.

    Those that answered last come first. Not those to which it has no access, nor the one with the id `but`.
    """
    if not fingerprint:
        return []
    with console.catalog.read() as books:
        ids = {held.engine_id for held in books.images.like(fingerprint)}
        ids |= {seen.engine_id for seen in books.observations.all() if seen.present and seen.fingerprint == fingerprint}
        contacts = books.engines.contacts()
        known = [engine.id for engine in books.engines.all() if engine.id in ids - {but}]
    found = []
    for engine_id in sorted(known, key=lambda one: one not in contacts or not contacts[one].answered):
        try:
            found.append(reached_now(console, engine_id, application_id))
        except EngineError as error:
            if error.kind is not FailureKind.NO_ACCESS:
                raise
    return found


def _name(console: Console, want: Want) -> str:
    """By what people find the image there: without a name it would be taken for rubbish."""
    if want.pulled:
        return parse_reference(want.pulled).tagged(want.title) if _TAG.fullmatch(want.title) else ""
    with console.catalog.read() as books:
        releases = [one for one in books.releases.all() if one.is_image(want.fingerprint)]
        tags = [tag for held in books.images.like(want.fingerprint) for tag in held.tags]
    return next(filter(None, map(name_of, releases)), "") or next(iter(sorted(tags)), "")
