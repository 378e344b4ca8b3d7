"""Faults of the console: it is killed at a boundary of a step or at any instant, and so is its recovery."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from functools import cache
from threading import Lock
from types import MappingProxyType

from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.inside import FIRST, boundaries
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped, kill
from tests.campaign_parts.world import GOOD, HOST, World

MOST_KILLS = 3
ON_ROUTE = (
    "CONNECT:sent",
    "PROVE:intent",
    "DISCONNECT:sent",
    "DRAIN:intent",
    "STOP:intent",
    "STOP:sent",
    "COMMIT:sent",
)
ILL = {"settle": 0.5}
ROLES: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        "recreate": (
            Role(kept=True),
            Role(goal="exits-at-once"),
            Role(policy="unless-stopped"),
            Role(kept=True, secret=True),
        ),
        "create": (Role(old=None), Role(goal="exits-at-once", old=None)),
        "start beside": (
            Role(kept=True, beside=True),
            Role(goal="exits-at-once", beside=True, scene=ILL),
        ),
        "change in place": (Role(in_place=True),),
    }
)
"""By swap, with an image that is well and one that is not."""
_uncut = Lock()


@cache
def _whole(world: World, swap: str, place: int) -> tuple[tuple[str, ...], float]:
    """The boundaries that such a play meets when nothing happens to it, and its seconds from the first to the last."""
    role = ROLES[swap][place]
    with played(world, world.stage(HOST), Point(f"uncut {swap}", 0, place), role) as play:
        with play.start() as command:
            play.ended(command)
        met = boundaries(play.record)
        told = play.recover()
        wrong = play.judge(told)
        assert not wrong, f"without any fault: {told} {wrong}"
        assert told in ({"done"} if role.goal == GOOD else {"put back", "failed"}), told
        return tuple(name for _, name in met), met[-1][0] - met[0][0]


def _killed(name: str, swap: str) -> Fault:
    """Killed at a boundary, and with the next round of points at any instant from the first boundary on.

    The points go through all boundaries, in an order that the seed gives.
    """
    roles = ROLES[swap]

    def play(world: World, point: Point) -> Outcome:
        place, turn = point.number % len(roles), point.number // len(roles)
        with _uncut:
            met, seconds = _whole(world, swap, place)
        order = list(range(len(met)))
        Point(name, point.seed, -1).dice.shuffle(order)
        at_instant = turn % 2 == 1
        with played(world, world.stage(HOST), point, roles[place]) as playing:
            after = playing.dice.uniform(0.0, seconds * 1.1)
            stop_at = FIRST if at_instant else str(order[turn // 2 % len(met)])
            with playing.start(stop_at=stop_at) as command:
                if is_stopped(command):
                    if at_instant:
                        go_on(command)
                        time.sleep(after)
                    command.send_signal(signal.SIGKILL)
                playing.ended(command)
            return recovered(playing)

    return Fault(name, f"kill -9 of the console: {swap}", play, at_once=3)


def on_route(world: World, point: Point) -> Outcome:
    """Killed while the requests of one container go over to another."""
    place = point.dice.choice(ON_ROUTE)
    with played(world, world.stage(HOST), point, Role(beside=True, kept=point.dice.random() < 0.5)) as play:
        with play.start(stop_at=place) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        return recovered(play)


def recovered(play: Play) -> Outcome:
    """Recovered, half of the times without the journal; the recovery itself killed up to three times."""
    met = play.met()
    role = play.role
    play.place = f"{role.swap} to {role.goal}, killed at {met[-1] if met else 'nothing'}"
    play.note_cut_off()
    if play.dice.random() < 0.5:
        play.delete_journal()
    return outcome(play, play.recover(kills=play.dice.randint(0, MOST_KILLS)))


FAULTS = (
    _killed("kill-recreate", "recreate"),
    _killed("kill-create", "create"),
    _killed("kill-beside", "start beside"),
    _killed("kill-in-place", "change in place"),
    Fault("kill-on-route", "kill -9 while requests go over to the new one", on_route, share=0.5, at_once=3),
)
