"""What benchmarks on a real engine stand on: a lab with one engine, and a console with a real catalog."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker import APIClient

from mirror_console.app import awake_seconds, clock
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.engine import DockerEngines
from mirror_console.hardening import harden
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.lab.docker_cli import Docker
from tests.lab.engine import EngineSpec
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab, ending_on_signals

ENGINE_ID = "engine"
API = "1.41"


@dataclass(frozen=True, slots=True)
class Ground:
    """A console and the one engine that its catalog has; `docker` is the command line, `bare` the docker package."""

    console: Console
    jobs: Jobs
    docker: Docker
    bare: APIClient
    registry: str

    def publish(self, version: str, name: str) -> str:
        """Build an image without a health check and push it, so that it is there with a digest. Its reference."""
        spec = ImageSpec(f"{self.registry}/bench/{name}", version)
        load(self.docker, spec)
        self.docker.run("push", "--quiet", spec.reference)
        return spec.reference


@contextmanager
def one_engine() -> Iterator[Ground]:
    """An engine without a bridge (containers use the host network or none), taken away at the end. Raises LabError."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with ending_on_signals(), Lab.start(folder / "lab", keyring=False, owner=(0, 0)) as lab:
            engine = lab.engine(EngineSpec("fast", bridge=False))
            bare = APIClient(engine.unix_url, version=API, timeout=60)
            with closing(bare), _console(folder / "home", engine.unix_url) as (console, jobs):
                yield Ground(console, jobs, lab.docker(engine), bare, lab.registry.address)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _console(home: Path, engine: str) -> Iterator[tuple[Console, Jobs]]:
    harden()
    home.mkdir(mode=0o700)
    catalog, vault, jobs = Catalog.open(home / "catalog.sqlite"), MemoryVault(), Jobs()
    engines = DockerEngines(vault, clock)
    try:
        with catalog.write() as books:
            books.engines.save(Engine(ENGINE_ID, "fast", parse_address(engine), timeout=60.0))
        yield Console(catalog, engines, vault, clock, awake_seconds, time.sleep, "operator", "desk"), jobs
    finally:
        jobs.close()
        engines.close()
        catalog.close()


def seconds_since(began: float) -> float:
    """How long something took that began at `time.perf_counter()`."""
    return time.perf_counter() - began
