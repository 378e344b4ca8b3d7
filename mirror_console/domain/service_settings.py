"""What of an environment's settings comes to a service of a Swarm: all else its stack decides about.

A rollout writes what is left here, and nothing besides; so nothing besides is compared, planned, recorded or waits.
"""

from __future__ import annotations

from dataclasses import replace

from mirror_console.domain.environment import HealthTest, RestartPolicy, Settings


def brought(settings: Settings) -> Settings:
    """Settings with what comes to a service alone, and how long it is waited for. Once more, they stay the same."""
    health = HealthTest(settle=settings.health.settle, limit=settings.health.limit)
    return replace(
        settings,
        ports=(),
        volumes=(),
        networks=(),
        restart=RestartPolicy.UNLESS_STOPPED,
        health=health,
        labels={},
        route=None,
    )


def as_compared(settings: Settings, *, swarm: bool) -> Settings:
    """Settings as they are held against others: of a service of a `swarm` those that come to it.

    For how long it is waited for is no part of a service: a rollout for that alone would exchange its tasks in vain.
    """
    return replace(brought(settings), health=HealthTest()) if swarm else settings


def left_to_its_stack(settings: Settings) -> tuple[str, ...]:
    """What settings ask for that doesn't come to a service, by its names."""
    test = settings.health
    names = {
        "ports": bool(settings.ports),
        "volumes": bool(settings.volumes),
        "networks": bool(settings.networks),
        "route": settings.route is not None,
        "labels": bool(settings.labels),
        "restart policy": settings.restart is not RestartPolicy.UNLESS_STOPPED,
        "health over HTTP": bool(test.path),
    }
    return tuple(name for name, given in names.items() if given)
