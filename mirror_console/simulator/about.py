"""What an engine tells about itself: version, information, disk usage."""

from mirror_console.simulator.container import Phase
from mirror_console.simulator.image_store import image_item
from mirror_console.simulator.shapes import container_item
from mirror_console.simulator.state import ApiVersion, EngineState
from mirror_console.simulator.wire import Document, hex_id, stamp

LABEL = "io.mirrorconsole.simulated=true"
"""The label in an engine's information by which a simulated one is known."""

OPERATING_SYSTEM = "Mirror Console simulator"

_NO_SWARM: Document = {
    "ControlAvailable": False,
    "Error": "",
    "LocalNodeState": "inactive",
    "NodeAddr": "",
    "NodeID": "",
    "RemoteManagers": None,
}


def version_document(state: EngineState) -> Document:
    """The reply of /version."""
    generation = state.generation
    system, architecture = state.platform.split("/")[:2]
    inner: Document = {
        "ApiVersion": generation.newest_text,
        "Arch": architecture,
        "BuildTime": "",
        "Experimental": "false",
        "GitCommit": "simulated",
        "GoVersion": "",
        "KernelVersion": "simulated",
        "MinAPIVersion": generation.oldest_text,
        "Os": system,
    }
    shared = {key: value for key, value in inner.items() if key != "Experimental"}
    return {
        **shared,
        "Components": [{"Details": inner, "Name": "Engine", "Version": generation.server}],
        "Platform": {"Name": "simulated"},
        "Version": generation.server,
    }


def info_document(state: EngineState) -> Document:
    """The reply of /info."""
    phases = [container.phase for container in state.containers.values()]
    running = sum(phase in (Phase.RUNNING, Phase.RESTARTING) for phase in phases)
    system, architecture = state.platform.split("/")[:2]
    identity = hex_id(state.identity).upper()
    return {
        "ID": ":".join(identity[start : start + 4] for start in range(0, 48, 4)),
        "Name": f"{state.name}-simulated",
        "OperatingSystem": OPERATING_SYSTEM,
        "OSType": system,
        "OSVersion": "",
        "Architecture": {"amd64": "x86_64", "arm64": "aarch64"}.get(architecture, architecture),
        "ServerVersion": state.generation.server,
        "KernelVersion": "simulated",
        "Labels": [LABEL],
        "Containers": len(phases),
        "ContainersRunning": running,
        "ContainersPaused": 0,
        "ContainersStopped": len(phases) - running,
        "Images": len(state.images.everything()),
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
        "DockerRootDir": "/var/lib/docker",
        "NCPU": 4,
        "MemTotal": 8 * 1024**3,
        "MemoryLimit": True,
        "SwapLimit": True,
        "PidsLimit": True,
        "CpuCfsPeriod": True,
        "CpuCfsQuota": True,
        "CPUShares": True,
        "CPUSet": True,
        "OomKillDisable": True,
        "IPv4Forwarding": True,
        "BridgeNfIptables": True,
        "BridgeNfIp6tables": True,
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "1",
        "Debug": False,
        "DefaultRuntime": "runc",
        "Runtimes": {"runc": {"path": "runc"}},
        "ExperimentalBuild": False,
        "GenericResources": None,
        "HttpProxy": "",
        "HttpsProxy": "",
        "NoProxy": "",
        "IndexServerAddress": "https://index.docker.io/v1/",
        "InitBinary": "docker-init",
        "Isolation": "",
        "LiveRestoreEnabled": state.live_restore,
        "LoggingDriver": "json-file",
        "NEventsListener": 0,
        "NFd": 0,
        "NGoroutines": 0,
        "Plugins": {
            "Authorization": None,
            "Log": ["json-file"],
            "Network": ["bridge", "host", "null"],
            "Volume": ["local"],
        },
        "RegistryConfig": {
            "IndexConfigs": {},
            "InsecureRegistryCIDRs": ["127.0.0.0/8"],
            "Mirrors": [],
        },
        "SecurityOptions": ["name=seccomp,profile=default", *(["name=rootless"] if state.rootless else [])],
        "Swarm": state.swarm.info() if state.swarm is not None else dict(_NO_SWARM),
        "SystemTime": stamp(state.clock()),
        "Warnings": state.warnings or None,
    }


def disk_document(state: EngineState, version: ApiVersion, types: set[str]) -> Document:
    """The reply of /system/df; from API 1.42 on only the types that were asked for."""
    asked = types if types and version >= (1, 42) else {"image", "container", "volume", "build-cache"}
    stored = state.images.everything()
    users = [container.image.id for container in state.containers.values()]
    layers = {layer for entry in stored for layer in entry.image.layers}
    images = [image_item(entry, version) | {"Containers": users.count(entry.image.id)} for entry in stored]
    containers = [
        container_item(state, container) | {"SizeRootFs": container.image.size}
        for container in state.containers.values()
    ]
    volumes = [
        volume.document() | {"UsageData": {"RefCount": len(state.volume_users(volume.name)), "Size": 0}}
        for volume in state.volumes.values()
    ]
    return {
        "LayersSize": sum(layer.size for layer in layers) if "image" in asked else 0,
        "Images": images if "image" in asked else None,
        "Containers": containers if "container" in asked else None,
        "Volumes": volumes if "volume" in asked else None,
        "BuildCache": None,
        "BuilderSize": 0,
    }
