"""The sample on the engine simulator: a process in the background plays the engines and the registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml
from sample_base import ROOT, STARTED, Sample, say

from mirror_console.app import SIMULATED

SERVER = "packaging/simulate.py"
PATIENCE = 20.0
"""Seconds within which the simulator must be up, or gone."""


class SimulatedSample(Sample):
    """Four simulated engines and a simulated registry. Every page of the console says so."""

    def start(self) -> None:
        """Start the simulator and fill the catalog."""
        say("Starting the engine simulator: no real engine is contacted, and nothing real is changed.")
        with (self.place.folder / "simulator.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, SERVER, str(self.place.folder)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        (self.place.folder / "pid").write_text(str(process.pid))
        self._await(self.place.folder / STARTED, process)
        (self.place.home / SIMULATED).touch()
        document = self.importable()
        addresses = json.loads((self.place.folder / STARTED).read_text())["addresses"]
        for entry in document["engines"]:
            entry |= {"address": addresses[entry["name"]], "simulated": True}
        file = self.place.folder / "sample.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        self.console("catalog", "import", str(file), "--json", quiet=True)
        first, *later = self.description.sample.releases
        for release in (first, *later):
            self._tell("deploy", release.version)
            self.check_quietly()
        self.check_quietly("--inspect")

    def stop(self) -> None:
        """End the simulator."""
        pid = self._pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + PATIENCE
        while self._pid() is not None and time.monotonic() < until:
            time.sleep(0.05)

    def is_up(self) -> bool:
        """Whether the simulator runs."""
        return self._pid() is not None

    def publish_next(self) -> str:
        """Have the simulator publish the next release and deploy the source's live."""
        return self._tell("next", "")

    def _tell(self, verb: str, version: str) -> str:
        """Hand an order to the simulator, and wait until it has carried it out; what it answers."""
        answer = self.place.folder / "answer"
        answer.unlink(missing_ok=True)
        order = self.place.folder / "order"
        order.with_suffix(".new").write_text(json.dumps({"verb": verb, "version": version}))
        order.with_suffix(".new").rename(order)
        until = time.monotonic() + PATIENCE
        while not answer.exists():
            if time.monotonic() > until or self._pid() is None:
                raise SystemExit(f"The simulator doesn't answer; see {self.place.folder / 'simulator.log'}.")
            time.sleep(0.02)
        return answer.read_text()

    def _pid(self) -> int | None:
        """The simulator's process, if it still is that."""
        try:
            pid = int((self.place.folder / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if SERVER.encode() in command and str(self.place.folder).encode() in command else None

    def _await(self, file: Path, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + PATIENCE
        while not file.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit((self.place.folder / "simulator.log").read_text() or "The simulator did not start.")
            time.sleep(0.05)
