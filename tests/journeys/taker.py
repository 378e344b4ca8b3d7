"""Two consoles on one environment, in processes of their own: one that falls asleep at a given instant, one that takes
its lock over.

Their locks have short times; but for that they are the program's own.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from mirror_console.app import opened
from mirror_console.domain.engine import Engine
from mirror_console.domain.lock import LockTimes
from mirror_console.errors import InvalidInput
from mirror_console.operations.permission import NOBODY
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.take_over import Watched, standing_words, take_over, watch
from tests.catalogs import opened_catalog
from tests.journeys.cutter import AT_ONCE, Scene, fill

TIMES = LockTimes(term=2.0, every=0.4, look_every=0.1, blind=1.0, wait=20.0, grace=1.0)
LATE = "late stop"
"""Falls asleep after the last look at the lock, right before the call that stops the old container is sent."""


def roll_out(scene: Scene, asleep_at: str, signal_name: str, *times: str) -> dict[str, Any]:
    """Roll out, and get a signal at a boundary: SIGSTOP falls asleep, SIGKILL ends. `times` are others for locks."""
    opened_catalog(Path(scene.home) / "catalog.sqlite").close()
    lock_times = replace(TIMES, term=float(times[0])) if times else TIMES

    def fall() -> None:
        # To this very thread: sent to the process, it may be another thread's to take, and this one goes on meanwhile.
        signal.raise_signal(getattr(signal, signal_name))

    def mark(boundary: str) -> None:
        if boundary == asleep_at:
            fall()

    with opened() as parts:
        fill(parts.console, scene)
        console = replace(parts.console, mark=mark, lock_times=lock_times)
        if asleep_at == LATE:
            engines: Any = _Late(console.engines, fall)
            console = replace(console, engines=engines)
        refresh(console, parts.jobs)
        made = plan(console, "live", ["mirror"], AT_ONCE)
        try:
            rollout = start(console, made, preflight(console, parts.jobs, made), "a test")
        except InvalidInput as refused:
            return {"target": "refused", "words": str(refused)}
        ended = Conductor(console, parts.jobs, rollout).run()
        (target,) = ended.targets
        return {"target": target.state.value, "words": target.words}


def take(scene: Scene) -> dict[str, Any]:
    """Watch the lock, and take it over once it stands still."""
    opened_catalog(Path(scene.home) / "catalog.sqlite").close()
    with opened() as parts:
        console = replace(parts.console, lock_times=TIMES)
        fill(console, scene)
        refresh(console, parts.jobs)
        watched: Watched = watch(console, scene.identity)
        words = standing_words(watched, console.clock())

        def report(rollout: Any) -> None:
            Path(scene.home, "doing").write_text(rollout.targets[0].words)

        try:
            ended = take_over(console, parts.jobs, watched, "a test", report)
        except InvalidInput as refused:
            return {"target": "refused", "words": str(refused), "seen": words}
        (target,) = ended.targets
        down = target.down_seconds
        return {"target": target.state.value, "words": target.words, "seen": words, "down": down}


class _Late:
    """The way to engines where the call that stops a container is sent late."""

    def __init__(self, engines: Any, fall: Any) -> None:
        self._engines = engines
        self._fall = fall

    def session(self, engine: Engine) -> Any:
        return _LateSession(self._engines.session(engine), self._fall)

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._engines, verb)


class _LateSession:
    def __init__(self, session: Any, fall: Any) -> None:
        self._session = session
        self._fall = fall

    def stop(self, container_id: str, seconds: int) -> None:
        # It is asked before whether anything may be stopped, by the id of no container.
        if container_id != NOBODY:
            self._fall()
        self._session.stop(container_id, seconds)

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._session, verb)
