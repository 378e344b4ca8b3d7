"""Heartbeat: show other consoles that the locks which a rollout holds are held by somebody who lives.

All locks of a rollout beat in one job beside the swaps, which never wait for it. Each engine has its own pace in it:
one that hangs doesn't make the locks on others look dead. Meanwhile this computer is kept from falling asleep: that
would interrupt the rollout, and make all of its locks look dead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.rollout import Target
from mirror_console.errors import EngineError
from mirror_console.jobs import Job, Jobs, Work
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    engine_id: str
    session: EngineSession
    beat: int
    alive: tuple[float, datetime]
    """When it was taken, or the last beat was sent that the engine took."""


class Heartbeat:
    """The heart of one rollout. Within its block the locks on these engines beat, and this computer stays awake.

    Every method is for any thread.
    """

    def __init__(self, console: Console, jobs: Jobs, engine_ids: Collection[str]) -> None:
        self._console = console
        self._jobs = jobs
        self._engine_ids = tuple(dict.fromkeys(engine_ids))
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._job: Job[None] | None = None
        self._awake = ExitStack()

    def __enter__(self) -> Heartbeat:
        # The program ends: then nothing is held any more that would have to beat.
        with suppress(RuntimeError):
            self._job = self._jobs.submit("Heartbeat of locks", self._run)
        self._awake.enter_context(self._console.computer.awake())
        return self

    def __exit__(self, *_error: object) -> None:
        if self._job is not None:
            self._job.cancel()
        self._awake.close()

    def hold(self, lock_id: str, engine_id: str, session: EngineSession, beat: int = 0) -> None:
        """A lock is held from now on; `beat` is what it was last at."""
        held = _Held(engine_id, session, beat, (self._console.monotonic(), self._console.clock()))
        with self._lock:
            self._held[lock_id] = held

    def let_go(self, lock_id: str) -> None:
        """A lock isn't held any more."""
        with self._lock:
            self._held.pop(lock_id, None)

    def silent_for(self, lock_id: str) -> float | None:
        """Seconds since a held lock last gave a sign of life. None where it isn't held.

        By the clock that goes further: not every system has one that goes on while the computer sleeps.
        """
        with self._lock:
            held = self._held.get(lock_id)
        if held is None:
            return None
        seconds, time = held.alive
        return max(self._console.monotonic() - seconds, abs((self._console.clock() - time).total_seconds()))

    def beat(self, lock_id: str) -> bool:
        """Let a lock beat now. False where its engine can't be reached; the next beat comes in any case."""
        with self._lock:
            held = self._held.get(lock_id)
        if held is None:
            return True
        # Before the call: whoever watches it sees it move later than that.
        at = (self._console.monotonic(), self._console.clock())
        try:
            held.session.set_restart(lock_id, RestartPolicy.ON_FAILURE, held.beat + 1)
        except EngineError as error:
            # That the lock is gone is noticed by whoever wants to change something.
            logger.info("a lock didn't beat: %s", error.title)
            return not error.unreachable
        held.beat, held.alive = held.beat + 1, at
        return True

    def _run(self, work: Work) -> None:
        works = {engine_id: partial(self._beat_on, engine_id, work) for engine_id in self._engine_ids}
        self._jobs.side_by_side(works, at_once=len(works))

    def _beat_on(self, engine_id: str, work: Work) -> None:
        while not work.wait(self._console.lock_times.every):
            with self._lock:
                there = [lock_id for lock_id, held in self._held.items() if held.engine_id == engine_id]
            for lock_id in there:
                if work.stopped or not self.beat(lock_id):
                    break


def settle_side_by_side(
    console: Console, jobs: Jobs, targets: Collection[Target], settle: Callable[[Target, Heartbeat], None], at_once: int
) -> None:
    """Settle what was left of targets, so many at once, while the locks that are taken for it beat.

    Raises what the first that failed has raised, once all have ended.
    """
    with Heartbeat(console, jobs, [target.planned.engine_id for target in targets]) as heart:
        works = {target.environment_id: partial(settle, target, heart) for target in targets}
        outcomes = jobs.side_by_side(works, at_once=at_once)
    for outcome in outcomes.values():
        if isinstance(outcome, Exception):
            raise outcome
