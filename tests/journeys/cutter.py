"""Runs the console in processes of their own that are cut off with SIGKILL at a given boundary of a step.

The processes are forked from a server that has imported the program already, so that one costs tens of milliseconds.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mirror_console.app import opened
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.applied import Applied
from mirror_console.domain.changes import Changes
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Limits, Process, RestartPolicy, Settings, Volume
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import Rollout
from mirror_console.domain.route import Route
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, Way
from mirror_console.jobs import Jobs
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from tests.catalogs import opened_catalog

AT_REST = HealthTest(settle=0.0, limit=5.0)
LONGEST = 60.0
"""Seconds for one operation."""
SIDE_BY_SIDE = 4
"""Operations at the same time."""
AT_ONCE = Way(waves=(REST,), bake=0.2, pause_after_canary=False)


@dataclass(frozen=True, slots=True)
class Scene:
    """One environment on one engine, with a catalog of its own in `home`. `goal` is what its source has.

    Every step is met: there is a volume to be made, an older way back, a bake, and a restart policy to be taken from
    the old container, unless `policy` is one that is left alone.
    """

    home: str
    engine: str
    container: str
    port: int
    goal_fingerprint: str
    goal_reference: str
    policy: RestartPolicy = RestartPolicy.ALWAYS
    edge: str = ""
    """The proxy's network, in which a new container starts beside the old one; empty where it is replaced."""
    limits: tuple[Limits, Limits] = (Limits(), Limits())
    """What its container was granted, and is to be granted in place."""
    made: str = ""
    """The id of the container that this console made, where one was."""
    swarm: bool = False
    """Whether it is a service of the Swarm that the engine manages."""
    settle: float = 0.1
    """Seconds that its container must run: long where it is one that ends, as a busy computer is slow to start it."""

    @property
    def alias(self) -> str:
        """Under which the proxy finds it."""
        return f"{self.container}.app"

    @property
    def identity(self) -> str:
        """The identity of its environment."""
        return self.container.ljust(32, "0")


def prepare(_scene: Scene, *scenes: str) -> dict[str, Any]:
    """Make the catalog of each of these scenes, and look at its engine: what comes before a plan isn't cut off."""
    for told in scenes:
        scene = told_scene(json.loads(told))
        opened_catalog(Path(scene.home) / "catalog.sqlite").close()
        os.environ["MIRROR_CONSOLE_HOME"] = scene.home
        with opened() as parts:
            fill(parts.console, scene)
            refresh(parts.console, parts.jobs)
    return {}


def start_rollout(scene: Scene, kill_at: str) -> dict[str, Any]:
    """Roll out what `prepare` has made ready, and be cut off at the boundary `kill_at`; empty cuts nothing off.

    Tells the boundaries met.
    """
    with opened() as parts:
        console, met = cut_off_at(parts.console, kill_at)
        made = plan(console, "live", ["mirror"], AT_ONCE)
        rollout = start(console, made, preflight(console, parts.jobs, made), "a test")
        return _told(Conductor(console, parts.jobs, rollout).run()) | {"met": met}


def change_in_place(scene: Scene, kill_at: str) -> dict[str, Any]:
    """Have the limits changed in place of a container that the catalog has on record, and be cut off at a boundary."""
    opened_catalog(Path(scene.home) / "catalog.sqlite").close()
    with opened() as parts:
        console, met = cut_off_at(parts.console, kill_at)
        fill(console, scene)
        before, after = (
            Settings(
                variables={"PORT": str(scene.port)},
                networks=("host",),
                limits=limits,
                restart=scene.policy,
                health=AT_REST,
            )
            for limits in scene.limits
        )
        with console.catalog.write() as books:
            environment = books.environments.get(scene.identity)
            books.environments.save(replace(environment, settings=after))
            books.applied.save(
                Applied(
                    scene.identity, "web", scene.made, console.clock(), "somebody", scene.goal_fingerprint, before, "1"
                )
            )
        refresh(console, parts.jobs)
        made = plan(console, "live", ["mirror"], AT_ONCE, settings_only=True)
        assert [target.swap for target in made.targets] == [Swap.IN_PLACE], made
        rollout = start(console, made, preflight(console, parts.jobs, made), "a test")
        return _told(Conductor(console, parts.jobs, rollout).run()) | {"met": met}


def cut_off_at(console: Console, kill_at: str) -> tuple[Console, list[str]]:
    """A console that is cut off at a boundary, and the boundaries that it meets.

    Each at which a call was sent or something was committed since the one before: cut off at any other, what is left
    is the same.
    """
    met: list[str] = []
    commits = [0, 0]

    def mark(boundary: str) -> None:
        if boundary.endswith(":sent") or commits[0] != commits[1]:
            met.append(boundary)
        commits[1] = commits[0]
        if boundary == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def count(_changes: Changes) -> None:
        commits[0] += 1

    console.catalog.subscribe(count)
    return replace(console, mark=mark), met


def notice(_scene: Scene, *homes: str) -> dict[str, Any]:
    """Start the console of each of these homes again, and say what was interrupted there; change nothing."""
    told = {}
    for home in homes:
        os.environ["MIRROR_CONSOLE_HOME"] = home
        with opened() as parts:
            found = recovery.interrupted(parts.console)
            for one in found:
                recovery.examine(parts.console, parts.jobs, one.rollout)
            told[home] = [one.words for one in found]
    return told


def go_on(scene: Scene) -> dict[str, Any]:
    """Choose 're-read and continue'."""

    def choose(console: Console, jobs: Jobs, rollout: Rollout) -> Rollout:
        return recovery.go_on(console, jobs, rollout.id).run()

    return _recovered(choose)


def put_back(scene: Scene) -> dict[str, Any]:
    """Choose 'put back'."""
    return _recovered(lambda console, jobs, rollout: recovery.put_back(console, jobs, rollout.id))


def recover(scene: Scene, *chosen: str) -> dict[str, Any]:
    """Start the console of each of these homes again, and choose what is told before it: ``go_on HOME``."""
    told = {}
    for one in chosen:
        choice, _, home = one.partition(" ")
        os.environ["MIRROR_CONSOLE_HOME"] = home
        told[home] = CHOICES[choice](scene)
    return told


CHOICES = {"go_on": go_on, "put_back": put_back}


def _recovered(choose: Callable[[Console, Jobs, Rollout], Rollout]) -> dict[str, Any]:
    with opened() as parts:
        # An hour later, when nothing is on its way any more of what was sent.
        console = replace(parts.console, clock=lambda: parts.console.clock() + timedelta(hours=1))
        found = recovery.interrupted(console)
        told = [_told(choose(console, parts.jobs, one.rollout)) for one in found]
        return told[0] if told else {}


def _told(rollout: Rollout) -> dict[str, Any]:
    target = rollout.targets[0]
    return {"rollout": rollout.state.value, "target": target.state.value, "words": target.words}


def fill(console: Console, scene: Scene) -> None:
    """Put the scene's engine, its source and its mirror into the catalog."""
    settings = Settings(
        variables={"PORT": str(scene.port)},
        networks=("back",) if scene.edge else ("host",),
        route=Route(scene.edge, scene.alias, drain=0.1, overlap=True) if scene.edge else None,
        restart=scene.policy,
        volumes=(Volume(f"{scene.container}-media", "/media"),),
        health=HealthTest(settle=scene.settle, limit=scene.settle + 5.0),
        stop_seconds=3,
    )
    if scene.swarm:
        settings = Settings(health=AT_REST, stop_seconds=3)
    now = console.clock()
    with console.catalog.write() as books:
        books.engines.save(Engine("engine", "fast", parse_address(scene.engine)))
        books.applications.save(
            Application(
                "source", Kind.SOURCE, "Source", "source", repository="unused.test/web", release_command=NO_COMMAND
            )
        )
        books.environments.save(Environment("source-live", "source", "live", "engine", (Process("web", "no-such"),)))
        books.applications.save(Application("mirror", Kind.MIRROR, "Mirror", "mirror", source_id="source"))
        process = (Process("web", scene.container),)
        books.environments.save(
            Environment(scene.identity, "mirror", "live", "engine", process, settings, swarm=scene.swarm)
        )
        repository, _, digest = scene.goal_reference.partition("@")
        books.releases.save(
            Release("goal", "source-live", scene.goal_fingerprint, repository, digest, now, now, version="2")
        )


# --- in a process of its own ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it told, if it lived to tell it."""

    exit_code: int
    told: dict[str, Any]


Order = tuple[Callable[..., dict[str, Any]], Scene, tuple[str, ...]]
"""An operation, on what, and what it is told beside."""


class Cutter:
    """Starts operations in processes of their own."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.journeys.frozen"])

    def begin(self, operation: Callable[..., dict[str, Any]], scene: Scene, *more: str) -> BaseProcess:
        """Begin an operation; `end` waits for it."""
        process = self._context.Process(target=_carry_out, args=(operation, asdict(scene), more))
        process.start()
        return process

    def end(self, process: BaseProcess, scene: Scene, timeout: float = LONGEST) -> Ended:
        """Wait for an operation and read what it told."""
        process.join(timeout)
        assert process.exitcode is not None, "the process did not end"
        told = Path(scene.home) / "told.json"
        content = json.loads(told.read_text()) if told.exists() else {}
        told.unlink(missing_ok=True)
        exit_code = process.exitcode
        process.close()
        return Ended(exit_code, content)

    def run(self, operation: Callable[..., dict[str, Any]], scene: Scene, *more: str) -> Ended:
        """Begin an operation and wait for it."""
        return self.end(self.begin(operation, scene, *more), scene)

    def run_all(self, orders: Sequence[Order]) -> list[Ended]:
        """Run operations, some at the same time; how each ended, in their order.

        All from one thread: processes of this kind are waited for by whoever starts another, and told to one of them.
        """
        todo = list(enumerate(orders))
        running: dict[Any, tuple[int, BaseProcess]] = {}
        ended: dict[int, Ended] = {}
        while todo or running:
            while todo and len(running) < SIDE_BY_SIDE:
                place, (operation, scene, more) = todo.pop(0)
                process = self.begin(operation, scene, *more)
                running[process.sentinel] = (place, process)
            done = wait(list(running), LONGEST)
            assert done, "no process has ended"
            for sentinel in done:
                place, process = running.pop(sentinel)
                ended[place] = self.end(process, orders[place][1])
        return [ended[place] for place in range(len(orders))]


def told_scene(told: dict[str, Any]) -> Scene:
    """The scene that `asdict` has told."""
    return Scene(**told | {"limits": tuple(Limits(**one) for one in told["limits"])})


def _carry_out(operation: Callable[..., dict[str, Any]], of_scene: dict[str, Any], more: tuple[str, ...]) -> None:
    scene = told_scene(of_scene)
    os.environ["MIRROR_CONSOLE_HOME"] = scene.home
    told = Path(scene.home) / "told.json"
    try:
        content = operation(scene, *more)
    except Exception:
        told.write_text(json.dumps({"error": traceback.format_exc()}))
        raise
    told.write_text(json.dumps(content))
