"""What we read of a manager's replies about services, tasks and configs of its Swarm."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

from mirror_console.engine.replies import HealthCheck, Reply, Whole


class Version(Reply):
    """How often something was changed, as its manager counts."""

    index: Whole


class SwarmMount(Reply):
    """A mount as a specification asks for it."""

    type: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = False


class SecretFile(Reply):
    """A secret that tasks have as a file."""

    secret_name: str = ""


class ConfigFile(Reply):
    """A config that tasks have as a file."""

    config_name: str = ""


class TaskContainer(Reply):
    """ContainerSpec: what containers of tasks are made of."""

    image: str = ""
    labels: dict[str, str] | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[str] | None = None
    stop_signal: str = ""
    stop_grace_period: Whole | None = None
    init: bool | None = None
    healthcheck: HealthCheck | None = None
    mounts: list[SwarmMount] | None = None
    secrets: list[SecretFile] | None = None
    configs: list[ConfigFile] | None = None


class ResourceLimits(Reply):
    """What a task is granted at most."""

    nano_cpus: Whole = field(name="NanoCPUs", default=0)
    memory_bytes: Whole = 0
    pids: Whole = 0


class Resources(Reply):
    """What a task is granted."""

    limits: ResourceLimits | None = None


class Attachment(Reply):
    """A network that tasks are in."""

    target: str = ""


class TaskTemplate(Reply):
    """What tasks are made of."""

    container_spec: TaskContainer | None = None
    resources: Resources | None = None
    networks: list[Attachment] | None = None


class Replicated(Reply):
    """So many tasks."""

    replicas: Whole | None = None


class Mode(Reply):
    """How many tasks, and whether they are to end."""

    replicated: Replicated | None = None
    replicated_job: dict[str, Any] | None = None
    global_job: dict[str, Any] | None = None


class UpdateConfig(Reply):
    """How an update goes about it."""

    parallelism: Whole = 1
    order: str = ""
    delay: Whole = 0


class ServiceSpec(Reply):
    """What a service is to be. Its task template is read once more, whole, for its hash."""

    name: str
    labels: dict[str, str] | None = None
    task_template: msgspec.Raw = msgspec.Raw(b"{}")
    mode: Mode = field(default_factory=Mode)
    update_config: UpdateConfig | None = None
    networks: list[Attachment] | None = None


class UpdateStatus(Reply):
    """How far the last update is."""

    state: str = ""
    message: str = ""


class Service(Reply):
    """One item of the reply of GET /services, and the reply of GET /services/{id}."""

    id: str = field(name="ID")
    version: Version
    spec: ServiceSpec
    previous_spec: ServiceSpec | None = None
    update_status: UpdateStatus | None = None
    created_at: str = ""
    updated_at: str = ""


class ContainerStatus(Reply):
    """The container of a task."""

    container_id: str = field(name="ContainerID", default="")
    exit_code: Whole = 0


class TaskStatus(Reply):
    """How a task is."""

    timestamp: str = ""
    state: str = ""
    message: str = ""
    err: str = ""
    container_status: ContainerStatus | None = None


class TaskSpec(Reply):
    """What a task was made of."""

    container_spec: TaskContainer | None = None


class Task(Reply):
    """One item of the reply of GET /tasks."""

    id: str = field(name="ID")
    service_id: str = field(name="ServiceID", default="")
    slot: Whole = 0
    node_id: str = field(name="NodeID", default="")
    spec: TaskSpec = field(default_factory=TaskSpec)
    status: TaskStatus = field(default_factory=TaskStatus)
    desired_state: str = ""


class Platform(Reply):
    """For which machines something is."""

    architecture: str = ""
    os: str = field(name="OS", default="")


class NodeResources(Reply):
    """What a node has."""

    nano_cpus: Whole = field(name="NanoCPUs", default=0)
    memory_bytes: Whole = 0


class NodeDescription(Reply):
    """What a node is."""

    hostname: str = ""
    platform: Platform = field(default_factory=Platform)
    resources: NodeResources = field(default_factory=NodeResources)


class NodeSpec(Reply):
    """What a node is to do."""

    availability: str = ""


class NodeStatus(Reply):
    """Whether a node is there."""

    state: str = ""


class Node(Reply):
    """One item of the reply of GET /nodes."""

    id: str = field(name="ID")
    spec: NodeSpec = field(default_factory=NodeSpec)
    description: NodeDescription = field(default_factory=NodeDescription)
    status: NodeStatus = field(default_factory=NodeStatus)


class ConfigSpec(Reply):
    """What a config is, but for what it holds."""

    name: str
    labels: dict[str, str] | None = None


class Config(Reply):
    """One item of the reply of GET /configs, and the reply of GET /configs/{id}."""

    id: str = field(name="ID")
    version: Version
    spec: ConfigSpec
    created_at: str = ""


class Made(Reply):
    """Reply of POST /configs/create."""

    id: str = field(name="ID")
