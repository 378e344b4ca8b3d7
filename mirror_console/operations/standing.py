"""Standing: rollouts as they stand now. Of one whose console was killed, the catalog alone would say that it runs."""

from __future__ import annotations

from dataclasses import replace

from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.operations.console import Console

CUT_OFF = "The console ended in the middle."


def standing(console: Console, rollout: Rollout) -> Rollout:
    """The rollout as it stands. One that is said to run was interrupted where the console that carried it out doesn't
    hold the catalog any more. Nothing is written: only who holds the catalog may mark it."""
    if rollout.state is not RolloutState.RUNNING or rollout.console in {console.run, console.holder()}:
        return rollout
    return cut_off(rollout)


def cut_off(rollout: Rollout) -> Rollout:
    """The rollout, interrupted by the end of its console."""
    return replace(rollout, state=RolloutState.INTERRUPTED, paused_because=CUT_OFF)


def all_rollouts(console: Console) -> list[Rollout]:
    """Every rollout as it stands, newest first."""
    with console.catalog.read() as books:
        return [standing(console, rollout) for rollout in books.rollouts.all()]


def unfinished(console: Console) -> list[Rollout]:
    """Those that run, are paused or were interrupted, newest first."""
    with console.catalog.read() as books:
        return [standing(console, rollout) for rollout in books.rollouts.unfinished()]
