"""A fleet with a real Docker and a real Podman: all that looks works with both, and no rollout begins on Podman."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.check import Answer, Check
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.engine_kind import NO_ROLLOUTS, EngineKind
from mirror_console.domain.environment import Environment, HealthTest, Port, Process, RestartPolicy, Settings
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.status import Status
from mirror_console.errors import InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.connection import StepState
from mirror_console.operations.console import Console
from mirror_console.operations.engines import test_connection as connection_test
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.starting import start
from mirror_console.operations.status import survey
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab
from tests.operations.desk import empty_console
from tests.operations.fleet import QUICK

SETTINGS = Settings(
    variables={"DOMAIN": "a.example"},
    ports=(Port(8080, 18080),),
    restart=RestartPolicy.UNLESS_STOPPED,
    health=HealthTest(settle=0.0, limit=3.0),
)


@pytest.fixture
def console(tmp_path: Path, lab: Lab, local_engine: LabEngine, podman_engine: LabEngine) -> Iterator[Console]:
    """A source on Docker and its mirror on Podman, both on 26.8.1; the mirror was deployed by hand."""
    with empty_console(tmp_path) as made:
        repository = f"{lab.registry.address}/shop/podman"
        with made.catalog.write() as books:
            for engine in (local_engine, podman_engine):
                books.engines.save(Engine(engine.name, engine.name, parse_address(engine.unix_url), timeout=20.0))
            books.applications.save(
                Application(
                    "source", Kind.SOURCE, "Webshop", "webshop", repository=repository, release_command=NO_COMMAND
                )
            )
            books.applications.save(
                Application(
                    "mirror", Kind.MIRROR, "Mirror", "mirror", source_id="source", image_source=ImageSource.ALWAYS_LIVE
                )
            )
            for owner, engine in (("source", local_engine), ("mirror", podman_engine)):
                process = Process("web", f"{owner}-live")
                books.environments.save(Environment(f"{owner}-live", owner, "live", engine.name, (process,), SETTINGS))
        for owner, engine in (("source", local_engine), ("mirror", podman_engine)):
            _deploy(lab, engine, ImageSpec(repository, "26.8.1", probe=1.0), f"{owner}-live")
        yield made


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


def _deploy(lab: Lab, engine: LabEngine, spec: ImageSpec, name: str) -> None:
    docker = lab.docker(engine)
    load(docker, spec)
    docker.run("push", "--quiet", spec.reference)
    docker.remove(*(found for found in docker.names() if found == name))
    docker.start_container(
        spec.reference, name, "--restart", "unless-stopped", ports={18080: 8080}, variables={"DOMAIN": "a.example"}
    )


def _status(console: Console) -> Status:
    return survey(console).rows[0].cells["live"].status


def test_a_mirror_on_podman_is_compared_with_its_source_on_docker(
    console: Console, jobs: Jobs, lab: Lab, local_engine: LabEngine, podman_engine: LabEngine
) -> None:
    refresh(console, jobs)
    grid = survey(console)
    cell = grid.rows[0].cells["live"]
    assert cell.status is Status.ALIGNED, cell.differences
    with console.catalog.read() as books:
        (seen,) = books.observations.of("mirror-live")
    assert seen.differences == ()
    kinds = {row.engine.name: row.contact.facts.kind for row in grid.engines if row.contact and row.contact.facts}
    assert kinds == {local_engine.name: EngineKind.DOCKER, podman_engine.name: EngineKind.PODMAN}

    _deploy(lab, local_engine, ImageSpec(seen.image.rpartition(":")[0], "26.8.2", probe=1.0), "source-live")
    refresh(console, jobs)
    assert _status(console) is Status.BEHIND
    _deploy(lab, podman_engine, ImageSpec(seen.image.rpartition(":")[0], "26.8.2", probe=1.0), "mirror-live")
    refresh(console, jobs)
    assert _status(console) is Status.ALIGNED
    lab.docker(podman_engine).run("stop", "--time", "1", "mirror-live")
    refresh(console, jobs)
    assert _status(console) is Status.UNHEALTHY


def test_no_rollout_begins_on_podman_and_the_reason_is_said(
    console: Console, jobs: Jobs, lab: Lab, local_engine: LabEngine, podman_engine: LabEngine
) -> None:
    _deploy(lab, local_engine, ImageSpec(f"{lab.registry.address}/shop/podman", "26.8.2", probe=1.0), "source-live")
    refresh(console, jobs)
    made = plan(console, "live", ["mirror"], QUICK)
    checked = preflight(console, jobs, made)
    blocking = [(result.check, result.answer, result.words) for result in checked.blocking]
    assert blocking == [(Check.ENGINE_KIND, Answer.BLOCKED, NO_ROLLOUTS)]
    assert all(result.remedy for result in checked.blocking)
    before = lab.docker(podman_engine).ps()
    with pytest.raises(InvalidInput):
        start(console, made, checked, "a test")
    assert [line["ID"] for line in lab.docker(podman_engine).ps()] == [line["ID"] for line in before]


def test_the_connection_test_passes_and_names_what_does_not_work(console: Console) -> None:
    steps = [
        step for step in connection_test(console, console.engine("porto"), None) if step.state is not StepState.RUNNING
    ]
    assert {step.state for step in steps} <= {StepState.OK, StepState.SKIPPED}, steps
    (api,) = [step for step in steps if step.words.startswith("Podman ")]
    assert "No rollouts: Podman can't change the restart policy" in api.words
