"""The proxy of the lab, before a server of the test's own: what passes, what is written down, and every fault."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from tests.lab import faults
from tests.lab.certificates import Authority
from tests.lab.proxy import EngineProxy, Fault, proxy, server_context

LISTING = [{"Id": "ab" * 32, "Names": ["/web"]}]
INFO = {"SystemTime": "2026-11-20T12:00:00+00:00"}


class _Answer(BaseHTTPRequestHandler):
    """Answers like an engine that has one container; a POST with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(json.dumps(INFO if self.path.endswith("/info") else LISTING).encode())

    def do_POST(self) -> None:
        self._say(self.rfile.read(int(self.headers["Content-Length"])))

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return ""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Nothing."""


class _UnixServer(ThreadingUnixStreamServer):
    daemon_threads = False


class _PortServer(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: connections that break off are what the tests are about."""


@contextmanager
def _serving(server: _PortServer | _UnixServer) -> Iterator[None]:
    with server, ThreadPoolExecutor(1) as threads:
        threads.submit(server.serve_forever, 0.01)
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[EngineProxy]:
    """A proxy before a local socket."""
    with _serving(_UnixServer(str(tmp_path / "e"), _Answer)), proxy(tmp_path / "p", tmp_path / "e") as made:
        yield made


@pytest.fixture
def passing() -> Iterator[EngineProxy]:
    """A proxy before a port."""
    server = _PortServer(("127.0.0.1", 0), _Answer)
    host, port = server.server_address[:2]
    with _serving(server), proxy(("127.0.0.1", 0), (str(host), port)) as made:
        yield made


def _line(before: EngineProxy, seconds: float = 5.0) -> socket.socket:
    line = socket.socket(socket.AF_UNIX if isinstance(before.place, Path) else socket.AF_INET)
    line.settimeout(seconds)
    try:
        line.connect(str(before.place) if isinstance(before.place, Path) else before.place)
    except OSError:
        line.close()
        raise
    return line


def _ask(
    before: EngineProxy, path: str = "/v1.41/containers/json?all=1", body: bytes | None = None, seconds: float = 5.0
) -> tuple[int, bytes]:
    with _line(before, seconds) as line:
        connection = http.client.HTTPConnection("engine")
        connection.sock = line
        connection.request("POST" if body is not None else "GET", path, body)
        with connection.getresponse() as answer:
            return answer.status, answer.read()


@pytest.fixture(params=["reading", "passing"])
def either(request: pytest.FixtureRequest) -> EngineProxy:
    """Both kinds."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, EngineProxy)
    return found


def test_without_a_fault_all_is_passed_on(either: EngineProxy) -> None:
    assert _ask(either) == (200, json.dumps(LISTING).encode())
    assert _ask(either, "/x", b"y" * 300_000) == (200, b"y" * 300_000)
    assert either.received > 300_000


def test_what_is_asked_is_written_down_in_its_order(reading: EngineProxy) -> None:
    _ask(reading)
    _ask(reading, "/v1.41/containers/web/stop?t=3", b"")
    assert [(asked.number, asked.method, asked.path) for asked in reading.asked] == [
        (0, "GET", "/v1.41/containers/json?all=1"),
        (1, "POST", "/v1.41/containers/web/stop?t=3"),
    ]


def test_refused_and_taken_again(either: EngineProxy) -> None:
    with either.refusing(), pytest.raises(ConnectionRefusedError):
        _ask(either)
    assert _ask(either)[0] == 200


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (faults.silent, TimeoutError),
        (faults.late(30.0), TimeoutError),
        (faults.reset_after(0), (ConnectionResetError, http.client.RemoteDisconnected)),
        (faults.reset_after(200), (ConnectionResetError, http.client.IncompleteRead)),
        (faults.half_closed_after(0), http.client.RemoteDisconnected),
        (faults.half_closed_after(200), http.client.IncompleteRead),
        (faults.closed_after(0), http.client.RemoteDisconnected),
        (faults.closed_after(200), http.client.IncompleteRead),
    ],
)
def test_faults_of_the_way(
    either: EngineProxy, fault: Fault, raised: type[Exception] | tuple[type[Exception], ...]
) -> None:
    with either.spoiling(fault), pytest.raises(raised):
        _ask(either, seconds=0.3)
    assert _ask(either)[0] == 200


def test_one_byte_at_a_time(either: EngineProxy) -> None:
    with either.spoiling(faults.trickling(0.0)):
        assert _ask(either) == (200, json.dumps(LISTING).encode())
    with either.spoiling(faults.trickling(0.2)), _line(either) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: e\r\n\r\n")
        assert line.recv(100) == b"H"


def test_a_connection_that_is_open_meets_the_fault_with_its_next_request(passing: EngineProxy) -> None:
    with _line(passing, 0.3) as line:
        connection = http.client.HTTPConnection("engine")
        connection.sock = line
        connection.request("GET", "/")
        connection.getresponse().read()
        with passing.spoiling(faults.silent):
            connection.request("GET", "/")
            with pytest.raises(TimeoutError):
                connection.getresponse()


def test_whoever_a_fault_holds_is_let_go_when_it_ends(either: EngineProxy) -> None:
    with _line(either, 10.0) as line:
        with either.spoiling(faults.late(30.0)):
            line.sendall(b"GET / HTTP/1.1\r\nHost: e\r\n\r\n")
            time.sleep(0.1)
        assert line.recv(100) == b""


def test_replies_in_the_engines_place(reading: EngineProxy) -> None:
    with reading.spoiling(faults.bad_gateway()):
        assert _ask(reading) == (502, faults.HTML)
    with reading.spoiling(faults.at("/info", faults.answering(b"{", "500 Internal Server Error"))):
        assert _ask(reading)[0] == 200
        assert _ask(reading, "/v1.41/info") == (500, b"{")
    with reading.spoiling(faults.truncating), pytest.raises(json.JSONDecodeError):
        json.loads(_ask(reading)[1])
    with reading.spoiling(faults.rewriting(lambda listing: [*listing, 7])):
        assert json.loads(_ask(reading)[1]) == [*LISTING, 7]
    with reading.spoiling(faults.clock_off(timedelta(minutes=5))):
        assert json.loads(_ask(reading, "/info")[1])["SystemTime"] == "2026-11-20T12:05:00+00:00"


@pytest.mark.parametrize("told", [True, False])
def test_a_flood(reading: EngineProxy, told: bool) -> None:
    with reading.spoiling(faults.flooding(3, told=told)):
        assert len(_ask(reading)[1]) == 3 * faults.MEGABYTE + 1


def test_replies_without_an_end(reading: EngineProxy) -> None:
    for fault in (faults.trickling_head(0.0), faults.endless_chunk_size(0.0)):
        with reading.spoiling(fault), pytest.raises((http.client.HTTPException, ValueError)):
            _ask(reading)


def test_a_fault_with_a_mistake_in_it_is_not_taken_for_a_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(json.JSONDecodeError),
        _serving(_UnixServer(str(tmp_path / "e"), _Answer)),
        proxy(tmp_path / "p", tmp_path / "e") as made,
        made.spoiling(faults.rewriting(lambda told: told)),
        pytest.raises(http.client.RemoteDisconnected),
    ):
        _ask(made, "/x", b"no JSON")


def test_by_tls_before_a_local_socket(tmp_path: Path) -> None:
    authority = Authority()
    server, client = authority.server("engine", "127.0.0.1"), authority.client("console")
    told = server_context(server.certificate, server.key, authority.pem)
    trusting = ssl.create_default_context(cadata=authority.pem)
    trusting.minimum_version = ssl.TLSVersion.TLSv1_2  # which Python leaves to OpenSSL's own settings
    with _serving(_UnixServer(str(tmp_path / "e"), _Answer)), proxy(("127.0.0.1", 0), tmp_path / "e", told) as made:

        def ask() -> bytes:
            with _line(made) as line, trusting.wrap_socket(line, server_hostname="127.0.0.1") as spoken:
                spoken.sendall(b"GET / HTTP/1.1\r\nHost: e\r\n\r\n")
                answer = http.client.HTTPResponse(spoken)
                answer.begin()
                return answer.read()

        with pytest.raises(ssl.SSLError):
            ask()
        assert made.asked == []
        assert made.received == 0
        client.write(tmp_path / "client", (0, 0))
        trusting.load_cert_chain(tmp_path / "client" / "cert.pem", tmp_path / "client" / "key.pem")
        assert json.loads(ask()) == LISTING
        made.tls = faults.only_old_tls(server.certificate, server.key)
        with pytest.raises(ssl.SSLError, match="protocol"):
            ask()
        assert len(made.asked) == 1


def test_it_ends_whatever_it_is_at(either: EngineProxy) -> None:
    """Its threads end with it: else this test would fail for them."""
    fault = faults.late(30.0)
    with either.spoiling(fault), _line(either) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: e\r\n\r\n")
        time.sleep(0.05)
        either.close()
        assert not any(thread.name.startswith("proxy") for thread in threading.enumerate())
