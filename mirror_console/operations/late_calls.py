"""Late calls: what a console had sent before it was cut off, gave up or lost its lock may come yet, and is put right.

Engines have no calls that only the holder of a lock may make. A console that slept between its last look at the lock
and its call sends it when it wakes; what one that was killed had sent, its engine carries out all the same. Calls name
containers by id, so one for a container that is gone does nothing; any other meets one that serves, or makes what never
ran: whoever has the lock watches for as long as one may be on its way, sees it, and undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.in_place import granted_to
from mirror_console.domain.late import HURTS, Late, arrives_within, sent_last
from mirror_console.domain.observation import LABEL, Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.release_command import RunKind, run_name
from mirror_console.domain.rollout import Target
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError
from mirror_console.jobs import Stopped
from mirror_console.operations.console import Console
from mirror_console.operations.routing import join, route_of
from mirror_console.operations.scene import NEXT, Scene, about_old, made_by, old_aliases_now
from mirror_console.operations.steps import UP, be_rid_of, grant, remove, rename, start, stop
from mirror_console.operations.turn import StepFailed, Turn

LOOK_EVERY = 0.5
"""Seconds between two looks."""
WATCHES = "watches for"
"""How the words of a target begin whose late calls are outlasted."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A container as it is to stay while late calls are outlasted."""

    wanted: Container
    """As it is to be: its name, whether it runs, what it is granted."""
    part: str
    """Its part in the swap: old, new, same."""
    process: PlannedTarget | None = None
    """The process beside the one that serves that it belongs to; None for that one."""
    aliases: Sequence[str] = ()
    """Under which it is found on its route."""

    @property
    def steps(self) -> tuple[Step, Step, Step, Step, Step]:
        """By which it is named, joins its route, is started, stopped, and granted what it is to have."""
        if self.part == "new":
            return Step.NAME, Step.CONNECT, Step.START, Step.STOP_NEW, Step.ARM
        return Step.NAME_BACK, Step.CONNECT_OLD, Step.START_OLD, Step.STOP, Step.CHANGE_BACK


# --- what may arrive ------------------------------------------------------------------------------------------------


def expect_late(turn: Turn, scene: Scene) -> None:
    """What an earlier run had sent, or had given up on, may be on its way yet. To be asked before anything is done."""
    turn.late = late_of(turn.console, turn.rollout_id, turn.target, scene)
    if turn.planned.taken_from is not None:
        turn.late_of_others = turn.grace


def late_of(console: Console, rollout_id: str, target: Target, scene: Scene) -> Late:
    """What may reach the engine yet of a target that was left in the middle, by the journal.

    With the journal lost anything may, where the engine shows that something was begun, and nobody knows since when.
    """
    with console.catalog.read() as books:
        lines = [one for one in books.journal.of(rollout_id) if one.environment_id == target.environment_id]
    within = arrives_within(target.planned, console.lock_times)
    locked = scene.lock is not None and scene.lock.labels.get(LABEL + "rollout") == rollout_id
    if not lines and (locked or scene.new is not None):
        return Late().expecting(HURTS, console.monotonic() + within)
    steps, at = sent_last([one for one in lines if one.attempt == target.attempt])
    # A clock that went back since says nothing of how long ago it is.
    ago = max(0.0, (console.clock() - at).total_seconds()) if at is not None else 0.0
    return Late().expecting(steps, console.monotonic() + within - ago)


def late_words(console: Console, late: Late) -> str:
    """What may arrive yet, and for how long, in words; empty where nothing may."""
    left = late.left(console.monotonic())
    return f"{late.words()} may be carried out yet, for {left:.0f} s" if left >= 0.5 else ""


# --- watching -------------------------------------------------------------------------------------------------------


def outlast(
    turn: Turn,
    hurts: Collection[Step],
    kept: Callable[[], Sequence[Kept]],
    also: Callable[[], None] = lambda: None,
) -> str:
    """Watch, until no call of these steps can arrive any more, that all goes on as it is to be, and put right what is
    changed meanwhile. Nothing to wait for is nothing to do.

    `kept` says how it is to be, asked before the first look; `also` is done with each look. What came late is returned
    in words. Raises StepFailed where what serves was removed, or can't be put right, and Stopped.
    """
    own = turn.late.left(turn.console.monotonic(), hurts)
    seconds = max(own, turn.late_of_others)
    if seconds <= 0:
        return ""
    if own >= turn.late_of_others:
        what = f"{turn.late.words(hurts)}, which had no answer, is still carried out"
    else:
        what = "a late call of the other console arrives"
    turn.become(turn.target.state, f"{WATCHES} {seconds:.0f} s whether {what}")
    # Whoever stops or aborts a rollout lets what is in flight be finished, and this is the end of it.
    turn.past_commit = True
    came = _watch_for(turn, seconds, kept, also)
    return f"; what came late was put right: {', '.join(came)}" if came else ""


def _watch_for(turn: Turn, seconds: float, how: Callable[[], Sequence[Kept]], also: Callable[[], None]) -> list[str]:
    until = turn.console.monotonic() + seconds
    came: dict[str, None] = {}
    kept: Sequence[Kept] | None = None
    lost: EngineError | None = None
    while True:
        try:
            kept = how() if kept is None else kept
            came |= dict.fromkeys(_adopt_late_lock(turn))
            for one in kept:
                with turn.of(one.process) if one.process is not None else nullcontext():
                    came |= dict.fromkeys(_put_right(turn, one))
            for beside in (None, *companions_of(turn.target.planned), *going_of(turn.target.planned)):
                with turn.of(beside) if beside is not None else nullcontext():
                    came |= dict.fromkeys(_take_away(turn))
            also()
            lost = None
        except EngineError as error:
            if not error.unreachable and not error.outcome_unknown:
                raise
            lost = error  # an engine that has left a call without an answer may leave a look without one
        if (left := until - turn.console.monotonic()) <= 0:
            break
        rest(turn, min(LOOK_EVERY, left))
    if lost is not None:
        raise lost
    return list(came)


def rest(turn: Turn, seconds: float) -> None:
    """Wait. Raises Stopped where the program ends: then it is recovered at the next start.

    Whoever stops or aborts a rollout lets what is in flight be finished, and this is the end of it.
    """
    turn.keep()
    until = turn.console.monotonic() + seconds
    while (left := until - turn.console.monotonic()) > 0:
        if turn.ends():
            raise Stopped
        turn.console.sleep(min(LOOK_EVERY, left))


def _adopt_late_lock(turn: Turn) -> list[str]:
    """A lock that was on its way when the console was cut off is this rollout's: it is let go with its end."""
    held = turn.session.inspect(turn.lock.name) if not turn.lock_id else None
    return ["the lock was made"] if held is not None and turn.lock.adopt(held) else []


def _put_right(turn: Turn, kept: Kept) -> list[str]:
    """Bring a container back to how it is to be; what had been done to it, in words."""
    wanted = kept.wanted
    seen = turn.inspect(wanted.id)
    if seen is None:
        if wanted.running:
            raise StepFailed(Step.BAKE, f"'{wanted.name}' was removed by somebody")
        return []
    naming, joining, starting, stopping, granting = kept.steps
    came = []
    if seen.name != wanted.name:
        came.append(f"'{wanted.name}' was renamed")
        _demand_a_lock(turn, wanted)
        rename(turn, naming, seen.id, wanted.name, kept.part, seen)
    route = route_of(turn)
    if route is not None and kept.aliases and not {*kept.aliases} <= {*old_aliases_now(seen, route)}:
        came.append(f"'{wanted.name}' was taken from its route")
        _demand_a_lock(turn, wanted)
        join(turn, joining, wanted, kept.aliases, kept.part)
    if wanted.running and seen.state not in UP:
        came.append(f"'{wanted.name}' was stopped")
        turn.goes_down()
        _demand_a_lock(turn, wanted)
        start(turn, starting, seen.id, kept.part, seen)
        turn.serves_again()
    elif not wanted.running and seen.state in UP:
        came.append(f"'{wanted.name}' was started")
        _demand_a_lock(turn, wanted)
        stop(turn, stopping, seen.id, kept.part, seen)
    if (differs := granted_to(seen).differs_from(granted_to(wanted))) is not None:
        came.append(f"of '{wanted.name}' {differs.partition(',')[0]}")
        _demand_a_lock(turn, wanted)
        grant(turn, granting, seen.id, granted_to(wanted), kept.part, seen)
    return came


def _take_away(turn: Turn) -> list[str]:
    """A new container that was made late, or was started late where it could not be removed, goes."""
    late = turn.inspect(turn.planned.container + NEXT)
    if late is None or not made_by(late, turn.planned, turn.rollout_id):
        return _take_command_away(turn)
    _demand_a_lock(turn, late)
    try:
        be_rid_of(turn, late.id)
    except StepFailed as left_over:
        # What serves goes on all the same; with the next look it is tried again.
        return [f"'{late.name}' was made, and is left behind: {left_over.words}"]
    return [f"'{late.name}' was made"]


def _take_command_away(turn: Turn) -> list[str]:
    """The container of a command that was made late and never ran goes."""
    if Step.MAKE_COMMAND not in turn.late.steps or turn.of_companion:
        return []
    for kind in RunKind:
        late = turn.inspect(run_name(kind, turn.target.environment_id, turn.rollout_id))
        if late is not None and late.started_at is None and made_by(late, turn.planned, turn.rollout_id):
            _demand_a_lock(turn, late)
            remove(turn, Step.REMOVE_COMMAND, late.id, "command")
            return [f"'{late.name}' was made"]
    return []


def _demand_a_lock(turn: Turn, at_hand: Container) -> None:
    """Nothing is changed without one: where somebody pruned it, it is taken again."""
    if not turn.lock_id:
        turn.take_lock(at_hand.image_id, about_old(at_hand, turn.planned))
