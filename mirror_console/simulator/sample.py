"""The sample on simulated engines: the source, its mirrors, and what was done to their containers."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.places import create_network
from mirror_console.simulator.registry import Login, PublishedRelease
from mirror_console.simulator.state import DOCKER_25, Timing
from mirror_console.simulator.wire import Clock, Document, Pause, hex_id

Labels = Callable[["SampleEnvironment"], Mapping[str, str]]
"""The labels that a container of the sample gets."""


class Deviation(StrEnum):
    """What was done to a container."""

    STOPPED = "stopped"
    UNHEALTHY = "unhealthy"
    CHANGED_BY_HAND = "changed by hand"
    NEVER_DEPLOYED = "never deployed"


@dataclass(frozen=True, slots=True)
class SamplePort:
    """A published port."""

    host: int
    container: int


@dataclass(frozen=True, slots=True)
class SampleVolume:
    """A named volume and where it is mounted."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class SampleLimits:
    """Memory in bytes, CPUs, processes; 0 means no limit."""

    memory: int = 0
    cpus: float = 0.0
    pids: int = 0


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """The settings of an environment; `secrets` are names of variables, `stop_seconds` the time to end in."""

    variables: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ports: tuple[SamplePort, ...] = ()
    volumes: tuple[SampleVolume, ...] = ()
    networks: tuple[str, ...] = ()
    limits: SampleLimits = SampleLimits()
    restart: str = "unless-stopped"
    health: dict[str, Any] = field(default_factory=dict)
    stop_signal: str = ""
    stop_seconds: int = 10


@dataclass(frozen=True, slots=True)
class SampleEnvironment:
    """An environment: which engine it is on, and what its container is called."""

    name: str
    engine: str
    container: str
    settings: SampleSettings = SampleSettings()


@dataclass(frozen=True, slots=True)
class SampleApplication:
    """A source (it has a repository) or a mirror (it has a source and an image source)."""

    name: str
    slug: str
    environments: tuple[SampleEnvironment, ...]
    account: str = ""
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    repository: str = ""
    required_variables: tuple[str, ...] = ()
    source: str = ""
    image_source: str = ""


@dataclass(frozen=True, slots=True)
class SampleEngine:
    """An engine; the address is replaced by the one that the sample starts."""

    name: str
    location: str
    address: str


@dataclass(frozen=True, slots=True)
class SampleRegistry:
    """A registry and the name that it is used under."""

    host: str
    user: str


@dataclass(frozen=True, slots=True)
class SampleRelease:
    """A release, and how many days ago it was published."""

    version: str
    revision: str
    days_ago: float = 0.0


@dataclass(frozen=True, slots=True)
class SampleDeviation:
    """What was done to one container: another release, or a deviation with what it changed."""

    container: str
    runs: str = ""
    deviation: Deviation | None = None
    variables: dict[str, str] | None = None
    memory: int = 0


@dataclass(frozen=True, slots=True)
class SampleStory:
    """The releases, the one that is deployed, those to come, and the deviations."""

    releases: tuple[SampleRelease, ...]
    next: tuple[SampleRelease, ...]
    deployed: str
    deviations: tuple[SampleDeviation, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleDescription:
    """The whole sample, as its file describes it."""

    engines: tuple[SampleEngine, ...]
    registries: tuple[SampleRegistry, ...]
    sources: tuple[SampleApplication, ...]
    mirrors: tuple[SampleApplication, ...]
    sample: SampleStory

    @property
    def environments(self) -> tuple[SampleEnvironment, ...]:
        """Every environment, the source's first."""
        return tuple(e for application in (*self.sources, *self.mirrors) for e in application.environments)

    def deviation_of(self, container: str) -> SampleDeviation:
        """What was done to the container; nothing, where nothing is said."""
        found = (deviation for deviation in self.sample.deviations if deviation.container == container)
        return next(found, SampleDeviation(container))


def describe_sample(document: Mapping[str, Any]) -> SampleDescription:
    """The description in the parsed file. Raises msgspec.ValidationError, which says what is wrong where."""
    return msgspec.convert(document, SampleDescription, strict=True)


def sample_secret(container: str, variable: str) -> str:
    """The value of a secret of the sample: the same each time, and used nowhere else."""
    return hex_id("sample", container, variable)[:32]


def start_sample(
    folder: Path,
    clock: Clock,
    description: SampleDescription,
    *,
    password: str,
    labels: Labels = lambda environment: {},
    timing: Timing | None = None,
    pause: Pause = time.sleep,
) -> "SampleFleet":
    """Start the engines and put the sample on them, as if it had run for weeks. `folder` holds the sockets."""
    past = _Past(clock)
    host, user = description.registries[0].host, description.registries[0].user
    fleet = SimulatedFleet(
        folder,
        [engine.name for engine in description.engines],
        past.now,
        registry_host=host,
        login=Login(user, password),
        generations={description.engines[-1].name: DOCKER_25},
        timing=timing or Timing(),
        pause=pause,
    )
    sample = SampleFleet(fleet, description, labels)
    for release in description.sample.releases:
        past.go(release.days_ago)
        sample.publish(release)
    for days_ago, environment in sample.deployments():
        past.go(days_ago - 0.25)
        sample.deploy(environment)
    past.go(0)
    fleet.start()
    return sample


@dataclass(slots=True)
class _Past:
    """A clock that can be set back while the sample is made."""

    clock: Clock
    back: timedelta = timedelta()

    def now(self) -> datetime:
        return self.clock() - self.back

    def go(self, days_ago: float) -> None:
        self.back = timedelta(days=max(0.0, days_ago))


class SampleFleet:
    """The running sample. Use it as a context, or call `stop` at the end."""

    def __init__(self, fleet: SimulatedFleet, description: SampleDescription, labels: Labels) -> None:
        self.fleet = fleet
        self.description = description
        self._labels = labels
        self._coming = list(description.sample.next)

    def __enter__(self) -> "SampleFleet":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def addresses(self) -> dict[str, str]:
        """The engines' addresses by name, for the catalog."""
        return {name: engine.address for name, engine in self.fleet.engines.items()}

    @property
    def repository(self) -> str:
        """The source's repository without its registry."""
        return self.description.sources[0].repository.partition("/")[2]

    def stop(self) -> None:
        """Close everything; no thread is left."""
        self.fleet.stop()

    def publish(self, release: SampleRelease, *tags: str) -> PublishedRelease:
        """Build and push a release, under its version and further tags."""
        published = self.fleet.registry.publish(self.repository, release.version, release.version, release.revision)
        for tag in tags:
            self.fleet.registry.tag(self.repository, tag, published.digest)
        return published

    def publish_next(self, *environments: str) -> PublishedRelease:
        """What the agency's pipeline does: publish the next release, and deploy it to the source's environments.

        Without names it is deployed to `live`. Raises IndexError when no further release is described.
        """
        release = self._coming.pop(0)
        names = environments or ("live",)
        published = self.publish(release, *names)
        for environment in self.description.sources[0].environments:
            if environment.name in names:
                self.fleet.engines[environment.engine].lose_container(environment.container)
                self.deploy(environment, release.version)
        return published

    def deployments(self) -> list[tuple[float, SampleEnvironment]]:
        """Every environment that has a container, with its release's age in days, the oldest first."""
        ages = {release.version: release.days_ago for release in self.description.sample.releases}
        found = [
            (ages[self._version(environment)], environment)
            for environment in self.description.environments
            if self.description.deviation_of(environment.container).deviation is not Deviation.NEVER_DEPLOYED
        ]
        return sorted(found, key=lambda deployment: -deployment[0])

    def deploy(self, environment: SampleEnvironment, version: str = "") -> None:
        """Put the environment's container on its engine, with what was done to it."""
        engine = self.fleet.engines[environment.engine]
        done = self.description.deviation_of(environment.container)
        settings = environment.settings
        image = f"{self.fleet.registry.host}/{self.repository}:{version or self._version(environment)}"
        engine.pull(image, self.fleet.login)
        _make_networks(engine, settings.networks)
        secrets = {name: sample_secret(environment.container, name) for name in settings.secrets}
        engine.run(
            environment.container,
            image,
            labels=self._labels(environment),
            variables={**(done.variables or settings.variables), **secrets},
            ports={port.container: port.host for port in settings.ports},
            host=_host(settings, done.memory or settings.limits.memory),
        )
        match done.deviation:
            case Deviation.STOPPED:
                engine.stop_container(environment.container)
            case Deviation.UNHEALTHY:
                engine.make_unhealthy(environment.container)

    def _version(self, environment: SampleEnvironment) -> str:
        return self.description.deviation_of(environment.container).runs or self.description.sample.deployed


def _make_networks(engine: SimulatedEngine, names: tuple[str, ...]) -> None:
    with engine.state.lock:
        there = {network.name for network in engine.state.networks.values()}
        for name in names:
            if name not in there:
                create_network(engine.state, {"Name": name}, engine.state.generation.newest)


def _host(settings: SampleSettings, memory: int) -> Document:
    return {
        "Mounts": [{"Type": "volume", "Source": v.source, "Target": v.target} for v in settings.volumes],
        "NetworkMode": settings.networks[0] if settings.networks else "default",
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(settings.limits.cpus * 1_000_000_000),
        "PidsLimit": settings.limits.pids,
        "RestartPolicy": {"Name": settings.restart},
    }
