"""The last look of a turn: what is noted of a target's environment, in one go with how its turn ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from mirror_console.domain.applied import Applied
from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.environment import Environment, Process
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.process import after_turn
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.swap import Swap
from mirror_console.errors import EngineError
from mirror_console.operations.applied import record_of, records_of
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.refresh import note_seen
from mirror_console.operations.turn import Turn

logger = logging.getLogger(__name__)


def end_well(turn: Turn, new: Container, words: str, way_back: str) -> None:
    """End a turn as done. What is noted of its environment is what the look saw that proved the last step.

    It is compared with what was planned, which the new container was made from; that is what was applied from now on.
    What another console made is compared with what is on record here: this one hasn't applied it.
    """
    if turn.planned.taken_from is not None:
        turn.become(TargetState.DONE, words, note=_noted_now(turn), way_back=way_back, ended_at=turn.console.clock())
        return
    record = record_of(turn.console, turn.planned, new, turn.rollout_id)
    seen = _note(turn, turn.planned, turn.last_look_named, lambda _books: _as_planned(turn.planned), record)
    beside = _beside_ended(turn)

    def note(books: Books) -> None:
        books.applied.save(record)
        for each in (seen, *beside):
            if each is not None:
                each(books)

    turn.become(TargetState.DONE, words, note=note, way_back=way_back, ended_at=turn.console.clock())


def _beside_ended(turn: Turn) -> list[Callable[[Books], None] | None]:
    """What is noted of the other processes of an environment, each made of what was planned."""
    notes: list[Callable[[Books], None] | None] = []
    for one in companions_of(turn.planned):
        try:
            new = turn.last_look_named(one.container)
        except EngineError as error:
            logger.info("could not look at %s again: %s", one.container, error.title)
            continue
        if new is None:
            continue
        record = record_of(turn.console, one, new, turn.rollout_id)
        notes.append(partial(_save_applied, record))
        notes.append(_note(turn, one, turn.last_look_named, partial(_planned_alone, one), record))
    for one in going_of(turn.planned):
        notes += [_note(turn, one, turn.inspect, partial(_planned_alone, one)), partial(_forget_applied, one)]
    # Last: with a process that it has no more goes what was seen of it.
    return [*notes, partial(_save_processes, turn.planned)]


def _forget_applied(planned: PlannedTarget, books: Books) -> None:
    books.applied.remove(planned.environment_id, planned.process)


def _save_processes(planned: PlannedTarget, books: Books) -> None:
    for environment in books.environments.some([planned.environment_id]) if planned.companions else ():
        after = after_turn(environment, planned.companions)
        if after != environment:
            books.environments.save(after)


def _save_applied(record: Applied, books: Books) -> None:
    books.applied.save(record)


def _planned_alone(planned: PlannedTarget, _books: Books) -> list[Environment]:
    return _as_planned(planned)


def look_last(turn: Turn) -> None:
    """Look once more at a target that didn't end well, and note what is seen: a call may have arrived late."""
    if turn.target.state is TargetState.DONE:
        return
    note = _noted_now(turn)
    if note is not None:
        with turn.console.catalog.write() as books:
            note(books)


def _noted_now(turn: Turn) -> Callable[[Books], None] | None:
    planned = turn.planned
    notes = [_note(turn, planned, turn.inspect, lambda books: books.environments.some([planned.environment_id]))]
    notes += [
        _note(turn, one, turn.inspect, partial(_planned_alone, one))
        for one in (*companions_of(planned), *going_of(planned))
    ]
    told = [each for each in notes if each is not None]

    def note(books: Books) -> None:
        for each in told:
            each(books)

    return note if told else None


def _as_planned(planned: PlannedTarget) -> list[Environment]:
    processes = (Process(planned.process, planned.container),)
    of = (planned.environment_id, planned.application_id, planned.environment, planned.engine_id)
    return [Environment(*of, processes, planned.settings, swarm=planned.swap is Swap.SERVICE)]


def _note(
    turn: Turn,
    planned: PlannedTarget,
    look: Callable[[str], Container | None],
    environments: Callable[[Books], Sequence[Environment]],
    applied: Applied | None = None,
) -> Callable[[Books], None] | None:
    try:
        seen = look(planned.container)
        if seen is not None and seen.image_id not in turn.images:
            turn.images[seen.image_id] = turn.image(seen.image_id)
    except EngineError as error:
        # The next refresh says what can't be read now; the outcome of the target stands.
        logger.info("could not look at %s again: %s", turn.planned.application, error.title)
        return None

    def note(books: Books) -> None:
        for environment in environments(books):
            process = environment.processes[0].name
            record = applied or records_of(books, [environment.id]).get((environment.id, process))
            note_seen(books, turn.console, turn.engine, environment, turn.session, seen, turn.images, record)

    return note
