"""Catalogs for tests that are of something else: new ones are copies of one that the program made."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from mirror_console.domain.audit import Author
from mirror_console.operations.ports.catalog import Books
from mirror_console.store import Catalog
from mirror_console.store.failures import disk_full
from mirror_console.store.place import make_folder
from mirror_console.store.upgrade import copy


def opened_catalog(path: Path, author: Author | None = None) -> Catalog:
    """Open a catalog. Where there is none, an empty one with an identity of its own is made first."""
    if not path.exists():
        with _put(path, empty_catalog()) as connection, connection:
            connection.execute("UPDATE meta SET value = ? WHERE key = 'id'", (uuid.uuid4().hex,))
    return Catalog.open(path, author=author)


def has_no_room_while(full: Sequence[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as there is something in `full`, no catalog can be written: its disk is full, it says."""
    write = Catalog.write

    def write_where_there_is_room(catalog: Catalog) -> AbstractContextManager[Books]:
        if full:
            raise disk_full(catalog.path)
        return write(catalog)

    monkeypatch.setattr(Catalog, "write", write_where_there_is_room)


def put_back(path: Path, whole: bytes) -> None:
    """Put a catalog's whole file where there is none."""
    with _put(path, whole):
        pass


@contextmanager
def _put(path: Path, whole: bytes) -> Iterator[sqlite3.Connection]:
    make_folder(path.parent)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        yield connection


def whole_file(path: Path) -> bytes:
    """What `put_back` takes: all of a catalog, also what stands beside it in the write-ahead log."""
    whole = path.with_name("copy.sqlite")
    copy(path, whole)
    try:
        return whole.read_bytes()
    finally:
        whole.unlink()


@functools.cache
def empty_catalog() -> bytes:
    """The file of a catalog that the program has just made."""
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        made = Path(folder) / "catalog.sqlite"
        Catalog.open(made).close()
        return whole_file(made)


def lose_journal(catalog: Path) -> None:
    """Delete every line of it, and what is noted of targets beside their rollout's plan."""
    with closing(sqlite3.connect(catalog)) as connection, connection:
        name, text = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%DELETE ON journal%'"
        ).fetchone()
        connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM journal")
        connection.execute("UPDATE target SET step = NULL, words = ''")
        connection.execute(text)
