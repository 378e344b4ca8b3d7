"""Tasks of a service: looked at until they are well or ill, or nothing has moved for too long; and how one is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection

from mirror_console.domain.environment import Settings
from mirror_console.domain.health import Judged, Verdict
from mirror_console.domain.image import parse_reference
from mirror_console.domain.request import RegistryLogin
from mirror_console.domain.service_update import (
    Before,
    Meant,
    brings_image,
    judge_tasks,
    progress,
    runs_any,
    same_image,
    too_many,
)
from mirror_console.domain.steps import Step
from mirror_console.domain.swarm import SwarmService, Task
from mirror_console.errors import EngineError, FailureKind, VaultError
from mirror_console.jobs import Stopped
from mirror_console.operations.swarm_seen import (
    is_ours,
    service_there,
)
from mirror_console.operations.turn import StepFailed, Turn

LOOK_EVERY = 0.5
"""Seconds between two looks at the tasks of a service."""
SPARE = 5.0
"""Seconds for which all run and some are too many: its Swarm takes them away at once, or not by itself."""
BRINGING = 900.0
"""Seconds for which a node may bring an image, without anything else moving."""


def await_tasks(
    turn: Turn,
    meant: Meant | Before,
    known: Collection[str],
    demand: Callable[[], None],
    *,
    back: bool = False,
    once: bool = False,
) -> Judged:
    """Look at the tasks of a service until they are well or ill, or nothing has moved for too long.

    A Swarm has no such limit: a task that no node can take waits for ever, and an update with it.
    """
    moved, last, state = turn.console.monotonic(), None, turn.target.state
    while True:
        service, tasks = look_at_tasks(turn, Step.VERIFY_OLD if back else Step.VERIFY)
        if runs_any(tasks):
            turn.serves_again()
        elif service.replicas != 0:
            turn.goes_down()
        judged = judge_look(turn, (service, tasks), meant, known, back=back)
        if judged.verdict is not Verdict.WAIT or once:
            return judged
        now, seen = turn.console.monotonic(), progress(service, tasks)
        if seen != last:
            moved, last = now, seen
        limit = _patience(turn, service, tasks)
        if now - moved >= limit:
            return Judged(Verdict.ILL, f"nothing moved for {limit:g} s: {judged.words}")
        if judged.words != turn.target.words:
            turn.become(state, judged.words)
        turn.keep()
        demand()
        turn.console.sleep(LOOK_EVERY)


def look_at_tasks(turn: Turn, step: Step) -> tuple[SwarmService, list[Task]]:
    """A service, and its tasks. Raises StepFailed where it is gone."""
    service = service_there(turn, step)
    return service, turn.session.swarm_tasks(service.id)


def judge_look(
    turn: Turn,
    seen: tuple[SwarmService, Collection[Task]],
    meant: Meant | Before,
    known: Collection[str],
    *,
    back: bool = False,
) -> Judged:
    """What a look says; a service that others have given something else isn't waited for."""
    service, tasks = seen
    others = not same_image(service.image, meant.image) if back else not is_ours(turn, service)
    if others:
        return Judged(Verdict.ILL, "somebody else has changed the service")
    return judge_tasks(service, tasks, meant, known, back=back)


def _patience(turn: Turn, service: SwarmService, tasks: Collection[Task]) -> float:
    """Seconds for which nothing needs to move: an old task may be stopping, a new one come to be healthy."""
    settings = turn.planned.settings
    limit = turn.health_limit or settings.health.limit
    if brings_image(tasks):
        limit = max(limit, BRINGING)
    stops = service.stop_seconds if service.stop_seconds is not None else settings.stop_seconds
    if too_many(service, tasks) and all(one.runs for one in tasks if one.wanted):
        limit = min(limit, SPARE)
    return limit + stops + monitor_seconds(settings) + service.delay


def going_on(turn: Turn) -> Callable[[], None]:
    """Demands that the rollout goes on, as long as nothing is committed."""
    return lambda: turn.demand_going_on(Step.VERIFY)


def not_ended(turn: Turn) -> Callable[[], None]:
    """Raises Stopped where the program ends: then it is recovered at the next start."""

    def demand() -> None:
        if turn.ends():
            raise Stopped

    return demand


def monitor_seconds(settings: Settings) -> float:
    """Seconds for which its Swarm watches a new task: as long as it is to settle."""
    return max(1.0, settings.health.settle)


def unless_changed(call: Callable[[], None]) -> None:
    """A service of another version by now is told by the look that follows."""
    try:
        call()
    except EngineError as error:
        if error.kind is not FailureKind.CONFLICT:
            raise


def login_of(turn: Turn, step: Step, image: str) -> RegistryLogin | None:
    """The account with which the nodes pull an image, which its Swarm keeps with the service: that of its registry."""
    try:
        return turn.console.login(parse_reference(image).registry) if image else None
    except VaultError as error:
        raise StepFailed(step, str(error)) from error
