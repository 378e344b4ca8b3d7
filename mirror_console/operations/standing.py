"""Standing: rollouts as they stand now. Of one whose console was killed, the catalog alone would say that it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mirror_console.domain.rollout import OVER, Rollout, RolloutHead, RolloutState, Target, TargetState
from mirror_console.domain.status import Activity
from mirror_console.operations.console import Console

CUT_OFF = "The console ended in the middle."


def standing(console: Console, rollout: Rollout) -> Rollout:
    """The rollout as it stands. One that is said to run was interrupted where the console that carried it out doesn't
    hold the catalog any more. Nothing is written: only who holds the catalog may mark it."""
    return cut_off(rollout) if _is_cut_off(console, rollout) else rollout


def _is_cut_off(console: Console, rollout: Rollout | RolloutHead) -> bool:
    return rollout.state is RolloutState.RUNNING and rollout.console not in {console.run, console.holder()}


def cut_off(rollout: Rollout) -> Rollout:
    """The rollout, interrupted by the end of its console."""
    return replace(rollout, state=RolloutState.INTERRUPTED, paused_because=CUT_OFF)


def one_rollout(console: Console, choose: Callable[[Sequence[RolloutHead]], RolloutHead]) -> Rollout:
    """The rollout that is chosen among the heads of all, newest first, each as it stands. It alone is read whole."""
    with console.catalog.read() as books:
        heads = [
            replace(head, state=RolloutState.INTERRUPTED) if _is_cut_off(console, head) else head
            for head in books.rollouts.heads()
        ]
        return standing(console, books.rollouts.get(choose(heads).id))


def all_rollouts(console: Console, known: Iterable[Rollout] = (), most: int | None = None) -> list[Rollout]:
    """Every rollout as it stands, newest first, or the newest `most`. What is `known` and hasn't changed since isn't
    read again."""
    with console.catalog.read() as books:
        return [standing(console, rollout) for rollout in books.rollouts.all(known, most)]


def tripped(console: Console) -> list[Rollout]:
    """Those in which a stop rule came true, as they stand, newest first."""
    with console.catalog.read() as books:
        return [standing(console, rollout) for rollout in books.rollouts.tripped()]


def unfinished(console: Console) -> list[Rollout]:
    """Those that run, are paused or were interrupted, newest first."""
    with console.catalog.read() as books:
        return [standing(console, rollout) for rollout in books.rollouts.unfinished()]


def at_work(unfinished: Sequence[Rollout]) -> Iterator[tuple[Rollout, Target]]:
    """The targets that rollouts aren't done with, or don't know to be."""
    for rollout in unfinished:
        for target in rollout.targets:
            if target.state not in OVER or target.state is TargetState.UNKNOWN:
                yield rollout, target


def activities(unfinished: Sequence[Rollout]) -> dict[str, tuple[Activity, str]]:
    """What rollouts do, by environment: the kind of it, and in words."""
    busy: dict[str, tuple[Activity, str]] = {}
    for rollout, target in at_work(unfinished):
        if target.state is TargetState.QUEUED:
            # Also where the rollout was interrupted: at this one nothing was begun that could be in between.
            busy[target.environment_id] = (Activity.QUEUED, f"→ {target.planned.after_title} queued")
        elif rollout.state is RolloutState.INTERRUPTED:
            busy[target.environment_id] = (Activity.INTERRUPTED, "interrupted: waits for your decision")
        else:
            words = f"→ {target.planned.after_title} {target.state}"
            busy[target.environment_id] = (Activity.ROLLING_OUT, words)
    return busy
