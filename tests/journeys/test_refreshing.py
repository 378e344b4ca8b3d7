"""A refresh of three engines: dead ones cost their own cells alone, and what was changed by hand is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.agency import Agency, mirror_entry
from tests.journeys.console import Program, cells
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

MEMORY = ("--memory", "64m", "--memory-swap", "64m")
Engines = tuple[LabEngine, LabEngine, LabEngine]


@pytest.fixture
def mirrors(program: Program, agency: Agency, three_engines: Engines) -> None:
    """A mirror on each engine, run by hand with its settings, and seen once by the console."""
    published = agency.publish(three_engines[0], "26.8.1")
    agency.deploy(three_engines[0], published)
    placed = dict(zip(("alder", "birch", "cedar"), three_engines, strict=True))
    entries = []
    for slug, engine in placed.items():
        agency.run_mirror(engine, published.reference, f"{slug}-live", *MEMORY, DOMAIN=f"{slug}.example")
        settings = {"variables": {"DOMAIN": f"{slug}.example"}, "limits": {"memory": "64 MiB"}}
        entries.append(mirror_entry(slug.title(), engine, f"{slug}-live", **settings))
    agency.fill(program, *three_engines, mirrors=entries)
    answer = program.ask("check")
    assert (sorted(answer["answered"]), answer["environments"]) == (["local", "oslo", "paris"], 4)


def seen(program: Program) -> dict[str, Any]:
    """The live of every mirror, as the catalog knows it now."""
    return cells(program.ask("status", expect=None))


@pytest.mark.usefixtures("mirrors")
def test_engines_die_and_containers_are_changed_by_hand(
    program: Program, agency: Agency, three_engines: Engines
) -> None:
    dead_engines_cost_their_own_cells_alone(program, three_engines)
    what_was_changed_by_hand_is_drift(program, agency, three_engines)
    a_stopped_engine_refuses_and_keeps_what_was_known(program, three_engines)


def dead_engines_cost_their_own_cells_alone(program: Program, three_engines: Engines) -> None:
    local, paris, oslo = three_engines
    before = seen(program)
    assert {cell["status"] for cell in before.values()} == {"aligned"}

    # Neither comes back before the command has ended: so it waited for neither longer than a timeout.
    oslo.freeze()
    paris.cut()
    answer = program.ask("check", expect=1)
    assert answer["answered"] == [local.name]
    assert sorted((one["engine"], one["why"]) for one in answer["failed"]) == [
        ("oslo", "no answer in time"),
        ("paris", "no answer in time"),
    ]
    status = program.ask("status", expect=1)
    after = cells(status)
    assert {slug: cell["status"] for slug, cell in after.items()} == {
        "alder": "aligned",
        "birch": "unreachable",
        "cedar": "unreachable",
    }
    assert after["alder"]["checked_at"] > before["alder"]["checked_at"]
    for slug in ("birch", "cedar"):
        kept = ("running", "running_since", "checked_at", "health", "alignment", "container")
        assert [after[slug][name] for name in kept] == [before[slug][name] for name in kept]
        assert "is unreachable now" in after[slug]["answer"]
        assert "last seen" in after[slug]["answer"]
        assert "when it ran 26.8.1 (aligned" in after[slug]["answer"]
    assert {engine["name"]: engine["answered"] for engine in status["engines"]} == {
        "local": True,
        "oslo": False,
        "paris": False,
    }

    oslo.thaw()
    paris.uncut()
    assert program.ask("check")["failed"] == []
    again = seen(program)
    assert {cell["status"] for cell in again.values()} == {"aligned"}
    assert all(again[slug]["checked_at"] > before[slug]["checked_at"] for slug in again)


def what_was_changed_by_hand_is_drift(program: Program, agency: Agency, three_engines: Engines) -> None:
    _, paris, oslo = three_engines
    docker = agency.docker(paris)
    docker.run("update", "--memory", "48m", "--memory-swap", "48m", "birch-live")
    # A container of the same name and image, but with settings of its own.
    agency.docker(oslo).remove("cedar-live")
    reference = docker.container("birch-live")["Config"]["Image"]
    agency.run_mirror(oslo, reference, "cedar-live", *MEMORY, DOMAIN="elsewhere.example", EXTRA="1")

    program.run("check")
    assert seen(program)["cedar"]["status"] == "drifted"
    program.run("check", "--inspect")
    found = seen(program)
    assert {slug: (cell["status"], cell["drift"]) for slug, cell in found.items()} == {
        "alder": ("aligned", None),
        "birch": ("drifted", "settings ≠"),
        "cedar": ("drifted", "settings ≠"),
    }
    memory = docker.container("birch-live")["HostConfig"]["Memory"]
    assert len(found["birch"]["differences"]) == 1
    assert f"{memory // 1024**2} MiB" in found["birch"]["differences"][0]
    assert "memory limit" in found["birch"]["differences"][0]
    changed = agency.docker(oslo).variables("cedar-live")
    assert (changed["DOMAIN"], changed["EXTRA"]) == ("elsewhere.example", "1")
    differences = found["cedar"]["differences"]
    assert len(differences) == 2
    assert ("variable DOMAIN" in differences[0], "variable EXTRA" in differences[1]) == (True, True)
    # What is in a variable is for whoever may ask the engine, not for a report.
    assert "elsewhere.example" not in str(found)
    # As it was put back by hand, it is aligned again.
    docker.run("update", *MEMORY, "birch-live")
    program.run("check", "--inspect")
    assert seen(program)["birch"]["status"] == "aligned"


def a_stopped_engine_refuses_and_keeps_what_was_known(program: Program, three_engines: Engines) -> None:
    local = three_engines[0]
    assert seen(program)["alder"]["status"] == "aligned"
    local.kill()
    answer = program.ask("check", "--engine", local.name, expect=1)
    assert answer["failed"] == [{"engine": local.name, "why": "connection refused"}]
    found = seen(program)
    assert (found["alder"]["status"], found["alder"]["running"]) == ("unreachable", "26.8.1")
    assert {slug: found[slug]["status"] for slug in ("birch", "cedar")} == {"birch": "aligned", "cedar": "drifted"}
