"""Replies of engines as values of ours. Pure: bytes in, values out; what isn't understood raises; no guessing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import Limits, Port, RestartPolicy, Volume
from mirror_console.domain.image import CREATED_LABEL, DIGEST, REVISION_LABEL, VERSION_LABEL, Image, fingerprint
from mirror_console.domain.kept_image import is_kept_name
from mirror_console.domain.observation import Container, Ending, Endpoint, Health, Listed, State
from mirror_console.domain.plain import clean
from mirror_console.domain.request import ListedImage, Network, Resolved
from mirror_console.domain.ssh import SOCKET_PATH
from mirror_console.engine import replies
from mirror_console.engine.failures import Malformed, Oversized
from mirror_console.engine.unsupported import unsupported

ID = re.compile(r"[0-9a-f]{64}")
SWARM_ID = re.compile(r"[0-9a-z]{25}")
IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - how a published port is told, nothing is bound here
PODMAN_COMPONENT = "Podman Engine"
_PORT = re.compile(r"[0-9]{1,5}")
_EXIT_CODE = re.compile(r"[0-9]{1,10}")
MOST_PARTS = 1_000_000
"""Of a listing: ten thousand containers have six hundred thousand."""
LONGEST_LABEL = 128
LONGEST_NAME = 256
LONGEST_REFERENCE = 512
LAST_SECOND = 253_402_300_800
"""Of the last year that there is a calendar for, since 1970."""

MOST_WARNINGS = 20
_DEFAULT_INTERVAL = 30_000_000_000
_DEFAULT_RETRIES = 3
_OF_ANOTHER = "container:"

_NO_CHECK = {"", "none"}
# What Podman calls the moments before and after: a container is made, or has ended, in each of them.
_MOMENTS = {
    "configured": State.CREATED,
    "initialized": State.CREATED,
    "stopping": State.RUNNING,
    "stopped": State.EXITED,
}
# Podman tells the ports that a container asks for whatever its state is.
_HOLDS_PORTS = {State.RUNNING, State.PAUSED}
_HEALTH = {"healthy": Health.HEALTHY, "starting": Health.STARTING, "unhealthy": Health.FAILING}

# Made before there are threads: two that ask msgspec for the same type for the first time at once crash the program.
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_listed = msgspec.json.Decoder(replies.ListedContainer).decode
_decode_created = msgspec.json.Decoder(replies.Created).decode
_decode_happening = msgspec.json.Decoder(replies.Happening).decode
_decode_container = msgspec.json.Decoder(replies.InspectedContainer).decode
_decode_image = msgspec.json.Decoder(replies.InspectedImage).decode
_decode_version = msgspec.json.Decoder(replies.Version).decode
_decode_info = msgspec.json.Decoder(replies.Info).decode
_decode_distribution = msgspec.json.Decoder(replies.Distribution).decode
_decode_images = msgspec.json.Decoder(list[replies.ListedImage]).decode
_decode_volumes = msgspec.json.Decoder(replies.ListedVolumes).decode
_decode_networks = msgspec.json.Decoder(list[replies.ListedNetwork]).decode


_ROOTLESS = "name=rootless"
"""Among the security options of an engine. Source: Docker Engine API, SystemInfo."""


# --- the engine ---------------------------------------------------------------------------------------------------


def facts(version: bytes, info: bytes, *, api: str, now: datetime) -> EngineFacts:
    """From the replies to /version and /info. `now` is our time when the engine told its own."""
    about, more = _decode_version(version), _decode_info(info)
    told = told_time(more.system_time)
    snapshotter = ["driver-type", "io.containerd.snapshotter.v1"] in (more.driver_status or [])
    return EngineFacts(
        version=clean(about.version, LONGEST_LABEL),
        api=api,
        platform=clean(f"{about.os}/{about.arch}", LONGEST_LABEL),
        name=clean(more.name, LONGEST_NAME),
        cpus=more.ncpu,
        memory=more.mem_total,
        store="containerd" if snapshotter else "classic",
        live_restore=more.live_restore_enabled,
        clock_offset=(told - now).total_seconds() if told else 0.0,
        kind=_kind(about),
        # Podman makes one up for each reply.
        identity=clean(more.id, LONGEST_NAME) if _kind(about) is EngineKind.DOCKER else "",
        warnings=tuple(clean(words, LONGEST_NAME) for words in (more.warnings or [])[:MOST_WARNINGS]),
        folder=more.docker_root_dir if SOCKET_PATH.fullmatch(more.docker_root_dir) else "",
        kernel=clean(more.kernel_version, LONGEST_LABEL),
        manages_swarm=more.swarm is not None and more.swarm.control_available,
        rootless=_ROOTLESS in (more.security_options or []),
        swarm_nodes=more.swarm.nodes if more.swarm is not None and more.swarm.control_available else 0,
    )


def offered(version: bytes) -> tuple[str, EngineKind]:
    """From the reply to /version: the newest API version that an engine speaks, and what it is."""
    about = _decode_version(version)
    return about.api_version, _kind(about)


def _kind(about: replies.Version) -> EngineKind:
    names = {component.name for component in about.components or []}
    return EngineKind.PODMAN if PODMAN_COMPONENT in names else EngineKind.DOCKER


def volumes(reply: bytes) -> frozenset[str]:
    """From the reply to /volumes: their names."""
    demand_countable(reply)
    return frozenset(volume.name for volume in _decode_volumes(reply).volumes or [])


def networks(reply: bytes) -> list[Network]:
    """From the reply to /networks."""
    demand_countable(reply)
    return [
        Network(
            _network_id(network.id),
            clean(network.name, LONGEST_NAME),
            attachable=network.attachable or network.scope != "swarm",
        )
        for network in _decode_networks(reply)
    ]


# --- containers ---------------------------------------------------------------------------------------------------


Told = dict[bytes, Listed]
"""The containers of a listing, each by the text that told it."""


def listing(reply: bytes, before: Told | None = None) -> Told:
    """From the reply to /containers/json?all=1. What was told in the same words `before` isn't read again.

    From one listing to the next hardly anything changes, and to read it all would cost as much as an engine's answer.
    """
    demand_countable(reply)
    known = before or {}
    texts = map(bytes, _decode_list(reply))
    return {text: known.get(text) or _listed(_decode_listed(text)) for text in texts}


def _listed(item: replies.ListedContainer) -> Listed:
    state = _state(item.state)
    word = item.health.status if item.health else ""
    return Listed(
        id=identity(item.id),
        name=_own_name(item.names or []),
        image=clean(item.image, LONGEST_NAME),
        image_id=clean(item.image_id, LONGEST_NAME),
        state=state,
        health=_health(state, word or _health_word(item.status)),
        labels=item.labels or {},
        host_ports=_listed_ports(item.ports) if item.ports and state in _HOLDS_PORTS else (),
        volumes=_volumes(item.mounts) if item.mounts else (),
        network_mode=clean(item.host_config.network_mode, LONGEST_NAME) if item.host_config else "",
    )


def _own_name(names: list[str]) -> str:
    # A container that others link to has further names, each below that of the other: /other/alias.
    own = names[0] if names else ""
    if own.count("/") > 1:
        own = next((name for name in names if name.count("/") == 1), own)
    return clean(own.lstrip("/"), LONGEST_NAME)


def _health_word(text: str) -> str:
    """From a text such as "Up 6 seconds (healthy)": before API 1.52 a listing tells health in no other way."""
    if text.endswith("(healthy)"):
        return "healthy"
    if text.endswith("(unhealthy)"):
        return "unhealthy"
    return "starting" if text.endswith("(health: starting)") else ""


def _health(state: State, word: str) -> Health:
    """One rule for listing and inspect, so that a container doesn't seem to change between the two."""
    if state is State.RESTARTING:
        return Health.FAILING
    if state is not State.RUNNING:
        return Health.STOPPED
    if word in _NO_CHECK:
        return Health.NO_CHECK
    return _HEALTH.get(word, Health.UNKNOWN)


def _state(word: str) -> State:
    try:
        return _MOMENTS.get(word) or State(word)
    except ValueError:
        raise Malformed(f"a container in the state {clean(word, 40)!r}") from None


def _listed_ports(ports: Iterable[replies.ListedPort]) -> tuple[Port, ...]:
    found = [
        Port(port.private_port, port.public_port, clean(port.ip) or ANY_ADDRESS, clean(port.type))
        for port in ports
        if port.public_port
    ]
    return _without_twins(found)


def _without_twins(ports: Iterable[Port]) -> tuple[Port, ...]:
    """Without the IPv6 half of a port that is published on all addresses: it was asked for once."""
    found = list(dict.fromkeys(ports))
    everywhere = {(port.container, port.protocol) for port in found if port.address == ANY_ADDRESS}
    kept = [port for port in found if port.address != "::" or (port.container, port.protocol) not in everywhere]
    return tuple(sorted(kept, key=lambda port: (port.container, port.protocol, port.address, port.host)))


def created(reply: bytes) -> str:
    """The id from the reply to /containers/create."""
    return identity(_decode_created(reply).id)


def parse_container(reply: bytes) -> replies.InspectedContainer:
    """The reply to /containers/{id}/json, checked."""
    parsed = _decode_container(reply)
    identity(parsed.id)
    return parsed


def container(seen: replies.InspectedContainer, given: replies.ImageConfig | None) -> Container:
    """`given` is what the container's image gives to it, None where that isn't known."""
    state, config, host = _state(seen.state.status), seen.config, seen.host_config
    restart = host.restart_policy or replies.Restart()
    settings = seen.network_settings or replies.NetworkSettings()
    check = seen.state.health
    return Container(
        id=seen.id,
        name=_own_name([seen.name]),
        image=clean(config.image, LONGEST_NAME),
        image_id=clean(seen.image, LONGEST_NAME),
        state=state,
        health=_health(state, check.status if check else ""),
        created_at=_known_time(seen.created),
        started_at=told_time(seen.state.started_at),
        finished_at=told_time(seen.state.finished_at),
        exit_code=seen.state.exit_code,
        restart_count=seen.restart_count,
        oom_killed=seen.state.oom_killed,
        restart=_restart_policy(restart.name),
        restart_retries=restart.maximum_retry_count,
        labels=config.labels or {},
        variables=dict(entry.partition("=")[::2] for entry in config.env or []),
        declared_ports=_ports(host.port_bindings),
        bound_ports=tuple(port for port in _ports(settings.ports) if port.host) if state in _HOLDS_PORTS else (),
        volumes=_volumes(seen.mounts),
        networks=tuple(sorted(clean(name, LONGEST_NAME) for name in settings.networks or {})),
        network_mode=clean(host.network_mode, LONGEST_NAME),
        limits=_limits(host),
        stop_signal=clean(config.stop_signal, LONGEST_LABEL),
        stop_seconds=config.stop_timeout,
        command=tuple(config.cmd or ()),
        init=bool(host.init),
        health_output=clean(check.log[-1].output) if check and check.log else "",
        unsupported=unsupported(seen, given),
        endpoints=_endpoints(seen, settings),
        joins=_joins(host),
    )


def _joins(host: replies.HostConfig) -> tuple[str, ...]:
    """The containers that it can't do without. Volumes come as ``name:ro``, links as ``/name:/own-name/alias``."""
    modes = (host.network_mode, host.pid_mode, host.ipc_mode)
    named = [mode.removeprefix(_OF_ANOTHER) for mode in modes if mode.startswith(_OF_ANOTHER)]
    named += [one.partition(":")[0].removeprefix("/") for one in (*(host.volumes_from or ()), *(host.links or ()))]
    return tuple(dict.fromkeys(clean(name, LONGEST_NAME) for name in named))


def endings(reply: bytes) -> tuple[Ending, ...]:
    """From the reply to /events: each end of one container. That it lacked memory is told before, on its own."""
    found, lacked = [], False
    for line in filter(None, reply.split(b"\n")):
        told = _decode_happening(line)
        if told.action == "oom":
            lacked = True
            continue
        code = told.actor.attributes.get("exitCode", told.actor.attributes.get("containerExitCode", ""))
        found.append(Ending(int(code) if _EXIT_CODE.fullmatch(code) else 0, lacked))
        lacked = False
    return tuple(found)


def _endpoints(seen: replies.InspectedContainer, settings: replies.NetworkSettings) -> dict[str, Endpoint]:
    """Its places by network. An engine itself gives the beginning of the id, and some its name, as further aliases."""
    own = {seen.id[:12], _own_name([seen.name]), seen.config.hostname}
    return {
        clean(name, LONGEST_NAME): Endpoint(
            place.network_id if ID.fullmatch(place.network_id) else "",
            clean(place.ip_address),
            tuple(clean(alias, LONGEST_NAME) for alias in place.aliases or () if alias not in own),
        )
        for name, place in (settings.networks or {}).items()
        if place is not None
    }


def _restart_policy(name: str) -> RestartPolicy:
    try:
        return RestartPolicy(name or "no")
    except ValueError:
        raise Malformed(f"a restart policy {clean(name, 40)!r}") from None


def _ports(bindings: Mapping[str, list[replies.Binding] | None] | None) -> tuple[Port, ...]:
    """From a map such as ``{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}``."""
    found = []
    for key, published in (bindings or {}).items():
        number, _, protocol = key.partition("/")
        if not _PORT.fullmatch(number):
            raise Malformed(f"a port {clean(key, 40)!r}")
        for binding in published or []:
            # A range, which `unsupported` tells, isn't one port: it is left to the engine as far as this goes.
            host = int(binding.host_port) if _PORT.fullmatch(binding.host_port) else 0
            found.append(Port(int(number), host, clean(binding.host_ip) or ANY_ADDRESS, clean(protocol) or "tcp"))
    return _without_twins(found)


def _volumes(mounts: Iterable[replies.Mount] | None) -> tuple[Volume, ...]:
    """Named volumes and paths of the host. An unnamed volume is made anew with each container: it is no setting."""
    found = [
        Volume(clean(mount.name if mount.type == "volume" else mount.source), clean(mount.destination), not mount.rw)
        for mount in mounts or ()
        if mount.type == "bind" or (mount.type == "volume" and not ID.fullmatch(mount.name))
    ]
    return tuple(sorted(found, key=lambda volume: volume.target))


def _limits(host: replies.HostConfig) -> Limits:
    return Limits(memory=max(0, host.memory), cpus=host.nano_cpus / 1e9, pids=max(0, host.pids_limit or 0))


# --- images -------------------------------------------------------------------------------------------------------


ReadImage = tuple[replies.InspectedImage, Mapping[str, Any]]


def parse_image(reply: bytes) -> ReadImage:
    """The reply to /images/{name}/json, checked; and whole, for its fingerprint."""
    whole = msgspec.json.decode(reply)
    parsed = _decode_image(reply)
    if not IMAGE_ID.fullmatch(parsed.id):
        raise Malformed(f"an image id {clean(parsed.id, 80)!r}")
    return parsed, whole


def image(seen: replies.InspectedImage, whole: Mapping[str, Any]) -> Image:
    """An image in our words."""
    config = seen.config or replies.ImageConfig()
    labels = config.labels or {}
    interval, slowest = _health_times(config.healthcheck)
    return Image(
        id=seen.id,
        fingerprint=fingerprint(whole),
        tags=tuple(clean(tag) for tag in seen.repo_tags or () if not is_kept_name(tag)),
        digests=tuple(clean(digest) for digest in seen.repo_digests or ()),
        platform=clean(f"{seen.os}/{seen.architecture}", LONGEST_LABEL),
        version=clean(labels.get(VERSION_LABEL, ""), LONGEST_LABEL),
        revision=clean(labels.get(REVISION_LABEL, ""), LONGEST_LABEL),
        created=_label_time(labels.get(CREATED_LABEL, "")),
        size=seen.size,
        environment=tuple(config.env or ()),
        has_health_check=has_check(config.healthcheck),
        health_interval=interval,
        health_seconds=slowest,
        exposed_ports=tuple(sorted(map(clean, config.exposed_ports or ()))),
        stop_signal=clean(config.stop_signal, LONGEST_LABEL),
        command=tuple(config.cmd or ()),
        labels=labels,
        layers=tuple(map(clean, (seen.root_fs or replies.RootFS()).layers or ())),
    )


def images(reply: bytes) -> list[ListedImage]:
    """From the reply to /images/json. Names that stand for none are left out, and digests that stand among tags."""
    demand_countable(reply)
    return [_listed_image(item) for item in _decode_images(reply)]


def _listed_image(item: replies.ListedImage) -> ListedImage:
    if not IMAGE_ID.fullmatch(item.id):
        raise Malformed(f"an image id {clean(item.id, 80)!r}")
    names = [clean(name, LONGEST_REFERENCE) for name in (*(item.repo_tags or ()), *(item.repo_digests or ()))]
    named = dict.fromkeys(name for name in names if not name.startswith("<none>"))
    return ListedImage(
        id=item.id,
        tags=tuple(name for name in named if "@" not in name and not is_kept_name(name)),
        kept_names=tuple(filter(is_kept_name, named)),
        digests=tuple(name for name in named if "@" in name),
        created=datetime.fromtimestamp(item.created, UTC) if 0 < item.created < LAST_SECOND else None,
        size=item.size,
        labels=item.labels or {},
    )


def has_check(check: replies.HealthCheck | None) -> bool:
    """Whether there is a health check: ``NONE`` takes away an inherited one."""
    return bool(check and check.test and check.test[0] not in {"", "NONE"})


def _health_times(check: replies.HealthCheck | None) -> tuple[float, float]:
    """Seconds between two tries of a health check, and until it has said so. Docker's own default where none is given.

    Source: the reference of Dockerfiles, HEALTHCHECK.
    """
    if check is None or not has_check(check):
        return 0.0, 0.0
    interval = (check.interval or _DEFAULT_INTERVAL) / 1e9
    return interval, check.start_period / 1e9 + (check.retries or _DEFAULT_RETRIES) * interval


def resolved(reply: bytes) -> Resolved:
    """From the reply to /distribution/{name}/json. Entries that are no platform (attestations) are left out."""
    told = _decode_distribution(reply)
    if not DIGEST.fullmatch(told.descriptor.digest):
        raise Malformed(f"a digest {clean(told.descriptor.digest, 80)!r}")
    platforms = dict.fromkeys(
        clean(f"{platform.os}/{platform.architecture}", LONGEST_LABEL)
        for platform in told.platforms or []
        if platform.os not in {"", "unknown"}
    )
    return Resolved(told.descriptor.digest, tuple(platforms))


# --- small things -------------------------------------------------------------------------------------------------


def demand_countable(reply: bytes) -> None:
    """Raises Oversized for a listing of more parts than the largest engine has: read, they would fill the memory."""
    if reply.count(b",") >= MOST_PARTS:
        raise Oversized(f"a listing of more than {MOST_PARTS} parts")


def identity(text: str) -> str:
    """The id of a container or network. Raises Malformed where it isn't one: it becomes part of paths."""
    if not ID.fullmatch(text):
        raise Malformed(f"an id {clean(text, 80)!r}")
    return text


def _network_id(text: str) -> str:
    """The id of a network; those of a Swarm are of another kind."""
    return text if SWARM_ID.fullmatch(text) else identity(text)


def _known_time(text: str) -> datetime:
    time = told_time(text)
    if time is None:
        raise Malformed("a container without a time of its making")
    return time


def told_time(text: str) -> datetime | None:
    """A time such as ``2026-11-20T22:36:14.580442818Z``, to microseconds. None for the zero time, which means never."""
    if not text or text.startswith("0001-01-01"):
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter where it is in no year that there is
        raise Malformed(f"a time {clean(text, 40)!r}") from None


def _label_time(text: str) -> datetime | None:
    """A time that a label tells: whatever is written there, it spoils nothing."""
    try:
        return told_time(text)
    except Malformed:
        return None
