"""A proxy before a real engine: writes down what is asked, and on cue spoils the way or the reply (tests.lab.faults).

It stands before a port and passes bytes on unseen, or before a local socket, where it reads each request. Before a
socket it can also speak TLS for the engine, with whatever certificate it is given.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Event, Lock
from typing import Any

Place = Path | tuple[str, int]
"""A local socket, or host and port."""

PIECE = 64 * 1024
AT_ONCE = 64
HANDSHAKE_SECONDS = 5.0


class Over(Exception):
    """This connection has come to its end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came: its place in the order of all, its method and its path with the query."""

    number: int
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a fault has in its hands: one connection of a client, and with `asked` the one request that came on it."""

    proxy: EngineProxy
    client: socket.socket
    fault: Fault
    asked: Asked | None
    unsent: bytes
    """What came from the client and isn't passed on yet."""

    def relay(self, give: Callable[[bytes], None] | None = None) -> None:
        """Pass everything on, both ways, until one side ends; `give` hands what the engine says to the client.

        Raises Over at the end, and Turned where the client speaks while another fault is in force by then.
        """
        give = give or self.give
        with self.proxy.to_engine() as engine:
            engine.sendall(self.unsent)
            while True:
                for spoken in _readable(self.client, engine):
                    piece = spoken.recv(PIECE)
                    if not piece:
                        raise Over
                    if spoken is engine:
                        give(piece)
                    elif self.proxy.fault is not self.fault:
                        raise Turned(piece)
                    else:
                        self.proxy.count(piece)
                        engine.sendall(piece)

    def reply(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the engine's whole reply to the request."""
        with self.proxy.to_engine() as engine:
            engine.sendall(self.unsent)
            answer = HTTPResponse(engine)
            answer.begin()
            return answer.status, dict(answer.getheaders()), answer.read()

    def give(self, piece: bytes) -> None:
        """Send this to the client."""
        self.client.sendall(piece)

    def give_all(self, pieces: Iterable[bytes]) -> None:
        """Send all of it, as long as the client takes it."""
        for piece in pieces:
            self.client.sendall(piece)
        raise Over

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises Over where the fault or the proxy ends meanwhile."""
        if self.proxy.lifted(self.fault, seconds):
            raise Over

    def hear(self) -> None:
        """Wait until the client has said something. Raises Over where it goes instead."""
        if not self.unsent and not self.client.recv(PIECE):
            raise Over

    def hold(self) -> None:
        """Say nothing, and let the client say what it wants, until it goes or the fault ends. Raises Over."""
        while self.client.recv(PIECE):
            pass
        raise Over

    def end_saying(self) -> None:
        """Half-close: the client sees the end of what it is told, and may still speak."""
        self.client.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection by a reset (RST). Raises Over."""
        # A socket that lingers for no time drops what is on its way and says so.
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over


Fault = Callable[[Exchange], None]
"""What is done with a connection, or with the request on it. It ends by raising Over."""


class Turned(Exception):
    """The client spoke on, and a fault has begun or ended meanwhile. Carries what it said."""

    def __init__(self, said: bytes) -> None:
        super().__init__(said)
        self.said = said


def passed(exchange: Exchange) -> None:
    """No fault: all is passed on as it is."""
    exchange.relay()


class EngineProxy:
    """Stands at `place` before the engine at `engine`. Made by `proxy`.

    Before a local socket it reads requests (`reads`), one a connection: the engine is told to close after each.
    """

    def __init__(self, place: Place, engine: Place, tls: ssl.SSLContext | None = None) -> None:
        self.engine = engine
        self.tls = tls
        self.reads = isinstance(engine, Path)
        self.fault: Fault = passed
        self.asked: list[Asked] = []
        self.received = 0
        """Bytes that came from clients in all. By TLS: what they said inside of it."""
        self._lock = Lock()
        self._ended = Event()
        self._lifted = Event()
        self._open: set[socket.socket] = set()
        self._held: set[socket.socket] = set()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="proxy")
        self._wrong: list[BaseException] = []
        self._listener: socket.socket | None = None
        self.place = place
        self.listen()

    @property
    def address(self) -> str:
        """Its address as the console writes it."""
        return f"unix://{self.place}" if isinstance(self.place, Path) else "tcp://{}:{}".format(*self.place)

    @contextmanager
    def spoiling(self, fault: Fault) -> Iterator[None]:
        """This fault for what comes and for what is open; whoever it still holds at the end is let go."""
        with self._lock:
            self.fault = fault
            self._lifted.clear()
        try:
            yield
        finally:
            with self._lock:
                self.fault = passed
                self._lifted.set()
                held = list(self._held)
            for connection in held:
                _shut(connection)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens: new connections are refused and open ones end."""
        self._deafen()
        try:
            yield
        finally:
            self.listen()

    def listen(self) -> None:
        """Take connections."""
        family = socket.AF_UNIX if isinstance(self.place, Path) else socket.AF_INET
        listener = socket.socket(family)
        if isinstance(self.place, Path):
            self.place.unlink(missing_ok=True)
            listener.bind(str(self.place))
            self._let_in()
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self.place)
            self.place = listener.getsockname()
        listener.listen(128)
        self._listener = listener
        self._begin(self._accept, listener)

    def close(self) -> None:
        """End everything. No thread is left. Raises what went wrong in a fault by mistake."""
        self._ended.set()
        self._lifted.set()
        self._deafen()
        self._threads.shutdown(wait=True)
        if self._wrong:
            raise self._wrong.pop()

    def lifted(self, fault: Fault, seconds: float) -> bool:
        """Wait; whether the fault has ended before `seconds` were over."""
        return self.fault is not fault or self._lifted.wait(seconds) or self._ended.is_set()

    def count(self, piece: bytes) -> None:
        """Add to what came from clients."""
        with self._lock:
            self.received += len(piece)

    @contextmanager
    def to_engine(self) -> Iterator[socket.socket]:
        """A connection of its own to the engine. Raises Over where it can't be reached or breaks off."""
        with socket.socket(socket.AF_UNIX if self.reads else socket.AF_INET) as line, self._known(line):
            try:
                line.connect(str(self.engine) if isinstance(self.engine, Path) else self.engine)
                yield line
            except (OSError, HTTPException) as error:
                raise Over from error

    def _let_in(self) -> None:
        """Whoever may open the engine's socket may open the one that stands for it."""
        if isinstance(self.engine, Path) and isinstance(self.place, Path):
            its = self.engine.stat()
            os.chown(self.place, its.st_uid, its.st_gid)
            self.place.chmod(stat.S_IMODE(its.st_mode))

    def _begin(self, work: Callable[[socket.socket], None], line: socket.socket) -> None:
        self._threads.submit(work, line).add_done_callback(self._ended_so)

    def _ended_so(self, work: Future[None]) -> None:
        error = work.exception()
        if error is not None:
            self._wrong.append(error)

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:  # it was shut
                    return
                self._begin(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, Over), self._spoken(client) as heard, heard, self._known(heard):
            # A fault may already be in the way before a byte has come.
            piece = b"" if self.fault is not passed and not self.reads else heard.recv(PIECE)
            while True:
                fault = self.fault
                asked = None
                if self.reads:
                    piece = _whole_request(piece, heard)
                    asked = self._write_down(piece)
                self.count(piece)
                with self._lock:
                    if fault is not passed:
                        self._held.add(heard)
                try:
                    fault(Exchange(self, heard, fault, asked, piece))
                    return
                except Turned as turned:
                    piece = turned.said
                finally:
                    with self._lock:
                        self._held.discard(heard)

    @contextmanager
    def _spoken(self, client: socket.socket) -> Iterator[socket.socket]:
        """The connection as it is spoken on: by TLS where the proxy has a certificate."""
        with client, self._known(client):
            if self.tls is None:
                yield client
                return
            client.settimeout(HANDSHAKE_SECONDS)
            with self.tls.wrap_socket(client, server_side=True) as spoken:
                spoken.settimeout(None)
                yield spoken

    @contextmanager
    def _known(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            if self._ended.is_set():
                raise Over
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _write_down(self, request: bytes) -> Asked:
        method, _, rest = request.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        with self._lock:
            asked = Asked(len(self.asked), method, rest.rpartition(" ")[0])
            self.asked.append(asked)
        return asked

    def _deafen(self) -> None:
        if self._listener is not None:
            _shut(self._listener)
            self._listener = None
        with self._lock:
            found = list(self._open)
        for connection in found:
            _shut(connection)


@contextmanager
def proxy(place: Place, engine: Place, tls: ssl.SSLContext | None = None) -> Iterator[EngineProxy]:
    """A proxy at `place` (port 0 takes a free one) before an engine; it ends with the block."""
    made = EngineProxy(place, engine, tls)
    try:
        yield made
    finally:
        made.close()
        if isinstance(place, Path):
            place.unlink(missing_ok=True)


def server_context(certificate: str, key: str, authority: str = "") -> ssl.SSLContext:
    """How a server speaks TLS with these PEM texts; with an authority it takes only clients that it has issued."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    handle = os.memfd_create("server")
    with os.fdopen(handle, "wb") as file:
        file.write((certificate + key).encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    if authority:
        context.load_verify_locations(cadata=authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _whole_request(begun: bytes, client: socket.socket) -> bytes:
    """The request that began so, to its end, and told to be the last on its connection."""
    while b"\r\n\r\n" not in begun:
        begun += _more(client)
    head, _, body = begun.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    while len(body) < int(fields.get(b"content-length", b"0")):
        body += _more(client)
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body


def _more(client: socket.socket) -> bytes:
    piece = client.recv(PIECE)
    if not piece:
        raise Over
    return piece


def _readable(*connections: Any) -> list[Any]:
    waiting = [line for line in connections if isinstance(line, ssl.SSLSocket) and line.pending()]
    return waiting or select.select(connections, [], [])[0]


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
