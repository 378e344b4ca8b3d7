"""The catalog, as operations need it: transactions on its collections."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from mirror_console.domain.changes import Changes
from mirror_console.operations.ports.fleet import (
    Accesses,
    Accounts,
    Applications,
    EngineBook,
    Environments,
    Registries,
    ScheduleBook,
)
from mirror_console.operations.ports.history import AuditTrail, Commands, Journal, Plans, Rollouts
from mirror_console.operations.ports.seen import AppliedBook, HeldImages, Observations, Releases, Tags


class Catalog(Protocol):
    """The local catalog. No transaction may span a request to an engine."""

    @property
    def free_disk(self) -> int:
        """Octets that are free on the disk where it is. Raises CatalogError where that can't be told."""

    @property
    def id(self) -> str:
        """An identity made with the catalog: it tells consoles apart on engines, and names the catalog's secrets."""

    def read(self) -> AbstractContextManager[Books]: ...
    def write(self) -> AbstractContextManager[Books]:
        """Commits at the end; rolls back on an exception. Raises CatalogError (locked, disk full, read-only)."""

    def subscribe(self, listener: Callable[[Changes], None]) -> Callable[[], None]:
        """Call `listener` after each commit with the collections that changed. Returns how to end it.

        The listener runs on the thread that committed.
        """


class Books(Protocol):
    """One transaction on the catalog: a collection for each noun. Only domain values go in and out."""

    @property
    def applications(self) -> Applications: ...
    @property
    def environments(self) -> Environments: ...
    @property
    def engines(self) -> EngineBook: ...
    @property
    def accesses(self) -> Accesses: ...
    @property
    def registries(self) -> Registries: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def releases(self) -> Releases: ...
    @property
    def tags(self) -> Tags: ...
    @property
    def images(self) -> HeldImages: ...
    @property
    def observations(self) -> Observations: ...
    @property
    def applied(self) -> AppliedBook: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def rollouts(self) -> Rollouts: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def commands(self) -> Commands: ...
    @property
    def schedule(self) -> ScheduleBook: ...
    @property
    def audit(self) -> AuditTrail: ...


class Wishes(Protocol):
    """What a command wants of the run of the program that holds the catalog."""

    def leave(self, run: str, rollout_id: str, wish: str) -> None:
        """Leave a wish for that run. Raises CatalogError."""

    def take(self, run: str, rollout_id: str) -> str:
        """What is wished of a rollout that this run carries out, once; empty where nothing is."""
