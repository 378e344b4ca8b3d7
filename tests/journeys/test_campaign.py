"""A short fault campaign: the console is killed, what it started misbehaves, and the checker finds every law kept.

It finds mutants of the program out as well: a checker that can't fail proves nothing. `tests/campaign` plays all of it.
"""

from __future__ import annotations

import ast
import base64
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.campaign_parts import (
    asked,
    checker,
    heard,
    noted,
    several,
    spill,
    violation,
)
from tests.campaign_parts.__main__ import FAULTS, hunt, main, play_all
from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Outcome
from tests.campaign_parts.faults import hostile
from tests.campaign_parts.log import Log
from tests.campaign_parts.mutants import BY_NAME, MUTANTS
from tests.campaign_parts.play import Point
from tests.campaign_parts.table import counted, table
from tests.campaign_parts.world import HOST, OLD, World
from tests.journeys.starter import ORDERS, ROOT, Starter
from tests.lab.asking import ask
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

BY_FAULT = {fault.name: fault for fault in FAULTS}
SHORT = {"kill-recreate": (1, 4), "kill-beside": (0,), "kill-several": (0,)}
"""Killed in a recreate, at a boundary and at an instant, in one that starts beside the old one, and in one of several
processes."""
IN_TURN = ("registry-404", "eats-memory", "policy-changed", "late-call", "kill-in-stop", "catalog-damaged")
"""Of these another one each run."""
CHECKING = (checker, several, asked, heard, noted, spill, violation)
"""The modules by which the checker judges."""
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
    in_turn = random.choice(IN_TURN)  # noqa: S311 - no secret
    for name, numbers in {**SHORT, in_turn: (random.randrange(10),)}.items():  # noqa: S311 - no secret
        points = [Point(name, seed, number) for number in numbers]
        play_all(world, BY_FAULT[name], points, told.append)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("name", QUICKLY_CAUGHT)
def test_a_mutant_is_caught(world: World, name: str) -> None:
    points, found = hunt(world, BY_NAME[name], BY_FAULT, 1)
    assert found is not None, points
    assert found.violations[0].law != "the point can be played", found


def test_a_hostile_engine_is_heard_out(world: World) -> None:
    point = Point("hostile", random.randrange(100_000), 1)  # noqa: S311 - no secret
    found = hostile.play(world, point, replies=40)
    assert not found.violations, (point.replay, found)


def test_a_mutant_that_believes_a_hostile_engine_is_caught(world: World) -> None:
    found = hostile.play(world, Point("hostile", 1, 6, "as-it-came"), replies=1)
    assert "no text is markup" in {violation.law for violation in found.violations}, found


@pytest.mark.parametrize("part", CHECKING)
def test_the_checker_shares_no_code_with_the_program(part: ModuleType) -> None:
    tree = ast.parse(Path(str(part.__file__)).read_text("utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = imported - {one.__name__ for one in CHECKING}
    assert {name.partition(".")[0] for name in others} <= sys.stdlib_module_names


def test_the_program_knows_nothing_of_the_campaign() -> None:
    for file in (ROOT / "mirror_console").rglob("*.py"):
        assert ORDERS not in file.read_text("utf-8"), file


def test_each_mutant_changes_a_part_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[str] = []

    def put(place: Any, name: str, new: Any) -> None:
        assert getattr(place, name) is not new
        changed.append(name)

    # In every module that makes some: what one of them really put would stay for the tests that follow.
    for module in {sys.modules[mutant.make.__module__] for mutant in MUTANTS}:
        monkeypatch.setattr(module, "put", put)
    for mutant in MUTANTS:
        changed.clear()
        mutant.make()
        assert changed, mutant


def test_each_mutant_names_faults_that_there_are() -> None:
    assert len(MUTANTS) >= 12
    assert {name for mutant in MUTANTS for name in mutant.faults} <= BY_FAULT.keys()


def test_no_two_faults_have_one_name_and_each_is_played_at_least_once() -> None:
    assert len(BY_FAULT) == len(FAULTS)
    assert all(0 < fault.share <= 1 for fault in FAULTS)


def test_what_was_played_is_not_played_again(tmp_path: Path) -> None:
    log, point = Log(tmp_path / "log"), Point("kill-create", 7, 3)
    found = Outcome((Violation("never two", "both run"),), "killed at START:sent", "done")
    assert log.known(point) is None
    log.keep(point, found, 1.5)
    again = Log(tmp_path / "log")
    assert again.known(point) == (found, 1.5)
    assert again.known(Point("kill-create", 8, 3)) is None
    assert again.known(Point("kill-create", 7, 3, "no-lock")) is None


def told(number: int, action: str = "start", container: str = "a") -> dict[str, Any]:
    return {"timeNano": number, "Type": "container", "Action": action, "Actor": {"ID": container, "Attributes": {}}}


def test_what_an_engine_forgot_is_known_from_who_listened() -> None:
    happened = [told(number) for number in range(1000)]
    by_key = {heard.key_of(event): event for event in happened}
    most = heard.REMEMBERED
    # It remembers the last; who listens may be late by a few.
    assert heard.joined(happened[-most:], dict(list(by_key.items())[:-5]), whole=True) == tuple(happened)
    # Where it remembers all, nobody has to have listened; where it doesn't, nothing may be missing in between.
    assert heard.joined(happened[:100], {}, whole=False) == tuple(happened[:100])
    assert heard.joined(happened[-most:], by_key, whole=False) is None
    assert heard.joined(happened[-most:], dict(list(by_key.items())[:500]), whole=True) is None


def test_two_at_once_are_seen_behind_more_than_an_engine_remembers() -> None:
    names = {"name": "app"}
    over_and_over = [told(at * 2 + end, ("start", "die")[end], "new") for at in range(300) for end in (0, 1)]
    both = [told(-2, "start", "old"), *over_and_over]
    case = checker.Case(Path("engine"), "app", ("", 0), "always", None, "", (), "0", {}, {})
    for event in both:
        event["Actor"]["Attributes"] = names
    assert [one.law for one in checker._never_two(case, both)] == ["never two"]
    assert checker._never_two(case, both[-heard.REMEMBERED :]) == []


def test_who_listens_hears_what_the_engine_forgets(world: World) -> None:
    engine = world.stage(HOST).engine
    image = world.stage(HOST).images[OLD].tag
    with heard.Heard(engine.socket) as listening:
        since = asked.engine_time(engine.socket)
        for number in range(heard.REMEMBERED // 2 + 20):
            made = ask(engine.socket, "POST", f"/containers/create?name=heard-{number}", {"Image": image})
            ask(engine.socket, "DELETE", f"/containers/{made['Id']}")
        remembered = asked.events(engine.socket, since)
        found = listening.told(since)
    assert found is not None
    assert len(remembered) < len(found)
    names = [event["Actor"]["Attributes"].get("name", "") for event in found if event["Action"] == "create"]
    assert [name for name in names if name.startswith("heard-")] == [
        f"heard-{number}" for number in range(heard.REMEMBERED // 2 + 20)
    ]


def test_a_secret_is_found_in_whatever_form(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" + base64.b64encode(b"agency:the-secret") + b"\0")
    (tmp_path / "other").write_text("nothing")
    found = spill.spilt(("the-secret",), (tmp_path,), {"said": "the-secret!", "labels": "none"})
    assert found == [str(tmp_path / "deep" / "file"), "said"]


def test_tables_are_markdown() -> None:
    assert table(("fault", "points"), [("a|b", 2)]) == "| fault | points |\n| ----- | ------ |\n| a/b   | 2      |"
    assert counted({"failed": 1, "done": 3, "": 1}) == "3 done, 1 not played, 1 failed"


def test_names_that_are_not_known_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--fault", "no-such"]) == 2
    assert main(["--mutant", "no-such"]) == 2
    assert "There is no fault no-such. There are: kill-recreate, " in capsys.readouterr().err
