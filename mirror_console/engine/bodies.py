"""What is sent to make a container: its settings in the terms of the Docker Engine API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mirror_console.domain.environment import Limits, Port, RestartPolicy, Volume
from mirror_console.domain.in_place import Granted
from mirror_console.domain.request import ContainerSpec
from mirror_console.engine.translate import ANY_ADDRESS
from mirror_console.engine.unsupported import NO_HEALTH_CHECK

BUILT_IN = ("default", "bridge", "host", "none")
"""Networks that every engine has and that go by their names."""
NO_PIDS_LIMIT = -1
"""What takes this limit away from a container that has one. For memory and CPUs there is no such number."""
MANY_NETWORKS_FROM = (1, 44)
"""From this API version on a container is made in several networks at once, and no two networks have one name.

Before, it is made in the first and then connected to the others.
"""


@dataclass(frozen=True, slots=True)
class CreateBody:
    """What to send, and into which networks (ids) the container must be connected before it is started."""

    content: dict[str, Any]
    connect: tuple[str, ...] = ()
    route: tuple[str, str] | None = None
    """The network of its route, and its alias there."""


def own_networks(spec: ContainerSpec) -> tuple[str, ...]:
    """Those among the networks of a container whose ids must be looked up."""
    route = _route(spec)
    names = [*spec.settings.networks, *([route[0]] if route else [])]
    return tuple(name for name in names if name not in BUILT_IN)


def _route(spec: ContainerSpec) -> tuple[str, str] | None:
    route = spec.settings.route
    return (route.network, route.alias) if route is not None and route.by_alias and spec.on_route else None


def create_body(spec: ContainerSpec, network_ids: Mapping[str, str], api: tuple[int, int]) -> CreateBody:
    """`network_ids` has the id of each own network of the settings: on older engines names may be ambiguous."""
    settings = spec.settings
    route = _route(spec)
    routed = (network_ids.get(route[0], route[0]), route[1]) if route else None
    host: dict[str, Any] = {
        "RestartPolicy": restart_policy(spec.restart),
        "PortBindings": _bindings(settings.ports),
        "Mounts": [_mount(volume) for volume in settings.volumes],
        **_limits(settings.limits),
    }
    if settings.init:
        host["Init"] = True
    content: dict[str, Any] = {
        "Image": spec.image,
        "Env": _variables(spec),
        # Ours come last: whatever settings say, they tell whose a container is.
        "Labels": {**settings.labels, **spec.labels},
        "ExposedPorts": {_port_key(port): {} for port in settings.ports},
        "StopTimeout": settings.stop_seconds,
        "HostConfig": host,
    }
    if not spec.health_check:
        content["Healthcheck"] = {"Test": list(NO_HEALTH_CHECK)}
    if settings.command:
        content["Cmd"] = list(settings.command)
    if settings.stop_signal:
        content["StopSignal"] = settings.stop_signal
    if not settings.networks:
        return CreateBody(content, route=routed)
    at_once = api >= MANY_NETWORKS_FROM
    # Where names are unambiguous they are sent: an engine tells a container's networks as they were sent.
    networks = [name if at_once else network_ids.get(name, name) for name in settings.networks]
    host["NetworkMode"] = networks[0]
    if networks[0] in BUILT_IN:
        return CreateBody(content, tuple(network_ids.get(name, name) for name in networks[1:]), routed)
    together = networks if at_once else networks[:1]
    content["NetworkingConfig"] = {"EndpointsConfig": {network: {} for network in together}}
    return CreateBody(content, tuple(networks[len(together) :]), routed)


def restart_policy(policy: RestartPolicy, retries: int = 0) -> dict[str, Any]:
    """`retries` counts with on-failure only; engines refuse it with the others."""
    return {"Name": str(policy), "MaximumRetryCount": retries if policy is RestartPolicy.ON_FAILURE else 0}


def update_body(wanted: Granted, now: Granted) -> dict[str, Any]:
    """What is sent to change what a container is granted: only what is to be another than it is `now`."""
    limits, there = wanted.limits, now.limits
    found = {name: value for name, value in _limits(limits).items() if _limits(there).get(name) != value}
    if there.pids and not limits.pids:
        found["PidsLimit"] = NO_PIDS_LIMIT
    content: dict[str, Any] = dict(found)
    if (wanted.restart, wanted.retries) != (now.restart, now.retries):
        content["RestartPolicy"] = restart_policy(wanted.restart, wanted.retries)
    return content


def _variables(spec: ContainerSpec) -> list[str]:
    revealed = {name: secret.reveal() for name, secret in spec.secrets.items()}
    return [f"{name}={value}" for name, value in {**spec.settings.variables, **revealed}.items()]


def _port_key(port: Port) -> str:
    return f"{port.container}/{port.protocol}"


def _bindings(ports: Sequence[Port]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        # Left empty, the engine publishes on all its addresses, those of IPv6 too.
        address = "" if port.address == ANY_ADDRESS else port.address
        host = str(port.host) if port.host else ""
        found.setdefault(_port_key(port), []).append({"HostIp": address, "HostPort": host})
    return found


def _mount(volume: Volume) -> dict[str, Any]:
    # Unlike a bind in its short form, a path that isn't there is refused instead of made.
    kind = "bind" if volume.source.startswith("/") else "volume"
    return {"Type": kind, "Source": volume.source, "Target": volume.target, "ReadOnly": volume.read_only}


def _limits(limits: Limits) -> dict[str, int]:
    found: dict[str, int] = {}
    if limits.memory:
        # Without the second an engine adds as much swap again.
        found |= {"Memory": limits.memory, "MemorySwap": limits.memory}
    if limits.cpus:
        found["NanoCpus"] = round(limits.cpus * 1e9)
    if limits.pids:
        found["PidsLimit"] = limits.pids
    return found
