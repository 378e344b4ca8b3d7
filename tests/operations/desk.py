"""An empty catalog on disk with a keyring in memory, for tests of what fills it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.engine import DockerEngines
from mirror_console.operations.console import Console
from mirror_console.store import Catalog
from mirror_console.vault import MemoryVault
from tests.operations.fleet import now

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


@contextmanager
def empty_console(folder: Path, read_only: str = "") -> Iterator[Console]:
    """A console on a new catalog in a folder."""
    catalog = Catalog.open(folder / "catalog" / "catalog.sqlite")
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
