"""The stages on which the contract is played: real engines of the lab, and simulated ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pytest

from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.environment import Limits, RestartPolicy, Settings
from mirror_console.domain.observation import Container
from mirror_console.domain.request import ContainerSpec, RegistryLogin
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop, SshAccess, parse_host_key
from mirror_console.engine import DockerEngines
from mirror_console.errors import EngineError
from mirror_console.operations.ports.engine import Engines, EngineSession
from mirror_console.simulator.behaviour import Behaviour as SimulatedBehaviour
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.registry import Login
from mirror_console.simulator.state import Generation
from mirror_console.vault import MemoryVault
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour as LabBehaviour
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab

MIB = 1024 * 1024
NOWHERE = "0" * 64
"""The id of a container that isn't there."""
PATIENCE = 20.0
"""Seconds until something that an engine does by itself must have happened."""


class Behaviour(StrEnum):
    """How the application of an image behaves; both kinds of engine know these."""

    OK = "ok"
    NEVER_HEALTHY = "never-healthy"
    IGNORES_TERM = "ignores-term"
    EXITS_AT_ONCE = "exits-at-once"
    EATS_MEMORY = "eats-memory"


class Shelf(Protocol):
    """Where images come from: publishes them to a registry, and takes them from the engine again."""

    registry: str

    def publish(self, path: str, version: str, behaviour: Behaviour, check_every: float, *, bring: bool) -> str:
        """Build and push, and `bring` to the engine; returns the reference. `check_every` 0: no health check."""


@dataclass
class Stage:
    """One engine with what is needed to try its verbs on it."""

    engine: Engine
    engines: Engines
    shelf: Shelf
    login: RegistryLogin
    names: Iterator[str]
    made: dict[tuple[str, Behaviour, float], str] = field(default_factory=dict)

    @property
    def session(self) -> EngineSession:
        """The session with the engine."""
        return self.engines.session(self.engine)

    def image(self, version: str = "26.1.0", behaviour: Behaviour = Behaviour.OK, check_every: float = 0.0) -> str:
        """The reference of an image that the engine has."""
        key = (version, behaviour, check_every)
        if key not in self.made:
            path = f"contract/{behaviour}-{'checked' if check_every else 'plain'}"
            self.made[key] = self.shelf.publish(path, version, behaviour, check_every, bring=True)
        return self.made[key]

    def published(self, version: str) -> str:
        """The reference of an image that the registry has and the engine hasn't."""
        return self.shelf.publish("contract/published", version, Behaviour.OK, 0.0, bring=False)

    def create(
        self,
        settings: Settings | None = None,
        image: str = "",
        name: str = "",
        *,
        secrets: Mapping[str, Secret] | None = None,
        labels: Mapping[str, str] | None = None,
        restart: RestartPolicy = RestartPolicy.NO,
    ) -> str:
        """A container of some name; returns its id. Without settings it has the host's network, which starts fast."""
        spec = ContainerSpec(
            name or next(self.names),
            image or self.image(),
            settings or Settings(networks=("host",)),
            secrets=secrets or {},
            labels=labels or {},
            restart=restart,
        )
        return self.session.create(spec)


def now() -> datetime:
    """The time."""
    return datetime.fromtimestamp(time.time(), UTC)


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that an engine does by itself."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


@contextmanager
def real(lab: Lab, engine: LabEngine) -> Iterator[Stage]:
    """A real engine of the lab, by SSH or TLS, or by its socket where it has no other way."""
    vault = MemoryVault()
    described = catalogued(engine, vault, "e1")
    registry = lab.registry
    login = RegistryLogin(registry.address, registry.user, Secret(registry.password))
    yield from _play(described, vault, _RealShelf(lab, engine), login)


def catalogued(engine: LabEngine, vault: MemoryVault, engine_id: str) -> Engine:
    """A real engine of the lab as a catalog has it, its credentials in the keyring."""
    described = Engine(engine_id, engine.name, parse_address(engine.url))
    if engine.spec.ssh:
        reference = SecretReference(f"engine/{engine_id}/ssh-key")
        vault.put(reference, Secret(engine.ssh.key.private))
        pin = parse_host_key(engine.ssh.host_key().public, Hop(engine.ssh.host))
        return replace(described, ssh=SshAccess(host_keys=(pin,), key=reference))
    if engine.spec.tls:
        texts = {"ca": engine.client.ca, "certificate": engine.client.certificate, "key": engine.client.key}
        references = TlsReferences(*(SecretReference(f"engine/{engine_id}/{part}") for part in texts))
        for part, text in texts.items():
            vault.put(SecretReference(f"engine/{engine_id}/{part}"), Secret(text))
        return replace(described, tls=references)
    return described


@contextmanager
def simulated(folder: Path, generation: Generation, *, manager: bool = False) -> Iterator[Stage]:
    """A simulated engine; with `manager` that of a Swarm."""
    login = Login("deploy", "right")
    with SimulatedFleet(folder, ["alpha"], now, login=login, generations={"alpha": generation}) as fleet:
        simulation = fleet.engines["alpha"]
        if manager:
            simulation.manage_swarm()
        described = Engine("e1", "alpha", parse_address(simulation.address), simulated=True)
        shelf = _SimulatedShelf(fleet, simulation)
        yield from _play(described, MemoryVault(), shelf, RegistryLogin(shelf.registry, "deploy", Secret("right")))


def _play(engine: Engine, vault: MemoryVault, shelf: Shelf, login: RegistryLogin) -> Iterator[Stage]:
    engines = DockerEngines(vault, now)
    names = (f"contract-{number}" for number in range(1000))
    try:
        yield Stage(engine, engines, shelf, login, names)
    finally:
        engines.close()


_PUSHED: list[tuple[str, ImageSpec]] = []


class _RealShelf:
    def __init__(self, lab: Lab, engine: LabEngine) -> None:
        self._docker = lab.docker(engine)
        self.registry = lab.registry.address

    def publish(self, path: str, version: str, behaviour: Behaviour, check_every: float, *, bring: bool) -> str:
        spec = ImageSpec(f"{self.registry}/{path}", version, LabBehaviour(behaviour), probe=check_every or None)
        load(self._docker, spec)
        # What a test before has pushed is in the registry still.
        if (self.registry, spec) not in _PUSHED:
            self._docker.run("push", "--quiet", spec.reference)
            _PUSHED.append((self.registry, spec))
        if not bring:
            self._docker.forget_image(spec.reference)
        return spec.reference


class _SimulatedShelf:
    def __init__(self, fleet: SimulatedFleet, engine: SimulatedEngine) -> None:
        self._fleet, self._engine = fleet, engine
        self.registry = fleet.registry.host

    def publish(self, path: str, version: str, behaviour: Behaviour, check_every: float, *, bring: bool) -> str:
        self._fleet.registry.publish(
            path, version, version, "abc", behaviour=SimulatedBehaviour(behaviour), health_interval=check_every
        )
        reference = f"{self.registry}/{path}:{version}"
        if bring:
            self._engine.pull(reference, self._fleet.login)
        return reference


def look(stage: Stage, container: str) -> Container:
    """What is there by this id or name."""
    seen = stage.session.inspect(container)
    assert seen is not None
    return seen


def refused(call: Callable[..., object], *arguments: object) -> EngineError:
    """The error of a call that is to be refused. It says what happened, and what to do."""
    with pytest.raises(EngineError) as caught:
        call(*arguments)
    error = caught.value
    assert error.title.endswith(".")
    assert error.hint
    return error


def killed_and_started_again(stage: Stage, **seconds: str) -> tuple[str, datetime, datetime]:
    """A container that is killed for lack of memory and started again by its engine: its id, and two of its starts."""
    limits = Limits(memory=32 * MIB)
    settings = Settings(variables=seconds, networks=("host",), limits=limits)
    made = stage.create(settings, stage.image(behaviour=Behaviour.EATS_MEMORY), restart=RestartPolicy.ALWAYS)
    stage.session.start(made)
    starts: list[datetime] = []

    def twice() -> bool:
        seen = stage.session.inspect(made)
        assert seen is not None
        if seen.running and seen.started_at is not None and seen.started_at not in starts:
            starts.append(seen.started_at)
        return len(starts) > 1

    until(twice, "started again")
    return made, starts[0], starts[1]
