"""Looks for secrets where they must not be, and reads those of the keyring past the program."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import secretstorage

ANCHOR = "catalog/audit-head"


def leaks(secrets: Iterable[str], *places: Path) -> list[str]:
    """Files, among these and below these folders, that hold a secret. Of a PEM text each line counts that tells of it.

    There are files to look through, and something to look for.
    """
    lines = {line.encode() for secret in secrets for line in secret.splitlines() if not line.startswith("-----")}
    assert lines
    assert all(len(line) >= 8 for line in lines), "a word so short is found by chance"
    files = [file for place in places for file in (place, *place.rglob("*")) if file.is_file()]
    assert files, f"there is nothing to look through in {places}"
    return [str(file) for file in files if any(line in file.read_bytes() for line in lines)]


def kept(catalog: Path) -> dict[str, str]:
    """The credentials that the keyring holds for a catalog, by reference name, asked of the Secret Service itself.

    The head of the audit, which is anchored there too, is no secret and isn't among them.
    """
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        (identity,) = connection.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    start = f"mirror-console/{identity}/"
    with closing(secretstorage.dbus_init()) as bus:
        items = list(secretstorage.get_default_collection(bus).get_all_items())
        found = {item.get_attributes().get("service", ""): item.get_secret().decode() for item in items}
    # An entry begins with a sign that says how the secret lies in it: '=' is whole.
    return {
        service.removeprefix(start): text.removeprefix("=")
        for service, text in found.items()
        if service.startswith(start) and service != start + ANCHOR
    }


@dataclass
class Seen:
    """What somebody else on the machine could see of a running process: its command line, variables and open files."""

    words: set[bytes] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    looks: int = 0

    def watch(self, pid: int) -> None:
        """Look at a process, over and over, until it has ended."""
        place = Path(f"/proc/{pid}")
        while True:
            try:
                command = (place / "cmdline").read_bytes()
                if not command:
                    return  # it has ended, and waits to be asked how
                self.words |= {command, (place / "environ").read_bytes()}
                self.files |= {os.readlink(entry) for entry in (place / "fd").iterdir()}
            except (FileNotFoundError, ProcessLookupError):
                # A file was closed, or the process ended, between two looks.
                if not place.exists():
                    return
                continue
            self.looks += 1
            time.sleep(0.01)
