"""In the program's own process, which lives as long as the soak does: watches, and rolls out what it is told to.

It is told by lines of JSON on a socket, and answers each with what became of the rollout and what it takes by now.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Environment, Process
from mirror_console.domain.plan import number_to_type
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import ENDED, Rollout
from mirror_console.domain.way import REST, Way
from mirror_console.errors import ConsoleError
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.watch import Watch
from tests.campaign_parts.inside import Scene, settings_of

EVERY = 10.0
"""Seconds between two looks at each engine, beside the rollouts."""
WAY = Way(waves=(REST,), bake=0.2, max_failed=10_000, pause_after_canary=False)
MOST_CHOICES = 5
"""Choices that a person makes until a rollout that was cut off is at its end."""
SOURCE = "source-live"


@dataclass(frozen=True, slots=True)
class Living:
    """What the process lives with: addresses of engines by name, and environments, each with its engine's name."""

    socket: str
    engines: Mapping[str, str]
    environments: Sequence[tuple[str, Mapping[str, Any]]]

    def run(self, opened: Callable[[], Any]) -> None:
        """Until the one who tells it what to do hangs up."""
        with socket.socket(socket.AF_UNIX) as line, opened() as parts:
            line.connect(self.socket)
            console, jobs = parts.console, parts.jobs
            self._fill(console)
            watching = jobs.submit("Watching engines", Watch(console, jobs, EVERY).run)
            with line.makefile("rw", encoding="utf-8") as told:
                for text in told:
                    told.write(json.dumps(_answer(console, jobs, json.loads(text))) + "\n")
                    told.flush()
            watching.cancel()
            watching.over_within(EVERY)

    def _fill(self, console: Console) -> None:
        with console.catalog.write() as books:
            for name, address in self.engines.items():
                books.engines.save(Engine(name, name, parse_address(address), timeout=10.0))
            books.applications.save(
                Application(
                    "source", Kind.SOURCE, "Source", "source", repository="unused.test/w", release_command=NO_COMMAND
                )
            )
            first = next(iter(self.engines))
            books.environments.save(Environment(SOURCE, "source", "live", first, (Process("web", "no-such"),)))
            for engine, about in self.environments:
                scene = Scene(**about)
                name, processes = scene.container, (Process("web", scene.container),)
                books.applications.save(Application(name, Kind.MIRROR, name, name, source_id="source"))
                place = Environment(scene.identity, name, "live", engine, processes, settings=settings_of(scene, {}))
                books.environments.save(place)


def _answer(console: Console, jobs: Any, order: Mapping[str, Any]) -> dict[str, Any]:
    try:
        rollout = _roll_out(console, jobs, order)
    except ConsoleError as error:
        with console.catalog.read() as books:
            told: dict[str, Any] = {
                "refused": str(error),
                "unfinished": [one.id for one in books.rollouts.unfinished()],
            }
    else:
        ends = {one.planned.container: (one.state.value, one.words) for one in rollout.targets}
        told = {"state": rollout.state.value, "ends": ends}
    gc.collect()
    return told | taken()


def _roll_out(console: Console, jobs: Any, order: Mapping[str, Any]) -> Rollout:
    now = console.clock()
    repository, _, digest = order["reference"].partition("@")
    with console.catalog.write() as books:
        known = next((one for one in books.releases.of([SOURCE]) if one.id == order["release"]), None)
        first = known.first_seen if known is not None else now
        books.releases.save(
            Release(
                order["release"], SOURCE, order["fingerprint"], repository, digest, first, now, version=order["version"]
            )
        )
        mirrors = [one.id for one in books.applications.all() if one.source_id]
    refresh(console, jobs)
    made = plan(console, "live", mirrors, WAY)
    checked = preflight(console, jobs, made)
    blocked = checked.blocked(target.environment_id for target in made.targets)
    typed = number_to_type(len(made.targets) - len(blocked), overridden=bool(checked.overrides))
    rollout = Conductor(console, jobs, start(console, made, checked, "soak", typed)).run()
    for _ in range(MOST_CHOICES):
        if rollout.state in ENDED:
            break
        recovery.interrupted(console)
        recovery.put_back(console, jobs, rollout.id)
        with console.catalog.read() as books:
            rollout = books.rollouts.get(rollout.id)
    return rollout


def taken() -> dict[str, float]:
    """What this process takes now: megabytes of memory, open files, threads."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    memory = int(status["VmRSS"].split()[0]) / 1024
    return {"memory": memory, "files": len(os.listdir("/proc/self/fd")), "threads": threading.active_count()}
