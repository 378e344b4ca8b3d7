"""Taking turns: carry out one target of a rollout to an end that says what is really there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from mirror_console.domain.rollout import Target, TargetState
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import OnFailure
from mirror_console.errors import EngineError
from mirror_console.operations.access import reached_now
from mirror_console.operations.beside import start_beside
from mirror_console.operations.breaking_off import BrokenOff, never
from mirror_console.operations.console import Console
from mirror_console.operations.fetch import PutAside
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.heartbeat import Heartbeat
from mirror_console.operations.in_place import change_in_place
from mirror_console.operations.last_look import look_last
from mirror_console.operations.leaving import leave_or_put_back, may_stay
from mirror_console.operations.put_back import put_back
from mirror_console.operations.reaching import session_for
from mirror_console.operations.running import Running
from mirror_console.operations.service_update import update_service
from mirror_console.operations.swap import create, recreate
from mirror_console.operations.turn import ImageLooks, OutcomeUnknown, StepFailed, Superseded, Turn


def take_turn(
    console: Console,
    running: Running,
    target: Target,
    image_looks: ImageLooks,
    fetcher: Fetcher,
    heart: Heartbeat,
    breaks_off: Callable[[], bool] = never,
    ends: Callable[[], bool] = never,
) -> None:
    """Carry out one target. Whatever happens to it is kept as its outcome; only CatalogError is raised.

    `image_looks` are shared by the targets on one engine, the fetcher and the heart by all. `breaks_off` is whether the
    rollout was aborted, `ends` whether the program ends.
    """
    planned, rollout = target.planned, running.rollout
    try:
        engine = reached_now(console, planned.engine_id, planned.application_id)
        session = session_for(console, engine, planned)
    except EngineError as error:
        running.keep(replace(target, state=TargetState.FAILED, words=error.title, ended_at=console.clock()))
        return
    way, show = rollout.plan.way, running.show
    turn = Turn(console, engine, session, rollout.id, target, show, way.bake, way.health_limit, heart, fetcher.halting)
    turn.image_looks = image_looks
    turn.breaks_off, turn.ends = breaks_off, ends
    settle(turn, lambda turn: _swap(turn, fetcher), way.on_failure)
    look_last(turn)


def _swap(turn: Turn, fetcher: Fetcher) -> None:
    match turn.planned.swap:
        case Swap.CREATE:
            create(turn, fetcher)
        case Swap.RECREATE:
            recreate(turn, fetcher)
        case Swap.BESIDE:
            start_beside(turn, fetcher)
        case Swap.IN_PLACE:
            change_in_place(turn)
        case Swap.SERVICE:
            update_service(turn, fetcher)
        case _:
            assert_never(turn.planned.swap)


def settle(
    turn: Turn, work: Callable[[Turn], None], on_failure: OnFailure = OnFailure.PUT_BACK, because: str = ""
) -> None:
    """Do a turn's work; where it fails, do as `on_failure` says. The target ends in a state that says what is really
    there. `because` is why it had failed before: that stays the cause."""
    try:
        work(turn)
    except StepFailed as failed:
        _undo(turn, because or f"{failed.step}: {failed.words}", on_failure)
    except EngineError as error:
        _undo(turn, because or error.title, on_failure)
    except BrokenOff as off:
        _undo(turn, off.words)
    except OutcomeUnknown as unknown:
        turn.become(TargetState.UNKNOWN, ". ".join(filter(None, (because, unknown.words))))
    except Superseded as superseded:
        words = ". ".join(filter(None, (because, superseded.words)))
        turn.become(TargetState.SUPERSEDED, words, ended_at=turn.console.clock())
    except PutAside:
        _put_aside(turn)


def _put_aside(turn: Turn) -> None:
    """The image or the lock wasn't to be had when the rollout was halted: nothing was made, and it waits for its turn.

    A lock that stays behind is ours, and is taken for taken then.
    """
    words = turn.let_go().removeprefix("; ") if turn.lock_id else ""
    turn.become(TargetState.QUEUED, words, started_at=None)


def _undo(turn: Turn, why: str, on_failure: OnFailure = OnFailure.PUT_BACK) -> None:
    # What is begun from here on is gone through with, aborted or not.
    aborted, turn.breaks_off = turn.breaks_off(), never
    turn.give_up()
    if not turn.lock_id:
        turn.become(TargetState.FAILED, why, ended_at=turn.console.clock())
        return
    try:
        # Whoever has the lock by now decides, where there is nothing to put back too.
        turn.demand_lock()
        if on_failure is not OnFailure.PUT_BACK and not aborted and may_stay(turn):
            if on_failure is OnFailure.ASK:
                turn.become(TargetState.UNDECIDED, why)
            else:
                leave_or_put_back(turn, why)
            return
        put_back(turn, why)
    except StepFailed as failed:
        words = f"{why}. Putting back failed: {failed.words}{turn.let_go()}"
        turn.become(TargetState.STRANDED, words, ended_at=turn.console.clock())
    except (OutcomeUnknown, EngineError) as error:
        turn.become(TargetState.UNKNOWN, f"{why}. Contact was lost while putting back: {error}")
    except Superseded as superseded:
        turn.become(TargetState.SUPERSEDED, f"{why}. {superseded.words}", ended_at=turn.console.clock())
