"""Tag watch: when which tag is due, and its look begun as a job of its own, so that no engine waits for a registry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from mirror_console.errors import ConsoleError
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.console import Console
from mirror_console.operations.tags import (
    Followed,
    by_registry,
    followed,
    look_in,
    seconds_until_due,
    tell_new_followers,
)

READ_EVERY = 1.0
"""Seconds between two readings of what is followed: a catalog that is being filled changes all the time."""
SOONEST = 1.0
"""Seconds between two looks at a tag at least, whatever the clock says."""
NEVER = float("inf")


class TagWatch:
    """Of the thread that watches engines, but for `changed` and the looks. `ended` is called once a look has ended."""

    def __init__(self, console: Console, jobs: Jobs, ended: Callable[[], None]) -> None:
        self._console = console
        self._jobs = jobs
        self._ended = ended
        self._lock = threading.Lock()
        self._dirty = True
        self._asking: set[str] = set()
        """Registries that are being asked."""
        self._failed: Exception | None = None
        """What went wrong in a look, but for what engines and registries say: that is part of the look."""
        self._read_at = float("-inf")
        self._times: dict[str, float] = {}
        """When each tag is due, in the seconds of the monotonic clock."""
        self._followed: dict[str, Followed] = {}

    @property
    def at(self) -> float:
        """When the next one is due, or what is followed is to be read again."""
        with self._lock:
            asking, dirty = set(self._asking), self._dirty
        waiting = [at for name, at in self._times.items() if self._followed[name].registry not in asking]
        return min([*waiting, self._read_at + READ_EVERY if dirty else NEVER], default=NEVER)

    def changed(self, collections: frozenset[str]) -> None:
        """The catalog has changed. From any thread."""
        if collections & {"applications", "environments"}:
            with self._lock:
                self._dirty = True

    def turn(self) -> None:
        """Begin the looks that are due. Raises ConsoleError where the catalog can't be read, or a look not be kept."""
        now = self._console.monotonic()
        with self._lock:
            asking, failed, self._failed = set(self._asking), self._failed, None
        if failed is not None:
            raise failed
        self._read(now)
        due = [one for name, one in self._followed.items() if self._times[name] <= now and one.registry not in asking]
        for host, several in by_registry(due).items():
            for one in several:
                self._times[one.reference] = now + max(SOONEST, float(one.every))
            with self._lock:
                self._asking.add(host)
            try:
                self._jobs.submit(f"Looking up tags at {host}", partial(self._look, host, several), f"tags:{host}")
            except RuntimeError:  # the program ends
                raise Stopped from None

    def _read(self, now: float) -> None:
        with self._lock:
            if not self._dirty or now - self._read_at < READ_EVERY:
                return
            self._dirty = False
        self._read_at = now
        try:
            with self._console.catalog.read() as books:
                several = {one.reference: one for one in followed(books)}
                looks = {name: books.tags.of(name) for name in several}
            tell_new_followers(self._console, several.values())
        except ConsoleError:
            with self._lock:
                self._dirty = True
            raise
        at = self._console.clock()
        for name, one in several.items():
            before = self._followed.get(name)
            if before is None or before.every != one.every:
                self._times[name] = now + max(0.0, seconds_until_due(one, looks[name], at))
        self._times = {name: self._times[name] for name in several}
        self._followed = several

    def _look(self, host: str, several: list[Followed], work: Work) -> None:
        """In a job."""
        try:
            look_in(self._console, several, work.check)
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - whoever watches tells of it
            with self._lock:
                self._failed = error
        finally:
            with self._lock:
                self._asking.discard(host)
            self._ended()
