"""Endings: why a container ended that its engine has started again since, from what the engine remembers."""

from __future__ import annotations

import logging
from dataclasses import replace

from mirror_console.domain.health import ended_words
from mirror_console.domain.observation import Container
from mirror_console.errors import EngineError
from mirror_console.operations.turn import Turn

logger = logging.getLogger(__name__)


def how_it_ended(turn: Turn, first: Container, seen: Container) -> str:
    """``: it ended with exit code 3``; empty where the engine doesn't remember it. `first` is how it first ran."""
    if first.started_at is None or seen.started_at is None:
        return ""
    try:
        endings = turn.session.endings(seen.id, first.started_at, seen.started_at)
    except EngineError as error:
        # That it is ill is known already.
        logger.info("%s isn't told of why it ended: %s", seen.name, error.title)
        return ""
    if not endings:
        return ""
    last = endings[-1]
    return f": it {ended_words(replace(seen, exit_code=last.exit_code, oom_killed=last.oom_killed))}"
