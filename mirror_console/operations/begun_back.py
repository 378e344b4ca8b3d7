"""Begun back: whether a target that was left in the middle was being put back already.

Once only its lock is left, a look at the engine alone would tell that nothing was changed.
"""

from __future__ import annotations

from mirror_console.domain.rollout import TargetState
from mirror_console.domain.steps import Step
from mirror_console.operations.turn import Turn

_BACK = frozenset(
    {Step.NAME_BACK, Step.CONNECT_OLD, Step.START_OLD, Step.ARM_OLD, Step.CHANGE_BACK, Step.ROLL_BACK},
)


def begun_back(turn: Turn) -> bool:
    """Whether that stands in the catalog, or, where contact was lost since, in the journal."""
    target = turn.target
    if target.state is not TargetState.UNKNOWN:
        return target.state is TargetState.PUTTING_BACK
    with turn.console.catalog.read() as books:
        lines = books.journal.of(turn.rollout_id)
    return any(
        line.environment_id == target.environment_id and line.attempt == target.attempt and line.step in _BACK
        for line in lines
    )
