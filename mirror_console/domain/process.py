"""Processes: what an environment runs in containers of its own beside the one that serves, as its source declares it.

One process serves: it alone has the ports, the route and the labels for a proxy. The others are given the same image,
variables, volumes, networks and limits, and a command of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.environment import Environment, HealthTest, Process, Settings
from mirror_console.errors import Problem

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
MOST = 10
"""So many processes an environment may have."""


@dataclass(frozen=True, slots=True)
class DeclaredProcess:
    """A process that each environment of a source's mirrors has. The one that serves has its command in the settings.

    Of the old version a `worker` stops before the release command; of the new one it starts when the new one serves.
    """

    name: str
    command: tuple[str, ...] = ()
    serves: bool = False
    worker: bool = False


@dataclass(frozen=True, slots=True)
class PlannedProcess:
    """What a plan does to a process beside the one that serves: its container is made, or made anew."""

    name: str
    container: str
    settings: Settings
    worker: bool = False
    before_container_id: str = ""
    """Empty where it has no container yet."""
    before_image_id: str = ""
    before_settings: Settings | None = None
    """What the old container was made of, where that isn't what is planned."""


def with_processes(environment: Environment, declared: Sequence[DeclaredProcess]) -> Environment:
    """The environment with the processes that its source declares: first the one that serves, in its own container.

    The containers of the others keep their names; a new one is called as the first, with the process behind it. Where
    nothing is declared it has the first alone.
    """
    first, before = environment.processes[0], {one.name: one for one in environment.processes[1:]}
    serving = next((one.name for one in declared if one.serves), first.name)
    others = [
        Process(
            one.name,
            before[one.name].container if one.name in before else f"{first.container}-{one.name}",
            one.command,
            one.worker,
        )
        for one in declared
        if not one.serves
    ]
    processes = (Process(serving, first.container), *others)
    return environment if processes == environment.processes else replace(environment, processes=processes)


def settings_for(environment: Environment, process: Process) -> Settings:
    """What the container of one of an environment's processes is made from."""
    if process.name == environment.processes[0].name:
        return environment.settings
    return settings_beside(environment.settings, process.command)


def settings_beside(settings: Settings, command: tuple[str, ...]) -> Settings:
    """What a process is made from that runs beside the one with these settings: nothing of it serves."""
    health = HealthTest(settle=settings.health.settle, limit=settings.health.limit)
    return replace(settings, ports=(), route=None, labels={}, command=command, health=health)


def one_process(environment: Environment, name: str) -> Environment:
    """The environment as if that process were its only one, with what it is made from."""
    if len(environment.processes) == 1:
        return environment
    process = next((one for one in environment.processes if one.name == name), environment.processes[0])
    return replace(environment, processes=(process,), settings=settings_for(environment, process))


def process_problems(declared: Sequence[DeclaredProcess], at: str) -> list[Problem]:
    """Everything wrong with what a source declares."""
    if not declared:
        return []
    found = [
        Problem(at, f"'{one.name}' is not a name: lower-case letters, digits and hyphens, 31 at most")
        for one in declared
        if not NAME.fullmatch(one.name)
    ]
    twice = [name for name, number in Counter(one.name for one in declared).items() if number > 1]
    found += [Problem(at, f"'{name}' is declared twice") for name in twice]
    serving = [one for one in declared if one.serves]
    if len(serving) != 1:
        found.append(Problem(at, "exactly one process serves: it has the ports and the route"))
    if len(declared) > MOST:
        found.append(Problem(at, f"{MOST} processes at most"))
    for one in declared:
        if one.serves and one.command:
            found.append(Problem(at, f"the command of '{one.name}', which serves, stands in the settings"))
        if one.serves and one.worker:
            found.append(Problem(f"{at}.worker", f"'{one.name}' serves: it can't stop before the release command"))
        if not one.serves and not one.command:
            found.append(Problem(at, f"say what '{one.name}' runs"))
        if any("\0" in word for word in one.command):
            found.append(Problem(at, "a NUL can't be part of it"))
    return found
