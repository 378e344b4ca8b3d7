"""Deciding: what a person says is to become of targets that failed, for all that have one cause at once.

What is there is read from the engines first: minutes or days may lie between a failure and the word of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import assert_never

from mirror_console.domain.rollout import (
    AFTER,
    BY_A_PERSON,
    ENDED,
    Rollout,
    RolloutState,
    Target,
    TargetState,
    end_state,
)
from mirror_console.domain.undecided import after_deciding, failed_words, not_now_words
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached_now
from mirror_console.operations.breaking_off import never
from mirror_console.operations.companion_scene import told_by_new
from mirror_console.operations.console import Console
from mirror_console.operations.heartbeat import Heartbeat, settle_side_by_side
from mirror_console.operations.last_look import look_last
from mirror_console.operations.late_calls import expect_late
from mirror_console.operations.leaving import leave_or_put_back
from mirror_console.operations.left_behind import is_down
from mirror_console.operations.pruned import look_with_told
from mirror_console.operations.put_back import put_back, recorded
from mirror_console.operations.reaching import session_for
from mirror_console.operations.running import Running
from mirror_console.operations.scene import look
from mirror_console.operations.taking_turns import settle
from mirror_console.operations.turn import StepFailed, Turn

AT_ONCE = 8
PASSED_OVER = frozenset({TargetState.FAILED, TargetState.PUT_BACK})
"""What failed and runs what it ran: a person may say that it is left out, and then it doesn't count as failed."""


class Decision(StrEnum):
    """What becomes of targets that failed."""

    RETRY = "retry"
    PUT_BACK = "put back"
    LEAVE = "leave"
    SKIP = "skip"
    """It is put back, and left out of the rollout: it doesn't count as failed any more."""


def decide_on(
    console: Console,
    jobs: Jobs,
    rollout_id: str,
    environment_ids: Collection[str],
    decision: Decision,
    report: Callable[[Rollout], None] = lambda _rollout: None,
    halts: Callable[[], bool] = never,
) -> Rollout:
    """Put back, leave or skip targets of a rollout that is paused or has ended. It stays so.

    Once it `halts`, what is in the middle is brought to its end, and of the rest nothing is changed. To try them again
    is for mirror_console.operations.retrying. Raises InvalidInput, NotAllowed and CatalogError.
    """
    rollout = claimed(console, rollout_id)
    if decision is Decision.RETRY:
        raise ValueError("trying again is begun, not decided")
    targets = [rollout.target(one) for one in environment_ids]
    asking = [target for target in targets if target.state is TargetState.UNDECIDED]
    over = [target for target in targets if target.state in PASSED_OVER] if decision is Decision.SKIP else []
    if not asking and not over:
        what = "failed or waits for a decision" if decision is Decision.SKIP else "waits for a decision"
        raise InvalidInput("Nothing was decided.", [Problem("targets", f"none of them {what}")], "Choose others.")
    running = Running(console, rollout, report)
    settle_undecided(console, jobs, running, asking, decision, halts)
    for target in () if halts() else over:
        words = f"{BY_A_PERSON}{console.person}{AFTER}{target.words}"
        running.keep(replace(target, state=TargetState.SKIPPED, words=words))
    return _ended_if_over(console, running, rollout)


def claimed(console: Console, rollout_id: str) -> Rollout:
    """A rollout that a person may decide about now. Raises InvalidInput and NotAllowed."""
    console.demand_write()
    with console.catalog.read() as books:
        rollout = books.rollouts.get(rollout_id)
    if rollout.state is RolloutState.PAUSED or rollout.state in ENDED:
        return rollout
    hint = "Pause it first." if rollout.state is RolloutState.RUNNING else "Recover it first: continue, or put back."
    problem = Problem("rollout", f"{rollout.plan.fingerprint} is {rollout.state}")
    raise InvalidInput("Only of a paused or ended rollout it can be decided what becomes of targets.", [problem], hint)


def _ended_if_over(console: Console, running: Running, before: Rollout) -> Rollout:
    """Where the last open target was decided about, the rollout has ended; it was paused for that alone.

    Where it was paused for those that waited for a decision, it says of how many it is now.
    """
    rollout = running.rollout
    if rollout.state in ENDED:
        return running.keep_head(state=end_state(rollout))
    if all(target.over for target in rollout.targets) and not rollout.count(TargetState.UNKNOWN):
        return running.keep_head(state=end_state(rollout), ended_at=console.clock(), paused_because="")
    if rollout.count(TargetState.UNKNOWN):
        because = "Contact was lost in mid-step."
        return running.keep_head(state=RolloutState.INTERRUPTED, ended_at=None, paused_because=because)
    return told_anew(running, before)


def told_anew(running: Running, before: Rollout) -> Rollout:
    """Have a paused rollout say who waits for a decision now, where it says who did `before`."""
    rollout = running.rollout
    waited, wait = ([one for one in which.targets if one.state is TargetState.UNDECIDED] for which in (before, rollout))
    words = after_deciding(rollout.paused_because, waited, wait)
    return rollout if words == rollout.paused_because else running.keep_head(paused_because=words)


def settle_undecided(
    console: Console,
    jobs: Jobs,
    running: Running,
    targets: Sequence[Target],
    decision: Decision,
    halts: Callable[[], bool] = never,
) -> Sequence[Target]:
    """Carry a decision out on targets that wait for one, side by side. Raises CatalogError, and Stopped.

    Once it `halts`, none is begun any more: returned are those that wait for a decision still, as it was halted.
    Broken off in the middle, it is recovered: so a rollout that had ended is one that is paused meanwhile.
    """
    left: list[Target] = []
    if targets and running.rollout.state in ENDED:
        running.keep_head(state=RolloutState.PAUSED, ended_at=None)

    def settle(target: Target, heart: Heartbeat) -> None:
        if halts():
            left.append(target)
            return
        _settle_one(console, running, target, decision, heart, lambda: jobs.cancelled_here)

    settle_side_by_side(console, jobs, targets, settle, min(AT_ONCE, running.rollout.plan.way.at_once))
    return left


def _settle_one(
    console: Console,
    running: Running,
    target: Target,
    decision: Decision,
    heart: Heartbeat,
    ends: Callable[[], bool],
) -> None:
    planned, rollout = target.planned, running.rollout
    try:
        engine = reached_now(console, planned.engine_id, planned.application_id)
        session = session_for(console, engine, planned)
        scene = look(session, planned, rollout.id)
    except EngineError as error:
        # It still waits: nothing was changed, and nothing is known that wasn't before.
        running.keep(replace(target, words=not_now_words(target, error.title)))
        return
    turn = Turn(console, engine, session, rollout.id, target, running.show, heart=heart, ends=ends)
    expect_late(turn, scene)
    turn.counts_on(down=is_down(scene, planned), held=target.state is TargetState.UNDECIDED)
    if scene.lock is not None and not turn.lock.adopt(scene.lock):
        words = "Another rollout holds the lock; nothing was changed here."
        turn.become(TargetState.SUPERSEDED, words, ended_at=console.clock())
        return
    settle(turn, lambda turn: _carry_out(turn, decision), because=failed_words(target))
    look_last(turn)


def _carry_out(turn: Turn, decision: Decision) -> None:
    """From what is there now to what was decided."""
    why, person = failed_words(turn.target), turn.console.person
    if not turn.lock_id and not _has_lock_again(turn):
        return
    match decision:
        case Decision.PUT_BACK:
            put_back(turn, why)
        case Decision.LEAVE:
            leave_or_put_back(turn, why)
        case Decision.SKIP | Decision.RETRY:
            put_back(turn, why)
            if turn.target.state not in PASSED_OVER:
                return
            if decision is Decision.SKIP:
                turn.become(TargetState.SKIPPED, f"{BY_A_PERSON}{person}{AFTER}{why}")
        case _:
            assert_never(decision)


def _has_lock_again(turn: Turn) -> bool:
    """Whether the lock, where it was let go or somebody pruned it, could be taken again. Else it stands as it stood.

    Without it nothing is changed. What is there may be down: it isn't said to have failed before anything was changed.
    """
    before = turn.target
    try:
        _take_lock_again(turn)
    except (StepFailed, EngineError) as refused:
        why = refused.words if isinstance(refused, StepFailed) else refused.title
        turn.become(before.state, not_now_words(before, why))
        return False
    return True


def _take_lock_again(turn: Turn) -> None:
    """Taken again, it tells what it told."""
    scene = look_with_told(turn.console, turn.session, turn.planned, turn.rollout_id)
    at_hand = scene.old or scene.new
    if at_hand is not None:
        turn.take_lock(at_hand.image_id, {**told_by_new(turn), **(scene.told or recorded(scene))})
