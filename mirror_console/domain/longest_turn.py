"""The longest turn: how long a target may be worked on until it is over or was put back, by the limits of its parts.

What has begun is finished, so that this is what has to fit into a maintenance window. That an image is fetched isn't
counted: nothing limits it, and nothing that serves is changed before it is there. Of a service of a Swarm one wait is
counted each way: it is waited for as long as its tasks move on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.environment import Settings
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way

_STOPS_OLD = frozenset({Swap.RECREATE, Swap.BESIDE})
_STAYS = frozenset({Swap.IN_PLACE, Swap.SERVICE})


@dataclass(frozen=True, slots=True)
class LongestTurn:
    """Its parts, each with the seconds that it may last, in the order in which they come. None lasts no time."""

    parts: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(seconds for _, seconds in self.parts)

    def __str__(self) -> str:
        """All of it, and of what it is made up: ``74 min: backup 10 min, release command 60 min, stop 10 s, …``"""
        return f"{_most(self.seconds)}: {', '.join(f'{name} {_most(seconds)}' for name, seconds in self.parts)}"


def longest_turn(target: PlannedTarget, way: Way, *, commands: bool = True) -> LongestTurn:
    """How long a target's turn may last in this way. Without `commands` where its release command was run already."""
    # The same container or service stays: it is alone in its turn.
    alone = target.swap in _STAYS
    beside, going = ((), ()) if alone else (companions_of(target), going_of(target))
    preparation = target.preparation if commands else None
    backup = preparation.backup if preparation is not None else None
    release = preparation.release if preparation is not None else None
    stopped = [one for one in (target, *beside, *going) if one.swap in _STOPS_OLD]
    verified = [one.settings for one in (target, *beside)]
    proved = target.settings if target.swap is Swap.BESIDE and target.settings.route is not None else None
    route = proved.route if proved is not None else None
    parts = (
        ("backup", backup.limit if backup is not None else 0.0),
        ("release command", release.limit if release is not None else 0.0),
        ("stop", _stops(one.before_settings or one.settings for one in stopped)),
        ("health", sum(_wait(target, one, way) for one in verified)),
        # Asked before the old one leaves its route, and again once it has ended what it was asked.
        ("proxy", 2 * _limit(proved, way) if proved is not None and route is not None and route.proof else 0.0),
        ("drain", route.drain if route is not None else 0.0),
        ("bake", way.bake),
        ("putting back", _putting_back(target, beside, way)),
    )
    return LongestTurn(tuple((name, seconds) for name, seconds in parts if seconds > 0))


def _putting_back(target: PlannedTarget, beside: Iterable[PlannedTarget], way: Way) -> float:
    """The new containers stop, and the old one that serves is waited for as long as its settings say, at least."""
    before = target.before_settings or target.settings
    waited = max(_wait(target, before, way), before.health.limit)
    if target.swap in _STAYS:
        return waited
    stops = _stops(one.settings for one in (target, *beside))
    if target.swap is Swap.CREATE:
        return stops
    route = target.settings.route
    drained = route.drain if target.swap is Swap.BESIDE and route is not None and route.by_alias else 0.0
    return stops + drained + waited


def _stops(several: Iterable[Settings]) -> float:
    return float(sum(one.stop_seconds for one in several))


def _wait(target: PlannedTarget, settings: Settings, way: Way) -> float:
    """The wait for health. A Swarm stops the old task in it, and watches the new one until it has settled."""
    rest = settings.stop_seconds + max(1.0, settings.health.settle) if target.swap is Swap.SERVICE else 0.0
    return _limit(settings, way) + rest


def _limit(settings: Settings, way: Way) -> float:
    return way.health_limit or settings.health.limit


def _most(seconds: float) -> str:
    """A limit in words, rounded up: ``70 s``, ``61 min``, ``2.5 h``."""
    if seconds <= 90:
        return f"{math.ceil(seconds)} s"
    if seconds <= 120 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 1800) / 2:g} h"
