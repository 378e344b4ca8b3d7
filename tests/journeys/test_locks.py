"""Two consoles on one environment: the second is kept away and told who is there, also after the first was killed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.agency import SOURCE, Agency, mirror_entry, wait_until
from tests.journeys.console import Program
from tests.lab.asking import state_of
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

QUICK = ("--way", "test environment", "--bake", "0", "--why", "try", "--yes", "1")
START = ("rollout", "start", "-e", "live", "--all", *QUICK)
NAME = "dunes-live"


def lock_check(program: Program, fingerprint: str) -> dict[str, Any]:
    """What the checks of a plan say of the lock."""
    results = program.ask("rollout", "checks", fingerprint, expect=1)["results"]
    (found,) = (result for result in results if result["check"] == "lock is free")
    return dict(found)


def test_the_second_console_is_kept_away_until_the_first_is_recovered(
    program: Program, agency: Agency, local_engine: LabEngine, tmp_path: Path
) -> None:
    docker = agency.docker(local_engine)
    ports = [{"host": 18090, "container": 8080}]
    # The first console waits for a page that never comes, with the lock in its hand.
    waiting = {"health": {"path": "/no-such-page", "port": 8080, "limit": 300}}
    entry = mirror_entry("Dunes", local_engine, NAME, ports=ports, **waiting)
    published = agency.publish(local_engine, "26.8.1")
    agency.deploy(local_engine, published)
    agency.run_mirror(local_engine, published.reference, NAME, ports={18090: 8080})
    first = program.but(person="first-operator")
    agency.fill(first, local_engine, mirrors=[entry])
    first.run("check")
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.2"))
    # The second works on a copy of the catalog; the third was filled by itself, so that no identity is the same.
    second = program.but(person="second-operator", home=tmp_path / "second")
    second.home.mkdir(mode=0o700)
    first.run("catalog", "backup", str(second.catalog))
    well = {"health": {"path": "/health", "port": 8080, "limit": 60}}
    change = {"name": "Dunes", "environments": [{"name": "live", "settings": well}]}
    second.run("catalog", "import", str(agency.write({"mirrors": [change]})))
    third = program.but(person="third-operator", home=tmp_path / "third")
    agency.fill(third, local_engine, mirrors=[entry])

    with first.running(*START) as running:
        wait_until(
            lambda: state_of(docker.engine.socket, f"{NAME}.mc-next") == "running", "the first console waits for health"
        )
        locks = [name for name in docker.names() if name.startswith("mc-lock.")]
        assert len(locks) == 1
        assert docker.labels(locks[0])["io.mirrorconsole.operator"] == "first-operator"
        during = {name: docker.container(name)["Id"] for name in docker.names()}
        for other in (second, third):
            said = other.run(*START, expect=2)
            assert "The rollout was not started." in said.err
            assert "first-operator on " in said.out, str(said)
            assert "holds the lock since" in said.out
        assert {name: docker.container(name)["Id"] for name in docker.names()} == during

        running.send_signal(signal.SIGKILL)
        assert running.end().exit_code == -signal.SIGKILL
    planned = second.ask("rollout", "plan", "-e", "live", "--all", "--bake", "0")["fingerprint"]
    held = lock_check(second, planned)
    assert (held["blocks"], "first-operator" in held["words"]) == (True, True)
    assert {name: docker.container(name)["Id"] for name in docker.names()} == during

    (left,) = first.ask("recover", "list", expect=1)
    assert "Nothing is changed until you choose" in left["words"]
    assert {name: docker.container(name)["Id"] for name in docker.names()} == during
    put_back = first.ask("recover", "put-back", expect=1)
    assert [target["state"] for target in put_back["targets"]] == ["put back"]
    assert docker.names() == docker.running() == [NAME, SOURCE]
    assert docker.container(NAME)["Id"] == during[NAME]

    done = second.ask(*START)
    assert done["state"] == "completed"
    assert docker.running() == [NAME, SOURCE]
    assert docker.version_of(NAME) == "26.8.2"
    assert docker.names() == [NAME, f"{NAME}.mc-prev", SOURCE]


def test_one_console_at_a_time_changes_a_catalog(program: Program, agency: Agency, local_engine: LabEngine) -> None:
    docker = agency.docker(local_engine)
    entry = mirror_entry("Dunes", local_engine, NAME, health={"path": "/no-such-page", "port": 8080, "limit": 300})
    agency.fill(program, local_engine, mirrors=[entry | {"environments": [with_port(entry)]}])
    agency.deploy(local_engine, agency.publish(local_engine, "26.8.1"))
    with program.running(*START) as running:
        wait_until(lambda: state_of(docker.engine.socket, f"{NAME}.mc-next") == "running", "the rollout is under way")
        said = program.refusal("engines", "remove", local_engine.name, "--yes", exit_code=3)
        assert "a command of operator on " in said
        assert f"process {running.pid}" in said
        assert "Close it or wait until it is done. Reading is always possible." in said
        status = program.ask("status", expect=None)
        assert [found["status"] for found in status["mirrors"][0]["environments"]] == ["rolling out"]
        assert program.ask("rollout", "show")["state"] == "running"
    # Whoever was killed holds it no more; and what it left is said.
    (left,) = program.ask("recover", "list", expect=1)
    assert left["rollout"]["state"] == "interrupted"
    assert [found["status"] for found in program.ask("status", expect=None)["mirrors"][0]["environments"]] == [
        "rolling out"
    ]
    assert program.ask("recover", "put-back", expect=1)["state"] != "running"
    assert docker.names() == [SOURCE]


def with_port(entry: dict[str, Any]) -> dict[str, Any]:
    """The live of a mirror's entry with a published port."""
    (live,) = entry["environments"]
    return {**live, "settings": {**live["settings"], "ports": ["18091:8080"]}}
