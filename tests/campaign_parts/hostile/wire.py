"""How a hostile engine sends what it says: as a reply of HTTP, or as nearly one. Pure but for the dice."""

from __future__ import annotations

import gzip
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from tests.campaign_parts.hostile import bodies
from tests.campaign_parts.hostile.bodies import MEGABYTE

ELSEWHERE = "/elsewhere"
"""Where replies point to that nobody may follow."""
SILENCE = b""
"""In the place of a piece: nothing is said for longer than anybody waits."""
PIECE = 65536
PLACES = (
    ELSEWHERE,
    "http://[",
    "//[x",
    "http://[::1",
    "http://127.0.0.1:1/",
    "//" + "x" * 5000,
    "file:///etc/passwd",
    "\xff\xfe",
    "http://a:99999999/",
    "",
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What an honest engine would have said. `lasts` says that it is a stream."""

    status: int
    body: bytes
    lasts: bool = False
    ids: tuple[str, ...] = ()
    """The containers that there are."""
    headed: bool = False
    """Whether what is said before the body counts most."""


def told(dice: random.Random, truth: Truth) -> tuple[Iterator[bytes], bool]:
    """What is sent, piece by piece, and whether the connection is used again afterwards."""
    if truth.lasts and dice.random() < (0.4 if truth.headed else 0.7):
        return _stream(dice, truth), False
    if dice.random() < (0.3 if truth.headed else 0.82):
        status = truth.status if dice.random() < 0.9 else dice.choice((200, 201, 204, 304))
        return iter((reply(status, bodies.spoilt(dice, truth.body)),)), True
    ways, weights = zip(*_WAYS, strict=True)
    way: Callable[[random.Random, Truth], Iterator[bytes]] = dice.choices(ways, weights)[0]
    # Mostly closed, so that nobody waits for the rest of what was announced.
    return way(dice, truth), dice.random() < 0.1


def reply(status: int, body: bytes, *fields: str) -> bytes:
    return _head(status, f"Content-Length: {len(body)}", *fields) + body


def _head(status: int, *fields: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status} So", *fields, "", "")).encode("latin-1")


# --- streams --------------------------------------------------------------------------------------------------------


def _stream(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    chunked = dice.random() < 0.5
    yield _head(200, *(["Transfer-Encoding: chunked"] if chunked else []))
    coming = dice.choice((_lines, _frames, _short))(dice, truth)
    for piece in coming:
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece


def _lines(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    return bodies.stream(dice, truth.ids)


def _frames(dice: random.Random, _truth: Truth) -> Iterator[bytes]:
    """Frames without an end; sometimes none of them has anything in it."""
    frame = bodies.frames(dice)
    return itertools.repeat(frame * (PIECE // len(frame)))


def _short(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    """What an honest engine would say, with a line in its middle that isn't."""
    middle = len(truth.body) // 2
    return iter((truth.body[:middle] or b"\n", bodies.spoilt_line(dice) + b"\n", truth.body[middle:] or b"\n"))


# --- everything else that can be wrong with a reply -----------------------------------------------------------------


def _silent(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    whole = reply(truth.status, truth.body)
    return itertools.chain((whole[: dice.randrange(len(whole))],), itertools.repeat(SILENCE))


def _trickling(_dice: random.Random, truth: Truth) -> Iterator[bytes]:
    for octet in reply(truth.status, truth.body):
        yield bytes([octet])
        yield SILENCE


def _cut(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    whole = reply(truth.status, truth.body)
    return iter((whole[: dice.randrange(1, len(whole))],))


def _endless(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    """Ten gigabytes, announced or not; or as many as are taken."""
    fields = dice.choice(((), (f"Content-Length: {10 * 1024 * MEGABYTE}",), ("Transfer-Encoding: chunked",)))
    yield _head(truth.status, *fields)
    piece = dice.choice((b" ", b"[", b"x", b'{"a":1},', b"\n")) * PIECE
    yield from itertools.repeat(b"%x\r\n%b\r\n" % (len(piece), piece) if "chunked" in str(fields) else piece)


def _wrong_length(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    length = dice.choice(("-1", "0", "9" * 5000, "1e3", "", "5, 7", "0x10", str(len(truth.body) + 5), "２"))
    text = f"HTTP/1.1 {truth.status} So\r\nContent-Length: {length}\r\n\r\n"
    return iter((text.encode("utf-8") + truth.body,))


def _wrong_chunks(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    yield _head(truth.status, "Transfer-Encoding: chunked", *dice.choice(((), ("Content-Length: 3",))))
    size = dice.choice((b"-1", b"zz", b"", b"f" * 20, b"f" * 100_000, b"0x5", b"1;" + b"x" * 9000, b"5 ", b"\xff"))
    yield size + b"\r\n" + truth.body + b"\r\n0\r\n" + dice.choice((b"", b"a: b\r\n" * 5000, b"x" * 70_000)) + b"\r\n"


def _packed(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    """What unpacks to a gigabyte."""
    name = dice.choice(("gzip", "deflate", "br", "zstd", "x", "gzip, gzip"))
    return iter((reply(truth.status, _bomb(), f"Content-Encoding: {name}"),))


@cache
def _bomb() -> bytes:
    return gzip.compress(gzip.compress(b" " * (256 * MEGABYTE), 1))


def _wrong_fields(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    fields: tuple[str, ...]
    match dice.randrange(7):
        case 0:
            return itertools.chain((f"HTTP/1.1 {truth.status} So\r\n".encode(),), itertools.repeat(b"A: b\r\n" * 500))
        case 1:
            return itertools.chain((f"HTTP/1.1 {truth.status} So\r\nA: ".encode(),), itertools.repeat(b"x" * PIECE))
        case 2:
            fields = (
                "\0: \0",
                "no colon",
                " folded",
                "Date: Xyz, 99 Foo 99999 99:99:99 +9999",
                f"Server: {'x' * 60_000}",
            )
        case 3:
            fields = ("Set-Cookie: a=b; expires=Xyz, 99-Foo-99999 99:99:99 GMT; domain=.x", "Set-Cookie: \xff=\xff")
        case 4:
            fields = (f"Api-Version: {dice.choice(('9999.9999', '1.' + '9' * 5000, '1.41.1', 'x', '', '-1.4'))}",)
        case 5:
            fields = (
                "Libpod-Api-Version: 4.3",
                f"Api-Version: 1.41 {dice.random()}",
                "Connection: close, keep-alive, x",
            )
        case _:
            fields = tuple(f"X-{number}: y" for number in range(dice.choice((99, 101, 5000))))
    return iter((reply(truth.status, truth.body, *fields),))


def _wrong_status(dice: random.Random, truth: Truth) -> Iterator[bytes]:
    line = dice.choice(
        (
            b"HTTP/9.9 200 So",
            b"HTTP/1.1 999 So",
            b"HTTP/1.1 99999 So",
            b"HTTP/1.1 -1 So",
            b"HTTP/1.1 200",
            b"HTTP/1.0 200 So",
            b"HTTP/0.9 200 So",
            b"ICY 200 OK",
            b"SSH-2.0-x",
            b"\x16\x03\x01\x02\x00",
            b"HTTP/1.1 " + "２００".encode(),
            b"x" * 70_000,
        )
    )
    if dice.random() < 0.2:
        return itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    return iter((line + b"\r\nContent-Length: %d\r\n\r\n" % len(truth.body) + truth.body,))


def _elsewhere(dice: random.Random, _truth: Truth) -> Iterator[bytes]:
    """A redirection, whose own body is sometimes without an end."""
    status = dice.choice((300, 301, 302, 303, 307, 308, 399))
    field = f"Location: {dice.choice(PLACES)}"
    if dice.random() < 0.5:
        return iter((reply(status, b"", field),))
    return itertools.chain((_head(status, field),), itertools.repeat(b"x" * PIECE))


def _refusing(dice: random.Random, _truth: Truth) -> Iterator[bytes]:
    return iter((reply(dice.choice((400, 401, 403, 404, 409, 418, 429, 500, 503, 599)), bodies.error_body(dice)),))


_WAYS: tuple[tuple[Callable[[random.Random, Truth], Iterable[bytes]], float], ...] = (
    (_silent, 1),
    (_trickling, 1),
    (_cut, 8),
    (_endless, 4),
    (_wrong_length, 10),
    (_wrong_chunks, 10),
    (_packed, 3),
    (_wrong_fields, 12),
    (_wrong_status, 8),
    (_elsewhere, 14),
    (_refusing, 25),
)
