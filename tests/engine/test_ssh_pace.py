"""SSH connections that never come about: what is no server, what is closed meanwhile, and how fast they are begun."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SignIn, SshAccess, SshError
from mirror_console.engine import DockerEngines
from mirror_console.engine.pace import A_SECOND, SIGNING_IN_AT_ONCE, Pace
from mirror_console.errors import EngineError, FailureKind
from mirror_console.vault import MemoryVault
from tests.contract.stage import now
from tests.engine.ssh_parts import PASSWORD


@contextmanager
def to(port: int, folder: Path, timeout: float) -> Iterator[Callable[[], object]]:
    """A console that would sign in by password at a port of this machine."""
    vault = MemoryVault()
    vault.put(PASSWORD, Secret("canary"))
    access = SshAccess(SignIn.PASSWORD, password=PASSWORD)
    engine = Engine("e1", "fra-1", parse_address(f"ssh://deploy@127.0.0.1:{port}"), timeout=timeout, ssh=access)
    engines = DockerEngines(vault, now, folder)
    try:
        yield lambda: engines.session(engine)
    finally:
        engines.close()


def _tell(listener: socket.socket, answer: bytes) -> bytes:
    """Answer one connection; what it said."""
    connection, _ = listener.accept()
    heard = b""
    with connection, suppress(ConnectionError, TimeoutError):
        connection.settimeout(5.0)
        connection.sendall(answer)
        if answer:
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(4096):
            heard += piece
    return heard


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", FailureKind.TIMEOUT),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", FailureKind.DROPPED),
        (b"Exceeded MaxStartups\r\n", FailureKind.DROPPED),
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"garbage" * 100, FailureKind.DROPPED),
    ],
)
def test_what_is_no_ssh_server_learns_nothing(tmp_path: Path, answer: bytes, kind: FailureKind) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor(1) as threads,
        to(listener.getsockname()[1], tmp_path, 1.0) as connect,
    ):
        telling = threads.submit(_tell, listener, answer)
        began = time.monotonic()
        with pytest.raises(SshError) as caught:
            connect()
        assert caught.value.kind is kind
        assert time.monotonic() - began < 3.0
        assert b"canary" not in telling.result(10.0)


def test_it_is_closed_while_it_is_still_being_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads, ExitStack() as stack:
        connect = stack.enter_context(to(listener.getsockname()[1], tmp_path, 60.0))
        connecting = threads.submit(connect)
        taken, _ = listener.accept()
        with taken:
            assert taken.recv(100).startswith(b"SSH-2.0")
            began = time.monotonic()
            stack.close()
            assert isinstance(connecting.exception(10.0), EngineError)
            assert time.monotonic() - began < 5.0


def test_connections_are_begun_at_a_pace() -> None:
    pace = Pace(clock=lambda: 100.0, jitter=lambda: 0.5)
    turns = [pace.turn() for _ in range(41)]
    assert turns[0] == 0.0
    assert turns == sorted(turns)
    assert turns[-1] >= 40 / A_SECOND


def test_few_sign_in_at_one_server_at_once() -> None:
    pace = Pace()
    with ExitStack() as inside:
        for _ in range(SIGNING_IN_AT_ONCE):
            inside.enter_context(pace.signing_in("gate:22", 0.0))
        with pytest.raises(TimeoutError), pace.signing_in("gate:22", 0.01):
            raise AssertionError("one too many")
        with pace.signing_in("other:22", 0.0):
            pass
    with pace.signing_in("gate:22", 0.0):
        pass
