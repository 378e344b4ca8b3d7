"""Watch: look at every engine at the start, then when it tells of a change, and in any case from time to time.

One thread waits for all streams of events and decides who is looked at when; the looks are jobs of their own. What an
engine tells is a hint only. A stream is opened before the engine is listed, so nothing is missed in between, and one
that has ended is opened anew. An engine that can't be reached is left alone for longer and longer.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from mirror_console.domain import watching
from mirror_console.domain.watching import Appointment
from mirror_console.errors import ConsoleError, EngineError
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.access import last_contact, ways_in
from mirror_console.operations.console import Console
from mirror_console.operations.gathered import GATHER, Gathered
from mirror_console.operations.listening import Listening
from mirror_console.operations.look import Look, Seen, look_at
from mirror_console.operations.refresh import Refreshed, titled
from mirror_console.operations.streams import Streams
from mirror_console.operations.tag_watch import TagWatch
from mirror_console.operations.watched import Watched, key_of
from mirror_console.operations.watching import Wanted, Watching

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

_dice = random.SystemRandom()


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
        self._listening = Listening(self._streams, luck)
        self._tags = TagWatch(console, jobs, self._streams.wake)
        self._lock = threading.Lock()
        # Written by other threads under the lock, read by the one that runs:
        self._wishes: list[Wanted] = []
        self._seen: list[Seen] = []
        self._over = False
        self._edition = 0
        self._engines_changed = True
        # Of the thread that runs alone:
        self._engines: dict[str, Watched] = {}
        self._shared: set[str] = set()
        self._engines_read = self._begun_at = float("-inf")
        self._waiting: list[tuple[Wanted, set[str], float]] = []
        self._gathered = Gathered(console)
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
                # Whose credentials are used depends on whose environments there are, and so does whether an engine is
                # asked for services of a Swarm.
                self._engines_changed = True

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
            self._listening.drop(self._engines.pop(gone))
        for key, entry in ways.items():
            known, shared = self._engines.get(key), entry.engine.id in self._shared
            if known is None:
                contact = contacts[key]
                failure = contact.failure.value if contact and contact.failure and not contact.answered else ""
                self._engines[key] = Watched(entry, shared, Appointment(now, int(bool(failure))), failure=failure)
            elif known.entry != entry or known.shared != shared:
                # What is changed in place until the engine is listened to again shows in no listing.
                known.inspect_all |= known.stream is not None
                self._listening.drop(known)
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
        if self._gathered.waits:
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
            self._listening.drop(one)
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
            if self._listening.hear(one, now):
                self._begin(one, now)

    def _look_up_tags(self) -> None:
        try:
            self._tags.turn()
        except ConsoleError as error:
            self._trouble, self._news = error, True

    def _begin(self, one: Watched, now: float) -> None:
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

    def _take(self, one: Watched, seen: Seen, now: float) -> None:
        one.look = None
        for _wish, ids, since in self._waiting:
            if seen.look.began >= since:
                ids.discard(one.key)
        stale = one.again or one.entry != seen.look.entry
        self._gathered.take(one.key, seen, now)
        if seen.error is not None:
            one.answered, one.picture = False, None
            one.failure = seen.error.kind.value if isinstance(seen.error, EngineError) else "not kept"
            if isinstance(seen.error, ConsoleError) and not isinstance(seen.error, EngineError):
                self._trouble = seen.error
            self._listening.drop(one)
            one.next = watching.failed(one.next, now, self._luck())
        else:
            one.answered, one.failure, self._trouble = True, "", None
            one.picture = seen.picture
            one.next = self._after_answer(one, now)
            if seen.look.new_facts:
                one.facts_at = now
            if seen.environments is not None:
                one.environments = seen.environments
        if stale:
            one.next = watching.wanted(one.next, now)
        self._listening.take(one, seen, now, stale=stale)

    def _after_answer(self, one: Watched, now: float) -> Appointment:
        after = watching.answered(one.next, now, self._every)
        # What was heard while it was looked at is a reason to look again.
        return watching.heard(after, now) if self._streams.paused(one.key) else after

    # --- what is told ---------------------------------------------------------------------------------------------

    def _settle(self, work: Work) -> None:
        """Once nobody is being looked at: keep what hasn't changed, all at once, and tell how things stand.

        That the computer slept is told at once: until the looks have ended, nothing is fresh.
        """
        looking = any(one.look is not None and not one.next.failures for one in self._engines.values())
        now = self._console.monotonic()
        if (looking or self._gathered.may_grow(now)) and not self._woken:
            return
        self._woken = False
        if not looking:
            try:
                self._gathered.keep(now)
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
                Watching(refreshed, live, self._gathered.times, self._woke, self._trouble),
            )

    def _refreshed(self, engine_ids: Collection[str] | None) -> Refreshed:
        chosen: Sequence[Watched] = [one for one in self._engines.values() if one.among(engine_ids)]
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
            self._listening.drop(one)
        for late in seen:
            if late.stream is not None:
                late.stream.close()
        for wish in [*wishes, *(waiting[0] for waiting in self._waiting)]:
            wish.meet(self._refreshed(wish.engine_ids))
        self._streams.close()
