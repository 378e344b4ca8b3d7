"""A command that is run in a container beside what runs there: how it ended, and the beginning of what it wrote.

Nothing can end it from outside: one that doesn't end in its time is left behind, and may go on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, repeat

import msgspec

from mirror_console.domain.request import Ran
from mirror_console.engine import exchange, translate
from mirror_console.engine.client import EngineClient
from mirror_console.engine.container_output import contents
from mirror_console.engine.link import Link
from mirror_console.engine.replies import Execution

LATE = 2.0
"""Seconds that an engine is given at least to learn how it ended, once its output has."""
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between the looks for it; the last of them again and again."""

_NOW = msgspec.json.encode({"Detach": False, "Tty": False})

_decode = msgspec.json.Decoder(Execution).decode


def run_inside(link: Link, container_id: str, command: Sequence[str], most: int, limit: float) -> Ran:
    """Run it, wait `limit` seconds for its end, and keep `most` octets of what it writes.

    Raises what a connection raises, Refusal and Malformed.
    """
    calls = link.calls
    asked = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
    execution = translate.created(calls.change(f"/containers/{container_id}/exec", asked))
    connection = link.streams.borrow()
    end = time.monotonic() + limit
    try:
        written, ended = _written(_Until(connection.sock, end), f"/v{link.api}/exec/{execution}/start", most)
    finally:
        link.streams.give_back(connection)
    # What it wrote ends before the engine knows how it ended. Or it is held open by what it started, and it has ended.
    latest = max(end, time.monotonic() + LATE) if ended else end
    for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
        seen = _look(calls, execution)
        if not seen.running or time.monotonic() >= latest:
            break
        time.sleep(pause)
    return Ran(None if seen.running else seen.exit_code, written, in_time=not seen.running)


def _look(calls: EngineClient, execution: str) -> Execution:
    return _decode(calls.read(f"/exec/{execution}/json"))


def _written(line: exchange.Spoken, target: str, most: int) -> tuple[str, bool]:
    """Start it: the beginning of what it writes, and whether that came to an end in its time."""
    came, ended = bytearray(), False
    with suppress(TimeoutError):
        head = exchange.ask(line, "POST", target, math.inf, {"Content-Type": "application/json"}, _NOW)
        head.demand_stream()
        for piece in contents(exchange.body(line, head)):
            came += piece[: most - len(came)]
        ended = True
    return came.decode("utf-8", "replace"), ended


class _Until:
    """A connection that is of use until a given instant, however slowly something trickles in."""

    def __init__(self, line: exchange.Line, end: float) -> None:
        self._line = line
        self._end = end

    def recv(self, size: int) -> bytes:
        self._hurry()
        return self._line.recv(size)

    def sendall(self, content: bytes) -> None:
        self._hurry()
        self._line.sendall(content)

    def _hurry(self) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("its time is over")
        self._line.settimeout(left)
