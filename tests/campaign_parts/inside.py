"""Inside the started program: stops it at a boundary, moves its clock, or makes a mutant of it, as its starter is told.

The program knows nothing of this: the starter reads a variable that it takes out of the environment before the program
begins, and what is patched is patched in that one process.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mirror_console.domain.application import Application, Kind
from mirror_console.domain.environment import (
    Environment,
    HealthTest,
    Limits,
    Port,
    Process,
    RestartPolicy,
    Settings,
    Volume,
)
from mirror_console.domain.image import parse_reference
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.process import DeclaredProcess, with_processes
from mirror_console.domain.release import Release
from mirror_console.domain.release_command import NO_COMMAND, ReleaseCommand
from mirror_console.domain.route import Route
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.operations.console import Console
from mirror_console.operations.engine_input import EngineInput
from mirror_console.operations.engines import save_engine
from mirror_console.operations.refresh import refresh
from mirror_console.operations.registries import RegistryInput, save_registry
from tests.campaign_parts import mutants
from tests.campaign_parts.refusing import refuse_writes

app: Any = importlib.import_module("mirror_console.app")
turn: Any = importlib.import_module("mirror_console.operations.turn")
fetching: Any = importlib.import_module("mirror_console.operations.fetching")
engine_images: Any = importlib.import_module("mirror_console.engine.images")
BESIDE = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done")
"""What processes run beside the one that serves."""
FIRST = "0"
"""The first boundary that is met, whatever it is."""
GONE = LockTimes(term=0.5, every=0.2, look_every=0.1, blind=0.4, wait=5.0, grace=0.5)
"""Where who held the lock is known to be gone."""
QUICK = LockTimes(term=6.0, every=1.5, look_every=0.3, blind=2.0, wait=30.0, grace=2.0)


@dataclass(frozen=True, slots=True)
class Orders:
    """What is done to one started program. `stop_at` is a boundary's name, or its place among those that are met."""

    record: str = ""
    """The file that gets a line for each boundary: seconds, and its name."""
    stop_at: str = ""
    mutant: str = ""
    clock_jumps: float = 0.0
    """Seconds by which the time of day jumps at `stop_at`, instead of stopping there."""
    writes_fail: int = 0
    """The number of the error with which each write into its catalog fails from `stop_at` on, instead of stopping."""
    grace: float = 0.0
    """Seconds for which a call may be on its way, besides the time that a stop takes."""
    quick_locks: bool = False
    """Whether a lock is stale in a tenth of the time: then for all consoles of a play."""
    gone: bool = False
    """Whether whoever holds a lock that is found is gone."""
    patience: float = 0.0
    """Seconds for which a call without an answer is looked after; 0 for as long as the program does."""
    silence: float = 0.0
    """Seconds without a sign of life after which a pull, or a question to a registry, is given up, but for no less
    than its engine gets for an answer; 0 for as long as the program waits."""
    prepare: Mapping[str, Any] = field(default_factory=dict)
    """The scene whose catalog is to be filled, instead of running a command."""
    adjust: Mapping[str, Any] = field(default_factory=dict)
    """The scene whose settings are to become those of its environment, instead of running a command."""
    soak: Mapping[str, Any] = field(default_factory=dict)
    """What the process is to live with for as long as a soak goes on, instead of running a command."""
    hostile: Mapping[str, Any] = field(default_factory=dict)
    """The errand to a hostile engine that is to be done, instead of running a command."""

    def text(self) -> str:
        """As it is handed over."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Scene:
    """One environment of one mirror on one engine, with a catalog of its own in `home`."""

    home: str
    engine: str
    """Its address, as the console reaches it."""
    container: str
    port: int
    reference: str
    """Repository and digest of the release."""
    fingerprint: str
    version: str
    policy: str
    bridge: bool = False
    """Whether it publishes its port on a bridge, instead of using the host's network."""
    settle: float = 0.1
    limit: float = 5.0
    stop_seconds: int = 3
    timeout: float = 10.0
    secret: str = ""
    """The value of a secret that its container gets."""
    memory: int = 0
    """Bytes that its container may take; 0 for as many as there are."""
    pem: str = ""
    """The folder with what the engine is reached with, where it is reached by TLS."""
    login: Sequence[str] = ()
    """Name and password for the registry of its release, where that asks for them."""
    command: Sequence[str] = ()
    """Its source's release command."""
    command_limit: float = 60.0
    several: bool = False
    """Whether it has a worker beside the one that serves, and another that its source declares no more."""
    edge: str = ""
    """The network in which it is found by an alias, so that a new one starts beside the old one; empty for none."""
    fellows: Sequence[Sequence[Any]] = ()
    """Other mirrors that the same release goes to: their containers and ports."""

    swarm: bool = False
    """Whether it is a service of the Swarm that its engine manages."""

    @property
    def identity(self) -> str:
        """The identity of its environment."""
        return self.container.ljust(32, "0")

    @property
    def variables(self) -> dict[str, str]:
        """What is declared for its container."""
        return {} if self.bridge or self.edge else {"PORT": str(self.port)}

    @property
    def alias(self) -> str:
        """By which it is found."""
        return f"{self.container}.app"


def begin(text: str) -> None:
    """Carry out orders: afterwards the program is begun, or it ends here."""
    orders = Orders(**json.loads(text))
    if orders.mutant:
        mutants.BY_NAME[orders.mutant].make()
    if orders.record:
        app.Console = functools.partial(app.Console, mark=_Marker(orders))
    times = QUICK if orders.quick_locks else GONE if orders.gone else LockTimes(grace=orders.grace)
    app.Console = functools.partial(app.Console, lock_times=times)
    if orders.patience:
        turn.LOOK_FOR = orders.patience
    if orders.silence:
        fetching.SILENCE = engine_images.SILENCE = engine_images.REGISTRY_SECONDS = orders.silence
    if orders.prepare:
        _prepare(Scene(**orders.prepare))
        raise SystemExit(0)
    if orders.adjust:
        _adjust(Scene(**orders.adjust))
        raise SystemExit(0)
    if orders.hostile:
        from tests.campaign_parts.hostile.errand import Errand

        Errand(**orders.hostile).run(app.opened)
    if orders.soak:
        from tests.campaign_parts.soak.living import Living

        Living(**orders.soak).run(app.opened)
        raise SystemExit(0)


class _Marker:
    """Called at each boundary."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._met = 0
        self._was_here = False
        self._record = os.open(orders.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, boundary: str) -> None:
        os.write(self._record, f"{time.monotonic():.6f} {boundary}\n".encode())
        # Once: a step that is taken again, as a pruned lock is, meets the same boundary again.
        here = not self._was_here and self._orders.stop_at in {boundary, str(self._met)}
        self._was_here |= here
        self._met += 1
        if here and self._orders.clock_jumps:
            real, by = time.time, self._orders.clock_jumps
            time.time = lambda: real() + by
        elif here and self._orders.writes_fail:
            refuse_writes(self._orders.writes_fail)
        elif here:
            # To this very thread, so that it stops before it goes on by as much as one call.
            signal.raise_signal(signal.SIGSTOP)


# --- the catalog of a scene -----------------------------------------------------------------------------------------


def _prepare(scene: Scene) -> None:
    """Fill the catalog of a scene and look at its engine once, as a person would before a rollout."""
    with app.opened() as parts:
        console = parts.console
        secrets = {}
        if scene.secret:
            reference = SecretReference(f"campaign/{scene.container}")
            console.vault.put(reference, Secret(scene.secret))
            secrets["TOKEN"] = reference
        now = console.clock()
        engine_id = save_engine(console, _engine(scene)).id
        _keep_login(console, scene)
        with console.catalog.write() as books:
            source = Application(
                "source", Kind.SOURCE, "Source", "source", repository="unused.test/w", release_command=NO_COMMAND
            )
            if scene.command:
                command = ReleaseCommand(tuple(scene.command), scene.command_limit, reversible=True)
                source = replace(source, release_command=command)
            if scene.several:
                worker = DeclaredProcess("worker", BESIDE, worker=True)
                source = replace(source, processes=(DeclaredProcess("web", serves=True), worker))
            books.applications.save(source)
            none = (Process("web", "no-such"),)
            books.environments.save(Environment("source-live", "source", "live", engine_id, none))
            books.applications.save(Application("mirror", Kind.MIRROR, "Mirror", "mirror", source_id="source"))
            place = Environment(scene.identity, "mirror", "live", engine_id, (Process("web", scene.container),))
            place = replace(place, swarm=scene.swarm)
            place = with_processes(replace(place, settings=settings_of(scene, secrets)), source.processes)
            if scene.several:
                place = replace(place, going=(Process("mailer", f"{scene.container}-mailer", BESIDE, worker=True),))
            books.environments.save(place)
            for number, (container, port) in enumerate(scene.fellows, 2):
                fellow = Application(
                    f"mirror-{number}", Kind.MIRROR, f"Mirror {number}", f"mirror-{number}", source_id="source"
                )
                books.applications.save(fellow)
                other = replace(scene, container=container, port=port)
                process = (Process("web", container),)
                made = Environment(other.identity, fellow.id, "live", engine_id, process)
                books.environments.save(replace(made, settings=settings_of(other, secrets)))
            repository, _, digest = scene.reference.partition("@")
            goal = ("goal", "source-live", scene.fingerprint, repository, digest, now, now)
            books.releases.save(Release(*goal, version=scene.version))
        refresh(console, parts.jobs)


def _adjust(scene: Scene) -> None:
    """Give an environment the settings of a scene, as a person would between two rollouts."""
    with app.opened() as parts, parts.console.catalog.write() as books:
        there = books.environments.get(scene.identity)
        books.environments.save(replace(there, settings=settings_of(scene, there.settings.secrets)))


def _engine(scene: Scene) -> EngineInput:
    typed = EngineInput(name="engine", address=scene.engine, timeout=f"{scene.timeout:g}")
    if not scene.pem:
        return typed
    authority, certificate, key = ((Path(scene.pem) / f"{name}.pem").read_text() for name in ("ca", "cert", "key"))
    return replace(typed, ca=authority, certificate=certificate, key=Secret(key))


def _keep_login(console: Console, scene: Scene) -> None:
    if scene.login:
        user, password = scene.login
        host = parse_reference(scene.reference).registry
        save_registry(console, RegistryInput(host, user, Secret(password)))


def settings_of(scene: Scene, secrets: Mapping[str, SecretReference]) -> Settings:
    """The settings of a scene's environment."""
    if scene.swarm:
        health = HealthTest(settle=scene.settle, limit=scene.limit)
        return Settings(variables=scene.variables, secrets=secrets, health=health, stop_seconds=scene.stop_seconds)
    routed = Route(scene.edge, scene.alias, 8080, drain=0.3, overlap=True) if scene.edge else None
    published = 0 if routed else scene.port
    return Settings(
        variables=scene.variables,
        secrets=secrets,
        ports=(Port(8080, published),) if scene.bridge or routed else (),
        networks=("back",) if routed else () if scene.bridge else ("host",),
        route=routed,
        volumes=(Volume(f"{scene.container}-media", "/media"),),
        restart=RestartPolicy(scene.policy),
        limits=Limits(memory=scene.memory),
        health=HealthTest(settle=scene.settle, limit=scene.limit),
        stop_seconds=scene.stop_seconds,
    )


def boundaries(record: Path) -> list[tuple[float, str]]:
    """The boundaries that a program has met, each with its second."""
    if not record.exists():
        return []
    lines = (line.partition(" ") for line in record.read_text().splitlines())
    return [(float(second), name) for second, _, name in lines]
