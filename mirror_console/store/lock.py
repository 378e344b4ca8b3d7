"""The lock of a catalog: one console at a time changes it, and the others can say who does.

It is a file beside the catalog, locked by the operating system, which frees it however its holder ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from mirror_console.errors import NotAllowed
from mirror_console.store import failures
from mirror_console.store.place import demand_local, demand_private_folder, make_folder

_TRIES = 10
_PAUSE = 0.03
"""Seconds. Whoever looks holds the lock for an instant; whoever has just got it hasn't yet written who it is."""
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may change the catalog now. `what` is ``window`` or ``command``, `run` the identity of its run."""

    what: str
    person: str
    machine: str
    process: int
    run: str
    since: datetime

    def __str__(self) -> str:
        who = f"{self.person} on {self.machine}" if self.person else self.machine
        return f"a {self.what} of {who} (process {self.process}, since {self.since:%d %b %Y %H:%M} UTC)"


class CatalogLock:
    """The lock of the catalog at `path`, for a run of the program by a person on a machine.

    `clock` gives the time in UTC.
    """

    def __init__(self, path: Path, *, person: str, machine: str, run: str, clock: Callable[[], datetime]) -> None:
        self._catalog = path
        self._person = person
        self._machine = machine
        self._run = run
        self._clock = clock
        self._descriptor: int | None = None

    def acquire(self, holder: str) -> None:
        """Take the lock for a ``window`` or a ``command``; it stays until `release` or the end of the program.

        Raises NotAllowed, naming the holder, where another console has it; CatalogError where its file can't be made.
        """
        if self._descriptor is not None:
            return
        with failures.of_files(self._catalog):
            path = self._place()
            demand_local(path)
            demand_private_folder(path)
            make_folder(path.parent)
            descriptor = _opened(path)
            try:
                self._take(descriptor)
                _write(descriptor, self._as(holder))
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back. The file stays: taking it away could take another console's lock."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(OSError):  # Full or broken, the disk can't keep the lock from being given back.
            _write(descriptor, None)
        os.close(descriptor)

    def holder(self) -> Holder | None:
        """Who has the lock now; None where nobody has, or has just taken it. Raises CatalogError."""
        with failures.of_files(self._catalog):
            try:
                descriptor = os.open(self._place(), os.O_RDONLY | _FLAGS)
            except FileNotFoundError:
                return None
            try:
                return None if _locked(descriptor, shared=True) else _read(descriptor)
            finally:
                os.close(descriptor)

    def _as(self, holder: str) -> Holder:
        return Holder(holder, self._person, self._machine, os.getpid(), self._run, self._clock())

    def _take(self, descriptor: int) -> None:
        for _ in range(_TRIES):
            if _locked(descriptor):
                return
            time.sleep(_PAUSE)
        found = _read(descriptor)
        raise NotAllowed(
            f"Another console may change this catalog now: {found or 'it has not said which'}.",
            "Close it or wait until it is done. Reading is always possible.",
        )

    def _place(self) -> Path:
        path = self._catalog.expanduser().resolve()
        return path.with_name(path.name + ".lock")


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)


_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """The byte that is locked, far behind the content: Windows lets nobody read a byte that is."""

    def _locked(descriptor: int, *, shared: bool = False) -> bool:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _locked(descriptor: int, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _write(descriptor: int, holder: Holder | None) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    if holder is not None:
        os.write(descriptor, msgspec.json.encode(holder))


def _read(descriptor: int) -> Holder | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return msgspec.json.decode(os.read(descriptor, _LONGEST), type=Holder)
    except (msgspec.MsgspecError, ValueError):
        return None
