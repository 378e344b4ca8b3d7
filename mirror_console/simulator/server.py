"""The socket that a simulated engine answers on, with a thread for each connection."""

import contextlib
import itertools
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.http import read_request, write_reply

_SOCKET_PATH_LIMIT = 104
_MOST_CONNECTIONS = 512

_numbers = itertools.count(1)

logger = logging.getLogger(__name__)


class EngineServer:
    """Answers requests on a Unix socket, or on a port of the loopback address.

    `stop` ends every thread that it started. While answers are paused, connections are taken and nothing is answered,
    as with a stopped process.
    """

    def __init__(
        self, answer: Callable[[Request], Reply], place: Path | None, headers: Callable[[], Mapping[str, str]]
    ) -> None:
        """`place` is the Unix socket's path (in a folder of the owner's alone); None takes a free port of 127.0.0.1.

        `headers` gives those that every reply has.
        """
        if place is not None and len(str(place)) > _SOCKET_PATH_LIMIT:
            raise ValueError(f"The path of the engine's socket is too long ({len(str(place))} characters): {place}")
        self._answer = answer
        self._place = place
        self._headers = headers
        self._answering = threading.Event()
        self._answering.set()
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """The address for a client, unix:///… or tcp://127.0.0.1:…"""
        return f"unix://{self._place}" if self._place is not None else f"tcp://127.0.0.1:{self._port}"

    @property
    def is_listening(self) -> bool:
        """Whether connections are taken."""
        return self._opened is not None

    def start(self) -> None:
        """Take connections from now on; nothing happens if it does already."""
        with self._lock:
            if self._opened is None:
                self._opened = _Opened(self._listen())
                self._opened.accept_with(self._serve)

    def stop(self) -> None:
        """Take no more connections, cut the open ones, and wait for every thread to end. Paused answers are dropped."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is None:
            return
        paused = not self._answering.is_set()
        opened.close(before_waiting=self._answering.set)
        if paused:
            self._answering.clear()
        if self._place is not None:
            self._place.unlink(missing_ok=True)

    def pause_answers(self) -> None:
        """Take connections and requests, and answer nothing, until `resume_answers`."""
        self._answering.clear()

    def resume_answers(self) -> None:
        """Answer again, what has come meanwhile included."""
        self._answering.set()

    def _listen(self) -> socket.socket:
        if self._place is None:
            listener = socket.create_server(("127.0.0.1", self._port))
            self._port = listener.getsockname()[1]
            return listener
        self._place.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._place))
        self._place.chmod(0o600)
        listener.listen(128)
        return listener

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as incoming:
                while (request := read_request(incoming, connection)) is not None:
                    self._answering.wait()
                    if self._opened is None:
                        return
                    reply = self._answer(request)
                    headers = "".join(f"{name}: {value}\r\n" for name, value in self._headers().items())
                    if not write_reply(connection, request, reply, headers, self._answering):
                        return
        except OSError:
            return  # the client went away, or the engine was stopped: there is nobody to answer
        except Exception:
            logger.exception("The simulated engine failed while answering a request.")


class _Opened:
    """An open listener with its threads: one that takes connections, and one for each connection."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waker, self._woken = socket.socketpair()
        self._pool = ThreadPoolExecutor(_MOST_CONNECTIONS, f"simulated engine {next(_numbers)}")
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._accepting: Future[None] | None = None

    def accept_with(self, serve: Callable[[socket.socket], None]) -> None:
        """Take connections, each served by a thread of its own."""
        self._accepting = self._pool.submit(self._accept, serve)

    def close(self, before_waiting: Callable[[], None]) -> None:
        """Take none any more, cut the open ones, and wait for all threads."""
        self._waker.send(b"x")
        if self._accepting is not None:
            self._accepting.result()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client may have closed it already
                    connection.shutdown(socket.SHUT_RDWR)
        before_waiting()
        self._pool.shutdown(wait=True)
        for end in (self._listener, self._waker, self._woken):
            end.close()

    def _accept(self, serve: Callable[[socket.socket], None]) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in selector.select()):
                connection, _ = self._listener.accept()
                if connection.family is socket.AF_INET:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._connections.add(connection)
                self._pool.submit(self._serve_one, connection, serve)

    def _serve_one(self, connection: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        with connection:
            try:
                serve(connection)
            finally:
                with self._lock:
                    self._connections.discard(connection)
