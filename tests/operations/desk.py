"""An empty catalog on disk with a keyring in memory, for tests of what fills it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mirror_console.domain.audit import Author
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.engine import DockerEngines
from mirror_console.operations.console import Console
from mirror_console.operations.ports.vault import Vault
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.operations.fleet import now

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


@contextmanager
def empty_console(folder: Path, read_only: str = "") -> Iterator[Console]:
    """A console on a new catalog in a folder."""
    catalog = opened_catalog(folder / "catalog" / "catalog.sqlite", Author(now, "operator", "desk"))
    vault = MemoryVault()
    engines = DockerEngines(vault, now)
    try:
        yield Console(catalog, engines, vault, now, time.monotonic, time.sleep, "operator", "desk", read_only)
    finally:
        engines.close()
        catalog.close()


def held(console: Console, name: str) -> Secret | None:
    """What the keyring has under a name."""
    reference = SecretReference(name)
    return console.vault.get(reference) if console.vault.has(reference) else None


class Raced:
    """A vault during whose work something happens: between the look at the catalog and its change."""

    def __init__(self, vault: Vault, meanwhile: Callable[[], None]) -> None:
        self._vault = vault
        self._meanwhile = meanwhile

    def get(self, reference: SecretReference) -> Secret:
        return self._vault.get(reference)

    def find(self, reference: SecretReference) -> Secret | None:
        return self._vault.find(reference)

    def has(self, reference: SecretReference) -> bool:
        return self._vault.has(reference)

    def put(self, reference: SecretReference, secret: Secret) -> None:
        self._meanwhile()
        self._vault.put(reference, secret)

    def forget(self, reference: SecretReference) -> None:
        self._vault.forget(reference)

    def state(self) -> VaultState:
        return self._vault.state()

    def unlock(self) -> VaultState:
        return self._vault.unlock()

    @property
    def for_this_run_only(self) -> bool:
        return self._vault.for_this_run_only

    def keep_for_this_run_only(self) -> None:
        self._vault.keep_for_this_run_only()
