"""One request on a connection of its own, for what is read or sent as a stream: as much of HTTP as that takes."""

from __future__ import annotations

import http.client
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol

from mirror_console.engine.client import demand_success
from mirror_console.engine.failures import Malformed, Oversized

LONGEST_HEAD = 64 * 1024
PIECE = 64 * 1024


class Line(Protocol):
    """What a connection has of a socket; a channel of SSH has it too."""

    def fileno(self) -> int: ...
    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, content: bytes, /) -> Any: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class Coming(Protocol):
    """What is read from, of such a connection."""

    def recv(self, size: int, /) -> bytes: ...


class Spoken(Coming, Protocol):
    """What a request is said on."""

    def sendall(self, content: bytes, /) -> Any: ...


class Head:
    """The head of a reply, and what came behind it in the same piece."""

    def __init__(self, text: bytes, rest: bytes) -> None:
        first, *fields = text.split(b"\r\n")
        told = re.fullmatch(rb"HTTP/1\.[01] ([1-5]\d\d)( .*)?", first)
        if told is None:
            raise Malformed("it doesn't speak HTTP")
        self.status = int(told[1])
        self.rest = rest
        self._fields = {name.strip().lower(): value.strip() for name, _, value in (f.partition(b":") for f in fields)}

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self._fields.get(b"transfer-encoding", b"").lower() == b"chunked"

    @property
    def length(self) -> int | None:
        """Octets of the body; None where it isn't told."""
        text = self._fields.get(b"content-length", b"")
        return int(text) if re.fullmatch(rb"\d{1,15}", text) else None

    @property
    def closes(self) -> bool:
        """Whether nothing more can be asked on this connection."""
        return self._fields.get(b"connection", b"").lower() == b"close"

    @property
    def seconds(self) -> int | None:
        """The engine's time in whole seconds since 1970; None where it doesn't tell."""
        try:
            return int(parsedate_to_datetime(self._fields[b"date"].decode("ascii")).timestamp())
        except (KeyError, ValueError, OverflowError):
            return None

    def demand_stream(self) -> None:
        """Raises Refusal or Malformed for any other status than that of a stream."""
        demand_success(self.status, self.rest)
        if self.status != HTTPStatus.OK:
            raise Malformed(f"status {self.status} for a stream")


def ask(
    line: Spoken,
    method: str,
    target: str,
    seconds: float,
    fields: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> Head:
    """Say a request, with a body where there is `content`, and read the head of its reply."""
    length = {"Content-Length": str(len(content))} if content else {}
    line.sendall(spoken(method, target, {**(fields or {}), **length}) + content)
    return read_head(line, seconds)


def spoken(method: str, target: str, fields: Mapping[str, str]) -> bytes:
    """The head of a request."""
    # The reply to a stream's request lasts: the connection is of no use for another one.
    last = {} if method == "HEAD" else {"Connection": "close"}
    all_fields = {"Host": "docker", "User-Agent": "mirror-console", **fields, **last}
    told = "".join(f"{name}: {value}\r\n" for name, value in all_fields.items())
    return f"{method} {target} HTTP/1.1\r\n{told}\r\n".encode()


def read_head(line: Coming, seconds: float, came: bytes = b"") -> Head:
    """The head of a reply, of which `came` is there already. Raises TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while b"\r\n\r\n" not in came:
        piece = line.recv(PIECE)
        came += piece
        if not piece:
            raise ConnectionResetError("the connection was closed before a reply came")
        if len(came) > LONGEST_HEAD:
            raise Oversized(f"a head of more than {LONGEST_HEAD} bytes")
        if time.monotonic() > end:
            raise TimeoutError("the reply trickles")
    text, _, rest = came.partition(b"\r\n\r\n")
    return Head(text, rest)


def body(line: Coming, head: Head, piece: int = PIECE) -> Iterator[bytes]:
    """The body of a reply as it comes. Raises IncompleteRead where the connection ends before it does."""
    chunks, left = Chunks() if head.chunked else None, head.length
    came = head.rest
    while left != 0:
        if came:
            content = chunks.content(came) if chunks is not None else came
            if content:
                yield content
            if chunks is not None and chunks.over:
                return
            left = left if left is None or chunks is not None else max(0, left - len(content))
            if left == 0:
                return
        came = line.recv(piece)
        if not came:
            if chunks is None and left is None:
                return
            raise http.client.IncompleteRead(b"")


class Chunks:
    """Takes the chunks of a body apart. Source: RFC 9112, section 7.1."""

    def __init__(self) -> None:
        self.over = False
        self._rest = b""
        self._left = 0
        self._ended = False
        """Whether a chunk has ended, so that an empty line comes."""

    def content(self, piece: bytes) -> bytes:
        """What of a piece is content. `over` once the last chunk was there."""
        came = self._rest + piece if self._rest else piece
        at, content = 0, []
        while at < len(came) and not self.over:
            if self._left:
                content.append(came[at : at + self._left])
                at += len(content[-1])
                self._left -= len(content[-1])
                self._ended = self._left == 0
                continue
            end = came.find(b"\r\n", at)
            if end < 0:
                if len(came) - at > LONGEST_HEAD:
                    raise Malformed("a chunk without a length")
                break
            size, at = came[at:end], end + 2
            if size or not self._ended:
                self._left = _length(size.partition(b";")[0].strip())
                self.over = self._left == 0
            self._ended = False
        self._rest = came[at:]
        return b"".join(content)


def _length(text: bytes) -> int:
    if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", text):
        raise Malformed("a chunk of no length")
    return int(text, 16)


def cut(line: Line) -> None:
    """End whatever is read or written on a connection, from another thread too: whoever waits is woken.

    Not by the way of TLS, which forgets its keys: what lies there still would then be read as if it were in clear.
    """
    with suppress(OSError):
        if isinstance(line, socket.socket):
            socket.socket.shutdown(line, socket.SHUT_RDWR)
        else:
            line.shutdown(socket.SHUT_RDWR)
