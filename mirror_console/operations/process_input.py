"""Process input: the processes of a source as they are typed on its form and written in import files, and who has them.

They are declared at the source, and stand at each environment of its mirrors with the name of their container there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment, Limits, Process
from mirror_console.domain.process import DeclaredProcess, with_processes
from mirror_console.errors import Problem
from mirror_console.operations.application_input import ProcessesInput, own_limits
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.import_settings import read_command
from mirror_console.operations.limits_typed import limits_of_text, parse_limits_of
from mirror_console.operations.typed import parse_bytes, parse_command, parse_list, parsed
from mirror_console.operations.yaml_text import Node

PROCESS = ("name", "command", "serves", "worker", "limits")
OF_ENVIRONMENT = ("containers", "process_limits")
"""What an environment of an import file says of its other processes."""
LIMITS = ("memory", "cpus", "pids")
AT = "processes"


# --- typed -----------------------------------------------------------------------------------------------------------


def processes_input(source: Application) -> ProcessesInput:
    """What a form shows of a source's processes: one a line, with its command unless it serves."""
    lines = [one.name if one.serves else f"{one.name} = {shlex.join(one.command)}".rstrip() for one in source.processes]
    workers = ", ".join(one.name for one in source.processes if one.worker)
    limits = {one.name: one.limits for one in source.processes if one.limits is not None}
    return ProcessesInput("\n".join(lines), workers, limits_of_text(limits))


def draft_processes(typed: ProcessesInput, problems: list[Problem]) -> tuple[DeclaredProcess, ...]:
    """The processes that are typed; what can't be read is added to `problems`."""
    workers = parse_list(typed.workers)
    nobody: dict[str, Limits] = {}
    limits = parsed(problems, f"{AT}.limits", parse_limits_of, typed.limits, nobody)
    found: list[DeclaredProcess] = []
    for line in filter(None, map(str.strip, typed.lines.splitlines())):
        name, serves, command = line.partition("=")
        nothing: tuple[str, ...] = ()
        words = parsed(problems, AT, parse_command, command, nothing)
        name = name.strip()
        found.append(DeclaredProcess(name, words, not serves, name in workers, limits.get(name)))
    for field, named in (("worker", workers), ("limits", tuple(limits))):
        unknown = [name for name in named if all(one.name != name for one in found)]
        problems += [Problem(f"{AT}.{field}", f"'{name}' is none of the processes") for name in unknown]
    return tuple(found)


# --- written ---------------------------------------------------------------------------------------------------------


def read_processes(fields: Fields, before: tuple[DeclaredProcess, ...]) -> tuple[DeclaredProcess, ...]:
    """What a source's processes become; what stays out of the file stays as it was."""
    node = fields.node("processes")
    if node is not None and node.is_nothing:
        return ()
    return fields.items("processes", before, lambda path, one: _process(path, one, fields.problems))


def _process(path: str, node: Node, problems: list[Problem]) -> DeclaredProcess:
    below = Fields(node, path, PROCESS, problems)
    name = below.text("name", needed=True)
    command, serves, worker = read_command(below, ()), below.flag("serves", False), below.flag("worker", False)
    return DeclaredProcess(name, command, serves, worker, _limits(below) if "limits" in below else None)


def _limits(fields: Fields, name: str = "limits") -> Limits:
    below = fields.below(name, LIMITS)
    return Limits(below.of("memory", parse_bytes, 0), below.number("cpus", 0.0), below.whole("pids", 0))


def _limits_content(limits: Limits) -> dict[str, Any]:
    """As an import file has them; where nothing is limited that is said, too."""
    content = {"memory": limits.memory, "cpus": limits.cpus, "pids": limits.pids}
    return {name: value for name, value in content.items() if value} or {"memory": 0}


def processes_content(source: Application) -> list[dict[str, Any]]:
    """The processes as an import file has them; nothing where none is declared."""
    return [
        {
            "name": one.name,
            **({"serves": True} if one.serves else {"command": list(one.command)}),
            **({"worker": True} if one.worker else {}),
            **({"limits": _limits_content(one.limits)} if one.limits is not None else {}),
        }
        for one in source.processes
    ]


def read_others(fields: Fields, before: Sequence[Process]) -> tuple[Process, ...]:
    """What the containers of an environment's other processes are called, where they don't go by its own name, and what
    it grants them itself."""
    named, granted = list(fields.pairs("containers")), list(fields.pairs("process_limits"))
    below, limits = fields.below("containers", named), fields.below("process_limits", granted)
    others = {one.name: one for one in before}
    if "process_limits" in fields:
        others = {name: replace(one, own_limits=None) for name, one in others.items()}
    for name in (*named, *granted):
        others.setdefault(name, Process(name, ""))
    others |= {name: replace(others[name], container=below.text(name)) for name in named}
    others |= {name: replace(others[name], own_limits=_limits(limits, name)) for name in granted}
    return tuple(others.values())


def unknown_processes(fields: Fields, environment: Environment) -> list[Problem]:
    """Containers that are named, and limits that are set, for what is no process of the environment."""
    there = {one.name for one in environment.processes[1:]}
    return [
        Problem(fields.path(of), f"'{name}' is none of the processes that its source declares")
        for of in OF_ENVIRONMENT
        for name in fields.pairs(of)
        if name not in there
    ]


def process_limits_content(environment: Environment) -> dict[str, Any]:
    """What an environment grants its other processes itself, as an import file has it."""
    return {name: _limits_content(limits) for name, limits in own_limits(environment).items()}


def containers_content(environment: Environment) -> dict[str, str]:
    """The names of the other processes' containers as an import file has them, where they aren't made of the first."""
    first = environment.processes[0].container
    return {one.name: one.container for one in environment.processes[1:] if one.container != f"{first}-{one.name}"}


# --- who has them ----------------------------------------------------------------------------------------------------


def declared_by(application: Application, known: Iterable[Application]) -> tuple[DeclaredProcess, ...]:
    """The processes that the environments of a mirror have; a source's own are watched, one process each."""
    source = next((one for one in known if one.id == application.source_id), None) if application.is_mirror else None
    return source.processes if source is not None else ()


def follow(
    source: Application, applications: Iterable[Application], environments: Iterable[Environment]
) -> Mapping[str, Environment]:
    """The environments of a source's mirrors that get other processes by what it declares now, by identity."""
    mirrors = {one.id for one in applications if one.source_id == source.id and one.is_mirror}
    found = {}
    for one in environments:
        if one.application_id in mirrors:
            now = with_processes(one, source.processes)
            if now is not one:
                found[one.id] = now
    return found
