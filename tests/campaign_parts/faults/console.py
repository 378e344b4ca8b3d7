"""Faults of the console: it is killed at a boundary of a step or at any instant, and so is its recovery."""

from __future__ import annotations

import signal
import time
from functools import cache
from threading import Lock

from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.inside import FIRST, boundaries
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped, kill, played
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
ROLES = (
    Role(kept=True),
    Role(old=None),
    Role(goal="exits-at-once"),
    Role(policy="unless-stopped"),
    Role(goal="exits-at-once", old=None),
    Role(kept=True, beside=True),
    Role(goal="exits-at-once", beside=True, scene={"settle": 0.5}),
)
"""Recreate, create and start beside, with an image that is well and one that is not."""
_uncut = Lock()


@cache
def _whole(world: World, role_place: int) -> tuple[tuple[str, ...], float]:
    """The boundaries that such a play meets when nothing happens to it, and its seconds from the first to the last."""
    role = ROLES[role_place]
    with played(world, world.stage(HOST), Point("uncut", 0, role_place), role) as play:
        with play.start() as command:
            play.ended(command)
        met = boundaries(play.record)
        told = play.recover()
        wrong = play.judge(told)
        assert not wrong, f"without any fault: {told} {wrong}"
        assert told in ({"done"} if role.goal == GOOD else {"put back", "failed"}), told
        return tuple(name for _, name in met), met[-1][0] - met[0][0]


def _of(world: World, point: Point) -> tuple[Role, tuple[str, ...], float]:
    place = point.number % len(ROLES)
    with _uncut:
        return ROLES[place], *_whole(world, place)


def at_boundary(world: World, point: Point) -> Outcome:
    """Killed at a boundary: the points go through all of them, in an order that the seed gives."""
    role, met, _ = _of(world, point)
    order = list(range(len(met)))
    Point(point.fault, point.seed, -1).dice.shuffle(order)
    place = order[point.number // len(ROLES) % len(met)]
    with played(world, world.stage(HOST), point, role) as play:
        with play.start(stop_at=str(place)) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        return recovered(play)


def at_instant(world: World, point: Point) -> Outcome:
    """Killed at any instant from the first boundary on."""
    role, _, seconds = _of(world, point)
    with played(world, world.stage(HOST), point, role) as play:
        after = play.dice.uniform(0.0, seconds * 1.1)
        with play.start(stop_at=FIRST) as command:
            if is_stopped(command):
                go_on(command)
                time.sleep(after)
                command.send_signal(signal.SIGKILL)
            play.ended(command)
        return recovered(play)


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
    Fault("kill-boundary", "kill -9 of the console at a boundary of a step", at_boundary, at_once=3),
    Fault("kill-on-route", "kill -9 while requests go over to the new one", on_route, share=0.5, at_once=3),
    Fault("kill-instant", "kill -9 of the console at any instant", at_instant, at_once=3),
)
