"""Services of a Swarm: what one is, what its tasks do, and what an update makes other of it.

A service is changed as a whole, by its Swarm, and only while nobody else has changed it since it was read: its version
says so. What it was before that is kept by the Swarm, one level deep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.environment import LOCK_PREFIX, OUR_LABELS, Limits, Settings, Volume
from mirror_console.domain.image import DIGEST
from mirror_console.domain.secret import Secret

BEAT_LABEL = OUR_LABELS + "beat"
"""The heartbeat of a lock that is a config: its labels are all that can be changed of one."""
SERVICE_LABEL = OUR_LABELS + "service"
"""On a lock that is a config: the service that it locks, as its own name may be too short for that of a service."""
_LONGEST_CONFIG = 64
ROLLOUT_LABEL = OUR_LABELS + "rollout"
DEFAULT_STOP = 10
"""Seconds that a container gets to stop where nothing says how many. Source: Docker Engine API, ServiceSpec."""
RUNNING = "running"
"""The state of a task that runs; one whose image has a health check has passed it by then."""
ENDED = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
"""The states from which no task comes back. Source: Docker Engine API, TaskState."""
FAILED = frozenset({"failed", "rejected", "orphaned"})


class UpdateState(StrEnum):
    """How far the last update of a service is. Source: Docker Engine API, Service.UpdateStatus.State."""

    UPDATING = "updating"
    PAUSED = "paused"
    COMPLETED = "completed"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_PAUSED = "rollback_paused"
    ROLLBACK_COMPLETED = "rollback_completed"

    @property
    def busy(self) -> bool:
        """Whether its Swarm is at work on it, or stopped in the midst of it."""
        return self not in {UpdateState.COMPLETED, UpdateState.ROLLBACK_COMPLETED}


@dataclass(frozen=True, slots=True)
class SwarmService:
    """A service as its manager tells it. Values of variables may be secrets: they are compared in memory only."""

    id: str
    name: str
    version: int
    """Another number after each change, whoever made it."""
    image: str
    """As its specification has it: with a digest where whoever set it asked the registry."""
    labels: Mapping[str, str] = field(default_factory=dict)
    container_labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = Limits()
    command: tuple[str, ...] = ()
    stop_signal: str = ""
    stop_seconds: int | None = None
    init: bool = False
    health_check: bool | None = None
    """Whether its specification gives its tasks a health check, or switches it off; None: the image has it, or not."""
    replicas: int | None = None
    """How many tasks it is to have; None: one on each node, or as many as a job needs."""
    job: bool = False
    """Whether its tasks are to end: then there is nothing that is replaced."""
    parallelism: int = 1
    """How many tasks an update replaces at once; 0: all."""
    start_first: bool = False
    """Whether an update starts the new task before it stops the old one."""
    delay: float = 0.0
    """Seconds that an update rests after each step."""
    spec_hash: str = field(default="", repr=False)
    """A hash over all that its tasks are made of, values included: for comparing in memory, never to be kept."""
    update: UpdateState | None = None
    update_words: str = ""
    has_previous: bool = False
    previous_image: str = ""
    previous_rollout: str = ""
    """The rollout that made what it was before; empty where none of ours did."""
    networks: tuple[str, ...] = ()
    """The ids of the networks that its tasks are in, as far as it names them itself."""
    mounts: tuple[Volume, ...] = ()
    """The named volumes and paths of a node that its tasks have."""
    files: tuple[str, ...] = ()
    """The secrets and configs of its Swarm that its tasks have as files, by their names."""
    template: bytes = field(default=b"", repr=False)
    """All that its tasks are made of, as its manager tells it, values included: in memory only, never to be kept."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def digest(self) -> str:
        """The digest of its image; empty where its specification has none."""
        return digest_of(self.image)

    @property
    def rollout(self) -> str:
        """The rollout that made its tasks what they are; empty where none of ours did."""
        return self.container_labels.get(ROLLOUT_LABEL, "")


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a service on a node. A slot has one that is to run, and the last few that have ended."""

    id: str
    service_id: str
    slot: int
    """0 where its service has one on each node: then the node stands for it."""
    node_id: str
    state: str
    """Docker's word: ``pending``, ``starting``, ``running``, ``failed``, ``rejected`` and others."""
    desired: str
    """The state that its Swarm wants it in."""
    words: str = ""
    """What is told of its state: why it failed, why it is on no node yet."""
    image: str = ""
    rollout: str = ""
    container_id: str = ""
    exit_code: int | None = None
    at: datetime | None = None
    """Since when it is in its state, by the clock of its node."""

    @property
    def place(self) -> str:
        """What it is one run of: its slot, or its node."""
        return str(self.slot) if self.slot else self.node_id

    @property
    def wanted(self) -> bool:
        """Whether it is the one that is to run in its slot."""
        return self.desired in {RUNNING, "ready"}

    @property
    def runs(self) -> bool:
        """Whether it is to run, and does."""
        return self.desired == RUNNING and self.state == RUNNING


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What an update makes other of a service. All else of it stays: networks, ports, mounts, placement and secrets."""

    image: str
    """A repository with a digest."""
    settings: Settings | None = None
    """Variables, limits, command, stop signal and time, and init; None: as they are."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """The values of the variables that the settings keep in the keyring."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The console's own labels of the service: those of before go, those of others stay."""
    container_labels: Mapping[str, str] = field(default_factory=dict)
    """The same of its containers."""
    monitor: float = 5.0
    """Seconds for which its Swarm watches each new task for a failure."""
    template: bytes = field(default=b"", repr=False)
    """All that its tasks are to be made of, as it was told of the service before; then image, settings and labels of
    its containers are those in there."""


@dataclass(frozen=True, slots=True)
class SwarmNode:
    """An engine of a Swarm, as its manager tells it."""

    id: str
    name: str
    platform: str
    """As images tell it: ``linux/amd64``; empty where it isn't told."""
    cpus: float = 0.0
    memory: int = 0
    """What it has; 0 where that isn't told."""
    takes_tasks: bool = True
    """Whether it is there and given tasks."""


@dataclass(frozen=True, slots=True)
class SwarmConfig:
    """A config of a Swarm: its name can be had once only, which makes a lock of it."""

    id: str
    name: str
    version: int
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None


def lock_config(service: str) -> str:
    """The name of the config that is the lock of a service: of a long name the beginning, and a hash of all of it."""
    name = f"{LOCK_PREFIX}{service}"
    if len(name) <= _LONGEST_CONFIG:
        return name
    digest = hashlib.sha256(service.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_CONFIG - len(digest) - 1]}.{digest}"


def digest_of(image: str) -> str:
    """The digest in a reference; empty where there is none."""
    digest = image.partition("@")[2]
    return digest if DIGEST.fullmatch(digest) else ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tasks of a service run of those that are to."""

    running: int
    wanted: int
    waiting: str = ""
    """What is told of one that doesn't run, where something is."""

    @property
    def all_run(self) -> bool:
        """Whether there are any, and all of them run."""
        return self.running >= self.wanted > 0

    def __str__(self) -> str:
        noun = "task runs" if self.wanted == 1 else "tasks run"
        return f"{self.running} of {self.wanted} {noun}"


def tally(service: SwarmService, tasks: Iterable[Task]) -> Tally:
    """How many of a service's tasks run. While one slot is changed over, old and new count once."""
    places: dict[str, list[Task]] = {}
    for task in tasks:
        if task.service_id == service.id and task.wanted:
            places.setdefault(task.place, []).append(task)
    running = sum(any(task.runs for task in one) for one in places.values())
    wanted = service.replicas if service.replicas is not None else len(places)
    told = [task.words for one in places.values() for task in one if not task.runs and task.words]
    return Tally(min(running, wanted), wanted, told[0] if told else "")


def images_running(service_id: str, tasks: Collection[Task]) -> tuple[str, ...]:
    """The images that a service's tasks run, each once: what runs is told by these alone."""
    return tuple(dict.fromkeys(task.image for task in tasks if task.service_id == service_id and task.runs))
