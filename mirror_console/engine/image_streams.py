"""Images as they go from one engine and to another: archives in pieces, of which never more than one is held here."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from mirror_console.domain.request import Loaded, PullProgress
from mirror_console.engine import exchange
from mirror_console.engine.client import EngineClient, demand_success
from mirror_console.engine.exchange import Line
from mirror_console.engine.failures import Malformed, Oversized, in_our_words
from mirror_console.engine.load_reply import LoadReply, demand_no_error, read_line
from mirror_console.errors import EngineError, FailureKind

SILENCE_SECONDS = 120.0
"""The longest silence in mid-stream, in both directions."""
FIRST_SECONDS = 600.0
"""The longest silence before an image begins to come: an engine may first write the whole of it to its own disk."""
LAST_WORDS_SECONDS = 2.0
"""How long an engine that takes nothing more gets to say why: it has said so already, or never will."""
_PIECE = 256 * 1024
_LONGEST_ERROR = 16 * 1024
_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, TimeoutError)
_HINTS = {
    FailureKind.DROPPED: "Look at the engine: it may be restarting. Then try again.",
    FailureKind.TIMEOUT: "Check the network, the VPN and the load of the engine, then try again.",
}


class _Stream:
    """A connection that can be ended from another thread, and what is said when it ends by itself."""

    def __init__(self, engine: str, client: EngineClient, doing: str) -> None:
        self._engine = engine
        self._client = client
        self._doing = doing
        self._connection: Any = None
        self._line: Line | None = None
        self._closed = False
        self.octets = 0
        """How much of the image went through."""

    def close(self) -> None:
        """End it at once, whole or not. From another thread too: whoever waits gets an EngineError."""
        self._closed = True
        if self._line is not None:
            exchange.cut(self._line)

    def let_go(self) -> None:
        """Give the connection back. Only by who reads or writes."""
        self.close()
        connection, self._connection, self._line = self._connection, None, None
        if connection is not None:
            self._client.give_back(connection)

    def _open(self) -> Line:
        if self._line is None:
            self._demand_open()
            self._connection = self._client.borrow()
            self._line = line = self._connection.sock
            line.settimeout(SILENCE_SECONDS)
        self._demand_open()
        return self._line

    def _demand_open(self) -> None:
        if self._closed:
            raise ConnectionAbortedError("it was broken off from here")

    def _told(self, error: EngineError) -> EngineError:
        """The error, in words that fit what was going on: after the first octet it isn't 'before it answered'."""
        if self._closed:
            hint = "What had come so far was thrown away."
            return EngineError(error.kind, f"The way of an image by {self._engine} was broken off.", hint)
        if error.kind is FailureKind.NOT_FOUND:
            hint = "Look at the engine again: the image may have been removed."
            return EngineError(FailureKind.IMAGE_NOT_FOUND, error.title, hint, detail=error.detail)
        if not self.octets or error.kind not in _HINTS:
            return error
        how = "broke off" if error.kind is FailureKind.DROPPED else f"was silent for {SILENCE_SECONDS:g} s"
        title = f"{self._engine} {how} in the middle of an image: it could not {self._doing}."
        return EngineError(error.kind, title, _HINTS[error.kind], detail=error.detail)


class Saving(_Stream):
    """An image as an engine gives it away, piece by piece. Iterate over it once."""

    def __init__(self, engine: str, client: EngineClient, api: str, image: str, shown: str) -> None:
        super().__init__(engine, client, f"give the image {shown}")
        self._target = f"/v{api}/images/{quote(image, safe=':/@[]')}/get"

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of the archive, as they come. Raises EngineError, also where it ends before its end."""
        try:
            with in_our_words(self._engine, self._doing):
                yield from self._pieces()
        except EngineError as error:
            raise self._told(error) from error

    def _pieces(self) -> Iterator[bytes]:
        line = self._open()
        line.settimeout(FIRST_SECONDS)
        head = exchange.ask(line, "GET", self._target, FIRST_SECONDS)
        line.settimeout(SILENCE_SECONDS)
        if head.status != 200:
            demand_success(head.status, _bounded(exchange.body(line, head)))
            raise Malformed(f"status {head.status} for an image")
        last = b""
        for piece in exchange.body(line, head, _PIECE):
            self._demand_open()
            self.octets += len(piece)
            last = piece if len(piece) > _LONGEST_ERROR else (last + piece)[-_LONGEST_ERROR:]
            yield piece
        _demand_end(last)


class Loading(_Stream):
    """An image on its way to an engine. What was sent counts for nothing before `finish`."""

    def __init__(self, engine: str, client: EngineClient, api: str) -> None:
        super().__init__(engine, client, "take the image in")
        # Told layer by layer, so that it can be heard that it goes on.
        self._target = f"/v{api}/images/load?quiet=0"
        self._reply = LoadReply()
        self._begun = False

    def send(self, piece: bytes) -> None:
        """Hand over the next piece; waits for an engine that is slower. Raises EngineError."""
        try:
            with in_our_words(self._engine, self._doing):
                self._send(b"%x\r\n%b\r\n" % (len(piece), piece))
        except EngineError as error:
            raise self._told(error) from error
        self.octets += len(piece)

    def finish(self, report: Callable[[PullProgress], None]) -> Loaded:
        """Say that this was all, and wait until it is taken in. Raises EngineError.

        That the image is there afterwards is proved by looking at it, not by this.
        """
        try:
            with in_our_words(self._engine, self._doing):
                self._send(b"0\r\n\r\n")
                line = self._open()
                while not self._reply.over:
                    self._reply.hear(line.recv(exchange.PIECE))
                    self._demand_open()
                    report(self._reply.progress)
                return self._reply.loaded
        except EngineError as error:
            raise self._told(error) from error

    def _send(self, octets: bytes) -> None:
        line = self._open()
        if not self._begun:
            self._begun = True
            fields = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
            octets = exchange.spoken("POST", self._target, fields) + octets
        else:
            self._hear_early(line)
        try:
            line.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            # Who refuses it before it was there whole has said why.
            self._hear_out(line)
            raise

    def _hear_out(self, line: Line) -> None:
        line.settimeout(LAST_WORDS_SECONDS)
        while not self._reply.over:
            self._reply.hear(line.recv(exchange.PIECE))

    def _hear_early(self, line: Line) -> None:
        """Raises what an engine says that refuses the image before it has all of it."""
        line.settimeout(0.0)
        try:
            self._reply.hear(line.recv(exchange.PIECE))
        except _NOTHING_YET:
            return
        finally:
            line.settimeout(SILENCE_SECONDS)


def _demand_end(last: bytes) -> None:
    """Raises Refusal or Malformed where an archive doesn't end as one does, with zeros.

    An engine whose disk is full in the middle of an image says so in the place of the rest, and ends in good order.
    """
    if last.endswith(b"\0"):
        return
    at = last.rfind(b'{"error')
    if at < 0:
        raise Malformed("an image that breaks off")
    demand_no_error(read_line(last[at:].strip()))


def _bounded(pieces: Iterator[bytes]) -> bytes:
    whole = b""
    for piece in pieces:
        whole += piece
        if len(whole) > _LONGEST_ERROR:
            raise Oversized("an error without an end")
    return whole
