"""A chain of lines: each is bound to the one before by a hash, so that one that was changed, moved or cut out is found.

Before the first line stands the catalog's identity. Against lines that were cut off at the end by whoever can also
write the table's counter, and against a chain that was made anew as a whole, it is no help.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from mirror_console.store.tables import meta


def last_of(table: sa.Table) -> str:
    """The query for a chain's last line: `sequence` and `hash`, None at first, and the `catalog` that it begins with.

    Plain SQL, as it is asked in nearly every change: the making of a statement costs more than its execution.
    """
    return (
        f"SELECT (SELECT seq FROM sqlite_sequence WHERE name = '{table.name}') AS sequence,"  # noqa: S608 # a name of ours
        f" (SELECT hash FROM {table.name} ORDER BY sequence DESC LIMIT 1) AS hash,"
        " (SELECT value FROM meta WHERE key = 'id') AS catalog"
    )


def linked(previous: str, text: str) -> str:
    """The hash of a line, after that of the line before."""
    return hashlib.sha256((previous + text).encode()).hexdigest()


def first_broken(
    connection: sa.Connection, table: sa.Table, text: sa.Column[str], fits: Callable[[sa.Row[Any]], bool]
) -> int | None:
    """The number of the first line that isn't as it was written, or is missing; None where the chain holds.

    `text` is the column over which the hash runs; `fits` says whether the other columns say what it says.
    """
    previous = connection.scalars(sa.select(meta.c.value).where(meta.c.key == "id")).one()
    expected = 1
    for row in connection.execute(sa.select(table).order_by(table.c.sequence)):
        if row.sequence != expected or row.hash != linked(previous, row._mapping[text]) or not fits(row):
            return expected
        previous, expected = row.hash, expected + 1
    written = connection.exec_driver_sql(last_of(table)).one().sequence or 0
    return expected if expected <= written else None
