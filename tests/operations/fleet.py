"""A small fleet on the simulator with a real catalog, for the tests of operations: a source, mirrors, two engines."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from mirror_console.domain.application import Application, ImageSource, Kind
from mirror_console.domain.audit import Author
from mirror_console.domain.engine import Engine, Registry, parse_address
from mirror_console.domain.environment import Environment, HealthTest, Port, Process, Settings
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.release_command import NO_COMMAND
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.engine import DockerEngines
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.container import Container
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.registry import Login
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.operations.kept import Kept, keep

REPOSITORY = "registry.test:5000/shop/webshop"
LOGIN = Login("deploy", "fleet-password")
CATALOG = Path("catalog", "catalog.sqlite")
STOPS = 1
"""Seconds that a stop may take."""
SOON = LockTimes(grace=0.05 - STOPS)
"""Nothing that is given up on here, or cut off, arrives late, but where a test says so: not even what stops is waited
for."""
QUICK = Way(waves=(WaveSize(count=1), REST), bake=0.0, pause_after_canary=False)


def now() -> datetime:
    """The time of day in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)


@dataclass(slots=True)
class Fleet:
    """A console, the simulated engines it works on, and what was put on them."""

    console: Console
    jobs: Jobs
    simulated: SimulatedFleet
    folder: Path
    mirrors: list[Application] = field(default_factory=list)

    def environment(self, application: Application, name: str) -> Environment:
        """An environment of an application."""
        with self.console.catalog.read() as books:
            return next(found for found in books.environments.of(application.id) if found.name == name)

    def names(self, engine: str) -> dict[str, str]:
        """The containers of an engine by name, with their states, read past the program."""
        state = self.simulated.engines[engine].state
        with state.lock:
            return {container.name: str(container.phase) for container in state.containers.values()}

    def container(self, name: str) -> Container:
        """A container, on whichever engine it is, read past the program."""
        engine = next(engine for engine in self.simulated.engines if name in self.names(engine))
        return self.simulated.engines[engine].container(name)

    def version_of(self, name: str) -> str:
        """The version label of the image that a container was made of."""
        return str(self.container(name).image.config["Labels"]["org.opencontainers.image.version"])

    def publish(self, version: str, **how: object) -> str:
        """Publish a release and deploy it to the source's live, where it runs well in any case; its digest."""
        release = self.simulated.registry.publish("shop/webshop", version, version, f"rev-{version}", **how)  # type: ignore[arg-type]
        engine = self.simulated.engines["alpha"]
        engine.pull(f"{REPOSITORY}:{version}", self.simulated.login)
        if "webshop-live" in self.names("alpha"):
            engine.lose_container("webshop-live")
        engine.run("webshop-live", f"{REPOSITORY}:{version}", ports={8080: 10080}, behaviour=Behaviour.OK)
        return release.digest

    def align(self) -> None:
        """Have every mirror run 26.8.2, as the source does, and all of it seen."""
        self.publish("26.8.2", health_interval=0.02)
        self.run_mirrors("26.8.2")
        refresh(self.console, self.jobs)

    def fall_behind(self) -> None:
        """Have every mirror run 26.8.2 where the source has 26.8.3 already, with both seen."""
        self.align()
        self.publish("26.8.3", health_interval=0.02)
        refresh(self.console, self.jobs)

    def fall_behind_what_is_ill(self) -> None:
        """Have every mirror run 26.8.2 where the source has 26.8.3, which never is healthy, with both seen."""
        self.align()
        self.publish("26.8.3", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
        refresh(self.console, self.jobs)

    def run_mirrors(self, version: str) -> None:
        """Have every mirror's live run a version, made by hand: without labels of ours."""
        for mirror in self.mirrors:
            environment = self.environment(mirror, "live")
            engine = self.simulated.engines[environment.engine_id]
            engine.pull(f"{REPOSITORY}:{version}", self.simulated.login)
            engine.run(
                environment.container,
                f"{REPOSITORY}:{version}",
                ports={port.container: port.host for port in environment.settings.ports},
                variables=dict(environment.settings.variables),
                host={"RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}},
            )

    def roll_out(self, way: Way = QUICK) -> Rollout:
        """Roll what the source's live has out to every mirror, to the end."""
        made = plan(self.console, "live", [mirror.id for mirror in self.mirrors], way)
        rollout = start(self.console, made, preflight(self.console, self.jobs, made), "a test")
        return Conductor(self.console, self.jobs, rollout).run()

    def roll_out_twice(self) -> None:
        """Have every mirror rolled out to twice: from 26.8.1, that ran by hand, to 26.8.2, then to 26.8.3."""
        self.publish("26.8.1", health_interval=0.02)
        self.run_mirrors("26.8.1")
        refresh(self.console, self.jobs)
        for version in ("26.8.2", "26.8.3"):
            self.publish(version, health_interval=0.02)
            refresh(self.console, self.jobs)
            assert self.roll_out().state is RolloutState.COMPLETED

    def run_again(self, version: str) -> None:
        """Have every mirror's live run another version, in place of what it runs."""
        for mirror in self.mirrors:
            environment = self.environment(mirror, "live")
            self.simulated.engines[environment.engine_id].lose_container(environment.container)
        self.run_mirrors(version)

    def with_settings(self, environment: Environment, **changes: object) -> Environment:
        """Change settings of an environment in the catalog."""
        changed = replace(environment, settings=replace(environment.settings, **changes))  # type: ignore[arg-type]
        with self.console.catalog.write() as books:
            books.environments.save(changed)
        return changed


Prepare = Callable[[Fleet], object]
"""What puts something on a fleet, the same each time."""


@contextmanager
def small_fleet(
    mirrors: int = 4, names: Sequence[str] = ("alpha", "berlin"), prepared: Prepare | None = None
) -> Iterator[Fleet]:
    """A source with live on `alpha`, and mirrors with live on the engines in turn.

    Nothing runs yet but what `prepared` puts there: it is called once, and what it made is kept for whoever asks for
    the same within a minute. So it has to be the same function each time, and to change nothing but the fleet.
    """
    asked = (mirrors, tuple(names), prepared)
    kept = _kept.get(asked)
    if kept is not None and kept.is_usable:
        with _opened(kept.folder, names, kept) as fleet:
            yield fleet
        return
    folder = Path(tempfile.mkdtemp(prefix="mc-"))
    with _opened(folder, names) as fleet:
        _fill(fleet, mirrors)
        if prepared is not None:
            prepared(fleet)
        vault = fleet.console.vault
        assert isinstance(vault, MemoryVault)
        _kept[asked] = keep(folder, fleet.simulated, vault, folder / CATALOG, fleet.mirrors)
        yield fleet


_kept: dict[tuple[int, tuple[str, ...], Prepare | None], Kept] = {}


@contextmanager
def _opened(folder: Path, names: Sequence[str], kept: Kept | None = None) -> Iterator[Fleet]:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    vault = MemoryVault()
    simulated = SimulatedFleet(folder / "e", names, now, login=LOGIN)
    try:
        if kept is not None:
            kept.put_back(simulated, vault, folder / CATALOG)
        with simulated:
            catalog = opened_catalog(folder / CATALOG, Author(now, "operator", "desk"))
            jobs = Jobs()
            engines = DockerEngines(vault, now)
            console = Console(
                catalog, engines, vault, now, time.monotonic, time.sleep, "operator", "desk", lock_times=SOON
            )
            try:
                yield Fleet(console, jobs, simulated, folder, list(kept.mirrors if kept else ()))
            finally:
                jobs.close()
                engines.close()
                catalog.close()
    finally:
        shutil.rmtree(folder)


def _fill(fleet: Fleet, mirrors: int) -> None:
    password = SecretReference("registry/simulated/password")
    fleet.console.vault.put(password, Secret(LOGIN.password))
    with fleet.console.catalog.write() as books:
        for name, simulated in fleet.simulated.engines.items():
            books.engines.save(Engine(name, name, parse_address(simulated.address), location=name.title(), timeout=5.0))
        books.registries.save(Registry("simulated", "registry.test:5000", LOGIN.username, password))
        source = Application(
            "source", Kind.SOURCE, "Webshop", "webshop", repository=REPOSITORY, release_command=NO_COMMAND
        )
        books.applications.save(source)
        books.environments.save(
            Environment("source-live", "source", "live", "alpha", (Process("web", "webshop-live"),))
        )
        for number in range(1, mirrors + 1):
            mirror = Application(
                f"mirror-{number:02}",
                Kind.MIRROR,
                f"Mirror {number:02}",
                f"mirror-{number:02}",
                account="ACC-1",
                domains=(f"mirror-{number:02}.example",),
                source_id="source",
                image_source=ImageSource.ALWAYS_LIVE,
            )
            books.applications.save(mirror)
            fleet.mirrors.append(mirror)
            settings = Settings(
                variables={"DOMAIN": f"mirror-{number:02}.example"},
                ports=(Port(8080, 11000 + number),),
                health=HealthTest(settle=0.0, limit=3.0),
                stop_seconds=STOPS,
            )
            engine = list(fleet.simulated.engines)[(number - 1) % len(fleet.simulated.engines)]
            process = Process("web", f"mirror-{number:02}-live")
            books.environments.save(
                Environment(f"{number:02}live{number:026}", mirror.id, "live", engine, (process,), settings)
            )
