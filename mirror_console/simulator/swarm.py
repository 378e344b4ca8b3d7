"""What a manager keeps of its Swarm: services, tasks and configs, and how they are told. It has one node: itself."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mirror_console.simulator.wire import Document, Refusal, hex_id, stamp

NO_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
    "and try again."
)
OUT_OF_SEQUENCE = "rpc error: code = Unknown desc = update out of sequence"
KEPT_TASKS = 5
"""How many tasks of a slot are remembered after they have ended."""
NODE_MEMORY = 8 * 1024**3
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_DEFAULT_MONITOR = 5_000_000_000
_DEFAULT_DELAY = 5_000_000_000
_DEFAULT_STOP = 10_000_000_000


@dataclass(slots=True)
class Task:
    """One run of a service in a slot; 0 where there is one on each node."""

    id: str
    service_id: str
    slot: int
    spec: Document
    created: datetime
    at: datetime
    state: str = "new"
    desired: str = "ready"
    message: str = ""
    error: str = ""
    node: str = ""
    container_id: str = ""
    exit_code: int = 0
    starts_at: datetime | None = None
    """Not before then: one that takes the place of another that failed waits."""
    stops_at: datetime | None = None
    """When its container is ended by force, once it was told to stop."""
    ran_since: datetime | None = None
    failed_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing comes of it any more."""
        return self.state in {"complete", "shutdown", "failed", "rejected"}

    @property
    def wanted(self) -> bool:
        """Whether it is the one of its slot."""
        return self.desired != "shutdown"

    def become(self, state: str, message: str, now: datetime, error: str = "") -> None:
        """Be in a state from now on."""
        self.state, self.message, self.error, self.at = state, message, error, now


@dataclass(slots=True)
class Service:
    """A service, its specification as it was sent, and how far its update is."""

    id: str
    index: int
    spec: Document
    created: datetime
    updated: datetime
    previous: Document | None = None
    status: Document | None = None
    login: str = ""
    """The sign-in that it pulls with, as it came."""
    updating: bool = False
    back: bool = False
    """Whether what it does is going back."""
    made: set[str] = field(default_factory=set)
    """The tasks that the update has made."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.spec["Name"])

    @property
    def template(self) -> Document:
        """What its tasks are made of."""
        found: Document = self.spec["TaskTemplate"]
        return found

    @property
    def way(self) -> Document:
        """How it updates, or goes back."""
        return self.spec.get("RollbackConfig" if self.back else "UpdateConfig") or {}

    @property
    def monitor(self) -> timedelta:
        """For how long each new task is watched."""
        return _span(self.way.get("Monitor") or _DEFAULT_MONITOR)

    @property
    def restart_delay(self) -> timedelta:
        """How long a slot waits after a task that failed."""
        policy = self.template.get("RestartPolicy") or {}
        return _span(_DEFAULT_DELAY if policy.get("Delay") is None else policy["Delay"])

    @property
    def slots(self) -> list[int]:
        """The slots that it is to have; the node's own, 0, where it runs on each."""
        replicated = self.spec.get("Mode", {}).get("Replicated")
        if replicated is None:
            return [0]
        many = replicated.get("Replicas")
        return list(range(1, (1 if many is None else int(many)) + 1))

    def say(self, state: str, message: str, now: datetime, *, ends: bool = False) -> None:
        """Tell how far the update is."""
        begun = (self.status or {}).get("StartedAt") or stamp(now)
        self.status = {"State": state, "StartedAt": begun, "Message": message}
        if ends:
            self.status["CompletedAt"] = stamp(now)

    def document(self) -> Document:
        """What a manager tells of it."""
        told: Document = {
            "ID": self.id,
            "Version": {"Index": self.index},
            "CreatedAt": stamp(self.created),
            "UpdatedAt": stamp(self.updated),
            "Spec": self.spec,
            "Endpoint": {"Spec": {}},
        }
        if self.previous is not None:
            told["PreviousSpec"] = self.previous
        if self.status is not None:
            told["UpdateStatus"] = self.status
        return told


@dataclass(slots=True)
class Config:
    """A config: a name that can be had once, and labels."""

    id: str
    index: int
    spec: Document
    created: datetime
    updated: datetime

    def document(self) -> Document:
        """What a manager tells of it."""
        return {
            "ID": self.id,
            "Version": {"Index": self.index},
            "CreatedAt": stamp(self.created),
            "UpdatedAt": stamp(self.updated),
            "Spec": self.spec,
        }


class Swarm:
    """The Swarm of a manager. Its engine's lock guards it."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._ids = 0
        self.index = 10
        self.node = self.new_id()
        self.drained = False
        """Whether its node takes no new tasks."""
        self.others: list[Document] = []
        """What is told of other nodes, which run nothing here."""
        self.services: dict[str, Service] = {}
        self.tasks: dict[str, Task] = {}
        self.configs: dict[str, Config] = {}

    def new_id(self) -> str:
        """An id as a Swarm gives them."""
        self._ids += 1
        number, text = int(hex_id(self._engine, "swarm", self._ids), 16), ""
        while len(text) < 25:
            number, digit = divmod(number, 36)
            text += _DIGITS[digit]
        return text

    def next_index(self) -> int:
        """The next version: all that is in a Swarm has one row of them."""
        self.index += 1
        return self.index

    def service(self, reference: str) -> Service:
        """By id, name or the beginning of an id. Raises Refusal (404)."""
        for one in self.services.values():
            if reference in (one.id, one.name):
                return one
        found = [one for one in self.services.values() if reference and one.id.startswith(reference)]
        if len(found) != 1:
            raise Refusal(404, f"service {reference} not found")
        return found[0]

    def config(self, reference: str) -> Config:
        """By id, name or the beginning of an id. Raises Refusal (404)."""
        for one in self.configs.values():
            if reference in (one.id, one.spec["Name"]):
                return one
        found = [one for one in self.configs.values() if reference and one.id.startswith(reference)]
        if len(found) != 1:
            raise Refusal(404, f"config {reference} not found")
        return found[0]

    def tasks_of(self, service: Service) -> list[Task]:
        """Its tasks, oldest first."""
        return [task for task in self.tasks.values() if task.service_id == service.id]

    def add_task(self, service: Service, slot: int, now: datetime) -> Task:
        """A new task of what a service is to be now; those that ended long ago are forgotten."""
        task = Task(self.new_id(), service.id, slot, copy.deepcopy(service.template), now, now)
        task.become("pending", "pending task scheduling", now)
        self.tasks[task.id] = task
        over = [one for one in self.tasks_of(service) if one.slot == slot and one.ended and not one.wanted]
        for one in over[:-KEPT_TASKS]:
            del self.tasks[one.id]
        return task

    def task_document(self, task: Task) -> Document:
        """What a manager tells of a task."""
        status: Document = {"Timestamp": stamp(task.at), "State": task.state, "Message": task.message, "PortStatus": {}}
        if task.error:
            status["Err"] = task.error
        if task.container_id:
            status["ContainerStatus"] = {"ContainerID": task.container_id, "PID": 0, "ExitCode": task.exit_code}
        told: Document = {
            "ID": task.id,
            "Version": {"Index": self.index},
            "CreatedAt": stamp(task.created),
            "UpdatedAt": stamp(task.at),
            "Labels": {},
            "Spec": task.spec,
            "ServiceID": task.service_id,
            "Status": status,
            "DesiredState": task.desired,
        }
        if task.slot:
            told["Slot"] = task.slot
        if task.node:
            told["NodeID"] = task.node
        return told

    def node_document(self, host: Document) -> Document:
        """What a manager tells of itself as a node, by what its engine tells of its host."""
        return self._node(self.node, str(host["Name"]), str(host["Architecture"]), host["NCPU"], host["MemTotal"])

    def join(self, name: str, architecture: str, cpus: int = 4, memory: int = 8_000_000_000) -> None:
        """Another node, of which no more is there than what is told."""
        self.others.append(self._node(self.new_id(), name, architecture, cpus, memory))

    def _node(self, node_id: str, name: str, architecture: str, cpus: int, memory: int) -> Document:
        return {
            "ID": node_id,
            "Version": {"Index": self.index},
            "Spec": {"Role": "worker", "Availability": "drain" if self.drained and node_id == self.node else "active"},
            "Description": {
                "Hostname": name,
                "Platform": {"Architecture": architecture, "OS": "linux"},
                "Resources": {"NanoCPUs": cpus * 1_000_000_000, "MemoryBytes": memory},
            },
            "Status": {"State": "ready", "Addr": "127.0.0.1"},
        }

    def info(self) -> Document:
        """What the engine tells of itself as its manager."""
        return {
            "NodeID": self.node,
            "NodeAddr": "127.0.0.1",
            "LocalNodeState": "active",
            "ControlAvailable": True,
            "Error": "",
            "RemoteManagers": [{"NodeID": self.node, "Addr": "127.0.0.1:2377"}],
            "Nodes": 1 + len(self.others),
            "Managers": 1,
        }


def stop_span(task: Task) -> timedelta:
    """How long its container gets to stop."""
    given = (task.spec.get("ContainerSpec") or {}).get("StopGracePeriod")
    return _span(_DEFAULT_STOP if given is None else given)


def _span(nanoseconds: int) -> timedelta:
    return timedelta(microseconds=nanoseconds / 1000)
