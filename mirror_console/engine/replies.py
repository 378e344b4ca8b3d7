"""What we read of an engine's replies, as types that are checked while they are parsed. Docker's names for all of it.

Older and newer versions leave out or null what is empty: so everything that isn't needed to make sense is optional.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that can be kept: a reply with a larger one isn't understood."""


class Reply(Struct, rename="pascal", gc=False):
    """A part of a reply."""


class Created(Reply):
    """Reply of POST /containers/create and /networks/create."""

    id: str


class Execution(Reply):
    """Reply of GET /exec/{id}/json."""

    running: bool = False
    exit_code: Whole | None = None


class Component(Reply):
    """A program that an engine is made of."""

    name: str = ""


class Version(Reply):
    """Reply of GET /version."""

    version: str = ""
    os: str = ""
    arch: str = ""
    api_version: str = ""
    components: list[Component] | None = None


class SwarmInfo(Reply):
    """What an engine is in its Swarm. How many nodes it has, managers alone tell."""

    control_available: bool = False
    nodes: Whole = 0


class Info(Reply):
    """Reply of GET /info."""

    id: str = field(name="ID", default="")
    name: str = ""
    kernel_version: str = ""
    warnings: list[str] | None = None
    ncpu: Whole = field(name="NCPU", default=0)
    mem_total: Whole = 0
    driver: str = ""
    driver_status: list[list[str]] | None = None
    live_restore_enabled: bool = False
    system_time: str = ""
    docker_root_dir: str = ""
    security_options: list[str] | None = None
    swarm: SwarmInfo | None = None


class EventActor(Reply):
    """Whom an event is about."""

    id: str = field(name="ID", default="")


class Event(Reply):
    """One line of the reply of GET /events."""

    actor: EventActor = field(default_factory=EventActor)


class Happened(Reply):
    """Whom an event is about, and what is told of it there."""

    attributes: dict[str, str] = field(name="Attributes", default_factory=dict)


class Happening(Reply):
    """One line of the reply of GET /events, where what happened counts."""

    action: str = field(name="Action", default="")
    actor: Happened = field(default_factory=Happened)


# --- listing ------------------------------------------------------------------------------------------------------


class ListedPort(Reply):
    """A port in a listing."""

    private_port: Whole
    public_port: Whole = 0
    ip: str = field(name="IP", default="")
    type: str = "tcp"


class ListedHealth(Reply):
    """Health in a listing, from API 1.52 on; before, the text of the status tells it."""

    status: str = ""


class ListedHost(Reply):
    """What a listing tells of a container's HostConfig."""

    network_mode: str = ""


class Mount(Reply):
    """A mount as it is."""

    type: str = ""
    name: str = ""
    source: str = ""
    destination: str = ""
    driver: str = ""
    rw: bool = field(name="RW", default=True)


class ListedContainer(Reply):
    """One item of the reply of GET /containers/json."""

    id: str
    image: str
    image_id: str = field(name="ImageID")
    state: str
    names: list[str] | None = None
    status: str = ""
    labels: dict[str, str] | None = None
    ports: list[ListedPort] | None = None
    health: ListedHealth | None = None
    host_config: ListedHost | None = None
    mounts: list[Mount] | None = None


# --- inspect of a container ---------------------------------------------------------------------------------------


class HealthCheck(Reply):
    """How health is checked. Durations in nanoseconds."""

    test: list[str] | None = None
    interval: Whole = 0
    timeout: Whole = 0
    retries: Whole = 0
    start_period: Whole = 0
    start_interval: Whole = 0


class HealthLog(Reply):
    """One run of the health check."""

    exit_code: Whole = 0
    output: str = ""


class StateHealth(Reply):
    """What the health check says."""

    status: str = ""
    log: list[HealthLog] | None = None


class ContainerState(Reply):
    """State of a container."""

    status: str
    started_at: str = ""
    finished_at: str = ""
    exit_code: Whole = 0
    oom_killed: bool = field(name="OOMKilled", default=False)
    health: StateHealth | None = None


class ImageConfig(Reply):
    """What an image gives to a container; a container's own Config has the same fields, merged."""

    user: str = ""
    working_dir: str = ""
    env: list[str] | None = None
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    labels: dict[str, str] | None = None
    volumes: dict[str, Any] | None = None
    exposed_ports: dict[str, Any] | None = None
    healthcheck: HealthCheck | None = None
    stop_signal: str = ""


class ContainerConfig(ImageConfig):
    """Config of a container."""

    image: str = ""
    hostname: str = ""
    domainname: str = ""
    mac_address: str = ""
    tty: bool = False
    open_stdin: bool = False
    network_disabled: bool | None = None
    stop_timeout: Whole | None = None


class Restart(Reply):
    """A restart policy."""

    name: str = ""
    maximum_retry_count: Whole = 0


class Binding(Reply):
    """Where a port is published."""

    host_ip: str = ""
    host_port: str = ""


class HostMount(Reply):
    """A mount as it was asked for."""

    type: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = False
    bind_options: dict[str, Any] | None = None
    volume_options: dict[str, Any] | None = None


class Ulimit(Reply):
    """A limit of the kernel for processes."""

    name: str = ""


class HostConfig(Reply):
    """HostConfig of a container: what we set, and what makes it more than we can set."""

    network_mode: str = ""
    port_bindings: dict[str, list[Binding] | None] | None = None
    restart_policy: Restart | None = None
    binds: list[str] | None = None
    mounts: list[HostMount] | None = None
    memory: Whole = 0
    memory_swap: Whole = 0
    nano_cpus: Whole = 0
    pids_limit: Whole | None = None
    init: bool | None = None
    # What the catalog has no place for:
    auto_remove: bool = False
    privileged: bool = False
    publish_all_ports: bool = False
    readonly_rootfs: bool = False
    oom_kill_disable: bool | None = None
    oom_score_adj: Whole = 0
    ipc_mode: str = ""
    pid_mode: str = ""
    uts_mode: str = field(name="UTSMode", default="")
    userns_mode: str = ""
    cgroup_parent: str = ""
    runtime: str = ""
    isolation: str = ""
    shm_size: Whole = 0
    volume_driver: str = ""
    cap_add: list[str] | None = None
    cap_drop: list[str] | None = None
    dns: list[str] | None = None
    dns_options: list[str] | None = None
    dns_search: list[str] | None = None
    extra_hosts: list[str] | None = None
    group_add: list[str] | None = None
    links: list[str] | None = None
    volumes_from: list[str] | None = None
    security_opt: list[str] | None = None
    devices: list[Any] | None = None
    device_requests: list[Any] | None = None
    device_cgroup_rules: list[Any] | None = None
    tmpfs: dict[str, str] | None = None
    sysctls: dict[str, str] | None = None
    storage_opt: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    ulimits: list[Ulimit] | None = None
    memory_reservation: Whole = 0
    memory_swappiness: Whole | None = None
    cpu_shares: Whole = 0
    cpu_quota: Whole = 0
    cpu_period: Whole = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    blkio_weight: Whole = 0


class Endpoint(Reply):
    """A container's place in a network."""

    network_id: str = field(name="NetworkID", default="")
    ip_address: str = field(name="IPAddress", default="")
    aliases: list[str] | None = None
    ipam_config: dict[str, Any] | None = field(name="IPAMConfig", default=None)


class NetworkSettings(Reply):
    """Where a container is reached now."""

    ports: dict[str, list[Binding] | None] | None = None
    networks: dict[str, Endpoint | None] | None = None


class InspectedContainer(Reply):
    """Reply of GET /containers/{id}/json."""

    id: str
    name: str
    created: str
    image: str
    state: ContainerState
    config: ContainerConfig
    host_config: HostConfig
    restart_count: Whole = 0
    mounts: list[Mount] | None = None
    network_settings: NetworkSettings | None = None


# --- images, registries, networks ---------------------------------------------------------------------------------


class RootFS(Reply):
    """The layers of an image."""

    layers: list[str] | None = None


class InspectedImage(Reply):
    """Reply of GET /images/{name}/json."""

    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    os: str = ""
    architecture: str = ""
    variant: str = ""
    size: Whole | None = None
    root_fs: RootFS | None = field(name="RootFS", default=None)
    config: ImageConfig | None = None


class Platform(Struct, gc=False):
    """A platform that a registry has an image for. Registries write their fields in lower case."""

    os: str = ""
    architecture: str = ""


class Descriptor(Struct, gc=False):
    """What a reference points to in a registry."""

    digest: str


class Distribution(Reply):
    """Reply of GET /distribution/{name}/json."""

    descriptor: Descriptor
    platforms: list[Platform] | None = None


class ListedNetwork(Reply):
    """One item of the reply of GET /networks."""

    id: str
    name: str
    scope: str = ""
    attachable: bool = False


class ListedVolume(Reply):
    """One item of the reply of GET /volumes."""

    name: str


class ListedVolumes(Reply):
    """Reply of GET /volumes."""

    volumes: list[ListedVolume] | None = None


class ErrorDetail(Struct, gc=False):
    """Why a pull failed."""

    message: str = ""


class ProgressDetail(Struct, gc=False):
    """How far a layer is, in bytes."""

    current: Whole = 0
    total: Whole = 0


class PullLine(Struct, rename="camel", gc=False):
    """One line of the stream of POST /images/create."""

    id: str = ""
    status: str = ""
    progress_detail: ProgressDetail | None = None
    error: str = ""
    error_detail: ErrorDetail | None = None


class LoadLine(PullLine):
    """One line of the stream of POST /images/load: as that of a pull, and what was loaded."""

    stream: str = ""


class ListedImage(Reply):
    """One item of the reply of GET /images/json."""

    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    created: Whole = 0
    size: Whole | None = None
    labels: dict[str, str] | None = None
