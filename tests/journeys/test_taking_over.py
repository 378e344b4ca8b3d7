"""Two consoles on one environment of a real engine: who rolls out, who takes over, and who finds its lock lost.

The verdict is read from the engine by the docker command line.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from mirror_console.domain.image import fingerprint
from tests.journeys import cutter, taker
from tests.journeys.agency import wait_until
from tests.journeys.cutter import Cutter, Scene
from tests.lab.asking import ask
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import publish
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

FIRST_PORT = 20900


@dataclass(slots=True)
class World:
    """An engine on which the environment runs version 1, while its source has version 2."""

    docker: Docker
    engine: LabEngine
    scene: Callable[[str, str], Scene]
    """Of a container, and of a console by its name: each has a home of its own."""
    cut: Cutter

    def runs(self, container: str) -> tuple[str, list[str]]:
        """Which version serves, and all that is there of an environment."""
        names = [name for name in self.docker.names() if container in name]
        return self.docker.version_of(container) if container in self.docker.running() else "down", names


@pytest.fixture
def world(lab: Lab, fast_engine: LabEngine, lab_registry: LabRegistry, tmp_path: Path) -> World:
    assert lab_registry.running()
    old, new = (publish(lab, fast_engine, ImageSpec("locks/web", version, Behaviour.OK)) for version in ("1", "2"))
    goal = fingerprint(ask(fast_engine.socket, "GET", f"/images/{new.image_id}/json"))
    ports: dict[str, int] = {}

    def scene(container: str, console: str) -> Scene:
        if container not in ports:
            port = ports[container] = FIRST_PORT + len(ports)
            body = {
                "Image": old.reference,
                "Env": [f"PORT={port}"],
                "HostConfig": {"RestartPolicy": {"Name": "always"}, "NetworkMode": "host"},
            }
            ask(fast_engine.socket, "POST", f"/containers/create?name={container}", body)
            ask(fast_engine.socket, "POST", f"/containers/{container}/start")
        home = tmp_path / f"{container}-{console}"
        home.mkdir(mode=0o700)
        return Scene(str(home), fast_engine.unix_url, container, ports[container], goal, new.pinned)

    return World(lab.docker(fast_engine), fast_engine, scene, Cutter())


def asleep(process: BaseProcess, scene: Scene) -> bool:
    """Whether a process has stopped itself."""
    if not process.is_alive():
        told = Path(scene.home, "told.json")
        pytest.fail(f"it ended and didn't fall asleep: {told.read_text() if told.exists() else process.exitcode}")
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def wake(process: BaseProcess) -> None:
    """Let a process go on that has stopped itself."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)


def test_of_two_that_roll_out_at_the_same_instant_one_wins(world: World) -> None:
    scenes = [world.scene("race", console) for console in ("first", "second")]
    begun = [world.cut.begin(taker.roll_out, scene, "LOCK:intent", "SIGSTOP") for scene in scenes]
    wait_until(lambda: all(map(asleep, begun, scenes)), "both have passed their checks")
    for process in begun:
        wake(process)
    told = [world.cut.end(process, scene).told for process, scene in zip(begun, scenes, strict=True)]
    assert sorted(one["target"] for one in told) == ["done", "failed"], told
    (lost,) = (one for one in told if one["target"] == "failed")
    assert "another container now than when it was planned" in lost["words"]
    assert world.runs("race") == ("2", ["race", "race.mc-prev"])


def test_a_lock_that_somebody_prunes_in_mid_swap_is_taken_again(world: World) -> None:
    scene = world.scene("pruned", "first")
    begun = world.cut.begin(taker.roll_out, scene, "STOP:intent", "SIGSTOP", "60")
    wait_until(lambda: asleep(begun, scene), "the swap is about to begin")
    world.docker.run("container", "prune", "--force", "--filter", "label=io.mirrorconsole.role=lock")
    assert "mc-lock.pruned" not in world.docker.names()
    wake(begun)
    assert world.cut.end(begun, scene).told["target"] == "done"
    assert world.runs("pruned") == ("2", ["pruned", "pruned.mc-prev"])


def test_what_a_killed_console_left_is_taken_over_and_it_finds_so_when_it_is_back(world: World) -> None:
    first, second = world.scene("killed", "first"), world.scene("killed", "second")
    assert world.cut.run(taker.roll_out, first, "STOP:sent", "SIGKILL").exit_code == -signal.SIGKILL
    assert world.runs("killed") == ("down", ["killed", "killed.mc-next", "mc-lock.killed"])
    told = world.cut.run(taker.take, second).told
    assert told["target"] == "put back", told
    assert "Its heartbeat has stood still for 2 s" in told["seen"]
    assert world.runs("killed") == ("1", ["killed"])
    assert world.docker.container("killed")["HostConfig"]["RestartPolicy"]["Name"] == "always"
    # Whoever was away is told what it left, finds nothing half done, and goes on from there as its person chooses.
    assert world.cut.run(cutter.go_on, first).told["target"] == "done"
    assert world.runs("killed") == ("2", ["killed", "killed.mc-prev"])


def test_a_call_that_a_sleeping_console_sends_late_is_put_right_and_it_changes_no_more(world: World) -> None:
    first, second = world.scene("late", "first"), world.scene("late", "second")
    sleeping = world.cut.begin(taker.roll_out, first, taker.LATE, "SIGSTOP")
    wait_until(lambda: asleep(sleeping, first), "it has looked at its lock, and is about to stop the old container")
    before = world.docker.container("late")
    taking = world.cut.begin(taker.take, second)
    doing = Path(second.home, "doing")
    wait_until(
        lambda: doing.exists() and "watches for" in doing.read_text(), "the other console has put everything back"
    )
    wake(sleeping)
    late = world.cut.end(sleeping, first).told
    told = world.cut.end(taking, second).told
    after = world.docker.container("late")
    assert (after["Id"], after["State"]["Running"]) == (before["Id"], True)
    assert after["State"]["StartedAt"] != before["State"]["StartedAt"], "the late call met nothing: the test is void"
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert told["target"] == "put back", told
    assert late["target"] == "superseded", late
    assert "holds the lock now, not this rollout" in late["words"]
    assert world.runs("late") == ("1", ["late"])
