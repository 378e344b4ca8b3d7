"""A Swarm: an engine of the lab that manages it, and others that join it for a while."""

from __future__ import annotations

from pathlib import Path

from tests.lab.asking import ask
from tests.lab.engine import LabEngine


def manages_swarm(engine_socket: Path) -> bool:
    """Whether the engine is a manager of a Swarm."""
    return bool(ask(engine_socket, "GET", "/info")["Swarm"]["ControlAvailable"])


def begin_swarm(engine: LabEngine) -> None:
    """Have the engine begin a Swarm, with itself as its only node. Raises LabError."""
    ask(engine.socket, "POST", "/swarm/init", {"AdvertiseAddr": engine.host, "ListenAddr": f"{engine.host}:2377"})


def join_swarm(worker: LabEngine, manager: LabEngine) -> None:
    """Have an engine join a Swarm as a worker. Raises LabError."""
    token = ask(manager.socket, "GET", "/swarm")["JoinTokens"]["Worker"]
    wanted = {"AdvertiseAddr": worker.host, "ListenAddr": f"{worker.host}:2377"}
    ask(worker.socket, "POST", "/swarm/join", wanted | {"RemoteAddrs": [f"{manager.host}:2377"], "JoinToken": token})


def leave_swarm(worker: LabEngine, manager: LabEngine) -> None:
    """Have an engine leave its Swarm, and the Swarm forget it. Raises LabError."""
    node = ask(worker.socket, "GET", "/info")["Swarm"]["NodeID"]
    ask(worker.socket, "POST", "/swarm/leave?force=1")
    ask(manager.socket, "DELETE", f"/nodes/{node}?force=1")


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
