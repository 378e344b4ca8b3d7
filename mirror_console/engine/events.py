"""An engine's stream of events, read without waiting: it says which containers to look at again, and nothing more.

An event is a hint. What it says of a container isn't believed, only which one it was: what is true is looked up.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec

from mirror_console.engine import translate
from mirror_console.engine.client import EngineClient, demand_success
from mirror_console.engine.failures import Malformed, Oversized, in_our_words
from mirror_console.engine.replies import Event
from mirror_console.engine.streams import LONGEST_LINE, lines
from mirror_console.errors import EngineError, FailureKind

WANTED = (
    "create",
    "destroy",
    "die",
    "died",
    "health_status",
    "oom",
    "pause",
    "remove",
    "rename",
    "restart",
    "start",
    "stop",
    "unpause",
    "update",
)
"""What changes what a person sees of a container; `died` and `remove` are Podman's words.

Each run of a health check makes three events more: not those.
"""
LONGEST_HEAD = 64 * 1024
_PIECE = 64 * 1024
_MOST_PIECES = 64
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)

_decode_event = msgspec.json.Decoder(Event).decode


class Line(Protocol):
    """What a connection has of a socket; a channel of SSH has it too."""

    def fileno(self) -> int: ...
    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, content: bytes, /) -> Any: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def close(self) -> None: ...


class EventStream:
    """An open stream. `fileno` is for a selector: where it can be read, `heard` has something to say."""

    def __init__(self, engine: str, line: Line, rest: bytes, *, chunked: bool) -> None:
        self._engine = engine
        self._line = line
        self._chunks = _Chunks() if chunked else None
        self._piece = rest
        """What came with the head."""
        self._text = b""
        self._end: EngineError | None = None
        line.settimeout(0.0)

    def fileno(self) -> int:
        """What a selector waits for."""
        return self._line.fileno()

    def heard(self) -> frozenset[str]:
        """The ids of containers that events told of since it was last asked. Never waits.

        Raises EngineError once the stream has ended, in order or not; whoever wants to know more opens another.
        """
        if self._end is not None:
            raise self._end
        found = set()
        try:
            with in_our_words(self._engine, "tell of its events"):
                for event in self._events():
                    if translate.ID.fullmatch(event.actor.id):
                        found.add(event.actor.id)
        except EngineError as error:
            # What was heard before the end counts: the end is told the next time.
            self._end = error
            if not found:
                raise
        return frozenset(found)

    def close(self) -> None:
        """End it. From another thread too."""
        with suppress(OSError):
            self._line.close()

    def _events(self) -> Iterator[Event]:
        for content in self._content():
            # The last line may not be whole yet.
            whole, _, self._text = (self._text + content).rpartition(b"\n")
            for line in lines([whole]):
                yield _decode_event(line)
            if len(self._text) > LONGEST_LINE:
                raise Oversized("an event without end")

    def _content(self) -> Iterator[bytes]:
        for _ in range(_MOST_PIECES):
            piece, self._piece = self._piece, b""
            if not piece:
                try:
                    piece = self._line.recv(_PIECE)
                except _NOTHING_YET:
                    return
                if not piece:
                    raise self._ended()
            if self._chunks is None:
                yield piece
                continue
            yield self._chunks.content(piece)
            if self._chunks.over:
                raise self._ended()
        raise Oversized("more events than can be read")

    def _ended(self) -> EngineError:
        hint = "The engine may be restarting. Look at it again."
        return EngineError(FailureKind.DROPPED, f"{self._engine} ended its stream of events.", hint)


def subscribe(engine: str, client: EngineClient, api: str, seconds: float) -> EventStream:
    """Open the stream: everything that happens from the call on is heard, also what happens before it returns.

    An engine sends the head of its reply before it begins to listen to itself. So it is first asked for its time, on
    the same connection, and then for everything since then: that it still remembers. Raises what in_our_words takes.
    """
    line = client.dial()
    try:
        line.settimeout(seconds)
        greeting = _ask(line, "HEAD", "/_ping", seconds)
        if greeting.closes:
            line.close()
            line = client.dial()
            line.settimeout(seconds)
        asked = {"filters": msgspec.json.encode({"type": ["container"], "event": WANTED}).decode()}
        if greeting.seconds is not None:
            asked["since"] = str(greeting.seconds)
        head = _ask(line, "GET", f"/v{api}/events?{urlencode(asked)}", seconds)
        _demand_stream(head)
        return EventStream(engine, line, head.rest, chunked=head.chunked)
    except BaseException:
        line.close()
        raise


def _demand_stream(head: _Head) -> None:
    demand_success(head.status, head.rest)
    if head.status != HTTPStatus.OK:
        raise Malformed(f"status {head.status} for a stream")


class _Head:
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


def _ask(line: Line, method: str, target: str, seconds: float) -> _Head:
    # The reply to a stream's request lasts: the connection is of no use for another one.
    last = "Connection: close\r\n" if method == "GET" else ""
    line.sendall(f"{method} {target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: mirror-console\r\n{last}\r\n".encode())
    came, end = b"", time.monotonic() + seconds
    while b"\r\n\r\n" not in came:
        piece = line.recv(_PIECE)
        came += piece
        if not piece:
            raise ConnectionResetError("the connection was closed before a reply came")
        if len(came) > LONGEST_HEAD:
            raise Oversized(f"a head of more than {LONGEST_HEAD} bytes")
        if time.monotonic() > end:
            raise TimeoutError("the reply trickles")
    text, _, rest = came.partition(b"\r\n\r\n")
    return _Head(text, rest)


class _Chunks:
    """Takes the chunks of a body apart. Source: RFC 9112, section 7.1."""

    def __init__(self) -> None:
        self.over = False
        self._rest = b""
        self._left = 0

    def content(self, piece: bytes) -> bytes:
        """What of a piece is content. `over` once the last chunk was there."""
        self._rest += piece
        content = []
        while self._rest and not self.over:
            if self._left:
                content.append(self._rest[: self._left])
                self._rest = self._rest[self._left :]
                self._left -= len(content[-1])
                continue
            size, found, rest = self._rest.partition(b"\r\n")
            if not found:
                if len(self._rest) > LONGEST_HEAD:
                    raise Malformed("a chunk without a length")
                break
            self._rest = rest
            if size:  # the line between two chunks is empty
                self._left = _length(size.partition(b";")[0].strip())
                self.over = self._left == 0
        return b"".join(content)


def _length(text: bytes) -> int:
    if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", text):
        raise Malformed("a chunk of no length")
    return int(text, 16)
