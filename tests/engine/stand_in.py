"""Something that answers at an engine's socket as a test tells it: for what a real engine never says."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mirror_console.domain.engine import Engine, parse_address

Answer = Callable[[socket.socket], None] | bytes
"""Bytes are sent as they are, and then the connection is closed."""

PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


def reply(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole reply."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + body


@dataclass
class StandIn:
    """Answers one request a connection: the first with `answers[0]`, and so on; a ping with `pong`."""

    engine: Engine
    pong: bytes = PONG
    answers: list[Answer] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    """The requests as they came, but for pings."""
    pings: list[bytes] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        """Until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = connection.recv(65536)
        if b"/_ping" in request:
            self.pings.append(request)
            connection.sendall(self.pong)
            return
        self.asked.append(request)
        answer = self.answers.pop(0)
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)


@contextmanager
def stand_in(timeout: float = 2.0) -> Iterator[StandIn]:
    """A stand-in with the engine that describes it."""
    with (
        tempfile.TemporaryDirectory(prefix="mc-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
        ThreadPoolExecutor(1) as threads,
    ):
        path = Path(folder) / "engine.sock"
        listener.bind(str(path))
        listener.listen()
        server = StandIn(Engine("e1", "fra-1", parse_address(f"unix://{path}"), timeout=timeout))
        serving = threads.submit(server.serve, listener)
        try:
            yield server
        finally:
            # To close a listener doesn't wake up who waits on it; to shut it down does.
            listener.shutdown(socket.SHUT_RDWR)
            serving.result(5.0)


@contextmanager
def impostor(certificate: str, key: str) -> Iterator[int]:
    """Something on a port of this machine that shows this certificate (PEM texts) and then says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "both.pem"
        pem.write_text(certificate + key)
        context.load_cert_chain(pem)

    def greet(listener: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        greeting = threads.submit(greet, listener)
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            greeting.result(5.0)
