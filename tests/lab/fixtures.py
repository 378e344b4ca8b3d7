"""The lab for pytest: one for the whole run, its parts started when a test first asks, its engines clean for each test.

A test that asks for any of these is marked `lab`, so that `-m "not lab"` leaves it out. Without root they fail with a
sentence that says so.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.clearing import clear
from tests.lab.engine import EngineSpec, LabEngine
from tests.lab.keyring import LabKeyring
from tests.lab.lab import Lab, ending_on_signals, sweep
from tests.lab.programs import LabError, require_root
from tests.lab.registry import LabRegistry
from tests.lab.ssh import LabSsh
from tests.lab.swarm import begin_swarm, clear_swarm, join_swarm, leave_swarm, manages_swarm

LOCAL = EngineSpec("local")
FIRST_TLS = EngineSpec("paris", tls=True)
SECOND_TLS = EngineSpec("oslo", tls=True)
FAST = EngineSpec("fast", bridge=False)
PODMAN = EngineSpec("porto", podman=True)
BY_SSH = EngineSpec("bern", ssh=True)
BY_JUMP = EngineSpec("chur", ssh=True)
MANAGER = EngineSpec("zug", bridge=False)
WORKER = EngineSpec("uri", bridge=False)

JUMP_HOST = "the jump host"
LEFT_CLEAN: set[str] = set()
"""What the last test with it has left clean: engines, by name, and the jump host."""

LAB_FIXTURES = frozenset(
    {
        "lab",
        "lab_registry",
        "lab_keyring",
        "local_engine",
        "tls_engine",
        "second_tls_engine",
        "fast_engine",
        "podman_engine",
        "ssh_engine",
        "inner_engine",
        "swarm_engine",
        "swarm_worker",
        "jump_host",
        "three_engines",
    }
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs the lab, before `-m` is looked at."""
    for item in items:
        if LAB_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The run's lab, without engines at first. It is stopped at the end, and then nothing of it may be left."""
    try:
        require_root()
    except LabError as failure:
        pytest.fail(str(failure), pytrace=False)
    sweep()
    with ending_on_signals():
        folder = Path(tempfile.mkdtemp(prefix="lab-"))
        try:
            running = Lab.start(folder, registry=False, keyring=False, owner=(0, 0))
            try:
                yield running
            finally:
                running.stop()
            left = running.leftovers()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if left:
        pytest.fail("\n".join(["The lab left something behind:", *left]), pytrace=False)


@pytest.fixture(scope="session")
def lab_registry(lab: Lab) -> LabRegistry:
    """The registry. A test that stops it starts it again."""
    return lab.start_registry()


@pytest.fixture
def lab_keyring(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> LabKeyring:
    """The keyring, unlocked, and this process's environment set so that it and its children use it.

    What other tests have put into it is still there: keep to names of your own.
    """
    keyring = lab.start_keyring()
    if keyring.locked():
        keyring.unlock()
    for name, value in keyring.environment.items():
        monkeypatch.setenv(name, value)
    return keyring


@pytest.fixture
def local_engine(lab: Lab) -> Iterator[LabEngine]:
    """An engine by local socket; at first it has no containers, and no networks or volumes of anyone's making."""
    yield from _clean(lab, LOCAL)


@pytest.fixture
def tls_engine(lab: Lab) -> Iterator[LabEngine]:
    """An engine by TLS with a client certificate, clean."""
    yield from _clean(lab, FIRST_TLS)


@pytest.fixture
def second_tls_engine(lab: Lab) -> Iterator[LabEngine]:
    """Another engine by TLS, clean."""
    yield from _clean(lab, SECOND_TLS)


@pytest.fixture
def fast_engine(lab: Lab) -> Iterator[LabEngine]:
    """An engine without a bridge, for many containers: they use the host network or none. Clean."""
    yield from _clean(lab, FAST)


@pytest.fixture
def podman_engine(lab: Lab) -> Iterator[LabEngine]:
    """Podman's system service by its local socket, clean."""
    yield from _clean(lab, PODMAN)


@pytest.fixture
def ssh_engine(lab: Lab) -> Iterator[LabEngine]:
    """An engine by SSH, and by nothing else for those who use it. Clean, its SSH server mended."""
    yield from _clean(lab, BY_SSH)


@pytest.fixture
def inner_engine(lab: Lab) -> Iterator[LabEngine]:
    """Another engine by SSH, for a way over the jump host. Clean, its SSH server mended."""
    yield from _clean(lab, BY_JUMP)


@pytest.fixture
def swarm_engine(lab: Lab) -> Iterator[LabEngine]:
    """The manager, and only node, of a Swarm, by its local socket; without services and configs."""
    lab.start_registry()
    engine = lab.engine(MANAGER)
    engine.mend()
    if not manages_swarm(engine.socket):
        begin_swarm(engine)
    clear_swarm(engine.socket)
    yield engine
    engine.mend()
    clear_swarm(engine.socket)


@pytest.fixture
def swarm_worker(lab: Lab, swarm_engine: LabEngine) -> Iterator[LabEngine]:
    """A second node of that Swarm, which only works."""
    engine = lab.engine(WORKER)
    engine.mend()
    join_swarm(engine, swarm_engine)
    yield engine
    engine.mend()
    leave_swarm(engine, swarm_engine)
    clear(engine.socket)


@pytest.fixture
def jump_host(lab: Lab) -> Iterator[LabSsh]:
    """An SSH server without an engine, over which others are reached; mended."""
    host = lab.start_jump_host()
    if JUMP_HOST not in LEFT_CLEAN:
        host.mend()
    LEFT_CLEAN.discard(JUMP_HOST)
    yield host
    host.mend()
    LEFT_CLEAN.add(JUMP_HOST)


@pytest.fixture
def three_engines(
    local_engine: LabEngine, tls_engine: LabEngine, second_tls_engine: LabEngine
) -> tuple[LabEngine, LabEngine, LabEngine]:
    """The usual fleet: one by local socket, two by TLS; clean, with the registry running."""
    return local_engine, tls_engine, second_tls_engine


def _clean(lab: Lab, spec: EngineSpec) -> Iterator[LabEngine]:
    # Every engine trusts the registry's address; whoever needs it takes it that it runs.
    lab.start_registry()
    engine = lab.engine(spec)
    if spec.name not in LEFT_CLEAN:
        _mend(engine)
    LEFT_CLEAN.discard(spec.name)
    yield engine
    _mend(engine)
    LEFT_CLEAN.add(spec.name)


def _mend(engine: LabEngine) -> None:
    engine.mend()
    clear(engine.socket)
