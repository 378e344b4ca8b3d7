"""Companions: the other processes of an environment, rolled out in the turn of the one that serves, under its lock.

All new containers are made before anything is changed. Workers of the old version stop before the release command. The
others go when the new container that serves is well, and theirs come after it. Only when all are well is the old one
that serves renamed away, which is the commit point of them all: cut off before it, all go back; after it, all go on.
What is declared no more stops and goes with its like.
Each function looks first, and does what isn't done yet: whoever recovers goes on with the same ones.
"""

from __future__ import annotations

from collections.abc import Callable

from mirror_console.domain.companions import companions_of, going_of, workers_of
from mirror_console.domain.health import Verdict
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.operations import going
from mirror_console.operations.companion_scene import as_it_was, scene_of
from mirror_console.operations.containers import (
    arm_new,
    commit,
    disarm_old,
    judge_now,
    name_new,
    prepare,
    start_new,
    stop_old,
    verify,
)
from mirror_console.operations.scene import OLDER, is_way_back
from mirror_console.operations.steps import remove
from mirror_console.operations.turn import StepFailed, Turn

# --- before anything is changed --------------------------------------------------------------------------------------


def make(turn: Turn, image: Image) -> None:
    """Make the new containers that aren't there, none of them started. Raises StepFailed where one isn't as planned."""
    for one in companions_of(turn.target.planned):
        with turn.of(one):
            scene = scene_of(turn, one)
            if scene.new is not None:
                continue
            if (scene.named.id if scene.named is not None else "") != one.before_container_id:
                raise StepFailed(Step.CREATE, f"'{one.container}' is another container now than when it was planned")
            prepare(turn, image, as_it_was(scene))


def stop_workers(turn: Turn) -> None:
    """Stop the old workers: the release command changes the data that they would go on working on."""
    for one in workers_of(turn.target.planned):
        with turn.of(one):
            old = turn.inspect(one.before_container_id) if one.before_container_id else None
            if old is not None:
                turn.become(TargetState.SWAPPING, f"{one.process} stops")
                _stop(turn, old)


# --- after the one that serves is verified ---------------------------------------------------------------------------


def take_over(turn: Turn, serving: Container) -> None:
    """Have each new container take over from its old one, and prove that all are well. Names stay as they are.

    The new one that is `serving`, which was verified before, is looked at once more: that took its time.
    """
    going.stop_all(turn)
    started: list[tuple[PlannedTarget, Container]] = []
    for one in companions_of(turn.target.planned):
        with turn.of(one):
            scene = scene_of(turn, one)
            if scene.new is None:
                raise StepFailed(Step.START, "its new container is gone")
            turn.become(TargetState.SWAPPING, f"{one.process} is replaced")
            if scene.old is not None:
                _stop(turn, scene.old)
            new = start_new(turn, scene.new)
            arm_new(turn, new)
            started.append((one, new))
    for one, new in started:
        turn.become(TargetState.VERIFYING, one.process)
        with turn.of(one):
            verify(turn, new)
    if started:
        judged = judge_now(turn, serving, turn.inspect(serving.id))
        if judged.verdict is Verdict.ILL:
            raise StepFailed(Step.VERIFY, judged.words)


def settle(turn: Turn) -> None:
    """Name what has taken over, now that the one that serves is committed: this is gone through with."""
    turn.past_commit = True
    for one in companions_of(turn.target.planned):
        with turn.of(one):
            scene = scene_of(turn, one)
            if scene.new is None:
                raise StepFailed(Step.NAME, "its new container is gone")
            if scene.old is not None and scene.old.name == one.container:
                commit(turn, scene.old, scene.new)
            name_new(turn, scene.new)
    going.settle(turn)


def arm(turn: Turn) -> None:
    """Give back to the new ones the restart policies that somebody may have changed meanwhile."""
    for one in companions_of(turn.target.planned):
        new = turn.last_look_named(one.container)
        if new is not None:
            with turn.of(one):
                arm_new(turn, new)


def set_right(turn: Turn) -> None:
    """Give the new ones their names again, and take the old ones' restart policies, where somebody changed these."""
    beside, leaving = companions_of(turn.target.planned), going_of(turn.target.planned)
    for one in beside:
        with turn.of(one):
            new = scene_of(turn, one).new
            # Looked at now: a look that is young still may be from before somebody changed it.
            new = turn.inspect(new.id) if new is not None else None
            if new is not None:
                name_new(turn, new)
                arm_new(turn, new)
    for one in (*beside, *leaving):
        with turn.of(one):
            old = turn.inspect(one.before_container_id) if one.before_container_id else None
            if old is not None:
                disarm_old(turn, old)


def watched(turn: Turn) -> Callable[[], str | None]:
    """What says, while the one that serves is baked, which of the others isn't well; None where all are."""
    first = {one.process: turn.last_look_named(one.container) for one in companions_of(turn.target.planned)}

    def ill() -> str | None:
        for one in companions_of(turn.target.planned):
            started = first[one.process]
            if started is None:
                return f"{one.process}: its new container is gone"
            with turn.of(one):
                judged = judge_now(turn, started, turn.inspect(started.id))
            if judged.verdict is Verdict.ILL:
                return f"{one.process}: {judged.words}"
        return None

    return ill


def retire(turn: Turn) -> None:
    """Remove what is older than the ways back."""
    for one in (*companions_of(turn.target.planned), *going_of(turn.target.planned)):
        with turn.of(one):
            older = turn.last_look_named(one.container + OLDER)
            old = turn.last_look(one.before_container_id) if one.before_container_id else None
            if older is not None and is_way_back(older, one, old):
                remove(turn, Step.RETIRE, older.id, "older")


def take_away_unused(turn: Turn) -> None:
    """Remove new containers that were never started."""
    for one in companions_of(turn.target.planned):
        with turn.of(one):
            new = scene_of(turn, one).new
            if new is not None and new.started_at is None:
                remove(turn, Step.REMOVE_NEW, new.id, "new")


def _stop(turn: Turn, old: Container) -> None:
    disarm_old(turn, old)
    stop_old(turn, old)
