"""The services of a Swarm, as operations need them: each call of a manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mirror_console.domain.request import RegistryLogin
from mirror_console.domain.swarm import ServiceChange, SwarmConfig, SwarmNode, SwarmService, Task


class SwarmVerbs(Protocol):
    """What a manager of a Swarm is asked. Raises EngineError(REJECTED) where the engine is none."""

    def swarm_services(self) -> list[SwarmService]:
        """All services, in one request."""

    def swarm_service(self, service: str) -> SwarmService | None:
        """By id or exact name. None where there is none."""

    def swarm_tasks(self, service_id: str = "") -> list[Task]:
        """The tasks of a service, those that ended lately too; without an id those of all services, in one request."""

    def update_service(self, service_id: str, version: int, change: ServiceChange, login: RegistryLogin | None) -> None:
        """Have a service updated. Raises EngineError(CONFLICT) where its version is another one by now.

        The reply means that the update has begun, no more: look at its tasks. Without a login its Swarm pulls with the
        one that it keeps for this service.
        """

    def roll_service_back(self, service_id: str, version: int) -> None:
        """Have its Swarm make a service what it was before its last update, labels too.

        Raises EngineError(CONFLICT) where its version is another one by now, REJECTED where nothing is kept of before.
        """

    def update_no_service(self) -> None:
        """Ask for the update of a service that can't be there, and change nothing: whether that may be asked for.

        Raises EngineError: NOT_FOUND where it may.
        """

    def swarm_nodes(self) -> list[SwarmNode]:
        """All nodes, in one request."""

    def configs(self) -> list[SwarmConfig]:
        """All configs, in one request, without what they hold."""

    def config(self, config: str) -> SwarmConfig | None:
        """By id or exact name. None where there is none."""

    def create_config(self, name: str, labels: Mapping[str, str]) -> str:
        """Make an empty config; its id. Raises EngineError(CONFLICT) where the name is taken."""

    def set_config_labels(self, config_id: str, version: int, labels: Mapping[str, str]) -> None:
        """Give a config other labels. Raises EngineError(CONFLICT) where its version is another one by now."""

    def remove_config(self, config_id: str) -> None:
        """By id. Removing what isn't there is fine."""
