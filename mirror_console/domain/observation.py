"""What was seen on an engine: a container of an environment, how it compares with what was applied, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.environment import OUR_LABELS, Limits, Port, RestartPolicy, Volume
from mirror_console.domain.lock import Lock

LABEL = OUR_LABELS
"""The namespace of the console's labels. Labels never change; a container's place in a swap is its name."""

BESIDE = LABEL + "beside"
"""``yes`` on the container of a process that runs beside the one that serves: no health check of its image counts."""


class Role(StrEnum):
    """What a container of ours is for: the value of the label ``role``."""

    APPLICATION = "app"
    LOCK = "lock"
    RELEASE = "release"
    BACKUP = "backup"


class State(StrEnum):
    """A container's state. Source: Docker Engine API, Container.State.Status."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class Health(StrEnum):
    """How a container is: its health check's word, or what follows from its state."""

    HEALTHY = "healthy"
    STARTING = "starting"
    FAILING = "failing"
    STOPPED = "stopped"
    NO_CHECK = "no health check"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Listed:
    """A container as a listing tells it: enough to know whether anything changed."""

    id: str
    name: str
    image: str
    """The image as it was named, or its bare id once the tag moved on."""
    image_id: str
    state: State
    health: Health
    labels: Mapping[str, str] = field(default_factory=dict)
    host_ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()
    network_mode: str = ""
    whole: Container | None = None
    """Of a service of a Swarm, and of the lock of one: all that its manager tells, so that nothing more is asked."""

    @property
    def swarm(self) -> bool:
        """Whether it is a service of a Swarm, or the lock of one, told as a container."""
        return self.whole is not None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place in a network. `address` is empty while it doesn't run."""

    network_id: str = ""
    address: str = ""
    aliases: tuple[str, ...] = ()
    """The names that were given to it there; those that an engine gives by itself are left out."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container as an inspect tells it. Values of variables are not part of it: they may be secrets."""

    id: str
    name: str
    image: str
    image_id: str
    state: State
    health: Health
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    restart_count: int = 0
    oom_killed: bool = False
    restart: RestartPolicy = RestartPolicy.NO
    restart_retries: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names and values as the engine tells them. Only compared and hashed in memory; never stored or shown."""
    declared_ports: tuple[Port, ...] = ()
    bound_ports: tuple[Port, ...] = ()
    """What is bound now. Less than declared while it isn't running, or when the engine lost a port."""
    volumes: tuple[Volume, ...] = ()
    networks: tuple[str, ...] = ()
    network_mode: str = ""
    limits: Limits = Limits()
    stop_signal: str = ""
    stop_seconds: int | None = None
    command: tuple[str, ...] = ()
    init: bool = False
    health_output: str = ""
    unsupported: tuple[str, ...] = ()
    """Properties that the catalog can't represent, in words: such a container may not be replaced."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    """Its place in each of its networks, by the network's name."""
    joins: tuple[str, ...] = ()
    """Containers, by id or name, whose network, processes, memory or volumes it shares, or which it knows by a link: it
    can't do without them."""

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.state is State.RUNNING


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container ended once, as its engine remembers it."""

    exit_code: int
    oom_killed: bool = False
    """Whether the kernel killed a process of it for lack of memory."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between what is observed and what was applied. Values of secrets are never part of it."""

    field: str
    applied: str
    observed: str

    def __str__(self) -> str:
        return f"{self.field}: {self.applied} → {self.observed}"


def of_process(process: str, difference: Difference) -> Difference:
    """A difference of a process beside the one that serves, told with its name: ``worker: memory limit``."""
    return replace(difference, field=f"{process}: {difference.field}")


@dataclass(frozen=True, slots=True)
class Observation:
    """What was last seen of one process of one environment, as it is kept in the catalog.

    `container_id` empty means that no container of that name or label was there. `at` is when it was seen.
    """

    environment_id: str
    process: str
    engine_id: str
    at: datetime
    container_id: str = ""
    container_name: str = ""
    image: str = ""
    image_id: str = ""
    fingerprint: str = ""
    version: str = ""
    revision: str = ""
    state: State | None = None
    health: Health = Health.UNKNOWN
    started_at: datetime | None = None
    exit_code: int = 0
    restart_count: int = 0
    running_since: datetime | None = None
    """Since when this image has been seen running here: the container's first start, or our first sight of it."""
    differences: tuple[Difference, ...] = ()
    """Settings that were changed by hand: observed against last applied."""
    settings_hash: str = ""
    """The hash of the settings that were last applied; empty where nothing is known to have been applied."""
    health_output: str = ""
    recorded: str = ""
    """Where the image can't be read any more: the fingerprint of the one that we started the container with."""
    remade: bool = False
    """Whether somebody else made the container anew after settings were applied."""
    not_compared: str = ""
    """Why values of secrets were not compared; empty where they were, or there is none."""
    unrecorded: bool = False
    """Whether nothing is on record that was applied here: the catalog is what it was compared with."""
    lock: Lock | None = None
    """The lock that another console held there."""

    @property
    def present(self) -> bool:
        """Whether a container was there."""
        return bool(self.container_id)


def is_ours(labels: Mapping[str, str], environment_id: str) -> bool:
    """Whether a container carries our labels for that environment."""
    return labels.get(LABEL + "env") == environment_id


def of_environment(listed: Sequence[Listed], environment_id: str, process: str, name: str) -> Listed | None:
    """The container that serves a process of an environment: by the recorded name; else by label, a running one first.

    What carries the suffix of a rollout (``.mc-next``, ``.mc-prev``) serves only while nothing has the name itself.
    """
    for container in listed:
        if container.name == name:
            return container
    labelled = [
        container
        for container in listed
        if is_ours(container.labels, environment_id)
        and container.labels.get(LABEL + "process", process) == process
        and container.labels.get(LABEL + "role", Role.APPLICATION) == Role.APPLICATION
    ]
    labelled.sort(key=lambda container: (container.state is not State.RUNNING, container.name))
    return labelled[0] if labelled else None
