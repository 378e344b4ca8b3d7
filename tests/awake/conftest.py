"""A system bus of the test's own, with a stand-in for logind on it where that is wanted."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

LOGIND = Path(__file__).with_name("stand_in_logind.py")
LONGEST = 20.0
"""Seconds until something counts as never coming, on a busy machine."""


def line_of(process: subprocess.Popen[bytes], longest: float = LONGEST) -> str:
    """The next line that a program says; empty where none comes. Its pipe isn't buffered here."""
    assert process.stdout
    said = b""
    while not said.endswith(b"\n") and select.select([process.stdout], [], [], longest)[0]:
        octet = os.read(process.stdout.fileno(), 1)
        if not octet:
            break
        said += octet
    return said.decode().strip()


@contextmanager
def started(command: Sequence[str | Path], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block."""
    environment = {"PATH": os.environ["PATH"], **more}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, bufsize=0
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Logind:
    """The stand-in. It says what it gave, and when that was let go of."""

    process: subprocess.Popen[bytes]
    bus: str

    def says(self, longest: float = LONGEST) -> str:
        """The next line."""
        return line_of(self.process, longest)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a bus without any service, which is the system's for this process."""
    folder = Path(tempfile.mkdtemp(prefix="mc-bus-"))  # not pytest's: the path of a socket must be short
    configuration = folder / "bus.conf"
    configuration.write_text(
        f"<busconfig><type>system</type><listen>unix:path={folder / 'bus'}</listen><auth>EXTERNAL</auth>"
        '<policy context="default"><allow user="*"/><allow send_destination="*" eavesdrop="true"/>'
        '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
    )
    try:
        with started(["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"]) as daemon:
            address = line_of(daemon).partition(",")[0]
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            yield address
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def logind(bus: str) -> Iterator[Callable[[str], Logind]]:
    """Starts the stand-in, which answers in a way."""
    running: list[subprocess.Popen[bytes]] = []

    def start(way: str) -> Logind:
        process = subprocess.Popen(
            [sys.executable, LOGIND, bus, way],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        running.append(process)
        assert line_of(process) == "ready"
        return Logind(process, bus)

    yield start
    for process in running:
        with process:
            process.kill()
