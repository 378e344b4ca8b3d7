"""What a rollout that was cut off has left behind: how a look at a target's containers is read, and what follows.

The engine is the truth. Names tell how far the swap got: once the old container is renamed away, it was committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.in_place import Granted
from mirror_console.domain.observation import State
from mirror_console.domain.swap import Swap

NOT_LOCKED = "its lock could not be taken again"
"""So begins why nothing could be done about a target that was cut off, and whose lock somebody pruned."""


class Found(StrEnum):
    """What a look says of a target that was cut off."""

    NOT_BEGUN = "not begun"
    """Nothing that serves was changed; at most the lock or a new container that never ran is there."""
    HALF_DONE = "half done"
    """The swap had begun and was not committed: the old container goes back into service."""
    UNVERIFIED = "new container runs, unverified"
    """The new container runs alone and was not verified yet."""
    ROUTED = "both run, the new one is on its route"
    """Started beside the old one, the new container was verified and gets requests; the old one still runs."""
    CHANGED = "changed in place, unverified"
    """The container is the same and runs; it was not verified yet with its new limits."""
    UPDATED = "service updated, unverified"
    """The service of a Swarm has the update; that its tasks run it was not verified yet."""
    COMMITTED = "committed"
    """The old container was renamed away after the new one was verified: it goes on from there."""
    FINISHED = "finished"
    """Nothing is left to do but to note it."""
    LOST = "lost"
    """Neither the old nor the new container is there."""


MEANING = {
    Found.NOT_BEGUN: "Nothing that serves was changed. It would be begun anew.",
    Found.HALF_DONE: "The swap had begun. The old container goes back into service first.",
    Found.UNVERIFIED: "The new container runs alone and was not verified yet. It would be verified.",
    Found.ROUTED: "The new container was verified and gets requests. Verified again, it would take over.",
    Found.CHANGED: "The same container runs with its new limits, not verified yet. It would be verified.",
    Found.UPDATED: "The Swarm has the update and carries it out by itself. Its tasks would be verified.",
    Found.COMMITTED: "The new container was verified. What is left is tidying up.",
    Found.FINISHED: "It was finished. Only the note is missing.",
    Found.LOST: "Neither container is there. It needs a person.",
}
"""What it means for the environment, and what going on would do."""


class Part(StrEnum):
    """The place of a container, by its name."""

    NAMED = "named"
    NEXT = "next"
    PREV = "prev"


@dataclass(frozen=True, slots=True)
class Seen:
    """One container as recovery looks at it."""

    part: Part
    state: State
    ever_started: bool
    armed: bool
    """Whether it has the restart policy that it is to keep."""
    routed: bool = False
    """Of a swap that starts beside: whether the new one gets requests, and the old one is on its route as it was."""

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.state in {State.RUNNING, State.RESTARTING}


def classify(swap: Swap, old: Seen | None, new: Seen | None, *, locked: bool, old_ran: bool) -> Found:
    """Read what is there. `locked` says whether this rollout's lock is still there; `old_ran` whether the old container
    ran when the rollout came."""
    if swap is Swap.CREATE:
        return _classify_create(new, locked=locked)
    if new is None:
        if old is None:
            return Found.LOST
        untouched = old.part is Part.NAMED and _is_as_it_was(swap, old, old_ran=old_ran)
        return Found.NOT_BEGUN if untouched else Found.HALF_DONE
    if old is None or old.part is not Part.NAMED:
        if new.part is Part.NAMED and new.running and new.armed and not locked:
            return Found.FINISHED
        return Found.COMMITTED
    if new.running:
        if old.running:
            return Found.ROUTED if swap is Swap.BESIDE and new.routed else Found.HALF_DONE
        return Found.UNVERIFIED
    untouched = _is_as_it_was(swap, old, old_ran=old_ran) and not new.ever_started
    return Found.NOT_BEGUN if untouched else Found.HALF_DONE


def together(serving: Found, beside: Sequence[Found]) -> Found:
    """What several processes of an environment say together: the one that serves tells how far the swap got.

    Where it wasn't begun another one may have been, and where it is finished another one may not be.
    """
    if serving is Found.NOT_BEGUN and any(one not in {Found.NOT_BEGUN, Found.LOST} for one in beside):
        return Found.HALF_DONE
    if serving is Found.FINISHED and any(one is not Found.FINISHED for one in beside):
        return Found.COMMITTED
    return serving


def classify_going(old: Seen, *, old_ran: bool) -> Found:
    """Read what is there of a process whose container is taken away, and none takes its place."""
    if old.part is not Part.NAMED:
        return Found.FINISHED
    return Found.NOT_BEGUN if _is_as_it_was(Swap.RECREATE, old, old_ran=old_ran) else Found.HALF_DONE


def _is_as_it_was(swap: Swap, old: Seen, *, old_ran: bool) -> bool:
    return old.armed and (old.running or not old_ran) and (old.routed or swap is not Swap.BESIDE)


def classify_in_place(now: Granted | None, before: Granted, after: Granted, *, locked: bool) -> Found:
    """Read what the container is granted `now`, None where it is gone, against what it was and what was planned."""
    if now is None:
        return Found.LOST
    if now.differs_from(after) is None and (before.differs_from(after) is not None or not locked):
        return Found.CHANGED if locked else Found.FINISHED
    return Found.NOT_BEGUN if now.differs_from(before) is None else Found.HALF_DONE


def _classify_create(new: Seen | None, *, locked: bool) -> Found:
    if new is None or not new.ever_started:
        return Found.NOT_BEGUN
    if new.part is Part.NAMED:
        return Found.COMMITTED if locked or not new.armed else Found.FINISHED
    return Found.UNVERIFIED if new.running else Found.HALF_DONE


def down_now(old: Seen | None, new: Seen | None) -> bool:
    """Whether neither container runs: such targets come first."""
    return not (old and old.running) and not (new and new.running)
