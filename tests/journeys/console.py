"""Runs the real program in a process of its own, on a data folder of its own, and reads what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.journeys.starter import ROOT, Begun, Starter

LONGEST = 120.0
"""Seconds until a command counts as hanging; most take one, on a busy machine several."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one command."""

    command: tuple[str, ...]
    exit_code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that a person sees."""
        return f"{self.out}\n{self.err}"

    @property
    def json(self) -> Any:
        """The JSON document that it printed."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"mirror-console {' '.join(self.command)}\nexit code {self.exit_code}\n{self.out}\n{self.err}"


class Popen:
    """A command that was started as people start it."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], files: list[Path]) -> None:
        with files[0].open("rb") as given, files[1].open("wb") as out, files[2].open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mirror_console", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=given,
                stdout=out,
                stderr=err,
            )
        self.pid = self._process.pid

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative where a signal ended it; None where it runs on after this time."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Running:
    """A command that was begun."""

    command: tuple[str, ...]
    _begun: Begun | Popen
    _files: list[Path]
    exit_code: int | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        return self._begun.pid

    def out_so_far(self) -> str:
        """What stands on its standard output by now."""
        return self._files[1].read_text("utf-8")

    def err_so_far(self) -> str:
        """What stands on its standard error by now."""
        return self._files[2].read_text("utf-8")

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self) -> Ended:
        """Wait for it. It never ends with a traceback, whatever happened; a killed one has said what it said."""
        self.exit_code = self._begun.wait(LONGEST)
        out, err = (file.read_text("utf-8") for file in self._files[1:])
        assert self.exit_code is not None, f"it hangs: {self.command}\n{out}\n{err}"
        ended = Ended(self.command, self.exit_code, out, err)
        assert "Traceback" not in ended.said, str(ended)
        return ended


@dataclass(frozen=True, slots=True)
class Program:
    """The program as one person uses it. `home` is its data folder, which needn't exist; `tmp` takes temporary files.

    `keyring` are the variables by which a keyring is found, none for a machine that has none.
    """

    home: Path
    tmp: Path
    keyring: Mapping[str, str]
    person: str = "operator"
    starter: Starter | None = None
    """Starts commands faster; without it they are started the way that people start them."""

    def but(self, **changes: Any) -> Program:
        """The same with another home, person or keyring."""
        return replace(self, **changes)

    @property
    def catalog(self) -> Path:
        """The catalog's file."""
        return self.home / "catalog.sqlite"

    @property
    def environment(self) -> dict[str, str]:
        """All that its processes see of an environment."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(self.tmp),
            "TMPDIR": str(self.tmp),
            "LOGNAME": self.person,
            "QT_QPA_PLATFORM": "offscreen",
            "MIRROR_CONSOLE_HOME": str(self.home),
            # There is none: whatever bus this machine has is not for tests.
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.tmp / 'no-bus'}",
            **self.keyring,
        }

    @contextmanager
    def running(self, *arguments: str, feed: str = "") -> Iterator[Running]:
        """A command from its beginning on. It doesn't outlive the block."""
        self.tmp.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("in", "out", "err")]
            files[0].write_text(feed)
            files[1].touch()
            files[2].touch()
            begun: Begun | Popen = (
                self.starter.start(list(arguments), self.environment, files)
                if self.starter is not None
                else Popen(list(arguments), self.environment, files)
            )
            command = Running(arguments, begun, files)
            try:
                yield command
            finally:
                if command.exit_code is None:
                    command.send_signal(signal.SIGKILL)
                    begun.wait(LONGEST)
                begun.close()

    def run(self, *arguments: str, feed: str = "", expect: int | None = 0) -> Ended:
        """Run a command to its end with `feed` on its standard input; `expect` is the exit code, None takes any."""
        with self.running(*arguments, feed=feed) as command:
            ended = command.end()
        assert expect is None or ended.exit_code == expect, str(ended)
        return ended

    def ask(self, *arguments: str, expect: int | None = 0) -> Any:
        """Run a command with ``--json`` and read the document that it printed."""
        return self.run(*arguments, "--json", expect=expect).json

    def refusal(self, *arguments: str, feed: str = "", exit_code: int = 2) -> str:
        """Run a command that is refused. What it says on standard error, where nothing stands on standard output."""
        ended = self.run(*arguments, feed=feed, expect=exit_code)
        assert not ended.out.strip(), str(ended)
        lines = ended.err.strip().splitlines()
        assert len(lines) >= 2, f"it says what is wrong, but not what to do:\n{ended}"
        assert all(line.rstrip().endswith((".", "?")) for line in (lines[0], lines[-1])), str(ended)
        return ended.err


def cells(status: Any, environment: str = "live") -> dict[str, Any]:
    """One environment of every mirror, by the mirror's slug, as ``status --json`` tells it."""
    return {
        mirror["slug"]: found
        for mirror in status["mirrors"]
        for found in mirror["environments"]
        if found["name"] == environment
    }
