"""Late calls: what a console had decided before it lost its lock, or gave up on, may reach an engine yet: is put right.

Engines have no calls that only the holder of a lock may make. A console that slept between its last look at the lock
and its call sends it when it wakes. Calls name containers by id, so one for a container that is gone does nothing; any
other meets one that serves, or makes a container that never ran: whoever has the lock sees it, and undoes it.
"""

from __future__ import annotations

from collections.abc import Callable

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.in_place import granted_to
from mirror_console.domain.journal import Result
from mirror_console.domain.observation import Container
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError
from mirror_console.jobs import Stopped
from mirror_console.operations.routing import join, route_of
from mirror_console.operations.scene import NEXT, made_by, old_aliases_now
from mirror_console.operations.steps import grant, remove, rename, start
from mirror_console.operations.turn import UNANSWERED, StepFailed, Turn

LOOK_EVERY = 0.5
"""Seconds between two looks."""


def outlast(turn: Turn, seconds: float) -> None:
    """Watch for a while that what serves goes on serving as it does now, and put right whatever is changed meanwhile.

    Raises StepFailed where it was removed, or can't be put right.
    """
    turn.become(TargetState.BAKING, f"watches for {seconds:.0f} s whether a late call of the other console arrives")
    _watch_for(turn, seconds, turn.inspect)


def outlast_own(turn: Turn) -> None:
    """The same where this console has given up on a call of its own: until that can't arrive any more.

    What serves goes on as it was last seen: a call may arrive between that look and the first one here.
    """
    left = turn.late_until - turn.console.monotonic()
    if left > 0:
        turn.become(turn.target.state, f"watches for {left:.0f} s whether a call that had no answer still arrives")
        _watch_for(turn, left, turn.last_look_named)


def expect_late(turn: Turn) -> None:
    """Where a call had no answer in an earlier run, it may still be on its way."""
    with turn.console.catalog.read() as books:
        lines = [one for one in books.journal.of(turn.rollout_id) if one.environment_id == turn.target.environment_id]
    lost = [one.at for one in lines if one.result is Result.UNKNOWN or one.words.endswith(UNANSWERED)]
    if lost:
        ago = abs((turn.console.clock() - lost[-1]).total_seconds())
        turn.late_until = turn.console.monotonic() + turn.grace - ago


def _watch_for(turn: Turn, seconds: float, seen_as: Callable[[str], Container | None]) -> None:
    serving = seen_as(turn.planned.container)
    beside = [(one, seen_as(one.container)) for one in (*companions_of(turn.planned), *going_of(turn.planned))]
    until = turn.console.monotonic() + seconds
    lost: EngineError | None = None
    while turn.console.monotonic() < until:
        try:
            _watch(turn, serving)
            for companion, runs in beside:
                with turn.of(companion):
                    _watch(turn, runs)
            lost = None
        except EngineError as error:
            if not error.unreachable and not error.outcome_unknown:
                raise
            lost = error  # an engine that has left a call without an answer may leave a look without one
        rest(turn, LOOK_EVERY)
    if lost is not None:
        raise lost


def _watch(turn: Turn, serving: Container | None) -> None:
    if serving is not None:
        _put_right(turn, serving)
    _take_away(turn)


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


def _put_right(turn: Turn, serving: Container) -> None:
    seen = turn.inspect(serving.id)
    if seen is None:
        raise StepFailed(Step.BAKE, f"'{serving.name}' was removed by somebody")
    rename(turn, Step.NAME_BACK, serving.id, serving.name, "serving", seen)
    if (route := route_of(turn)) is not None:
        join(turn, Step.CONNECT_OLD, serving, old_aliases_now(serving, route), "serving")
    if serving.running and not seen.running:
        start(turn, Step.START_OLD, serving.id, "serving", seen)
        turn.serves_again()
    grant(turn, Step.CHANGE_BACK, serving.id, granted_to(serving), "serving", seen)


def _take_away(turn: Turn) -> None:
    """A new container that was made late, and never ran, goes again."""
    late = turn.inspect(turn.planned.container + NEXT)
    if late is not None and late.started_at is None and made_by(late, turn.planned, turn.rollout_id):
        remove(turn, Step.REMOVE_NEW, late.id, "new")
