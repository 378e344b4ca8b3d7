"""Free space on the disk of an engine's host: how it is asked for, and read from what ``df`` writes."""

from __future__ import annotations

import platform
import re
import shutil
import socket

COMMAND = ("df", "-Pk", "/")
"""In a container: its root lies on the disk with the engine's images."""
MOST = 4096
"""Octets of what it writes that are read."""


def told(written: str) -> int | None:
    """The free octets that ``df -Pk`` tells; None where it is something else that was written."""
    # Source: POSIX, df -P: the fourth figure of the second line, in blocks of 1,024 octets.
    found = re.search(r"\n\S.*?\s+\d+\s+\d+\s+(\d+)\s+\d+%\s", written)
    return int(found[1]) * 1024 if found else None


def is_here(name: str, kernel: str) -> bool:
    """Whether an engine's host, by its name and its kernel, is this computer: behind a local socket may be another."""
    return (name, kernel) == (socket.gethostname(), platform.release())


def of_folder(folder: str) -> int | None:
    """The octets that are free where a folder of this computer is; None where it can't be looked at."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
