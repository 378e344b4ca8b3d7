"""Starts and stops a whole lab in one folder; any later process finds it by that folder and can take it away."""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import shutil
import signal
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import FrameType

from tests.lab.certificates import END, Authority, Credentials
from tests.lab.docker_cli import Docker
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.keyring import LabKeyring
from tests.lab.leftovers import leftovers, mounts_below
from tests.lab.network import LabNetwork, networks, one_at_a_time
from tests.lab.podman import PodmanEngine
from tests.lab.processes import Process, kill_all
from tests.lab.programs import LabError, require_root, run
from tests.lab.registry import LabRegistry
from tests.lab.ssh import LabSsh

STATE = "state.json"
JUMP_PLACE = 3
FIRST_PLACE = 11


class Lab:
    """A running lab. `keeper` is the process that it ends with; a lab without one runs until it is stopped."""

    def __init__(
        self,
        folder: Path,
        network: LabNetwork,
        owner: tuple[int, int],
        keeper: Process | None,
        specs: Sequence[EngineSpec] = (),
    ) -> None:
        self.folder = folder
        self.network = network
        self.owner = owner
        self.keeper = keeper
        self.registry = LabRegistry(network=network, folder=folder / "registry")
        self.jump_host = LabSsh(network=network, place=JUMP_PLACE, folder=folder / "jump")
        self.keyring = LabKeyring(folder=folder / "keyring", owner=owner)
        self._engines = {spec.name: self._make_engine(spec, place) for place, spec in enumerate(specs, FIRST_PLACE)}

    @classmethod
    def start(
        cls,
        folder: Path,
        engines: Iterable[EngineSpec] = (),
        *,
        registry: bool = True,
        keyring: bool = True,
        kept: bool = False,
        owner: tuple[int, int] | None = None,
    ) -> Lab:
        """Start a lab in `folder`, which must be new or empty; what has started is taken away if something fails.

        `kept` lets it run on when this process ends. `owner` (uid, gid) may use the local sockets and has the client
        keys and the keyring; it is who called sudo, unless named. Raises LabError.
        """
        require_root()
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid != 0:
            raise LabError(f"{folder} belongs to someone else than root. Name another folder for the lab.")
        if any(folder.iterdir()):
            raise LabError(f"{folder} is not empty. Stop the lab that is there, or name another folder.")
        folder.chmod(0o711)
        with one_at_a_time():
            network = LabNetwork.make(folder)
            lab = cls(folder, network, owner or caller(), None if kept else Process.of(os.getpid()))
            lab._save()
        atexit.register(lab._stop_at_exit)
        try:
            if registry:
                lab.start_registry()
            if keyring:
                lab.start_keyring()
            for spec in engines:
                lab.engine(spec)
        except BaseException:
            lab.stop()
            raise
        return lab

    @classmethod
    def attach(cls, folder: Path) -> Lab:
        """The lab that another process has started in `folder`. Raises LabError when there is none."""
        folder = folder.resolve()
        try:
            state = json.loads((folder / STATE).read_text())
        except FileNotFoundError as failure:
            raise LabError(f"There is no lab in {folder}.") from failure
        except PermissionError as failure:
            raise LabError(f"The lab in {folder} belongs to someone else. Run this again as root.") from failure
        keeper = Process(*state["keeper"]) if state["keeper"] else None
        owner = (int(state["owner"][0]), int(state["owner"][1]))
        # A lab that another version of the tests has started may say more of its engines than is known here.
        known = {field.name for field in dataclasses.fields(EngineSpec)}
        specs = [EngineSpec(**{name: spec[name] for name in known & set(spec)}) for spec in state["engines"]]
        return cls(folder, LabNetwork(int(state["number"])), owner, keeper, specs)

    @property
    def engines(self) -> dict[str, LabEngine]:
        """Its engines by name, in the order in which they came."""
        return dict(self._engines)

    @cached_property
    def authority(self) -> Authority:
        """Who signs the certificates of the engines that are started from here on."""
        return Authority()

    def server_certificate(self, engine: LabEngine, *, end: datetime = END, key: str = "") -> Credentials:
        """A certificate for an engine to show: good for every address it has, for a new key or for this PEM text."""
        # The loopback address too: there a proxy may stand before it.
        return self.authority.server(engine.name, engine.host, engine.name, "127.0.0.1", end=end, key=key)

    def engine(self, wanted: EngineSpec | str) -> LabEngine:
        """The engine of this name, or a new one made and started as described. Raises LabError."""
        name = wanted if isinstance(wanted, str) else wanted.name
        engine = self._engines.get(name)
        if engine is not None:
            if isinstance(wanted, EngineSpec) and engine.spec != wanted:
                raise LabError(f"The engine {name} is there already, with other options.")
            return engine
        if isinstance(wanted, str):
            raise LabError(f"The lab has no engine {name}; it has: {', '.join(self._engines) or 'none'}.")
        engine = self._make_engine(wanted, FIRST_PLACE + len(self._engines))
        self._engines[name] = engine
        self._save()
        server = self.server_certificate(engine) if wanted.tls else None
        engine.install(server, self.authority.client("console") if wanted.tls else None)
        engine.start()
        return engine

    def docker(self, wanted: EngineSpec | LabEngine | str) -> Docker:
        """The docker command line on one engine, knowing the registry's password."""
        engine = wanted if isinstance(wanted, LabEngine) else self.engine(wanted)
        return Docker(engine, self.registry.docker_config)

    def start_registry(self) -> LabRegistry:
        """The registry, started if it doesn't run."""
        if not self.registry.folder.exists():
            self.registry.install()
        self.registry.start()
        return self.registry

    def start_keyring(self) -> LabKeyring:
        """The keyring, started if it doesn't run."""
        if not self.keyring.folder.exists():
            self.keyring.install()
        self.keyring.start()
        return self.keyring

    def start_jump_host(self) -> LabSsh:
        """A host without an engine, whose users may pass on to others by SSH; started if it doesn't run."""
        if not self.jump_host.folder.exists():
            self.network.plug(JUMP_PLACE)
            self.jump_host.install()
        self.jump_host.start()
        return self.jump_host

    def alive(self) -> bool:
        """Whether someone wants it: it is kept, or the process that it ends with still runs."""
        return self.keeper is None or self.keeper.alive()

    def keep(self) -> None:
        """Let it run on when this process ends, until it is stopped by its folder."""
        self.keeper = None
        self._save()

    def stop(self) -> None:
        """Take all of it away with its folder: processes, mounts, namespaces, links, control groups. May be repeated.

        Raises LabError when something can't be taken away; stopping again goes on where it failed.
        """
        require_root()
        atexit.unregister(self._stop_at_exit)
        with one_at_a_time():
            _end(self.network, self.folder)

    def leftovers(self) -> list[str]:
        """Everything of it that is on this machine now, a line each; none after `stop`."""
        with one_at_a_time():
            return leftovers(self.network, self.folder)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _stop_at_exit(self) -> None:
        # A forked child that ends in the ordinary way comes here too: the lab isn't its own.
        if self.keeper is not None and self.keeper.pid == os.getpid():
            self.stop()

    def _make_engine(self, spec: EngineSpec, place: int) -> LabEngine:
        folder = self.folder / "engines" / spec.name
        registry = self.registry.address
        kind = PodmanEngine if spec.podman else LabEngine
        return kind(spec, network=self.network, place=place, folder=folder, registry=registry, owner=self.owner)

    def _save(self) -> None:
        (self.folder / "engines").mkdir(mode=0o711, exist_ok=True)
        state = {
            "number": self.network.number,
            "owner": self.owner,
            "keeper": dataclasses.astuple(self.keeper) if self.keeper else None,
            "engines": [dataclasses.asdict(engine.spec) for engine in self._engines.values()],
        }
        new = self.folder / f"{STATE}.new"
        new.write_text(json.dumps(state, indent=1))
        new.chmod(0o644)
        new.replace(self.folder / STATE)


def caller() -> tuple[int, int]:
    """Uid and gid of the person who called: through sudo, or who we run as."""
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and uid.isdigit() and gid.isdigit():
        return int(uid), int(gid)
    return os.geteuid(), os.getegid()


def running_labs() -> list[Lab]:
    """The labs on this machine that someone still wants."""
    attached = [_attached(folder) for _, folder in networks()]
    return [lab for lab in attached if lab is not None and lab.alive()]


def abandoned() -> list[str]:
    """What is there of labs that nobody wants any more, a line each."""
    with one_at_a_time():
        return [line for network, folder in _unwanted() for line in leftovers(network, folder)]


def sweep() -> list[Path]:
    """Stop the labs whose process has gone without stopping them; returns the folders they were in."""
    require_root()
    with one_at_a_time():
        unwanted = _unwanted()
        for network, folder in unwanted:
            _end(network, folder)
    return [folder for _, folder in unwanted if folder is not None]


def stop_in(folder: Path) -> list[str]:
    """Stop the lab in a folder, whatever state it is in; returns what is left of it, a line each, none as a rule.

    Raises LabError when there is no lab.
    """
    require_root()
    folder = folder.resolve()
    lab = _attached(folder)
    found = [lab.network] if lab else [network for network, place in networks() if place == folder]
    if not found:
        raise LabError(f"There is no lab in {folder}.")
    with one_at_a_time():
        for network in found:
            _end(network, folder)
        return [line for network in found for line in leftovers(network, folder)]


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the program as Ctrl-C does: what it has started is taken away first."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _unwanted() -> list[tuple[LabNetwork, Path | None]]:
    wanted = {lab.network.number for lab in running_labs()}
    return [(network, folder) for network, folder in networks() if network.number not in wanted]


def _attached(folder: Path | None) -> Lab | None:
    if folder is None:
        return None
    try:
        return Lab.attach(folder)
    except LabError:
        return None


def _end(network: LabNetwork, folder: Path | None) -> None:
    """Take a lab away: everyone who runs in it, its keyring (which runs beside it), its folder, its network."""
    # A lab that has ended before may not end the one that has its number now.
    own = network.folder() in (None, folder)
    if own:
        kill_all(network.processes)
    # A folder that isn't root's own was never a lab's: whatever the link says, it is left alone.
    if folder is not None and _is_lab(folder):
        LabKeyring(folder=folder / "keyring", owner=(0, 0)).stop()
        for mount in mounts_below(folder):
            run(["umount", "--lazy", mount])
        shutil.rmtree(folder)
    if own:
        network.remove()


def _is_lab(folder: Path) -> bool:
    try:
        place = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(place.st_mode) and place.st_uid == 0 and (folder / "engines").is_dir()
