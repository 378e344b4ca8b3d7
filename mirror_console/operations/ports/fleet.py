"""What a person keeps in the catalog: applications, environments, engines, and who may reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from mirror_console.domain.access import Access
from mirror_console.domain.account import Account
from mirror_console.domain.application import Application
from mirror_console.domain.engine import Address, Contact, Engine, Registry
from mirror_console.domain.environment import Environment, Placed
from mirror_console.domain.schedule import Freeze, Schedule, Window


class Applications(Protocol):
    """Sources and mirrors."""

    def all(self) -> list[Application]: ...
    def sources(self) -> list[Application]: ...
    def some(self, application_ids: Iterable[str]) -> list[Application]:
        """Those of these that are there."""

    def get(self, application_id: str) -> Application:
        """Raises KeyError."""

    def by_slug(self, slug: str) -> Application | None: ...
    def save(self, application: Application) -> None: ...
    def remove(self, application_id: str) -> None:
        """With its environments. Raises CatalogError where mirrors still name it as their source."""


class Environments(Protocol):
    """Environments, of sources and of mirrors. At most one per application and name."""

    def all(self) -> list[Environment]: ...
    def get(self, environment_id: str) -> Environment:
        """Raises KeyError."""

    def of(self, application_id: str) -> list[Environment]: ...
    def following(self) -> list[Environment]:
        """Those that follow a registry's tag."""

    def in_groups(self, groups: Iterable[str]) -> list[Environment]:
        """Those that share their data under one of these names, whatever their source."""

    def some(self, environment_ids: Iterable[str]) -> list[Environment]:
        """Those of these that are there."""

    def placed_on(self, engine_id: str) -> list[Placed]:
        """The processes that are placed on one engine."""

    def swarm_engines(self) -> frozenset[str]:
        """The engines on which environments are placed that are services of a Swarm, by their identities."""

    def save(self, environment: Environment) -> None: ...
    def remove(self, environment_id: str) -> None: ...


class EngineBook(Protocol):
    """Engines and the outcome of the last attempt to reach each."""

    def all(self) -> list[Engine]: ...
    def get(self, engine_id: str) -> Engine:
        """Raises KeyError."""

    def by_name(self, name: str) -> Engine | None: ...
    def save(self, engine: Engine) -> None: ...
    def remember_key(self, engine_id: str, address: Address, key: str) -> None:
        """The key that the server at an address was seen to have by TLS; one that is kept for it already stays."""

    def remember_identity(self, engine_id: str, address: Address, identity: str) -> None:
        """By what the daemon at an address knows itself; what is kept for it already stays."""

    def remove(self, engine_id: str) -> None:
        """Raises CatalogError where environments are still placed on it."""

    def contacts(self) -> dict[str, Contact]: ...
    def contact(self, engine_id: str) -> Contact | None: ...
    def save_contact(self, contact: Contact, *, news: bool = True) -> None:
        """Without `news` only its times are others, and so listeners are told: ``times`` has changed."""


class Accesses(Protocol):
    """Accounts' credentials on engines, and the outcome of the last attempt with each."""

    def all(self) -> list[Access]: ...
    def of(self, engine_id: str) -> list[Access]: ...
    def save(self, access: Access) -> None: ...
    def remove(self, engine_id: str, account: str) -> None: ...
    def contacts(self) -> dict[tuple[str, str], Contact]:
        """By engine and account."""

    def save_contact(self, account: str, contact: Contact) -> None: ...


class Registries(Protocol):
    """Registries that ask for a password."""

    def all(self) -> list[Registry]: ...
    def by_host(self, host: str) -> Registry | None: ...
    def save(self, registry: Registry) -> None: ...
    def remove(self, registry_id: str) -> None: ...


class Accounts(Protocol):
    """Accounts, by name."""

    def all(self) -> list[Account]: ...
    def save(self, account: Account) -> None: ...


class ScheduleBook(Protocol):
    """Maintenance windows and freezes: when environments may be changed."""

    def all(self) -> Schedule: ...
    def save_window(self, value: Window) -> None: ...
    def save_freeze(self, value: Freeze) -> None: ...
    def remove(self, identity: str) -> None:
        """A window or a freeze. That it isn't there is fine."""
