"""Who makes a soak hard: at a random instant of a rollout something is done to an engine, a way or a container."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.campaign_parts.checker import Case
from tests.campaign_parts.faults import engine as engines
from tests.campaign_parts.faults import others, way
from tests.campaign_parts.heard import Heard
from tests.campaign_parts.play import Play
from tests.campaign_parts.world import Stage
from tests.lab.proxy import EngineProxy

FROZEN = 5.0
"""Seconds for which an engine stands still."""


@dataclass(slots=True)
class Ground:
    """An engine of the soak, the way to it, who listens to it, and the plays of its environments by container."""

    name: str
    stage: Stage
    way: EngineProxy
    heard: Heard
    plays: dict[str, Play] = field(default_factory=dict)

    def allow(self, change: Callable[[Case], Case]) -> None:
        """What was done excuses something at each of its environments."""
        for play in self.plays.values():
            play.case = change(play.case)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done. `do` does it, and says at which environments it excuses what."""

    name: str
    do: Callable[[Ground, random.Random], None]


def _falls(fall: Callable[..., None]) -> Callable[[Ground, random.Random], None]:
    def do(ground: Ground, dice: random.Random) -> None:
        ground.allow(lambda case: replace(case, engine_fell=True))
        fall(ground.stage.engine, dice)

    return do


def _freeze(ground: Ground, dice: random.Random) -> None:
    ground.stage.engine.freeze()
    time.sleep(dice.uniform(0.5, FROZEN))
    ground.stage.engine.thaw()


def _spoils(spoil: Callable[[random.Random], object]) -> Callable[[Ground, random.Random], None]:
    def do(ground: Ground, dice: random.Random) -> None:
        with ground.way.spoiling(spoil(dice)):  # type: ignore[arg-type] # a fault of a proxy
            time.sleep(dice.uniform(0.1, way.LONGEST))

    return do


def _meddles(act: Callable[[Play], None], change: Callable[[Case], Case]) -> Callable[[Ground, random.Random], None]:
    def do(ground: Ground, dice: random.Random) -> None:
        play = ground.plays[dice.choice(sorted(ground.plays))]
        play.case = change(play.case)
        act(play)

    return do


def _any_end(case: Case) -> Case:
    return replace(case, may_end=others.ANY)


ACTS: Sequence[Act] = (
    Act("nothing", lambda _ground, _dice: None),
    Act("engine killed", _falls(engines._kill)),
    Act("engine restarted", _falls(engines._restart)),
    Act("power cut", _falls(engines._reboot)),
    Act("engine frozen", _freeze),
    Act("way cut", _spoils(way._cut)),
    Act("way delayed", _spoils(way._late)),
    Act("way half-closed", _spoils(way._half_closed)),
    Act("wrong answers", _spoils(way._wrong)),
    Act("restarted by hand", _meddles(others._restart, _any_end)),
    Act("new one removed", _meddles(others._remove_new, _any_end)),
    Act("pruned", _meddles(others._prune, others._gone)),
)


def counted(acts: Sequence[str]) -> Mapping[str, int]:
    """How often each was done."""
    return {act.name: acts.count(act.name) for act in ACTS if act.name in acts}
