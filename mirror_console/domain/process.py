"""Processes: what an environment runs in containers of its own beside the one that serves, as its source declares it.

One process serves: it alone has the ports, the route and the labels for a proxy. The others are given the same image,
variables, volumes and networks, a command of their own, and the same limits unless others are said for them. One that
is declared no more is remembered until a rollout has taken its container away.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.environment import Environment, HealthTest, Limits, Process, Settings, limits_problems
from mirror_console.domain.service_settings import brought
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
    limits: Limits | None = None
    """What it is granted, where that isn't what the one that serves is granted."""


@dataclass(frozen=True, slots=True)
class PlannedProcess:
    """What a plan does to a process beside the one that serves: its container is made, made anew, or taken away."""

    name: str
    container: str
    settings: Settings
    worker: bool = False
    before_container_id: str = ""
    """Empty where it has no container yet."""
    before_image_id: str = ""
    before_settings: Settings | None = None
    """What the old container was made of, where that isn't what is planned."""
    goes: bool = False
    """Whether its container is taken away, and none takes its place."""

    @property
    def change(self) -> str:
        """What is done: ``create``, ``replace`` or ``take away``."""
        return "take away" if self.goes else "replace" if self.before_container_id else "create"


def with_processes(environment: Environment, declared: Sequence[DeclaredProcess]) -> Environment:
    """The environment with the processes that its source declares: first the one that serves, in its own container.

    The containers of the others keep their names; a new one is called as the first, with the process behind it. Where
    nothing is declared it has the first alone. What isn't declared any more goes.
    """
    first = environment.processes[0]
    before = {one.name: one for one in (*environment.going, *environment.processes[1:])}
    serving = next((one.name for one in declared if one.serves), first.name)
    others = []
    for one in declared:
        if not one.serves:
            known = before.get(one.name, Process(one.name, ""))
            container = known.container or f"{first.container}-{one.name}"
            others.append(Process(one.name, container, one.command, one.worker, one.limits, known.own_limits))
    processes = (Process(serving, first.container), *others)
    named = {one.name for one in processes}
    going = tuple(one for name, one in before.items() if name not in named)
    if (processes, going) == (environment.processes, environment.going):
        return environment
    return replace(environment, processes=processes, going=going)


def after_turn(environment: Environment, planned: Sequence[PlannedProcess]) -> Environment:
    """The environment with the processes that it has once what was planned for them is done.

    What was taken away is forgotten, unless it is declared. What came back although it isn't goes with a later rollout.
    """
    went = {one.name for one in planned if one.goes}
    kept = [one for one in environment.going if one.name not in went]
    there = {one.name for one in (*environment.processes, *kept)}
    back = [
        Process(one.name, one.container, one.settings.command, one.worker)
        for one in planned
        if not one.goes and one.name not in there
    ]
    return replace(environment, going=(*kept, *back))


def settings_for(environment: Environment, process: Process) -> Settings:
    """What the container of one of an environment's processes is made from; what comes to a service of a Swarm."""
    if process.name == environment.processes[0].name:
        return brought(environment.settings) if environment.swarm else environment.settings
    return settings_beside(environment.settings, process.command, process.own_limits or process.limits)


def settings_beside(settings: Settings, command: tuple[str, ...], limits: Limits | None = None) -> Settings:
    """What a process is made from that runs beside the one with these settings: nothing of it serves."""
    health = HealthTest(settle=settings.health.settle, limit=settings.health.limit)
    granted = settings.limits if limits is None else limits
    return replace(settings, ports=(), route=None, labels={}, command=command, health=health, limits=granted)


def one_process(environment: Environment, name: str) -> Environment:
    """The environment as if that process were its only one, with what it is made from."""
    if len(environment.processes) == 1 and not environment.going:
        return environment
    several = (*environment.processes, *environment.going)
    process = next((one for one in several if one.name == name), environment.processes[0])
    return replace(environment, processes=(process,), settings=settings_for(environment, process), going=())


def name_problems(names: Sequence[str], at: str) -> list[Problem]:
    """What is wrong with the names of what a source declares: how they are written, and that each is there once."""
    found = [
        Problem(at, f"'{one}' is not a name: lower-case letters, digits and hyphens, 31 at most")
        for one in names
        if not NAME.fullmatch(one)
    ]
    return found + [Problem(at, f"'{name}' is declared twice") for name, number in Counter(names).items() if number > 1]


def process_problems(declared: Sequence[DeclaredProcess], at: str) -> list[Problem]:
    """Everything wrong with what a source declares."""
    if not declared:
        return []
    found = name_problems([one.name for one in declared], at)
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
        if one.serves and one.limits is not None:
            found.append(Problem(f"{at}.limits", f"the limits of '{one.name}', which serves, stand in the settings"))
        if one.limits is not None:
            found += limits_problems(one.limits, f"{at}.limits")
        if not one.serves and not one.command:
            found.append(Problem(at, f"say what '{one.name}' runs"))
        if any("\0" in word for word in one.command):
            found.append(Problem(at, "a NUL can't be part of it"))
    return found
