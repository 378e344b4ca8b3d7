"""Leaving: a new container that isn't well stays all the same, as the way says or a person decided."""

from __future__ import annotations

from functools import partial

from mirror_console.domain.applied import Applied
from mirror_console.domain.observation import Container
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import EngineError
from mirror_console.operations.applied import record_of
from mirror_console.operations.containers import commit, name_new
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.put_back import put_back, recorded, was_touched
from mirror_console.operations.scene import Scene, look
from mirror_console.operations.service_update import leave_updated, may_stay_updated
from mirror_console.operations.swap import let_go_of
from mirror_console.operations.turn import StepFailed, Turn


def may_stay(turn: Turn) -> bool:
    """Whether there is something to leave: the new container took over, if only for a moment. Raises EngineError.

    Of several processes none is left: which of them are to be of which version nobody could say.
    """
    if turn.planned.companions:
        return False
    if turn.planned.swap is Swap.SERVICE:
        return may_stay_updated(turn)
    return _newcomer(turn, look(turn.session, turn.planned, turn.rollout_id)) is not None


def leave_or_put_back(turn: Turn, why: str) -> None:
    """Leave the new container; where that can't be done, put the old one back, and say why.

    Raises StepFailed, OutcomeUnknown, Superseded, EngineError, as putting back does.
    """
    try:
        if turn.planned.swap is Swap.SERVICE:
            leave_updated(turn, why)
        else:
            _leave(turn, why)
    except (StepFailed, EngineError) as failed:
        refused = failed.words if isinstance(failed, StepFailed) else failed.title
        put_back(turn, f"{why}. It could not be left: {refused}")


def _leave(turn: Turn, why: str) -> None:
    """Let the new container have the environment's name, and keep the old one, stopped, as the way back."""
    scene = look(turn.session, turn.planned, turn.rollout_id)
    new = _newcomer(turn, scene)
    if new is None:
        raise StepFailed(Step.NAME, "there is no new container that could be left")
    way_back = scene.old.id if scene.old else ""
    if scene.old is not None and scene.old.name == turn.planned.container:
        way_back = commit(turn, scene.old, new)
    name_new(turn, new)
    words = why if new.running else f"{why}; it is down"
    words += let_go_of(turn, scene.old, way_back)
    # Whoever goes back to it later has to know what it was made from, as of one that is done.
    record = record_of(turn.console, turn.planned, new, turn.rollout_id)
    save = partial(_save_applied, record)
    turn.become(TargetState.LEFT, words, note=save, way_back=way_back, ended_at=turn.console.clock())


def _save_applied(record: Applied, books: Books) -> None:
    books.applied.save(record)


def _newcomer(turn: Turn, scene: Scene) -> Container | None:
    """The new container, where it was started and the old one doesn't serve beside it."""
    new = scene.new
    if new is None or new.started_at is None or not was_touched(turn, scene, recorded(scene)):
        return None
    return None if scene.old is not None and scene.old.running else new
