"""The contract is played on every stage: a real Docker by TLS and by SSH, a real Podman, and two simulated ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.simulator.state import DOCKER_20_10, DOCKER_25
from tests.contract.stage import Stage, real, simulated
from tests.contract.swarm_stage import SwarmStage

GENERATIONS = {"simulated-20.10": DOCKER_20_10, "simulated-25": DOCKER_25}
REAL = {"real": "tls_engine", "real-ssh": "ssh_engine", "podman": "podman_engine"}
BY_SSH = frozenset(
    {
        "test_facts",
        "test_free_disk_is_told_by_a_container_where_the_host_does_not",
        "test_a_command_is_run_in_a_container_that_runs",
        "test_who_does_not_listen_is_stopped_by_force",
        "test_output",
        "test_nobody_answers_where_nothing_listens",
        "test_what_is_not_there",
        "test_pull_with_the_password",
        "test_a_pull_that_is_stopped_ends_early",
        "test_a_forgotten_engine_is_connected_again",
        "test_an_image_that_was_given_away_is_the_same_when_it_is_taken_in",
        "test_an_archive_that_ends_early_is_not_taken_in",
        "test_giving_away_is_ended_from_another_thread",
        "test_of_much_output_only_the_beginning_and_the_end_are_read",
        "test_one_that_runs_is_stopped_and_tells_so",
    }
)
"""Those played by SSH, too. Behind it is the same engine: what differs is how long answers, streams, output, refusals
and whatever is ended early come through.
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the stages of a test. Where Podman differs, a test of the same name in test_podman.py says how."""
    if "stage" not in metafunc.fixturenames:
        return
    from tests.contract import test_podman

    name = metafunc.function.__name__
    without = {"podman"} if hasattr(test_podman, name) else set()
    if name not in BY_SSH:
        without.add("real-ssh")
    names = [stage for stage in (*REAL, *GENERATIONS) if stage not in without]
    if metafunc.module is test_podman:
        names = ["podman"]
    params = [pytest.param(stage, marks=() if stage in GENERATIONS else pytest.mark.lab) for stage in names]
    metafunc.parametrize("stage", params, indirect=True)


@pytest.fixture(params=["simulated-20.10", pytest.param("real", marks=pytest.mark.lab)])
def swarm(request: pytest.FixtureRequest) -> Iterator[SwarmStage]:
    """A manager of a Swarm, without services and configs."""
    if request.param == "real":
        with real(request.getfixturevalue("lab"), request.getfixturevalue("swarm_engine")) as played:
            yield SwarmStage(played)
        return
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    try:
        with simulated(folder, DOCKER_20_10, manager=True) as played:
            yield SwarmStage(played)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One engine, clean."""
    if request.param in REAL:
        with real(request.getfixturevalue("lab"), request.getfixturevalue(REAL[request.param])) as played:
            yield played
        return
    # The paths of sockets must be short.
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    try:
        with simulated(folder, GENERATIONS[request.param]) as played:
            yield played
    finally:
        shutil.rmtree(folder, ignore_errors=True)
