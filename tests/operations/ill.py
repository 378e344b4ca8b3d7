"""A real engine that is well, one that a proxy or its SSH server makes ill, and a console with a mirror on each."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from mirror_console.app import awake_seconds, clock
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Contact, Engine, TlsReferences, parse_address
from mirror_console.domain.environment import Environment, Process, Settings
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import SshAccess
from mirror_console.engine import DockerEngines
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.refresh import Refreshed, refresh
from mirror_console.operations.status import survey
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.engine.ssh_parts import pin
from tests.lab.certificates import Credentials
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab
from tests.lab.proxy import EngineProxy, proxy, server_context
from tests.lab.ssh import LabSsh

IMAGE = ImageSpec("shop/ill", "26.8.1")
TIMEOUT = 3.0
"""Seconds that the ill engine gets for an answer; the well one has ten. A busy machine needs some of them."""
WELL, ILL = "well", "ill"
PARTS = ("ca", "certificate", "key")
SSH_KEY = SecretReference("engine/ill/ssh-key")


class Front(StrEnum):
    """What stands between the console and the ill engine."""

    PORT = "a port, TLS passed on"
    TLS = "TLS ended, requests read"
    SOCKET = "a local socket, requests read"
    SSH = "an SSH server, and a socket behind it, requests read"


@dataclass(frozen=True, slots=True)
class Engines:
    """All engines, with a container of the same image on each: `web-live`. `distant` is the one by SSH."""

    lab: Lab
    well: LabEngine
    ill: LabEngine
    distant: LabEngine

    @property
    def all(self) -> tuple[LabEngine, ...]:
        """Each of them."""
        return (self.well, self.ill, self.distant)

    def behind(self, front: Front) -> Engines:
        """Those of one console: the ill one is the one that such a front can be put before."""
        return replace(self, ill=self.distant) if front is Front.SSH else self

    def put_container(self) -> None:
        """The container on each, where it isn't there."""
        for engine in self.all:
            docker = self.lab.docker(engine)
            load(docker, IMAGE)
            if "web-live" not in docker.running():
                docker.remove(*(name for name in docker.names() if name == "web-live"))
                docker.start_container(IMAGE.reference, "web-live", "--restart", "unless-stopped")


@dataclass
class Ward:
    """A console that knows both engines. The cells of `well` and `ill` are those of the two mirrors."""

    console: Console
    jobs: Jobs
    engines: Engines
    proxy: EngineProxy
    good: Credentials
    """The certificate that the proxy shows by right, where it speaks TLS itself."""

    @property
    def server(self) -> LabSsh:
        """The SSH server of the ill engine's host."""
        return self.engines.ill.ssh

    def refresh(self) -> Refreshed:
        """Ask both, and note in which order what was seen is kept."""
        return refresh(self.console, self.jobs)

    def cell(self, slug: str) -> Cell:
        """The live of a mirror, as the catalog knows it now."""
        return survey(self.console).row(slug).cells["live"]

    def contact(self, engine: str) -> Contact:
        """The last contact with an engine."""
        with self.console.catalog.read() as books:
            return books.engines.contacts()[engine]

    def try_out(self) -> None:
        """Reach the ill engine as one that was never reached before, and ask it for a listing. Raises EngineError."""
        with self.console.catalog.read() as books:
            engine = books.engines.get(ILL)
        self.console.engines.try_out(engine, {}).list_containers()

    def refresh_seen_by_the_well(self) -> tuple[Refreshed, Contact]:
        """Refresh; and what was kept of the ill engine at the moment when the well one's part was there."""
        kept: list[Contact] = []

        def report(words: str) -> None:
            if words.startswith(WELL):
                kept.append(self.contact(ILL))

        refreshed = refresh(self.console, self.jobs, report=report)
        return refreshed, kept[0]


def side_threads() -> list[str]:
    """Threads that were begun to ask engines side by side, and still run."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("side")]


@contextmanager
def ward(engines: Engines, front: Front, timeout: float = TIMEOUT) -> Iterator[Ward]:
    """A console on a catalog of its own, with a proxy of this kind before the ill engine. Refreshed once."""
    engines = engines.behind(front)
    folder = Path(tempfile.mkdtemp(prefix="ward-"))
    folder.chmod(0o700)
    good = engines.lab.authority.server("ill", "127.0.0.1")
    client = engines.lab.authority.client("console")
    with ExitStack() as open_things:
        open_things.callback(shutil.rmtree, folder)
        before = open_things.enter_context(_front(front, engines, folder, good))
        vault, jobs = MemoryVault(), Jobs()
        for part, text in zip(PARTS, (client.ca, client.certificate, client.key), strict=True):
            vault.put(SecretReference(f"engine/ill/{part}"), Secret(text))
        if front is Front.SSH:
            vault.put(SSH_KEY, Secret(engines.ill.ssh.key.private))
        catalog = opened_catalog(folder / "catalog" / "catalog.sqlite")
        open_things.callback(catalog.close)
        ways = DockerEngines(vault, clock, folder)
        open_things.callback(ways.close)
        open_things.callback(jobs.close)
        with catalog.write() as books:
            books.engines.save(Engine(WELL, WELL, parse_address(engines.well.unix_url)))
            books.engines.save(_known(front, engines, before, timeout))
            books.applications.save(
                Application(
                    "source", Kind.SOURCE, "Source", "source", repository="shop/ill", release_command=NO_COMMAND
                )
            )
            _save_environment(books.environments.save, "source", WELL)
            for slug in (WELL, ILL):
                books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
                _save_environment(books.environments.save, slug, slug)
        console = Console(catalog, ways, vault, clock, awake_seconds, time.sleep, "operator", "desk")
        made = Ward(console, jobs, engines, before, good)
        refreshed = made.refresh()
        assert not refreshed.failed, refreshed.sentence
        yield made


@contextmanager
def _front(front: Front, engines: Engines, folder: Path, good: Credentials) -> Iterator[EngineProxy]:
    anywhere = ("127.0.0.1", 0)
    match front:
        case Front.PORT:
            with proxy(anywhere, (engines.ill.host, 2376)) as made:
                yield made
        case Front.TLS:
            shown = server_context(good.certificate, good.key, engines.lab.authority.pem)
            with proxy(anywhere, engines.ill.socket, shown) as made:
                yield made
        case Front.SOCKET:
            with proxy(folder / "engine.sock", engines.ill.socket) as made:
                yield made
        case Front.SSH:
            # Beside the engine's own: users of its SSH server see no other folder.
            with proxy(engines.ill.socket.with_name("ill.sock"), engines.ill.socket) as made:
                yield made


def _known(front: Front, engines: Engines, before: EngineProxy, timeout: float) -> Engine:
    """The ill engine as the console knows it."""
    if front is Front.SSH:
        server = engines.ill.ssh
        url = server.url(path=str(before.place))
        access = SshAccess(host_keys=(pin(server),), key=SSH_KEY)
        return Engine(ILL, ILL, parse_address(url), timeout=timeout, ssh=access)
    references = TlsReferences(*(SecretReference(f"engine/ill/{part}") for part in PARTS))
    tls = None if front is Front.SOCKET else references
    return Engine(ILL, ILL, parse_address(before.address), tls=tls, timeout=timeout)


def _save_environment(save: object, application: str, engine: str) -> None:
    environment = Environment(f"{application}-live", application, "live", engine, (Process("web", "web-live"),))
    assert callable(save)
    save(replace(environment, settings=Settings()))
