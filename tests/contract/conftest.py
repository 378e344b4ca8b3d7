"""The contract is played on every stage: a real Docker by TLS and by SSH, a real Podman, and two simulated ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.simulator.state import DOCKER_20_10, DOCKER_25
from tests.contract.stage import Stage, real, simulated

GENERATIONS = {"simulated-20.10": DOCKER_20_10, "simulated-25": DOCKER_25}
REAL = {"real": "tls_engine", "real-ssh": "ssh_engine", "podman": "podman_engine"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the stages of a test. Where Podman differs, a test of the same name in test_podman.py says how."""
    if "stage" not in metafunc.fixturenames:
        return
    from tests.contract import test_podman

    if metafunc.module is test_podman:
        names = ["podman"]
    elif hasattr(test_podman, metafunc.function.__name__):
        names = [*(name for name in REAL if name != "podman"), *GENERATIONS]
    else:
        names = [*REAL, *GENERATIONS]
    params = [pytest.param(name, marks=() if name in GENERATIONS else pytest.mark.lab) for name in names]
    metafunc.parametrize("stage", params, indirect=True)


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
