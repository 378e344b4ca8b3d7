"""What the function of a job is handed: whether to stop, how to wait, what to close, where to report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, RLock
from typing import Protocol

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """The job was cancelled; its work ends here."""

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")


class Report(Protocol):
    """Takes a report of progress."""

    def __call__(self, words: str, done: int, total: int, body: object) -> None: ...


class Work:
    """A running piece of work, as its function sees it. May be used from several threads."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stop = Event()
        # Held while closers are called, so that none is called after its block was left.
        self._closing = RLock()
        self._closers: dict[object, Callable[[], None]] = {}

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raises Stopped if it was cancelled."""
        if self._stop.is_set():
            raise Stopped

    def wait(self, seconds: float) -> bool:
        """Wait; returns True at once when it is cancelled meanwhile, False after `seconds`."""
        return self._stop.wait(seconds)

    @contextmanager
    def closing(self, closer: Callable[[], None]) -> Iterator[None]:
        """Around a read that may block: `closer` is called on a cancel, from the thread that cancels, to end the read.

        It is never called after the block was left. Raises Stopped at the start if it was cancelled already.
        """
        key = object()
        with self._closing:
            self.check()
            self._closers[key] = closer
        try:
            yield
        finally:
            with self._closing:
                self._closers.pop(key, None)

    def report(self, words: str, done: int = 0, total: int = 0, body: object = None) -> None:
        """Tell how far it is. Reports that follow each other fast are dropped but for the latest, so `body` has to be
        all that is to be shown, never only what is new."""
        self._report(words, done, total, body)

    def stop(self) -> None:
        """Cancel it: `stopped` is true from now on, and every closer is called once."""
        with self._closing:
            self._stop.set()
            while self._closers:
                _, closer = self._closers.popitem()
                try:
                    closer()
                except Exception:
                    # The others still have to be called.
                    logger.exception("A closer failed on a cancel")
