"""Two consoles, each with a catalog of its own, begin a rollout on the same environment at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.inside import FIRST
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped, played, prepare
from tests.campaign_parts.world import HOST, World
from tests.catalogs import opened_catalog


def two_consoles(world: World, point: Point) -> Outcome:
    """Both are at their first step before either goes on."""
    role = Role(old=None) if point.number % 3 == 2 else Role(kept=True)
    with played(world, world.stage(HOST), point, role) as first, _beside(first) as second:
        with first.start(stop_at=FIRST) as one, second.start(stop_at=FIRST) as other:
            for command in (one, other):
                is_stopped(command)
            for command in first.dice.sample((one, other), 2):
                go_on(command)
                time.sleep(first.dice.choice((0.0, 0.02, 0.2)))
            first.ended(one)
            second.ended(other)
        ends = {first.recover(), second.recover()}
        first.place = f"two consoles, which ended as {' and '.join(sorted(ends))}"
        first.wrong += second.wrong
        first.case = replace(first.case, catalogs=(first.program.catalog, second.program.catalog))
        return outcome(first, "done" if "done" in ends else min(ends))


@contextmanager
def _beside(first: Play) -> Iterator[Play]:
    home = Path(f"{first.scene.home}-two")
    home.mkdir(mode=0o700)
    scene = replace(first.scene, home=str(home))
    opened_catalog(home / "catalog.sqlite").close()
    second = replace(first, scene=scene, program=first.world.program(home), wrong=[], said=[])
    prepare(second, scene)
    yield second


FAULTS = (Fault("two-consoles", "two consoles begin at once", two_consoles),)
