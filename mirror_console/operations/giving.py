"""Giving: engines that want the same image of their neighbours are given it by one relay, so that it is read once.

Whoever comes first gathers for a moment, and carries it for all that came meanwhile. Who comes later waits, and goes
with the next relay: of one image there is never more than one at a time, whatever the number of engines.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from mirror_console.domain.engine import Engine
from mirror_console.domain.fetching import FetchState
from mirror_console.domain.image import parse_reference
from mirror_console.domain.relay import OVER, Leg, LegState, Relay
from mirror_console.errors import EngineError, FailureKind
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.access import reached_now
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import Arrival, HowFar, PutAside, Want
from mirror_console.operations.neighbours import neighbours
from mirror_console.operations.relay import Asked, relay
from mirror_console.operations.relay_choice import name_of

GATHERED_FOR = 0.3
"""Seconds. Engines of one rollout ask within moments of each other."""
SLICE = 0.1
"""Seconds after which whoever waits looks whether it is its turn to carry."""
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)

_Kind = tuple[str, str]
"""A fingerprint, and the account with whose access engines are reached."""


@dataclass(slots=True)
class _Asking:
    """An engine that wants an image, and what came of that."""

    want: Want
    target: Engine
    say: Callable[[HowFar], None]
    stopped: Callable[[], bool]
    over: threading.Event = field(default_factory=threading.Event)
    leg: Leg | None = None
    source: str = ""
    error: BaseException | None = None

    def end(self, leg: Leg, source: str) -> None:
        """The image is there, or won't come."""
        self.leg, self.source = leg, source
        self.over.set()


class Giver:
    """Brings images from engines that have them, for a fetcher; what comes so is kept as brought by `brought_by`.

    May be called from any thread. Raises EngineError where it failed, and PutAside.
    """

    def __init__(self, console: Console, jobs: Jobs, brought_by: str) -> None:
        self._console = console
        self._jobs = jobs
        self._brought_by = brought_by
        self._lock = threading.Lock()
        self._waiting: defaultdict[_Kind, list[_Asking]] = defaultdict(list)
        self._carried: set[_Kind] = set()
        """What is gathered for or carried now."""

    def __call__(self, want: Want, say: Callable[[HowFar], None], stopped: Callable[[], bool]) -> Arrival | None:
        """Bring an image to an engine; None where no other one is known to have it."""
        if not neighbours(self._console, want.fingerprint, want.engine_id, want.application_id):
            return None
        with self._console.catalog.read() as books:
            kind = (want.fingerprint, books.applications.get(want.application_id).account)
        asking = _Asking(want, reached_now(self._console, want.engine_id, want.application_id), say, stopped)
        with self._lock:
            self._waiting[kind].append(asking)
        while not asking.over.is_set():
            if self._is_to_carry(kind, asking):
                self._carry(kind)
            elif asking.stopped() and self._goes_away(kind, asking):
                raise PutAside
            asking.over.wait(SLICE)
        return _outcome(asking)

    def _is_to_carry(self, kind: _Kind, asking: _Asking) -> bool:
        """Whether nobody carries this image, and so this one is to."""
        with self._lock:
            if kind in self._carried or asking not in self._waiting[kind]:
                return False
            self._carried.add(kind)
            return True

    def _goes_away(self, kind: _Kind, asking: _Asking) -> bool:
        """Whether it still waits: then it waits no more."""
        with self._lock:
            waits = asking in self._waiting[kind]
            if waits:
                self._waiting[kind].remove(asking)
            return waits

    def _carry(self, kind: _Kind) -> None:
        """Gather, and carry for all that came. What goes wrong as a whole is told to each of them."""
        batch: list[_Asking] = []
        try:
            self._console.sleep(GATHERED_FOR)
            with self._lock:
                batch = self._waiting.pop(kind, [])
            self._relay(batch)
        except Stopped:
            for one in batch:
                one.error = one.error or PutAside()
        except BaseException as error:
            for one in batch:
                one.error = error
            raise
        finally:
            with self._lock:
                self._carried.discard(kind)
            for one in batch:
                one.over.set()

    def _relay(self, batch: list[_Asking]) -> None:
        first = batch[0].want
        places = {one.want.engine_id for one in batch}
        known = neighbours(self._console, first.fingerprint, "", first.application_id)
        sources = [engine for engine in known if engine.id not in places]
        by_engine: defaultdict[str, list[_Asking]] = defaultdict(list)
        for one in batch:
            by_engine[one.want.engine_id].append(one)
        work = Work(lambda *_: None)

        def told(now: Relay) -> None:
            if any(one.stopped() for one in batch):
                work.stop()
            for leg in now.legs:
                for one in by_engine[leg.engine_id]:
                    if leg.state in OVER:
                        one.end(leg, now.source)
                    elif not one.over.is_set():
                        one.say(_how_far(now, leg, sources))

        asked = Asked(first.fingerprint, self._name(first), self._brought_by)
        targets = [several[0].target for several in by_engine.values()]
        ended = relay(self._console, self._jobs, asked, sources, targets, told, work)
        told(ended)

    def _name(self, want: Want) -> str:
        """By what people find the image there: without a name it would be taken for rubbish."""
        if want.pulled:
            return parse_reference(want.pulled).tagged(want.title) if _TAG.fullmatch(want.title) else ""
        with self._console.catalog.read() as books:
            releases = [one for one in books.releases.all() if one.is_image(want.fingerprint)]
            tags = [tag for held in books.images.like(want.fingerprint) for tag in held.tags]
        return next(filter(None, map(name_of, releases)), "") or next(iter(sorted(tags)), "")


def _how_far(now: Relay, leg: Leg, sources: list[Engine]) -> HowFar:
    share = min(1.0, leg.octets / now.size) if now.size else 0.0
    giver = now.source or next((engine.name for engine in sources), "another engine")
    return HowFar(FetchState.FETCHING, share, f"from {giver} {share:.0%}")


def _outcome(asking: _Asking) -> Arrival:
    """What one of them is told. Raises what it failed with."""
    leg = asking.leg
    if leg is None:
        if isinstance(asking.error, EngineError):
            # One for each: an exception carries the way that it took.
            error = asking.error
            raise EngineError(error.kind, error.title, error.hint, detail=error.detail) from error
        raise asking.error or RuntimeError("a relay ended without an outcome")
    if not leg.arrived:
        raise EngineError(leg.kind or FailureKind.REJECTED, leg.words, leg.hint)
    words = "it was there already" if leg.state is LegState.THERE else f"taken from {asking.source}"
    # The relay itself has kept whose it is.
    return Arrival(words, image=leg.image_id)
