"""What a proxy can do to a connection or a reply, as networks, dying daemons, false proxies and liars do."""

from __future__ import annotations

import json
import re
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.lab.proxy import PIECE, Exchange, Fault, Over, passed, server_context

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>"
HOSTILE = "\x1b[31mred\x1b]0;title\x07<img src=http://127.0.0.1:9/x><b>bold</b>\u202egnp.exe\u200b\r\n\x00&amp;"
"""Colours and a title for a terminal, markup that loads something, text that runs backwards, and a line break."""
MEGABYTE = 1024 * 1024


# --- the way --------------------------------------------------------------------------------------------------------


def silent(exchange: Exchange) -> None:
    """A black hole: the connection is taken, everything is swallowed, nothing is answered."""
    exchange.hold()


def late(seconds: float) -> Fault:
    """Everything that the engine says comes so much later."""

    def delay(exchange: Exchange) -> None:
        def give(piece: bytes) -> None:
            exchange.wait(seconds)
            exchange.give(piece)

        exchange.relay(give)

    return delay


def trickling(pause: float) -> Fault:
    """What the engine says comes in pieces of one byte, with a pause after each."""

    def trickle(exchange: Exchange) -> None:
        def give(piece: bytes) -> None:
            for place in range(len(piece)):
                exchange.give(piece[place : place + 1])
                exchange.wait(pause)

        exchange.relay(give)

    return trickle


def reset_after(length: int) -> Fault:
    """After so many bytes of what the engine says, the connection is reset; a local socket can only be closed."""
    return cut_after(length, Exchange.reset)


def half_closed_after(length: int) -> Fault:
    """After so many bytes of what the engine says, that direction is closed, and the other one is not."""

    def end(exchange: Exchange) -> None:
        exchange.end_saying()
        exchange.hold()

    return cut_after(length, end)


def closed_after(length: int) -> Fault:
    """After so many bytes of what the engine says, the connection is closed."""

    def end(_exchange: Exchange) -> None:
        raise Over

    return cut_after(length, end)


def cut_after(length: int, end: Callable[[Exchange], None]) -> Fault:
    """After so many bytes of what the engine says, this is done to the exchange; it ends by raising Over."""

    def cut(exchange: Exchange) -> None:
        left = length

        def give(piece: bytes) -> None:
            nonlocal left
            exchange.give(piece[:left])
            left -= len(piece)
            if left <= 0:
                end(exchange)

        if length <= 0:
            exchange.hear()
            end(exchange)
        exchange.relay(give)

    return cut


# --- the reply ------------------------------------------------------------------------------------------------------


def at(path: str, fault: Fault) -> Fault:
    """The fault for those requests alone whose path has this expression in it."""

    def there(exchange: Exchange) -> None:
        asked = exchange.asked
        (fault if asked and re.search(path, asked.path) else passed)(exchange)

    return there


def answering(body: bytes, status: str = "200 OK", **headers: str) -> Fault:
    """This is answered in the engine's place."""
    told = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    reply = _head(status, told | {name.replace("_", "-"): value for name, value in headers.items()}) + body

    def answer(exchange: Exchange) -> None:
        exchange.give_all([reply])

    return answer


def bad_gateway(status: str = "502 Bad Gateway") -> Fault:
    """What a web proxy says when it can't reach what is behind it."""
    return answering(HTML, status, Content_Type="text/html")


def flooding(megabytes: int, *, told: bool) -> Fault:
    """A list that is so long; `told` says its length beforehand."""
    length = {"Content-Length": str(megabytes * MEGABYTE + 1)} if told else {}

    def flood(exchange: Exchange) -> None:
        def pieces() -> Iterator[bytes]:
            yield _head("200 OK", {"Content-Type": "application/json", **length, "Connection": "close"}) + b"["
            for _ in range(megabytes * MEGABYTE // PIECE):
                yield b" " * PIECE

        exchange.give_all(pieces())

    return flood


def trickling_head(pause: float) -> Fault:
    """A reply whose head has no end: a header, a pause, a header."""

    def trickle(exchange: Exchange) -> None:
        exchange.give(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            exchange.give(b"z")
            exchange.wait(pause)

    return trickle


def endless_chunk_size(pause: float) -> Fault:
    """A reply in chunks, where the size of the first is told by more and more leading zeroes."""

    def trickle(exchange: Exchange) -> None:
        exchange.give(_head("200 OK", {"Transfer-Encoding": "chunked"}))
        while True:
            exchange.give(b"0")
            exchange.wait(pause)

    return trickle


def rewriting(change: Callable[[Any], Any]) -> Fault:
    """The engine's own JSON, changed."""

    def rewrite(exchange: Exchange) -> None:
        status, _, body = exchange.reply()
        changed = json.dumps(change(json.loads(body))).encode()
        head = {"Content-Type": "application/json", "Content-Length": str(len(changed)), "Connection": "close"}
        exchange.give_all([_head(f"{status} As It Was", head) + changed])

    return rewrite


def truncating(exchange: Exchange) -> None:
    """The first half of the engine's own JSON, told to be the whole."""
    status, _, body = exchange.reply()
    half = body[: len(body) // 2]
    exchange.give_all([_head(f"{status} As It Was", {"Content-Length": str(len(half)), "Connection": "close"}) + half])


def clock_off(by: timedelta) -> Fault:
    """The engine's clock is ahead by so much, as far as it tells the time; its containers are as old as they are."""

    def change(told: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.fromisoformat(told["SystemTime"])
        return told | {"SystemTime": (moment + by).isoformat()}

    return at(r"/info$", rewriting(change))


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


# --- TLS ------------------------------------------------------------------------------------------------------------


def only_old_tls(certificate: str, key: str) -> ssl.SSLContext:
    """A server that speaks TLS 1.0 and 1.1 and nothing newer, as they did ten years ago."""
    context = server_context(certificate, key)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    # OpenSSL itself has given them up, unless it is told that security doesn't matter.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context
