"""Catalogs for tests that are of something else: new ones are copies of one that the program made."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

from mirror_console.domain.audit import Author
from mirror_console.store import Catalog
from mirror_console.store.place import make_folder
from mirror_console.store.upgrade import copy


def opened_catalog(path: Path, author: Author | None = None) -> Catalog:
    """Open a catalog. Where there is none, an empty one with an identity of its own is made first."""
    if path.exists():
        return Catalog.open(path, author=author)
    make_folder(path.parent)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(empty_catalog())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        with connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'id'", (uuid.uuid4().hex,))
    return Catalog.open(path, author=author)


@functools.cache
def empty_catalog() -> bytes:
    """The file of a catalog that the program has just made."""
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        made = Path(folder) / "catalog.sqlite"
        Catalog.open(made).close()
        whole = made.with_name("copy.sqlite")
        copy(made, whole)
        return whole.read_bytes()
