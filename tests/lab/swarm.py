"""A Swarm of one node: an engine of the lab that manages it."""

from __future__ import annotations

from pathlib import Path

from tests.lab.asking import ask


def manages_swarm(engine_socket: Path) -> bool:
    """Whether the engine is a manager of a Swarm."""
    return bool(ask(engine_socket, "GET", "/info")["Swarm"]["ControlAvailable"])


def begin_swarm(engine_socket: Path) -> None:
    """Have the engine begin a Swarm that no other can join. Raises LabError."""
    ask(engine_socket, "POST", "/swarm/init", {"AdvertiseAddr": "127.0.0.1", "ListenAddr": "127.0.0.1:2377"})


def clear_swarm(engine_socket: Path) -> None:
    """Remove all services with their containers, and all configs; images and the Swarm's networks stay.

    Raises LabError.
    """
    for service in ask(engine_socket, "GET", "/services"):
        ask(engine_socket, "DELETE", f"/services/{service['ID']}")
    for config in ask(engine_socket, "GET", "/configs"):
        ask(engine_socket, "DELETE", f"/configs/{config['ID']}")
    # The Swarm itself stops them only after as long as they may take.
    for container in ask(engine_socket, "GET", "/containers/json?all=1"):
        ask(engine_socket, "DELETE", f"/containers/{container['Id']}?force=1&v=1")
