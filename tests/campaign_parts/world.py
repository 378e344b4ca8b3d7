"""The campaign's world: a lab with engines and images, each made when a fault first asks for it, and the program."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

from mirror_console.domain.image import fingerprint
from tests.campaign_parts import asked
from tests.catalogs import empty_catalog
from tests.journeys.console import Program
from tests.journeys.starter import Starter
from tests.lab.docker_cli import Docker
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.images import Behaviour, ImageSpec, load
from tests.lab.keyring import LabKeyring
from tests.lab.lab import Lab, ending_on_signals

HOST = EngineSpec("fast", bridge=False)
BRIDGE = EngineSpec("local")
SMALL = EngineSpec("small", bridge=False, disk=48)
SECURE = EngineSpec("secure", tls=True, bridge=False)
MANAGER = EngineSpec("zug", bridge=False)
"""The manager of a Swarm, and its only node."""
PATH = "campaign/web"
EDGE = "edge"
FIRST_PORT = 20000
OLD, GOOD, STUBBORN, WELL_ONCE = "1", "2", "stubborn", "well-once"


@dataclass(frozen=True, slots=True)
class Image:
    """An image on an engine: its id there, by what a registry knows it, its fingerprint, and what people call it."""

    id: str
    reference: str
    fingerprint: str
    tag: str
    version: str


@dataclass(frozen=True, slots=True)
class Stage:
    """An engine with its images, and somebody else's containers, which nobody may touch."""

    engine: LabEngine
    docker: Docker
    images: Mapping[str, Image]
    bystanders: Mapping[str, asked.Inspected]
    edge: str
    """The id of the network in which mirrors are found by their aliases."""


@dataclass(eq=False)
class World:
    """Everything that faults play on."""

    lab: Lab
    folder: Path
    starter: Starter
    _stages: dict[str, Stage] = field(default_factory=dict)
    _ports: int = FIRST_PORT
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def specs(self) -> dict[str, ImageSpec]:
        """What images are made of, by their names in the campaign."""
        repository = f"{self.lab.registry.address}/{PATH}"

        def of(version: str, behaviour: Behaviour = Behaviour.OK, **more: float) -> ImageSpec:
            return ImageSpec(repository, version, behaviour, **more)  # type: ignore[arg-type]

        return {
            OLD: of("1"),
            GOOD: of("2"),
            STUBBORN: of("stubborn", Behaviour.IGNORES_TERM),
            WELL_ONCE: of(WELL_ONCE, Behaviour.WELL_ONCE, probe=0.3),
            "other-build": ImageSpec(f"{self.lab.registry.address}/campaign/other", "2", revision="another build"),
            "exits-at-once": of("exits", Behaviour.EXITS_AT_ONCE),
            "never-healthy": of("ill", Behaviour.NEVER_HEALTHY, probe=0.3),
            "eats-memory": of("eats", Behaviour.EATS_MEMORY, seconds=0.0),
            "eats-memory-later": of("eats-later", Behaviour.EATS_MEMORY, seconds=1.0),
            "healthy-then-dies": of("dies", Behaviour.HEALTHY_THEN_DIES, seconds=1.0),
        }

    def stage(self, spec: EngineSpec) -> Stage:
        """An engine of the campaign, with all images."""
        with self._lock:
            if spec.name not in self._stages:
                self._stages[spec.name] = self._made(spec)
            return self._stages[spec.name]

    def port(self) -> int:
        """A port that nothing else in this campaign has."""
        with self._lock:
            self._ports += 1
            return self._ports

    def keyring(self) -> LabKeyring:
        """A keyring that nobody else uses, unlocked."""
        with self._lock:
            keyring = self.lab.start_keyring()
            if keyring.locked():
                keyring.unlock()
            return keyring

    def program(self, home: Path, keyring: Mapping[str, str] | None = None) -> Program:
        """The program of a person with this data folder."""
        return Program(home, home.with_name(f"{home.name}-tmp"), keyring or {}, starter=self.starter)

    def _made(self, spec: EngineSpec) -> Stage:
        engine = self.lab.engine(spec)
        docker = self.lab.docker(engine)
        images = {name: loaded(docker, one) for name, one in self.specs.items()}
        # Nobody chooses their subnets: who is in the first is found there by its alias, and never without.
        edge = docker.run("network", "create", EDGE).strip()
        docker.run("network", "create", "back")
        bystanders = {}
        for name in ("bystander", "bystander.mc-prev"):
            identity = docker.run("create", "--name", name, "--network", "none", images[OLD].tag)
            seen = asked.inspected(engine.socket, identity)
            assert seen is not None
            bystanders[identity] = seen
        return Stage(engine, docker, images, bystanders, edge)


def loaded(docker: Docker, spec: ImageSpec) -> Image:
    """Put an image on an engine and into the registry."""
    load(docker, spec)
    docker.run("push", "--quiet", spec.reference)
    seen = docker.image(spec.reference)
    assert seen is not None
    digest = next(one for one in seen["RepoDigests"] if one.startswith(spec.repository))
    return Image(seen["Id"], digest, fingerprint(seen), spec.reference, spec.version)


@contextmanager
def opened_world() -> Iterator[World]:
    """A lab with a registry, taken away at the end. Raises LabError."""
    folder = Path(tempfile.mkdtemp(prefix="mc-c-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        with ending_on_signals(), Lab.start(folder / "lab", keyring=False, owner=(0, 0)) as lab:
            # What makes catalogs can't make two at once; from here on they are copies.
            empty_catalog()
            homes = folder / "homes"
            homes.mkdir()
            starter = Starter(folder)
            try:
                yield World(lab, homes, starter)
            finally:
                starter.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
