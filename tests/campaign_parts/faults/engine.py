"""Faults of the engine: killed, frozen, restarted, and its disk full, all in the middle of a swap."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.campaign_parts.checker import Case
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Point, Role, go_on, is_stopped
from tests.campaign_parts.world import HOST, SMALL, World
from tests.lab.engine import LabEngine

STEPS = ("CREATE", "DISARM", "STOP", "START", "VERIFY", "COMMIT", "NAME", "BAKE", "UNLOCK")
PLACES = tuple(f"{step}:{phase}" for step in STEPS for phase in ("intent", "sent"))
FROZEN = 20.0
ROLE = Role(policy="always", bake=0.5, scene={"timeout": 3.0})
PIECE = b"\0" * 65536
RESERVE = 2 * 1024 * 1024


def _fallen(name: str, words: str, fall: Callable[[LabEngine, random.Random], None], share: float) -> Fault:
    """The engine falls at a boundary, and comes back while the program goes on."""

    def play(world: World, point: Point) -> Outcome:
        stage = world.stage(HOST)
        place = PLACES[point.number * 5 % len(PLACES)]
        change = partial(replace, engine_fell=True)
        with played(world, stage, point, ROLE, change=change) as playing:
            playing.place = f"{words}, at {place}"
            with playing.start(stop_at=place) as command:
                if is_stopped(command):
                    go_on(command)
                    fall(stage.engine, playing.dice)
                playing.ended(command)
            return outcome(playing, playing.recover())

    return Fault(name, words, play, share=share)


def _kill(engine: LabEngine, dice: random.Random) -> None:
    engine.kill()
    time.sleep(dice.uniform(0.0, 1.5))
    engine.start()


def _restart(engine: LabEngine, _dice: random.Random) -> None:
    engine.restart()


def _reboot(engine: LabEngine, _dice: random.Random) -> None:
    engine.reboot()


def frozen(world: World, point: Point) -> Outcome:
    """Every connection is taken and nothing is answered for twenty seconds; then it goes on as if nothing was."""
    stage = world.stage(HOST)
    place = PLACES[point.number * 5 % len(PLACES)]
    with played(world, stage, point, ROLE) as playing:
        playing.place = f"the engine stands still, at {place}"
        with playing.start(stop_at=place) as command:
            if is_stopped(command):
                stage.engine.freeze()
                go_on(command)
                time.sleep(FROZEN)
                stage.engine.thaw()
            playing.ended(command)
        return outcome(playing, playing.recover())


def disk_full(world: World, point: Point) -> Outcome:
    """The engine's disk is full from a boundary on, until the program has ended.

    Each second time but for what most file systems keep for root. Else an engine can start nothing any more, not even
    what it has just stopped; then a person is needed.
    """
    stage = world.stage(SMALL)
    place = PLACES[point.number * 5 % len(PLACES)]
    to_the_last = point.number % 2 == 1

    def change(case: Case) -> Case:
        left = frozenset({f"{case.container}.mc-next", f"{case.container}.mc-older"})
        return replace(case, may_end=case.may_end | {"stranded"}, may_be_left=left) if to_the_last else case

    with played(world, stage, point, replace(ROLE, policy="unless-stopped"), change=change) as playing:
        playing.place = f"the engine's disk is full, at {place}"
        with playing.start(stop_at=place) as command:
            if is_stopped(command):
                fill(stage.engine, 0 if to_the_last else RESERVE)
                go_on(command)
            playing.ended(command)
        filler(stage.engine).unlink(missing_ok=True)
        return outcome(playing, playing.recover())


def filler(engine: LabEngine) -> Path:
    """In the engine's own view of files: its data are mounted for it alone."""
    return Path(f"/proc/{engine.pid}/root{engine.folder}/data/filler")


def fill(engine: LabEngine, but: int) -> None:
    """Fill the disk with an engine's data, but for so many bytes."""
    with filler(engine).open("wb", buffering=0) as file:
        full = False
        while not full:
            try:
                file.write(PIECE)
            except OSError:
                full = True
        file.truncate(file.tell() - but)


FAULTS = (
    _fallen("engine-killed", "SIGKILL of the engine, started again", _kill, 0.5),
    _fallen("engine-restarted", "restart of the engine", _restart, 0.5),
    _fallen("engine-rebooted", "power cut of the engine's host", _reboot, 0.25),
    Fault("engine-frozen", "SIGSTOP of the engine for 20 s", frozen, share=0.1),
    Fault("disk-full", "disk full on the engine", disk_full, share=0.5),
)
