"""Starts the program from a process that has imported it already: in tens of milliseconds instead of a second.

What is started is the program's own `main`, in a process of its own with its own environment, files and signals.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
ORDERS = "MC_CAMPAIGN"
"""The variable by which the fault campaign says what is done to the started program, which itself never sees it."""
LONGEST = 60.0
"""Seconds in which the process that starts others must be there, or give its answer."""


class Begun:
    """A command that was started by the starter."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._said = b""
        self.pid = self._number()

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative where a signal ended it; None where it runs on after this time."""
        self._connection.settimeout(seconds)
        try:
            return self._number()
        except TimeoutError:
            return None

    def close(self) -> None:
        """Ask nothing more of it."""
        self._connection.close()

    def _number(self) -> int:
        # Not by a file made of the connection: that can't be read any more once its time was over.
        while b"\n" not in self._said:
            piece = self._connection.recv(64)
            assert piece, "the starter has ended"
            self._said += piece
        line, _, self._said = self._said.partition(b"\n")
        return int(line)


class Starter:
    """The process that has imported the program."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "starter"
        # Nothing of a test's surroundings: what it starts gets an environment of its own.
        surroundings = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        command = [sys.executable, "-m", "tests.journeys.starter", str(self._socket)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=surroundings, stdin=subprocess.DEVNULL)
        end = time.monotonic() + LONGEST
        while not self._socket.exists():
            assert self._process.poll() is None, "the starter has ended"
            assert time.monotonic() < end, "the starter doesn't begin"
            time.sleep(0.01)

    def start(self, arguments: list[str], environment: Mapping[str, str], files: list[Path]) -> Begun:
        """Start the program; `files` are those that it has for input, output and errors."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(LONGEST)
        connection.connect(str(self._socket))
        wanted = {"arguments": arguments, "environment": dict(environment), "files": [str(file) for file in files]}
        connection.sendall(json.dumps(wanted).encode() + b"\n")
        return Begun(connection)

    def stop(self) -> None:
        """End it. What it has started has ended before."""
        self._process.terminate()
        self._process.wait(LONGEST)


# --- in the process that has imported the program ---------------------------------------------------------------------


def serve(path: Path) -> None:
    """Start what is asked for, and tell how it ended, until SIGTERM."""
    # The parts that are imported late, too: alembic for a new catalog, and typer's own, at the first command that it
    # reads: a version without it only starts more slowly.
    import alembic.command  # noqa: F401

    import mirror_console.__main__
    import mirror_console.store.upgrade  # noqa: F401
    import tests.campaign_parts.inside  # noqa: F401
    from tests.journeys.rehearsal import rehearse

    with suppress(ImportError):
        import typer._adapters  # noqa: F401

    _put_together()
    rehearse()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path.with_suffix(".new")))
    listening.listen(64)
    path.with_suffix(".new").rename(path)
    waiting = selectors.DefaultSelector()
    waiting.register(listening, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listening:
                connection, _ = listening.accept()
                with connection.makefile("r", encoding="utf-8") as asked:
                    wanted = json.loads(asked.readline())
                pid = os.fork()
                if pid == 0:
                    connection.close()
                    listening.close()
                    become(wanted)
                _tell(connection, pid)
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
            else:
                pid, connection = key.data
                waiting.unregister(key.fileobj)
                os.close(key.fd)
                _tell(connection, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                connection.close()


def _put_together() -> None:
    """Build the command line once: each start would, for half of its time."""
    from typer.main import get_command

    import mirror_console.__main__
    from mirror_console.app import cli_parts
    from mirror_console.cli import build

    commands = get_command(build(cli_parts()))
    # Called without arguments it is the whole program, as what `build` gives is.
    vars(mirror_console.__main__)["build"] = lambda _parts: commands


def _tell(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(f"{number}\n".encode())
    except BrokenPipeError:
        return  # whoever asked has gone


def become(wanted: dict[str, Any]) -> None:
    """Be the program from here on; never returns."""
    from mirror_console.__main__ import main

    code = 1
    try:
        for descriptor, (file, flags) in enumerate(
            zip(wanted["files"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)
        ):
            opened = os.open(file, flags)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.environ.clear()
        os.environ.update(wanted["environment"])
        orders = os.environ.pop(ORDERS, "")
        tempfile.tempdir = None
        time.tzset()
        signal.set_wakeup_fd(-1)
        sys.argv = ["mirror-console", *wanted["arguments"]]
        if orders:
            from tests.campaign_parts.inside import begin

            begin(orders)
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        if sys.exc_info()[1] is not None:
            traceback.print_exc()
        _flush(sys.stdout)
        _flush(sys.stderr)
        os._exit(code)


def _flush(stream: IO[str]) -> None:
    try:
        stream.flush()
    except OSError:
        return  # nothing more can be said there


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
