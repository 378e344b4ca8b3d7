"""The journal: what steps were about to do, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.steps import Step


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal: what a step was about to do, or what came of it."""

    rollout_id: str
    environment_id: str
    process: str
    attempt: int
    step: Step
    phase: Phase
    at: datetime
    result: Result | None = None
    objects: Mapping[str, str] | None = None
    """Ids of the containers that are concerned, by their part: old, new, lock. Where the lock is taken, also what it
    tells of how the old ones were."""
    words: str = ""
    sequence: int = 0


class Phase(StrEnum):
    """Whether a journal entry was written before a step acted, or after it was looked at."""

    INTENT = "intent"
    OUTCOME = "outcome"


class Result(StrEnum):
    """What a look at the engine said of a step. Unknown is never taken for failed."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


def begun_at(intent: datetime, ended_before: datetime | None) -> datetime:
    """When a step began: its intent may have been written together with that of the steps before it."""
    return intent if ended_before is None else max(intent, ended_before)
