"""Taken back: what a rollback did since to the targets of the rollout that it takes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]
"""A target of a rollout: its environment, and the process that serves."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came of a target in a rollback. `told` is how it failed, where it isn't `well`."""

    rollout_id: str
    """The rollout that rolls back."""
    fingerprint: str
    """What its plan is called."""
    well: bool
    at: datetime | None
    told: str = ""

    @property
    def words(self) -> str:
        """In words: ``rolled back by 7F3A-9102``; or that this failed, and how."""
        if self.well:
            return f"rolled back by {self.fingerprint}"
        return f"its rollback by {self.fingerprint} failed: {self.told}"


@dataclass(frozen=True, slots=True)
class Rollback:
    """A rollout that takes another one back, with those of its targets that ended, well or not."""

    rollout_id: str
    of: str
    """The rollout that it takes back."""
    targets: Mapping[Key, TakenBack]


def taken_back(rollout_id: str, rollbacks: Sequence[Rollback]) -> dict[Key, TakenBack]:
    """By target, which rollback took a rollout's targets back last, or failed to. The rollbacks are in their order.

    One that was itself taken back since did nothing that holds: there the target runs again what its rollout made.
    """
    found: dict[Key, TakenBack] = {}
    for rollback in _of(rollout_id, rollbacks):
        undone = taken_back(rollback.rollout_id, rollbacks)
        for key, one in rollback.targets.items():
            undoing = undone.get(key)
            if undoing is not None and undoing.well and one.well and _after(undoing, one):
                found.pop(key, None)
            else:
                found[key] = one
    return found


def _of(rollout_id: str, rollbacks: Iterable[Rollback]) -> list[Rollback]:
    return [one for one in rollbacks if one.of == rollout_id]


def _after(later: TakenBack, earlier: TakenBack) -> bool:
    return later.at is None or earlier.at is None or later.at >= earlier.at
