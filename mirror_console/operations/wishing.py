"""Wishing: how a command asks a rollout to pause, stop or abort that another console of this person carries out.

Only one console may change the catalog. The other leaves its wish beside it, for the run that has it, and that run
looks there while it works.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.errors import InvalidInput, NotAllowed, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.standing import standing

LOOK_FOR_WISHES = 0.5
"""Seconds between two looks whether somebody wished something."""


class Wish(StrEnum):
    """What can be wished of a rollout that runs elsewhere."""

    PAUSE = "pause"
    STOP = "stop"
    ABORT = "abort"


class Heeded:
    """The wishes for one rollout that this console carries out. Looked for no more often than twice a second."""

    def __init__(self, console: Console, rollout_id: str) -> None:
        self._console = console
        self._rollout_id = rollout_id
        self._looked = console.monotonic()

    def next(self) -> Wish | None:
        """What somebody wished since the last look; None where nobody did."""
        now = self._console.monotonic()
        if now - self._looked < LOOK_FOR_WISHES:
            return None
        self._looked = now
        return self.now()

    def now(self) -> Wish | None:
        """What somebody wished, looked for at once: for the last time that anybody looks."""
        return wish_for(self._console, self._rollout_id)


def wish_for(console: Console, rollout_id: str) -> Wish | None:
    """What somebody wished of a rollout that this console carries out, taken away with that; None where nobody did."""
    found = console.wishes.take(console.run, rollout_id)
    return Wish(found) if found in set(Wish) else None


def wish(console: Console, rollout: Rollout, wished: Wish) -> None:
    """Leave a wish for the console that carries a rollout out. Raises InvalidInput where none does, CatalogError."""
    if rollout.state is not RolloutState.RUNNING or rollout.console == console.run:
        problem = Problem("rollout", f"{rollout.plan.fingerprint} is {rollout.state}")
        raise InvalidInput(f"Only a running rollout can be asked to {wished}.", [problem], "Choose another.")
    if rollout.console != console.holder():
        raise NotAllowed("No console carries this rollout out.", "Look at it with 'mirror-console recover list'.")
    console.wishes.leave(rollout.console, rollout.id, wished)


def until_heeded(console: Console, rollout_id: str, report: Callable[[Rollout], None]) -> Rollout:
    """Wait until a rollout runs no more, and tell how it stands meanwhile. Changes nothing."""
    while True:
        with console.catalog.read() as books:
            rollout = standing(console, books.rollouts.get(rollout_id))
        report(rollout)
        if rollout.state is not RolloutState.RUNNING:
            return rollout
        console.sleep(LOOK_FOR_WISHES / 2)


def came_late(console: Console, rollout: Rollout) -> bool:
    """Whether a wish for a rollout that runs no more was heeded by nobody; it is taken back, or a next run heeds it."""
    return console.wishes.take(rollout.console, rollout.id) != ""
