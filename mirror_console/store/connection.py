"""Connections to the catalog's file, each set up the same way before anything is asked of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

BUSY_MILLISECONDS = 5000
"""How long a connection waits for another program's lock."""

_BEGIN = "catalog_begin"


def connected(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to a file that is there. Its statements commit by themselves unless a transaction is begun.

    Whatever stands in the file is trusted with nothing: no function with side effects is called from its schema.
    Every commit is on the disk when it returns (`synchronous`, and `fullfsync` where macOS would keep it in its cache).
    """
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        for setting in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "foreign_keys=ON",
            "synchronous=FULL",
            "fullfsync=1",
            "checkpoint_fullfsync=1",
        ):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def pooled(
    path: Path,
    *,
    read_only: bool = False,
    at_most: int | None = None,
    made: Callable[[sqlite3.Connection], None] = lambda _connection: None,
) -> sa.Engine:
    """Connections to share between threads, each for one transaction at a time; more are made when all are taken.

    `at_most` limits them; `made` is called with each that is made.
    """

    def connect() -> sqlite3.Connection:
        connection = connected(path, read_only=read_only)
        made(connection)
        return connection

    engine = sa.create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=at_most or 4,
        max_overflow=0 if at_most else -1,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "begin")
    def _(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get(_BEGIN, "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def beginning(engine: sa.Engine, mode: str) -> sa.Engine:
    """The same connections, whose transactions begin IMMEDIATE (to change) or EXCLUSIVE (to change the tables).

    One that began DEFERRED, read, and then writes fails at once where another has written meanwhile.
    """
    return engine.execution_options(**{_BEGIN: mode})


def raw(connection: sa.Connection) -> sqlite3.Connection:
    """The connection beneath: for what must be asked outside of a transaction, and for lines that each step writes.

    Its errors are sqlite3's own.
    """
    beneath = connection.connection.driver_connection
    if not isinstance(beneath, sqlite3.Connection):
        raise TypeError("not a connection to SQLite")
    return beneath
