"""What a sample is, whichever engines it runs on: where it keeps its things, and how the console is run on it."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mirror_console.simulator.sample import SampleDescription, SampleEnvironment, describe_sample

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "resources" / "sample" / "webshop.yaml"
STARTED = "started.json"
"""Says, in the sample's folder, that it is up, and what it runs on."""
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
        """Have the console ask every engine; what it finds is told later. An engine may need a second question."""
        for _ in range(3):
            answer = self.ask("check", *options)
            if not answer["failed"]:
                return
        raise SystemExit(f"The sample's engines don't answer: {answer['words']}")

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
        return {"cwd": ROOT, "env": {**_own_environment(), **self.environment()}, **_as_person(self.place)}


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
