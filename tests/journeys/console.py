"""Runs the real program in a process of its own, on a data folder of its own, and reads what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
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


@dataclass(frozen=True, slots=True)
class Program:
    """The program as one person uses it. `home` is its data folder, which needn't exist; `tmp` takes temporary files.

    `keyring` are the variables by which a keyring is found, none for a machine that has none.
    """

    home: Path
    tmp: Path
    keyring: Mapping[str, str]
    person: str = "operator"

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

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a command; `end` waits for it. Its standard input is empty."""
        self.tmp.mkdir(mode=0o700, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "mirror_console", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that runs at least as long as the block needs it; it doesn't outlive the block."""
        process = self.begin(*arguments)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def end(self, process: subprocess.Popen[str], feed: str = "") -> Ended:
        """Wait for a command. It never ends with a traceback, whatever happened; a killed one has said what it said."""
        try:
            out, err = process.communicate(feed, LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"it hangs: {process.args!r}\n{out}\n{err}") from None
        assert isinstance(process.args, list)
        ended = Ended(tuple(str(part) for part in process.args[3:]), process.returncode, out, err)
        assert "Traceback" not in ended.said, str(ended)
        return ended

    def run(self, *arguments: str, feed: str = "", expect: int | None = 0) -> Ended:
        """Run a command to its end with `feed` on its standard input; `expect` is the exit code, None takes any."""
        ended = self.end(self.begin(*arguments), feed)
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
