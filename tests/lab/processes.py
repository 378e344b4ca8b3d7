"""Starts, finds and ends the lab's processes, each known by its id and the moment it started (ids are used again)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.programs import LabError, Person, base_environment, find

_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its id, and its start in clock ticks since the machine started."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this id now, or None. One that has ended and waits for its parent counts as none."""
        stat = _stat(pid)
        return None if stat is None or stat[0] in "ZX" else cls(pid, stat[1])

    @classmethod
    def recorded(cls, file: Path) -> Process | None:
        """The process that `record` wrote down, whether it still runs or not; None when there is no record."""
        try:
            pid, started = file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return cls(int(pid), int(started))

    def record(self, file: Path) -> None:
        """Write it down, so that another process finds it."""
        file.write_text(f"{self.pid} {self.started}\n")

    def alive(self) -> bool:
        """Whether it still runs (a stopped one does)."""
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            _children.pop(self.pid, None)
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to this very process; False when it is gone."""
        handle = _handle_of(self.pid)
        if handle is None:
            return False
        try:
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True

    def freeze(self, seconds: float = 5.0) -> bool:
        """Stop it in its tracks (SIGSTOP) and wait until each of its threads stands still; False when it is gone.

        A thread that runs on another core goes on for a moment after the signal. Raises LabError after `seconds`.
        """
        if not self.signal(signal.SIGSTOP):
            return False
        until = time.monotonic() + seconds
        while any(state != "T" for state in _thread_states(self.pid)):
            if time.monotonic() > until:
                raise LabError(f"Process {self.pid} ({command_line(self.pid)}) doesn't stand still.")
            time.sleep(0.001)
        return self.alive()

    def ended(self, seconds: float) -> bool:
        """Wait until it has ended, `seconds` at most; whether it has."""
        handle = _handle_of(self.pid)
        if handle is None:
            return True
        try:
            if self.alive():
                select.select([handle], [], [], seconds)
        finally:
            os.close(handle)
        return not self.alive()

    def kill(self, seconds: float = 10.0) -> None:
        """End it by SIGKILL and wait. Raises LabError when it is still there after `seconds`."""
        if self.signal(signal.SIGKILL) and not self.ended(seconds):
            raise LabError(f"Process {self.pid} ({command_line(self.pid)}) doesn't end.")


def _handle_of(pid: int) -> int | None:
    """A handle on a process; None when it is gone: newer kernels say of one that is just reaped that it isn't found."""
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, FileNotFoundError):
        return None


def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: tuple[int, int] | None = None,
    feed: bytes = b"",
) -> Process:
    """Start a daemon in a session of its own (Ctrl-C doesn't reach it), its output appended to `log`."""
    person = Person.of(user)
    reading, writing = os.pipe()
    try:
        os.write(writing, feed)
        os.close(writing)
        with log.open("ab") as output:
            child = subprocess.Popen(
                [find(command[0]), *command[1:]],
                stdin=reading,
                stdout=output,
                stderr=output,
                env=dict(environment or base_environment()),
                cwd="/",
                start_new_session=True,
                user=person.uid,
                group=person.gid,
                extra_groups=person.groups,
            )
    finally:
        os.close(reading)
    _children[child.pid] = child
    process = Process.of(child.pid)
    if process is None:
        child.wait()
        del _children[child.pid]
        raise LabError(f"{command[0]} ended at once: {tail(log)}")
    return process


def until(ready: Callable[[], bool], process: Process, what: str, log: Path, seconds: float = 20.0) -> None:
    """Wait until `ready`. Raises LabError with the end of `log` when the process ends or `seconds` are over."""
    end = time.monotonic() + seconds
    while not ready():
        if not process.alive():
            raise LabError(f"{what} ended while it started: {tail(log)}")
        if time.monotonic() > end:
            raise LabError(f"{what} is not ready after {seconds:.0f} s: {tail(log)}")
        time.sleep(0.02)


def kill_all(found: Callable[[], Iterable[Process]], seconds: float = 15.0) -> None:
    """End by SIGKILL whatever `found` finds, again and again until it finds none (they may start others meanwhile).

    Raises LabError when some are still there after `seconds`.
    """
    end = time.monotonic() + seconds
    while left := list(found()):
        if time.monotonic() > end:
            names = ", ".join(f"{process.pid} {command_line(process.pid)[:80]}" for process in left)
            raise LabError(f"Processes of the lab don't end: {names}")
        for process in left:
            process.signal(signal.SIGKILL)
        for process in left:
            process.ended(1.0)


def everyone() -> Iterator[Process]:
    """All processes that run on this machine now, except this one."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and (process := Process.of(int(entry))) is not None:
            yield process


def children(pid: int) -> list[int]:
    """The ids of the processes that its first thread has started and that aren't gone."""
    return [int(child) for child in _read(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def command_line(pid: int) -> str:
    """Its command line, blank-separated; empty when it is gone."""
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ").strip()


def variables(pid: int) -> tuple[str, ...]:
    """The environment that it was started with, as NAME=value."""
    return tuple(_read(Path(f"/proc/{pid}/environ")).rstrip("\0").split("\0"))


def ancestors() -> frozenset[int]:
    """The ids of this process and of those that started it, up to the first."""
    found = set()
    pid = os.getpid()
    while pid and pid not in found:
        found.add(pid)
        stat = _stat(pid)
        pid = stat[2] if stat else 0
    return frozenset(found)


def cgroups(pid: int) -> str:
    """Its control groups as /proc tells them."""
    return _read(Path(f"/proc/{pid}/cgroup"))


def network_of(pid: int) -> tuple[int, int] | None:
    """What identifies its network namespace; None when it is gone or has ended."""
    try:
        place = Path(f"/proc/{pid}/ns/net").stat()
    except OSError:
        return None
    return place.st_dev, place.st_ino


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log."""
    return "\n".join(_read(log).splitlines()[-lines:]) or "it said nothing"


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, int, int] | None:
    """State letter, start in ticks, id of the parent."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return (fields[0], int(fields[19]), int(fields[1])) if fields else None


def _thread_states(pid: int) -> list[str]:
    """The state letter of each of its threads that is there."""
    found = (_fields(folder / "stat") for folder in Path(f"/proc/{pid}/task").glob("*"))
    return [fields[0] for fields in found if fields]


def _fields(file: Path) -> list[str]:
    """The fields of a `stat` file from the state on. The command before stands in brackets and may hold anything."""
    text = _read(file)
    return text[text.rindex(")") + 2 :].split() if text else []
