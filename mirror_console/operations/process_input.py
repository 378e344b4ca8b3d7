"""Process input: the processes of a source as they are typed on its form and written in import files, and who has them.

They are declared at the source, and stand at each environment of its mirrors with the name of their container there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment, Process
from mirror_console.domain.process import DeclaredProcess, with_processes
from mirror_console.errors import Problem
from mirror_console.operations.application_input import ProcessesInput
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.import_settings import read_command
from mirror_console.operations.typed import parse_command, parse_list, parsed
from mirror_console.operations.yaml_text import Node

PROCESS = ("name", "command", "serves", "worker")
AT = "processes"


# --- typed -----------------------------------------------------------------------------------------------------------


def processes_input(source: Application) -> ProcessesInput:
    """What a form shows of a source's processes: one a line, with its command unless it serves."""
    lines = [one.name if one.serves else f"{one.name} = {shlex.join(one.command)}".rstrip() for one in source.processes]
    return ProcessesInput("\n".join(lines), ", ".join(one.name for one in source.processes if one.worker))


def draft_processes(typed: ProcessesInput, problems: list[Problem]) -> tuple[DeclaredProcess, ...]:
    """The processes that are typed; what can't be read is added to `problems`."""
    workers = parse_list(typed.workers)
    found: list[DeclaredProcess] = []
    for line in filter(None, map(str.strip, typed.lines.splitlines())):
        name, serves, command = line.partition("=")
        nothing: tuple[str, ...] = ()
        words = parsed(problems, AT, parse_command, command, nothing)
        found.append(DeclaredProcess(name.strip(), words, not serves, name.strip() in workers))
    unknown = [name for name in workers if all(one.name != name for one in found)]
    problems += [Problem(f"{AT}.worker", f"'{name}' is none of the processes") for name in unknown]
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
    return DeclaredProcess(name, read_command(below, ()), below.flag("serves", False), below.flag("worker", False))


def processes_content(source: Application) -> list[dict[str, Any]]:
    """The processes as an import file has them; nothing where none is declared."""
    return [
        {
            "name": one.name,
            **({"serves": True} if one.serves else {"command": list(one.command)}),
            **({"worker": True} if one.worker else {}),
        }
        for one in source.processes
    ]


def read_containers(fields: Fields, before: Sequence[Process]) -> tuple[Process, ...]:
    """What the containers of an environment's other processes are called, where they don't go by its own name."""
    names = list(fields.pairs("containers"))
    below = fields.below("containers", names)
    named = {name: Process(name, below.text(name)) for name in names}
    return (*(one for one in before if one.name not in named), *named.values())


def unknown_containers(fields: Fields, environment: Environment) -> list[Problem]:
    """Containers that are named for what is no process of the environment."""
    there = {one.name for one in environment.processes[1:]}
    return [
        Problem(fields.path("containers"), f"'{name}' is none of the processes that its source declares")
        for name in fields.pairs("containers")
        if name not in there
    ]


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
