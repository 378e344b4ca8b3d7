"""The console is killed at every boundary while it changes a container in place; then a person chooses.

The verdict is read from the engine by the docker command line: it is the same container all the time, it was never
started again, and it has what the journal says that it was granted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.environment import Limits, RestartPolicy
from mirror_console.domain.image import fingerprint
from mirror_console.domain.steps import IN_PLACE_STEPS
from tests.journeys import cutter
from tests.journeys.cutter import SIDE_BY_SIDE, Cutter, Scene
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec, load
from tests.lab.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

FIRST_PORT = 20800
MIB = 1024 * 1024
BEFORE, AFTER = Limits(32 * MIB, 0.5, 50), Limits(64 * MIB, 0.25, 0)
SAYS = {"done": AFTER, "failed": BEFORE, "put back": BEFORE, "not started": BEFORE}


def test_killed_at_every_boundary_in_place(
    lab: Lab, fast_engine: LabEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    docker, folder, cut = lab.docker(fast_engine), tmp_path_factory.mktemp("kill"), Cutter()
    load(docker, ImageSpec("kill.test/web", "1", Behaviour.OK))
    image = docker.image("kill.test/web:1")
    assert image is not None

    def scene(name: str, port: int) -> Scene:
        """A container that this console made, as its catalog says, with limits that are to become others."""
        home = folder / name
        home.mkdir(mode=0o700)
        host = {"NetworkMode": "host", "Memory": BEFORE.memory, "MemorySwap": BEFORE.memory, "PidsLimit": BEFORE.pids}
        host |= {"NanoCpus": int(BEFORE.cpus * 1e9), "RestartPolicy": {"Name": "always"}}
        made = ask(
            fast_engine.socket,
            "POST",
            f"/containers/create?name={name}",
            {"Image": "kill.test/web:1", "Env": [f"PORT={port}"], "HostConfig": host},
        )
        ask(fast_engine.socket, "POST", f"/containers/{name}/start")
        started = Scene(
            str(home), fast_engine.unix_url, name, port, fingerprint(image), "kill.test/web@", RestartPolicy.ALWAYS
        )
        return replace(started, limits=(BEFORE, AFTER), made=made["Id"])

    whole = scene("whole", FIRST_PORT)
    uncut = cut.run(cutter.change_in_place, whole, "")
    assert uncut.told["target"] == "done", uncut
    points = list(dict.fromkeys(uncut.told["met"]))
    assert {point.partition(":")[0] for point in points} == {step.name for step in IN_PLACE_STEPS}

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        numbers = range(1, len(points) + 1)
        made = pool.map(scene, [f"cut{number:02}" for number in numbers], [FIRST_PORT + number for number in numbers])
        scenes = dict(zip(points, made, strict=True))
    before = _seen(docker, scenes)
    ended = cut.run_all([(cutter.change_in_place, each, (point,)) for point, each in scenes.items()])
    assert [one for one in ended if one.exit_code != -9] == []
    between = _seen(docker, scenes)
    noticed = cut.run(cutter.notice, whole, *(each.home for each in scenes.values())).told
    assert {home: len(said) for home, said in noticed.items()} == {each.home: 1 for each in scenes.values()}
    assert _seen(docker, scenes) == between, "something was changed before anybody chose"
    choices = [(cutter.go_on, cutter.put_back)[number % 2] for number in range(len(points))]
    chosen = [(choice, each, ()) for choice, each in zip(choices, scenes.values(), strict=True)]
    outcomes = dict(zip(points, cut.run_all(chosen), strict=True))
    after = _seen(docker, scenes)
    wrong = []
    for point in points:
        was, now, told = before[point], after[point], outcomes[point].told
        if now["id"] != was["id"] or now["started"] != was["started"] or not now["running"]:
            wrong.append(f"{point}: it isn't the same container that runs on: {was} {now}")
        if told.get("target") not in SAYS or now["limits"] != SAYS[told["target"]]:
            wrong.append(f"{point}: told {told}, but it has {now['limits']}")
    assert not wrong, "\n".join(wrong)
    assert not [name for name in docker.names() if name.startswith("mc-lock.")]


def _seen(docker: Docker, scenes: Mapping[str, Scene]) -> dict[str, dict[str, Any]]:
    """What docker says of the container of each scene."""
    found = json.loads(docker.run("inspect", "--type", "container", *(scene.container for scene in scenes.values())))
    return {point: _told_of(container) for point, container in zip(scenes, found, strict=True)}


def _told_of(container: Mapping[str, Any]) -> dict[str, Any]:
    host, state = container["HostConfig"], container["State"]
    return {
        "id": container["Id"],
        "started": state["StartedAt"],
        "running": state["Running"] and container["RestartCount"] == 0,
        "limits": Limits(host["Memory"], host["NanoCpus"] / 1e9, host["PidsLimit"] or 0),
    }
