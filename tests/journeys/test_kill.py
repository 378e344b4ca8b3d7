"""The console is killed at every boundary of every step; then it is started again and a person chooses.

The verdict is read from the engine by the docker command line: the environment has its old or its new container
running, the engine agrees with the journal, nothing is left over, and nothing was changed before the choice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.image import fingerprint
from mirror_console.domain.steps import STEPS_OF, Step
from mirror_console.domain.swap import Swap
from tests.journeys import cutter
from tests.journeys.cutter import SIDE_BY_SIDE, Cutter, Ended, Scene
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import publish
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

AT_A_LOOK = 12
"""Boundaries after which the engine is asked what is there: asking costs as much as being cut off."""
OLD_OR_NEW = {"done": "2", "already": "2", "failed": "1", "put back": "1", "not started": "1"}
FIRST_PORT = 20000
EDGE, BACK = "edge", "back"
"""The proxy's network, with a subnet of its own so that addresses can be kept, and the one in which a new one waits."""
POLICIES = (RestartPolicy.ALWAYS, RestartPolicy.UNLESS_STOPPED)
"""Only the first is taken from the old container before its stop."""
ONE_OF = 6
"""Of how many boundaries one is chosen where a container starts beside another."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The engine with its images, and what makes scenes on it."""

    docker: Docker
    engine: LabEngine
    old: str
    folder: Path
    digests: dict[str, str]
    fingerprints: dict[str, str]


@pytest.fixture
def stage(
    lab: Lab, fast_engine: LabEngine, lab_registry: LabRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    assert lab_registry.running()
    docker = lab.docker(fast_engine)
    specs = {
        "1": ImageSpec("kill/web", "1", Behaviour.OK),
        "2": ImageSpec("kill/web", "2", Behaviour.OK),
        "bad": ImageSpec("kill/web", "bad", Behaviour.EXITS_AT_ONCE),
    }
    published = {name: publish(lab, fast_engine, spec) for name, spec in specs.items()}
    digests = {name: one.pinned for name, one in published.items()}
    images = {name: ask(fast_engine.socket, "GET", f"/images/{one.image_id}/json") for name, one in published.items()}
    fingerprints = {name: fingerprint(image) for name, image in images.items()}
    docker.run("network", "create", "--subnet", "10.209.0.0/16", EDGE)
    docker.run("network", "create", BACK)
    folder = tmp_path_factory.mktemp("kill")
    return Stage(docker, fast_engine, published["1"].reference, folder, digests, fingerprints)


def scene_for(stage: Stage, label: str, number: int, policy: RestartPolicy, *, goal: str, swap: Swap) -> Scene:
    """A scene with its old container running and an older way back, made by hand; for a first one there is neither."""
    name = f"{label}{number:03}"
    home = stage.folder / name
    home.mkdir(mode=0o700)
    port = FIRST_PORT + number
    edge = EDGE if swap is Swap.BESIDE else ""
    image = stage.fingerprints[goal], stage.digests[goal]
    settle = 0.1 if goal == "2" else 1.5
    scene = Scene(str(home), stage.engine.unix_url, name, port, *image, policy, edge, settle=settle)
    if swap is not Swap.CREATE:
        host = {"RestartPolicy": {"Name": policy.value}, "NetworkMode": edge or "host"}
        places = {"EndpointsConfig": {edge: {"Aliases": [scene.alias]}}} if edge else {}
        _make(stage, name, {"Env": [f"PORT={port}"], "HostConfig": host, "NetworkingConfig": places})
        ask(stage.engine.socket, "POST", f"/containers/{name}/start")
        ours = {"io.mirrorconsole.env": scene.identity}
        _make(stage, f"{name}.mc-prev", {"Labels": ours, "HostConfig": {"NetworkMode": "none"}})
    return scene


def _make(stage: Stage, name: str, more: dict[str, object]) -> None:
    ask(stage.engine.socket, "POST", f"/containers/create?name={name}", {"Image": stage.old, **more})


def everything(docker: Docker) -> dict[str, dict[str, Any]]:
    """Every container of the engine by name, as the docker command line tells them, in one look."""
    names = docker.names()
    found = json.loads(docker.run("inspect", "--type", "container", *names)) if names else []
    return {container["Name"].removeprefix("/"): container for container in found}


def containers_of(found: dict[str, dict[str, Any]], scene: Scene) -> dict[str, dict[str, Any]]:
    """Those of a scene."""
    lock = f"mc-lock.{scene.container}"
    return {name: container for name, container in found.items() if name.startswith(scene.container) or name == lock}


def picture(found: dict[str, dict[str, Any]], scene: Scene) -> dict[str, tuple[str, str, str]]:
    """What must not change before a person has chosen. The engine itself starts a failing container again and again."""

    def state(container: dict[str, Any]) -> str:
        restarted = container["HostConfig"]["RestartPolicy"]["Name"] != "no"
        failing = container["Config"]["Labels"]["org.opencontainers.image.version"] == "bad"
        return "over and over" if failing and restarted else str(container["State"]["Status"])

    return {
        name: (container["Id"], state(container), container["HostConfig"]["RestartPolicy"]["Name"])
        for name, container in containers_of(found, scene).items()
    }


def on_route(container: dict[str, Any], scene: Scene) -> bool:
    """Whether a container gets what is sent to its environment's alias."""
    place = container["NetworkSettings"]["Networks"].get(scene.edge) or {}
    return container["State"]["Running"] and scene.alias in (place.get("Aliases") or [])


def unreached(everywhere: dict[str, dict[str, Any]], scene: Scene) -> list[str]:
    """That nobody is on the route of a scene."""
    members = [name for name, one in containers_of(everywhere, scene).items() if on_route(one, scene)]
    return [] if members or not scene.edge else ["nobody is on its route"]


def faults(everywhere: dict[str, dict[str, Any]], scene: Scene, told: dict[str, Any], *, first: bool) -> list[str]:
    """What is wrong on the engine after a recovery that told this. Empty where all laws hold."""
    found = containers_of(everywhere, scene)
    serving, kept = scene.container, f"{scene.container}.mc-prev"
    running = [name for name, container in found.items() if container["State"]["Running"]]
    state = told.get("target", "nothing told")
    version = OLD_OR_NEW.get(state)
    wrong = [f"left over: {name}" for name in found if name not in {serving, kept}]
    if version is None:
        wrong.append(f"ended as {state}")
    elif first and version == "1":
        wrong += [f"{name} runs, though there was nothing to put back to" for name in running]
    elif running != [serving]:
        wrong.append(f"running: {running}, expected just '{serving}'")
    else:
        container = found[serving]
        runs = container["Config"]["Labels"]["org.opencontainers.image.version"]
        if runs != version:
            wrong.append(f"told {state}, but runs {runs}")
        if container["HostConfig"]["RestartPolicy"]["Name"] != scene.policy.value:
            wrong.append("its restart policy is lost")
        wrong += unreached(everywhere, scene)
    if version == "2" and not first and kept not in found:
        wrong.append("the way back is gone")
    return wrong


@pytest.mark.parametrize("swap", [Swap.CREATE, Swap.RECREATE, Swap.BESIDE], ids=str)
@pytest.mark.parametrize("goal", ["2", "bad"])
def test_killed_at_every_boundary(stage: Stage, goal: str, swap: Swap) -> None:
    """Every boundary once. Which of the two choices follows, and the restart policy, take turns, and turn with the
    run's seed; what is met with one policy only is cut off there.

    Where one starts beside the other, the simulator is cut off at every boundary and the campaign's engines are; here
    it is one of six, beginning where the run's seed says.
    """
    cut = Cutter()
    first = swap is Swap.CREATE
    label = f"{swap[0]}{goal[0]}"
    whole = {
        policy: scene_for(stage, label, number, policy, goal=goal, swap=swap) for number, policy in enumerate(POLICIES)
    }
    _prepare(cut, list(whole.values()))
    uncut = dict(zip(whole, _cut_off(cut, whole.values(), "", ""), strict=True))
    # Where the new one is to start beside the old one and isn't well, nothing that serves was changed.
    failed = "failed" if swap is Swap.BESIDE else "put back"
    assert {ended.told["target"] for ended in uncut.values()} == {"done" if goal == "2" else failed}, uncut
    met = {policy: list(dict.fromkeys(ended.told["met"])) for policy, ended in uncut.items()}
    always, sometimes = met[RestartPolicy.ALWAYS], met[RestartPolicy.UNLESS_STOPPED]
    assert len(always) > 10, met
    if goal == "2":
        # The image is on the engine already, for all scenes share it. Fetching is cut off in tests/operations.
        steps = set(STEPS_OF[swap]) - {Step.PULL}
        assert {point.partition(":")[0] for point in always} == {step.name for step in steps}
        assert set(sometimes) <= set(always)
    if swap is Swap.BESIDE:
        # What comes before the new one's start is as where it is replaced, and is cut off there.
        beside = next(place for place, point in enumerate(always) if point.startswith("START:"))
        always = always[random.randrange(beside, beside + ONE_OF) :: ONE_OF]  # noqa: S311 - which ones is no secret
    turn = random.choice((0, 1))  # noqa: S311 - which one is no secret
    choices = list(cutter.CHOICES)
    points = {
        point: POLICIES[(place // 2 + turn) % 2 if point in sometimes else 0] for place, point in enumerate(always)
    }
    wrong: list[str] = []
    killed = 0
    for begin in range(0, len(always), AT_A_LOOK):
        numbers = dict(enumerate(always[begin : begin + AT_A_LOOK], start=begin))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            scenes = pool.map(
                lambda number, point: scene_for(stage, label, number + 2, points[point], goal=goal, swap=swap),
                *zip(*numbers.items(), strict=True),
            )
            several = dict(zip(numbers.values(), scenes, strict=True))
        _prepare(cut, list(several.values()))
        ended = dict(zip(several, _cut_off(cut, several.values(), *several), strict=True))
        cut_off = {point: scene for point, scene in several.items() if ended[point].exit_code == -9}
        killed += len(cut_off)
        before = everything(stage.docker)
        noticed = _noticed(cut, list(cut_off.values()))
        after = everything(stage.docker)
        for point, scene in cut_off.items():
            wrong += [f"{point}: cut off there, {fault}" for fault in unreached(before, scene)]
            if len(noticed.told.get(scene.home, [])) != 1:
                wrong.append(f"{point}: noticed {noticed}")
            if picture(after, scene) != picture(before, scene):
                wrong.append(f"{point}: changed before anybody chose")
        chosen = [(choices[(place + turn) % 2], scene) for place, scene in enumerate(cut_off.values(), start=begin)]
        recovered = _recovered(cut, chosen)
        found = everything(stage.docker)
        for point, scene in several.items():
            told = recovered.get(scene.home, {}) if point in cut_off else ended[point].told
            wrong += [f"{point}: {fault} ({told})" for fault in faults(found, scene, told, first=first)]
        for name in [name for scene in several.values() for name in containers_of(found, scene)]:
            ask(stage.engine.socket, "DELETE", f"/containers/{name}?force=1&v=1")
    assert not wrong, "\n".join(wrong)
    # A good container takes the same way each time. A failing one ends when it ends: some steps of its undoing may find
    # nothing left to do, and aren't met.
    assert killed >= (len(points) if goal == "2" else max(1, int(0.6 * len(points))))


def _noticed(cut: Cutter, scenes: list[Scene]) -> Ended:
    """What is said of each of the scenes that were cut off, by its home."""
    if not scenes:
        return Ended(0, {})
    return cut.run(cutter.notice, scenes[0], *(scene.home for scene in scenes))


def _prepare(cut: Cutter, scenes: Sequence[Scene]) -> None:
    """Have a catalog made for each scene, several one after the other in a process."""
    shares = [share for place in range(2) if (share := scenes[place::2])]
    told = [tuple(json.dumps(asdict(scene)) for scene in share) for share in shares]
    ended = cut.run_all([(cutter.prepare, share[0], each) for share, each in zip(shares, told, strict=True)])
    assert {one.exit_code for one in ended} == {0}, ended


def _cut_off(cut: Cutter, scenes: Collection[Scene], *points: str) -> list[Ended]:
    """Roll out on each scene, some at the same time, each cut off at its point."""
    return cut.run_all([(cutter.start_rollout, scene, (point,)) for scene, point in zip(scenes, points, strict=True)])


def _recovered(cut: Cutter, chosen: Sequence[tuple[str, Scene]]) -> dict[str, Any]:
    """Have a person choose for each scene, several one after the other in a process; what was told, by home."""
    shares = [share for place in range(SIDE_BY_SIDE) if (share := chosen[place::SIDE_BY_SIDE])]
    orders = [
        (cutter.recover, share[0][1], tuple(f"{choice} {scene.home}" for choice, scene in share)) for share in shares
    ]
    return {home: said for ended in cut.run_all(orders) for home, said in ended.told.items()}
