"""A swap: how the new container takes over."""

from __future__ import annotations

from enum import StrEnum

from mirror_console.domain.environment import Settings
from mirror_console.domain.route import may_start_beside


class Swap(StrEnum):
    """How the new container takes over."""

    CREATE = "create"
    RECREATE = "recreate"
    BESIDE = "start beside"
    """The new one runs beside the old one until it has its requests."""
    IN_PLACE = "in place"
    """The container stays: the engine changes its limits while it runs."""
    SERVICE = "service update"
    """A service of a Swarm, which exchanges its tasks itself, one after the other."""


def swap_for(settings: Settings, *, present: bool, swarm: bool = False) -> Swap:
    """How a container that is made of these settings takes over from one that is `present`.

    Of a `swarm` it is a service that is updated: it is there already, or nothing is planned.
    """
    if swarm:
        return Swap.SERVICE
    if not present:
        return Swap.CREATE
    host_ports = [port.host for port in settings.ports]
    return Swap.BESIDE if may_start_beside(settings.route, host_ports) else Swap.RECREATE
