"""How containers are stopped, on a real engine: with the signal, the time and the init that their settings say.

The verdict is the docker command line's: what each container was made with, and with which code it ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.domain.image import fingerprint
from mirror_console.domain.plan import Change
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, Way
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report_content import ReportedStep, report_content
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import publish
from tests.operations.desk import empty_console

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

WAY = Way(waves=(REST,), bake=0.0, pause_after_canary=False)
LIVE, PREV = "stopping-live", "stopping-live.mc-prev"
PORT = {"PORT": "20950"}
SETTINGS = Settings(
    variables=PORT,
    networks=("host",),
    health=HealthTest(settle=0.1, limit=5.0),
    init=True,
    stop_signal="SIGTERM",
    stop_seconds=1,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A console with one mirror on one engine, whose application ignores SIGTERM."""

    console: Console
    jobs: Jobs
    docker: Docker
    lab: Lab

    def release(self, version: str) -> None:
        spec = ImageSpec("stopping/web", version, Behaviour.IGNORES_TERM)
        published = publish(self.lab, self.docker.engine, spec)
        image = self.docker.image(published.image_id)
        assert image is not None
        now = self.console.clock()
        with self.console.catalog.write() as books:
            books.releases.save(
                Release(
                    version,
                    "source-live",
                    fingerprint(image),
                    published.repository,
                    published.digest,
                    now,
                    now,
                    version=version,
                )
            )

    def roll_out(self, settings: Settings, swap: Swap, change: Change) -> ReportedStep | None:
        """Roll the newest release and these settings out; how the old container was stopped, as the report tells."""
        with self.console.catalog.write() as books:
            books.environments.save(replace(books.environments.get("live"), settings=settings))
        refresh(self.console, self.jobs)
        made = plan(self.console, "live", ["mirror"], WAY)
        assert [(target.swap, target.change) for target in made.targets] == [(swap, change)]
        rollout = start(self.console, made, preflight(self.console, self.jobs, made), "a test")
        ended = Conductor(self.console, self.jobs, rollout).run()
        assert ended.state is RolloutState.COMPLETED, ended
        (target,) = report_content(self.console, ended.id).targets
        return next((step for step in target.steps if step.step is Step.STOP), None)

    def made_with(self, name: str) -> tuple[str, int, bool]:
        container = self.docker.container(name)
        config = container["Config"]
        return config["StopSignal"], config["StopTimeout"], bool(container["HostConfig"].get("Init"))

    def exit_code(self, name: str) -> int:
        return int(self.docker.container(name)["State"]["ExitCode"])


@pytest.fixture
def scene(lab: Lab, fast_engine: LabEngine, tmp_path: Path) -> Iterator[Scene]:
    jobs = Jobs()
    try:
        with empty_console(tmp_path) as console:
            with console.catalog.write() as books:
                books.engines.save(Engine("engine", "fast", parse_address(fast_engine.unix_url)))
                books.applications.save(
                    Application(
                        "source", Kind.SOURCE, "Source", "source", repository="x.test/web", release_command=NO_COMMAND
                    )
                )
                process = (Process("web", "no-such"),)
                books.environments.save(Environment("source-live", "source", "live", "engine", process))
                books.applications.save(Application("mirror", Kind.MIRROR, "Mirror", "mirror", source_id="source"))
                books.environments.save(
                    Environment("live", "mirror", "live", "engine", (Process("web", LIVE),), SETTINGS)
                )
            yield Scene(console, jobs, lab.docker(fast_engine), lab)
    finally:
        jobs.close()


def test_signal_time_and_init_are_used_and_told(scene: Scene) -> None:
    scene.release("1")
    assert scene.roll_out(SETTINGS, Swap.CREATE, Change.CREATE) is None
    assert scene.made_with(LIVE) == ("SIGTERM", 1, True)

    # It ignores its signal: after the time that it is given it is killed, and the report says so.
    scene.release("2")
    other = replace(SETTINGS, stop_signal="SIGINT", stop_seconds=2, init=False)
    stopped = scene.roll_out(other, Swap.RECREATE, Change.UPDATE)
    assert stopped is not None
    assert stopped.words == "the old container didn't end within 2 s, and was killed: exit code 137"
    assert scene.exit_code(PREV) == 137
    assert scene.made_with(LIVE) == ("SIGINT", 2, False)

    # It ends at the other signal, long before its time is up, and there is nothing to be said of it.
    again = scene.roll_out(replace(other, variables=PORT | {"STAGE": "live"}), Swap.RECREATE, Change.SETTINGS)
    assert again is not None
    assert (again.words, scene.exit_code(PREV)) == ("", 0)
    assert (again.seconds or 0) < 2
