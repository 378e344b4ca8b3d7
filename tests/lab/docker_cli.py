"""The oracle: asks one engine by Debian's own docker command line, so that a verdict never comes from the console."""

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.asking import ask
from tests.lab.clearing import clear
from tests.lab.engine import LabEngine
from tests.lab.programs import LabError, base_environment, run


class Reading(ABC):
    """What is read of containers, in whatever way they are asked for."""

    @abstractmethod
    def names(self, *, every: bool = True) -> list[str]:
        """The names of all containers, or of those that run, sorted."""

    @abstractmethod
    def inspect(self, name: str) -> dict[str, Any] | None:
        """All about one container, by name or id; None when there is none."""

    @abstractmethod
    def image(self, reference: str) -> dict[str, Any] | None:
        """All about one image, by reference or id; None when there is none."""

    def running(self) -> list[str]:
        """The names of those that run, sorted."""
        return self.names(every=False)

    def container(self, name: str) -> dict[str, Any]:
        """All about one container. Raises LabError when there is none."""
        found = self.inspect(name)
        if found is None:
            raise LabError(f"There is no container {name}; there are {self.names()}.")
        return found

    def state(self, name: str) -> str:
        """created, running, paused, restarting, exited or dead; empty when there is no such container."""
        found = self.inspect(name)
        return str(found["State"]["Status"]) if found else ""

    def health(self, name: str) -> str:
        """starting, healthy or unhealthy; empty without a health check."""
        return str((self.container(name)["State"].get("Health") or {}).get("Status", ""))

    def labels(self, name: str) -> dict[str, str]:
        """The labels of one container."""
        return dict(self.container(name)["Config"]["Labels"] or {})

    def variables(self, name: str) -> dict[str, str]:
        """The environment variables of one container."""
        return dict(entry.partition("=")[::2] for entry in self.container(name)["Config"]["Env"] or [])

    def image_of(self, name: str) -> str:
        """The id of the image that one container was made from."""
        return str(self.container(name)["Image"])

    def version_of(self, name: str) -> str:
        """The version label of the image that one container was made from."""
        return _version_in(self.image(self.image_of(name)) or {})


class Docker(Reading):
    """The docker command line on one engine's local socket, with a configuration folder of the lab's own."""

    def __init__(self, engine: LabEngine, config: Path | None = None) -> None:
        self.engine = engine
        self._config = config or engine.folder / "docker-config"

    def run(self, *arguments: str, feed: bytes | str | None = None, timeout: float = 60.0) -> str:
        """What `docker ARGUMENTS` prints, without the last line break. Raises LabError with what it complained of."""
        return self._call(arguments, feed=feed, timeout=timeout).stdout.removesuffix("\n")

    def works(self, *arguments: str) -> bool:
        """Whether `docker ARGUMENTS` exits with 0."""
        return self._call(arguments, check=False).returncode == 0

    def ps(self, *, every: bool = True) -> list[dict[str, str]]:
        """The lines of `docker ps` (with those that don't run, unless `every` is false), keyed as docker names them."""
        return _lines(self.run("ps", "--no-trunc", "--format", "{{json .}}", *(["--all"] if every else [])))

    def names(self, *, every: bool = True) -> list[str]:
        """The names of its containers, sorted."""
        return sorted(name for line in self.ps(every=every) for name in line["Names"].split(","))

    def look(self) -> Look:
        """All of its containers and their images, in three questions: for a verdict on several things at once."""
        names = self.names()
        containers = json.loads(self.run("container", "inspect", *names)) if names else []
        used = sorted({container["Image"] for container in containers})
        images = json.loads(self.run("image", "inspect", *used)) if used else []
        return Look(
            {container["Name"].removeprefix("/"): container for container in containers},
            dict(zip(used, images, strict=True)),
        )

    def inspect(self, name: str) -> dict[str, Any] | None:
        """All about one container, by name or id; None when there is none."""
        return self._inspect("container", name)

    def image(self, reference: str) -> dict[str, Any] | None:
        """All about one image, by reference or id; None when the engine hasn't got it."""
        return self._inspect("image", reference)

    def versions(self) -> dict[str, str]:
        """The version label of the image of every container that runs, by name."""
        look = self.look()
        return {name: look.version_of(name) for name in look.running()}

    def execute(self, name: str, *command: str) -> str:
        """What a command in a running container prints."""
        return self.run("exec", name, *command)

    def logs(self, name: str) -> str:
        """What a container has written, errors included."""
        done = self._call(("logs", name))
        return done.stdout + done.stderr

    def start_container(
        self,
        image: str,
        name: str,
        *options: str,
        variables: Mapping[str, str] | None = None,
        ports: Mapping[int, int] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """`docker run --detach`; `ports` maps those of the engine to the container's. Returns the container's id."""
        arguments = ["run", "--detach", "--pull", "never", "--name", name, *options]
        for outside, inside in (ports or {}).items():
            arguments += ["--publish", f"{outside}:{inside}"]
        for key, value in (variables or {}).items():
            arguments += ["--env", f"{key}={value}"]
        for key, value in (labels or {}).items():
            arguments += ["--label", f"{key}={value}"]
        return self.run(*arguments, image)

    def remove(self, *names: str) -> None:
        """Remove containers with their anonymous volumes, running ones too."""
        for name in names:
            ask(self.engine.socket, "DELETE", f"/containers/{name}?force=1&v=1")

    def clear(self) -> None:
        """Remove all containers, volumes and networks that were made; images stay."""
        clear(self.engine.socket)

    def forget_image(self, *references: str) -> None:
        """Remove images by reference or id; those that aren't there don't matter."""
        for reference in references:
            if self.image(reference) is not None:
                self.run("image", "rm", "--force", reference)

    def _inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        done = self._call((kind, "inspect", name), check=False)
        if done.returncode == 0:
            found: list[dict[str, Any]] = json.loads(done.stdout)
            return found[0]
        if "No such" in done.stderr:
            return None
        raise LabError(f"The engine {self.engine.name} can't be asked: {done.stderr.strip()}")

    def _call(
        self, arguments: tuple[str, ...], *, feed: bytes | str | None = None, check: bool = True, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        command = ["docker", "--config", str(self._config), "--host", self.engine.unix_url, *arguments]
        # It is over before its garbage would matter: looking for it is a seventh of what it does.
        environment = base_environment(self._config) | {"GOGC": "off"}
        return run(command, feed=feed, check=check, timeout=timeout, environment=environment)


@dataclass(frozen=True, slots=True)
class Look(Reading):
    """What was there at one look: containers by name, images by id."""

    containers: Mapping[str, dict[str, Any]]
    images: Mapping[str, dict[str, Any]]

    def names(self, *, every: bool = True) -> list[str]:
        """The names of all containers, or of those that run, sorted."""
        return sorted(name for name, one in self.containers.items() if every or one["State"]["Running"])

    def inspect(self, name: str) -> dict[str, Any] | None:
        """All about one container, by name; None when there was none."""
        return self.containers.get(name)

    def image(self, reference: str) -> dict[str, Any] | None:
        """All about the image of a container, by id; None when none was made from it."""
        return self.images.get(reference)


def _version_in(image: Mapping[str, Any]) -> str:
    return str((image["Config"]["Labels"] or {}).get("org.opencontainers.image.version", ""))


def _lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines() if line]
