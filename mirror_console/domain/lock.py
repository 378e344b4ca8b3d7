"""A lock: who holds an environment on its engine, and whether the holder still lives.

While it is held, a number on the lock is changed from time to time: its heartbeat. No two computers' clocks are
compared: a lock is stale once an observer has watched the same number stand still for the term, by its own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mirror_console.domain.environment import OUR_LABELS
from mirror_console.domain.moment import moment


@dataclass(frozen=True, slots=True)
class LockTimes:
    """The times of locks, in seconds. All consoles have to keep the same ones.

    `term` is how long a heartbeat must be seen to stand still until its lock is stale; `every` how often it beats.
    `look_every` is how often an observer looks; `blind` how far two looks may lie apart for the time between them to
    count. `wait` is how long a rollout waits for a lock that others hold. `grace` is how long a call may be on its way
    to an engine after it was decided, besides the time that a stop takes.
    """

    term: float = 60.0
    every: float = 15.0
    look_every: float = 2.0
    blind: float = 15.0
    wait: float = 120.0
    grace: float = 30.0


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock as it tells of itself. `beat` is its heartbeat, 0 before the first, and where only a listing was read."""

    id: str
    container: str
    """The name of the container whose environment is locked."""
    person: str
    machine: str
    console: str
    """The run of the program that holds it."""
    rollout_id: str
    taken_at: datetime | None = None
    beat: int = 0

    @property
    def holder(self) -> str:
        """Who holds it: ``operator on desk-7``."""
        return f"{self.person or 'Somebody'} on {self.machine or 'an unknown computer'}"

    def words(self, now: datetime) -> str:
        """Whose it is and since when, as a sentence's beginning: ``operator on desk-7 holds the lock since 14:05``."""
        since = moment(self.taken_at, now) if self.taken_at is not None else "an unknown time"
        return f"{self.holder} holds the lock since {since}"

    @property
    def details(self) -> str:
        """By what its rollout and its console are known there: ``rollout 3f2a91bc, console 91bd0c11``."""
        return f"rollout {self.rollout_id[:8] or 'unknown'}, console {self.console[:8] or 'unknown'}"


def lock_of(lock_id: str, labels: Mapping[str, str], container: str, beat: int = 0) -> Lock:
    """The lock of an environment, from the id and the labels of what has its name on the engine."""
    return Lock(
        id=lock_id,
        container=container,
        person=labels.get(OUR_LABELS + "operator", ""),
        machine=labels.get(OUR_LABELS + "machine", ""),
        console=labels.get(OUR_LABELS + "console", ""),
        rollout_id=labels.get(OUR_LABELS + "rollout", ""),
        taken_at=_taken_at(labels),
        beat=beat,
    )


def _taken_at(labels: Mapping[str, str]) -> datetime | None:
    try:
        at = datetime.fromisoformat(labels.get(OUR_LABELS + "taken", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What an observer knows of a heartbeat. `still` are the seconds for which it was watched standing still."""

    lock_id: str
    beat: int
    at: float
    """When it was last looked at, by the observer's clock."""
    still: float = 0.0
    moved: bool = False
    """Whether it was seen to beat."""

    def stale(self, times: LockTimes) -> bool:
        """Whether its holder is to be taken for gone. That alone takes no lock away: a person does."""
        return self.still >= times.term


def felt(before: Pulse | None, lock: Lock, at: float, times: LockTimes) -> Pulse:
    """The pulse after one more look.

    What wasn't watched doesn't count: after a look that lies too far back, as the observer slept or the engine didn't
    answer, or of another lock, it begins anew.
    """
    if before is None or before.lock_id != lock.id:
        return Pulse(lock.id, lock.beat, at)
    if before.beat != lock.beat:
        return Pulse(lock.id, lock.beat, at, moved=True)
    watched = at - before.at
    if not 0 <= watched <= times.blind:
        return Pulse(lock.id, lock.beat, at, moved=before.moved)
    return Pulse(lock.id, lock.beat, at, before.still + watched, before.moved)
