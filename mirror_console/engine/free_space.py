"""Free space on the disk of an engine's host: how it is asked for, and read from what ``df`` writes."""

from __future__ import annotations

import os
import platform
import re
import socket

from mirror_console.domain.room import Room

COMMAND = ("df", "-Pk", "/")
"""In a container: its root lies on the disk with the engine's images."""
FILES_COMMAND = ("df", "-Pi", "/")
"""How many files can be made there yet: not every ``df`` tells that, and not every file system has an end to it."""
MOST = 4096
"""Octets of what it writes that are read."""


def told(written: str, of_files: str = "") -> Room | None:
    """What ``df -Pk`` tells, and of files what ``df -Pi`` does; None where it is something else that was written."""
    figures = _figures(written)
    if figures is None:
        return None
    total, free = figures
    files, free_files = _figures(of_files) or (0, 0)
    if not files:
        return Room(free * 1024, total * 1024)
    return Room(free * 1024, total * 1024, free_files, files)


def _figures(written: str) -> tuple[int, int] | None:
    """How much there is, and how much of it is free."""
    # Source: POSIX, df -P: the second and the fourth figure of the second line, in blocks of 1,024 octets with -k.
    found = re.search(r"\n\S.*?\s+(\d+)\s+\d+\s+(\d+)\s+\d+%\s", written)
    return (int(found[1]), int(found[2])) if found else None


def is_here(name: str, kernel: str) -> bool:
    """Whether an engine's host, by its name and its kernel, is this computer: behind a local socket may be another."""
    return (name, kernel) == (socket.gethostname(), platform.release())


def of_folder(folder: str) -> Room | None:
    """The room where a folder of this computer is; None where it can't be looked at."""
    try:
        seen = os.statvfs(folder)
    except OSError:
        return None
    free, total = seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize
    return Room(free, total, seen.f_favail, seen.f_files) if seen.f_files else Room(free, total)
