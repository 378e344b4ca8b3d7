"""Listing: all that an engine has, and the services of its Swarm where environments are placed on it that are such."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mirror_console.domain.environment import Placed
from mirror_console.domain.observation import Listed
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.swarm_session import session_of


def list_all(session: EngineSession, *, swarm: bool) -> list[Listed]:
    """All containers; with `swarm` all services and their locks too. Raises EngineError."""
    return [*session.list_containers(), *(list_services(session) if swarm else [])]


def list_services(session: EngineSession) -> list[Listed]:
    """All services of its Swarm and their locks. Raises EngineError.

    None where it manages none: then those that are placed there are missing, and its other environments are not.
    """
    try:
        return session_of(session, swarm=True).list_containers()
    except EngineError as error:
        if error.kind is not FailureKind.REJECTED:
            raise
        return []


def by_kind(
    placed: Iterable[Placed], listed: Sequence[Listed]
) -> list[tuple[bool, Sequence[Placed], Sequence[Listed]]]:
    """Containers with the environments that are such, and services with those of a Swarm: no name is of both."""
    services = [one for one in listed if one.swarm]
    of_swarm = [one for one in placed if one.swarm]
    if not of_swarm and not services:
        return [(False, tuple(placed), listed)]
    plain = [one for one in placed if not one.swarm]
    return [(False, plain, [one for one in listed if not one.swarm]), (True, of_swarm, services)]
