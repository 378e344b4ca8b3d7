"""How fast SSH connections are begun: an SSH server drops those that come in a burst (MaxStartups)."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

A_SECOND = 20.0
"""Connections begun a second, to all engines together."""
SIGNING_IN_AT_ONCE = 4
"""Connections to one server that aren't signed in yet. OpenSSH begins to drop the eleventh: others use it too."""


class Pace:
    """Shared by all engines of a console. `jitter` gives numbers from 0 to 1: consoles that start at once part."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._next = 0.0
        self._signing_in: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(SIGNING_IN_AT_ONCE)
        )

    def turn(self) -> float:
        """Take the next turn: the seconds until it comes, 0 where nobody else is waiting."""
        with self._lock:
            now = self._clock()
            begins = max(now, self._next)
            if begins > now:
                begins += self._jitter() / A_SECOND
            self._next = begins + 1 / A_SECOND
            return begins - now

    @contextmanager
    def signing_in(self, place: str, seconds: float) -> Iterator[None]:
        """While connecting to a server and signing in there. Raises TimeoutError where no place is free in time."""
        with self._lock:
            places = self._signing_in[place]
        if not places.acquire(timeout=max(0.0, seconds)):
            raise TimeoutError(f"too many others are signing in at {place}")
        try:
            yield
        finally:
            places.release()
