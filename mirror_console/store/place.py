"""Where the catalog's file stands: made for its owner alone, and refused where others could change it.

Everything here is looked at before SQLite opens the file, which would already change a file that isn't ours.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from mirror_console.errors import CatalogError
from mirror_console.store import failures
from mirror_console.store.tables import APPLICATION_ID

_MAGIC = b"SQLite format 3\0"
"""The first 16 bytes. The application id stands at 68, in four bytes. Source: https://www.sqlite.org/fileformat.html."""

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "coda", "ceph", "lustre", "glusterfs", "beegfs"})
_NETWORK |= {"ocfs2", "gfs2", "davfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.davfs2"}
"""File systems that other machines can share: their locks can't be relied on."""


def is_new(path: Path) -> bool:
    """Whether there is no catalog yet. Raises CatalogError where there is something else, or not all of one.

    SQLite takes an empty file for a new one. Here nobody makes such a file: what was in it is lost.
    """
    demand_local(path)
    demand_private_folder(path)
    if path.exists():
        _demand_file(path)
        if not path.stat().st_size:
            raise failures.damaged(path, "nothing is in the file any more")
        _demand_ours(path)
        return False
    for suffix in ("-wal", "-journal"):
        part = path.with_name(path.name + suffix)
        if part.exists() and part.stat().st_size:
            raise CatalogError(
                f"The catalog {path} is gone, but {part.name} beside it holds its last changes.",
                "Put the file back beside it; or move that part away, and put a backup there or begin an empty one.",
            )
    return True


def make_folder(folder: Path) -> None:
    """The folder with those above it, each for its owner alone where it is made here."""
    for missing in [parent for parent in reversed([folder, *folder.parents]) if not parent.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)


def keep_private(path: Path) -> None:
    """Take the right to read from others, where a copy that was put back has given it."""
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists() and part.stat().st_mode & 0o077:
            part.chmod(0o600)


def demand_private_folder(path: Path) -> None:
    """Raises CatalogError where others could put another file in the place of the catalog."""
    folder = path.parent
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CatalogError(f"The catalog's folder {folder} is not a folder.", "Choose another place for the catalog.")
    mode = folder.stat().st_mode
    if sys.platform != "win32" and mode & 0o022 and not mode & stat.S_ISVTX:
        raise CatalogError(
            f"Other people of this machine can change the catalog's folder {folder}.",
            f"Take that right away with: chmod go-w '{folder}'. Nothing was opened.",
        )


def demand_local(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Raises CatalogError where the file is on a network file system, as far as this machine tells."""
    kind = file_system(path, mounts.read_text("utf-8", "surrogateescape")) if mounts.exists() else ""
    if kind in _NETWORK:
        raise CatalogError(
            f"The catalog {path} is on a network file system ({kind}), where two consoles could damage it.",
            "Keep the catalog on a disk of this machine. To take it elsewhere, use a backup or an export.",
        )


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system that a path is on, by the text of ``/proc/self/mountinfo``; empty where it doesn't tell.

    Source: proc(5). The last of equal mount points is the one that is seen.
    """
    # A machine with many containers has many mounts: compared as texts it takes a thirtieth of what paths take.
    places = {str(path), *map(str, path.parents)}
    deepest, kind = 0, ""
    for line in mounts.splitlines():
        before, dash, after = line.partition(" - ")
        words = before.split(" ")
        if not dash or len(words) < 5:
            continue
        point = _unescaped(words[4])
        if point in places and len(point) >= deepest:
            deepest, kind = len(point), after.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    for escaped, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escaped, plain)
    return text


def _demand_file(path: Path) -> None:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise CatalogError(f"{path} is not a file, so it can't be a catalog.", "Choose the file of a catalog.")
    if sys.platform != "win32" and found.st_mode & 0o022:
        raise CatalogError(
            f"Other people of this machine can change the catalog {path}.",
            f"Take that right away with: chmod 600 '{path}'. If you don't trust its content, restore a backup.",
        )


def _demand_ours(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_MAGIC):
        raise CatalogError(
            f"{path} is not a catalog: it is no SQLite file.",
            "Choose another file. If it was a catalog, put a backup in its place. Nothing was changed.",
        )
    if header[68:72] != APPLICATION_ID.to_bytes(4, "big"):
        raise CatalogError(
            f"{path} is not a catalog: it is a SQLite file of another program.",
            "Choose another file. Nothing was changed.",
        )


def settle(made: Path, path: Path) -> None:
    """Give a new whole file its name, unless another console was first; an empty file of that name is replaced."""
    try:
        if path.exists() and not path.stat().st_size:
            made.replace(path)
        else:
            os.link(made, path)
    except FileExistsError:
        return
    _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    """Have the folder's entry on the disk too. Windows can't open a folder, and does so by itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
