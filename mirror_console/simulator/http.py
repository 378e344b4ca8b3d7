"""As much of HTTP/1.1 as clients of an engine speak: kept connections, chunks, and connections taken over."""

import io
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

from mirror_console.simulator.calls import Reply, Request

_LINE_LIMIT = 65_536
_REASONS = {
    101: "UPGRADED",
    200: "OK",
    201: "Created",
    204: "No Content",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
_BODILESS = (204, 304)
_TAKE_OVER_SECONDS = 0.02
"""Between the head of a connection taken over and its first bytes, as with an engine that has to start a command.

Clients that read on from the bare socket lose what comes in one piece with the head.
"""


def read_request(incoming: BinaryIO, connection: socket.socket) -> Request | None:
    """The next request; None when the client has closed, or sent what isn't one."""
    first = incoming.readline(_LINE_LIMIT).decode("latin-1").split()
    if len(first) != 3 or not first[2].startswith("HTTP/1."):
        return None
    headers: dict[str, str] = {}
    while (line := incoming.readline(_LINE_LIMIT)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _read_chunks(incoming)
        if body is None:
            return None
    else:
        length = headers.get("content-length", "0")
        body = incoming.read(int(length)) if length.isdigit() else b""
    return Request(first[0], first[1], headers, body)


def write_reply(
    connection: socket.socket, request: Request, reply: Reply, headers: str, answering: threading.Event
) -> bool:
    """Send the reply; False when the connection is used up. Raises OSError when the client is gone."""
    keeps = request.headers.get("connection", "").lower() != "close"
    if reply.broken:
        _break_off(connection, reply, headers)
        return False
    if reply.pieces is not None and reply.raw:
        connection.sendall(_raw_head(request, reply, headers))
        time.sleep(_TAKE_OVER_SECONDS)
        _write_pieces(connection, reply.pieces, answering, chunked=False)
        return False
    if reply.pieces is not None:
        connection.sendall(_head(reply, headers, "Transfer-Encoding: chunked\r\n"))
        if not _write_pieces(connection, reply.pieces, answering, chunked=True):
            return False
        connection.sendall(b"0\r\n\r\n")
        return keeps
    length = "" if reply.status in _BODILESS else f"Content-Length: {len(reply.content)}\r\n"
    content = b"" if request.method == "HEAD" or reply.status in _BODILESS else reply.content
    connection.sendall(_head(reply, headers, length) + content)
    return keeps


def _break_off(connection: socket.socket, reply: Reply, headers: str) -> None:
    """Send half of it and reset the connection: a client of TCP is told of a reset, one of a Unix socket of the end."""
    if reply.content:
        head = _head(reply, headers, f"Content-Length: {len(reply.content)}\r\n")
        connection.sendall(head + reply.content[: len(reply.content) // 2])
    if connection.family is socket.AF_INET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _raw_head(request: Request, reply: Reply, headers: str) -> bytes:
    if "upgrade" in request.headers.get("connection", "").lower():
        upgraded = Reply(101, content_type=reply.content_type, pieces=reply.pieces)
        return _head(upgraded, headers, "Connection: Upgrade\r\nUpgrade: tcp\r\n")
    return _head(reply, headers, "Connection: close\r\n")


def _write_pieces(
    connection: socket.socket, pieces: Iterator[bytes], answering: threading.Event, *, chunked: bool
) -> bool:
    """Send pieces as they come; False when the client closed meanwhile. An empty piece only means 'still going on'."""
    for piece in pieces:
        answering.wait()
        if piece:
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        elif _is_closed(connection):
            return False
    return True


def _is_closed(connection: socket.socket) -> bool:
    # Not select.select: with hundreds of engines in a process the numbers of their connections are too high for it.
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0)) and not connection.recv(1, socket.MSG_PEEK)


def _head(reply: Reply, headers: str, further: str) -> bytes:
    has_body = reply.status not in _BODILESS and (reply.content or reply.pieces is not None)
    kind = f"Content-Type: {reply.content_type}\r\n" if has_body and reply.content_type else ""
    return f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}\r\n{headers}{kind}{further}\r\n".encode("latin-1")


def _read_chunks(incoming: BinaryIO) -> bytes | None:
    """The body; None where the client goes away before its end."""
    body = io.BytesIO()
    while size := _chunk_size(incoming.readline(_LINE_LIMIT)):
        body.write(incoming.read(size))
        incoming.readline(_LINE_LIMIT)
    if size is None:
        return None
    while incoming.readline(_LINE_LIMIT) not in (b"\r\n", b"\n", b""):
        pass
    return body.getvalue()


def _chunk_size(line: bytes) -> int | None:
    digits = line.split(b";")[0].strip()
    return int(digits, 16) if digits else None
