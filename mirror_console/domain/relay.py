"""A relay: one image on its way from an engine that has it to others, through the console and without a registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.errors import FailureKind


class LegState(StrEnum):
    """How far the image is on its way to one engine. The words of screens and reports."""

    WAITING = "waiting"
    CARRYING = "on its way"
    TAKING_IN = "taken in"
    """All of it was sent; the engine unpacks it."""
    BROUGHT = "brought"
    THERE = "there already"
    FAILED = "failed"


ARRIVED = frozenset({LegState.BROUGHT, LegState.THERE})
OVER = ARRIVED | {LegState.FAILED}


@dataclass(frozen=True, slots=True)
class Leg:
    """The way to one engine. `octets` is how much of the image was sent there."""

    engine_id: str
    engine: str
    state: LegState = LegState.WAITING
    octets: int = 0
    words: str = ""
    """Why it failed, or what else is to be said of it."""
    hint: str = ""
    kind: FailureKind | None = None
    image_id: str = ""
    """What the image is called on that engine, where it is there."""

    @property
    def arrived(self) -> bool:
        """Whether the image is there, proved by its fingerprint."""
        return self.state in ARRIVED


@dataclass(frozen=True, slots=True)
class Relay:
    """How a relay stands. `size` is the image's in bytes, an estimate of what each engine is sent; 0: not known."""

    fingerprint: str
    legs: tuple[Leg, ...]
    size: int = 0
    source: str = ""
    """The engine that gives the image away now, or gave it last."""

    @property
    def complete(self) -> bool:
        """Whether the image is on every engine that it was to come to."""
        return all(leg.arrived for leg in self.legs)

    @property
    def failed(self) -> tuple[Leg, ...]:
        """The engines that it didn't come to."""
        return tuple(leg for leg in self.legs if leg.state is LegState.FAILED)

    @property
    def done(self) -> int:
        """Bytes that were sent to all of them."""
        return sum(leg.octets for leg in self.legs)

    @property
    def total(self) -> int:
        """Bytes that are to be sent, as far as known; never less than were sent."""
        return sum(_expected(leg, self.size) for leg in self.legs)

    def leg(self, engine_id: str) -> Leg:
        """The way to one engine. Raises KeyError."""
        found = {leg.engine_id: leg for leg in self.legs}
        return found[engine_id]

    @property
    def sentence(self) -> str:
        """How it ended, for people."""
        brought = _names(leg for leg in self.legs if leg.state is LegState.BROUGHT)
        there = _names(leg for leg in self.legs if leg.state is LegState.THERE)
        parts = [f"Brought to {brought}." if brought else "", f"There already on {there}." if there else ""]
        parts += [f"Not on {leg.engine}: {leg.words}" for leg in self.failed]
        return " ".join(part for part in parts if part)


def _expected(leg: Leg, size: int) -> int:
    match leg.state:
        case LegState.WAITING | LegState.CARRYING:
            return max(size, leg.octets)
        case _:
            return leg.octets


def _names(legs: Iterable[Leg]) -> str:
    return ", ".join(leg.engine for leg in legs)
