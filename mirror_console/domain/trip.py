"""A trip: that a rollout's stop rule stopped it, what the rule does then, and what came of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.way import OnTrip


class Came(StrEnum):
    """What came of a trip."""

    PAUSED = "paused"
    DUE = "due"
    """What was changed is to be rolled back, and that isn't begun."""
    BEGUN = "begun"
    NOTHING = "nothing to roll back"
    NOT_BEGUN = "not begun"
    """The rollback was refused, or a person had the rollout pause or stop before: `told` says why."""
    IN_SPITE = "gone on in spite of it"
    OVER = "nothing left to pause"
    """It tripped when nothing was left to be begun."""


OPEN = frozenset({Came.DUE, Came.NOT_BEGUN})
"""Where a rollback is still what the rule asks for."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One time that the stop rule of a rollout stopped it."""

    at: datetime
    words: str
    """The rule that did: ``3 of 50 targets of wave 2 failed; 2 may.``"""
    wave: int
    """The wave in which it did, counted from 0."""
    action: OnTrip
    came: Came
    told: str = ""
    """More of what came of it."""
    rollback_id: str = ""
    """The rollout that rolls back; empty as long as none was begun."""
    rollback: str = ""
    """What its plan is called."""

    @property
    def part(self) -> str:
        """What is rolled back, as the plan of a rollback names it."""
        return "all" if self.action is OnTrip.ROLL_BACK_ALL else f"wave {self.wave + 1}"


def trip_words(trip: Trip) -> str:
    """Which rule stopped a rollout and what came of it, in sentences."""
    return f"Stop rule: {trip.words} {came_words(trip)}"


def came_words(trip: Trip) -> str:
    """What came of a trip, in a sentence or two."""
    part = "everything that it changed" if trip.action is OnTrip.ROLL_BACK_ALL else f"wave {trip.wave + 1}"
    more = f" {trip.told}" if trip.told else ""
    match trip.came:
        case Came.PAUSED:
            return "The rollout paused."
        case Came.DUE:
            return f"The plan says to roll back {part}; that isn't begun yet."
        case Came.BEGUN:
            return f"Rollback {trip.rollback} of {part} was begun, as the plan says.{more}"
        case Came.NOTHING:
            return f"The plan says to roll back {part}: there is nothing to roll back."
        case Came.NOT_BEGUN:
            return f"The plan says to roll back {part}; that was not begun{f':{more}' if more else '.'}"
        case Came.IN_SPITE:
            return f"It went on in spite of it: {part} was not rolled back."
        case Came.OVER:
            return "Nothing was left to be begun, so there was nothing to pause."


def open_trip(trips: Sequence[Trip]) -> Trip | None:
    """The last trip of a rollout where its rollback is still to be begun, by the console or by a person."""
    return trips[-1] if trips and trips[-1].came in OPEN else None


def with_last(trips: Sequence[Trip], came: Came, told: str = "", rollback_id: str = "", rollback: str = "") -> Trip:
    """The last of the trips, with what came of it."""
    return replace(trips[-1], came=came, told=told, rollback_id=rollback_id, rollback=rollback)


def in_spite(trips: tuple[Trip, ...]) -> tuple[Trip, ...]:
    """The trips of a rollout that a person lets go on: no rollback is asked for any more."""
    return (*trips[:-1], with_last(trips, Came.IN_SPITE)) if open_trip(trips) else trips
