"""Tells reports that came too soon after the one before, so that the latest always arrives."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Protocol


class Reporter(Protocol):
    """Whoever holds back a report."""

    def tell_late(self) -> None:
        """Tell it now, if it still is to be told."""


class Late:
    """Calls `tell_late` at its time. Its one thread runs only while something is due, at most a tenth of a second."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="late-reports")
        self._due: dict[Reporter, float] = {}
        self._changed = Condition()
        self._running = False
        self._closed = False

    def tell(self, reporter: Reporter, at: float) -> None:
        """Call it at `at`, by the clock of time.monotonic. Asked again before that, the first time counts."""
        with self._changed:
            if self._closed:
                return
            self._due.setdefault(reporter, at)
            if not self._running:
                self._running = True
                self._pool.submit(self._run)

    def close(self) -> None:
        """Drop what is due and end the thread."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()
        self._pool.shutdown()

    def _run(self) -> None:
        while (reporter := self._take()) is not None:
            reporter.tell_late()

    def _take(self) -> Reporter | None:
        with self._changed:
            while self._due:
                reporter = min(self._due, key=self._due.__getitem__)
                left = self._due[reporter] - time.monotonic()
                if left <= 0:
                    del self._due[reporter]
                    return reporter
                self._changed.wait(left)
            self._running = False
            return None
