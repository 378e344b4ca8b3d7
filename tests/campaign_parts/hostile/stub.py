"""A hostile engine on a socket: asks a simulated one, or replies that were recorded, for the truth, and spoils it.

As long as it isn't told to be hostile it tells the truth. It is told by a request, as only who plays with it makes one.
"""

from __future__ import annotations

import functools
import json
import random
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.http import read_request, write_reply
from tests.campaign_parts.hostile import bodies, wire
from tests.campaign_parts.hostile.wire import SILENCE, Truth
from tests.engine.recorded import ENGINES, FOLDER, recorded

ORDER = "/hostile/"
"""Before the share of its replies that are spoilt from now on, in percent. Its reply tells how often it has lied."""
TEXTS_ALONE = 101
"""In the place of a share: every reply makes sense, with every text in it that of an attacker."""
MOST_CONNECTIONS = 64
MOST_SENT = 700 * 1024 * 1024
"""Octets of one reply, if they are taken."""

_RECORDED = (
    ("GET", r"/containers/json", "list"),
    ("GET", r"/containers/[^/]+/json", "container-*"),
    ("GET", r"/images/json", "images"),
    ("GET", r"/images/.+/json", "image-*"),
    ("GET", r"/info", "info"),
    ("GET", r"/version", "version"),
    ("GET", r"/distribution/.+", "distribution-*"),
    ("POST", r"/containers/create", "create*"),
    ("POST", r"/images/create", "pull-*"),
    ("POST", r"/images/load", "load"),
    ("POST", r"/containers/[^/]+/rename", "rename-*"),
    ("DELETE", r"/containers/[^/]+", "remove-*"),
)
"""To which request which recorded replies belong."""
_LAST = (
    r"/events",
    r"/images/create",
    r"/images/load",
    r"/containers/[^/]+/logs",
    r"/images/.+/get",
    r"/exec/.+/start",
)


class HostileEngine:
    """Answers in a thread for each connection."""

    def __init__(self, engine: SimulatedEngine, seed: str) -> None:
        self._engine = engine
        self._seed = seed
        self._share = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.asked = 0
        self.lied = 0
        self.followed = 0
        """How often somebody asked where a reply only pointed to."""

    def serve(self, listener: socket.socket, threads: ThreadPoolExecutor) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.submit(self._serve, connection)

    def end(self) -> None:
        """Whoever waits to say something says it no more."""
        self._over.set()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as incoming:
            while (request := read_request(incoming, connection)) is not None:
                if not self._answer(connection, request):
                    return

    def _answer(self, connection: socket.socket, request: Request) -> bool:
        path = request.target.partition("?")[0]
        if path.startswith(ORDER):
            self._share = int(path.removeprefix(ORDER))
            told = {"asked": self.asked, "lied": self.lied, "followed": self.followed}
            return write_reply(connection, request, Reply(200, json.dumps(told).encode()), "", self._over)
        with self._lock:
            self.asked += 1
            self.followed += path == wire.ELSEWHERE
            dice = random.Random(f"{self._seed} {self.asked}")  # noqa: S311 - no secret
            lies = dice.random() * 100 < self._share and not (
                self._share == TEXTS_ALONE and self._is_kept(request, path)
            )
            self.lied += lies
        if not lies:
            headers = "".join(f"{name}: {value}\r\n" for name, value in self._engine._headers().items())
            return write_reply(connection, request, self._engine._answer(request), headers, _ALWAYS)
        if self._share == TEXTS_ALONE:
            truth = self._simulated(request, ())
            connection.sendall(wire.reply(truth.status, bodies.every_text(dice, truth.body)))
            return True
        sent = 0
        pieces, keeps = wire.told(dice, self._truth(dice, request, path))
        for piece in pieces:
            if piece == SILENCE:
                if self._is_left(connection):
                    return False
                continue
            connection.sendall(piece)
            sent += len(piece)
            if sent > MOST_SENT or self._over.is_set():
                return False
        return keeps

    def _is_left(self, connection: socket.socket) -> bool:
        """Say nothing for a moment. Whether nobody listens any more."""
        if self._over.wait(0.05):
            return True
        connection.settimeout(0.0)
        try:
            return connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        finally:
            connection.settimeout(None)

    def _truth(self, dice: random.Random, request: Request, path: str) -> Truth:
        bare = re.sub(r"^/v[\d.]+", "", path)
        with self._engine.state.lock:
            ids = tuple(self._engine.state.containers)
        lasts = any(re.fullmatch(pattern, bare) for pattern in _LAST) and "until=" not in request.target
        if bare == "/events":
            lines = (json.dumps({"Action": "start", "Actor": {"ID": one}}) for one in ids)
            return Truth(200, "\n".join(lines).encode(), lasts, ids)
        headed = bare in {"/_ping", "/images/create"}
        if dice.random() < 0.5:
            for method, pattern, cases in _RECORDED:
                if method == request.method and re.fullmatch(pattern, bare):
                    known = recorded(dice.choice(ENGINES), dice.choice(_cases(cases)))
                    return Truth(known.status, known.body, lasts, ids, headed)
        return self._simulated(request, ids, lasts=lasts, headed=headed)

    def _simulated(self, request: Request, ids: tuple[str, ...], *, lasts: bool = False, headed: bool = False) -> Truth:
        reply = self._engine._answer(request)
        content = b"".join(reply.pieces) if reply.pieces is not None else reply.content
        return Truth(reply.status, content, lasts, ids, headed)

    @staticmethod
    def _is_kept(request: Request, path: str) -> bool:
        """What has no text in it, or is no document."""
        return request.method != "GET" or not path.endswith(("/json", "/info", "/version"))


_ALWAYS = threading.Event()
_ALWAYS.set()


@functools.cache
def _cases(pattern: str) -> tuple[str, ...]:
    """The recorded replies that every engine has."""
    return tuple(sorted(path.stem for path in (FOLDER / ENGINES[0]).glob(f"{pattern}.json")))


@contextmanager
def hostile(engine: SimulatedEngine, path: Path, seed: str) -> Iterator[HostileEngine]:
    """A hostile engine at the socket `path`."""
    server = HostileEngine(engine, seed)
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(MOST_CONNECTIONS) as threads:
        listener.bind(str(path))
        listener.listen(MOST_CONNECTIONS)
        threads.submit(server.serve, listener, threads)
        try:
            yield server
        finally:
            server.end()
            engine.stop()
            # To close a listener doesn't wake up who waits on it; to shut it down does.
            listener.shutdown(socket.SHUT_RDWR)
