"""ssh-warm: a request over a warm SSH connection, against the same one over a warm `docker system dial-stdio`.

The alternative is what ``docker -H ssh://`` itself has inside one run: OpenSSH's client with the command
``docker system dial-stdio`` at its other end, kept open, and HTTP spoken over it again and again. To start the command
line anew for each request costs far more, also over a shared connection (ControlMaster): an easy opponent.
"""

from __future__ import annotations

import http.client
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mirror_console.app import clock
from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop, SshAccess, parse_host_key
from mirror_console.engine import DockerEngines
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.vault import MemoryVault
from tests.benchmarks.ground import API, seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Goal, NotMeasured, Sides
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.lab import Lab, ending_on_signals
from tests.lab.programs import find

REQUESTS = 200
AT_ONCE = 20
PATH = f"/v{API}/containers/json?all=1"


@contextmanager
def sides() -> Iterator[Sides]:
    """An engine by SSH without containers, and both connections to it warm."""
    with TemporaryDirectory(prefix="bench-") as folder, ending_on_signals():
        place = Path(folder)
        with Lab.start(place / "lab", registry=False, keyring=False, owner=(0, 0)) as lab:
            engine = lab.engine(EngineSpec("bern", bridge=False, ssh=True))
            with _console(engine, place) as session, _openssh(engine, place) as line:
                in_turn = _InTurn(session, line)
                in_turn.alternative()  # so that its connection isn't counted as one of ours
                in_turn.ours()
                before = engine.ssh.connections()
                with ThreadPoolExecutor(AT_ONCE) as pool:
                    list(pool.map(lambda _: session.list_containers(), range(AT_ONCE)))
                opened = engine.ssh.connections() - before
                note = f"{AT_ONCE} requests at once over the warm connection opened {opened} more."
                yield Sides(in_turn.ours, in_turn.alternative, [note, _cold(engine, place)])


class _InTurn:
    """Asks both in turn, request by request: what others do on the machine meets both alike, and no round only one."""

    def __init__(self, session: EngineSession, line: http.client.HTTPConnection) -> None:
        self._session = session
        self._line = line
        self._measured: tuple[float, float] | None = None

    def ours(self) -> float:
        """Milliseconds that a request usually takes."""
        return self._of_this_round()[0]

    def alternative(self) -> float:
        """Milliseconds that the same one usually takes over the other connection."""
        return self._of_this_round()[1]

    def _of_this_round(self) -> tuple[float, float]:
        if self._measured is not None:
            measured, self._measured = self._measured, None
            return measured
        pairs = [(_milliseconds(self._session.list_containers), _milliseconds(self._ask)) for _ in range(REQUESTS)]
        ours, alternative = zip(*pairs, strict=True)
        self._measured = statistics.median(ours), statistics.median(alternative)
        return self._measured

    def _ask(self) -> None:
        self._line.request("GET", PATH, headers={"Host": "engine"})
        if self._line.getresponse().read() != b"[]\n":
            raise NotMeasured("the engine has containers")


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return seconds_since(began) * 1000


def _cold(engine: LabEngine, folder: Path) -> str:
    """How many connections twenty requests open where none is there yet."""
    before = engine.ssh.connections()
    with _console(engine, folder) as session, ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: session.list_containers(), range(AT_ONCE)))
    return f"{AT_ONCE} requests at once from a console that had none opened {engine.ssh.connections() - before}."


@contextmanager
def _console(engine: LabEngine, folder: Path) -> Iterator[EngineSession]:
    vault = MemoryVault()
    reference = SecretReference("engine/bern/ssh-key")
    vault.put(reference, Secret(engine.ssh.key.private))
    pin = parse_host_key(engine.ssh.host_key().public, Hop(engine.ssh.host))
    access = SshAccess(host_keys=(pin,), key=reference)
    engines = DockerEngines(vault, clock, folder / "nobody's")
    try:
        yield engines.session(Engine("bern", "bern", parse_address(engine.url), ssh=access))
    finally:
        engines.close()


@contextmanager
def _openssh(engine: LabEngine, folder: Path) -> Iterator[http.client.HTTPConnection]:
    """A connection over OpenSSH's client, whose other end is the docker command."""
    known = folder / "known_hosts"
    known.write_text(f"{engine.ssh.host} {engine.ssh.host_key().public}\n")
    options = [f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=none", "IdentitiesOnly=yes", "BatchMode=yes"]
    settings = [word for option in options for word in ("-o", option)]
    host = engine.url.removeprefix("ssh://")
    command = [find("ssh"), "-F", "none", "-i", str(engine.ssh.key.file), *settings, host, "docker system dial-stdio"]
    ours, theirs = socket.socketpair()
    with theirs:
        running = subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL)
    line = http.client.HTTPConnection("engine")
    line.sock = ours
    try:
        yield line
    finally:
        line.close()
        running.wait(10.0)


BENCHMARK = Benchmark(
    name="ssh-warm",
    unit="ms",
    ours=f"a listing over the console's warm SSH connection, parsed (the median of {REQUESTS}, in turn with the other)",
    alternative="the same request over OpenSSH's client with docker system dial-stdio, kept open, not parsed",
    goal=Goal(Bound.AT_MOST, 1.5),
    rounds=15,
    setup=sides,
)
