"""Podman's replies in Docker's terms, where the two say one thing differently. Pure.

What Podman sets by itself can't be told from what somebody asked for: it counts as not set, and the limits of the
engine's kind say so.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from mirror_console.engine import replies, translate

DEFAULT_NETWORK = "podman"
"""What containers call the network that is listed as ``bridge``."""
DEFAULT_PROCESSES = 2048
DEFAULT_SHARED_MEMORY = 65_536_000
"""Bytes."""
DEFAULT_SIGNAL = "15"
# Podman tells signals by their number on Linux. Those that programs are stopped by.
_SIGNALS = {"1": "SIGHUP", "2": "SIGINT", "3": "SIGQUIT", "9": "SIGKILL", "10": "SIGUSR1", "12": "SIGUSR2"} | {
    DEFAULT_SIGNAL: "SIGTERM",
    "28": "SIGWINCH",
    "37": "SIGRTMIN+3",
}
_OWN_VARIABLES = {"container=podman", "TERM=xterm"}


class _ImageHealth(msgspec.Struct):
    """The part of Podman's own reply about an image that its Docker-like one leaves out, as it came."""

    check: dict[str, Any] | None = msgspec.field(name="Healthcheck", default=None)


_decode_health = msgspec.json.Decoder(_ImageHealth).decode


def parse_image(reply: bytes, own: bytes) -> translate.ReadImage:
    """The Docker-like reply about an image, with the health check from Podman's own; without it another fingerprint."""
    check = _decode_health(own).check
    if check is None:
        return translate.parse_image(reply)
    whole: dict[str, Any] = msgspec.json.decode(reply, type=dict[str, Any])
    whole["Config"] = {**(whole.get("Config") or {}), "Healthcheck": check}
    return translate.parse_image(msgspec.json.encode(whole))


def as_docker(seen: replies.InspectedContainer, given: replies.ImageConfig | None) -> replies.InspectedContainer:
    """A container as Docker would tell of it. `given` is what its image gives to it, None where that isn't known."""
    return replace(
        seen,
        config=_config(seen.config, given or replies.ImageConfig()),
        host_config=_host(seen.host_config),
        network_settings=_networks(seen),
    )


def _config(config: replies.ContainerConfig, given: replies.ImageConfig) -> replies.ContainerConfig:
    own = {*_OWN_VARIABLES, f"HOSTNAME={config.hostname}"} - set(given.env or ())
    signal = _SIGNALS.get(config.stop_signal, config.stop_signal)
    if config.stop_signal == DEFAULT_SIGNAL and not given.stop_signal:
        signal = ""
    return replace(
        config,
        env=[entry for entry in config.env or [] if entry not in own],
        stop_signal=signal,
        # It says 0 where the container has no time of its own.
        stop_timeout=config.stop_timeout or None,
    )


def _host(host: replies.HostConfig) -> replies.HostConfig:
    return replace(
        host,
        pid_mode="" if host.pid_mode == "private" else host.pid_mode,
        uts_mode="" if host.uts_mode == "private" else host.uts_mode,
        shm_size=0 if host.shm_size == DEFAULT_SHARED_MEMORY else host.shm_size,
        pids_limit=None if host.pids_limit == DEFAULT_PROCESSES else host.pids_limit,
        ulimits=None,
        memory_swappiness=host.memory_swappiness or None,
        # This is how it keeps a limit in CPUs.
        cpu_quota=0 if host.nano_cpus else host.cpu_quota,
        cpu_period=0 if host.nano_cpus else host.cpu_period,
    )


def _networks(seen: replies.InspectedContainer) -> replies.NetworkSettings:
    settings = seen.network_settings or replies.NetworkSettings()
    networks = {_network(name): endpoint for name, endpoint in (settings.networks or {}).items()}
    if not networks and seen.host_config.network_mode in {"host", "none"}:
        networks = {seen.host_config.network_mode: None}
    return replace(settings, networks=networks)


def _network(name: str) -> str:
    return "bridge" if name == DEFAULT_NETWORK else name
