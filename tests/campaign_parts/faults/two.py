"""Faults of several consoles, each with a catalog of its own, that work on the same environment at the same time."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from tests.campaign_parts import asked
from tests.campaign_parts.checker import NOT_OURS, RUNS_NEW, RUNS_OLD, Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.inside import FIRST
from tests.campaign_parts.making import played, prepare
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped
from tests.campaign_parts.world import HOST, World
from tests.catalogs import opened_catalog

MOST_CONSOLES = 5
COMMAND = ("sh", "-c", "echo run >> /media/runs; sleep 0.2")
ROLES = (Role(kept=True), Role(scene={"command": COMMAND}), Role(old=None))
ASLEEP_AT = (
    "LOCK:outcome",
    "CREATE:intent",
    "CREATE:outcome",
    "DISARM:intent",
    "STOP:intent",
    "STOP:outcome",
    "START:intent",
    "START:outcome",
    "COMMIT:intent",
    "COMMIT:outcome",
    "NAME:intent",
    "UNLOCK:intent",
)
TAKE_OVER = ("locks", "take-over", "mirror", "live", "--why", "campaign", "--yes")


def at_once(world: World, point: Point) -> Outcome:
    """All are at their first step before any goes on: two of them, or up to five."""
    role = ROLES[point.number % len(ROLES)]
    count = point.dice.choice((2, 2, 3, MOST_CONSOLES))
    with played(world, world.stage(HOST), point, role) as first, ExitStack() as others:
        consoles = [first] + [others.enter_context(_beside(first, number)) for number in range(2, count + 1)]
        with ExitStack() as running:
            commands = [running.enter_context(one.start(stop_at=FIRST)) for one in consoles]
            for command in commands:
                is_stopped(command)
            for command in first.dice.sample(commands, count):
                go_on(command)
                time.sleep(first.dice.choice((0.0, 0.02, 0.2)))
            for console, command in zip(consoles, commands, strict=True):
                console.ended(command)
        ends = [console.recover() for console in consoles]
        first.place = f"{count} consoles, which ended as {', '.join(sorted(ends))}"
        first.wrong += [violation for one in consoles[1:] for violation in one.wrong]
        first.case = replace(first.case, catalogs=tuple(one.program.catalog for one in consoles))
        if ends.count("done") > 1:
            first.wrong.append(Violation("one console changes it at a time", f"all of {ends} at once"))
        return outcome(first, "done" if "done" in ends else min(ends))


def asleep(world: World, point: Point) -> Outcome:
    """A console stands still, another takes its lock over and brings the environment to an end; then it wakes up."""
    place = ASLEEP_AT[point.number * 5 % len(ASLEEP_AT)]
    role = Role(old=None) if place in {"CREATE:outcome", "START:outcome"} and point.number % 2 else Role(kept=True)
    with played(world, world.stage(HOST), point, role) as first, _beside(first, 2) as second:
        first.place = f"asleep at {place} while another console takes the lock over"
        before, told = {}, ""
        with first.start(stop_at=place, quick_locks=True) as sleeping:
            sleeps = is_stopped(sleeping)
            if sleeps:
                with second.running(*TAKE_OVER, quick_locks=True) as taking:
                    second.ended(taking)
                told = second.recover()
                before = asked.picture(first.case.engine, first.scene.container)
                sleeping.send_signal(signal.SIGCONT)
            first.ended(sleeping)
        after = asked.picture(first.case.engine, first.scene.container)
        # What a person chooses from here on is read anew from the engine.
        woken = first.recover()
        first.place += f", which ended as {told} and {woken}"
        if not sleeps:
            return outcome(first, woken)
        if asked.differ(before, after):
            first.wrong.append(Violation("who lost the lock changes nothing", f"{before} became {after}"))
        if asked.differ(after, asked.picture(first.case.engine, first.scene.container)):
            told = woken
        if woken not in NOT_OURS | RUNS_NEW | RUNS_OLD:
            first.wrong.append(Violation("it ends in a state that the fault allows", f"woken up it told '{woken}'"))
        first.wrong += second.wrong
        first.case = replace(first.case, catalogs=(first.program.catalog, second.program.catalog))
        return outcome(first, told)


@contextmanager
def _beside(first: Play, number: int) -> Iterator[Play]:
    """Another console, which knows of the same mirror."""
    home = Path(f"{first.scene.home}-{number}")
    home.mkdir(mode=0o700)
    scene = replace(first.scene, home=str(home))
    opened_catalog(home / "catalog.sqlite").close()
    second = replace(first, scene=scene, program=first.world.program(home), wrong=[], said=[])
    prepare(second, scene)
    yield second


FAULTS = (
    Fault("two-consoles", "two to five consoles begin at once", at_once),
    Fault("console-asleep", "a console sleeps, and its lock is taken over", asleep, share=0.5, at_once=3),
)
