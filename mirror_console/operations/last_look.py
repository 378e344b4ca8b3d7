"""The last look of a turn: what is noted of a target's environment, in one go with how its turn ended."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mirror_console.domain.observation import Container
from mirror_console.domain.rollout import TargetState
from mirror_console.errors import EngineError
from mirror_console.operations.ports import Books
from mirror_console.operations.refresh import note_seen
from mirror_console.operations.turn import Turn

logger = logging.getLogger(__name__)


def end_well(turn: Turn, words: str, way_back: str) -> None:
    """End a turn as done. What is noted of its environment is what the look saw that proved the last step."""
    note = _note(turn, turn.last_look_named)
    turn.become(TargetState.DONE, words, note=note, way_back=way_back, ended_at=turn.console.clock())


def look_last(turn: Turn) -> None:
    """Look once more at a target that didn't end well, and note what is seen: a call may have arrived late."""
    if turn.target.state is TargetState.DONE:
        return
    note = _note(turn, turn.inspect)
    if note is not None:
        with turn.console.catalog.write() as books:
            note(books)


def _note(turn: Turn, look: Callable[[str], Container | None]) -> Callable[[Books], None] | None:
    try:
        seen = look(turn.planned.container)
        if seen is not None and seen.image_id not in turn.images:
            turn.images[seen.image_id] = turn.image(seen.image_id)
    except EngineError as error:
        # The next refresh says what can't be read now; the outcome of the target stands.
        logger.info("could not look at %s again: %s", turn.planned.application, error.title)
        return None
    return lambda books: note_seen(
        books, turn.console, turn.engine, turn.planned.environment_id, turn.session, seen, turn.images
    )
