"""A Swarm of two nodes, one of them its manager: a service is updated on both, and put back where one is gone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.journeys.agency import Agency
from tests.journeys.console import Program
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

SERVICE, REPLICAS = "alder-live", 4
QUICK = ("--way", "test environment", "--waves", "rest", "--bake", "0")
WITHIN = 60.0


def test_a_service_is_updated_on_both_nodes_and_put_back_where_one_is_gone(
    program: Program, agency: Agency, fast_engine: LabEngine, swarm_engine: LabEngine, swarm_worker: LabEngine
) -> None:
    """Each node brings the image with the console's account.

    Where one is gone its Swarm waits for the end of its tasks, for longer than anybody would: that is given up on.
    """
    manager, worker = swarm_engine, swarm_worker
    docker, other = agency.docker(manager), agency.docker(worker)
    old = agency.publish(fast_engine, "26.8.1")
    agency.deploy(fast_engine, old)
    made = ("service", "create", "--detach", "--with-registry-auth", "--replicas", str(REPLICAS), "--name", SERVICE)
    docker.run(*made, "--update-monitor", "500ms", "--stop-grace-period", "3s", old.pinned)
    until(lambda: running(docker) == [old.pinned] * REPLICAS)
    live = {"name": "live", "engine": manager.name, "container": SERVICE, "swarm": True}
    live["settings"] = {"health": {"settle": 0.2, "limit": 10}, "stop_seconds": 3}
    mirror = {"name": "Alder", "slug": "alder", "source": "webshop", "environments": [live]}
    agency.fill(program, fast_engine, manager, mirrors=[mirror])
    program.run("check")

    new = released(program, agency, fast_engine, "26.8.2")
    done = program.ask("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "a release", "--yes", "1")

    assert [one["state"] for one in done["targets"]] == ["done"], done
    assert running(docker) == [new] * REPLICAS
    on_nodes = [node.version_of(name) for node in (docker, other) for name in node.running()]
    assert on_nodes == ["26.8.2"] * REPLICAS
    assert other.running()

    released(program, agency, fast_engine, "26.8.3")
    worker.kill()
    done = program.ask("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "another", "--yes", "1", expect=1)

    (target,) = done["targets"]
    assert (target["state"], "nothing moved for" in target["words"]) == ("put back", True), target
    assert running(docker) == [new] * REPLICAS
    assert [docker.version_of(name) for name in docker.running()] == ["26.8.2"] * REPLICAS
    assert docker.run("config", "ls", "--quiet") == ""


def released(program: Program, agency: Agency, source: LabEngine, version: str) -> str:
    """Have the source run a release, and all of it seen. What it is pulled by."""
    published = agency.publish(source, version)
    agency.deploy(source, published)
    program.run("check")
    return published.pinned


def running(docker: Docker) -> list[str]:
    told = docker.run("service", "ps", "--no-trunc", "--format", "{{json .}}", SERVICE).splitlines()
    tasks = [one for one in map(json.loads, told) if one["DesiredState"] == "Running"]
    return [one["Image"] for one in tasks if one["CurrentState"].startswith("Running")]


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not met() and time.monotonic() < end:
        time.sleep(0.2)
    assert met()
