"""In place: the container stays, and its engine changes what it grants it while it runs: no restart, no downtime.

One call changes all of it at once, so that nothing can be half done. What it was granted before stands on the lock:
whoever puts back, here or from another console, needs no journal for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror_console.domain.in_place import Granted, earlier, earlier_label, granted_by, granted_to
from mirror_console.domain.late import HURTS_BACK, HURTS_FORWARD
from mirror_console.domain.observation import LABEL, Container, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.recovery import Found, classify_in_place
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.operations.begun_back import begun_back
from mirror_console.operations.containers import verify
from mirror_console.operations.last_look import end_well
from mirror_console.operations.late_calls import Kept, outlast
from mirror_console.operations.scene import Scene, about_old, old_ran
from mirror_console.operations.steps import grant, start
from mirror_console.operations.swap import bake, demand_as_planned
from mirror_console.operations.turn import StepFailed, Turn
from mirror_console.operations.well_again import await_well, ill_before, note_started


def change_in_place(turn: Turn) -> None:
    """Change what the container is granted, and prove that it is the same one, runs on and is well."""
    planned = turn.planned
    turn.become(TargetState.SWAPPING)
    there = turn.inspect(planned.before_container_id)
    if there is None:
        raise StepFailed(Step.LOCK, f"the container '{planned.container}' is gone")
    about = {**about_granted(there, turn.planned, granted_to(there)), **ill_before(turn, there)}
    turn.take_lock(there.image_id, about)
    demand_as_planned(turn)
    grant(turn, Step.CHANGE, there.id, granted_by(planned.settings), "same", turn.last_look(there.id))
    finish_change(turn, there)


def finish_change(turn: Turn, before: Container) -> None:
    """Verify a container that was changed, against how it was `before`, watch it, and let the lock go."""
    turn.become(TargetState.VERIFYING)
    # What was seen as the change was read back may be from before it took hold.
    turn.inspect(before.id)
    verify(turn, before, guarded=bool(turn.lock_id))
    if turn.lock_id:
        # Without it nothing is left to be done but to note it: it was baked under the lock.
        bake(turn, before)
    words = f"{turn.target.verified_by}; changed in place, without a restart"
    words += outlast(turn, HURTS_FORWARD, lambda: _kept(turn, before.id, granted_by(turn.planned.settings)))
    end_well(turn, before, words + turn.let_go(), "")


def change_back(turn: Turn, scene: Scene, why: str) -> None:
    """Give a container what it was granted before, and see that it runs as it did.

    Ends the target as *failed* where nothing was changed, as *stranded* where it had ended, was started again and isn't
    well, else as *put back*. Raises StepFailed, and Stopped where the program ends while its health is waited for.
    """
    there = scene.old
    if there is None:
        raise StepFailed(Step.CHANGE_BACK, "the container is gone, so that nothing can be put back")
    labels = scene.lock.labels if scene.lock is not None else {}
    before = granted_before(turn.planned, labels, there)
    began = begun_back(turn)
    touched = granted_to(there).differs_from(before) is not None or (old_ran(labels) and not there.running)
    if touched:
        turn.become(TargetState.PUTTING_BACK, why)
        grant(turn, Step.CHANGE_BACK, there.id, before, "same")
        if old_ran(labels):
            start(turn, Step.START_OLD, there.id, "same")
            note_started(turn, there.id, labels)
    came = outlast(turn, HURTS_BACK, lambda: _kept(turn, there.id, before, runs=old_ran(labels)))
    well = await_well(turn, there, labels)
    ended = TargetState.PUT_BACK if began or touched or came else TargetState.FAILED
    words = f"{why}{came}{turn.let_go()}" + (f". {well.words}" if well.words else "")
    turn.become(TargetState.STRANDED if well.stranded else ended, words, ended_at=turn.console.clock())


def _kept(turn: Turn, container_id: str, granted: Granted, *, runs: bool = True) -> list[Kept]:
    """How the container is to stay while late calls are outlasted."""
    seen = turn.inspect(container_id)
    if seen is None:
        raise StepFailed(Step.CHANGE, "the container is gone")
    wanted = replace(
        seen,
        name=turn.planned.container,
        state=State.RUNNING if runs else seen.state,
        limits=granted.limits,
        restart=granted.restart,
        restart_retries=granted.retries,
    )
    return [Kept(wanted, "same")]


def found_in_place(scene: Scene, planned: PlannedTarget, rollout_id: str) -> Found:
    """What a look at a container says that was to be changed in place."""
    locked = scene.lock is not None and scene.lock.labels.get(LABEL + "rollout") == rollout_id
    if scene.old is None:
        return Found.LOST
    before = granted_before(planned, scene.lock.labels if scene.lock is not None else scene.told, scene.old)
    return classify_in_place(granted_to(scene.old), before, granted_by(planned.settings), locked=locked)


def about_granted(container: Container, planned: PlannedTarget, before: Granted) -> dict[str, str]:
    """How a container is before it is changed in place, as labels of the lock."""
    return {**about_old(container, planned), **earlier_label(before)}


def granted_before(planned: PlannedTarget, labels: Mapping[str, str], container: Container) -> Granted:
    """What a container was granted before: as the lock says; else by its settings of then; else as it is now."""
    recorded = earlier(labels)
    if recorded is not None:
        return recorded
    return granted_by(planned.before_settings) if planned.before_settings is not None else granted_to(container)
