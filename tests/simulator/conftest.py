"""A simulated engine for each test, with time that moves by hand, and clients to ask it with."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.fleet import SimulatedFleet
from mirror_console.simulator.registry import Login, PublishedRelease, SimulatedRegistry

IMAGE = "registry.test:5000/shop/webshop:1"


class HandClock:
    """Time that stands still until it is moved; waiting moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 9, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        """Let so much time pass."""
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for sockets."""
    made = Path(tempfile.mkdtemp(prefix="mc-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def login() -> Login:
    return Login("deploy", "right")


@pytest.fixture
def registry(clock: HandClock, login: Login) -> SimulatedRegistry:
    return SimulatedRegistry("registry.test:5000", clock, login.username, login.password)


Publish = Callable[..., PublishedRelease]


@pytest.fixture
def publish(registry: SimulatedRegistry) -> Publish:
    """Publish release `version` of the shop under the tag of that name."""

    def one(version: str, behaviour: Behaviour = Behaviour.OK, health_interval: float = 1.0) -> PublishedRelease:
        return registry.publish(
            "shop/webshop", version, version, "c0ffee", behaviour=behaviour, health_interval=health_interval
        )

    return one


@pytest.fixture
def engine(
    clock: HandClock, folder: Path, registry: SimulatedRegistry, publish: Publish, login: Login
) -> Iterator[SimulatedEngine]:
    """An engine like Docker 20.10 that has release 1."""
    publish("1")
    with SimulatedEngine(
        "alpha", clock, socket_path=folder / "a.sock", registries=[registry], pause=clock.move
    ) as made:
        made.pull(IMAGE, login)
        yield made


Api = Any
"""Docker's low-level client. Its own annotations leave out half of what it takes, so they aren't used here."""

Connect = Callable[..., Api]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Clients that know nothing of the person's own Docker set-up."""
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with contextlib.ExitStack() as clients:

        def one(engine: SimulatedEngine, version: str = "1.41", timeout: int = 10) -> Api:
            client = APIClient(base_url=engine.address, version=version, timeout=timeout)
            client.trust_env = False
            clients.callback(client.close)
            return client

        yield one


@pytest.fixture
def api(engine: SimulatedEngine, connect: Connect) -> Api:
    """A client of the engine."""
    return connect(engine)


@pytest.fixture
def fleet(clock: HandClock, folder: Path, login: Login) -> Iterator[SimulatedFleet]:
    """Three engines with one registry."""
    names = ["alpha", "berlin", "cedar"]
    with SimulatedFleet(folder / "fleet", names, clock, login=login, pause=clock.move) as made:
        yield made
