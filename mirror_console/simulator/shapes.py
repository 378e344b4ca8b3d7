"""Containers in the shape of the engine's replies: inspection, listing and exec instances."""

from mirror_console.simulator.container import Container, Endpoint, Phase
from mirror_console.simulator.references import parse_reference
from mirror_console.simulator.state import ApiVersion, EngineState, Execution
from mirror_console.simulator.wire import Document, in_words, nanoseconds, stamp

_FOLDER = "/var/lib/docker"


def container_document(container: Container, version: ApiVersion) -> Document:
    """The reply of an inspection, in the shape of that API version."""
    command = [*(container.config["Entrypoint"] or []), *(container.config["Cmd"] or [])]
    folder = f"{_FOLDER}/containers/{container.id}" if container.starts else ""
    host = container.host
    if version >= (1, 42):
        host = {key: value for key, value in host.items() if key not in ("KernelMemory", "KernelMemoryTCP")}
    return {
        "Id": container.id,
        "Created": stamp(container.created),
        "Path": command[0] if command else "",
        "Args": command[1:],
        "State": state_document(container),
        "Image": container.image.id,
        "ResolvConfPath": folder and f"{folder}/resolv.conf",
        "HostnamePath": folder and f"{folder}/hostname",
        "HostsPath": folder and f"{folder}/hosts",
        "LogPath": folder and f"{folder}/{container.id}-json.log",
        "Name": f"/{container.name}",
        "RestartCount": container.restart_count,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": host,
        "GraphDriver": {
            "Data": {
                f"{part}Dir": f"{_FOLDER}/overlay2/{container.id}/{part.lower()}"
                for part in ("Lower", "Merged", "Upper", "Work")
            },
            "Name": "overlay2",
        },
        "Mounts": container.mounts,
        "Config": container.config,
        "NetworkSettings": _network_settings(container),
    }


def state_document(container: Container) -> Document:
    """The part of an inspection that tells the state."""
    phase = container.phase
    document: Document = {
        "Status": phase.value,
        "Running": phase in (Phase.RUNNING, Phase.RESTARTING),
        "Paused": False,
        "Restarting": phase is Phase.RESTARTING,
        "OOMKilled": container.oom_killed,
        "Dead": phase is Phase.DEAD,
        "Pid": container.pid,
        "ExitCode": container.exit_code,
        "Error": container.error,
        "StartedAt": stamp(container.started),
        "FinishedAt": stamp(container.finished),
    }
    if (health := container.health) is not None:
        document["Health"] = {"Status": health.status, "FailingStreak": health.streak, "Log": health.log}
    return document


def container_item(state: EngineState, container: Container) -> Document:
    """The container's entry in a listing."""
    command = [*(container.config["Entrypoint"] or []), *(container.config["Cmd"] or [])]
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": _shown_image(state, container),
        "ImageID": container.image.id,
        "Command": " ".join(command),
        "Created": nanoseconds(container.created) // 1_000_000_000,
        "Ports": _listed_ports(container),
        "Labels": container.config["Labels"],
        "State": container.phase.value,
        "Status": status_words(state, container),
        "HostConfig": {"NetworkMode": container.host["NetworkMode"]},
        "NetworkSettings": {"Networks": {name: endpoint_document(e) for name, e in container.endpoints.items()}},
        "Mounts": container.mounts,
    }


def status_words(state: EngineState, container: Container) -> str:
    """The sentence that a listing shows: 'Up 3 hours (healthy)', 'Exited (137) 2 minutes ago'."""
    now = state.clock()
    since_start = in_words(now - (container.started or now))
    since_end = in_words(now - (container.finished or now))
    match container.phase:
        case Phase.CREATED:
            return "Created"
        case Phase.DEAD:
            return "Dead"
        case Phase.RESTARTING:
            return f"Restarting ({container.exit_code}) {since_end} ago"
        case Phase.EXITED:
            return f"Exited ({container.exit_code}) {since_end} ago"
        case Phase.RUNNING:
            if container.health is None:
                return f"Up {since_start}"
            status = container.health.status
            return f"Up {since_start} ({'health: starting' if status == 'starting' else status})"


def endpoint_document(endpoint: Endpoint) -> Document:
    """A container's place in a network."""
    return {
        "IPAMConfig": {"IPv4Address": endpoint.wanted} if endpoint.wanted else None,
        "Links": None,
        "Aliases": endpoint.aliases,
        "NetworkID": endpoint.network_id,
        "EndpointID": endpoint.endpoint_id,
        "Gateway": endpoint.gateway,
        "IPAddress": endpoint.address,
        "IPPrefixLen": 16 if endpoint.address else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": endpoint.mac,
        "DriverOpts": None,
    }


def execution_document(execution: Execution) -> Document:
    """The reply of an inspection of an exec instance."""
    return {
        "ID": execution.id,
        "Running": execution.running,
        "ExitCode": execution.exit_code,
        "ProcessConfig": {
            "tty": False,
            "entrypoint": execution.command[0],
            "arguments": execution.command[1:],
            "privileged": False,
        },
        "OpenStdin": False,
        "OpenStderr": True,
        "OpenStdout": True,
        "CanRemove": False,
        "ContainerID": execution.container_id,
        "DetachKeys": "",
        "Pid": 0,
    }


def frame(text: str, stream: int = 1) -> bytes:
    """A piece of output as streams carry it: 1 is the standard output, 2 the errors."""
    content = text.encode()
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4) + content


def _network_settings(container: Container) -> Document:
    bridge = container.endpoints.get("bridge") or Endpoint("bridge")
    inner = endpoint_document(bridge)
    shared = ("EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen")
    return {
        "Bridge": "",
        "SandboxID": container.sandbox,
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": {port: bindings or None for port, bindings in container.published.items()},
        "SandboxKey": container.sandbox and f"/var/run/docker/netns/{container.sandbox[:12]}",
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        **{key: inner[key] for key in shared},
        "IPv6Gateway": "",
        "MacAddress": bridge.mac,
        "Networks": {name: endpoint_document(endpoint) for name, endpoint in container.endpoints.items()},
    }


def _listed_ports(container: Container) -> list[Document]:
    listed: list[Document] = []
    for port, bindings in container.published.items():
        number, _, protocol = port.partition("/")
        plain = {"PrivatePort": int(number), "Type": protocol or "tcp"}
        listed += [{"IP": b["HostIp"], "PublicPort": int(b["HostPort"]), **plain} for b in bindings] or [plain]
    return listed


def _shown_image(state: EngineState, container: Container) -> str:
    """The reference it was made from, as long as that still means its image; else the image's id."""
    stored = state.images.add(container.image)
    reference = container.image_reference
    if "@" in reference:
        # Of a reference with both, the digest alone counts.
        return reference if parse_reference(reference).pinned in stored.digests else container.image.id
    if reference in stored.tags or f"{reference}:latest" in stored.tags:
        return reference
    return container.image.id
