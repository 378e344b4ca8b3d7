"""How a catalog is made, and how one of an earlier version takes the form of this one.

Alembic does it inside the program, without an ini file, in one exclusive transaction, after a backup of the catalog. It
is imported only when there is something to do.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

import mirror_console
from mirror_console.errors import CatalogError
from mirror_console.store import failures
from mirror_console.store.connection import beginning, connected, pooled, raw
from mirror_console.store.place import make_folder, settle
from mirror_console.store.tables import APPLICATION_ID, meta

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""The forms of the tables, oldest first; each is a module in ``migrations/versions``."""

MIGRATIONS = "mirror_console.store:migrations"
BACKUPS_KEPT = 3


def create(path: Path, migrations: str = MIGRATIONS) -> None:
    """Make an empty catalog with an identity of its own. It has its name only once it is whole."""
    make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".new")
    os.close(descriptor)
    made = Path(name)
    try:
        with closing(connected(made)) as connection:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode=WAL")
        _migrate(made, migrations, [sa.insert(meta).values(key="id", value=uuid.uuid4().hex)])
        settle(made, path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            made.with_name(made.name + suffix).unlink(missing_ok=True)


def bring_up(path: Path, revision: str, migrations: str = MIGRATIONS) -> None:
    """Give a catalog the form of `revision`, after a backup of it as it is.

    Raises CatalogError where a migration fails; the catalog is then as it was.
    """
    backup = path.with_name(f"{path.stem}.before-{revision}{path.suffix}")
    copy(path, backup)
    for old in sorted(path.parent.glob(f"{path.stem}.before-*{path.suffix}"))[:-BACKUPS_KEPT]:
        old.unlink()
    try:
        _migrate(path, migrations, [])
    except (sa.exc.DBAPIError, sqlite3.Error, CatalogError):
        raise
    except Exception as failure:
        raise CatalogError(
            f"The catalog {path} could not take the form that this version needs ({type(failure).__name__}).",
            f"Nothing was changed; a backup is {backup.name}. Use the version before, and report this.",
        ) from failure


def copy(path: Path, to: Path) -> None:
    """A whole copy of a catalog, also while others write to it. It has its name only once it is whole.

    Copying the file alone would lose what stands beside it in the write-ahead log.
    """
    descriptor, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.stem}-", suffix=".part")
    os.close(descriptor)
    part = Path(name)
    try:
        with closing(connected(path, read_only=True)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            if target.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise failures.damaged(path, "a copy of it isn't whole")
        part.replace(to)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)


def _migrate(path: Path, migrations: str, more: list[sa.Insert]) -> None:
    """Run what is missing, then `more`, in one exclusive transaction with foreign keys off, and look at them after.

    With them on, a table that is made anew would take the rows that name it along.
    """
    from alembic import command
    from alembic.config import Config

    engine = pooled(path)
    try:
        with beginning(engine, "EXCLUSIVE").connect() as connection:
            # Within a transaction this has no effect; the connection is used for nothing else afterwards.
            raw(connection).execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                config = Config()
                config.set_main_option("script_location", migrations)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                for statement in more:
                    connection.execute(statement)
                connection.execute(_PROGRAM, {"version": mirror_console.__version__})
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise failures.damaged(path, "entries name others that aren't there")
    finally:
        engine.dispose()


_PROGRAM = sa.text(
    "INSERT INTO meta (key, value) VALUES ('program', :version) ON CONFLICT DO UPDATE SET value = :version"
)
