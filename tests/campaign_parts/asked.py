"""Asked: what an engine says, by its own socket and past every proxy, to whoever checks the program.

It speaks the standard library's HTTP, and shares no code with the program.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

LONGEST = 60.0
"""Seconds for one request to an engine."""
ANSWER_WITHIN = 10.0
"""Seconds in which what is said to serve must answer: a shell needs a moment to listen."""

ON_ITS_OWN = {3, 4}
"""The exit codes with which the lab's application ends when its image has told it to."""
UP = "runs, or its engine starts it again"
ENDED = "has ended on its own"

Inspected = dict[str, Any]
Picture = dict[str, tuple[str, str, str]]
"""By name: a container's id, its state, and its restart policy."""


class _Line(http.client.HTTPConnection):
    def __init__(self, engine: Path) -> None:
        super().__init__("engine", timeout=LONGEST)
        self._engine = str(engine)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._engine)


def line_to(engine: Path) -> http.client.HTTPConnection:
    """A connection to an engine of its own, for who listens to what it goes on to say."""
    return _Line(engine)


def ask(engine: Path, path: str) -> bytes | None:
    """What an engine answers; None where there is no such thing."""
    with closing(_Line(engine)) as line:
        line.request("GET", path)
        reply = line.getresponse()
        body = reply.read()
    if reply.status == http.HTTPStatus.NOT_FOUND:
        return None
    if reply.status != http.HTTPStatus.OK:
        raise RuntimeError(f"GET {path}: {reply.status} {body.decode(errors='replace')}")
    return body


def inspected(engine: Path, container: str) -> Inspected | None:
    """A container by id or name."""
    body = ask(engine, f"/containers/{quote(container)}/json")
    return None if body is None else dict(json.loads(body))


def containers_of(engine: Path, container: str) -> dict[str, Inspected]:
    """All containers of an environment by name: its own name, that with an ending, and its lock."""
    names = {}
    for listed in json.loads(ask(engine, "/containers/json?all=1") or b"[]"):
        for name in (path.removeprefix("/") for path in listed["Names"]):
            if name == container or name.startswith(f"{container}.") or name == f"mc-lock.{container}":
                names[name] = listed["Id"]
    found = {name: inspected(engine, identity) for name, identity in names.items()}
    return {name: one for name, one in found.items() if one is not None}


def named_like(engine: Path, beginning: str) -> list[str]:
    """The names of all containers that begin so."""
    listed = json.loads(ask(engine, "/containers/json?all=1") or b"[]")
    names = [name.removeprefix("/") for one in listed for name in one["Names"]]
    return [name for name in names if name.startswith(beginning)]


def engine_time(engine: Path) -> str:
    """The engine's time now, in seconds since 1970 with nine decimals, as its events are asked for."""
    told = str(json.loads(ask(engine, "/info") or b"{}")["SystemTime"])
    whole, _, part = told.removesuffix("Z").partition(".")
    return f"{datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp():.0f}.{part:0<9}"


def events(engine: Path, since: str, *kinds: str) -> list[dict[str, Any]]:
    """What happened since then, in its order: to containers, or to what is named."""
    until = engine_time(engine)
    chosen = quote(json.dumps({"type": list(kinds or ("container",))}))
    body = ask(engine, f"/events?since={quote(since)}&until={quote(until)}&filters={chosen}") or b""
    return [json.loads(line) for line in body.splitlines() if line.strip()]


def labels_told(engine: Path, since: str) -> str:
    """The labels of all containers that came and went on an engine since then, and of those that are there."""
    told = [event["Actor"]["Attributes"] for event in events(engine, since)]
    there = [listed["Labels"] for listed in json.loads(ask(engine, "/containers/json?all=1") or b"[]")]
    return json.dumps([told, there])


def differ(before: Picture, after: Picture) -> bool:
    """Whether somebody changed something between two pictures; what has ended on its own nobody did."""

    def ended(name: str) -> bool:
        return name in before and before[name][1] == UP and after[name][1] == ENDED

    return before != {
        name: before[name] if ended(name) and before[name][::2] == now[::2] else now for name, now in after.items()
    }


def picture(engine: Path, container: str) -> Picture:
    """What may not change before a person has chosen: which containers there are, whether they run, their policies."""

    def state(one: Inspected) -> str:
        # What ends over and over is started by its engine.
        if one["State"]["Running"] or one["State"]["Restarting"]:
            return UP
        return ENDED if one["State"]["ExitCode"] in ON_ITS_OWN else str(one["State"]["Status"])

    return {
        name: (one["Id"], state(one), one["HostConfig"]["RestartPolicy"]["Name"])
        for name, one in containers_of(engine, container).items()
    }


def body_at(address: tuple[str, int]) -> str:
    """What is answered there by HTTP; empty where nothing is."""
    end = time.monotonic() + ANSWER_WITHIN
    while True:
        try:
            with closing(http.client.HTTPConnection(*address, timeout=2.0)) as line:
                line.request("GET", "/")
                return line.getresponse().read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            if time.monotonic() > end:
                return ""
            time.sleep(0.05)
