"""A command that is run in a container beside what runs there: how it ended, and the beginning of what it wrote.

Nothing can end it from outside: one that doesn't end in its time is left behind, and may go on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from mirror_console.domain.request import Ran
from mirror_console.engine import exchange, translate
from mirror_console.engine.client import EngineClient
from mirror_console.engine.container_output import contents
from mirror_console.engine.link import Link
from mirror_console.engine.replies import Execution

_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between looks: what it wrote ends a moment before the engine knows how it ended."""

_NOW = msgspec.json.encode({"Detach": False, "Tty": False})

_decode = msgspec.json.Decoder(Execution).decode


def run_inside(link: Link, container_id: str, command: Sequence[str], most: int, limit: float) -> Ran:
    """Run it, wait `limit` seconds for its end, and keep `most` octets of what it writes.

    Raises what a connection raises, Refusal and Malformed.
    """
    calls = link.calls
    asked = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
    execution = translate.created(calls.change(f"/containers/{container_id}/exec", asked))
    written, ended = _written(link.streams, f"/v{link.api}/exec/{execution}/start", most, limit)
    for pause in _PAUSES if ended else ():
        seen = _look(calls, execution)
        if not seen.running:
            return Ran(seen.exit_code, written)
        time.sleep(pause)
    # Its output may be held open by what it started, after it ended itself.
    seen = _look(calls, execution)
    return Ran(None if seen.running else seen.exit_code, written, in_time=not seen.running)


def _look(calls: EngineClient, execution: str) -> Execution:
    return _decode(calls.read(f"/exec/{execution}/json"))


def _written(client: EngineClient, target: str, most: int, limit: float) -> tuple[str, bool]:
    """Start it: the beginning of what it writes, and whether it came to an end in its time."""
    connection = client.borrow()
    came, ended = bytearray(), False
    end = time.monotonic() + limit
    try:
        line = _Until(connection.sock, end)
        head = exchange.ask(line, "POST", target, limit, {"Content-Type": "application/json"}, _NOW)
        head.demand_stream()
        for piece in contents(exchange.body(line, head)):
            came += piece[: most - len(came)]
        ended = True
    except TimeoutError:
        ended = False
    finally:
        client.give_back(connection)
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
