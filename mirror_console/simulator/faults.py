"""How a simulated engine misbehaves on cue: what real daemons do too seldom, or never, to be tried on them."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from mirror_console.simulator.calls import Reply, Request


class Fault(StrEnum):
    """What goes wrong with the reply to a request."""

    LATE = "late"
    """It comes, but not before its time."""
    HALF_A_REPLY = "half a reply"
    """Its head tells the whole length; half of it comes, then the connection is reset."""
    RESET = "reset"
    """The connection is reset before anything came."""
    ERROR_PAGE = "error page"
    """Status 500 with HTML, as from a proxy in front of a dead engine."""
    DISK_FULL = "disk full"
    """Status 500: what would have to be written has no room, and nothing is changed."""
    FORBIDDEN = "forbidden"
    """Status 403 with HTML, as from a proxy in front of the engine that lets through only what it was told."""
    INVALID_JSON = "invalid JSON"
    """Status 200 with JSON that breaks off."""
    ENDLESS = "200 MB"
    """Status 200 with JSON that goes on and on, 200 MB of it."""
    HOSTILE_TEXT = "hostile text"
    """Names and labels hold escape codes, markup, characters that turn the direction of text, and a megabyte."""


ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m"
MARKUP = '<img src="http://127.0.0.1:9/x"><b>bold</b>'
TURNED = "\u202egnp.exe\u202c\u200b"
HOSTILE = f"{ESCAPES}{MARKUP}{TURNED}"
"""Text that must be shown as text, or not at all."""

_ERROR_PAGE = b"<html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"
_NO_ROOM = b'{"message":"write /var/lib/docker/containers/.tmp-config.v2.json: no space left on device"}'
_FORBIDDEN = b"<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>"
_MEGABYTE = 1024 * 1024
_ENDLESS_MEGABYTES = 200


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One fault on the requests whose path holds `on`; the next `times` of them, or all for None."""

    fault: Fault
    on: str = ""
    times: int | None = None
    seconds: float = 0.0


class Manners:
    """How an engine behaves: well, until it is told otherwise. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: list[Misbehaviour] = []
        self._well = threading.Event()
        self._well.set()

    def misbehave(self, misbehaviour: Misbehaviour) -> None:
        """From now on, beside what it was told before."""
        with self._lock:
            self._told.append(misbehaviour)
            self._well.clear()

    def behave(self) -> None:
        """Behave well again. Replies that are held back come now."""
        with self._lock:
            self._told.clear()
            self._well.set()

    def reply(self, request: Request, answer: Callable[[Request], Reply]) -> Reply:
        """The reply to a request, well or spoilt."""
        told = self._next(request.target)
        if told is None:
            return answer(request)
        match told.fault:
            case Fault.LATE:
                self._well.wait(told.seconds)
                return answer(request)
            case Fault.RESET:
                return Reply(200, broken=True)
            case Fault.HALF_A_REPLY:
                return replace(answer(request), broken=True)
            case Fault.FORBIDDEN:
                return Reply(403, _FORBIDDEN, "text/html")
            case Fault.ERROR_PAGE:
                return Reply(500, _ERROR_PAGE, "text/html")
            case Fault.DISK_FULL:
                return Reply(500, _NO_ROOM)
            case Fault.INVALID_JSON:
                return Reply(200, b'[{"Id": "abc", "Names": ["/web"')
            case Fault.ENDLESS:
                return Reply(200, pieces=_endless())
            case Fault.HOSTILE_TEXT:
                reply = answer(request)
                return (
                    replace(reply, content=_spoilt(reply.content)) if reply.content.startswith((b"[", b"{")) else reply
                )

    def _next(self, target: str) -> Misbehaviour | None:
        path = target.partition("?")[0]
        with self._lock:
            for place, told in enumerate(self._told):
                if told.on not in path:
                    continue
                if told.times is not None:
                    left = told.times - 1
                    self._told[place : place + 1] = [replace(told, times=left)] if left else []
                return told
        return None


def _endless() -> Iterator[bytes]:
    yield b"["
    for _ in range(_ENDLESS_MEGABYTES):
        yield b" " * _MEGABYTE
    yield b"]"


def _spoilt(content: bytes) -> bytes:
    """The same document with hostile text in what people can name. What is read to tell containers apart stays."""
    document = _with_hostile_text(msgspec.json.decode(content))
    if isinstance(document, list) and document and "Names" in document[0]:
        document.append({**document[0], "Id": "f" * 64, "Names": [f"/{HOSTILE}"]})
    return msgspec.json.encode(document)


def _with_hostile_text(value: Any) -> Any:
    match value:
        case list():
            return [_with_hostile_text(item) for item in value]
        case dict():
            return {key: _hostile_field(key, item) for key, item in value.items()}
        case _:
            return value


def _hostile_field(key: str, value: Any) -> Any:
    match key, value:
        case "Labels", dict():
            return {**value, f"label {HOSTILE}": HOSTILE, "long": "x" * _MEGABYTE}
        case "Image", str() if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
            return value + HOSTILE
        case "Driver" | "Output" | "OperatingSystem", str():
            return value + HOSTILE
        case _:
            return _with_hostile_text(value)
