"""The console: what every operation is handed, the catalog, the engines, the keyring, the time and the person."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain.engine import Engine
from mirror_console.domain.image import HUB
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.power import Power, Supply
from mirror_console.domain.request import RegistryLogin
from mirror_console.errors import NotAllowed
from mirror_console.operations.keyed import Keyed
from mirror_console.operations.ports.catalog import Catalog, Wishes
from mirror_console.operations.ports.computer import Computer
from mirror_console.operations.ports.engine import Engines
from mirror_console.operations.ports.vault import Vault


def new_id() -> str:
    """A new identity for a noun of the catalog: 32 hex digits."""
    return uuid.uuid4().hex


class NoWishes:
    """Nobody else is there who could wish anything."""

    def leave(self, run: str, rollout_id: str, wish: str) -> None:
        """Nobody would hear it."""
        raise NotAllowed(f"Nobody hears the wish to {wish}.", "It can be done where the rollout runs.")

    def take(self, run: str, rollout_id: str) -> str:
        """Nothing."""
        return ""


class NeverSleeps:
    """A computer that needn't be kept awake."""

    def awake(self) -> AbstractContextManager[None]:
        """Nothing has to be done for it."""
        return nullcontext()

    def power(self) -> Power:
        """Nothing is the matter with it."""
        return Power(Supply.NO_BATTERY)


@dataclass(frozen=True, slots=True)
class Console:
    """The parts that operations work on. Made once, by mirror_console.app.

    `clock` gives the time of day in UTC, `monotonic` seconds for measuring spans, `sleep` waits.
    `read_only` holds why nothing may be changed; empty means that it may.
    """

    catalog: Catalog
    engines: Engines
    vault: Vault
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    person: str
    machine: str
    read_only: str = ""
    simulated: bool = False
    run: str = field(default_factory=new_id)
    """The identity of this run of the program."""
    holder: Callable[[], str] = lambda: ""
    """The run of the program that holds the catalog for changes now; empty where none does. Only it can be carrying
    a rollout out."""
    lock_times: LockTimes = field(default_factory=LockTimes)
    """Those of locks, the same for all consoles."""
    wishes: Wishes = field(default_factory=NoWishes)
    """What commands want of the run that holds the catalog."""
    computer: Computer = field(default_factory=NeverSleeps)
    """The one that this runs on: it stays awake while locks are held."""
    keyed: Keyed = field(init=False, repr=False, compare=False)
    """The keyed hashes by which values of secrets are compared."""
    mark: Callable[[str], None] = lambda _boundary: None
    """Called at every boundary of a step with its name: where a test cuts the program off."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keyed", Keyed(self.vault, self.monotonic))

    def demand_write(self) -> None:
        """Raises NotAllowed where nothing may be changed."""
        if self.read_only:
            raise NotAllowed("Nothing can be changed now.", self.read_only)

    def engine(self, engine_id: str) -> Engine:
        """An engine by id, read from the catalog."""
        with self.catalog.read() as books:
            return books.engines.get(engine_id)

    def login(self, host: str) -> RegistryLogin | None:
        """Name and password for a registry, from the keyring; None where none is known. Raises VaultError.

        `host` as a reference names it; empty is Docker Hub.
        """
        with self.catalog.read() as books:
            registry = books.registries.by_host(host or HUB)
        if registry is None:
            return None
        return RegistryLogin(registry.host, registry.user, self.vault.get(registry.password))
