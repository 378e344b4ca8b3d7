"""An agency with engines, a registry, a source and mirrors: its pipeline, its containers, and its import files."""

from __future__ import annotations

import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mirror_console.domain.image import fingerprint
from tests.journeys.console import Program
from tests.lab.asking import pull
from tests.lab.docker_cli import Docker, Reading
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import Published, Settings, deploy, publish
from tests.lab.ssh import PORT, LabSsh, User

REPOSITORY = "shop/webshop"
SOURCE = "webshop-live"
"""The container of the source's live."""
LONGEST = 90.0
"""Seconds to wait for something that an engine is to show."""
HOST = ("--network", "host")
"""What doesn't matter for a journey shares the host's network: such a container starts in less than half the time."""


@dataclass(frozen=True, slots=True)
class Agency:
    """Where an agency keeps its files, and the lab that is its world."""

    lab: Lab
    folder: Path
    pulled: set[tuple[str, str]] = field(default_factory=set)
    """What engines have pulled for this agency: an engine's name, and a reference."""

    def docker(self, engine: LabEngine) -> Docker:
        """The docker command line on an engine: what every verdict is read with."""
        return self.lab.docker(engine)

    @property
    def registry(self) -> str:
        """Host and port of the registry."""
        return self.lab.registry.address

    def publish(self, engine: LabEngine, version: str, repository: str = REPOSITORY, **how: Any) -> Published:
        """Build a release on an engine and push it."""
        return publish(self.lab, engine, ImageSpec(repository, version, **how))

    def deploy(self, engine: LabEngine, published: Published, container: str = SOURCE) -> None:
        """Deploy a release as a source's container."""
        settings = Settings(restart="no", network="host", variables=its_port(container))
        deploy(self.lab, engine, container, published.reference, settings)

    def run_mirror(
        self,
        engine: LabEngine,
        image: str,
        name: str,
        *options: str,
        ports: Mapping[int, int] | None = None,
        **more: str,
    ) -> str:
        """Start a mirror's container by hand, as it was before there was a console; `more` are its variables.

        Where nothing is said of ports or networks it is as `mirror_entry` has it.
        """
        docker = self.docker(engine)
        # What another agency has left under the same tag may be another build.
        if image.startswith(self.registry) and (engine.name, image) not in self.pulled:
            pull(engine.socket, image, self.lab.registry.login)
            self.pulled.add((engine.name, image))
        if not ports and "--network" not in options:
            options, more = (*HOST, *options), its_port(name) | more
        options = ("--restart", "unless-stopped", *options)
        return docker.start_container(image, name, *options, variables=more, ports=ports)

    # --- import files -------------------------------------------------------------------------------------------

    def engine_entry(self, engine: LabEngine, over: LabSsh | None = None, **more: Any) -> dict[str, Any]:
        """An engine of an import file, with its PEM files or SSH key in the folder; `over` is a jump host."""
        if engine.spec.ssh:
            return {"name": engine.name, "address": engine.url, "ssh": self._sign_in(engine, over), **more}
        entry = {"name": engine.name, "address": engine.url, "probe_host": engine.host, **more}
        if engine.spec.tls:
            engine.client.write(self.folder / engine.name, (0, 0))
            for field, file in (("ca", "ca.pem"), ("certificate", "cert.pem"), ("key", "key.pem")):
                entry[field] = f"{engine.name}/{file}"
        return entry

    def _sign_in(self, engine: LabEngine, over: LabSsh | None) -> dict[str, Any]:
        """How one signs in by SSH, with the host keys that the lab has made itself."""
        file = self.folder / f"{engine.name}-key"
        file.write_text(engine.ssh.key.private)
        file.chmod(0o600)
        servers = [engine.ssh, *([over] if over else [])]
        keys = [f"{server.host}:{PORT} {server.host_key().public}" for server in servers]
        return {"key": file.name, "host_keys": keys, "jumps": [f"{User.DEPLOY}@{over.host}"] if over else []}

    def registry_entry(self) -> dict[str, Any]:
        """The registry of an import file, with its password in a file beside it."""
        (self.folder / "registry-password").write_text(self.lab.registry.password + "\n")
        return {"host": self.registry, "user": self.lab.registry.user, "password_file": "registry-password"}

    def source_entry(self, engine: LabEngine, **more: Any) -> dict[str, Any]:
        """The source, with its live on an engine."""
        settings = {"restart": "no", "networks": ["host"], "variables": its_port(SOURCE)}
        live = {"name": "live", "engine": engine.name, "container": SOURCE, "settings": settings}
        return {
            "name": "Webshop",
            "repository": f"{self.registry}/{REPOSITORY}",
            "environments": [live],
            "release_command": "none",
            **more,
        }

    def write(self, document: Mapping[str, Any], name: str = "import.yaml") -> Path:
        """Write an import file."""
        file = self.folder / name
        file.write_text(yaml.safe_dump(dict(document), sort_keys=False))
        return file

    def fill(self, program: Program, *engines: LabEngine, mirrors: list[dict[str, Any]], **more: Any) -> None:
        """Import engines, the registry, the source on the first engine, and mirrors."""
        document = {
            "engines": [self.engine_entry(engine, timeout=3) for engine in engines],
            "registries": [self.registry_entry()],
            "sources": [self.source_entry(engines[0])],
            "mirrors": mirrors,
        }
        program.run("catalog", "import", str(self.write(document | more)))


def mirror_entry(name: str, engine: LabEngine, container: str, **settings: Any) -> dict[str, Any]:
    """A mirror of the source with its live on an engine; settings stand as they are in the file.

    Where they say nothing of ports or networks it shares the host's network.
    """
    slug = name.lower().replace(" ", "-")
    if not settings.keys() & {"ports", "networks"}:
        settings |= {"networks": ["host"], "variables": its_port(container) | settings.get("variables", {})}
    settings = {"health": {"settle": 0.2, "limit": 60}, "stop_seconds": 3, **settings}
    live = {"name": "live", "engine": engine.name, "container": container, "settings": settings}
    return {"name": name, "slug": slug, "source": "webshop", "domains": [f"{slug}.example"], "environments": [live]}


def its_port(container: str) -> dict[str, str]:
    """The variable by which a container on the host's network listens on a port of its own."""
    return {"PORT": str(20000 + zlib.crc32(container.encode()) % 10000)}


def print_of(docker: Reading, container: str) -> str:
    """The fingerprint of the image that a container was made from, by what docker says of both."""
    image = docker.image(docker.image_of(container))
    assert image is not None, f"the image of {container} is gone"
    return fingerprint(image)


def body_of(engine: LabEngine, port: int, path: str = "/") -> str:
    """What a published port answers over HTTP, past every proxy. Waits until something answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    found = ""

    def answered() -> bool:
        nonlocal found
        with suppress(OSError), opener.open(f"http://{engine.host}:{port}{path}", timeout=5.0) as answer:
            found = answer.read().decode()
        return bool(found)

    wait_until(answered, f"port {port} of {engine.name} answers")
    return found


def wait_until(seen: Callable[[], bool], what: str) -> None:
    """Wait until something is seen."""
    end = time.monotonic() + LONGEST
    while not seen():
        assert time.monotonic() < end, f"it was not seen within {LONGEST:g} s that {what}"
        time.sleep(0.05)
