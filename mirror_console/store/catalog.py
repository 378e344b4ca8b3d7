"""The catalog: one SQLite file, read and changed in transactions that give and take values of the domain alone."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from mirror_console.domain.audit import Author
from mirror_console.domain.changes import Changes
from mirror_console.errors import CatalogError
from mirror_console.store import failures, heard
from mirror_console.store.audit_acts import acts
from mirror_console.store.books import Books
from mirror_console.store.collection import Changing
from mirror_console.store.connection import beginning, connected, pooled, raw
from mirror_console.store.examination import Examined, examined
from mirror_console.store.place import is_new, keep_private
from mirror_console.store.upgrade import REVISIONS, bring_up, copy, create

_TURN_SECONDS = 30.0
"""How long a change waits for the others of this program; each takes milliseconds."""

log = logging.getLogger(__name__)


class Catalog:
    """The local catalog. Many threads may read at any time; their changes take turns.

    Every change that counts is written to the audit in its own transaction, in the name of the `author`.
    """

    def __init__(self, path: Path, identity: str, author: Author, *, read_only: bool) -> None:
        self.path = path
        self._id = identity
        self._author = author
        self._read_only = read_only
        self._engine = pooled(path, read_only=read_only)
        # A connection of its own: what it changes is heard, and only one change is made at a time.
        self._writer = pooled(path, read_only=read_only, at_most=1, made=heard.listen)
        self._writing = beginning(self._writer, "IMMEDIATE")
        self._turn = threading.Lock()
        self._holds_turn: int | None = None
        self._listeners: list[Callable[[Changes], None]] = []

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        read_only: bool = False,
        author: Author | None = None,
        claim: Callable[[], None] | None = None,
    ) -> Self:
        """Open a catalog; make it where there is none; give it the form of this version where it is an earlier one's.

        Raises CatalogError where the file isn't a catalog, is damaged, from a newer version or another program's, where
        others may change it, where it is on a network, or where the disk or a right says no. It is then as it was.
        Who opens it to change it holds its CatalogLock. For reading only, nothing is made and nothing changed, unless
        `claim` takes that lock: it is called where the catalog has to be made or to be given this version's form first.
        """
        with failures.of_files(path), failures.of_sqlite(path):
            path = path.expanduser().resolve()
            if is_new(path):
                if not read_only:
                    create(path)
                elif claim is None:
                    raise CatalogError(
                        f"There is no catalog {path} yet.",
                        "Open the console once without reading only: it makes an empty one.",
                    )
                else:
                    claim()
                    # Whoever had the lock may have made it meanwhile.
                    if is_new(path):
                        create(path)
            found = _look(path)
            if not read_only or claim is not None:
                keep_private(path)
            if read_only and not found.is_current:
                if claim is None:
                    raise CatalogError(
                        f"The catalog {path} was written by an earlier version and needs another form.",
                        "Open the console once without reading only: it makes a backup and changes the form.",
                    )
                claim()
                found = _look(path)
            if not found.is_current:
                bring_up(path, REVISIONS[-1])
            if not read_only:
                _demand_write_ahead(path)
        return cls(path, found.id, author or Author(_now), read_only=read_only)

    @property
    def id(self) -> str:
        """The identity that was made with the catalog: 32 hex digits."""
        return self._id

    @property
    def free_disk(self) -> int:
        """Octets that are free on the disk where it is. Raises CatalogError where that can't be told."""
        with failures.of_files(self.path):
            return shutil.disk_usage(self.path.parent).free

    @contextmanager
    def read(self) -> Iterator[Books]:
        """A transaction that sees the catalog as it was at its first question, whoever changes it meanwhile."""
        with failures.of_sqlite(self.path), self._engine.connect() as connection, connection.begin():
            yield Books(connection, None, self._author)

    @contextmanager
    def write(self) -> Iterator[Books]:
        """A transaction that changes the catalog: kept whole at the end, or on an exception not at all.

        Raises CatalogError where the catalog is locked, full, for reading only or damaged, or refuses the change.
        Raises RuntimeError within another one of the same thread, which would wait for itself.
        """
        if self._read_only:
            raise CatalogError(
                "The catalog was opened for reading only.", "Open the console without reading only to change it."
            )
        changed: Changing = {}
        with (
            self._one_at_a_time(),
            failures.of_sqlite(self.path),
            self._writing.connect() as connection,
            connection.begin() as transaction,
        ):
            books = Books(connection, changed, self._author)
            yield books
            changes = heard.taken(raw(connection))
            if changes:
                books.audit.write(acts(connection, changes))
            try:
                transaction.commit()
            except sa.exc.DBAPIError as failure:
                named = _end_refused(connection)
                if named is None:
                    raise
                raise named from failure
        self._publish(Changes({name: None if of is None else frozenset(of) for name, of in changed.items()}))

    def subscribe(self, listener: Callable[[Changes], None]) -> Callable[[], None]:
        """Call `listener` after each commit with the collections of Books that changed.

        It runs on the thread that committed. What it raises is logged: the change is kept all the same. Call what is
        returned to end it.
        """
        self._listeners = [*self._listeners, listener]

        def end() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return end

    def backup(self, to: Path) -> None:
        """Write a whole copy of the catalog to a file, in place of one that is there. Raises CatalogError."""
        if to.expanduser().resolve() == self.path:
            raise CatalogError("A backup can't take the place of the catalog itself.", "Choose another file.")
        with failures.of_files(to), failures.of_sqlite(to):
            copy(self.path, to.expanduser().resolve())

    def close(self) -> None:
        """Close all connections. The last one to close puts everything into the one file."""
        self._engine.dispose()
        self._writer.dispose()
        if self._read_only:
            _take_away_empty_log(self.path)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Changes of this program take turns in memory: SQLite would let them sleep and try again."""
        me = threading.get_ident()
        if self._holds_turn == me:
            raise RuntimeError("a change was begun within another one of the same thread")
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise failures.busy(self.path)
        self._holds_turn = me
        try:
            yield
        finally:
            self._holds_turn = None
            self._turn.release()

    def _publish(self, changed: Changes) -> None:
        if not changed:
            return
        for listener in self._listeners:
            try:
                listener(changed)
            except Exception:
                log.exception("a listener failed; the change of %s is kept", ", ".join(sorted(changed)))


def _now() -> datetime:
    """The time where nobody said what tells it."""
    return datetime.fromtimestamp(time.time(), UTC)


def _look(path: Path) -> Examined:
    """Look at the file without a right to write: a refused one stays as it is to the last byte."""
    with closing(connected(path, read_only=True)) as connection:
        return examined(connection, path)


def _take_away_empty_log(path: Path) -> None:
    """Have SQLite take away the log and its index that were made for reading: a connection that only reads can't.

    Only where nothing stands in the log, so that nothing in the file is changed. Whether anybody else has it open is
    for SQLite to know, which looks at that under its own lock as the last connection closes: then both stay.
    """
    beside = path.with_name(path.name + "-wal")
    try:
        if beside.exists() and not beside.stat().st_size:
            with closing(connected(path)) as connection:
                connection.execute("PRAGMA schema_version").fetchone()
    except (OSError, sqlite3.Error) as failure:
        # They do no harm, and the next one to close takes them away.
        log.info("the empty log beside the catalog stays: %s", failure)


def _demand_write_ahead(path: Path) -> None:
    with closing(connected(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise CatalogError(
                f"The disk of the catalog {path} can't share memory between programs, which SQLite needs.",
                "Keep the catalog on an ordinary disk of this machine.",
            )
        # Without a change there is no proof that one could be made; this takes the lock and gives it back.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _end_refused(connection: sa.Connection) -> CatalogError | None:
    """Roll back a transaction whose commit was refused: SQLite keeps it open, SQLAlchemy takes it for ended.

    Before, ask it which of its entries names one that isn't there.
    """
    beneath = raw(connection)
    if not beneath.in_transaction:
        return None
    try:
        found = beneath.execute("PRAGMA foreign_key_check").fetchone()
    finally:
        beneath.execute("ROLLBACK")
    return failures.dangling(found[0], found[2]) if found else None
