"""A service of a Swarm as a target's turn sees it: whose it is now, what it was before, and what a look says of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mirror_console.domain.observation import LABEL, Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.recovery import Found
from mirror_console.domain.service_update import (
    Meant,
    classify_service,
    is_updated,
    same_image,
)
from mirror_console.domain.steps import Step
from mirror_console.domain.swarm import SwarmService, Task
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.scene import ILL_BEFORE, Scene, about_old
from mirror_console.operations.turn import StepFailed, Turn

OTHERS_DECIDED = "'{}' was given another image by somebody else; what runs is left as it is"
STACK_FIRST = "deploy its stack again ('docker stack deploy'), then check the mirror and roll out to it anew"
"""What helps where a service is gone: the console never makes one."""
PREV_IMAGE, PREV_VERSION, PREV_ROLLOUT = LABEL + "prev-image", LABEL + "prev-version", LABEL + "prev-rollout"
"""The labels that tell what a service was before: its image, its version, and the rollout that made it so."""


def found_service(session: EngineSession, scene: Scene, planned: PlannedTarget, rollout_id: str) -> Found:
    """What a look at a service says of a target that was cut off. Nothing is changed."""
    service = service_of(session, planned)
    tasks = session.swarm_tasks(service.id) if service is not None else []
    locked = scene.lock is not None and scene.lock.labels.get(LABEL + "rollout") == rollout_id
    former = planned.taken_from
    return classify_service(
        service,
        tasks,
        planned.reference,
        former.rollout_id if former is not None else rollout_id,
        locked=locked or former is not None,
    )


def is_changed_by_others(session: EngineSession, scene: Scene, planned: PlannedTarget, rollout_id: str) -> bool:
    """Whether a service has neither the image of before nor the one of this rollout: somebody else decided."""
    service = service_of(session, planned)
    if service is None or scene.old is None:
        return False
    former = planned.taken_from
    ours = is_updated(service, planned.reference, former.rollout_id if former is not None else rollout_id)
    before = image_before(planned, told_of_before(scene))
    return not ours and bool(before) and not same_image(service.image, before)


def about_service(there: Container, service: SwarmService, planned: PlannedTarget) -> dict[str, str]:
    """How a service is before it is updated, as labels of the lock: whoever puts back needs no journal for it."""
    none = there.state is State.CREATED
    partly = ILL_BEFORE if not none and there.state is not State.RUNNING else {}
    return {
        **about_old(there, planned),
        **partly,
        LABEL + "prev-running": "no" if none else "yes",
        PREV_IMAGE: service.image,
        PREV_VERSION: str(service.version),
        PREV_ROLLOUT: service.rollout,
    }


def told_of_service(turn: Turn, scene: Scene) -> Mapping[str, str]:
    """What is told of how a service was before; where nothing is, and it wasn't updated yet, how it is now."""
    told = told_of_before(scene)
    service = service_of(turn.session, turn.planned)
    if told or scene.old is None or service is None or is_ours(turn, service):
        return told
    return about_service(scene.old, service, turn.planned)


def image_before(planned: PlannedTarget, labels: Mapping[str, str]) -> str:
    """The image that a service had before, as its specification had it."""
    return labels.get(PREV_IMAGE) or planned.before_image_id


def service_of(session: EngineSession, planned: PlannedTarget) -> SwarmService | None:
    """The service of a target as it is now; None where it is gone."""
    return session.swarm_service(planned.before_container_id)


def told_of_before(scene: Scene) -> Mapping[str, str]:
    """What the lock tells of how it was; where it was pruned, what the service's tasks or the journal do."""
    if scene.lock is not None and scene.lock.labels.get(PREV_IMAGE):
        return scene.lock.labels
    if scene.told:
        return scene.told
    return scene.new.labels if scene.new is not None else {}


def service_there(turn: Turn, step: Step) -> SwarmService:
    """The service of a target. Raises StepFailed where it is gone."""
    service = service_of(turn.session, turn.planned)
    if service is None:
        raise StepFailed(step, f"the service is gone; {STACK_FIRST}")
    return service


def whose(turn: Turn) -> str:
    """The rollout that tasks of this update tell: of one that was taken over, the other console's."""
    former = turn.planned.taken_from
    return former.rollout_id if former is not None else turn.rollout_id


def is_ours(turn: Turn, service: SwarmService) -> bool:
    """Whether a service is what this update made of it."""
    return is_updated(service, turn.planned.reference, whose(turn))


def left_tasks(turn: Turn, tasks: Collection[Task]) -> bool:
    """Whether the update had begun, as tasks of it show that ended since."""
    meant = Meant(turn.planned.reference, whose(turn))
    return any(meant(one) for one in tasks)


def image_of(turn: Turn) -> str:
    """The image that is brought."""
    return turn.planned.reference
