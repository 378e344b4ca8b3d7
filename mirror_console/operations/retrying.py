"""Retrying: a new attempt on the same rollout, for the targets that failed and for no others.

What was planned is what is tried again, after a fresh look: the checks of each target are asked anew before it is
begun, and one whose container isn't the planned one any more is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from mirror_console.domain.fetching import Fetch, FetchState
from mirror_console.domain.rollout import ENDED, OVER, Rollout, RolloutState, Target, TargetState, end_state
from mirror_console.domain.service_update import failures
from mirror_console.domain.stop_rule import past_waves
from mirror_console.domain.swap import Swap
from mirror_console.domain.trip import in_spite
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.access import reached_now
from mirror_console.operations.breaking_off import never
from mirror_console.operations.console import Console
from mirror_console.operations.containers import verify
from mirror_console.operations.deciding import AT_ONCE, Decision, claimed, settle_undecided, told_anew
from mirror_console.operations.last_look import end_well
from mirror_console.operations.left_commands import let_run_again
from mirror_console.operations.reaching import session_for
from mirror_console.operations.running import Running
from mirror_console.operations.scene import made_by
from mirror_console.operations.service_update import verify_update
from mirror_console.operations.starting import LET_IT_END, goes_back_now
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Turn

FAILED = frozenset(
    {
        TargetState.FAILED,
        TargetState.PUT_BACK,
        TargetState.LEFT,
        TargetState.STRANDED,
        TargetState.SUPERSEDED,
        TargetState.UNDECIDED,
    }
)
"""What is tried again where nobody says which. A skipped one must be named: a check or a person said no to it."""
PUT_BACK_FIRST = frozenset({TargetState.UNDECIDED, TargetState.STRANDED})
"""Where both containers may be there still: the old one is to serve again before anything is tried."""


def retry(
    console: Console,
    jobs: Jobs,
    rollout_id: str,
    environment_ids: Collection[str] = (),
    report: Callable[[Rollout], None] = lambda _rollout: None,
    halts: Callable[[], bool] = never,
) -> Rollout:
    """Let targets of a paused or ended rollout wait for their turn again: those that are named, or all that failed.

    One whose new container was left is only looked at again: where it is well by now, it is done. A stranded one is put
    back first, and stays stranded where that fails again. The rollout runs from then on, and is for a Conductor to
    carry out, which begins these targets and no others: what waits besides goes on only by resuming. Where nothing is
    to be begun it stays as it was, and so it does once it `halts`: what is in the middle is put back then, and no more.
    Raises InvalidInput, NotAllowed and CatalogError.
    """
    rollout = claimed(console, rollout_id)
    chosen = _chosen(rollout, environment_ids)
    _demand_alone(console, rollout, chosen)
    running = Running(console, rollout, report)
    settle_undecided(console, jobs, running, _in(chosen, *PUT_BACK_FIRST), Decision.RETRY, halts)
    _look_again(console, jobs, running, _in(chosen, TargetState.LEFT), halts)
    ids = [target.environment_id for target in chosen if target.state is not TargetState.LEFT]
    again = [
        target
        for target in running.rollout.targets
        if target.environment_id in ids and target.state in (FAILED | {TargetState.SKIPPED}) - PUT_BACK_FIRST
    ]
    if not again or halts():
        return _as_before(console, running, rollout)
    for target in again:
        running.show(_anew(target))
    now, tried = running.rollout, frozenset(target.environment_id for target in again)
    others_wait = any(one.state is TargetState.QUEUED and one.environment_id not in tried for one in now.targets)
    gone_on = replace(
        now,
        state=RolloutState.RUNNING,
        paused_because="",
        ended_at=None,
        # A planned pause stays one, for those that wait behind it.
        passed_gates=now.passed_gates if others_wait else past_waves(now),
        trips=in_spite(now.trips),
        console=console.run,
        fetches=_fetches(now, again),
        only=tried,
    )
    with console.catalog.write() as books:
        let_run_again(books, rollout_id, again, console.person)
        for target in again:
            books.rollouts.save_target(rollout_id, _anew(target))
        books.rollouts.save_fetches(rollout_id, gone_on.fetches)
        books.rollouts.save_head(gone_on)
    report(gone_on)
    return gone_on


def _chosen(rollout: Rollout, environment_ids: Collection[str]) -> list[Target]:
    # What another console left is brought to an end by taking over, and by nothing else. Of what was rolled back since
    # another container is there than the plan is for.
    own = [one for one in rollout.targets if one.planned.taken_from is None and not one.rolled_back]
    if environment_ids:
        wanted = FAILED | {TargetState.SKIPPED}
        chosen = [one for one in own if one.environment_id in environment_ids and one.state in wanted]
    else:
        chosen = [one for one in own if one.state in FAILED]
    if not chosen:
        back = any(one.rolled_back for one in rollout.targets)
        words = "none of them failed" + (" and wasn't rolled back since" if back else "")
        raise InvalidInput("Nothing is tried again.", [Problem("targets", words)], "Choose others.")
    return chosen


def _demand_alone(console: Console, rollout: Rollout, chosen: Sequence[Target]) -> None:
    """Raises InvalidInput where another rollout that isn't over has one of the targets, or takes this one back."""
    ids = {target.environment_id for target in chosen}
    with console.catalog.read() as books:
        others = [other for other in books.rollouts.unfinished() if other.id != rollout.id]
        words = goes_back_now(books, rollout.id)
    if words:
        raise InvalidInput("Nothing is tried again.", [Problem("rollout", words)], LET_IT_END)
    for other in others:
        taken = [one for one in other.targets if one.environment_id in ids and one.state not in OVER]
        if taken:
            words = f"rollout {other.plan.fingerprint} is {other.state} on {taken[0].planned.application}"
            raise InvalidInput("Nothing is tried again.", [Problem("rollout", words)], LET_IT_END)


def _in(targets: Sequence[Target], *states: TargetState) -> list[Target]:
    return [target for target in targets if target.state in states]


def _anew(target: Target) -> Target:
    """It waits for its turn again. For how long nothing served before counts on: the longest span is told."""
    again = Target(target.planned, attempt=target.attempt + 1)
    return replace(again, down_seconds=target.down_seconds, down_since=target.down_since)


def _fetches(rollout: Rollout, again: Sequence[Target]) -> tuple[Fetch, ...]:
    """Images that could not be brought ahead are brought again, for the targets that failed by it."""
    wanted = {(target.planned.engine_id, target.planned.fetched_by) for target in again}
    return tuple(
        Fetch(fetch.engine_id, fetch.engine, fetch.reference, fetch.title, fetch.targets)
        if fetch.state is FetchState.FAILED and (fetch.engine_id, fetch.reference) in wanted
        else fetch
        for fetch in rollout.fetches
    )


def _as_before(console: Console, running: Running, before: Rollout) -> Rollout:
    """Nothing waits for a turn: all that was to be done was to look, or to put back."""
    rollout = running.rollout
    if not all(target.over for target in rollout.targets):
        return told_anew(running, before)
    state = end_state(rollout)
    ended_at = (rollout.ended_at or console.clock()) if state in ENDED else None
    return running.keep_head(
        state=state, ended_at=ended_at, paused_because="" if state in ENDED else "Contact was lost."
    )


# --- new containers that were left ----------------------------------------------------------------------------------


def _look_again(
    console: Console, jobs: Jobs, running: Running, left: Sequence[Target], halts: Callable[[], bool]
) -> None:
    def one(target: Target) -> Callable[[], None]:
        return lambda: None if halts() else _look_at(console, running, target)

    works = {target.environment_id: one(target) for target in left}
    for outcome in jobs.side_by_side(works, at_once=AT_ONCE).values():
        if isinstance(outcome, Exception):
            raise outcome


def _look_at(console: Console, running: Running, target: Target) -> None:
    """Whether a new container that was left is well by now. Nothing is changed on the engine."""
    planned, rollout = target.planned, running.rollout
    attempt = replace(target, attempt=target.attempt + 1, started_at=console.clock(), ended_at=None)
    try:
        engine = reached_now(console, planned.engine_id, planned.application_id)
        session = session_for(console, engine, planned)
        named = session.inspect(planned.container)
    except EngineError as error:
        running.keep(replace(target, attempt=attempt.attempt, words=f"it could not be looked at again: {error.title}"))
        return
    if named is None or not made_by(named, planned, rollout.id):
        words = f"'{planned.container}' isn't the container any more that was left"
        running.keep(replace(target, attempt=attempt.attempt, words=words))
        return
    turn = Turn(console, engine, session, rollout.id, attempt, running.show)
    try:
        turn.become(TargetState.VERIFYING)
        if planned.swap is Swap.SERVICE:
            verify_update(turn, failures(session.swarm_tasks(named.id)), guarded=False)
        else:
            verify(turn, named, guarded=False)
        end_well(turn, named, turn.target.verified_by, target.way_back)
    except StepFailed as failed:
        turn.become(TargetState.LEFT, f"{failed.step}: {failed.words}", ended_at=console.clock())
    except (OutcomeUnknown, EngineError) as error:
        turn.become(TargetState.LEFT, f"it could not be looked at again: {error}", ended_at=console.clock())
