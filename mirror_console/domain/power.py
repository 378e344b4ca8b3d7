"""Power: whether a computer can be kept from falling asleep, and what it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Supply(Enum):
    """What a computer runs on."""

    NO_BATTERY = auto()
    MAINS = auto()
    """It has a battery, and is plugged in."""
    BATTERY = auto()
    UNTOLD = auto()
    """Whether it has a battery isn't told."""


@dataclass(frozen=True, slots=True)
class Power:
    """How sure it is that a computer stays awake."""

    supply: Supply
    refusal: str = ""
    """Why the system can't be asked to keep it awake, as the end of a sentence; empty where it can."""
