"""Asking an engine by its own socket: a tenth of the cost of the docker command line, for what isn't a verdict."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.lab.programs import LabError

LONGEST = 60.0
"""Seconds for one request: a container may have to be killed."""


def state_of(engine_socket: Path, container: str) -> str:
    """created, running, exited …; empty where there is no such container. For waiting, again and again."""
    found = ask(engine_socket, "GET", f"/containers/{container}/json")
    return found["State"]["Status"] if found else ""


def ask(engine_socket: Path, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
    """Send one request and read the JSON that is answered: None where there is none.

    What is to be read or deleted may be gone, or its removal under way: that gives None, too. Raises LabError
    when it is refused.
    """
    sent = None if body is None else json.dumps(body).encode()
    kind = {} if body is None else {"Content-Type": "application/json"}
    status, content = _answer(engine_socket, method, path, sent, kind)
    if status == HTTPStatus.NOT_FOUND and method in ("GET", "DELETE"):
        return None
    if status == HTTPStatus.CONFLICT and method == "DELETE" and b"is already in progress" in content:
        return None
    _refuse(status, f"{method} {path}", content)
    return json.loads(content) if content else None


def pull(engine_socket: Path, reference: str, login: Mapping[str, str]) -> None:
    """Have an engine pull an image with a registry's `username` and `password`. Raises LabError."""
    told = {**login, "serveraddress": reference.partition("/")[0]}
    token = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
    path = f"/images/create?fromImage={quote(reference, safe='')}"
    _follow(engine_socket, path, None, {"X-Registry-Auth": token})


def load(engine_socket: Path, archive: bytes) -> None:
    """Have an engine take the images of an archive in. Raises LabError."""
    _follow(engine_socket, "/images/load?quiet=1", archive, {"Content-Type": "application/x-tar"})


def _follow(engine_socket: Path, path: str, body: bytes | None, headers: Mapping[str, str]) -> None:
    """Read what is told of some work to its end: that it failed is told there."""
    status, content = _answer(engine_socket, "POST", path, body, headers)
    _refuse(status, f"POST {path}", content)
    for line in content.splitlines():
        if line.strip().startswith(b"{") and "error" in (told := json.loads(line)):
            raise LabError(f"POST {path}: {told['error']}")


def _answer(
    engine_socket: Path, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("engine", timeout=LONGEST)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LONGEST)
        line.connect(str(engine_socket))
        connection.sock = line
        try:
            connection.request(method, path, body, dict(headers))
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()


def _refuse(status: int, asked: str, content: bytes) -> None:
    if status >= HTTPStatus.BAD_REQUEST:
        raise LabError(f"{asked}: {status} {content.decode(errors='replace')}")
