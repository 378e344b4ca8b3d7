"""A second start brings the first one's window to the front; it opens no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mirror_console.ui.raising import Raisable, raise_other

PROGRAM = [sys.executable, "-m", "mirror_console"]


@pytest.fixture
def come(tmp_path: Path) -> Iterator[list[str]]:
    called: list[str] = []
    raisable = Raisable(tmp_path / "catalog.sqlite", lambda: called.append("come"))
    yield called
    raisable.close()


def test_without_a_window_nobody_answers(qtbot: QtBot, tmp_path: Path) -> None:
    assert not raise_other(tmp_path / "catalog.sqlite")


def test_a_second_start_has_the_window_come(qtbot: QtBot, come: list[str], tmp_path: Path) -> None:
    assert raise_other(tmp_path / "catalog.sqlite")
    qtbot.waitUntil(lambda: come == ["come"])
    assert not raise_other(tmp_path / "another.sqlite")


def test_somebody_else_cannot_have_it_come(
    qtbot: QtBot, come: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mirror_console.ui.raising.os.getuid", lambda: os.geteuid() + 1)
    assert raise_other(tmp_path / "catalog.sqlite")
    qtbot.wait(200)
    assert come == []


@pytest.mark.slow
def test_the_program_started_twice_opens_one_window(qtbot: QtBot, tmp_path: Path) -> None:
    environment = {**os.environ, "MIRROR_CONSOLE_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"}
    first = subprocess.Popen(PROGRAM, env=environment, stderr=subprocess.DEVNULL)
    try:
        _await_window(tmp_path / "home", first)
        second = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 0
        assert second.stdout == "The catalog is open in a window already, which was brought to the front.\n"
        refused = subprocess.run(
            [*PROGRAM, "catalog", "import", "-"],
            input="",
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode == 3
        assert _listening_ports(first.pid) == []
        assert "a window of" in refused.stderr
        assert "Close it" in refused.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.wait(30)


def _listening_ports(pid: int) -> list[str]:
    """The TCP and UDP addresses at which a process listens, from the kernel's tables."""
    own = {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    assert any(name.startswith("socket:") for name in own), "nothing of the process is seen"
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in own:
                found.append(f"{table} {fields[1]}")
    return found


def _await_window(home: Path, first: subprocess.Popen[bytes]) -> None:
    """The window listens once it is open; until then a second start is refused by the lock alone."""
    end = time.monotonic() + 60
    while not raise_other(home / "catalog.sqlite"):
        assert first.poll() is None, "the window didn't stay open"
        assert time.monotonic() < end, "the window never answered"
        time.sleep(0.1)
