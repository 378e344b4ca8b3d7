"""The scenes of companions: what is there of the processes beside the one that serves.

How their old containers were stands on their new ones, and on the environment's lock under labels with their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.observation import LABEL, Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.operations.ports import EngineSession
from mirror_console.operations.scene import Scene, about_old, lock_name, look, old_ran, old_restart
from mirror_console.operations.turn import Turn

ABOUT = ("prev", "prev-restart", "prev-running")
"""The labels of a lock that tell how an old container was; those of a companion have its name behind them."""
GOES = LABEL + "prev-goes."
"""The label of a lock, with the name of a process behind it, that tells that its container is taken away."""


def scene_of(turn: Turn, companion: PlannedTarget) -> Scene:
    """What is there of a companion now."""
    return seen_at(turn.session, turn.target.planned, companion, turn.rollout_id)


def seen_at(session: EngineSession, target: PlannedTarget, companion: PlannedTarget, rollout_id: str) -> Scene:
    """What is there of a target's companion. Its lock is the environment's, read as if it told of this one alone."""
    scene = look(session, companion, rollout_id)
    return replace(scene, lock=_told_of(session.inspect(lock_name(target.container)), companion.process))


def as_it_was(scene: Scene) -> Container | None:
    """The old container of a companion as it was when the rollout came to it, by what the lock tells.

    A new one that is made again carries that on, although the old one was stopped meanwhile.
    """
    labels = scene.lock.labels if scene.lock is not None else {}
    if scene.old is None or LABEL + "prev" not in labels:
        return scene.old
    restart, retries = old_restart(labels) or (scene.old.restart, scene.old.restart_retries)
    state = State.RUNNING if old_ran(labels) else scene.old.state
    return replace(scene.old, state=state, restart=restart, restart_retries=retries)


def about_companions(turn: Turn) -> Mapping[str, str]:
    """How the old containers of the companions are before anything is changed, as labels of the lock."""
    leaving = going_of(turn.target.planned)
    found = {GOES + one.process: "yes" for one in leaving}
    for one in (*companions_of(turn.target.planned), *leaving):
        old = turn.inspect(one.before_container_id) if one.before_container_id else None
        found |= {f"{name}.{one.process}": value for name, value in about_old(old, one).items()}
    return found


def _told_of(lock: Container | None, process: str) -> Container | None:
    if lock is None:
        return None
    labels = {name: value for name, value in lock.labels.items() if not name.startswith(LABEL + "prev")}
    labels |= {
        LABEL + name: lock.labels[f"{LABEL}{name}.{process}"]
        for name in ABOUT
        if f"{LABEL}{name}.{process}" in lock.labels
    }
    return replace(lock, labels=labels)
