"""The console is killed at every boundary of every step; then it is started again and a person chooses.

The verdict is read from the engine by the docker command line: the environment has its old or its new container
running, the engine agrees with the journal, nothing is left over, and nothing was changed before the choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mirror_console.domain.image import fingerprint
from tests.journeys import cutter
from tests.journeys.cutter import Cutter, Ended, Scene
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec, load
from tests.lab.lab import Lab
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

SIDE_BY_SIDE = 4
OLD_OR_NEW = {"done": "2", "already": "2", "failed": "1", "put back": "1"}
FIRST_PORT = 20000


@dataclass(frozen=True, slots=True)
class Stage:
    """The engine with its images, and what makes scenes on it."""

    docker: Docker
    engine: LabEngine
    old: str
    good: ImageSpec
    bad: ImageSpec
    folder: Path
    digests: dict[str, str]
    fingerprints: dict[str, str]


@pytest.fixture
def stage(
    lab: Lab, fast_engine: LabEngine, lab_registry: LabRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    docker = lab.docker(fast_engine)
    repository = f"{lab_registry.address}/kill/web"
    specs = {
        "1": ImageSpec(repository, "1", Behaviour.OK, probe=0),
        "2": ImageSpec(repository, "2", Behaviour.OK, probe=0),
        "bad": ImageSpec(repository, "bad", Behaviour.EXITS_AT_ONCE, probe=0),
    }
    digests, fingerprints = {}, {}
    for name, spec in specs.items():
        load(docker, spec)
        docker.run("push", "--quiet", f"{repository}:{name}")
        image = docker.image(f"{repository}:{name}")
        assert image is not None
        digests[name] = next(digest for digest in image["RepoDigests"] if digest.startswith(repository))
        fingerprints[name] = fingerprint(image)
    folder = tmp_path_factory.mktemp("kill")
    return Stage(docker, fast_engine, f"{repository}:1", specs["2"], specs["bad"], folder, digests, fingerprints)


def scene_for(stage: Stage, label: str, number: int, *, goal: str, first: bool) -> Scene:
    """A scene with its old container running, made by hand; with `first` there is none."""
    name = f"{label}{number:03}"
    home = stage.folder / name
    home.mkdir(mode=0o700)
    port = FIRST_PORT + number
    if not first:
        stage.docker.start_container(
            stage.old, name, "--network", "host", "--restart", "unless-stopped", variables={"PORT": str(port)}
        )
    return Scene(str(home), stage.engine.unix_url, name, port, stage.fingerprints[goal], stage.digests[goal])


def containers_of(docker: Docker, scene: Scene) -> dict[str, dict[str, Any]]:
    """The containers of a scene by name, as the docker command line tells them."""
    mine = [name for name in docker.names() if name.startswith(scene.container) or name == lock_of(scene)]
    return {name: docker.container(name) for name in mine}


def lock_of(scene: Scene) -> str:
    return f"mc-lock.{scene.container.ljust(32, '0')[:8]}"


def picture(docker: Docker, scene: Scene) -> dict[str, tuple[str, str, str]]:
    """What must not change before a person has chosen."""
    return {
        name: (found["Id"], found["State"]["Status"], found["HostConfig"]["RestartPolicy"]["Name"])
        for name, found in containers_of(docker, scene).items()
    }


def faults(docker: Docker, scene: Scene, told: dict[str, Any], *, first: bool) -> list[str]:
    """What is wrong on the engine after a recovery that told this. Empty where all laws hold."""
    found = containers_of(docker, scene)
    wrong = []
    running = [name for name, container in found.items() if container["State"]["Running"]]
    state = told.get("target", "nothing told")
    expected_version = OLD_OR_NEW.get(state)
    nothing_expected = first and state in {"put back", "failed", "not started"}
    if state == "not started":
        expected_version = "1"
    if nothing_expected:
        if running:
            wrong.append(f"runs {running} though it was put back to nothing")
    elif running != [scene.container]:
        wrong.append(f"running: {running}, expected just '{scene.container}'")
    elif expected_version is None:
        wrong.append(f"ended as {state}: {told}")
    elif docker.version_of(scene.container) != expected_version:
        wrong.append(f"told {state}, but runs {docker.version_of(scene.container)}")
    elif found[scene.container]["HostConfig"]["RestartPolicy"]["Name"] != "unless-stopped":
        wrong.append("its restart policy is lost")
    leftovers = [name for name in found if name not in {scene.container, scene.container + ".mc-prev"}]
    if leftovers:
        wrong.append(f"left over: {leftovers}")
    if expected_version == "2" and not first and scene.container + ".mc-prev" not in found:
        wrong.append("the way back is gone")
    return wrong


@pytest.mark.parametrize("choice", [cutter.go_on, cutter.put_back], ids=["go-on", "put-back"])
@pytest.mark.parametrize(("goal", "first"), [("2", False), ("bad", False), ("2", True), ("bad", True)])
def test_killed_at_every_boundary(
    stage: Stage, goal: str, first: bool, choice: Callable[[Scene], dict[str, Any]]
) -> None:
    cut = Cutter()
    label = f"{'c' if first else 'r'}{goal[0]}{'g' if choice is cutter.go_on else 'p'}"
    whole = scene_for(stage, label, 0, goal=goal, first=first)
    met = cut.run(cutter.start_rollout, whole, "").told["met"]
    points = [boundary for boundary in dict.fromkeys(met) if not boundary.endswith(":before")]
    assert len(points) > 10, met
    wrong: list[str] = []
    killed = 0
    for begin in range(0, len(points), SIDE_BY_SIDE):
        several = {
            point: scene_for(stage, label, begin + place + 1, goal=goal, first=first)
            for place, point in enumerate(points[begin : begin + SIDE_BY_SIDE])
        }
        ended = _all(cut, several, cutter.start_rollout, *several)
        cut_off = {point: scene for point, scene in several.items() if ended[point].exit_code == -9}
        killed += len(cut_off)
        before = {point: picture(stage.docker, scene) for point, scene in cut_off.items()}
        for point, noticed in _all(cut, cut_off, cutter.notice).items():
            if len(noticed.told.get("interrupted", [])) != 1:
                wrong.append(f"{point}: noticed {noticed}")
            if picture(stage.docker, several[point]) != before[point]:
                wrong.append(f"{point}: changed before anybody chose")
        outcomes = ended | _all(cut, cut_off, choice)
        for point, scene in several.items():
            told = outcomes[point].told
            wrong += [f"{point}: {fault} ({told})" for fault in faults(stage.docker, scene, told, first=first)]
        stage.docker.remove(*[name for scene in several.values() for name in containers_of(stage.docker, scene)])
    assert not wrong, "\n".join(wrong)
    # A failing container ends when it ends: some steps of its undoing may find nothing left to do, and aren't met.
    assert killed >= 0.6 * len(points)


def _all(
    cut: Cutter, scenes: dict[str, Scene], operation: Callable[..., dict[str, Any]], *points: str
) -> dict[str, Ended]:
    """Run an operation on every scene at the same time, each with its point where points are given."""
    begun = {point: cut.begin(operation, scene, *([point] if points else [])) for point, scene in scenes.items()}
    return {point: cut.end(process, scenes[point]) for point, process in begun.items()}
