"""Fetching: bring images to engines, each once to each engine however many wait for it, with caps and with patience.

One fetcher serves a whole rollout. What fails for a while is tried again after a rest; a registry's own trouble slows
all pulls from that registry, and none from another.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from mirror_console.domain.fetching import (
    REGISTRY_WIDE,
    SILENCE,
    FetchState,
    nothing_came,
    rest_before_next,
    why_another_gives_it,
)
from mirror_console.domain.request import PullProgress, RegistryLogin
from mirror_console.domain.way import Way
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import Arrival, Halting, HowFar, PutAside, Relays, Want, nobody
from mirror_console.operations.ports.engine import EngineSession

SLICE = 0.1
"""Seconds after which somebody who waits looks whether it still is to be waited."""
BETWEEN_WORDS = 0.2
"""Seconds between two words of how far a pull is."""
_dice = random.SystemRandom()


@dataclass(slots=True)
class _Pull:
    """One pull under way, for all that wait for it."""

    over: threading.Event = field(default_factory=threading.Event)
    how_far: HowFar = field(default_factory=lambda: HowFar(FetchState.WAITING))
    arrival: Arrival | None = None
    failure: EngineError | PutAside | None = None


class Fetcher:
    """Brings images to engines. Every method may be called from any thread; `fetch` blocks its caller.

    `halting` is asked at least ten times a second while anything is waited for. `chance` is from 0 to 1. `relay` is
    tried where the registry can't be reached from an engine, or doesn't have it, or no registry is known at all.
    """

    def __init__(
        self,
        console: Console,
        way: Way,
        halting: Callable[[], Halting] = lambda: Halting.NOT,
        chance: Callable[[], float] = _dice.random,
        relay: Relays = nobody,
    ) -> None:
        self._console = console
        self._way = way
        self.halting = halting
        self._chance = chance
        self._relay = relay
        self._lock = threading.Lock()
        self._pulls: dict[tuple[str, str], _Pull] = {}
        self._to_engine: Counter[str] = Counter()
        self._from_registry: Counter[str] = Counter()
        self._rests_until: defaultdict[str, float] = defaultdict(float)

    def fetch(
        self, want: Want, session: EngineSession, login: RegistryLogin | None, tell: Callable[[HowFar], None]
    ) -> Arrival:
        """Bring an image; where it is on its way already, wait for that. That it is there is proved by looking at it.

        Raises EngineError as the last try failed, and PutAside.
        """
        key = (want.engine_id, want.reference)
        with self._lock:
            pull = self._pulls.get(key)
            leads = pull is None
            if pull is None:
                pull = self._pulls[key] = _Pull()
        if not leads:
            return _follow(pull, tell)

        def say(how_far: HowFar) -> None:
            pull.how_far = how_far
            tell(how_far)

        try:
            pull.arrival = arrival = self._bring(want, session, login, say)
        except (EngineError, PutAside) as failure:
            pull.failure = failure
            raise
        finally:
            with self._lock:
                del self._pulls[key]
            pull.over.set()
        return arrival

    # --- one pull ------------------------------------------------------------------------------------------------

    def _bring(
        self, want: Want, session: EngineSession, login: RegistryLogin | None, say: Callable[[HowFar], None]
    ) -> Arrival:
        if not want.pulled:
            return self._given(want, say)
        troubles: list[EngineError] = []
        began = self._console.monotonic()
        while True:
            with self._place(want, say):
                try:
                    brought = self._pull(want, session, login, say)
                except EngineError as error:
                    troubles.append(error)
                else:
                    return Arrival(_took(troubles, self._console.monotonic() - began), brought, want.reference)
            last = troubles[-1]
            why = why_another_gives_it(last.kind, signed_in=login is not None)
            if last.kind is FailureKind.REGISTRY_UNREACHABLE and (relayed := self._relayed(want, last, why, say)):
                return relayed
            rest = rest_before_next(last.kind, len(troubles), last.retry_after, self._chance())
            if rest is None:
                if why and (relayed := self._relayed(want, last, why, say)):
                    return relayed
                raise _after_all(troubles, self._console.monotonic() - began)
            self._rest(want, last, rest, len(troubles) + 1, say)

    def _given(self, want: Want, say: Callable[[HowFar], None]) -> Arrival:
        """From another engine, as no registry is known to have it. Raises EngineError where none has it either."""
        self._demand_going_on()
        arrival = self._relay(want, say, lambda: self.halting() is Halting.STOPPING)
        if arrival is None:
            title = f"No registry and no engine is known to have {want.title or want.reference}."
            hint = "Load it on an engine, or publish it, and check that engine. Then try again."
            raise EngineError(FailureKind.IMAGE_NOT_FOUND, title, hint)
        return arrival

    def _relayed(self, want: Want, error: EngineError, why: str, say: Callable[[HowFar], None]) -> Arrival | None:
        """From another engine, where one has it. Raises EngineError with both reasons where that fails too."""
        try:
            arrival = self._relay(want, say, lambda: self.halting() is Halting.STOPPING)
        except EngineError as second:
            raise _again(error, f"{error.title} From another engine: {second.title}") from second
        return None if arrival is None else replace(arrival, words=f"{arrival.words}, as {why}")

    def _pull(
        self, want: Want, session: EngineSession, login: RegistryLogin | None, say: Callable[[HowFar], None]
    ) -> bool:
        """One try. Returns whether layers came that weren't there. Raises EngineError and PutAside."""
        monotonic = self._console.monotonic
        last = PullProgress(0, 0)
        came_at, said_at = monotonic(), -BETWEEN_WORDS
        is_still = False

        def heard(progress: PullProgress) -> None:
            nonlocal last, came_at, said_at
            now = monotonic()
            if progress.came != last.came:
                came_at = now
            if now - said_at >= BETWEEN_WORDS or progress.unpacking != last.unpacking:
                said_at = now
                words = "unpacking" if progress.unpacking else f"{progress.share:.0%}"
                say(HowFar(FetchState.FETCHING, progress.share, words))
            last = progress

        def stopped() -> bool:
            nonlocal is_still
            is_still = monotonic() - came_at > SILENCE
            return is_still or self.halting() is Halting.STOPPING

        say(HowFar(FetchState.FETCHING))
        session.pull(want.reference, login, heard, stopped)
        if is_still:
            raise nothing_came(want.engine, want.reference, SILENCE)
        if self.halting() is Halting.STOPPING:
            raise PutAside
        return last.new_layers > 0

    # --- waiting -------------------------------------------------------------------------------------------------

    @contextmanager
    def _place(self, want: Want, say: Callable[[HowFar], None]) -> Iterator[None]:
        """A place among the pulls to an engine and from a registry, which is waited for."""
        said = ""
        self._demand_going_on()
        while words := self._take_place(want):
            if words != said:
                say(HowFar(FetchState.WAITING, 0.0, words))
                said = words
            self._wait(SLICE)
        try:
            yield
        finally:
            with self._lock:
                self._to_engine[want.engine_id] -= 1
                self._from_registry[want.registry] -= 1

    def _take_place(self, want: Want) -> str:
        """Take it; else what has to be waited for."""
        way, registry = self._way, want.registry
        with self._lock:
            if self._rests_until[registry] > self._console.monotonic():
                return f"{registry} is given a rest"
            if self._from_registry[registry] >= way.pulls_per_registry:
                return f"{way.pulls_per_registry} pulls from {registry} are under way"
            if self._to_engine[want.engine_id] >= way.pulls_per_engine:
                return f"{way.pulls_per_engine} pulls to {want.engine} are under way"
            self._from_registry[registry] += 1
            self._to_engine[want.engine_id] += 1
            return ""

    def _rest(self, want: Want, error: EngineError, rest: float, next_try: int, say: Callable[[HowFar], None]) -> None:
        until = self._console.monotonic() + rest
        if error.kind in REGISTRY_WIDE:
            with self._lock:
                self._rests_until[want.registry] = max(self._rests_until[want.registry], until)
        words = f"{want.registry}: {error.kind}; try {next_try} in {rest:.0f} s"
        say(HowFar(FetchState.RESTING, 0.0, words))
        while (left := until - self._console.monotonic()) > 0:
            self._wait(min(SLICE, left))

    def _wait(self, seconds: float) -> None:
        self._demand_going_on()
        self._console.sleep(seconds)

    def _demand_going_on(self) -> None:
        """Raises PutAside where nothing more is to be begun."""
        if self.halting() is not Halting.NOT:
            raise PutAside


def _follow(pull: _Pull, tell: Callable[[HowFar], None]) -> Arrival:
    """Wait for what somebody else has begun. Raises what it failed with."""
    told: HowFar | None = None
    while not pull.over.wait(SLICE):
        if pull.how_far != told:
            told = pull.how_far
            tell(told)
    if pull.arrival is not None:
        return replace(pull.arrival, brought=False)
    match pull.failure:
        case EngineError() as failure:
            # One for each who waits: an exception carries the way that it took.
            raise _again(failure, failure.title)
        case PutAside(words=words):
            raise PutAside(words)
        case None:
            raise RuntimeError("a fetch ended without an outcome")


def _took(troubles: list[EngineError], seconds: float) -> str:
    if not troubles:
        return ""
    counts = Counter(str(error.kind) for error in troubles)
    times = ", ".join(f"{kind} {count} times" if count > 1 else kind for kind, count in counts.items())
    return f"{len(troubles) + 1} tries in {seconds:.0f} s: {times}"


def _after_all(troubles: list[EngineError], seconds: float) -> EngineError:
    """The last failure, with how often it was tried."""
    last = troubles[-1]
    if len(troubles) == 1:
        return last
    return _again(last, f"{last.title} Tried {len(troubles)} times in {seconds:.0f} s.")


def _again(error: EngineError, title: str) -> EngineError:
    return EngineError(error.kind, title, error.hint, detail=error.detail, retry_after=error.retry_after)
