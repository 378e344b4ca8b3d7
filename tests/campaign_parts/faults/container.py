"""Faults of the container itself: never healthy, healthy then dies, eats memory, ignores SIGTERM, exits at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.making import MEMORY, played
from tests.campaign_parts.play import Play, Point, Role
from tests.campaign_parts.world import HOST, STUBBORN, WELL_ONCE, World

PUT_BACK = frozenset({"put back", "failed"})
MEMORY_WORDS = "lack of memory"
BAKES = 3.0
"""Seconds in which what dies after one is seen to die."""


def _ill(goal: str, words: str, bake: float = 0.2, **scene: float) -> Fault:
    def play(world: World, point: Point) -> Outcome:
        old = None if point.dice.random() < 0.3 else "1"
        role = Role(goal=goal, old=old, bake=bake, kept=point.dice.random() < 0.5, scene=scene)
        change = partial(replace, may_end=PUT_BACK)
        with played(world, world.stage(HOST), point, role, change=change) as playing:
            return _to_its_end(playing)

    return Fault(goal, words, play, share=0.5, at_once=2)


def ignores_term(world: World, point: Point) -> Outcome:
    """The old one doesn't end when it is told to: it is killed by the engine, once its time is over."""
    role = Role(old=STUBBORN, policy=point.dice.choice(("always", "unless-stopped")), scene={"stop_seconds": 1})
    change = partial(replace, may_end=frozenset({"done"}))
    with played(world, world.stage(HOST), point, role, change=change) as playing:
        return _to_its_end(playing)


def old_one_is_ill(world: World, point: Point) -> Outcome:
    """The new one fails, and the old one, put back, runs and isn't well any more: a person has to hear of it."""
    beside = point.number % 2 == 1
    goal = point.dice.choice(("exits-at-once", "never-healthy"))
    bake, scene = 0.2, {"limit": 2.5, "settle": 0.5}
    if beside:
        # It may die while the old one still drains, which never stopped then, and is well.
        goal, bake = "healthy-then-dies", BAKES
    role = Role(goal=goal, old=WELL_ONCE, bake=bake, beside=beside, scene=scene)
    may_end = {"stranded", "put back"} if beside else {"stranded"}
    change = partial(replace, may_end=frozenset(may_end))
    with played(world, world.stage(HOST), point, role, change=change) as playing:
        ended = _to_its_end(playing)
        if ended.told != "stranded" or "The old container runs again, but isn't well" in playing.words:
            return ended
        untold = Violation("the reason is told", f"no word of the old one: {playing.words}")
        return replace(ended, violations=(*ended.violations, untold))


def dies_beside(world: World, point: Point) -> Outcome:
    """Started beside the old one, it has all requests when it dies: the old one, which was stopped, gets them back."""
    role = Role(goal="healthy-then-dies", bake=BAKES, kept=point.dice.random() < 0.5, beside=True)
    with played(world, world.stage(HOST), point, role, change=partial(replace, may_end=PUT_BACK)) as playing:
        return _to_its_end(playing)


def eats_memory(world: World, point: Point) -> Outcome:
    """It takes more memory than it may, at once or while it is watched, and the kernel ends it: a person is told so.

    Where its policy starts it again, it may run once more when somebody looks.
    """
    goal = ("eats-memory", "eats-memory-later")[point.number % 2]
    policy = point.dice.choice(("always", "unless-stopped", "on-failure", "no"))
    role = Role(goal=goal, policy=policy, bake=BAKES, scene={"memory": MEMORY, "settle": 0.5})
    with played(world, world.stage(HOST), point, role, change=partial(replace, may_end=PUT_BACK)) as playing:
        ended = _to_its_end(playing)
        told = {"the catalog": playing.words, "the report": playing.report("md")}
        untold = [name for name, words in told.items() if MEMORY_WORDS not in words]
        wrong = [
            Violation("the reason is told", f"{name} says no word of memory: {told[name][-900:]}") for name in untold
        ]
        return replace(ended, violations=(*ended.violations, *wrong))


def _to_its_end(play: Play) -> Outcome:
    with play.start() as command:
        play.ended(command)
    play.place = f"{play.role.swap} to {play.role.goal}"
    return outcome(play, play.recover())


FAULTS = (
    _ill("exits-at-once", "new container exits at once", settle=0.5),
    _ill("never-healthy", "new container never gets healthy", limit=2.5),
    _ill("healthy-then-dies", "new container is healthy, then dies", BAKES),
    Fault("dies-beside", "new container dies on its route", dies_beside, share=0.5, at_once=2),
    Fault("eats-memory", "new container is killed for lack of memory", eats_memory, share=0.5, at_once=2),
    Fault("old-ill", "old container is put back, and isn't well", old_one_is_ill, share=0.5, at_once=2),
    Fault("ignores-term", "old container ignores SIGTERM", ignores_term, share=0.5, at_once=2),
)
