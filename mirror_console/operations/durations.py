"""Durations: what the newest rollouts tell of how long a turn lasts."""

from __future__ import annotations

from mirror_console.domain.durations import Learned, learn
from mirror_console.operations.console import Console

LINES = 20_000
"""Lines of the journal that are looked at, the newest: some 700 turns."""


def learned(console: Console) -> Learned:
    """What is usual, from the journal. May take a tenth of a second."""
    with console.catalog.read() as books:
        entries = books.journal.newest(LINES)
        done = books.rollouts.done({entry.rollout_id for entry in entries})
    return learn(entries, done)
