"""What a hostile engine writes into its replies. Pure: a truthful body and dice in, another body out."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

RICH, HTML = "mcr7", "mch7"
"""Stand in every hostile text, each within its markup: where one stands without, the markup was read."""
TEXT = (
    f"[b]{RICH}[/b][link=file:///etc/passwd]x[/link]<img src=x:{HTML}><b>bold</b>&amp;"
    "\x1b[31mred\x1b]0;title\x07\x9b2J\u202egnp.exe\u2066\u200b\r\n\x00"
)
"""Markup of terminals and of windows, colours, a title, text that runs backwards, what can't be seen, and a NUL."""
FORMULA = f"=1+[b]{RICH}[/b]"
"""What a table calculates."""
MEGABYTE = 1024 * 1024
LARGE = (31 * MEGABYTE, 4 * MEGABYTE - 100_000)
"""As much as is read of a listing, and of any other reply."""
OURS = "io.mirrorconsole."

_KEPT = re.compile(
    r"(sha256:)?[0-9a-f]{64}|\d{4}-\d\d-\d\dT.*|running|exited|created|paused|healthy|unhealthy|starting|"
    r"always|no|unless-stopped|on-failure|tcp|udp|volume|bind|\d{1,5}|\d{1,5}/tcp|/?[\w.-]{1,40}|"
)
"""Texts by which a reply is taken for one at all, and by which we know whom it is about."""

VALUES: tuple[Any, ...] = (
    TEXT,
    FORMULA,
    "",
    "x" * MEGABYTE,
    "9" * 5000,
    "²",
    "../../etc/passwd",
    "-oProxyCommand=touch /tmp/x",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    2**63,
    -(2**70),
    1e308,
    0.5,
    True,
    None,
    [],
    [TEXT] * 3,
    {},
    {TEXT: TEXT},
    {TEXT: None},
    [[[[]]]],
    {f"{'9' * 5000}/tcp": [{"HostIp": TEXT, "HostPort": "9" * 5000}]},
)
LABELS: Mapping[str, tuple[str, ...]] = {
    "gen": ("many", "²", "9" * 5000, "-1"),
    "prev": ("../../x", TEXT),
    "prev-restart": ("always:²", "on-failure:" + "9" * 5000, ":", "never"),
    "prev-route": (TEXT, "a b c"),
    "prev-running": (TEXT,),
    "prev-started": (TEXT, "9" * 5000),
    "prev-ill": (TEXT,),
    "prev-granted": ("1:2:3:4:5", "9" * 5000 + ":nan:1:always:²", "inf:inf:inf:no:1"),
    "route": (TEXT, "{}", "a:b:c:d"),
    "role": ("lock", "release", "app", TEXT),
    "rollout": (TEXT, ""),
    "env": (TEXT, "0" * 32),
    "catalog": (TEXT,),
    "console": (TEXT,),
    "operator": (TEXT,),
    "to": (TEXT,),
    "version": (TEXT, FORMULA),
    "spec": (TEXT,),
}
"""Our own labels, with what nobody of us would write there."""
WORDS = (
    TEXT,
    "reference " * 100_000,
    "name " * 200_000,
    "status " * 100_000 + ": 5",
    "client version ",
    "retry-after: " + "9" * 5000,
    "try again in 999999999h",
    "too many requests",
    "no space left on device " + TEXT,
    "x" * (4 * MEGABYTE),
)
"""What an engine may say of why it refuses."""


def spoilt(dice: random.Random, body: bytes) -> bytes:
    """A body in which something is wrong."""
    ways, weights = zip(*_WAYS, strict=True)
    spoil: Callable[[random.Random, bytes], bytes] = dice.choices(ways, weights)[0]
    return spoil(dice, body)


def error_body(dice: random.Random) -> bytes:
    """The body of an error."""
    message = dice.choice((dice.choice(WORDS), dice.choice(WORDS), dice.choice(VALUES)))
    return dice.choice((_written({"message": message}), _written({"message": message}), b"<html>", b"", b'{"message"'))


def stream(dice: random.Random, ids: tuple[str, ...]) -> Iterator[bytes]:
    """Lines of progress, of events or of a load, without an end."""
    kind = dice.randrange(6)
    while True:
        match kind:
            case 0:  # many layers with long names
                yield _written({"status": "Downloading", "id": f"{dice.random()}" + "x" * 300_000} | _progress(dice))
            case 1:
                yield _written({"status": TEXT, "id": TEXT, "stream": f"Loaded image: {TEXT}"} | _progress(dice))
            case 2:  # a line without an end
                yield b" " * 65536
                continue
            case 3:
                yield _written({"Action": "die", "Actor": {"ID": dice.choice(ids or ("x",)), "Attributes": {}}})
            case 4:
                yield _written({"stream": "Loaded image: " + ",".join(["x" * 100_000] * 8)})
            case _:
                yield spoilt_line(dice)
        yield b"\r\n"


def spoilt_line(dice: random.Random) -> bytes:
    """A line of a stream in which something is wrong."""
    attributes = {"exitCode": dice.choice(("9" * 5000, "²", "-1", TEXT, 137)), "containerExitCode": "٣"}
    line = {"Action": dice.choice(("die", "oom", TEXT)), "Actor": {"ID": dice.choice(VALUES), "Attributes": attributes}}
    return _written(dice.choice((line, {"error": dice.choice(WORDS)}, {"errorDetail": dice.choice(VALUES)})))


def frames(dice: random.Random) -> bytes:
    """A container's output in frames that lie about themselves."""
    length = dice.choice((2**32 - 1, 0, 8, 5))
    return (
        dice.choice((b"\x01\0\0\0", TEXT.encode()[:4]))
        + length.to_bytes(4, "big")
        + dice.randbytes(dice.choice((0, 3, 90)))
    )


# --- ways to spoil a body -------------------------------------------------------------------------------------------


def _places(dice: random.Random, body: bytes) -> bytes:
    content = _read(body)
    for _ in range(dice.randint(1, 3)):
        places = list(_inside(content))
        if not places:
            return _written(dice.choice(VALUES))
        within, place = dice.choice(places)
        within[place] = dice.choice(VALUES)
    return _written(content)


def every_text(dice: random.Random, body: bytes) -> bytes:
    """A body that makes sense, with every text in it that of an attacker."""
    content = _read(body)
    text = dice.choice((TEXT, TEXT, FORMULA))
    for within, place in list(_inside(content)):
        if isinstance(within[place], str) and not _KEPT.fullmatch(within[place]):
            within[place] = text
    return _labelled(content, {"org.opencontainers.image.version": text, "org.opencontainers.image.revision": text})


def _our_labels(dice: random.Random, body: bytes) -> bytes:
    chosen = dice.sample(sorted(LABELS), dice.randint(1, 4))
    return _labelled(_read(body), {OURS + name: dice.choice(LABELS[name]) for name in chosen})


def _many_labels(dice: random.Random, body: bytes) -> bytes:
    return _labelled(_read(body), {f"{TEXT}{number}": "x" for number in range(dice.choice((10, 5000)))})


def _other_types(dice: random.Random, body: bytes) -> bytes:
    content = _read(body)
    kind = dice.choice((str, int, float, list, dict, bool))
    for within, place in list(_inside(content)):
        value = within[place]
        if isinstance(value, kind) and dice.random() < 0.5:
            within[place] = {str: 7, int: str(value), float: "1.5", list: {"0": value}, dict: [value], bool: "true"}[
                kind
            ]
    return _written(content)


def _twice(_dice: random.Random, body: bytes) -> bytes:
    return body.replace(b"{", b'{"Id":"x","Names":null,"Labels":{"a":"b"},"State":7,', 1)


def _no_json(dice: random.Random, body: bytes) -> bytes:
    middle = len(body) // 2
    return dice.choice(
        (
            b"",
            b"null",
            b"[]",
            b"{}",
            b"0",
            b'"text"',
            b"NaN",
            b'[{"Id":NaN}]',
            b'{"Id":Infinity}',
            b"\xef\xbb\xbf" + body,
            body.decode("utf-8", "replace").encode("utf-16"),
            body[:middle],
            body + body,
            body[:middle] + b"\xff\xfe\x80" + body[middle:],
            body.replace(b'"', b'"\\ud800', 3),
            body.replace(b":", b":-", 2),
            b"\0" * 100,
            TEXT.encode(),
        )
    )


def _deep(dice: random.Random, body: bytes) -> bytes:
    opening, closing = dice.choice(((b"[", b"]"), (b'{"x":', b"}")))
    depth = dice.choice((100_000, 900))
    deep = opening * depth + b"1" + closing * dice.choice((depth, 0))
    return dice.choice((deep, body.replace(b"{", b'{"Deep":' + deep + b",", 1), body.replace(b"null", deep, 1)))


def _large(dice: random.Random, body: bytes) -> bytes:
    item = body[1:-1] if body[:1] == b"[" and len(body) > 2 else body
    size = dice.choice(LARGE) - len(body)
    match dice.randrange(7):
        case 0:
            return b"[" + b"1," * (size // 2 - 1) + b"1]"
        case 1:
            return b"[" + b",".join([item] * (size // max(1, len(item) + 1))) + b"]"
        case 2:
            return body[:-1] + b',"More":[' + b"[]," * (size // 3) + b"[]]}"
        case 3:
            return body.replace(b'"Labels": {', b'"Labels": {' + _thousand_labels() * (size // 9_000), 1)
        case 4:
            return b'"' + b"x" * size + b'"'
        case 5:
            return b"\n" * size
        case _:
            return b"{}\n" * (size // 3)


@cache
def _thousand_labels() -> bytes:
    return b"".join(b'"%d":"",' % number for number in range(100_000, 101_000))


_WAYS: tuple[tuple[Callable[[random.Random, bytes], bytes], float], ...] = (
    (_places, 40),
    (every_text, 15),
    (_our_labels, 12),
    (_many_labels, 2),
    (_other_types, 12),
    (_twice, 4),
    (_no_json, 12),
    (_deep, 4),
    (_large, 1),
)


# --- small things ---------------------------------------------------------------------------------------------------


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"message": body.decode("utf-8", "replace")}


def _written(content: Any) -> bytes:
    return json.dumps(content).encode()


def _inside(content: Any) -> Iterator[tuple[Any, Any]]:
    """Each place in a document: what it is in, and where there."""
    if isinstance(content, dict | list):
        for key, inner in list(content.items() if isinstance(content, dict) else enumerate(content)):
            yield content, key
            yield from _inside(inner)


def _labelled(content: Any, labels: Mapping[str, str]) -> bytes:
    for within, place in list(_inside(content)):
        if place == "Labels" and (within[place] is None or isinstance(within[place], dict)):
            within[place] = {**(within[place] or {}), **labels}
    return _written(content)


def _progress(dice: random.Random) -> dict[str, Any]:
    return {"progressDetail": {"current": dice.randrange(-5, 2**40), "total": dice.randrange(-5, 2**40)}}
