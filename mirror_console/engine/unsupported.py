"""What an existing container has that settings have no place for: replaced by a new one, it would be lost."""

from __future__ import annotations

from collections.abc import Iterator

from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.observation import BESIDE
from mirror_console.domain.plain import clean
from mirror_console.engine.replies import ContainerConfig, HostConfig, ImageConfig, InspectedContainer

NO_HEALTH_CHECK = ("NONE",)
"""The test that switches an image's health check off. Source: Docker Engine API, ContainerCreate, Healthcheck."""
_DEFAULT_SHM = 64 * 1024 * 1024
_DEFAULT_RUNTIMES = {"", "runc", "crun", "oci", "io.containerd.runc.v2"}
_DEFAULT_IPC = {"", "private", "shareable"}
_PROPAGATION = {"shared", "rshared", "slave", "rslave"}
_LONGEST = 200


def unsupported(seen: InspectedContainer, given: ImageConfig | None) -> tuple[str, ...]:
    """Each property in words. `given` is what the image gives; without it, what may come from it isn't told."""
    found = [*_of_host(seen.host_config), *_of_limits(seen.host_config), *_of_ports(seen.host_config)]
    found += [*_of_mounts(seen), *_of_networks(seen), *_of_config(seen.config)]
    if given is not None:
        found += _over_image(seen.config, given)
    return tuple(clean(words, _LONGEST) for words in found)


def _of_host(host: HostConfig) -> Iterator[str]:
    flags = {
        "it is removed when it stops (AutoRemove)": host.auto_remove,
        "privileged mode": host.privileged,
        "all exposed ports are published": host.publish_all_ports,
        "a read-only root file system": host.readonly_rootfs,
        "its restart policy ends after some retries": _counted(host),
    }
    yield from (words for words, there in flags.items() if there)
    modes = {
        "IPC mode": "" if host.ipc_mode in _DEFAULT_IPC else host.ipc_mode,
        "PID mode": host.pid_mode,
        "UTS mode": host.uts_mode,
        "user namespace mode": host.userns_mode,
        "parent cgroup": host.cgroup_parent,
        "runtime": "" if host.runtime in _DEFAULT_RUNTIMES else host.runtime,
        "isolation": "" if host.isolation == "default" else host.isolation,
        "volume driver": host.volume_driver,
        "network of another container": host.network_mode if host.network_mode.startswith("container:") else "",
    }
    yield from (f"{words} {mode}" for words, mode in modes.items() if mode)
    lists = {
        "added capabilities": host.cap_add,
        "dropped capabilities": host.cap_drop,
        "DNS servers": host.dns,
        "DNS options": host.dns_options,
        "DNS search domains": host.dns_search,
        "extra hosts": host.extra_hosts,
        "additional groups": host.group_add,
        "links": host.links,
        "volumes from other containers": host.volumes_from,
        "security options": host.security_opt,
        "kernel parameters": sorted(host.sysctls or ()),
        "temporary file systems": sorted(host.tmpfs or ()),
        "storage options": sorted(host.storage_opt or ()),
        "annotations": sorted(host.annotations or ()),
        "ulimits": [limit.name for limit in host.ulimits or ()],
    }
    yield from (f"{words} {', '.join(entries)}" for words, entries in lists.items() if entries)
    if host.devices or host.device_requests or host.device_cgroup_rules:
        yield "devices of the host"


def _counted(host: HostConfig) -> bool:
    policy = host.restart_policy
    return bool(policy and policy.name == RestartPolicy.ON_FAILURE and policy.maximum_retry_count)


def _of_limits(host: HostConfig) -> Iterator[str]:
    # Docker itself adds as much swap again to a memory limit that says nothing of swap.
    if host.memory_swap not in {0, host.memory, 2 * host.memory}:
        yield "a swap limit"
    limits = {
        "a memory reservation": host.memory_reservation > 0,
        "swappiness": host.memory_swappiness not in {None, -1},
        "a CPU quota": host.cpu_quota > 0 or host.cpu_period > 0,
        "CPU shares": host.cpu_shares > 0,
        "CPU or memory pinning": bool(host.cpuset_cpus or host.cpuset_mems),
        "a block I/O weight": host.blkio_weight > 0,
        "out-of-memory settings": bool(host.oom_kill_disable or host.oom_score_adj),
        "the size of shared memory": host.shm_size not in {0, _DEFAULT_SHM},
    }
    yield from (words for words, there in limits.items() if there)


def _of_ports(host: HostConfig) -> Iterator[str]:
    for key, bindings in (host.port_bindings or {}).items():
        if not key.endswith(("/tcp", "/udp")):
            yield f"published port {key}"
        ranges = [binding.host_port for binding in bindings or [] if not (binding.host_port or "0").isdecimal()]
        if ranges:
            yield f"port range {', '.join(ranges)} for {key}"


def _of_mounts(seen: InspectedContainer) -> Iterator[str]:
    for mount in seen.mounts or []:
        if mount.type not in {"bind", "volume"}:
            yield f"{mount.type} mount at {mount.destination}"
        elif mount.type == "volume" and _unnamed(mount.name):
            yield f"an unnamed volume at {mount.destination}, whose content would stay behind"
    # How it was asked for counts: an engine by itself mounts what holds its own folder with another propagation.
    for bind in seen.host_config.binds or []:
        _, _, options = bind.rpartition(":")
        if _PROPAGATION & set(options.split(",")):
            yield f"mount propagation in {bind}"
    for asked in seen.host_config.mounts or []:
        propagation = (asked.bind_options or {}).get("Propagation")
        if propagation in _PROPAGATION:
            yield f"mount propagation {propagation} at {asked.target}"
        if asked.type == "volume" and any((asked.volume_options or {}).values()):
            yield f"volume options at {asked.target}"


def _unnamed(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _of_networks(seen: InspectedContainer) -> Iterator[str]:
    networks = seen.network_settings.networks if seen.network_settings else None
    for name, endpoint in (networks or {}).items():
        # Which aliases settings have no place for depends on their route.
        if endpoint is not None and any((endpoint.ipam_config or {}).values()):
            yield f"a fixed address in {name}"


def _of_config(config: ContainerConfig) -> Iterator[str]:
    flags = {
        "a terminal": config.tty,
        "an open standard input": config.open_stdin,
        "a domain name": bool(config.domainname),
        "a fixed MAC address": bool(config.mac_address),
        "networking is switched off": bool(config.network_disabled),
    }
    yield from (words for words, there in flags.items() if there)


def _switched_off(config: ContainerConfig) -> bool:
    """Whether the image's health check doesn't count, as in the containers of processes that don't serve."""
    test = config.healthcheck.test if config.healthcheck is not None else None
    return tuple(test or ()) == NO_HEALTH_CHECK and (config.labels or {}).get(BESIDE) == "yes"


def _over_image(config: ContainerConfig, given: ImageConfig) -> Iterator[str]:
    changed = {
        f"user {config.user}": config.user != given.user,
        f"working directory {config.working_dir}": config.working_dir != given.working_dir,
        f"entrypoint {' '.join(config.entrypoint or ())}": (config.entrypoint or []) != (given.entrypoint or []),
        "a health check of its own": config.healthcheck != given.healthcheck and not _switched_off(config),
    }
    yield from (words for words, there in changed.items() if there)
