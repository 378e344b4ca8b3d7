"""What an engine is: Docker, or Podman by its Docker-compatible service; and what doesn't work with it."""

from __future__ import annotations

from enum import StrEnum


class EngineKind(StrEnum):
    """Which program answers at an engine's address. The value is its name."""

    DOCKER = "Docker"
    PODMAN = "Podman"


NO_ROLLOUTS = (
    "No rollouts: Podman can't change the restart policy of a container in place, which every way back relies on."
)

_LIMITS = {
    EngineKind.DOCKER: (),
    EngineKind.PODMAN: (
        NO_ROLLOUTS,
        "No look into a registry: Podman doesn't tell which digest a tag has there.",
        "Health checks run only where its host has systemd; elsewhere a container stays at 'starting'.",
        "An image made with ONBUILD or SHELL isn't recognised as the one that Docker has: Podman doesn't tell these.",
        "A process limit of 2048, ulimits and 64 MB of shared memory count as not set: Podman sets these by itself.",
    ),
}


def limits(kind: EngineKind) -> tuple[str, ...]:
    """What the console can't do with an engine of this kind, or can't see on it; a sentence each."""
    return _LIMITS[kind]
