"""Clearing: an engine between two tests, asked by its own socket, which costs a tenth of the docker command line."""

from __future__ import annotations

import http.client
import json
import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.lab.programs import LabError

BUILT_IN_NETWORKS = ("bridge", "host", "none", "podman")
LONGEST = 60.0
"""Seconds for one request: a container may have to be killed."""
GONE = (HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND)


def clear(engine_socket: Path) -> None:
    """Remove all containers, volumes and networks that were made; images stay. Raises LabError."""
    for container in _ask(engine_socket, "GET", "/containers/json?all=1"):
        _ask(engine_socket, "DELETE", f"/containers/{container['Id']}?force=1&v=1")
    for volume in _ask(engine_socket, "GET", "/volumes")["Volumes"] or ():
        _ask(engine_socket, "DELETE", f"/volumes/{quote(volume['Name'])}?force=1")
    # Podman knows no filter for those that someone has made.
    for network in _ask(engine_socket, "GET", "/networks"):
        if network["Name"] not in BUILT_IN_NETWORKS:
            _ask(engine_socket, "DELETE", f"/networks/{network['Id']}")


def _ask(engine_socket: Path, method: str, path: str) -> Any:
    connection = http.client.HTTPConnection("engine", timeout=LONGEST)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LONGEST)
        line.connect(str(engine_socket))
        connection.sock = line
        try:
            connection.request(method, path)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
    if reply.status not in GONE:
        raise LabError(f"{method} {path}: {reply.status} {content.decode(errors='replace')}")
    return json.loads(content) if content and reply.status == HTTPStatus.OK else None
