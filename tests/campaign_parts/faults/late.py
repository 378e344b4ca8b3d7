"""Faults of late calls: an engine carries out what the console has given up on, or in whose middle it was killed.

Whoever has put back by then what it was about watches for as long as a call may be on its way.
"""

from __future__ import annotations

import http.client
import re
import socket
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

from tests.campaign_parts import checker
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.making import played
from tests.campaign_parts.play import CONTINUE, PUT_BACK, Point, Role, go_on, is_stopped, kill
from tests.campaign_parts.world import HOST, STUBBORN, World
from tests.lab import proxy

CALLS = (
    r"POST .*/containers/create\?name=[^.&]+\.mc-next",
    r"POST .*/update",
    r"POST .*/stop",
    r"POST .*/start",
    r"POST .*/rename\?name=[^&]+\.mc-prev",
    r"POST .*/rename\?name=[^.&]+($|&)",
)
"""What is kept back: each change of a swap, the first time that it is asked for."""
TIMEOUT, PATIENCE, STOPS = 1.0, 0.6, 1
"""Seconds until the console gives up on an answer, then on looking whether it was done; and that a stop may take."""
WITHIN = 1.6
"""Seconds in which it arrives after that: less than a call may be on its way."""
SETTLES = 0.5
"""Seconds more until it is over for sure."""
LONG_STOP = 3
"""Seconds that a stop takes of what ignores its signal."""


class Late:
    """A fault of the way: the first request like `pattern` is kept, all others pass."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._kept = b""
        self.is_kept = Event()

    def __call__(self, exchange: proxy.Exchange) -> None:
        asked = exchange.asked
        wanted = asked is not None and self._pattern.search(f"{asked.method} {asked.path}") is not None
        if not wanted or self._kept:
            proxy.passed(exchange)
        self._kept = exchange.unsent
        self.is_kept.set()
        exchange.hold()

    def deliver(self, engine: Path) -> None:
        """Now it reaches the engine, which answers nobody."""
        with closing(socket.socket(socket.AF_UNIX)) as line:
            line.settimeout(30.0)
            line.connect(str(engine))
            line.sendall(self._kept)
            answer = http.client.HTTPResponse(line)
            answer.begin()
            answer.read()


def late(world: World, point: Point) -> Outcome:
    """It arrives while the console puts back, or watches."""
    pattern = point.one_of(CALLS)
    stage = world.stage(HOST)
    fault = Late(pattern)
    waits = TIMEOUT + PATIENCE + (STOPS if "stop" in pattern else 0.0)
    scene = {"timeout": TIMEOUT, "stop_seconds": STOPS}
    role = Role(kept=point.number // len(CALLS) % 2 == 1, scene=scene)
    change = partial(replace, may_end=frozenset({"done", "failed", "put back"}))
    with (
        proxy.proxy(world.folder / f"late-{point.number}", stage.engine.socket) as way,
        played(world, stage, point, role, engine=way.address, change=change) as play,
    ):
        play.place = f"a call comes late: {pattern}"
        with play.start(stop_at="LOCK:outcome", patience=PATIENCE) as command:
            # Only now: the checks look whether the engine takes such changes.
            if is_stopped(command):
                with way.spoiling(fault):
                    go_on(command)
                    if fault.is_kept.wait(20.0):
                        time.sleep(waits + play.dice.uniform(0.0, WITHIN))
                        fault.deliver(stage.engine.socket)
                    play.ended(command)
            else:
                play.ended(command)
        play.wrong += checker.calls_wrong([(asked.method, asked.path) for asked in way.asked])
        told = play.recover()
        assert told != "not started", play.said
        return outcome(play, told)


def killed_in_stop(world: World, point: Point) -> Outcome:
    """Killed while the engine stops the old container, which takes its time, and recovered at once."""
    policy = ("always", "unless-stopped")[point.number // 2 % 2]
    role = Role(old=STUBBORN, policy=policy, scene={"stop_seconds": LONG_STOP})
    change = partial(replace, may_end=frozenset({"done", "failed", "put back"}))
    with played(world, world.stage(HOST), point, role, change=change) as play:
        with play.start(stop_at="STOP:intent") as command:
            assert is_stopped(command), play.said
            go_on(command)
            time.sleep(play.dice.uniform(0.1, 0.5))
            kill(command)
            stopped = time.monotonic() + LONG_STOP
            play.ended(command)
        play.place = f"killed while the old container stops; its policy is {policy}"
        play.wrong += checker.without_intent(play.case)
        if play.dice.random() < 0.3:
            play.delete_journal()
        told = play.recover(choice=(PUT_BACK, CONTINUE)[point.number % 2])
        # By now the engine has ended what it was told to, whatever the console has done meanwhile.
        time.sleep(max(0.0, stopped + SETTLES - time.monotonic()))
        return outcome(play, told)


FAULTS = (
    Fault("late-call", "the engine carries out what the console gave up on", late, share=0.6, at_once=2),
    Fault("kill-in-stop", "kill -9 while the engine stops the old one", killed_in_stop, share=0.4, at_once=3),
)
