"""Left behind: what a look at the containers of a target says that was cut off in the middle."""

from __future__ import annotations

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.observation import LABEL, Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.recovery import Found, Part, Seen, classify, classify_going, down_now, together
from mirror_console.domain.swap import Swap
from mirror_console.operations.companion_scene import seen_at
from mirror_console.operations.in_place import found_in_place
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.put_back import recorded
from mirror_console.operations.routing import is_on
from mirror_console.operations.scene import NEXT, PREV, Scene, old_aliases, old_aliases_now, old_ran, old_restart
from mirror_console.operations.swarm_seen import OTHERS_DECIDED, found_service, is_changed_by_others

TAKEN = "'{}' is a container now that this rollout doesn't know; what runs is left as it is"


def taken_words(planned: PlannedTarget) -> str:
    """That others decided since what runs there."""
    return (OTHERS_DECIDED if planned.swap is Swap.SERVICE else TAKEN).format(planned.container)


def found_at(session: EngineSession, scene: Scene, planned: PlannedTarget, rollout_id: str) -> Found:
    """How far a target got, all its processes together. Nothing is changed."""
    if planned.swap is Swap.IN_PLACE:
        return found_in_place(scene, planned, rollout_id)
    if planned.swap is Swap.SERVICE:
        return found_service(session, scene, planned, rollout_id)
    beside = [
        _classify_one(seen_at(session, planned, one, rollout_id, scene.told), one, rollout_id)
        for one in companions_of(planned)
    ]
    for one in going_of(planned):
        there = seen_at(session, planned, one, rollout_id, scene.told)
        old = _seen(there.old, there, one)
        if old is not None:
            beside.append(classify_going(old, old_ran=old_ran(recorded(there))))
    return together(_classify_one(scene, planned, rollout_id), beside)


def _classify_one(scene: Scene, planned: PlannedTarget, rollout_id: str) -> Found:
    labels = recorded(scene)
    return classify(
        planned.swap,
        _seen(scene.old, scene, planned),
        _seen(scene.new, scene, planned),
        locked=scene.lock is not None and scene.lock.labels.get(LABEL + "rollout") == rollout_id,
        old_ran=old_ran(labels),
    )


def _seen(container: Container | None, scene: Scene, planned: PlannedTarget) -> Seen | None:
    if container is None:
        return None
    places = {planned.container + NEXT: Part.NEXT, planned.container + PREV: Part.PREV}
    is_new = scene.new is not None and container.id == scene.new.id
    recorded_restart = old_restart(recorded(scene))
    wanted = planned.settings.restart if is_new else (recorded_restart[0] if recorded_restart else container.restart)
    return Seen(
        part=places.get(container.name, Part.NAMED if container.name == planned.container else Part.PREV),
        state=container.state,
        ever_started=container.started_at is not None,
        armed=container.restart is wanted,
        routed=_is_routed(container, scene, planned, is_new=is_new),
    )


def _is_routed(container: Container, scene: Scene, planned: PlannedTarget, *, is_new: bool) -> bool:
    route = planned.settings.route
    if planned.swap is not Swap.BESIDE or route is None or not route.by_alias:
        # Nothing can be taken from the old one but by stopping it.
        return not is_new
    if is_new:
        return is_on(container, route, [route.alias])
    return set(old_aliases(recorded(scene))) <= set(old_aliases_now(container, route))


def is_down(scene: Scene, planned: PlannedTarget) -> bool:
    """Whether nothing serves of what did before."""
    old, new = _seen(scene.old, scene, planned), _seen(scene.new, scene, planned)
    return down_now(old, new) and old_ran(recorded(scene)) and planned.swap is not Swap.CREATE


def is_taken(session: EngineSession, scene: Scene, planned: PlannedTarget, rollout_id: str) -> bool:
    """Whether the environment's container name has come to a container that is neither the old nor the new one.

    Of a service of a Swarm, whether it was given an image by others that is neither the one of before nor the planned.
    """
    if planned.swap is Swap.SERVICE and is_changed_by_others(session, scene, planned, rollout_id):
        return True
    ours = {found.id for found in (scene.old, scene.new) if found is not None}
    return scene.named is not None and scene.named.id not in ours
