"""The look at a catalog before it is used: it is whole, of a known form, and holds nothing that acts by itself."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import mirror_console
from mirror_console.errors import CatalogError
from mirror_console.store import failures
from mirror_console.store.tables import TRIGGERS, metadata
from mirror_console.store.upgrade import REVISIONS


@dataclass(frozen=True, slots=True)
class Examined:
    """What a sound catalog says of itself: its identity, and which form its tables have."""

    id: str
    revision: str

    @property
    def is_current(self) -> bool:
        """Whether it has the form that this version works on."""
        return self.revision == REVISIONS[-1]


def examined(connection: sqlite3.Connection, path: Path) -> Examined:
    """Look at a catalog over a connection that only reads.

    Raises CatalogError where it is damaged, was made by a newer version, or holds triggers, views or virtual tables.
    """
    said = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != ("ok",):
        raise failures.damaged(path, "its pages aren't whole")
    tables = _tables(connection, path)
    if not {"meta", "alembic_version"} <= tables:
        raise failures.damaged(path, "tables are missing")
    about = dict(connection.execute("SELECT key, value FROM meta"))
    revisions = [revision for (revision,) in connection.execute("SELECT version_num FROM alembic_version")]
    if len(revisions) != 1:
        raise failures.damaged(path, "it doesn't say which form its tables have")
    if revisions[0] not in REVISIONS:
        raise _of_a_newer_one(path, str(about.get("program", ""))[:40], str(revisions[0])[:40])
    identity = about.get("id", "")
    if not re.fullmatch(r"[0-9a-f]{32}", identity):
        raise failures.damaged(path, "it has no identity")
    found = Examined(identity, revisions[0])
    if found.is_current and not metadata.tables.keys() <= tables:
        raise failures.damaged(path, "tables are missing")
    return found


def _of_a_newer_one(path: Path, program: str, revision: str) -> CatalogError:
    """What tells it apart is the form of its tables: two builds may have one number, and then that says nothing."""
    ours = mirror_console.__version__
    forms = f"its tables have the form {revision}, and this one knows those up to {REVISIONS[-1]}"
    if program in {"", ours}:
        return CatalogError(
            f"The catalog {path} was written by a newer Mirror Console than this one: {forms}.",
            "Open it with the one that wrote it or a newer one. Nothing was changed.",
        )
    return CatalogError(
        f"The catalog {path} was written by Mirror Console {program}; this is {ours}: {forms}.",
        "Open it with that version or a newer one. Nothing was changed.",
    )


def _tables(connection: sqlite3.Connection, path: Path) -> set[str]:
    tables = set()
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema"):
        match kind:
            case "table" if not str(sql).upper().startswith("CREATE VIRTUAL"):
                tables.add(name)
            case "index":
                continue
            case "trigger" if TRIGGERS.get(name) == sql:
                continue
            case _:
                raise CatalogError(
                    f"The catalog {path} holds something that no version of Mirror Console put there ({kind}).",
                    "It may have been made to do harm. Put a backup in its place. Nothing of it was run.",
                )
    return tables
