"""Watch: look at every engine at the start, then when it tells of a change, and in any case from time to time.

One thread waits for all streams of events and decides who is looked at when; the looks are jobs of their own. What an
engine tells is a hint only. A stream is opened before the engine is listed, so nothing is missed in between, and one
that has ended is opened anew. An engine that can't be reached is left alone for longer and longer.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain import watching
from mirror_console.domain.watching import Appointment
from mirror_console.errors import ConsoleError, EngineError
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.access import Entry, last_contact, ways_in
from mirror_console.operations.console import Console
from mirror_console.operations.look import Look, Seen, look_at
from mirror_console.operations.ports.engine import EventStream
from mirror_console.operations.refresh import Listing, Refreshed, keep_unchanged, titled
from mirror_console.operations.streams import Streams
from mirror_console.operations.tag_watch import TagWatch

AT_ONCE = 48
"""Engines that are looked at side by side."""
FAILING_AT_ONCE = 16
"""Of these, at most so many that could not be reached the last time: the dead never hold up the living."""
EVERY = 60.0
"""Seconds between two looks at an engine that has nothing to tell."""
FACTS_EVERY = 3600.0
"""Seconds between two questions for what an engine says of itself, its clock among that."""
ENGINES_EVERY = 1.0
"""Seconds between two readings of the catalog's engines: each look that is kept counts as a change of them."""
GATHER = 1.0
"""Seconds for which what hasn't changed is gathered before it is kept, all at once."""
AWAY_EVERY = 60.0
"""Seconds after which it is kept in any case that engines are still away."""

_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Watching:
    """How the watch stands: what the last looks gave, how many engines tell of changes by themselves.

    `woke` is when the computer was last found to have slept: what was seen before is not to be taken for fresh.
    `trouble` is what keeps looks from being kept. `times` are when engines were looked at last where nothing was new,
    by their identities.
    """

    refreshed: Refreshed
    live: int
    times: Mapping[str, datetime] = field(default_factory=dict)
    woke: datetime | None = None
    trouble: ConsoleError | None = None


class Wanted:
    """A wish to know now. `wait` for it in a job of its own."""

    def __init__(self, engine_ids: Collection[str] | None, *, inspect_all: bool) -> None:
        self.engine_ids = engine_ids
        self.inspect_all = inspect_all
        self._met = threading.Event()
        self._refreshed = Refreshed((), (), 0)

    def wait(self, work: Work) -> Refreshed:
        """What the looks gave, once all of them are there. Raises Stopped where the job or the watch was ended."""
        while not self._met.wait(0.1):
            work.check()
        return self._refreshed

    def meet(self, refreshed: Refreshed) -> None:
        """It is met."""
        self._refreshed = refreshed
        self._met.set()


@dataclass(slots=True)
class _Engine:
    """What the watch knows of one way into an engine."""

    entry: Entry
    shared: bool
    next: Appointment
    stream: EventStream | None = None
    opened: float = 0.0
    look: Look | None = None
    inspect: set[str] = field(default_factory=set)
    inspect_all: bool = False
    again: bool = False
    """Asked for while it is being looked at: that look may have come too early."""
    picture: object = None
    facts_at: float = float("-inf")
    environments: int = 0
    answered: bool = False
    failure: str = ""

    @property
    def key(self) -> str:
        """What it is known by."""
        return key_of(self.entry)

    def among(self, engine_ids: Collection[str] | None) -> bool:
        """Whether its engine is one of these; None means all."""
        return engine_ids is None or self.entry.engine.id in engine_ids


def key_of(entry: Entry) -> str:
    """What a way into an engine is known by: the engine's identity, or that with the account whose own it is."""
    return f"{entry.engine.id}/{entry.account}" if entry.own else entry.engine.id


class Watch:
    """Watches all engines of the catalog. `run` is the work of one job; the other methods are for any thread."""

    def __init__(
        self, console: Console, jobs: Jobs, every: float = EVERY, luck: Callable[[], float] = _dice.random
    ) -> None:
        self._console = console
        self._jobs = jobs
        self._every = self._every_before = every
        self._luck = luck
        self._streams = Streams()
        self._tags = TagWatch(console, jobs, self._streams.wake)
        self._lock = threading.Lock()
        # Written by other threads under the lock, read by the one that runs:
        self._wishes: list[Wanted] = []
        self._seen: list[Seen] = []
        self._over = False
        self._edition = 0
        self._engines_changed = True
        # Of the thread that runs alone:
        self._engines: dict[str, _Engine] = {}
        self._shared: set[str] = set()
        self._engines_read = self._begun_at = self._gathered_from = float("-inf")
        self._waiting: list[tuple[Wanted, set[str], float]] = []
        self._unchanged: dict[str, Listing] = {}
        self._away: dict[str, datetime] = {}
        self._times: dict[str, datetime] = {}
        self._woke: datetime | None = None
        self._trouble: ConsoleError | None = None
        self._news = self._woken = False
        self._clocks = (console.monotonic(), console.clock())

    def want(self, engine_ids: Collection[str] | None = None, *, inspect_all: bool = False) -> Wanted:
        """Look at these engines, or all, now; waits after failures are forgotten. Returns at once."""
        wish = Wanted(engine_ids, inspect_all=inspect_all)
        with self._lock:
            over = self._over
            if not over:
                self._wishes.append(wish)
        if over:
            wish.meet(Refreshed((), (), 0))
        self._streams.wake()
        return wish

    def look_every(self, seconds: float) -> None:
        """Look at engines that have nothing to tell this often, from now on."""
        self._every = seconds
        self._streams.wake()

    def run(self, work: Work) -> None:
        """Watch until the job is cancelled."""
        unsubscribe = self._console.catalog.subscribe(self._catalog_changed)
        try:
            with work.closing(self._streams.wake):
                self._clocks = (self._console.monotonic(), self._console.clock())
                while not work.stopped:
                    self._read_engines()
                    self._take_wishes()
                    self._take_seen()
                    self._begin_due()
                    self._look_up_tags()
                    self._settle(work)
                    self._listen()
        except Stopped:
            return
        finally:
            unsubscribe()
            self._end()

    # --- what is heard --------------------------------------------------------------------------------------------

    def _catalog_changed(self, collections: frozenset[str]) -> None:
        self._tags.changed(collections)
        with self._lock:
            self._engines_changed |= bool(collections & {"engines", "accesses"})
            if collections & {"applications", "environments"}:
                self._edition += 1
                # Whose credentials are used depends on whose environments there are.
                self._engines_changed |= bool(self._shared)

    def _read_engines(self) -> None:
        now = self._console.monotonic()
        with self._lock:
            # A wish may be for an engine that was added just now.
            soon = bool(self._wishes) or now - self._engines_read >= ENGINES_EVERY
            if not (self._engines_changed and soon):
                return
            self._engines_changed = False
        self._engines_read = now
        try:
            with self._console.catalog.read() as books:
                ways = {key_of(entry): entry for entry in ways_in(books)}
                self._shared = {access.engine_id for access in books.accesses.all()}
                contacts = {key: last_contact(books, entry) for key, entry in ways.items() if key not in self._engines}
        except ConsoleError as error:
            self._trouble, self._engines_changed, self._news = error, True, True
            return
        for gone in self._engines.keys() - ways.keys():
            self._drop_stream(self._engines.pop(gone))
        for key, entry in ways.items():
            known, shared = self._engines.get(key), entry.engine.id in self._shared
            if known is None:
                contact = contacts[key]
                failure = contact.failure.value if contact and contact.failure and not contact.answered else ""
                self._engines[key] = _Engine(entry, shared, Appointment(now, int(bool(failure))), failure=failure)
            elif known.entry != entry or known.shared != shared:
                # What is changed in place until the engine is listened to again shows in no listing.
                known.inspect_all |= known.stream is not None
                self._drop_stream(known)
                known.entry, known.shared, known.next, known.again = (
                    entry,
                    shared,
                    watching.wanted(known.next, now),
                    True,
                )

    def _take_wishes(self) -> None:
        with self._lock:
            wishes, self._wishes = self._wishes, []
        now = self._console.monotonic()
        for wish in wishes:
            chosen = [one for one in self._engines.values() if one.among(wish.engine_ids)]
            self._waiting.append((wish, {one.key for one in chosen}, now))
            for one in chosen:
                one.next = watching.wanted(one.next, now)
                one.inspect_all |= wish.inspect_all
                one.again = True

    def _listen(self) -> None:
        """Wait for streams, for looks that have ended, for wishes and for the next appointment."""
        now = self._console.monotonic()
        # Whoever was due and wasn't begun waits for another look to end.
        times = [one.next.at for one in self._engines.values() if one.look is None and one.next.at > self._begun_at]
        times.append(self._tags.at)
        meant = max(0.0, min([now + watching.TICK, *times]) - now)
        if self._engines_changed:
            meant = min(meant, ENGINES_EVERY)
        if self._unchanged:
            meant = min(meant, GATHER)
        ready = self._streams.wait(meant)
        # Since the last time that this was asked: it may also have slept while something else was done.
        (before, wall), self._clocks = self._clocks, (self._console.monotonic(), self._console.clock())
        now = self._clocks[0]
        if watching.slept(meant, now - before, (self._clocks[1] - wall).total_seconds()):
            self._wake_up()
            return
        for engine_id in ready:
            # Not listened to again before the look: however much an engine talks, it is read once for each look.
            self._streams.pause(engine_id)
            self._engines[engine_id].next = watching.heard(self._engines[engine_id].next, now)

    def _wake_up(self) -> None:
        """The computer slept: no connection can be trusted, nothing known is fresh, everything is looked at once."""
        self._woke = self._console.clock()
        self._console.engines.renew()
        now = self._console.monotonic()
        for one in self._engines.values():
            self._drop_stream(one)
            one.next = watching.wanted(one.next, now)
            one.facts_at = float("-inf")
            one.again = True
        self._news = self._woken = True

    # --- looks ----------------------------------------------------------------------------------------------------

    def _begin_due(self) -> None:
        now = self._begun_at = self._console.monotonic()
        if self._every != self._every_before:
            self._every_before = self._every
            for one in self._engines.values():
                if not one.next.failures:
                    one.next = watching.within(one.next, self._every)
        looking = [one for one in self._engines.values() if one.look is not None]
        free = AT_ONCE - len(looking)
        free_failing = FAILING_AT_ONCE - sum(one.next.failures > 0 for one in looking)
        due = [one for one in self._engines.values() if one.look is None and one.next.at <= now]
        for one in sorted(due, key=lambda one: (one.next.failures > 0, one.next.at)):
            if free <= 0:
                return
            if one.next.failures:
                if free_failing <= 0:
                    return
                free_failing -= 1
            free -= 1
            if self._hear(one, now):
                self._begin(one, now)

    def _look_up_tags(self) -> None:
        try:
            self._tags.turn()
        except ConsoleError as error:
            self._trouble, self._news = error, True

    def _begin(self, one: _Engine, now: float) -> None:
        one.look = Look(
            entry=one.entry,
            shared=one.shared,
            failures=one.next.failures,
            failure=one.failure,
            stream=one.stream,
            inspect=frozenset(one.inspect),
            inspect_all=one.inspect_all,
            new_facts=now - one.facts_at > FACTS_EVERY,
            picture=one.picture,
            began=now,
        )
        one.inspect.clear()
        one.inspect_all = one.again = False
        look = one.look
        try:
            self._jobs.submit(f"Looking at {titled(one.entry)}", lambda _work: self._look(look), f"look:{one.key}")
        except RuntimeError:  # the program ends
            raise Stopped from None

    def _hear(self, one: _Engine, now: float) -> bool:
        """Take what the stream has told, so that the look comes after all of it, and listen again.

        False where it has ended: then the look has its own time.
        """
        if one.stream is None:
            return True
        try:
            one.inspect |= one.stream.heard()
        except EngineError:
            lasted = now - one.opened
            self._drop_stream(one)
            one.next = watching.lost(one.next, now, lasted, self._luck())
            return False
        self._streams.resume(one.key)
        return True

    def _look(self, look: Look) -> None:
        """In a job."""
        seen = look_at(self._console, self._jobs, look, lambda: self._edition)
        with self._lock:
            over = self._over
            if not over:
                self._seen.append(seen)
        if over and seen.stream is not None:
            seen.stream.close()
        self._streams.wake()

    def _take_seen(self) -> None:
        with self._lock:
            several, self._seen = self._seen, []
        now = self._console.monotonic()
        fault: Exception | None = None
        for seen in several:
            one = self._engines.get(key_of(seen.look.entry))
            if one is None or one.look is not seen.look:
                if seen.stream is not None:
                    seen.stream.close()
                continue
            self._take(one, seen, now)
            # That one is still away is no news.
            self._news |= seen.away is None
            if seen.error is not None and not isinstance(seen.error, ConsoleError):
                fault = seen.error
        for wish, ids, _since in self._waiting:
            if not ids:
                wish.meet(self._refreshed(wish.engine_ids))
        self._waiting = [waiting for waiting in self._waiting if waiting[1]]
        if fault is not None:
            # Of the program, not of an engine: whoever began the watch has to hear of it.
            raise fault

    def _take(self, one: _Engine, seen: Seen, now: float) -> None:
        one.look = None
        for _wish, ids, since in self._waiting:
            if seen.look.began >= since:
                ids.discard(one.key)
        stale = one.again or one.entry != seen.look.entry
        if seen.error is not None:
            one.answered, one.picture = False, None
            self._unchanged.pop(one.key, None)
            if seen.away is not None:
                self._note_gathered(now)
                self._away[one.key] = seen.away
            one.failure = seen.error.kind.value if isinstance(seen.error, EngineError) else "not kept"
            if isinstance(seen.error, ConsoleError) and not isinstance(seen.error, EngineError):
                self._trouble = seen.error
            self._drop_stream(one)
            one.next = watching.failed(one.next, now, self._luck())
        else:
            one.answered, one.failure, self._trouble = True, "", None
            self._away.pop(one.key, None)
            one.picture = seen.picture
            one.next = self._after_answer(one, now)
            if seen.look.new_facts:
                one.facts_at = now
            if seen.listing is not None:
                self._note_gathered(now)
                self._unchanged[one.key] = seen.listing
            if seen.environments is not None:
                one.environments = seen.environments
                self._unchanged.pop(one.key, None)
        if stale:
            one.next = watching.wanted(one.next, now)
        self._take_stream(one, seen, now, stale=stale)

    def _note_gathered(self, now: float) -> None:
        if not (self._unchanged or self._away):
            self._gathered_from = now

    def _after_answer(self, one: _Engine, now: float) -> Appointment:
        after = watching.answered(one.next, now, self._every)
        # What was heard while it was looked at is a reason to look again.
        return watching.heard(after, now) if self._streams.paused(one.key) else after

    # --- streams --------------------------------------------------------------------------------------------------

    def _take_stream(self, one: _Engine, seen: Seen, now: float, *, stale: bool) -> None:
        if seen.stream is None or seen.stream is one.stream:
            return
        if stale or seen.error is not None or one.stream is not None:
            # It leads where the engine was, or over a connection from before a sleep.
            seen.stream.close()
            return
        one.stream, one.opened = seen.stream, now
        self._streams.add(one.key, seen.stream)
        # What came together with the stream's beginning shows on no selector any more.
        if self._hear(one, now) and one.inspect:
            one.next = watching.heard(one.next, now)

    def _drop_stream(self, one: _Engine) -> None:
        if one.stream is not None:
            self._streams.remove(one.key)
            one.stream.close()
            one.stream = None

    # --- what is told ---------------------------------------------------------------------------------------------

    def _settle(self, work: Work) -> None:
        """Once nobody is being looked at: keep what hasn't changed, all at once, and tell how things stand.

        That the computer slept is told at once: until the looks have ended, nothing is fresh.
        """
        looking = any(one.look is not None and not one.next.failures for one in self._engines.values())
        gathered = self._console.monotonic() - self._gathered_from
        if (looking or (self._unchanged and gathered < GATHER)) and not self._woken:
            return
        self._woken = False
        if not looking and (self._unchanged or (self._away and gathered > AWAY_EVERY)):
            unchanged, self._unchanged = self._unchanged, {}
            away, self._away = self._away, {}
            # A new one each time: whoever is told of it sees by that whether there is anything to do.
            self._times = {**self._times, **{engine_id: listing.at for engine_id, listing in unchanged.items()}}
            try:
                keep_unchanged(self._console, unchanged, away)
            except ConsoleError as error:
                self._trouble, self._news = error, True
        if self._news:
            self._news = False
            refreshed = self._refreshed(None)
            live = sum(one.stream is not None for one in self._engines.values())
            work.report(
                refreshed.sentence,
                live,
                len(self._engines),
                Watching(refreshed, live, self._times, self._woke, self._trouble),
            )

    def _refreshed(self, engine_ids: Collection[str] | None) -> Refreshed:
        chosen: Sequence[_Engine] = [one for one in self._engines.values() if one.among(engine_ids)]
        return Refreshed(
            tuple(dict.fromkeys(one.entry.engine.name for one in chosen if one.answered)),
            tuple((titled(one.entry), one.failure) for one in chosen if one.failure),
            sum(one.environments for one in chosen if one.answered),
        )

    def _end(self) -> None:
        with self._lock:
            self._over = True
            seen, self._seen = self._seen, []
            wishes, self._wishes = self._wishes, []
        for one in self._engines.values():
            self._drop_stream(one)
        for late in seen:
            if late.stream is not None:
                late.stream.close()
        for wish in [*wishes, *(waiting[0] for waiting in self._waiting)]:
            wish.meet(self._refreshed(wish.engine_ids))
        self._streams.close()
