"""Records what reaches an engine by TLS, byte for byte as it was meant, and who came to a door where nobody should."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.stand_in import PONG, reply
from tests.lab.certificates import Authority, Credentials

DIGEST = "sha256:" + "cd" * 32


@dataclass
class Recorder:
    """A port of this machine. `raw` are the first octets of each connection, `requests` what was said by TLS."""

    port: int
    raw: list[bytes] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    """What it shows; None says nothing to whoever comes."""

    def shows(self, credentials: Credentials) -> None:
        """Show this certificate to whoever comes from now on."""
        assert self.context is not None
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder) / "both.pem"
            pem.write_text(credentials.certificate + credentials.key)
            self.context.load_cert_chain(pem)

    @property
    def everything(self) -> bytes:
        """All that was said."""
        return b"".join(self.requests)


@contextmanager
def recording(shown: Credentials, authority: Authority, *, newest: ssl.TLSVersion | None = None) -> Iterator[Recorder]:
    """Answers by TLS with the certificate that is `shown`, to clients of an authority, as an engine would."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(cadata=authority.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    if newest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = newest
        context.maximum_version = newest
    with _listening() as (listener, recorder, threads):
        recorder.context = context
        recorder.shows(shown)
        serving = threads.submit(_serve, listener, recorder)
        try:
            yield recorder
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.result(5.0)


@contextmanager
def trap() -> Iterator[Recorder]:
    """A port at which nobody should come: a proxy or an engine that only the surroundings name."""
    with _listening() as (listener, recorder, threads):
        serving = threads.submit(_serve, listener, recorder)
        try:
            yield recorder
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.result(5.0)


@contextmanager
def _listening() -> Iterator[tuple[socket.socket, Recorder, ThreadPoolExecutor]]:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        yield listener, Recorder(listener.getsockname()[1]), threads


def _serve(listener: socket.socket, recorder: Recorder) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.settimeout(5.0)
            recorder.raw.append(connection.recv(65536, socket.MSG_PEEK))
            if recorder.context is not None:
                with recorder.context.wrap_socket(connection, server_side=True) as spoken:
                    _answer(spoken, recorder)


def _answer(spoken: socket.socket, recorder: Recorder) -> None:
    request = spoken.recv(65536)
    if not request:
        return
    recorder.requests.append(request)
    if b"/_ping" in request:
        spoken.sendall(PONG)
    elif b"/distribution/" in request:
        spoken.sendall(reply(f'{{"Descriptor": {{"digest": "{DIGEST}"}}}}'.encode()))
    elif b"/images/create" in request:
        spoken.sendall(reply(b'{"status": "x"}\n'))
    else:
        spoken.sendall(reply(b"[]"))
