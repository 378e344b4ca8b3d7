"""Key file: a private key is read from a file only where nobody else can read it too."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from mirror_console.domain.secret import Secret
from mirror_console.errors import InvalidInput, Problem


def read_key_file(path: Path, longest: int, field: str = "key", *, follow: bool = True) -> Secret:
    """The text of a key's file. `follow`: whether it may be a link.

    Raises InvalidInput where it can't be read, is too long, or can be read by others: then it is a secret no more.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | (0 if follow else getattr(os, "O_NOFOLLOW", 0)) | _NOT_WAITING)
        with os.fdopen(descriptor, "rb") as file:
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode):
                raise _refused(path, field, "it is no plain file")
            if read_by_others(path.resolve(), seen.st_mode):
                raise _refused(path, field, f"others can read it; take that right away: chmod 600 {path.name}")
            text = file.read(longest + 1)
    except OSError as error:
        raise _refused(path, field, error.strerror or str(error)) from None
    if len(text) > longest:
        raise _refused(path, field, f"it is larger than {longest // 1024} KB")
    try:
        return Secret(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise _refused(path, field, "it is no text in UTF-8") from None


def read_by_others(path: Path, mode: int) -> bool:
    """Whether somebody else may read a file of this mode: by its own rights, and a way to it through every folder.

    Windows keeps rights in lists of its own; a person's profile is theirs alone there.
    """
    if sys.platform == "win32":
        return False
    for read, pass_through in ((stat.S_IRGRP, stat.S_IXGRP), (stat.S_IROTH, stat.S_IXOTH)):
        if mode & read and all(folder.stat().st_mode & pass_through for folder in path.parents):
            return True
    return False


_NOT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""A pipe that somebody put there must not be waited for."""


def _refused(path: Path, field: str, why: str) -> InvalidInput:
    return InvalidInput(f"{path} can't be read.", [Problem(field, why)])
