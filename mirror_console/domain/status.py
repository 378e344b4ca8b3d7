"""Status: the one word for an environment, derived from four facts that are kept apart.

These are its alignment, its health, how much is known, and the activity there. What is known only from long ago never
counts as fine.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.engine import Contact
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.errors import FailureKind


class Status(StrEnum):
    """The one word that a cell shows, derived from the four facts."""

    ROLLING_OUT = "rolling out"
    UNREACHABLE = "unreachable"
    NO_ACCESS = "no access"
    NOT_CHECKED = "not checked"
    MISSING = "missing"
    UNHEALTHY = "unhealthy"
    DRIFTED = "drifted"
    BEHIND = "behind"
    AHEAD = "ahead"
    NO_RELEASE = "no release"
    ALIGNED = "aligned"
    NOT_APPLICABLE = "not applicable"


SEVERITY: tuple[Status, ...] = (
    Status.UNHEALTHY,
    Status.MISSING,
    Status.UNREACHABLE,
    Status.DRIFTED,
    Status.BEHIND,
    Status.NO_RELEASE,
    Status.NO_ACCESS,
    Status.NOT_CHECKED,
    Status.AHEAD,
    Status.ROLLING_OUT,
    Status.ALIGNED,
    Status.NOT_APPLICABLE,
)
"""Worst first: the order of the summary and of sorting by state."""


ATTENTION = frozenset({Status.UNHEALTHY, Status.MISSING, Status.UNREACHABLE, Status.DRIFTED})


class Knowledge(StrEnum):
    """How much is known, and how fresh."""

    FRESH = "fresh"
    AGEING = "ageing"
    STALE = "stale"
    UNREACHABLE = "unreachable"
    NEVER = "never checked"
    NO_ACCESS = "no access"
    """Its account has no credential on an engine where accounts have theirs: it is neither asked nor guessed."""


class Activity(StrEnum):
    """What the console is doing there."""

    IDLE = "idle"
    QUEUED = "queued"
    ROLLING_OUT = "rolling out"
    INTERRUPTED = "interrupted"
    """A rollout was cut off here and waits for a person's decision."""
    LOCKED = "locked"
    """Another console holds the lock: what it does there isn't known here."""


AGEING_AFTER = timedelta(minutes=5)
STALE_AFTER = timedelta(minutes=30)


def status(alignment: Alignment, health: Health, known: Knowledge, activity: Activity) -> Status:
    """The one word for a cell. What is known only from long ago outranks everything that was known then."""
    if activity in {Activity.ROLLING_OUT, Activity.QUEUED, Activity.INTERRUPTED}:
        return Status.ROLLING_OUT
    if known in _UNKNOWN:
        return _UNKNOWN[known]
    if alignment is Alignment.MISSING:
        return Status.MISSING
    if health in {Health.FAILING, Health.STOPPED}:
        return Status.UNHEALTHY
    if activity is Activity.LOCKED:
        # After what is wrong: nobody knows whether that console still lives.
        return Status.ROLLING_OUT
    match alignment:
        case Alignment.DRIFTED:
            return Status.DRIFTED
        case Alignment.BEHIND:
            return Status.BEHIND
        case Alignment.AHEAD:
            return Status.AHEAD
        case Alignment.NO_RELEASE:
            return Status.NO_RELEASE
        case Alignment.UNKNOWN:
            return Status.NOT_CHECKED
        case Alignment.ALIGNED:
            return Status.ALIGNED
        case _:
            assert_never(alignment)


_UNKNOWN = {
    Knowledge.NO_ACCESS: Status.NO_ACCESS,
    Knowledge.UNREACHABLE: Status.UNREACHABLE,
    Knowledge.STALE: Status.NOT_CHECKED,
    Knowledge.NEVER: Status.NOT_CHECKED,
}
"""What a cell is called when too little is known of it to call it anything else."""


def knowledge(
    observed: Observation | None,
    contact: Contact | None,
    now: datetime,
    ageing_after: timedelta = AGEING_AFTER,
    stale_after: timedelta = STALE_AFTER,
    trusted_since: datetime | None = None,
) -> Knowledge:
    """How much is known. An engine whose last attempt failed makes its cells unreachable, however fresh they are.

    What was seen before `trusted_since` is not fresh, however young it is: the computer slept since.
    """
    if contact is not None and not contact.answered:
        return Knowledge.NO_ACCESS if contact.failure is FailureKind.NO_ACCESS else Knowledge.UNREACHABLE
    if observed is None:
        return Knowledge.NEVER
    # What was seen in the future comes of a clock that was set back: how old it is isn't known, so it isn't fresh.
    age = abs(now - observed.at)
    if age > stale_after:
        return Knowledge.STALE
    if age > ageing_after or (trusted_since is not None and observed.at < trusted_since):
        return Knowledge.AGEING
    return Knowledge.FRESH


def health_of(observed: Observation | None) -> Health:
    """How the container is: a process that doesn't run, or restarts over and over, is not healthy whatever was said."""
    if observed is None or not observed.present:
        return Health.UNKNOWN
    match observed.state:
        case State.RUNNING:
            return observed.health
        case State.RESTARTING:
            return Health.FAILING
        case State.EXITED | State.DEAD | State.CREATED | State.PAUSED | State.REMOVING:
            return Health.STOPPED
        case None:
            return Health.UNKNOWN
        case _:
            assert_never(observed.state)


def activity_of(own: tuple[Activity, str] | None, observed: Observation | None) -> tuple[Activity, str]:
    """What is done there, and in words: by a rollout of this console's `own`, else by another that holds the lock."""
    if own is not None:
        return own
    if observed is not None and observed.lock is not None:
        return Activity.LOCKED, f"locked by {observed.lock.holder}"
    return Activity.IDLE, ""
