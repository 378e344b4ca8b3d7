"""A fault: what is done to one rollout, at which points, and how many of them are played side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.campaign_parts.checker import Violation
from tests.campaign_parts.play import Play, Point
from tests.campaign_parts.world import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one point gave. `place` says in words where the program was."""

    violations: tuple[Violation, ...]
    place: str
    told: str = ""
    """The end of the target, as the program tells it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`play` plays one point. `share` is how many of the points that are asked for it gets, as its points are slow."""

    name: str
    words: str
    play: Callable[[World, Point], Outcome]
    share: float = 1.0
    at_once: int = 1


def outcome(play: Play, told: str) -> Outcome:
    """Judge a play that has come to its end."""
    violations = play.judge(told)
    return Outcome(tuple(violations), f"{play.place} ({play.words})", told)
