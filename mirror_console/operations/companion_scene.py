"""The scenes of companions: what is there of the processes beside the one that serves.

How their old containers were stands on their new ones, and on the environment's lock under labels with their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.observation import LABEL, Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.scene import Scene, about_old, lock_name, look, old_ran, old_restart
from mirror_console.operations.turn import Turn

ABOUT = ("prev", "prev-restart", "prev-running")
"""The labels of a lock that tell how an old container was; those of a companion have its name behind them."""
NOTHING: Mapping[str, str] = MappingProxyType({})
GOES = LABEL + "prev-goes."
"""The label of a lock, with the name of a process behind it, that tells that its container is taken away."""


def scene_of(turn: Turn, companion: PlannedTarget) -> Scene:
    """What is there of a companion now."""
    return seen_at(turn.session, turn.target.planned, companion, turn.rollout_id)


def seen_at(
    session: EngineSession,
    target: PlannedTarget,
    companion: PlannedTarget,
    rollout_id: str,
    told: Mapping[str, str] = NOTHING,
) -> Scene:
    """What is there of a target's companion. Its lock is the environment's, read as if it told of this one alone.

    Where that was pruned, `told` are the labels that it had.
    """
    scene, lock = look(session, companion, rollout_id), session.inspect(lock_name(target.container))
    if lock is None:
        return replace(scene, lock=None, told=_of_process(told, companion.process))
    return replace(scene, lock=replace(lock, labels=_of_process(lock.labels, companion.process)))


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


def told_by_new(turn: Turn) -> Mapping[str, str]:
    """What the new containers of companions tell of their old ones, as labels of a lock that is taken again."""
    found: dict[str, str] = {}
    for one in companions_of(turn.target.planned):
        new = scene_of(turn, one).new
        labels = new.labels if new is not None else {}
        found |= {f"{LABEL}{name}.{one.process}": labels[LABEL + name] for name in ABOUT if LABEL + name in labels}
    return found


def about_going(turn: Turn) -> Mapping[str, str]:
    """What the lock tells of processes that go, as labels for the new container that serves.

    Of them none is made that would tell it too, and somebody may prune the lock.
    """
    names = {one.process for one in going_of(turn.target.planned)}
    return {name: value for name, value in turn.lock.about.items() if name.rpartition(".")[2] in names}


def _of_process(labels: Mapping[str, str], process: str) -> Mapping[str, str]:
    others = {name: value for name, value in labels.items() if not name.startswith(LABEL + "prev")}
    return others | {
        LABEL + name: labels[f"{LABEL}{name}.{process}"] for name in ABOUT if f"{LABEL}{name}.{process}" in labels
    }
