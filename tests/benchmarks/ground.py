"""What benchmarks on real engines stand on: a lab with one engine or several, and a console with a real catalog."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
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
MOST_AT_ONCE = 16
"""So that a benchmark's own caps count, and not the engine's."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A console and an engine of its catalog; `docker` is the command line, `bare` the docker package.

    `host` is the address where the engine's containers are reached.
    """

    console: Console
    jobs: Jobs
    docker: Docker
    bare: APIClient
    registry: str
    host: str
    engine_id: str = ENGINE_ID

    def publish(self, version: str, name: str) -> str:
        """Build an image without a health check and push it, so that it is there with a digest. Its reference."""
        spec = ImageSpec(f"{self.registry}/bench/{name}", version)
        load(self.docker, spec)
        self.docker.run("push", "--quiet", spec.reference)
        return spec.reference


@contextmanager
def one_engine() -> Iterator[Ground]:
    """An engine without a bridge (containers use the host network or none), taken away at the end. Raises LabError."""
    with several_engines(1) as (ground,):
        yield ground


@contextmanager
def bridged_engine() -> Iterator[Ground]:
    """An engine whose containers have networks and ports of their own, taken away at the end. Raises LabError."""
    with several_engines(1, bridge=True) as (ground,):
        yield ground


@contextmanager
def several_engines(number: int, *, bridge: bool = False) -> Iterator[tuple[Ground, ...]]:
    """So many engines in the catalog of one console, taken away at the end. Raises LabError."""
    ids = [ENGINE_ID, *(f"{ENGINE_ID}-{place}" for place in range(2, number + 1))]
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with ending_on_signals(), Lab.start(folder / "lab", keyring=False, owner=(0, 0)) as lab, ExitStack() as open_:
            engines = {one: lab.engine(EngineSpec(one, bridge=bridge)) for one in ids}
            urls = {one: engine.unix_url for one, engine in engines.items()}
            harden()
            console, jobs = open_.enter_context(console_with(folder / "home", urls))
            yield tuple(
                Ground(
                    console,
                    jobs,
                    lab.docker(engine),
                    open_.enter_context(closing(APIClient(engine.unix_url, version=API, timeout=60))),
                    lab.registry.address,
                    engine.host,
                    one,
                )
                for one, engine in engines.items()
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def console_with(home: Path, engines: Mapping[str, str]) -> Iterator[tuple[Console, Jobs]]:
    """A console with these engines, by identity and address."""
    home.mkdir(mode=0o700)
    catalog, vault, jobs = Catalog.open(home / "catalog.sqlite"), MemoryVault(), Jobs()
    clients = DockerEngines(vault, clock)
    try:
        with catalog.write() as books:
            for one, address in engines.items():
                books.engines.save(Engine(one, one, parse_address(address), at_once=MOST_AT_ONCE, timeout=60.0))
        yield Console(catalog, clients, vault, clock, awake_seconds, time.sleep, "operator", "desk"), jobs
    finally:
        jobs.close()
        clients.close()
        catalog.close()


def seconds_since(began: float) -> float:
    """How long something took that began at `time.perf_counter()`."""
    return time.perf_counter() - began
