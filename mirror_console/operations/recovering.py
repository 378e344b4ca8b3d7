"""Recovering: bring one target that was cut off to one end or the other, from what a look at its engine says.

The engine is the truth. Each part looks first, and does what isn't done yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from mirror_console.domain.recovery import NOT_LOCKED, Found
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import EngineError
from mirror_console.operations import companions
from mirror_console.operations.beside import switch
from mirror_console.operations.companion_scene import told_by_new
from mirror_console.operations.containers import arm_new, commit, name_new, start_new, verify
from mirror_console.operations.in_place import about_granted, finish_change, granted_before
from mirror_console.operations.last_look import end_well
from mirror_console.operations.left_behind import found_at, is_taken, taken_words
from mirror_console.operations.left_commands import left_by_other, settle_left
from mirror_console.operations.put_back import put_back, recorded
from mirror_console.operations.scene import Scene, about_old
from mirror_console.operations.service_update import finish_update
from mirror_console.operations.steps import remove
from mirror_console.operations.swap import finish
from mirror_console.operations.swarm_seen import STACK_FIRST, told_of_service
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Turn


def go_on_with(turn: Turn, scene: Scene) -> None:
    """Go on: what was committed is finished, what runs is verified, what was half done is put back and waits anew."""
    if turn.planned.taken_from is not None:
        reconcile(turn, scene)
        return
    found = found_at(turn.session, scene, turn.planned, turn.rollout_id)
    _hold_lock(turn, scene, found)
    refused = settle_left(turn, _about(turn, scene))
    match found:
        case Found.NOT_BEGUN | Found.HALF_DONE if refused:
            put_back(turn, refused)
        case Found.NOT_BEGUN | Found.HALF_DONE:
            put_back(turn, "cut off; begun anew")
            if turn.target.state is TargetState.STRANDED:
                return
            turn.become(TargetState.QUEUED, attempt=turn.target.attempt + 1, started_at=None, ended_at=None)
        case Found.UNVERIFIED | Found.ROUTED | Found.CHANGED | Found.UPDATED | Found.COMMITTED:
            _finish_new(turn, scene)
        case Found.FINISHED:
            _note_finished(turn, scene)
        case Found.LOST:
            _note_lost(turn)
        case _:
            assert_never(found)


def put_back_one(turn: Turn, scene: Scene) -> None:
    """Put back what isn't finished."""
    found = found_at(turn.session, scene, turn.planned, turn.rollout_id)
    _hold_lock(turn, scene, found)
    refused = settle_left(turn, _about(turn, scene))
    match found:
        case Found.FINISHED:
            _note_finished(turn, scene)
        case Found.LOST:
            _note_lost(turn)
        case _:
            put_back(turn, refused or "cut off, and put back as you chose")


def reconcile(turn: Turn, scene: Scene) -> None:
    """Bring what another console left in the middle to an end, under its lock that was taken over.

    What was verified and committed is finished, as its console would have done. All else goes back: what that rollout
    brings was no choice of whoever took it over.
    """
    if is_taken(turn.session, scene, turn.planned, turn.rollout_id):
        leave_taken(turn, scene)
        return
    found = found_at(turn.session, scene, turn.planned, turn.rollout_id)
    match found:
        case Found.NOT_BEGUN | Found.HALF_DONE | Found.UNVERIFIED | Found.ROUTED | Found.CHANGED | Found.UPDATED:
            former = turn.planned.taken_from
            why = f"left in the middle by {former.holder if former else 'another console'}"
            put_back(turn, "; ".join(filter(None, (why, left_by_other(turn)))))
        case Found.COMMITTED | Found.FINISHED:
            _finish_new(turn, scene)
        case Found.LOST:
            _note_lost(turn)
        case _:
            assert_never(found)


def leave_taken(turn: Turn, scene: Scene) -> None:
    """Somebody has put another container there: what runs is left as it is, and only our leftovers are taken away."""
    if turn.lock_id:
        if scene.new is not None and scene.new.started_at is None and turn.planned.swap is not Swap.SERVICE:
            remove(turn, Step.REMOVE_NEW, scene.new.id, "new")
        companions.take_away_unused(turn)
        turn.release_lock()
    turn.become(TargetState.SUPERSEDED, taken_words(turn.planned), ended_at=turn.console.clock())


def _finish_new(turn: Turn, scene: Scene) -> None:
    """Bring a new container that took over already to its end: verify it again, then what is left of the swap."""
    if _finish_same(turn, scene):
        return
    if scene.new is None:
        raise StepFailed(Step.VERIFY, "the new container is gone")
    turn.become(TargetState.VERIFYING)
    started = start_new(turn, scene.new)
    arm_new(turn, started)
    verify(turn, started)
    if scene.old is not None and turn.planned.swap is Swap.BESIDE:
        switch(turn, scene.old, started)
    companions.take_over(turn, started)
    way_back = scene.old.id if scene.old else ""
    if scene.old is not None and scene.old.name == turn.planned.container:
        way_back = commit(turn, scene.old, started)
    name_new(turn, started)
    companions.settle(turn)
    finish(turn, started, scene.old, way_back)


def _finish_same(turn: Turn, scene: Scene) -> bool:
    """Where no other container was made, bring what was changed of the same one to its end; whether it is so."""
    if scene.old is None:
        return False
    match turn.planned.swap:
        case Swap.IN_PLACE:
            finish_change(turn, scene.old)
        case Swap.SERVICE:
            finish_update(turn, scene.old)
        case _:
            return False
    return True


def _note_finished(turn: Turn, scene: Scene) -> None:
    """Nothing is left to change. That it is well is looked at once more: success is what was observed."""
    if _finish_same(turn, scene):
        return
    if scene.new is None:
        raise StepFailed(Step.VERIFY, "the new container is gone")
    turn.become(TargetState.VERIFYING)
    verify(turn, scene.new, guarded=bool(turn.lock_id))
    way_back = scene.old.id if scene.old else ""
    end_well(turn, scene.new, turn.target.verified_by, way_back)


def _note_lost(turn: Turn) -> None:
    words = "neither the old nor the new container is there any more; deploy this environment anew"
    if turn.planned.swap is Swap.SERVICE:
        words = f"the service is gone; {STACK_FIRST}"
    if turn.lock_id:
        turn.release_lock()
    turn.become(TargetState.STRANDED, words, ended_at=turn.console.clock())


def _hold_lock(turn: Turn, scene: Scene, found: Found) -> None:
    """Take the lock again where somebody pruned it and something is left to be changed, or only it told what is."""
    at_hand = scene.old or scene.new
    # Where the lock itself was on its way, nothing else is: it comes late, or it doesn't come.
    late = turn.late.left(turn.console.monotonic()) > 0 and Step.LOCK not in turn.late.steps
    untouched = found is Found.NOT_BEGUN and scene.new is None and not scene.told and not late
    if turn.lock_id or at_hand is None or found is Found.FINISHED or untouched:
        return
    try:
        turn.take_lock(at_hand.image_id, _about(turn, scene))
    except (StepFailed, EngineError) as refused:
        # Without it nothing is changed. What is there may be down: it isn't said to have failed before anything was.
        why = refused.words if isinstance(refused, StepFailed) else refused.title
        raise OutcomeUnknown(Step.LOCK, f"{NOT_LOCKED}: {why}") from refused


def _about(turn: Turn, scene: Scene) -> Mapping[str, str]:
    """How the old container was, as labels of a lock."""
    at_hand = scene.old or scene.new
    if scene.told:
        return {**told_by_new(turn), **scene.told}
    if turn.planned.swap is Swap.SERVICE:
        return told_of_service(turn, scene)
    if turn.planned.swap is Swap.IN_PLACE and at_hand is not None:
        return about_granted(at_hand, turn.planned, granted_before(turn.planned, {}, at_hand))
    of_serving = about_old(scene.old, turn.planned) if scene.new is None else recorded(scene)
    return {**told_by_new(turn), **of_serving}
