"""Heard: what an engine tells as it happens, kept for whoever judges later: by itself it remembers its last 256 events.

A container that ends over and over makes it forget in a minute what came before. It shares no code with the program.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.campaign_parts.asked import engine_time, events, line_to

REMEMBERED = 250
"""Events: an engine remembers the last 256, a few of which may be of kinds that nobody asks for."""
AGAIN = 0.2
"""Seconds until it is listened to again, where it has gone."""
Event = dict[str, Any]
_Key = tuple[int, str, str, str]


class Heard:
    """Listens to one engine for as long as it is open. What was lost in between is known to be lost."""

    def __init__(self, engine: Path) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._events: dict[_Key, Event] = {}
        self._last: Event | None = None
        self._whole_since = 0
        """Nanoseconds since 1970 from which on nothing that it told is missing."""
        self._line: socket.socket | None = None
        self._over = threading.Event()
        self._thread = ThreadPoolExecutor(1, "listens")

    def __enter__(self) -> Heard:
        self._whole_since = nanoseconds(engine_time(self._engine))
        self._thread.submit(self._listen)
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        with self._lock:
            line = self._line
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._thread.shutdown()

    def told(self, since: str) -> tuple[Event, ...] | None:
        """All that happened since then, in its order; None where some of it was neither heard nor is remembered."""
        from_then = nanoseconds(since)
        remembered = events(self._engine, since, "container", "network", "volume", "image")
        with self._lock:
            heard = {key: event for key, event in self._events.items() if key[0] >= from_then}
            whole_since = self._whole_since
        return joined(remembered, heard, whole=whole_since <= from_then)

    def forget(self, before: str) -> None:
        """Nobody will ask for what was before then."""
        until = nanoseconds(before)
        with self._lock:
            self._events = {key: event for key, event in self._events.items() if key[0] >= until}

    def _listen(self) -> None:
        while not self._over.is_set():
            with suppress(OSError, http.client.HTTPException, RuntimeError):
                self._follow()
            self._over.wait(AGAIN)

    def _follow(self) -> None:
        with self._lock:
            last = self._last
        since = _written(last["timeNano"] if last is not None else self._whole_since)
        with closing(line_to(self._engine)) as line:
            line.request("GET", f"/events?since={since}")
            with self._lock:
                self._line = line.sock
            reply = line.getresponse()
            first = True
            while text := reply.readline():
                if text.strip():
                    self._hear(json.loads(text), last if first else None)
                    first = False

    def _hear(self, event: Event, expected: Event | None) -> None:
        """The first that is told again is the last that was heard, where nothing was lost in between."""
        with self._lock:
            if expected is not None and key_of(event) != key_of(expected):
                self._whole_since = int(event["timeNano"])
            self._events[key_of(event)] = self._last = event


def joined(remembered: Sequence[Event], heard: dict[_Key, Event], *, whole: bool) -> tuple[Event, ...] | None:
    """What is remembered and what was heard, in its order; None where there may have been more.

    `whole`: nothing is missing between two that were heard. All that is remembered is all that there was, unless it is
    as much as an engine remembers; then it has to begin with something that was heard.
    """
    if len(remembered) >= REMEMBERED and not (whole and key_of(remembered[0]) in heard):
        return None
    both = heard | {key_of(event): event for event in remembered}
    return tuple(both[key] for key in sorted(both, key=lambda key: key[0]))


def key_of(event: Event) -> _Key:
    """What tells one event from another."""
    return int(event["timeNano"]), str(event["Type"]), str(event["Action"]), str(event["Actor"]["ID"])


def nanoseconds(time: str) -> int:
    """Of an engine's time, as its events are asked for."""
    whole, _, part = time.partition(".")
    return int(whole) * 1_000_000_000 + int(f"{part:0<9}"[:9])


def _written(nano: int) -> str:
    whole, part = divmod(nano, 1_000_000_000)
    return f"{whole}.{part:09}"
