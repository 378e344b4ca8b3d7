"""Creating a container: what was asked for, filled up from the image, in the shape that inspection shows."""

import copy
import re
from collections.abc import Callable

from mirror_console.simulator.behaviour import program_of
from mirror_console.simulator.container import Container, Endpoint
from mirror_console.simulator.networks import Volume
from mirror_console.simulator.state import ApiVersion, EngineState, document_of
from mirror_console.simulator.wire import Document, Refusal

SMALLEST_MEMORY = 6 * 1024 * 1024
"""Bytes; the engine refuses a limit below it."""

_NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_POLICIES = {"", "no", "always", "unless-stopped", "on-failure"}
_MASKED = "asound acpi kcore keys latency_stats timer_list timer_stats sched_debug scsi"
_NULL = (
    "Binds VolumesFrom CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt BlkioWeightDevice "
    "BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps Devices DeviceCgroupRules "
    "DeviceRequests MemorySwappiness PidsLimit Ulimits PortBindings"
)
_EMPTY = "ContainerIDFile VolumeDriver Cgroup PidMode UTSMode UsernsMode Isolation CgroupParent CpusetCpus CpusetMems"
_ZERO = (
    "OomScoreAdj CpuShares Memory NanoCpus BlkioWeight CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime "
    "MemoryReservation MemorySwap KernelMemory KernelMemoryTCP CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth"
)
_OFF = "AutoRemove Privileged PublishAllPorts ReadonlyRootfs OomKillDisable"
_HOST: Document = {
    **dict.fromkeys(_NULL.split()),
    **dict.fromkeys(_EMPTY.split(), ""),
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_OFF.split(), False),
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "CgroupnsMode": "host",
    "IpcMode": "private",
    "ShmSize": 67_108_864,
    "Runtime": "runc",
    "ConsoleSize": [0, 0],
    "MaskedPaths": [f"/proc/{name}" for name in _MASKED.split()] + ["/sys/firmware"],
    "ReadonlyPaths": [f"/proc/{name}" for name in ("bus", "fs", "irq", "sys", "sysrq-trigger")],
}
_FURTHER_HOST = ("Mounts", "Init", "Tmpfs", "Sysctls", "StorageOpt", "Annotations")
_CONFIG_TEXTS = ("Domainname", "User", "WorkingDir")
_CONFIG_FLAGS = ("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce")


def create_container(state: EngineState, name: str, body: Document | None, version: ApiVersion) -> Container:
    """Create a container under the name, atomically. Raises Refusal with what the engine would say."""
    if body is None:
        raise Refusal(500, "EOF")
    state.pause(state.timing.create)
    return make_container(state, name, body, version)


def make_container(state: EngineState, name: str, body: Document, version: ApiVersion) -> Container:
    """The same, in no time: for who holds the engine's lock already."""
    with state.lock:
        asked_host = document_of(body.get("HostConfig"))
        if not body.get("Image"):
            raise Refusal(400, "No command specified")
        check_limits(asked_host)
        check_policy(document_of(asked_host.get("RestartPolicy")))
        stored = state.images.find(str(body["Image"]))
        container_id = state.new_id()
        plain = reserve_name(state, name or f"quiet_{container_id[:8]}")
        endpoints = _endpoints(state, body, str(asked_host.get("NetworkMode") or "default"), container_id, version)
        config = _config(body, stored.image.config, container_id, asked_host)
        container = Container(
            id=container_id,
            name=plain,
            created=state.clock(),
            image=stored.image,
            image_reference=str(body["Image"]),
            config=config,
            host=_host(asked_host),
            program=program_of(config, stored.image.config, state.free_kilobytes),
            endpoints=endpoints,
        )
        container.mounts = _mounts(asked_host, lambda volume: _volume(state, volume))
        state.containers[container.id] = container
        state.tell(container, "create", container.created, {})
        return container


def reserve_name(state: EngineState, name: str, prefix: str = "") -> str:
    """The name without its slash, if it is well formed and free. Raises Refusal (400, 409), its words after prefix."""
    if not _NAME.fullmatch(name):
        shown = f"/{name}" if prefix else name
        raise Refusal(400, f"{prefix}Invalid container name ({shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    plain = name.removeprefix("/")
    for other in state.containers.values():
        if other.name == plain:
            words = f'The container name "/{plain}" is already in use by container "{other.id}".'
            hint = "You have to remove (or rename) that container to be able to reuse that name."
            raise Refusal(409, f"{prefix}Conflict. {words} {hint}")
    return plain


def check_limits(host: Document) -> None:
    """Raises Refusal (400) for a memory limit that the engine would not take."""
    memory = host.get("Memory") or 0
    if memory and memory < SMALLEST_MEMORY:
        raise Refusal(400, "Minimum memory limit allowed is 6MB")
    swap = host.get("MemorySwap") or 0
    if memory and 0 < swap < memory:
        words = "Minimum memoryswap limit should be larger than memory limit, see usage"
        raise Refusal(400, words)


def check_policy(policy: Document) -> None:
    """Raises Refusal (400) for a restart policy that isn't one."""
    name, count = str(policy.get("Name") or ""), policy.get("MaximumRetryCount") or 0
    if name not in _POLICIES:
        raise Refusal(400, f"invalid restart policy '{name}'")
    if count and name != "on-failure":
        raise Refusal(400, f"maximum retry count cannot be used with restart policy '{name}'")
    if count < 0:
        raise Refusal(400, "maximum retry count cannot be negative")


def _config(body: Document, image: Document, container_id: str, host: Document) -> Document:
    own = [str(entry) for entry in body.get("Env") or []]
    named = {entry.partition("=")[0] for entry in own}
    entrypoint, command = _as_list(body.get("Entrypoint")), _as_list(body.get("Cmd"))
    if entrypoint is None:
        entrypoint = image.get("Entrypoint")
        command = image.get("Cmd") if command is None else command
    hostname = "host" if host.get("NetworkMode") == "host" else container_id[:12]
    config: Document = {"Hostname": body.get("Hostname") or hostname}
    config |= {key: body.get(key) or image.get(key) or "" for key in _CONFIG_TEXTS}
    config |= {key: bool(body.get(key)) for key in _CONFIG_FLAGS}
    ports = {**(image.get("ExposedPorts") or {}), **(body.get("ExposedPorts") or {})}
    ports |= {inner: {} for inner in host.get("PortBindings") or {}}
    if ports:
        config["ExposedPorts"] = ports
    config |= {
        "Env": own + [entry for entry in image.get("Env") or [] if entry.partition("=")[0] not in named],
        "Cmd": command,
        "Image": str(body["Image"]),
        "Volumes": body.get("Volumes") or image.get("Volumes"),
        "Entrypoint": entrypoint,
        "OnBuild": None,
        "Labels": {**(image.get("Labels") or {}), **(body.get("Labels") or {})},
    }
    check = _health_check(document_of(body.get("Healthcheck")), document_of(image.get("Healthcheck")))
    if check:
        config["Healthcheck"] = check
    for key in ("StopSignal", "StopTimeout"):
        if value := body.get(key) or image.get(key):
            config[key] = value
    return config


def _health_check(asked: Document, inherited: Document) -> Document:
    if not asked.get("Test") and not inherited:
        return {}
    return {**inherited, **{key: value for key, value in asked.items() if value}}


def _host(asked: Document) -> Document:
    host = copy.deepcopy(_HOST)
    host |= {key: copy.deepcopy(value) for key, value in asked.items() if key in _HOST and value is not None}
    host |= {key: copy.deepcopy(asked[key]) for key in _FURTHER_HOST if asked.get(key) is not None}
    host["NetworkMode"] = host["NetworkMode"] or "default"
    host["RestartPolicy"] = {"Name": "", "MaximumRetryCount": 0} | document_of(asked.get("RestartPolicy"))
    host["LogConfig"] = {"Type": "json-file", "Config": {}} | {
        key: value for key, value in document_of(asked.get("LogConfig")).items() if value
    }
    host["PidsLimit"] = host["PidsLimit"] or None
    if host["Memory"] and not host["MemorySwap"]:
        host["MemorySwap"] = 2 * host["Memory"]
    if host["PortBindings"] is not None:
        host["PortBindings"] = {
            inner: [{"HostIp": b.get("HostIp") or "", "HostPort": str(b.get("HostPort") or "")} for b in bindings or []]
            for inner, bindings in host["PortBindings"].items()
        }
    return host


def _endpoints(
    state: EngineState, body: Document, mode: str, container_id: str, version: ApiVersion
) -> dict[str, Endpoint]:
    """Networks may be given by name or id; they are kept by name, one that isn't there as it was given."""
    asked = document_of(document_of(body.get("NetworkingConfig")).get("EndpointsConfig"))
    if len(asked) > 1 and version < (1, 44):
        raise Refusal(400, f"Container cannot be connected to network endpoints: {', '.join(sorted(asked))}")
    if mode.startswith("container:"):
        return {}
    named = {_network_name(state, given): document_of(settings) for given, settings in asked.items()}
    first = "bridge" if mode == "default" else _network_name(state, mode)
    named = {first: named.get(first, {})} | named
    return {name: Endpoint(name, _aliases(name, settings, container_id)) for name, settings in named.items()}


def _network_name(state: EngineState, given: str) -> str:
    network = state.networks.get(given)
    return network.name if network is not None else given


def _aliases(network: str, asked: Document, container_id: str) -> list[str] | None:
    if network in ("bridge", "host", "none"):
        return None
    return [*(asked.get("Aliases") or []), container_id[:12]]


def _mounts(host: Document, volume: Callable[[str], Volume]) -> list[Document]:
    mounts = []
    for mount in host.get("Mounts") or []:
        writable = not mount.get("ReadOnly")
        kind, source = str(mount.get("Type") or "volume"), str(mount.get("Source") or "")
        mounts.append(_mount(kind, source, str(mount["Target"]), "z" if kind == "volume" else "", writable, volume))
    for bind in host.get("Binds") or []:
        source, target, mode = [*str(bind).split(":"), ""][:3]
        kind = "bind" if source.startswith("/") else "volume"
        mounts.append(_mount(kind, source, target, mode or ("z" if kind == "volume" else ""), mode != "ro", volume))
    return mounts


def _mount(kind: str, source: str, target: str, mode: str, writable: bool, volume: Callable[[str], Volume]) -> Document:
    if kind == "volume":
        place = volume(source)
        own: Document = {"Type": kind, "Name": place.name, "Source": place.mountpoint, "Destination": target}
        return own | {"Driver": place.driver, "Mode": mode, "RW": writable, "Propagation": ""}
    propagation = "rprivate" if kind == "bind" else ""
    own = {"Type": kind, "Source": source, "Destination": target}
    return own | {"Mode": mode, "RW": writable, "Propagation": propagation}


def _volume(state: EngineState, name: str) -> Volume:
    name = name or state.new_id()
    return state.volumes.setdefault(name, Volume(name, state.clock()))


def _as_list(value: object) -> list[str] | None:
    if isinstance(value, str):
        return [value]
    return [str(entry) for entry in value] if isinstance(value, list) and value else None
