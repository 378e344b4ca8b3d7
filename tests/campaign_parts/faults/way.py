"""Faults of the way to the engine: a connection that is cut, delayed or half-closed, from a boundary on for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tests.campaign_parts import checker
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.faults.engine import PLACES, ROLE
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Point, go_on, is_stopped
from tests.campaign_parts.world import HOST, World
from tests.lab import faults, proxy

LONGEST = 3.0
"""Seconds for which the way is spoilt."""


def _fault(name: str, words: str, spoil: Callable[[random.Random], proxy.Fault], share: float = 1.0) -> Fault:
    def play(world: World, point: Point) -> Outcome:
        stage = world.stage(HOST)
        place = PLACES[point.number * 5 % len(PLACES)]
        before = world.folder / f"way-{point.number}"
        with (
            proxy.proxy(before, stage.engine.socket) as way,
            played(world, stage, point, ROLE, engine=way.address) as playing,
        ):
            playing.place = f"{words}, at {place}"
            with playing.start(stop_at=place) as command:
                if is_stopped(command):
                    with way.spoiling(spoil(playing.dice)):
                        go_on(command)
                        time.sleep(playing.dice.uniform(0.1, LONGEST))
                playing.ended(command)
            told = playing.recover()
            playing.wrong += checker.calls_wrong([(asked.method, asked.path) for asked in way.asked])
            return outcome(playing, told)

    return Fault(name, words, play, share=share, at_once=2)


def _cut(dice: random.Random) -> proxy.Fault:
    """Before the engine hears anything, or after it has begun to answer."""
    return faults.closed_after(dice.choice((0, 1, 40)))


def _late(dice: random.Random) -> proxy.Fault:
    return faults.late(dice.choice((0.5, 2.0, 4.0)))


def _half_closed(dice: random.Random) -> proxy.Fault:
    return faults.half_closed_after(dice.choice((1, 40)))


def _wrong(dice: random.Random) -> proxy.Fault:
    """By somebody who is in between: a web proxy's own page, half of what the engine says, or nothing ever."""
    return dice.choice((faults.bad_gateway(), faults.truncating, faults.silent))


FAULTS = (
    _fault("connection-cut", "the connection is cut", _cut),
    _fault("connection-late", "the connection is delayed", _late, 0.5),
    _fault("connection-half", "the connection is half-closed", _half_closed, 0.5),
    _fault("connection-wrong", "somebody in between answers wrong, or not at all", _wrong, 0.5),
)
