"""The console is killed at every boundary while it updates a service of a Swarm; then a person chooses.

The verdict is read from the manager by the docker command line, from what the tasks run: never from labels, which a
Swarm puts back with the rest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from mirror_console.domain.image import fingerprint
from mirror_console.domain.steps import SERVICE_STEPS, Step
from tests.journeys import cutter
from tests.journeys.agency import Agency
from tests.journeys.console import Program
from tests.journeys.cutter import Cutter, Ended, Scene
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import publish

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

REPLICAS = 2
OLD_OR_NEW = {"done": "2", "already": "2", "failed": "1", "put back": "1", "not started": "1"}
SETTLES = 30.0
"""Seconds for which a Swarm may be at work on what it was told last."""
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A manager with its images, and what makes scenes on it."""

    docker: Docker
    engine: LabEngine
    folder: Path
    digests: dict[str, str]
    fingerprints: dict[str, str]

    def scene(self, name: str, goal: str) -> Scene:
        """A service with its tasks running, as a stack made it, and a catalog whose source has the goal."""
        home = self.folder / name
        home.mkdir(mode=0o700)
        way = {"Parallelism": 1, "Order": "stop-first", "Monitor": SECOND // 2, "FailureAction": "pause"}
        spec = {
            "Name": name,
            "Labels": {"stack": "shop"},
            "TaskTemplate": {
                "ContainerSpec": {"Image": self.digests["1"], "StopGracePeriod": 3 * SECOND},
                "RestartPolicy": {"Condition": "any", "Delay": SECOND // 2},
            },
            "Mode": {"Replicated": {"Replicas": REPLICAS}},
            "UpdateConfig": way,
            "RollbackConfig": way,
        }
        ask(self.engine.socket, "POST", "/services/create", spec)
        image = self.fingerprints[goal], self.digests[goal]
        return Scene(str(home), self.engine.unix_url, name, 0, *image, swarm=True)

    def tasks(self, name: str) -> list[dict[str, str]]:
        """The tasks of a service that are wanted, as the docker command line tells them."""
        told = self.docker.run("service", "ps", "--no-trunc", "--format", "{{json .}}", name).splitlines()
        return [one for one in map(json.loads, told) if one["DesiredState"] in {"Running", "Ready"}]

    def runs(self, name: str) -> list[str]:
        """The versions of what its tasks run, by their images; other words for those that don't run."""
        return sorted(self._version(task) for task in self.tasks(name))

    def _version(self, task: dict[str, str]) -> str:
        if not task["CurrentState"].startswith("Running"):
            return task["CurrentState"].split()[0]
        digest = task["Image"].partition("@")[2]
        return next((one for one, pinned in self.digests.items() if pinned.endswith(digest)), task["Image"])

    def at_rest(self, name: str, version: str) -> list[str]:
        """What its tasks run, once that is this version or has been awaited for long enough."""
        until = time.monotonic() + SETTLES
        while (found := self.runs(name)) != [version] * REPLICAS and time.monotonic() < until:
            time.sleep(0.2)
        return found

    def picture(self, name: str) -> tuple[str, object]:
        """What must not change before a person has chosen: what the service is to be."""
        (told,) = json.loads(self.docker.run("service", "inspect", name))
        return told["ID"], told["Spec"]

    def locks(self) -> list[str]:
        """The configs that are there."""
        return self.docker.run("config", "ls", "--format", "{{.Name}}").split()


@pytest.fixture
def stage(lab: Lab, swarm_engine: LabEngine, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    specs = {
        "1": ImageSpec("swarm/web", "1", Behaviour.OK),
        "2": ImageSpec("swarm/web", "2", Behaviour.OK),
        "bad": ImageSpec("swarm/web", "bad", Behaviour.EXITS_AT_ONCE),
    }
    published = {name: publish(lab, swarm_engine, spec) for name, spec in specs.items()}
    images = {name: ask(swarm_engine.socket, "GET", f"/images/{one.image_id}/json") for name, one in published.items()}
    return Stage(
        lab.docker(swarm_engine),
        swarm_engine,
        tmp_path_factory.mktemp("swarm"),
        {name: one.pinned for name, one in published.items()},
        {name: fingerprint(image) for name, image in images.items()},
    )


@pytest.mark.parametrize("goal", ["2", "bad"])
def test_killed_at_every_boundary_of_a_service_update(stage: Stage, goal: str) -> None:
    """Every boundary once; which of the two choices follows takes turns.

    What comes before its tasks are looked at is the same for a release that isn't well.
    """
    cut = Cutter()
    whole = stage.scene(f"whole{goal}", goal)
    assert stage.at_rest(whole.container, "1") == ["1"] * REPLICAS
    before = stage.picture(whole.container)
    _prepare(cut, [whole])
    uncut = cut.run(cutter.start_rollout, whole, "")
    assert uncut.told["target"] == ("done" if goal == "2" else "put back"), uncut
    assert (
        stage.at_rest(whole.container, OLD_OR_NEW[uncut.told["target"]])
        == [OLD_OR_NEW[uncut.told["target"]]] * REPLICAS
    )
    assert stage.picture(whole.container)[0] == before[0]
    points = list(dict.fromkeys(uncut.told["met"]))
    undone = {Step.ROLL_BACK.name, Step.VERIFY_OLD.name}
    steps = {step.name for step in SERVICE_STEPS} if goal == "2" else {"LOCK", "UPDATE", "VERIFY", "UNLOCK"} | undone
    assert {point.partition(":")[0] for point in points} == steps

    if goal == "bad":
        points = points[next(place for place, point in enumerate(points) if point.startswith("VERIFY:")) :]
    scenes = {point: stage.scene(f"cut{goal}{number:02}", goal) for number, point in enumerate(points)}
    for scene in scenes.values():
        assert stage.at_rest(scene.container, "1") == ["1"] * REPLICAS
    _prepare(cut, list(scenes.values()))
    orders = [(cutter.start_rollout, scene, (point,)) for point, scene in scenes.items()]
    ended = dict(zip(scenes, cut.run_all(orders), strict=True))
    cut_off = {point: scene for point, scene in scenes.items() if ended[point].exit_code == -9}
    assert len(cut_off) >= (1.0 if goal == "2" else 0.6) * len(points), ended
    between = {point: stage.picture(scene.container) for point, scene in cut_off.items()}
    noticed = cut.run(cutter.notice, whole, *(scene.home for scene in cut_off.values())).told
    assert {home: len(said) for home, said in noticed.items()} == {scene.home: 1 for scene in cut_off.values()}
    after = {point: stage.picture(scene.container) for point, scene in cut_off.items()}
    assert after == between, "something was changed before anybody chose"

    choices = [(cutter.go_on, cutter.put_back)[number % 2] for number in range(len(cut_off))]
    chosen = [(choice, scene, ()) for choice, scene in zip(choices, cut_off.values(), strict=True)]
    recovered = dict(zip(cut_off, cut.run_all(chosen), strict=True))
    wrong = [fault for point, scene in scenes.items() for fault in _faults(stage, point, scene, recovered, ended)]
    assert not wrong, "\n".join(wrong)
    assert stage.locks() == []


def _faults(
    stage: Stage, point: str, scene: Scene, recovered: dict[str, Ended], ended: dict[str, Ended]
) -> Sequence[str]:
    told = recovered.get(point, ended[point]).told
    version = OLD_OR_NEW.get(told.get("target", ""))
    if version is None:
        return [f"{point}: ended as {told}"]
    found = stage.at_rest(scene.container, version)
    spec: Any = stage.picture(scene.container)[1]
    wrong = [] if found == [version] * REPLICAS else [f"{point}: told {told}, but its tasks run {found}"]
    if spec["Labels"].get("stack") != "shop" or spec["Mode"] != {"Replicated": {"Replicas": REPLICAS}}:
        wrong.append(f"{point}: what its stack decides was changed: {spec}")
    return wrong


def _prepare(cut: Cutter, scenes: Sequence[Scene]) -> None:
    """Have a catalog made for each scene, in which its engine was looked at."""
    told = tuple(json.dumps(asdict(scene)) for scene in scenes)
    ended = cut.run(cutter.prepare, scenes[0], *told)
    assert ended.exit_code == 0, ended


# --- with the command line, and a registry that asks for a password ---------------------------------------------------

SERVICE = "alder-live"
QUICK = ("--way", "test environment", "--waves", "rest", "--bake", "0")


def test_a_release_that_no_node_has_is_brought_with_the_account_and_rolled_back(
    program: Program, agency: Agency, fast_engine: LabEngine, swarm_engine: LabEngine
) -> None:
    """The console's account for the registry goes with the update; without it the nodes would pull nothing."""
    docker = agency.docker(swarm_engine)
    for image in docker.run("image", "ls", "--quiet", "--filter", f"reference={agency.registry}/*/*").split():
        ask(swarm_engine.socket, "DELETE", f"/images/{image}?force=1")
    old = agency.publish(fast_engine, "26.8.1")
    agency.deploy(fast_engine, old)
    made = ("service", "create", "--detach", "--with-registry-auth", "--replicas", str(REPLICAS), "--name", SERVICE)
    docker.run(*made, "--label", "stack=shop", "--update-monitor", "500ms", "--stop-grace-period", "3s", old.pinned)
    _await_service(docker, old.pinned)
    live = {"name": "live", "engine": swarm_engine.name, "container": SERVICE, "swarm": True}
    live["settings"] = {"health": {"settle": 0.2, "limit": 20}, "stop_seconds": 3}
    mirror = {"name": "Alder", "slug": "alder", "source": "webshop", "environments": [live]}
    agency.fill(program, fast_engine, swarm_engine, mirrors=[mirror])
    program.run("check")
    new = agency.publish(fast_engine, "26.8.2")
    agency.deploy(fast_engine, new)
    program.run("check")
    assert not docker.image(new.pinned)

    plan = program.ask("rollout", "plan", "-e", "live", "--all", *QUICK)
    assert [(one["swap"], one["way_back"]) for one in plan["targets"]] == [("service update", "by pull only")]
    done = program.ask("rollout", "start", "-e", "live", "--all", *QUICK, "--why", "a release", "--yes", "1")

    assert [one["state"] for one in done["targets"]] == ["done"], done
    assert _running(docker) == [new.pinned] * REPLICAS
    (told,) = json.loads(docker.run("service", "inspect", SERVICE))
    assert told["Spec"]["Labels"]["stack"] == "shop"

    program.run("rollout", "rollback", done["id"][:8], "--all", "--why", "too early", "--yes", "1")

    assert _running(docker) == [old.pinned] * REPLICAS
    assert docker.run("config", "ls", "--quiet") == ""


def _running(docker: Docker) -> list[str]:
    """The images of the tasks that are to run and do."""
    told = docker.run("service", "ps", "--no-trunc", "--format", "{{json .}}", SERVICE).splitlines()
    tasks = [one for one in map(json.loads, told) if one["DesiredState"] == "Running"]
    return [one["Image"] for one in tasks if one["CurrentState"].startswith("Running")]


def _await_service(docker: Docker, image: str) -> None:
    until = time.monotonic() + SETTLES
    while _running(docker) != [image] * REPLICAS and time.monotonic() < until:
        time.sleep(0.2)
    assert _running(docker) == [image] * REPLICAS
