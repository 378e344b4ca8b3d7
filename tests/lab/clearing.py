"""Clearing: an engine between two tests."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from tests.lab.asking import ask

BUILT_IN_NETWORKS = ("bridge", "host", "none", "podman")


def clear(engine_socket: Path) -> None:
    """Remove all containers, volumes and networks that were made; images stay. Raises LabError."""
    for container in ask(engine_socket, "GET", "/containers/json?all=1"):
        ask(engine_socket, "DELETE", f"/containers/{container['Id']}?force=1&v=1")
    for volume in ask(engine_socket, "GET", "/volumes")["Volumes"] or ():
        ask(engine_socket, "DELETE", f"/volumes/{quote(volume['Name'])}?force=1")
    # Podman knows no filter for those that someone has made.
    for network in ask(engine_socket, "GET", "/networks"):
        if network["Name"] not in BUILT_IN_NETWORKS:
            ask(engine_socket, "DELETE", f"/networks/{network['Id']}")
