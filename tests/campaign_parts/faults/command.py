"""Faults of release commands: one fails, hangs, or prints without an end; and the console is killed around one."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.faults.console import recovered
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped, kill
from tests.campaign_parts.world import HOST, World

UNTOUCHED = frozenset({"failed"})
LASTS = ("sh", "-c", "echo run >> /media/runs; echo migrating with $TOKEN; sleep 0.4; echo migrated")
"""It says its secret, which may be kept nowhere."""
FAILS = ("sh", "-c", "echo cannot connect with $TOKEN >&2; exit 7")
HANGS = ("sleep", "600")
FLOODS = ("sh", "-c", "busybox yes 0123456789012345678901234567890123456789 | busybox head -c 104857600")
"""100 MB."""
CATALOG_GROWS = 2_000_000
"""Bytes that a catalog with one mirror may have."""
MOST_MEMORY = 160_000
"""kB that the console may take at its peak: about 110,000 without any command."""
AROUND = ("MAKE_COMMAND:sent", "RELEASE:intent", "RELEASE:sent", "RELEASE:outcome", "COMMAND:kept")


def _role(command: tuple[str, ...], limit: float = 60.0, *, secret: bool = False, **more: object) -> Role:
    return Role(secret=secret, scene={"command": command, "command_limit": limit, **more})


def _fails(name: str, words: str, command: tuple[str, ...], limit: float = 60.0) -> Fault:
    def play(world: World, point: Point) -> Outcome:
        change = partial(replace, may_end=UNTOUCHED)
        role = _role(command, limit, secret=command is FAILS)
        with played(world, world.stage(HOST), point, role, change=change) as playing:
            with playing.start() as begun:
                playing.ended(begun)
            playing.place = f"its command is {' '.join(command)[:40]}"
            return outcome(playing, playing.recover())

    return Fault(name, words, play, share=0.25, at_once=2)


def killed(world: World, point: Point) -> Outcome:
    """Killed while it runs, or right before or after that: it may run once at most, whoever recovers it."""
    boundary = point.one_of(AROUND)
    with played(world, world.stage(HOST), point, _role(LASTS, secret=True)) as play:
        with play.start(stop_at=boundary) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        ended = recovered(play)
        return replace(ended, violations=(*ended.violations, *_more_than_once(play)))


def engine_falls(world: World, point: Point) -> Outcome:
    """The engine is killed or restarted around it: it forgets its events, but what the command wrote is there."""
    boundary = point.one_of(AROUND)
    stage = world.stage(HOST)
    # Once the command is over, half a second later the swap is in the middle.
    swaps = {"put back"} if boundary in {"RELEASE:outcome", "COMMAND:kept"} else frozenset[str]()
    change = partial(replace, engine_fell=True, may_end=UNTOUCHED | {"done"} | swaps)
    with played(world, stage, point, _role(LASTS, secret=True, timeout=3.0), change=change) as play:
        play.place = f"the engine falls, at {boundary}"
        with play.start(stop_at=boundary) as command:
            if is_stopped(command):
                go_on(command)
                time.sleep(play.dice.uniform(0.0, 0.5))
                if play.dice.random() < 0.5:
                    stage.engine.kill()
                    stage.engine.start()
                else:
                    stage.engine.restart()
            play.ended(command)
        told = play.recover()
        play.wrong += _more_than_once(play)
        return outcome(play, told)


def _more_than_once(play: Play) -> list[Violation]:
    """It leaves a line in the environment's volume each time that it runs."""
    engine = play.stage.engine
    volume = Path(f"/proc/{engine.pid}/root{engine.folder}/data/volumes/{play.scene.container}-media/_data/runs")
    runs = len(volume.read_text().splitlines()) if volume.exists() else 0
    return [Violation("a release command runs once, and first", f"it ran {runs} times")] if runs > 1 else []


def floods(world: World, point: Point) -> Outcome:
    """One that prints 100 MB costs neither memory nor catalog."""
    change = partial(replace, may_end=frozenset({"done"}))
    with played(world, world.stage(HOST), point, _role(FLOODS), change=change) as play:
        peak = 0
        with play.start(stop_at="COMMAND:kept") as command:
            if is_stopped(command):
                peak = _peak(command.pid)
                go_on(command)
            play.ended(command)
        if not 0 < peak < MOST_MEMORY:
            play.wrong.append(Violation("what a command prints costs little", f"the console took {peak} kB at most"))
        grown = sum(file.stat().st_size for file in play.program.home.glob("catalog.sqlite*"))
        if grown > CATALOG_GROWS:
            play.wrong.append(Violation("what a command prints costs little", f"the catalog has {grown} bytes"))
        play.place = "its command prints 100 MB"
        return outcome(play, play.recover())


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


FAULTS = (
    _fails("command-fails", "release command fails", FAILS),
    _fails("command-hangs", "release command hangs", HANGS, 1.5),
    Fault("command-floods", "release command prints 100 MB", floods, share=0.1),
    Fault("command-engine", "engine falls around a release command", engine_falls, share=0.25),
    Fault("command-killed", "kill -9 of the console around a release command", killed, share=0.5, at_once=2),
)
