"""What a sample is, whichever engines it runs on: where it keeps its things, and how the console is run on it."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sample_display import names_display, way_to_display

from mirror_console.simulator.sample import SampleDescription, SampleEnvironment, describe_sample

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "resources" / "sample" / "webshop.yaml"
STARTED = "started.json"
"""Says, in the sample's folder, that it is up, and what it runs on."""
CHECK_AGAIN = (0.0, 3.0, 10.0)
"""Seconds to wait before each time that the engines are asked at the start."""
LINES_TOLD = 12
"""How many lines of each log are told where the start fails."""
NEXT_ON = "live"
"""The source's environment that gets the next release."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sample keeps its things, for a person."""

    folder: Path
    uid: int
    gid: int

    @property
    def lab(self) -> Path:
        """The engines', the registry's and the keyring's folder."""
        return self.folder / "lab"

    @property
    def home(self) -> Path:
        """The console's own data folder."""
        return self.folder / "home"

    @property
    def pictures(self) -> Path:
        """Where pictures of the windows are left."""
        return self.folder / "pictures"


class Sample:
    """The sample: how it is started and stopped, and how the console is run on it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.description: SampleDescription = describe_sample(yaml.safe_load(SAMPLE.read_text()))

    def start(self) -> None:
        """Start the engines, put the sample on them, and fill the catalog."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop what runs of it. Its folder is removed by the caller."""
        raise NotImplementedError

    def is_up(self) -> bool:
        """Whether its engines run."""
        raise NotImplementedError

    def publish_next(self) -> str:
        """Play the agency's pipeline: publish the next release and deploy the source's live. Its version."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What the console's processes get in their environment."""
        return {"MIRROR_CONSOLE_HOME": str(self.place.home)}

    @property
    def repository_path(self) -> str:
        """The repository without its registry."""
        return self.description.sources[0].repository.partition("/")[2]

    def source_environment(self, name: str) -> SampleEnvironment:
        """An environment of the source."""
        return next(one for one in self.description.sources[0].environments if one.name == name)

    def importable(self) -> dict[str, Any]:
        """The sample's file as an import, without what was done to the containers."""
        document: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
        del document["sample"]
        return document

    def console(self, *arguments: str, check: bool = True, quiet: bool = False) -> int:
        """Run the console as the person who called. Raises SystemExit where it should have worked and didn't."""
        return self.run([sys.executable, "-m", "mirror_console", *arguments], check=check, quiet=quiet)

    def check_quietly(self, *options: str) -> None:
        """Have the console ask every engine; what it finds is told later. A busy computer may need more time."""
        for rest in CHECK_AGAIN:
            time.sleep(rest)
            answer = self.ask("check", *options)
            if not answer["failed"]:
                return
        raise SystemExit(f"The sample's engines don't answer: {answer['words']}")

    def can_show_windows(self) -> bool:
        """Whether Qt can use the display that is named here, in the sample's own session. It is the one who knows."""
        if not names_display(os.environ):
            return False
        words = "from PySide6.QtWidgets import QApplication; QApplication([])"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return not subprocess.run(
            [sys.executable, "-c", words], check=False, **quiet, **self._surroundings()
        ).returncode

    def tell_logs(self) -> None:
        """Print the end of each log: they go with the sample's folder."""
        for log in sorted(self.place.folder.rglob("*.log")):
            lines = [] if log.is_symlink() else log.read_text("utf-8", "replace").splitlines()[-LINES_TOLD:]
            if lines:
                say("\n".join([f"\n{log.relative_to(self.place.folder)} ends with:", *(f"  {line}" for line in lines)]))

    def say_and_read(self, *arguments: str) -> str:
        """Run the console, show what it prints, and give that too. Raises SystemExit where it fails."""
        command = [sys.executable, "-m", "mirror_console", *arguments]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, **self._surroundings())
        say(done.stdout.rstrip())
        if done.returncode:
            raise SystemExit(done.returncode)
        return done.stdout

    def beside(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Begin a program as the person who called; what it prints is not shown."""
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, **self._surroundings())

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Run the console and read its JSON."""
        command = [sys.executable, "-m", "mirror_console", *arguments, "--json"]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, **self._surroundings())
        answer: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"failed": True, "words": "no answer"}
        return answer

    def run(self, command: Sequence[str], *, check: bool = True, quiet: bool = False) -> int:
        """Run a program as the person who called, with the sample's environment."""
        sys.stdout.flush()
        done = subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL if quiet else None, **self._surroundings()
        )
        if check and done.returncode:
            raise SystemExit(f"'{' '.join(command[1:])}' ended with exit code {done.returncode}.")
        return done.returncode

    def _surroundings(self) -> dict[str, Any]:
        own = _own_environment()
        # Asked of the system: sudo may have changed both variables.
        home, runtime = Path(pwd.getpwuid(self.place.uid).pw_dir), Path(f"/run/user/{self.place.uid}")
        if os.geteuid() == self.place.uid and own.get("XDG_RUNTIME_DIR"):
            runtime = Path(own["XDG_RUNTIME_DIR"])
        surroundings = {**own, **way_to_display(own, home, runtime), **self.environment()}
        return {"cwd": ROOT, "env": surroundings, **_as_person(self.place)}


def _own_environment() -> Mapping[str, str]:
    """Our environment without what belongs to root, or to another session, alone."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SUDO_", "DBUS_", "DOCKER_"))}


def _as_person(place: Place) -> dict[str, Any]:
    if os.geteuid() == place.uid:
        return {}
    person = pwd.getpwuid(place.uid).pw_name
    return {"user": place.uid, "group": place.gid, "extra_groups": os.getgrouplist(person, place.gid)}


def say(words: str) -> None:
    """Tell the person what happens now."""
    print(words, flush=True)
