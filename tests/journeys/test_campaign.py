"""A short fault campaign: the console is killed, what it started misbehaves, and the checker finds every law kept.

It finds mutants of the program out as well: a checker that can't fail proves nothing. `tests/campaign` plays all of it.
"""

from __future__ import annotations

import ast
import random
import sys
from pathlib import Path

import pytest

from tests.campaign_parts import checker
from tests.campaign_parts.__main__ import FAULTS, hunt, main, play_all
from tests.campaign_parts.mutants import BY_NAME, MUTANTS
from tests.campaign_parts.play import Point
from tests.campaign_parts.world import World
from tests.journeys.starter import ORDERS, ROOT, Starter
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

BY_FAULT = {fault.name: fault for fault in FAULTS}
SHORT = {"kill-boundary": (0, 5, 2), "kill-instant": (10,)}
"""Points of a recreate, to an image that is well and to one that isn't, and of one that starts beside the old one."""
QUICKLY_CAUGHT = ("old-stays-down", "remove-early")


@pytest.fixture
def world(lab: Lab, fast_engine: LabEngine, lab_registry: LabRegistry, starter: Starter, tmp_path: Path) -> World:
    """The campaign's world on the run's own lab."""
    assert fast_engine.running()
    assert lab_registry.running()
    return World(lab, tmp_path, starter)


def test_no_law_is_broken(world: World) -> None:
    seed = random.randrange(100_000)  # noqa: S311 - no secret
    told: list[str] = []
    for name, numbers in SHORT.items():
        points = [Point(name, seed, number) for number in numbers]
        play_all(world, BY_FAULT[name], points, told.append)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("name", QUICKLY_CAUGHT)
def test_a_mutant_is_caught(world: World, name: str) -> None:
    points, found = hunt(world, BY_NAME[name], BY_FAULT, 1)
    assert found is not None, points
    assert found.violations[0].law != "the point can be played", found


def test_the_checker_shares_no_code_with_the_program() -> None:
    tree = ast.parse(Path(checker.__file__).read_text("utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_program_knows_nothing_of_the_campaign() -> None:
    for file in (ROOT / "mirror_console").rglob("*.py"):
        assert ORDERS not in file.read_text("utf-8"), file


def test_each_mutant_names_faults_that_there_are() -> None:
    assert len(MUTANTS) >= 12
    assert {name for mutant in MUTANTS for name in mutant.faults} <= BY_FAULT.keys()


def test_names_that_are_not_known_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fault", "no-such"]) == 2
    assert main(["--mutant", "no-such"]) == 2
    assert "There is no fault no-such. There are: kill-boundary, " in capsys.readouterr().err
