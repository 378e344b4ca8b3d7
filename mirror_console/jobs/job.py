"""A job: one piece of work in the background, its state, and the events that tell of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import RLock
from typing import Generic, TypeVar

from mirror_console.jobs.late import Late
from mirror_console.jobs.work import Stopped, Work

T = TypeVar("T")

BETWEEN_REPORTS = 0.1
"""Seconds between two progress events of one job: more than ten a second nobody can read, and the window would lag."""


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """What is known of a job now: its state, its latest report, and at the end its result or its error."""

    job_id: str
    title: str
    state: JobState
    words: str = ""
    done: int = 0
    total: int = 0
    body: object = None
    result: object | None = None
    error: BaseException | None = None


class Job(Generic[T]):
    """One piece of work in the background. Made by `Jobs.submit`."""

    def __init__(
        self,
        job_id: str,
        title: str,
        do: Callable[[Work], T],
        lane: str | None,
        tell: Callable[[JobEvent], None],
        late: Late,
    ) -> None:
        self.id = job_id
        self.title = title
        self.lane = lane
        self.work = Work(self._report)
        self._do = do
        self._tell = tell
        self._late = late
        self._future: Future[T] = Future()
        # Held while an event is told, so that they arrive in their order whichever threads they come from.
        self._telling = RLock()
        self._event = JobEvent(job_id, title, JobState.WAITING)
        self._untold = False
        self._next_report = 0.0

    @property
    def state(self) -> JobState:
        """Where it stands now."""
        return self._event.state

    @property
    def event(self) -> JobEvent:
        """The latest that is known of it, told or not."""
        return self._event

    def run(self) -> None:
        """Do the work in this thread and tell its outcome; nothing if it was cancelled before."""
        with self._telling:
            if self.state is not JobState.WAITING:
                return
            self._event = replace(self._event, state=JobState.RUNNING)
            self._tell(self._event)
        try:
            result = self._do(self.work)
        except BaseException as error:  # noqa: BLE001 - whatever work raises belongs to the one who asked for it
            if self.work.stopped or isinstance(error, Stopped):
                self._end_cancelled(error)
            else:
                self._end(JobState.FAILED, error=error)
                self._future.set_exception(error)
        else:
            self._end(JobState.DONE, result=result)
            self._future.set_result(result)

    def cancel(self) -> None:
        """Ask it to end. A job that waits ends at once; one that runs ends where it looks, or where a closer reaches.

        Work that is finished all the same keeps its result. What was cancelled or has ended before stays as it is.
        """
        with self._telling:
            waiting = self.state is JobState.WAITING
            if waiting:
                self._end_cancelled(Stopped())
        if not waiting:
            self.work.stop()

    def result(self, timeout: float | None = None) -> T:
        """What the work returned; waits for it, by then every event of the job was told.

        Raises what the work raised, Stopped where the job was cancelled, and TimeoutError after `timeout` seconds.
        """
        return self._future.result(timeout)

    def over_within(self, timeout: float) -> bool:
        """Whether it has ended, waiting `timeout` seconds at most."""
        try:
            self._future.exception(timeout)
        except TimeoutError:
            return False
        return True

    def tell_late(self) -> None:
        """Tell the latest report, if it wasn't told yet and its time has come."""
        with self._telling:
            if self._untold:
                self._tell_when_due()

    def _report(self, words: str, done: int, total: int, body: object) -> None:
        with self._telling:
            if self.state is not JobState.RUNNING:
                return
            self._event = replace(self._event, words=words, done=done, total=total, body=body)
            self._untold = True
            self._tell_when_due()

    def _tell_when_due(self) -> None:
        if time.monotonic() >= self._next_report:
            self._tell_report()
        else:
            self._late.tell(self, self._next_report)

    def _tell_report(self) -> None:
        self._untold = False
        self._next_report = time.monotonic() + BETWEEN_REPORTS
        self._tell(self._event)

    def _end(self, state: JobState, *, result: object | None = None, error: BaseException | None = None) -> None:
        with self._telling:
            if self._untold:
                self._tell_report()
            self._event = replace(self._event, state=state, result=result, error=error)
            self._tell(self._event)

    def _end_cancelled(self, error: BaseException) -> None:
        self._end(JobState.CANCELLED, error=error)
        if isinstance(error, Stopped):
            self._future.set_exception(error)
        else:
            # What a closed connection raises is no failure of the work, but it stays to be read.
            stopped = Stopped()
            stopped.__cause__ = error
            self._future.set_exception(stopped)
