"""Recovery: after the console was cut off, say what was interrupted, and go on or put back, as a person chooses.

Until then nothing is changed. What is done is decided by what the engines show; the catalog tells what was intended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from mirror_console.domain.fetching import ARRIVED
from mirror_console.domain.recovery import Found
from mirror_console.domain.rollout import ENDED, OVER, WORKING, Rollout, RolloutState, Target, TargetState, end_state
from mirror_console.domain.way import OnFailure
from mirror_console.errors import CatalogError, ConsoleError, EngineError, InvalidInput, Problem
from mirror_console.jobs import Jobs, Stopped, Work
from mirror_console.operations.access import reached_now
from mirror_console.operations.console import Console
from mirror_console.operations.heartbeat import Heartbeat, settle_side_by_side
from mirror_console.operations.last_look import look_last
from mirror_console.operations.late_calls import expect_late, late_of, late_words
from mirror_console.operations.left_behind import found_at, is_down, is_taken, taken_words
from mirror_console.operations.left_commands import left_words
from mirror_console.operations.local_time import local
from mirror_console.operations.pruned import look_with_told
from mirror_console.operations.reaching import session_for
from mirror_console.operations.recovering import go_on_with, leave_taken, put_back_one
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.running import Running
from mirror_console.operations.scene import Scene, lock_on
from mirror_console.operations.standing import CUT_OFF, cut_off
from mirror_console.operations.taking_turns import settle
from mirror_console.operations.turn import Turn
from mirror_console.operations.wishing import wish_for

AT_ONCE = 16
GOES_ON = "Gone on: what was cut off is brought to an end first."
PUTS_BACK = "Put back: what was cut off gets back what it ran, and nothing more is begun."
"""What a rollout says while it is recovered, and the audit and the report of the choice."""
NOT_SETTLED = "Not all that was cut off could be put back."
MARK_AGAIN = 5.0
"""Seconds between two attempts to keep in the catalog that a rollout broke off."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Interruption:
    """A rollout that was cut off."""

    rollout: Rollout
    words: str
    in_between: tuple[Target, ...]
    """Targets of which it isn't known how far they got."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at the engine says of one target that was cut off."""

    target: Target
    found: Found | None
    """None where the engine couldn't be asked."""
    words: str
    down: bool = False


def interrupted(console: Console, running: Collection[str] = ()) -> tuple[Interruption, ...]:
    """Rollouts that were left in the middle, by an earlier run of the program or by this one. Marks them so.

    `running` are the ids of those that this program carries out now. Changes no engine. Only to be called while this
    program holds the catalog: then nobody else can be carrying any out.
    """
    with console.catalog.read() as books:
        left = [rollout for rollout in books.rollouts.unfinished() if _was_left(console, rollout, running)]
    return tuple(_interruption(_mark(console, rollout)) for rollout in left)


def _was_left(console: Console, rollout: Rollout, running: Collection[str]) -> bool:
    if rollout.state is RolloutState.INTERRUPTED or rollout.id in running:
        return rollout.state is RolloutState.INTERRUPTED
    if rollout.state is RolloutState.PAUSED:
        # What a person had decided about one of its targets was being carried out.
        return rollout.count(*WORKING) > 0
    # Taking a lock over marks itself where it breaks off.
    takes_over = rollout.console == console.run and any(target.planned.taken_from for target in rollout.targets)
    return not takes_over


def _mark(console: Console, rollout: Rollout) -> Rollout:
    if rollout.state is RolloutState.INTERRUPTED:
        return rollout
    marked = cut_off(rollout)
    with console.catalog.write() as books:
        books.rollouts.save_head(marked)
    return marked


def broke_off(rollout: Rollout) -> bool:
    """Whether a rollout that nobody carries out any more stands as if somebody did."""
    working = rollout.state is RolloutState.PAUSED and rollout.count(*WORKING) > 0
    return working or rollout.state is RolloutState.RUNNING


def mark_broken_off(console: Console, rollout_id: str, because: str) -> Rollout:
    """Mark a rollout as interrupted that broke off in this run of the program; how it stands then.

    Where it broke off because the catalog could not be written, that could not be kept at once. Only to be called
    where nobody carries it out any more. Raises CatalogError where it still can't be written.
    """
    with console.catalog.read() as books:
        rollout = books.rollouts.get(rollout_id)
    if not broke_off(rollout):
        return rollout
    marked = replace(cut_off(rollout), paused_because=because)
    with console.catalog.write() as books:
        books.rollouts.save_head(marked)
    return marked


def mark_once_there_is_room(console: Console, rollout_id: str, because: str, work: Work) -> Rollout:
    """The same, tried again until the catalog can be written. Raises Stopped."""
    while True:
        try:
            return mark_broken_off(console, rollout_id, because)
        except CatalogError as error:
            logger.info("the interruption could not be noted: %s", error.title)
            if work.wait(MARK_AGAIN):
                raise Stopped from error


def _interruption(rollout: Rollout) -> Interruption:
    unsure = tuple(target for target in rollout.targets if _unsure(target))
    done = rollout.count(TargetState.DONE, TargetState.ALREADY)
    waiting = rollout.count(TargetState.QUEUED)
    words = (
        f"Rollout {rollout.plan.fingerprint} to {rollout.plan.environment} was interrupted: {done} done, "
        f"{len(unsure)} in between, {waiting} waiting. {_of_fetches(rollout)}Nothing is changed until you choose."
    )
    return Interruption(rollout, words, unsure)


def _of_fetches(rollout: Rollout) -> str:
    """Whether it was cut off while images were brought ahead, when no target is begun."""
    if not rollout.fetches_ahead:
        return ""
    there = sum(fetch.state in ARRIVED for fetch in rollout.fetches)
    return f"Images were on their way to engines ({there} of {len(rollout.fetches)} there); no target was begun. "


def _unsure(target: Target) -> bool:
    return target.state is TargetState.UNKNOWN or target.state not in OVER | {TargetState.QUEUED}


def examine(console: Console, jobs: Jobs, rollout: Rollout) -> tuple[Finding, ...]:
    """Look at every target that was cut off. Changes nothing. Those that are down come first."""
    unsure = [target for target in rollout.targets if _unsure(target)]
    works = {target.environment_id: _examiner(console, rollout, target) for target in unsure}
    outcomes = jobs.side_by_side(works, at_once=AT_ONCE)
    findings = []
    for target in unsure:
        outcome = outcomes[target.environment_id]
        if isinstance(outcome, EngineError):
            # It stands in a sentence, as what was found elsewhere does.
            findings.append(Finding(target, None, outcome.title.rstrip(".")))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            findings.append(outcome)
    return tuple(sorted(findings, key=lambda finding: not finding.down))


def _examiner(console: Console, rollout: Rollout, target: Target) -> Callable[[], Finding]:
    def examine_one() -> Finding:
        planned = target.planned
        engine = reached_now(console, planned.engine_id, planned.application_id)
        session = session_for(console, engine, planned)
        scene = look_with_told(console, session, target.planned, rollout.id)
        if is_taken(session, scene, planned, rollout.id):
            return Finding(target, None, taken_words(planned))
        found, down = found_at(session, scene, planned, rollout.id), is_down(scene, planned)
        with console.catalog.read() as books:
            begun = left_words(books, rollout.id, target.environment_id)
        late = late_words(console, late_of(console, rollout.id, target, scene))
        words = [str(found), "it is down now" if down else "", begun, late]
        return Finding(target, found, "; ".join(filter(None, words)), down)

    return examine_one


# --- what a person chooses ------------------------------------------------------------------------------------------


def go_on(
    console: Console,
    jobs: Jobs,
    rollout_id: str,
    report: Callable[[Rollout], None] = lambda _rollout: None,
) -> Conductor:
    """Re-read and continue: bring every target that was cut off to one end or the other, then let the rest go on.

    What was committed is finished; what runs unverified is verified; what was half done is put back first and then
    begun anew. The rest is all that waits, also where it was cut off while only some were tried again: nobody has
    passed a pause or accepted a failure by that. Returns the conductor of the rest, ready to run.
    """
    with _claimed(console, rollout_id, GOES_ON, report) as claimed:
        _settle_all(console, jobs, claimed, go_on_with, report, claimed.plan.way.on_failure)
        with console.catalog.write() as books:
            # All of it once more: whoever looked for what was cut off just as it was claimed may have marked it.
            rollout = replace(
                books.rollouts.get(rollout_id), state=RolloutState.RUNNING, paused_because="", console=console.run
            )
            books.rollouts.save_head(rollout)
        conductor = Conductor(console, jobs, rollout, report)
        if (wished := wish_for(console, rollout_id)) is not None:
            # Before it runs: of the rest nothing is begun then.
            conductor.heed(wished)
    report(rollout)
    return conductor


def put_back(
    console: Console,
    jobs: Jobs,
    rollout_id: str,
    report: Callable[[Rollout], None] = lambda _rollout: None,
) -> Rollout:
    """Put every target back that was cut off, begin no others, and end the rollout."""
    with _claimed(console, rollout_id, PUTS_BACK, report) as claimed:
        _settle_all(console, jobs, claimed, put_back_one, report)
        # Whatever was wished meanwhile: it ends with this.
        wish_for(console, rollout_id)
        rollout = end(console, rollout_id, NOT_SETTLED)
    report(rollout)
    return rollout


def end(console: Console, rollout_id: str, unsettled: str = "") -> Rollout:
    """End a rollout of which nothing more is begun. With a target that is unknown it is interrupted, as `unsettled`
    says."""
    with console.catalog.write() as books:
        rollout = books.rollouts.get(rollout_id)
        for target in rollout.targets:
            if target.state is TargetState.QUEUED:
                words = "the rollout was put back before"
                books.rollouts.save_target(rollout_id, replace(target, state=TargetState.NOT_STARTED, words=words))
        rollout = books.rollouts.get(rollout_id)
        state = end_state(rollout)
        ended_at = console.clock() if state in ENDED else None
        because = "" if state in ENDED else unsettled or rollout.paused_because
        rollout = replace(rollout, state=state, ended_at=ended_at, paused_because=because)
        books.rollouts.save_head(rollout)
    return rollout


@contextmanager
def _claimed(console: Console, rollout_id: str, chosen: str, report: Callable[[Rollout], None]) -> Iterator[Rollout]:
    """The rollout, carried out by this console from here on: what was chosen is kept before anything is changed.

    Others see so that somebody works on it, and being cut off once more is told as that. Where it breaks off, it is an
    interrupted one again.
    """
    console.demand_write()
    # What is still wished for was meant for an earlier time that it ran here.
    wish_for(console, rollout_id)
    with console.catalog.write() as books:
        rollout = books.rollouts.get(rollout_id)
        if rollout.state is not RolloutState.INTERRUPTED:
            problem = Problem("rollout", f"it is {rollout.state}")
            raise InvalidInput("Only an interrupted rollout can be recovered.", [problem])
        claimed = replace(rollout, state=RolloutState.RUNNING, paused_because=chosen, console=console.run)
        books.rollouts.save_head(claimed)
    report(claimed)
    try:
        yield claimed
    except Exception as error:
        because = error.title if isinstance(error, ConsoleError) else CUT_OFF
        # Where it can't be written, whoever has it recovered marks it later, or whoever looks for what was cut off.
        with suppress(CatalogError):
            with console.catalog.write() as books:
                left = replace(books.rollouts.get(rollout_id), state=RolloutState.INTERRUPTED, paused_because=because)
                books.rollouts.save_head(left)
            report(left)
        raise


def _settle_all(
    console: Console,
    jobs: Jobs,
    rollout: Rollout,
    work: Callable[[Turn, Scene], None],
    report: Callable[[Rollout], None],
    on_failure: OnFailure = OnFailure.PUT_BACK,
) -> None:
    running = Running(console, rollout, report)

    def settle(target: Target, heart: Heartbeat) -> None:
        _settle_one(console, running, target, work, on_failure, heart, lambda: jobs.cancelled_here)

    settle_side_by_side(console, jobs, [target for target in rollout.targets if _unsure(target)], settle, AT_ONCE)


def _settle_one(
    console: Console,
    running: Running,
    target: Target,
    work: Callable[[Turn, Scene], None],
    on_failure: OnFailure,
    heart: Heartbeat,
    ends: Callable[[], bool],
) -> None:
    planned, rollout = target.planned, running.rollout
    try:
        engine = reached_now(console, planned.engine_id, planned.application_id)
        session = session_for(console, engine, planned)
        scene = look_with_told(console, session, planned, rollout.id)
    except EngineError as error:
        running.keep(replace(target, state=TargetState.UNKNOWN, words=error.title))
        return
    way = rollout.plan.way
    turn = Turn(console, engine, session, rollout.id, target, running.show, way.bake, way.health_limit, heart=heart)
    turn.ends = ends
    expect_late(turn, scene)
    turn.counts_on(down=is_down(scene, planned), held=False)
    if scene.lock is not None and not turn.lock.adopt(scene.lock):
        held = lock_on(scene.lock, planned.container).words(local(console.clock()))
        turn.become(TargetState.SUPERSEDED, f"{held}, not this rollout. Nothing was changed here.")
        return

    def carry_out(turn: Turn) -> None:
        taken = is_taken(session, scene, planned, rollout.id)
        (leave_taken if taken else work)(turn, scene)

    settle(turn, carry_out, on_failure)
    look_last(turn)
