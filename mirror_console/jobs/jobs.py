"""Runs jobs in threads: lanes that never overlap themselves, several works side by side, and an orderly end."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Lock, local
from typing import Any, TypeVar

from mirror_console.jobs.job import Job, JobEvent
from mirror_console.jobs.late import Late
from mirror_console.jobs.work import Stopped, Work

T = TypeVar("T")
K = TypeVar("K")

logger = logging.getLogger(__name__)


def _ignore(_event: JobEvent) -> None:
    """Nobody listens."""


class Jobs:
    """All work in the background.

    `listener` is told of every change, from whichever thread it happens in, one event of a job after the other; it has
    to return at once. `workers` is how many jobs run at the same time: a job that waits for another one keeps its
    place, so side-by-side work inside a job belongs in `side_by_side`, which has threads of its own.
    """

    def __init__(self, listener: Callable[[JobEvent], None] = _ignore, workers: int = 64) -> None:
        self._listener = listener
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._late = Late()
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._live: set[Job[Any]] = set()
        self._lanes: dict[str, deque[Job[Any]]] = {}
        self._closed = False
        self._here = local()

    def submit(self, title: str, work: Callable[[Work], T], lane: str | None = None) -> Job[T]:
        """Run `work` soon. Jobs of one lane run one after the other, in the order in which they came.

        Raises RuntimeError after `close`.
        """
        job: Job[T] = Job(str(next(self._numbers)), title, work, lane, self._tell, self._late)
        self._admit(job)
        # Before the pool has it, so that this is the first event of the job.
        self._tell(job.event)
        if not self._hand_over(job):
            job.cancel()
        return job

    def side_by_side(self, works: Mapping[K, Callable[[], T]], at_once: int) -> dict[K, T | Exception]:
        """Do all works, `at_once` of them at a time, and return what each gave or raised, in the order of `works`.

        Blocks the caller. Inside a job that is cancelled no further work is begun, and Stopped is raised once those
        that were begun have ended: outcomes that are not complete are never taken for complete.
        """
        if not works:
            return {}
        caller: Work | None = getattr(self._here, "work", None)

        def do(work: Callable[[], T]) -> T:
            self._here.work = caller
            if caller is not None:
                caller.check()
            return work()

        with ThreadPoolExecutor(max(1, min(at_once, len(works))), thread_name_prefix="side") as pool:
            futures = {key: pool.submit(do, work) for key, work in works.items()}
            try:
                wait(futures.values())
            finally:
                # Where the caller is interrupted from the keyboard: begin nothing more.
                pool.shutdown(wait=False, cancel_futures=True)
        if caller is not None:
            caller.check()
        outcomes: dict[K, T | Exception] = {}
        for key, future in futures.items():
            error = future.exception()
            if error is None:
                outcomes[key] = future.result()
            elif isinstance(error, Exception) and not isinstance(error, Stopped):
                outcomes[key] = error
            else:
                raise error
        return outcomes

    def close(self, timeout: float = 5.0) -> tuple[str, ...]:
        """Cancel everything, wait `timeout` seconds at most for it to end, and take nothing more.

        Returns the titles of jobs that have not ended: where it is empty, no thread is left. May be called twice.
        """
        with self._lock:
            self._closed = True
            live = list(self._live)
        for job in live:
            job.cancel()
        until = time.monotonic() + timeout
        left = [job for job in live if not job.over_within(max(0.0, until - time.monotonic()))]
        self._pool.shutdown(wait=not left, cancel_futures=True)
        self._late.close()
        return tuple(job.title for job in left)

    @property
    def cancelled_here(self) -> bool:
        """Whether the job that this thread works for was cancelled."""
        work: Work | None = getattr(self._here, "work", None)
        return work is not None and work.stopped

    @property
    def closed(self) -> bool:
        """Whether no work is taken any more."""
        with self._lock:
            return self._closed

    def _admit(self, job: Job[Any]) -> None:
        with self._lock:
            if self._closed:
                raise RuntimeError("jobs are closed")
            self._live.add(job)

    def _hand_over(self, job: Job[Any]) -> bool:
        with self._lock:
            if self._closed:
                return False
            if job.lane is None:
                self._pool.submit(self._run, job)
            elif job.lane in self._lanes:
                self._lanes[job.lane].append(job)
            else:
                self._lanes[job.lane] = deque()
                self._pool.submit(self._run, job)
            return True

    def _run(self, job: Job[Any]) -> None:
        self._here.work = job.work
        try:
            job.run()
        finally:
            self._here.work = None
            self._next(job)

    def _next(self, ended: Job[Any]) -> None:
        with self._lock:
            self._live.discard(ended)
            if ended.lane is None:
                return
            waiting = self._lanes[ended.lane]
            if waiting and not self._closed:
                self._pool.submit(self._run, waiting.popleft())
            else:
                del self._lanes[ended.lane]

    def _tell(self, event: JobEvent) -> None:
        try:
            self._listener(event)
        except Exception:
            # A listener that fails is a bug of its own; the job goes on.
            logger.exception("The listener of jobs failed on %s", event.title)
