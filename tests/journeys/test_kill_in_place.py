"""The console is killed at every boundary while it changes a container in place; then a person chooses.

The verdict is read from the engine by the docker command line: it is the same container all the time, it was never
started again, and it has what the journal says that it was granted.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.environment import Limits, RestartPolicy
from mirror_console.domain.image import fingerprint
from mirror_console.domain.rollout import IN_PLACE_STEPS
from tests.journeys import cutter
from tests.journeys.cutter import Cutter, Scene
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec, load
from tests.lab.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

MIB = 1024 * 1024
SIDE_BY_SIDE = 4
BEFORE, AFTER = Limits(32 * MIB, 0.5, 50), Limits(64 * MIB, 0.25, 0)
SAYS = {"done": AFTER, "failed": BEFORE, "put back": BEFORE, "not started": BEFORE}


def test_killed_at_every_boundary_in_place(
    lab: Lab, fast_engine: LabEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    docker, folder, cut = lab.docker(fast_engine), tmp_path_factory.mktemp("kill"), Cutter()
    load(docker, ImageSpec("kill.test/web", "1", Behaviour.OK))
    image = docker.image("kill.test/web:1")
    assert image is not None

    def scene(name: str) -> Scene:
        """A container that this console made, as its catalog says, with limits that are to become others."""
        home = folder / name
        home.mkdir(mode=0o700)
        host = {"NetworkMode": "none", "Memory": BEFORE.memory, "MemorySwap": BEFORE.memory, "PidsLimit": BEFORE.pids}
        host |= {"NanoCpus": int(BEFORE.cpus * 1e9), "RestartPolicy": {"Name": "always"}}
        made = ask(
            fast_engine.socket,
            "POST",
            f"/containers/create?name={name}",
            {"Image": "kill.test/web:1", "HostConfig": host},
        )
        ask(fast_engine.socket, "POST", f"/containers/{name}/start")
        started = Scene(
            str(home), fast_engine.unix_url, name, 0, fingerprint(image), "kill.test/web@", RestartPolicy.ALWAYS
        )
        return replace(started, limits=(BEFORE, AFTER), made=made["Id"])

    whole = scene("whole")
    uncut = cut.run(cutter.change_in_place, whole, "")
    assert uncut.told["target"] == "done", uncut
    points = list(dict.fromkeys(uncut.told["met"]))
    assert {point.partition(":")[0] for point in points} == {step.name for step in IN_PLACE_STEPS}

    def killed(number: int) -> list[str]:
        point = points[number]
        cut_off = scene(f"cut{number:02}")
        before = _seen(docker, cut_off)
        ended = cut.run(cutter.change_in_place, cut_off, point)
        if ended.exit_code != -9:
            return [f"{point}: it was not killed: {ended}"]
        between = _seen(docker, cut_off)
        noticed = cut.run(cutter.notice, cut_off, cut_off.home)
        wrong = [] if len(noticed.told.get(cut_off.home, [])) == 1 else [f"{point}: noticed {noticed}"]
        if _seen(docker, cut_off) != between:
            wrong.append(f"{point}: changed before anybody chose")
        told = cut.run((cutter.go_on, cutter.put_back)[number % 2], cut_off).told
        after = _seen(docker, cut_off)
        if after["id"] != before["id"] or after["started"] != before["started"] or not after["running"]:
            wrong.append(f"{point}: it isn't the same container that runs on: {before} {after}")
        if told.get("target") not in SAYS or after["limits"] != SAYS[told["target"]]:
            wrong.append(f"{point}: told {told}, but it has {after['limits']}")
        if f"mc-lock.{cut_off.container}" in docker.names():
            wrong.append(f"{point}: the lock was left behind")
        return wrong

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        wrong = [fault for faults in pool.map(killed, range(len(points))) for fault in faults]
    assert not wrong, "\n".join(wrong)


def _seen(docker: Docker, scene: Scene) -> dict[str, Any]:
    (found,) = json.loads(docker.run("inspect", "--type", "container", scene.container))
    host, state = found["HostConfig"], found["State"]
    return {
        "id": found["Id"],
        "started": state["StartedAt"],
        "running": state["Running"] and found["RestartCount"] == 0,
        "limits": Limits(host["Memory"], host["NanoCpus"] / 1e9, host["PidsLimit"] or 0),
    }
