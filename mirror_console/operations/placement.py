"""Placement: environments on one engine may not want the same container name or the same host port."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mirror_console.domain.environment import CONTAINER_NAME, Environment, Port
from mirror_console.domain.process import settings_for
from mirror_console.errors import Problem


@dataclass(frozen=True, slots=True)
class Placed:
    """An environment, how people call it, and the path of its fields; the path is empty for what is there already."""

    environment: Environment
    title: str
    at: str = ""


def clashes(everything: Iterable[Placed], engines: Mapping[str, str]) -> list[Problem]:
    """What two environments on one engine can't have both, told at the one that comes later and has a path.

    What is no name of a container, and an environment without an engine, clash with nothing: that is told elsewhere.
    `engines` gives names by identity.
    """
    found: list[Problem] = []
    names: dict[tuple[str, str], Placed] = {}
    ports: dict[tuple[str, int, str], list[tuple[Port, Placed]]] = defaultdict(list)
    for placed in sorted(everything, key=lambda placed: bool(placed.at)):
        engine_id = placed.environment.engine_id
        if not engine_id:
            # Nothing is known of where it will run.
            continue
        engine = engines.get(engine_id, "the engine")
        for container in filter(CONTAINER_NAME.fullmatch, placed.environment.containers):
            other = names.setdefault((engine_id, container), placed)
            if other is not placed and placed.at:
                words = f"{other.title} has the container '{container}' on {engine} already"
                found.append(Problem(f"{placed.at}.container", words))
        for port in settings_for(placed.environment, placed.environment.processes[0]).ports:
            if not port.host:
                continue
            there = ports[engine_id, port.host, port.protocol]
            taken = next((other for used, other in there if used.meets(port) and other is not placed), None)
            if taken is not None and placed.at:
                words = f"{taken.title} has host port {port.host}/{port.protocol} on {engine} already"
                found.append(Problem(f"{placed.at}.settings.ports", words))
            there.append((port, placed))
    return found
