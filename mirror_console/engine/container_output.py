"""What a container wrote: its beginning and its end, however much lies between, and never more of it in memory."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from mirror_console.domain.request import Written
from mirror_console.engine import exchange
from mirror_console.engine.client import EngineClient
from mirror_console.engine.failures import Oversized

LAST_LINES = 2000
"""Lines that are read from the end on. An engine keeps long ones in pieces of 16 KB, each of which counts."""
LONGEST_SECONDS = 120.0
"""Seconds for all of it: it was written already, or isn't waited for."""
MOST_READ = 64 * 1024 * 1024
"""Octets that are read at most; an engine keeps no line that is longer than 16 KB."""
_FRAME_HEAD = 8


def read_written(
    client: EngineClient, api: str, container_id: str, most: int, seconds: float, *, terminal: bool
) -> Written:
    """`most` octets at most of the beginning; where it goes on, as many of the end.

    Raises what a connection raises, Refusal, Malformed and Oversized.
    """
    with_all: dict[str, str | int] = {"stdout": 1, "stderr": 1}
    beginning, more = _first(_read(client, api, container_id, with_all, seconds, terminal=terminal), most)
    if not more:
        return Written(_text(beginning))
    last = {**with_all, "tail": LAST_LINES}
    end = _last(_read(client, api, container_id, last, seconds, terminal=terminal), most)
    return Written(_text(beginning), _text(end))


def _read(
    client: EngineClient,
    api: str,
    container_id: str,
    asked: dict[str, str | int],
    seconds: float,
    *,
    terminal: bool,
) -> Iterator[bytes]:
    """What was written, piece by piece. Left before its end, the connection is closed."""
    connection: Any = client.borrow()
    try:
        line: exchange.Line = connection.sock
        line.settimeout(seconds)
        target = f"/v{api}/containers/{container_id}/logs?{urlencode(asked)}"
        head = exchange.ask(line, "GET", target, seconds)
        head.demand_stream()
        pieces = _bounded(exchange.body(line, head), time.monotonic() + max(seconds, LONGEST_SECONDS))
        yield from pieces if terminal else contents(pieces)
    finally:
        client.give_back(connection)


def _bounded(pieces: Iterable[bytes], end: float) -> Iterator[bytes]:
    """Raises Oversized and TimeoutError, as what was written may go on and on."""
    octets = 0
    for piece in pieces:
        octets += len(piece)
        if octets > MOST_READ:
            raise Oversized(f"more than {MOST_READ} bytes of output")
        if time.monotonic() > end:
            raise TimeoutError("the output trickles")
        yield piece


def _first(pieces: Iterator[bytes], most: int) -> tuple[bytes, bool]:
    """The beginning, and whether it goes on."""
    came = bytearray()
    for piece in pieces:
        came += piece
        if len(came) > most:
            pieces.close()  # type: ignore[attr-defined] # a generator's own: it gives the connection back
            return bytes(came[:most]), True
    return bytes(came), False


def _last(pieces: Iterable[bytes], most: int) -> bytes:
    came = bytearray()
    for piece in pieces:
        came += piece
        if len(came) > 2 * most:
            del came[:-most]
    return bytes(came[-most:])


def contents(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What is in the frames of a stream that has both outputs. Source: Docker Engine API, ContainerAttach.

    A frame is never held as a whole: its head may claim four gigabytes.
    """
    head, left = b"", 0
    for piece in pieces:
        at = 0
        while at < len(piece):
            if left:
                content = piece[at : at + left]
                left -= len(content)
                at += len(content)
                yield content
                continue
            missing = _FRAME_HEAD - len(head)
            head += piece[at : at + missing]
            at += missing
            if len(head) == _FRAME_HEAD:
                head, left = b"", int.from_bytes(head[4:], "big")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
