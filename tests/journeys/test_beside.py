"""A client that never stops asking, behind a real proxy, misses nothing while containers start beside others.

On a real engine, with what the benchmark of zero downtime measures in large.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from docker import APIClient

from tests.benchmarks.ground import API, ENGINE_ID, Ground, console_with
from tests.benchmarks.zero_downtime import EACH, Behind
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab
from tests.lab.registry import LabRegistry

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_no_request_is_lost(lab: Lab, local_engine: LabEngine, lab_registry: LabRegistry, tmp_path: Path) -> None:
    with (
        closing(APIClient(local_engine.unix_url, version=API, timeout=60)) as bare,
        console_with(tmp_path / "home", {ENGINE_ID: local_engine.unix_url}) as (console, jobs),
    ):
        docker = lab.docker(local_engine)
        behind = Behind(Ground(console, jobs, docker, bare, lab_registry.address, local_engine.host), 1)
        told = behind.measure(overlap=True)
        # Half of a second's requests would be fewer.
        assert told["asked"] > EACH / 2, told
        assert told["failed"] == 0, told
