"""Vigil: while a rollout waits for a person, the locks of its targets that aren't settled go on beating.

Else other consoles would see a lock whose heart stands still, and take over what is only thought about here. It beats
as long as this console lives, and until what was chosen is carried out: that has a heart of its own. Of what an earlier
run left in the middle nothing is touched before a person has chosen.
"""

from __future__ import annotations

import logging
import threading

from mirror_console.domain.observation import LABEL
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached_now
from mirror_console.operations.console import Console
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.reaching import session_for
from mirror_console.operations.scene import lock_name

UNSETTLED = frozenset({TargetState.UNDECIDED, TargetState.UNKNOWN})
"""Targets that are left as they stand, with their lock, until a person has chosen."""

logger = logging.getLogger(__name__)


class Vigil:
    """The hearts of rollouts that wait for a decision. Every method is for any thread, and asks engines."""

    def __init__(self, console: Console, jobs: Jobs) -> None:
        self._console = console
        self._jobs = jobs
        self._lock = threading.Lock()
        self._hearts: dict[str, Heartbeat] = {}

    def keep(self, rollout: Rollout) -> int:
        """Begin to keep the locks of a rollout beating, where it waits for a decision; how many beat from now on.

        One that can't be asked for now is tried again with the next call.
        """
        self.leave(rollout.id)
        asking = [target for target in rollout.targets if target.state in UNSETTLED]
        if not asking or not self._waits_here(rollout):
            return 0
        heart = Heartbeat(self._console, self._jobs, [target.planned.engine_id for target in asking])
        held = sum(self._hold(heart, rollout.id, target) for target in asking)
        if held:
            with self._lock:
                self._hearts[rollout.id] = heart.__enter__()
        return held

    def _waits_here(self, rollout: Rollout) -> bool:
        """Whether it waits for a person at this console: paused, or broken off in this very run."""
        if self._console.read_only:
            return False
        broken_off = rollout.state is RolloutState.INTERRUPTED and rollout.console == self._console.run
        return rollout.state is RolloutState.PAUSED or broken_off

    def leave(self, rollout_id: str) -> None:
        """Let the hearts of a rollout be: it is gone on with, or decided about."""
        with self._lock:
            heart = self._hearts.pop(rollout_id, None)
        if heart is not None:
            heart.__exit__()

    def close(self) -> None:
        """Let all be: the program ends."""
        for rollout_id in list(self._hearts):
            self.leave(rollout_id)

    def _hold(self, heart: Heartbeat, rollout_id: str, target: Target) -> bool:
        """Whether the lock of a target is there and ours; then it beats."""
        planned = target.planned
        try:
            engine = reached_now(self._console, planned.engine_id, planned.application_id)
            session = session_for(self._console, engine, planned)
            lock = session.inspect(lock_name(planned.container))
        except EngineError as error:
            logger.info("the lock on %s could not be looked at: %s", planned.application, error.title)
            return False
        labels = lock.labels if lock is not None else {}
        ours = labels.get(LABEL + "catalog") == self._console.catalog.id and labels.get(LABEL + "rollout") == rollout_id
        if lock is None or not ours:
            return False
        heart.hold(lock.id, engine.id, session, lock.restart_retries)
        return heart.beat(lock.id)
