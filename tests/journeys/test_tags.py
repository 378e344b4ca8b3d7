"""A registry's tag that sources follow: asked once for all, moved between plan and start, rolled out by digest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.agency import REPOSITORY, Agency, mirror_entry, print_of
from tests.journeys.console import Program, cells
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec
from tests.lab.proxy import EngineProxy, proxy
from tests.lab.publish import Published, publish

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

QUICK = ("--way", "test environment", "--bake", "0", "--no-pause")


@pytest.fixture
def asked(local_engine: LabEngine) -> Iterator[EngineProxy]:
    """What the console asks of the sources' engine. The paths of sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="mc-") as folder, proxy(Path(folder) / "p", local_engine.socket) as before:
        yield before


def lookups(before: EngineProxy) -> list[str]:
    """What the registry was asked for through the engine."""
    return [one.path for one in before.asked if "/distribution/" in one.path]


def test_a_tag_that_moves_makes_mirrors_behind_and_is_rolled_out_by_digest(
    program: Program, agency: Agency, local_engine: LabEngine, tls_engine: LabEngine, asked: EngineProxy
) -> None:
    local, remote = agency.docker(local_engine), agency.docker(tls_engine)

    def release(version: str) -> Published:
        return publish(agency.lab, local_engine, ImageSpec(REPOSITORY, version, probe=0.3), tags=["live"])

    def source(name: str) -> dict[str, Any]:
        follows = {"tag": "live", "every": "1 h"}
        entry = agency.source_entry(local_engine, name=name, notes_url="https://webshop.example/{version}")
        entry["environments"][0] |= {"follows": follows, "container": f"{name.lower()}-live"}
        return entry

    first = release("26.8.1")
    agency.deploy(local_engine, first)
    slugs = ("alder", "birch", "cedar")
    for slug in slugs:
        agency.run_mirror(tls_engine, first.reference, f"{slug}-live")
    mirrors = [mirror_entry(slug.title(), tls_engine, f"{slug}-live") for slug in slugs]
    mirrors[2]["source"] = "webshop-two"
    document = {
        "engines": [
            agency.engine_entry(local_engine, timeout=10) | {"address": asked.address},
            agency.engine_entry(tls_engine, timeout=10),
        ],
        "registries": [agency.registry_entry()],
        "sources": [source("Webshop"), source("Webshop-Two")],
        "mirrors": mirrors,
    }
    program.run("catalog", "import", str(agency.write(document)))

    # Two sources follow it: the registry is asked once, and not again before it is due.
    [looked] = program.ask("check")["tags"]
    assert (looked["digest"], looked["engine"]) == (first.digest, local_engine.name)
    assert program.ask("check")["tags"] == []
    assert len(lookups(asked)) == 1
    assert {slug: cell["status"] for slug, cell in cells(program.ask("status")).items()} == dict.fromkeys(
        slugs, "aligned"
    )

    # The tag moves: mirrors are behind, and nothing was pulled.
    images = sorted(remote.run("images", "--all", "--quiet", "--no-trunc").split())
    second = release("26.8.2")
    [moved] = program.ask("check", "--tags")["tags"]
    assert (moved["digest"], moved["changed"]) == (second.digest, True)
    assert len(lookups(asked)) == 2
    found = cells(program.ask("status"))
    assert {slug: (cell["status"], cell["behind"], cell["expected"]) for slug, cell in found.items()} == dict.fromkeys(
        slugs, ("behind", 1, second.digest[7:19])
    )
    assert sorted(remote.run("images", "--all", "--quiet", "--no-trunc").split()) == images
    words = program.run("releases", "list", "webshop").out.splitlines()[0]
    assert words.startswith(f"live: tag live → sha256:{second.digest[7:19]}, runs 26.8.1; looked up ")

    # It moves again between plan and start, and the console knows: what was planned is what runs.
    plan = program.ask("rollout", "plan", "--environment", "live", "--all", "--no-refresh", *QUICK)
    assert {one["reference"] for one in plan["targets"]} == {second.pinned}
    third = release("26.8.3")
    program.ask("check", "--tags")
    checks = program.ask("rollout", "checks", plan["fingerprint"], expect=None)
    told = {one["words"] for one in checks["results"] if one["check"] == "release may come next"}
    assert told == {
        f"By now {third.digest[7:19]} is expected here. What was planned is what runs: {second.digest[7:19]}."
    }
    program.run("rollout", "start", "--plan", plan["fingerprint"], "--why", "a security fix", "--yes", "3")
    assert {remote.version_of(f"{slug}-live") for slug in slugs} == {"26.8.2"}
    built = local.image(second.image_id)
    assert built is not None
    found = cells(program.ask("status"))
    assert {(cell["status"], cell["behind"], cell["running"]) for cell in found.values()} == {("behind", 1, "26.8.2")}

    # What was known by digest alone is proved by what runs now, and its version told.
    program.run("rollout", "start", "--environment", "live", "--all", "--why", "the next one", "--yes", "3", *QUICK)
    found = cells(program.ask("status"))
    assert {(cell["status"], cell["running"], cell["expected"]) for cell in found.values()} == {
        ("aligned", "26.8.3", "26.8.3")
    }
    assert {remote.version_of(f"{slug}-live") for slug in slugs} == {"26.8.3"}
    releases = program.ask("releases", "list", "webshop")["releases"]
    assert [(one["version"], one["now"], one["expected"], one["runs"]) for one in releases] == [
        ("26.8.3", "tag", 2, 2),
        ("26.8.2", "", 0, 0),
        ("26.8.1", "runs", 0, 0),
    ]
    assert releases[0]["fingerprint"] == print_of(remote, "alder-live")
    assert (releases[0]["digest"], releases[0]["notes"]) == (third.digest, "https://webshop.example/26.8.3")

    # A release that was withdrawn goes nowhere, and a deleted tag keeps what was known.
    program.run("releases", "mark", "webshop", "26.8.3", "--mark", "withdrawn", "--remark", "loses orders")
    answer = cells(program.ask("status"))["alder"]["answer"]
    assert "26.8.3" in answer
    assert "it is withdrawn: loses orders" in cells(program.ask("status"))["alder"]["why"]
