"""Without encryption: on this computer alone, after it was accepted, and else not one octet is sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from mirror_console.domain.engine import Address, Engine, Way, parse_address
from mirror_console.engine import DockerEngines
from mirror_console.errors import EngineError, FailureKind
from mirror_console.vault import MemoryVault
from tests.engine.stand_in import StandIn, reply

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    opened = DockerEngines(MemoryVault(), lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[StandIn]:
    """Something on a port of this computer that answers as an engine does."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        address = parse_address(f"http://127.0.0.1:{listener.getsockname()[1]}")
        made = StandIn(Engine("e1", "here", address, timeout=2.0, unencrypted_accepted=True))
        serving = threads.submit(made.serve, listener)
        yield made
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        serving.result(5.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_once_accepted_it_is_an_engine_like_any(engines: DockerEngines, server: StandIn, host: str) -> None:
    server.answers.append(reply(b"[]"))
    address = Address(Way.PLAIN, host=host, port=server.engine.address.port)
    session = engines.session(Engine("e1", "here", address, timeout=2.0, unencrypted_accepted=True))
    assert session.list_containers() == []
    assert len(server.pings) == 1


def test_what_was_not_accepted_is_not_even_connected(engines: DockerEngines) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = parse_address(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(EngineError) as caught:
            engines.session(Engine("e1", "here", address))
        assert caught.value.kind is FailureKind.UNENCRYPTED
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_an_address_elsewhere_is_refused_whatever_the_catalog_says(
    engines: DockerEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> socket.socket:
        raise AssertionError("something was sent")

    monkeypatch.setattr(socket.socket, "connect", never)
    for host in ("10.213.0.1", "0.0.0.0", "127.0.0.1.example"):  # noqa: S104 # not bound, refused
        engine = Engine("e1", "there", Address(Way.PLAIN, host=host, port=2375), unencrypted_accepted=True)
        with pytest.raises(EngineError) as caught:
            engines.session(engine)
        assert caught.value.kind is FailureKind.UNENCRYPTED
