"""The one place where failures of SQLite and of the file system become sentences about the catalog."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from mirror_console.errors import CatalogError


class Unreadable(Exception):
    """A value in the catalog that isn't what the column is for: the file is damaged, or was changed by hand."""


@contextmanager
def of_sqlite(path: Path) -> Iterator[None]:
    """Raise what SQLite, SQLAlchemy or an unreadable value raise within as CatalogError. Misuse stays a bug."""
    try:
        yield
    except Unreadable as failure:
        raise damaged(path, str(failure)) from failure
    except UnicodeDecodeError as failure:
        # What SQLite says of a damaged schema quotes it, and Python's module expects these words to be UTF-8.
        raise damaged(path, "its tables can't be read") from failure
    except DBAPIError as failure:
        if not isinstance(failure.orig, sqlite3.Error) or _is_bug(failure.orig):
            raise
        raise explained(failure.orig, path) from failure
    except sqlite3.Error as failure:
        if _is_bug(failure):
            raise
        raise explained(failure, path) from failure


@contextmanager
def of_files(path: Path) -> Iterator[None]:
    """Raise what the file system raises within as CatalogError."""
    try:
        yield
    except OSError as failure:
        match failure.errno:
            case errno.ENOSPC | errno.EDQUOT:
                raise disk_full(path) from failure
            case errno.EACCES | errno.EPERM:
                raise not_permitted(path) from failure
            case errno.EROFS:
                raise not_writable(path) from failure
            case _:
                title = f"The catalog {path} can't be reached: {failure.strerror or failure}."
                raise CatalogError(title, "Look whether its folder is there and its disk is well.") from failure


def explained(failure: sqlite3.Error, path: Path) -> CatalogError:
    """What an error of SQLite means to a person. Source: https://www.sqlite.org/rescode.html."""
    # Python raises some errors by itself, without a code of SQLite: for one, where text isn't UTF-8.
    code = getattr(failure, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return busy(path)
        case sqlite3.SQLITE_FULL:
            return disk_full(path)
        case sqlite3.SQLITE_READONLY:
            return not_writable(path)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return not_permitted(path)
        case sqlite3.SQLITE_IOERR:
            return CatalogError(
                f"The disk failed while the catalog {path} was read or written.",
                "Look at the disk and its free space, then try again. The change was not kept.",
            )
        case sqlite3.SQLITE_CONSTRAINT:
            return _refused(str(failure))
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_FORMAT | sqlite3.SQLITE_ERROR:
            return damaged(path, "its pages or tables can't be read")
        case _:
            name = getattr(failure, "sqlite_errorname", type(failure).__name__)
            return CatalogError(
                f"The catalog {path} can't be used now ({name}).", "Try again. The change was not kept."
            )


def busy(path: Path) -> CatalogError:
    """Another program keeps the file locked."""
    return CatalogError(
        f"Another program keeps the catalog {path} locked.",
        "Try again in a moment. If it stays so, close the other program that has it open. Nothing was changed.",
    )


def disk_full(path: Path) -> CatalogError:
    """No space is left."""
    return CatalogError(
        f"The disk is full: the catalog {path} can't be written.",
        "Free some space on that disk, then try again. The change was not kept.",
    )


def not_writable(path: Path) -> CatalogError:
    """The file, its folder or its disk may only be read."""
    return CatalogError(
        f"The catalog {path} can't be changed: the file, its folder or its disk is for reading only.",
        "Give yourself the right to write both, or open the catalog for reading only.",
    )


def not_permitted(path: Path) -> CatalogError:
    """The file or its folder may not be opened."""
    return CatalogError(
        f"The catalog {path} can't be opened: you have no right to it or to its folder.",
        "Look at who owns both, and open the console as that person.",
    )


def damaged(path: Path, what: str) -> CatalogError:
    """The file isn't whole, or was changed by something else. `what` says what was met, never its content."""
    kept = sorted(path.parent.glob(f"{path.stem}.before-*{path.suffix}"))
    backup = f"the newest one kept beside it is {kept[-1].name}" if kept else "none is kept beside it"
    return CatalogError(
        f"The catalog {path} is damaged: {what}.",
        f"Close all consoles, move the file away and put a backup in its place ({backup}). Nothing was changed.",
    )


_TWICE = {
    "application.slug": "Another application has this slug already.",
    "engine.name": "Another engine has this name already.",
    "registry.host": "This registry is in the catalog already.",
    "environment.application_id, environment.name": "The application has an environment of this name already.",
    "process.environment_id, process.name": "The environment has two processes of one name.",
    "release.environment_id, release.fingerprint": "This image is a release of the environment already.",
    "rollout.id": "This rollout is in the catalog already.",
    "target.rollout_id, target.environment_id, target.process": "The rollout has one target twice.",
}


def _refused(words: str) -> CatalogError:
    twice = words.partition("UNIQUE constraint failed: ")[2]
    if twice:
        title = _TWICE.get(twice, f"The catalog has this already ({twice}).")
        return CatalogError(title, "Choose another. Nothing was changed.")
    return CatalogError(f"The catalog refused the change: {words}.", "Nothing was changed.")


_PARENTS = {"application": "an application", "engine": "an engine", "environment": "an environment", "plan": "a plan"}


def dangling(child: str, parent: str) -> CatalogError:
    """A change was refused because of an entry that would name another one that isn't there."""
    named = "a source" if child == parent == "application" else _PARENTS.get(parent, f"a {parent}")
    return CatalogError(
        f"The catalog refused the change: its {child} names {named} that isn't in the catalog.",
        f"Add the {named.partition(' ')[2]} first, or choose another. Nothing was changed.",
    )


def _is_bug(failure: sqlite3.Error) -> bool:
    misused = isinstance(failure, (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError))
    return misused or str(failure).startswith("cannot ")
