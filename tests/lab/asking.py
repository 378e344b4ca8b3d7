"""Asking an engine by its own socket: a tenth of the cost of the docker command line, for what isn't a verdict."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.lab.programs import LabError

LONGEST = 60.0
"""Seconds for one request: a container may have to be killed."""


def state_of(engine_socket: Path, container: str) -> str:
    """created, running, exited …; empty where there is no such container. For waiting, again and again."""
    found = ask(engine_socket, "GET", f"/containers/{container}/json")
    return found["State"]["Status"] if found else ""


def ask(engine_socket: Path, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
    """Send one request and read the JSON that is answered: None where there is none.

    What is to be read or deleted may be gone: that gives None, too. Raises LabError when it is refused.
    """
    connection = http.client.HTTPConnection("engine", timeout=LONGEST)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LONGEST)
        line.connect(str(engine_socket))
        connection.sock = line
        try:
            if body is None:
                connection.request(method, path)
            else:
                connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
    if reply.status == HTTPStatus.NOT_FOUND and method in ("GET", "DELETE"):
        return None
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise LabError(f"{method} {path}: {reply.status} {content.decode(errors='replace')}")
    return json.loads(content) if content else None
