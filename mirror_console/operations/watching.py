"""Watching: what the watch tells, and what it may be asked."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.errors import ConsoleError
from mirror_console.jobs import Work
from mirror_console.operations.refresh import Refreshed


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
