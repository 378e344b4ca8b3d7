"""The contract is played on every stage: real engines by TLS and by SSH, and simulated ones of two generations."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror_console.simulator.state import DOCKER_20_10, DOCKER_25
from tests.contract.stage import Stage, real, real_by_ssh, simulated

GENERATIONS = {"simulated-20.10": DOCKER_20_10, "simulated-25": DOCKER_25}


@pytest.fixture(
    params=[
        pytest.param("real", marks=pytest.mark.lab),
        pytest.param("real-ssh", marks=pytest.mark.lab),
        *GENERATIONS,
    ]
)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One engine, clean."""
    match request.param:
        case "real":
            with real(request.getfixturevalue("lab"), request.getfixturevalue("tls_engine")) as played:
                yield played
        case "real-ssh":
            with real_by_ssh(request.getfixturevalue("lab"), request.getfixturevalue("ssh_engine")) as played:
                yield played
        case generation:
            # The paths of sockets must be short.
            folder = Path(tempfile.mkdtemp(prefix="mc-"))
            try:
                with simulated(folder, GENERATIONS[generation]) as played:
                    yield played
            finally:
                shutil.rmtree(folder, ignore_errors=True)
