"""A registry that misbehaves by rule: it stands before the lab's registry and passes on what no rule is for.

It speaks plain HTTP on this machine's address in the lab's network, so every engine of the lab reaches it. What is
pulled through it has another registry in its name and the same digest.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from typing import Any

from tests.lab.network import LabNetwork
from tests.lab.registry import PORT

ANYTHING = "/"
MANIFESTS = "/manifests/"
BLOBS = "/blobs/"
PASSED_BACK = ("Content-Type", "Docker-Content-Digest", "Docker-Distribution-Api-Version", "Www-Authenticate", "Etag")
SLOW_PIECE = 16 * 1024
CLOSED = 9
"""A port at which nobody listens: that of the discard protocol."""


class Fault(StrEnum):
    """What the registry does instead of answering as it should."""

    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    MISSING = "404"
    TOO_MANY = "429"
    ERROR = "500"
    RESET = "the connection is reset before anything came"
    SLOW = "it comes in small pieces, with a rest before each"
    STALL = "its head comes, and then nothing"
    TRUNCATED = "half of it comes, and then the end"
    CORRUPT = "all of it comes, with one byte changed"
    WRONG_DIGEST = "another content than the one that was asked for by its digest"
    REALM = "it sends for a token to itself, and there again to itself"
    ELSEWHERE = "it sends to another host, where nobody listens"
    LOOP = "it sends back to where the request came, again and again"


_CODES = {
    Fault.UNAUTHORIZED: (HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "authentication required"),
    Fault.REALM: (HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "authentication required"),
    Fault.FORBIDDEN: (HTTPStatus.FORBIDDEN, "DENIED", "requested access to the resource is denied"),
    Fault.MISSING: (HTTPStatus.NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown"),
    Fault.TOO_MANY: (HTTPStatus.TOO_MANY_REQUESTS, "TOOMANYREQUESTS", "You have reached your pull rate limit"),
    Fault.ERROR: (HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN", "unknown error"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault on the requests whose path holds `on`; the next `times` of them, or all for None.

    `seconds` is the rest before each piece of a slow answer; `retry_after` what a 429 says beside its refusal. What is
    spoilt in the middle is spoilt only where it has `at_least` so many bytes.
    """

    fault: Fault
    on: str = MANIFESTS
    times: int | None = None
    seconds: float = 0.1
    retry_after: int | None = None
    at_least: int = 1


class FaultRegistry:
    """Made by `fault_registry`, which ends it."""

    def __init__(self, network: LabNetwork) -> None:
        self._upstream = network.address(2)
        self._lock = Lock()
        self._rules: list[Rule] = []
        self._lifted = Event()
        self._open: set[socket.socket] = set()
        self.asked: list[tuple[str, str]] = []
        """Method and path of each request, in their order."""
        self.spoilt = 0
        """How many answers were spoilt in the middle."""
        self._server = _Server((network.address(1), 0), _handler(self))

    @property
    def address(self) -> str:
        """Host and port, as in image references."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def host(self) -> str:
        """Its address without the port."""
        return self.address.partition(":")[0]

    @contextmanager
    def misbehaving(self, *rules: Rule) -> Iterator[None]:
        """These rules for what is asked from now on; the first that fits counts. At the end whoever waits is let go."""
        self._lifted.clear()
        with self._lock:
            self._rules = list(rules)
            self.asked.clear()
            self.spoilt = 0
        try:
            yield
        finally:
            with self._lock:
                self._rules = []
            self._lifted.set()

    def pulls(self, of: str = MANIFESTS) -> int:
        """How many requests were for manifests, or for another part of an image."""
        with self._lock:
            return sum(method == "GET" and of in path for method, path in self.asked)

    def serve(self) -> None:
        """Answer until it is closed."""
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """End it; whoever it keeps waiting is let go."""
        self._lifted.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request, as the first rule says that fits, else as the registry does."""
        rule = self._rule(request.command, request.path)
        if rule is None:
            self._pass_on(request)
            return
        match rule.fault:
            case Fault.RESET:
                # A socket that lingers for no time drops what is on its way and says so.
                request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                request.close_connection = True
                request.connection.close()
            case Fault.SLOW | Fault.STALL | Fault.TRUNCATED | Fault.CORRUPT | Fault.WRONG_DIGEST:
                self._pass_on(request, rule)
            case Fault.REALM:
                _refuse(request, rule, f'Bearer realm="http://{self.address}/token",service="lab"')
            case Fault.ELSEWHERE:
                _send_to(request, f"http://{self.host}:{CLOSED}{request.path}")
            case Fault.LOOP:
                _send_to(request, f"http://{self.address}{request.path}")
            case _:
                _refuse(request, rule)

    def _rule(self, method: str, path: str) -> Rule | None:
        with self._lock:
            self.asked.append((method, path))
            for place, rule in enumerate(self._rules):
                if rule.on not in path:
                    continue
                if rule.times is not None:
                    left = rule.times - 1
                    self._rules[place : place + 1] = [replace(rule, times=left)] if left else []
                return rule
        return None

    def _pass_on(self, request: BaseHTTPRequestHandler, rule: Rule | None = None) -> None:
        status, headers, body = self._ask(request)
        length = headers.pop("Content-Length", str(len(body)))
        fault = rule.fault if rule is not None and status == HTTPStatus.OK and len(body) >= rule.at_least else None
        if fault is not None:
            with self._lock:
                self.spoilt += 1
        if fault in {Fault.CORRUPT, Fault.WRONG_DIGEST}:
            body = _spoilt(body) if fault is Fault.CORRUPT else body + b"\n"
            length = str(len(body))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", length)
        request.end_headers()
        if fault is Fault.STALL:
            self._lifted.wait()
        elif fault is Fault.TRUNCATED:
            request.wfile.write(body[: len(body) // 2])
        elif fault is Fault.SLOW and rule is not None:
            for start in range(0, len(body), SLOW_PIECE):
                self._lifted.wait(rule.seconds)
                request.wfile.write(body[start : start + SLOW_PIECE])
        else:
            request.wfile.write(body)
        if fault in {Fault.STALL, Fault.TRUNCATED}:
            request.close_connection = True

    def _ask(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self._upstream, PORT, timeout=30.0)
        try:
            wanted = [(name, value) for name, value in request.headers.items() if name in {"Authorization", "Accept"}]
            connection.putrequest(request.command, request.path)
            for name, value in wanted:
                connection.putheader(name, value)
            connection.endheaders()
            reply = connection.getresponse()
            kept = (*PASSED_BACK, "Content-Length")
            headers = {name: value for name in kept if (value := reply.getheader(name, "")) or name in reply.headers}
            return reply.status, headers, reply.read()
        finally:
            connection.close()


@contextmanager
def fault_registry(network: LabNetwork) -> Iterator[FaultRegistry]:
    """One that listens as long as the block lasts. The lab's registry must run."""
    registry = FaultRegistry(network)
    with ThreadPoolExecutor(1, thread_name_prefix="fault-registry") as threads:
        serving = threads.submit(registry.serve)
        try:
            yield registry
        finally:
            registry.close()
    serving.result()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An engine that breaks off isn't worth a word."""


def _handler(registry: FaultRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a connection each: none is left waiting when the registry ends

        def do_GET(self) -> None:
            registry.answer(self)

        def do_HEAD(self) -> None:
            registry.answer(self)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler


def _send_to(request: BaseHTTPRequestHandler, location: str) -> None:
    request.send_response(HTTPStatus.TEMPORARY_REDIRECT)
    request.send_header("Location", location)
    request.send_header("Content-Length", "0")
    request.end_headers()


def _refuse(request: BaseHTTPRequestHandler, rule: Rule, challenge: str = 'Basic realm="lab"') -> None:
    status, code, words = _CODES[rule.fault]
    if rule.retry_after is not None:
        # Engines hand on the words, and not the header.
        words = f"{words}; retry-after: {rule.retry_after}s"
    body = json.dumps({"errors": [{"code": code, "message": words}]}).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    if status is HTTPStatus.UNAUTHORIZED:
        request.send_header("Www-Authenticate", challenge)
    if rule.retry_after is not None:
        request.send_header("Retry-After", str(rule.retry_after))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def _spoilt(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
