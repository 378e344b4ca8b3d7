"""Recovery: after the console was cut off, say what was interrupted, and go on or put back, as a person chooses.

Until then nothing is changed. What is done is decided by what the engines show; the catalog tells what was intended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.fetching import ARRIVED
from mirror_console.domain.observation import LABEL, Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.recovery import Found, Part, Seen, classify, classify_going, down_now, together
from mirror_console.domain.rollout import ENDED, OVER, Rollout, RolloutState, Target, TargetState, end_state
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import OnFailure
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations import companions
from mirror_console.operations.access import reached_now
from mirror_console.operations.beside import switch
from mirror_console.operations.companion_scene import seen_at
from mirror_console.operations.console import Console
from mirror_console.operations.containers import arm_new, commit, name_new, start_new, verify
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.in_place import about_granted, finish_change, found_in_place, granted_before
from mirror_console.operations.last_look import end_well, look_last
from mirror_console.operations.late_calls import expect_late
from mirror_console.operations.left_commands import left_by_other, left_words, settle_left
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.pruned import look_with_told
from mirror_console.operations.put_back import put_back as put_target_back
from mirror_console.operations.put_back import recorded
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.routing import is_on
from mirror_console.operations.running import Running
from mirror_console.operations.scene import (
    NEXT,
    PREV,
    Scene,
    about_old,
    lock_on,
    old_aliases,
    old_aliases_now,
    old_ran,
    old_restart,
)
from mirror_console.operations.standing import cut_off
from mirror_console.operations.steps import remove
from mirror_console.operations.swap import finish
from mirror_console.operations.taking_turns import settle
from mirror_console.operations.turn import StepFailed, Turn

AT_ONCE = 16
TAKEN = "'{}' is a container now that this rollout doesn't know; what runs is left as it is"


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
    if rollout.state is not RolloutState.RUNNING:
        return rollout.state is RolloutState.INTERRUPTED
    # Taking a lock over marks itself where it breaks off.
    takes_over = rollout.console == console.run and any(target.planned.taken_from for target in rollout.targets)
    return rollout.id not in running and not takes_over


def _mark(console: Console, rollout: Rollout) -> Rollout:
    if rollout.state is RolloutState.INTERRUPTED:
        return rollout
    marked = cut_off(rollout)
    with console.catalog.write() as books:
        books.rollouts.save_head(marked)
    return marked


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
        session = console.engines.session(reached_now(console, planned.engine_id, planned.application_id))
        scene = look_with_told(console, session, target.planned, rollout.id)
        if _is_taken(scene):
            return Finding(target, None, TAKEN.format(target.planned.container))
        found = _classify(scene, target.planned, rollout.id, session)
        old, new = _seen(scene.old, scene, target.planned), _seen(scene.new, scene, target.planned)
        down = down_now(old, new) and old_ran(recorded(scene)) and target.planned.swap is not Swap.CREATE
        with console.catalog.read() as books:
            begun = left_words(books, rollout.id, target.environment_id)
        words = [str(found), "it is down now" if down else "", begun]
        return Finding(target, found, "; ".join(filter(None, words)), down)

    return examine_one


def _classify(scene: Scene, planned: PlannedTarget, rollout_id: str, session: EngineSession) -> Found:
    if planned.swap is Swap.IN_PLACE:
        return found_in_place(scene, planned, rollout_id)
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


# --- what a person chooses ------------------------------------------------------------------------------------------


def go_on(
    console: Console,
    jobs: Jobs,
    rollout_id: str,
    report: Callable[[Rollout], None] = lambda _rollout: None,
) -> Conductor:
    """Re-read and continue: bring every target that was cut off to one end or the other, then let the rest go on.

    What was committed is finished; what runs unverified is verified; what was half done is put back first and then
    begun anew. Returns the conductor of the rest, ready to run.
    """
    rollout = _claim(console, rollout_id)
    _settle_all(console, jobs, rollout, _go_on_with, report, rollout.plan.way.on_failure)
    with console.catalog.write() as books:
        rollout = replace(
            books.rollouts.get(rollout_id), state=RolloutState.RUNNING, paused_because="", console=console.run
        )
        books.rollouts.save_head(rollout)
    report(rollout)
    return Conductor(console, jobs, rollout, report)


def put_back(
    console: Console,
    jobs: Jobs,
    rollout_id: str,
    report: Callable[[Rollout], None] = lambda _rollout: None,
) -> Rollout:
    """Put every target back that was cut off, begin no others, and end the rollout."""
    rollout = _claim(console, rollout_id)
    _settle_all(console, jobs, rollout, _put_back_one, report)
    rollout = end(console, rollout_id)
    report(rollout)
    return rollout


def end(console: Console, rollout_id: str) -> Rollout:
    """End a rollout of which nothing more is begun. With a target that is unknown it stays interrupted."""
    with console.catalog.write() as books:
        rollout = books.rollouts.get(rollout_id)
        for target in rollout.targets:
            if target.state is TargetState.QUEUED:
                words = "the rollout was put back before"
                books.rollouts.save_target(rollout_id, replace(target, state=TargetState.NOT_STARTED, words=words))
        rollout = books.rollouts.get(rollout_id)
        state = end_state(rollout)
        ended_at = console.clock() if state in ENDED else None
        because = "" if state in ENDED else rollout.paused_because
        rollout = replace(rollout, state=state, ended_at=ended_at, paused_because=because)
        books.rollouts.save_head(rollout)
    return rollout


def _claim(console: Console, rollout_id: str) -> Rollout:
    console.demand_write()
    with console.catalog.read() as books:
        rollout = books.rollouts.get(rollout_id)
    if rollout.state is not RolloutState.INTERRUPTED:
        problem = Problem("rollout", f"it is {rollout.state}")
        raise InvalidInput("Only an interrupted rollout can be recovered.", [problem])
    return rollout


def _settle_all(
    console: Console,
    jobs: Jobs,
    rollout: Rollout,
    work: Callable[[Turn, Scene], None],
    report: Callable[[Rollout], None],
    on_failure: OnFailure = OnFailure.PUT_BACK,
) -> None:
    running = Running(console, rollout, report)

    def one(target: Target, heart: Heartbeat) -> Callable[[], None]:
        return lambda: _settle_one(console, running, target, work, on_failure, heart, lambda: jobs.cancelled_here)

    unsure = [target for target in rollout.targets if _unsure(target)]
    with Heartbeat(console, jobs, [target.planned.engine_id for target in unsure]) as heart:
        works = {target.environment_id: one(target, heart) for target in unsure}
        outcomes = jobs.side_by_side(works, at_once=AT_ONCE)
    for outcome in outcomes.values():
        if isinstance(outcome, Exception):
            raise outcome


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
        session = console.engines.session(engine)
        scene = look_with_told(console, session, planned, rollout.id)
    except EngineError as error:
        running.keep(replace(target, state=TargetState.UNKNOWN, words=error.title))
        return
    way = rollout.plan.way
    turn = Turn(console, engine, session, rollout.id, target, running.show, way.bake, way.health_limit, heart=heart)
    turn.ends = ends
    expect_late(turn)
    if scene.lock is not None and not turn.lock.adopt(scene.lock):
        held = lock_on(scene.lock, planned.container).words(console.clock().astimezone())
        turn.become(TargetState.SUPERSEDED, f"{held}, not this rollout. Nothing was changed here.")
        return
    settle(turn, lambda turn: _leave(turn, scene) if _is_taken(scene) else work(turn, scene), on_failure)
    look_last(turn)


def _is_taken(scene: Scene) -> bool:
    """Whether the environment's container name has come to a container that is neither the old nor the new one."""
    ours = {found.id for found in (scene.old, scene.new) if found is not None}
    return scene.named is not None and scene.named.id not in ours


def _leave(turn: Turn, scene: Scene) -> None:
    """Somebody has put another container there: what runs is left as it is, and only our leftovers are taken away."""
    if turn.lock_id:
        if scene.new is not None and scene.new.started_at is None:
            remove(turn, Step.REMOVE_NEW, scene.new.id, "new")
        companions.take_away_unused(turn)
        turn.release_lock()
    turn.become(TargetState.SUPERSEDED, TAKEN.format(turn.planned.container), ended_at=turn.console.clock())


def _go_on_with(turn: Turn, scene: Scene) -> None:
    if turn.planned.taken_from is not None:
        reconcile(turn, scene)
        return
    found = _classify(scene, turn.planned, turn.rollout_id, turn.session)
    _hold_lock(turn, scene, found)
    refused = settle_left(turn, _about(turn, scene))
    match found:
        case Found.NOT_BEGUN | Found.HALF_DONE if refused:
            put_target_back(turn, refused)
        case Found.NOT_BEGUN | Found.HALF_DONE:
            put_target_back(turn, "cut off; begun anew")
            turn.become(TargetState.QUEUED, attempt=turn.target.attempt + 1, started_at=None, ended_at=None)
        case Found.UNVERIFIED | Found.ROUTED | Found.CHANGED | Found.COMMITTED:
            _finish_new(turn, scene)
        case Found.FINISHED:
            _note_finished(turn, scene)
        case Found.LOST:
            _note_lost(turn)
        case _:
            assert_never(found)


def _put_back_one(turn: Turn, scene: Scene) -> None:
    found = _classify(scene, turn.planned, turn.rollout_id, turn.session)
    _hold_lock(turn, scene, found)
    refused = settle_left(turn, _about(turn, scene))
    match found:
        case Found.NOT_BEGUN | Found.HALF_DONE | Found.UNVERIFIED | Found.ROUTED | Found.CHANGED | Found.COMMITTED:
            put_target_back(turn, refused or "cut off, and put back as you chose")
        case Found.FINISHED:
            _note_finished(turn, scene)
        case Found.LOST:
            _note_lost(turn)
        case _:
            assert_never(found)


def reconcile(turn: Turn, scene: Scene) -> None:
    """Bring what another console left in the middle to an end, under its lock that was taken over.

    What was verified and committed is finished, as its console would have done. All else goes back: what that rollout
    brings was no choice of whoever took it over.
    """
    if _is_taken(scene):
        _leave(turn, scene)
        return
    found = _classify(scene, turn.planned, turn.rollout_id, turn.session)
    match found:
        case Found.NOT_BEGUN | Found.HALF_DONE | Found.UNVERIFIED | Found.ROUTED | Found.CHANGED:
            former = turn.planned.taken_from
            why = f"left in the middle by {former.holder if former else 'another console'}"
            put_target_back(turn, "; ".join(filter(None, (why, left_by_other(turn)))))
        case Found.COMMITTED | Found.FINISHED:
            _finish_new(turn, scene)
        case Found.LOST:
            _note_lost(turn)
        case _:
            assert_never(found)


def _finish_new(turn: Turn, scene: Scene) -> None:
    """Bring a new container that took over already to its end: verify it again, then what is left of the swap."""
    if turn.planned.swap is Swap.IN_PLACE and scene.old is not None:
        finish_change(turn, scene.old)
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


def _note_finished(turn: Turn, scene: Scene) -> None:
    """Nothing is left to change. That it is well is looked at once more: success is what was observed."""
    if turn.planned.swap is Swap.IN_PLACE and scene.old is not None:
        finish_change(turn, scene.old)
        return
    if scene.new is None:
        raise StepFailed(Step.VERIFY, "the new container is gone")
    turn.become(TargetState.VERIFYING)
    verify(turn, scene.new, guarded=bool(turn.lock_id))
    way_back = scene.old.id if scene.old else ""
    end_well(turn, scene.new, turn.target.verified_by, way_back)


def _note_lost(turn: Turn) -> None:
    words = "neither the old nor the new container is there any more; deploy this environment anew"
    if turn.lock_id:
        turn.release_lock()
    turn.become(TargetState.STRANDED, words, ended_at=turn.console.clock())


def _hold_lock(turn: Turn, scene: Scene, found: Found) -> None:
    """Take the lock again where somebody pruned it and something is left to be changed, or only it told what is."""
    at_hand = scene.old or scene.new
    untouched = found is Found.NOT_BEGUN and scene.new is None and not scene.told
    if turn.lock_id or at_hand is None or found is Found.FINISHED or untouched:
        return
    turn.take_lock(at_hand.image_id, _about(turn, scene))


def _about(turn: Turn, scene: Scene) -> Mapping[str, str]:
    """How the old container was, as labels of a lock."""
    at_hand = scene.old or scene.new
    if scene.told:
        return scene.told
    if turn.planned.swap is Swap.IN_PLACE and at_hand is not None:
        return about_granted(at_hand, turn.planned, granted_before(turn.planned, {}, at_hand))
    return about_old(scene.old, turn.planned) if scene.new is None else recorded(scene)
