"""Plays the agency's pipeline: builds the next release, pushes it, and deploys a source's container.

python -m tests.lab.publish FOLDER shop/webshop --deploy webshop-test
python -m tests.lab.publish FOLDER shop/webshop --release 26.8.3 --deploy webshop-live --port 8080:8080
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.asking import ask, pull, state_of
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import Behaviour, ImageSpec, build
from tests.lab.index import push
from tests.lab.lab import Lab
from tests.lab.programs import LabError

FIRST_VERSION = "26.8.1"


@dataclass(frozen=True, slots=True)
class Published:
    """A release in the registry: what to pull it by, the digest it got, and its id on the engine that built it."""

    reference: str
    version: str
    digest: str
    image_id: str

    @property
    def repository(self) -> str:
        """Where it is, with the registry's address."""
        return self.reference.rpartition(":")[0]

    @property
    def pinned(self) -> str:
        """The reference by digest."""
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a source's container is started; `ports` maps those of the engine to the container's."""

    variables: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: Sequence[str] = ()
    restart: str = "unless-stopped"
    network: str = "default"


def publish(lab: Lab, engine: LabEngine, spec: ImageSpec, *, tags: Sequence[str] = ()) -> Published:
    """Push an image with its version as the tag, and with `tags` beside it; this engine has it then, as its builder.

    `spec.repository` is the path in the lab's registry, such as ``shop/webshop``. A tag that is there is moved.
    """
    registry = lab.start_registry()
    digest = pushed(lab, spec, tags=tags)
    repository = f"{registry.address}/{spec.repository}"
    spec = dataclasses.replace(spec, repository=repository)
    published = Published(spec.reference, spec.version, digest, build(spec).id)
    there = ask(engine.socket, "GET", f"/images/{spec.reference}/json") or {}
    if there.get("Id") != published.image_id or published.pinned not in there["RepoDigests"]:
        pull(engine.socket, spec.reference, registry.login)
    for tag in tags:
        ask(engine.socket, "POST", f"/images/{published.image_id}/tag?repo={repository}&tag={tag}")
    return published


def pushed(lab: Lab, spec: ImageSpec, *, tags: Sequence[str] = ()) -> str:
    """Push an image that no engine has seen; its digest."""
    registry = lab.start_registry()
    named = dataclasses.replace(spec, repository=f"{registry.address}/{spec.repository}")
    return push(registry, spec.repository, named, (spec.version, *tags))


def deploy(lab: Lab, engine: LabEngine, container: str, reference: str, settings: Settings | None = None) -> str:
    """Pull an image and start it in place of this container; returns the new container's id.

    Without `settings` the container keeps those it has. Raises LabError when it isn't there to take them from.
    """
    docker = lab.docker(engine)
    pull(engine.socket, reference, lab.registry.login)
    if settings is None:
        settings = settings_of(docker, container)
    if state_of(engine.socket, container):
        ask(engine.socket, "POST", f"/containers/{container}/stop")
        docker.remove(container)
    options = ["--restart", settings.restart, "--network", settings.network]
    for volume in settings.volumes:
        options += ["--volume", volume]
    return docker.start_container(
        reference,
        container,
        *options,
        variables=settings.variables,
        ports=settings.ports,
        labels=settings.labels,
    )


def settings_of(docker: Docker, container: str) -> Settings:
    """What a container was started with, without what came from its image. Raises LabError when it isn't there."""
    found = docker.container(container)
    image = docker.image(found["Image"]) or {"Config": {}}
    inherited = set(image["Config"].get("Env") or [])
    labels = image["Config"].get("Labels") or {}
    given: dict[str, Any] = found["HostConfig"]
    return Settings(
        variables=dict(entry.partition("=")[::2] for entry in found["Config"]["Env"] or [] if entry not in inherited),
        ports={
            int(binding["HostPort"]): int(port.partition("/")[0])
            for port, bindings in (given["PortBindings"] or {}).items()
            for binding in bindings or []
        },
        labels={key: value for key, value in (found["Config"]["Labels"] or {}).items() if labels.get(key) != value},
        volumes=tuple(given["Binds"] or ()),
        restart=given["RestartPolicy"]["Name"] or "no",
        network=given["NetworkMode"],
    )


def next_version(tags: Sequence[str]) -> str:
    """The version after the highest among these tags: its last number plus one."""
    versions = [tuple(map(int, tag.split("."))) for tag in tags if re.fullmatch(r"\d+(\.\d+)*", tag)]
    if not versions:
        return FIRST_VERSION
    *rest, last = max(versions)
    return ".".join(map(str, (*rest, last + 1)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 with a sentence on what was wrong."""
    options = _parser().parse_args(arguments)
    try:
        lab = Lab.attach(options.folder)
        engine = lab.engine(options.engine or next(iter(lab.engines), "to build on"))
        version = options.release or next_version(lab.registry.tags(options.repository))
        spec = ImageSpec(options.repository, version, options.behaviour, seconds=options.seconds, probe=options.probe)
        published = publish(lab, engine, spec, tags=options.tag)
        print(f"Published {published.reference} ({published.digest}).")
        for container in options.deploy:
            deploy(lab, engine, container, published.reference, _settings(options, lab.docker(engine), container))
            print(f"Deployed {version} as {container} on {engine.name}.")
    except LabError as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _settings(options: argparse.Namespace, docker: Docker, container: str) -> Settings | None:
    """None keeps what is there; a container that isn't there starts with what the command line says."""
    if docker.inspect(container) is not None and not (options.variable or options.port or options.network):
        return None
    return Settings(
        variables=dict(entry.partition("=")[::2] for entry in options.variable),
        ports={int(outside): int(inside) for outside, _, inside in (port.partition(":") for port in options.port)},
        network=options.network or "default",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.publish", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the lab's folder")
    parser.add_argument("repository", help="the path in the lab's registry, such as shop/webshop")
    parser.add_argument("--release", metavar="VERSION", help="the version; else the one after the highest")
    parser.add_argument("--behaviour", type=Behaviour, choices=list(Behaviour), default=Behaviour.OK)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a slow start takes, or how long it lives")
    parser.add_argument("--probe", type=float, help="seconds between Docker's health checks; none unless given")
    parser.add_argument("--tag", action="append", default=[], help="one more tag for it")
    parser.add_argument("--engine", help="the engine to build and deploy on; else the lab's first")
    parser.add_argument("--deploy", action="append", default=[], metavar="CONTAINER", help="start it as this container")
    parser.add_argument("--variable", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--port", action="append", default=[], metavar="ENGINE:CONTAINER")
    parser.add_argument("--network")
    return parser


if __name__ == "__main__":
    sys.exit(main())
