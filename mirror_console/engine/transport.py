"""How bytes reach an engine: a bounded pool of connections, over its socket or over TLS with PEM texts from memory."""

from __future__ import annotations

import http.client
import io
import os
import secrets
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

import requests
import requests.adapters
import urllib3
import urllib3.connection
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from mirror_console.domain.server_key import ServerKeyChanged, fingerprint
from mirror_console.domain.validity import Validity
from mirror_console.engine.failures import Oversized
from mirror_console.engine.timed import TimedReply
from mirror_console.errors import EngineError, FailureKind

AT_ONCE = 8
"""Connections to one engine; who comes ninth waits."""
CONNECT_SECONDS = 5.0
LARGEST_REPLY = 32 * 1024 * 1024
"""Octets of a listing."""
LARGEST_ANSWER = 4 * 1024 * 1024
"""Octets of anything else: parsed it may take twenty times as much."""
_PIECE = 64 * 1024

KEEP_ALIVE = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)] + [
    (socket.IPPROTO_TCP, getattr(socket, name), seconds)
    for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
]


class OnePool(requests.adapters.HTTPAdapter):
    """Sends every request through one pool, whatever the URL says, and reads no more of a reply than is sane.

    The pool alone knows the way and whom to trust: neither proxies nor certificates of the surroundings come in.
    """

    def __init__(self, pool: urllib3.HTTPConnectionPool) -> None:
        super().__init__()
        self._pool = pool

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> urllib3.HTTPConnectionPool:
        """Always the same pool."""
        return self._pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: here requests would add public authorities to those that the pool trusts."""

    def request_url(self, request: Any, proxies: Any) -> str:
        """The path alone, as there are no proxies."""
        return str(request.path_url)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Connect within CONNECT_SECONDS; wait `timeout` seconds for the reply, and as long for the whole of it."""
        seconds = float(timeout)
        limits = (min(CONNECT_SECONDS, seconds), seconds)
        response = super().send(request, stream=True, timeout=limits, verify=True, cert=None, proxies=None)
        if not stream:
            read_whole(response, seconds)
        elif isinstance(reply := response.raw._original_response, TimedReply):
            reply.last()
        return response

    def close(self) -> None:
        """Close every connection that isn't in use; those in use are closed when they come back."""
        super().close()
        self._pool.close()


def ask(
    pool: urllib3.HTTPConnectionPool,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | None,
    seconds: float,
    most: int = LARGEST_ANSWER,
) -> tuple[int, bytes]:
    """Status and body of a reply, by the same rules as OnePool's, but over a connection of the pool itself.

    Raises Oversized where it is longer than `most` octets.

    What the package and urllib3 do around it takes longer than an engine does for a small request: a rollout asks some
    twenty for each container.
    """
    connection: Any = pool._get_conn(timeout=seconds)
    try:
        connection.timeout = min(CONNECT_SECONDS, seconds)
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(seconds)
        # Whoever refuses a request before it is read whole has said why.
        with suppress(BrokenPipeError):
            http.client.HTTPConnection.request(connection, method, target, body, dict(headers))
        response = http.client.HTTPConnection.getresponse(connection)
        with closing(response):  # it holds the socket too, and may outlive the connection
            return response.status, _whole(response.length, _read(response), time.monotonic() + seconds, most)
    except BaseException:
        connection.close()
        raise
    finally:
        pool._put_conn(connection)


def read_whole(response: requests.Response, seconds: float) -> None:
    """Read a reply to its end and keep it in the response. Raises Oversized, and ReadTimeout after `seconds`."""
    try:
        body = _whole(response.raw.length_remaining, pieces(response), time.monotonic() + seconds, LARGEST_ANSWER)
    except BaseException:
        response.close()
        raise
    response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)


def pieces(response: requests.Response) -> Iterator[bytes]:
    """A reply as it comes: what is there is given at once, so that time can be watched in between.

    As it comes also means that nothing is unpacked, which could make much of little: we ask for nothing packed.
    """
    return _pieces(response.raw)


def _read(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while piece := response.read1(_PIECE):
        yield piece
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


def _pieces(response: Any) -> Iterator[bytes]:
    while piece := response.read1(_PIECE, decode_content=False):
        yield piece


def _whole(length: int | None, coming: Iterable[bytes], end: float, most: int) -> bytes:
    if (length or 0) > most:
        raise Oversized(f"{length} bytes, more than {most}")
    # Together at once: a list of pieces as small as a byte would be many times as large as what they hold.
    body = io.BytesIO()
    for piece in _bounded(coming, end, most):
        body.write(piece)
    return body.getvalue()


def _bounded(coming: Iterable[bytes], end: float, most: int) -> Iterator[bytes]:
    size = 0
    for piece in coming:
        size += len(piece)
        if size > most:
            raise Oversized(f"more than {most} bytes")
        if time.monotonic() > end:
            raise requests.ReadTimeout("the reply trickles")
        yield piece


# --- the local socket ---------------------------------------------------------------------------------------------


class _SocketConnection(urllib3.connection.HTTPConnection):
    response_class = TimedReply

    def __init__(self, *args: Any, socket_path: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self._socket_path = socket_path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(CONNECT_SECONDS if not isinstance(self.timeout, (int, float)) else self.timeout)
            connection.connect(self._socket_path)
        except BaseException:
            connection.close()
            raise
        self.sock = connection


class _SocketPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _SocketConnection


def socket_pool(path: str) -> urllib3.HTTPConnectionPool:
    """Connections to the socket at `path`."""
    return _SocketPool("localhost", maxsize=AT_ONCE, block=True, socket_path=path)


class _PlainConnection(urllib3.connection.HTTPConnection):
    response_class = TimedReply


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


def plain_pool(host: str, port: int) -> urllib3.HTTPConnectionPool:
    """Connections without encryption, to this computer itself."""
    return _PlainPool(host, port, maxsize=AT_ONCE, block=True, socket_options=KEEP_ALIVE)


# --- TLS ----------------------------------------------------------------------------------------------------------


class ServerKey:
    """The key that an engine's server has: the remembered one, or else the first that is seen; no other one after it.

    All connections to an engine share it. `fingerprint` is empty as long as nothing is remembered and nothing was seen.
    """

    def __init__(self, engine: str, remembered: str) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self.fingerprint = remembered

    def look_at(self, certificate: bytes) -> None:
        """Compare what a server shows, in DER. Raises ServerKeyChanged, EngineError where it can't be read."""
        try:
            key = x509.load_der_x509_certificate(certificate).public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            title = f"The certificate that {self._engine} shows holds no key that can be read."
            raise EngineError(FailureKind.CERTIFICATE, title, "Give the engine another certificate.") from error
        public = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        offered = fingerprint(public)
        with self._lock:
            self.fingerprint = self.fingerprint or offered
            if self.fingerprint != offered:
                raise ServerKeyChanged(self._engine, offered, self.fingerprint)


class _TlsConnection(urllib3.connection.HTTPSConnection):
    response_class = TimedReply

    def __init__(self, *args: Any, server_key: ServerKey, **more: Any) -> None:
        super().__init__(*args, **more)
        self._server_key = server_key

    def connect(self) -> None:
        """Shake hands, and look at the server's key before anything is asked."""
        super().connect()
        spoken: Any = self.sock
        try:
            self._server_key.look_at(spoken.getpeercert(binary_form=True))
        except BaseException:
            self.close()
            raise


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def tls_pool(host: str, port: int, context: ssl.SSLContext, key: ServerKey) -> urllib3.HTTPConnectionPool:
    """Connections by TLS. `context` says whom to trust and who we are, `key` which one the server has to show."""
    return _TlsPool(
        host, port, maxsize=AT_ONCE, block=True, ssl_context=context, socket_options=KEEP_ALIVE, server_key=key
    )


def hear_out(host: str, port: int, context: ssl.SSLContext, seconds: float) -> None:
    """Shake hands and only listen. Raises ssl.SSLError where we are told that our certificate isn't taken.

    By TLS 1.3 a server says so after the handshake, and what it said may be lost when something was already sent.
    """
    with (
        socket.create_connection((host, port), timeout=min(CONNECT_SECONDS, seconds)) as line,
        context.wrap_socket(line, server_hostname=host) as spoken,
    ):
        spoken.recv(1)


def tls_context(engine: str, authority: str, certificate: str, key: str) -> ssl.SSLContext:
    """Trust this authority alone, verify the host name, speak TLS 1.2 or newer. All three are PEM texts.

    Raises EngineError where one of them can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and host name, and trusts nobody yet
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise _unusable("certificate authority", engine, "it holds no certificate in PEM form") from error
    password = secrets.token_hex(32)
    locked = _locked_key(engine, key, password)
    try:
        with _lent_as_file(certificate.encode("ascii").strip() + b"\n" + locked) as path:
            context.load_cert_chain(path, password=password)
    except (ssl.SSLError, ValueError) as error:
        why = "it is no certificate in PEM form, or the key belongs to another one"
        raise _unusable("client certificate", engine, why) from error
    return context


def validity(certificate: str) -> Validity:
    """From when until when a certificate, as PEM text, is valid: of several the first, which is the client's own."""
    read = x509.load_pem_x509_certificate(certificate.encode("ascii"))
    return Validity(read.not_valid_before_utc, read.not_valid_after_utc)


def _locked_key(engine: str, key: str, password: str) -> bytes:
    """The key under a password of one use: OpenSSL reads keys from files only, and no file holds it in clear."""
    try:
        loaded = serialization.load_pem_private_key(key.encode("ascii"), None)
    except TypeError as error:
        why = "it asks for a passphrase. Give it without one: the keyring protects it"
        raise _unusable("client key", engine, why) from error
    except ValueError as error:  # also where it isn't ASCII, or of a kind that isn't supported
        raise _unusable("client key", engine, "it is no private key in PEM form") from error
    encryption = serialization.BestAvailableEncryption(password.encode())
    return loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@contextmanager
def _lent_as_file(content: bytes) -> Iterator[str]:
    """A path that can be read while this lasts: in memory where the system has files there, else a private file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("credential", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield path
    finally:
        os.unlink(path)


def _unusable(what: str, engine: str, why: str) -> EngineError:
    title = f"The {what} for {engine} can't be used: {why}."
    return EngineError(FailureKind.CERTIFICATE, title, "Give it again in the engine's settings.")
