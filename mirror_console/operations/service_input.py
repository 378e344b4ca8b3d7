"""Service input: the services of a source as they are typed on its form and written in import files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mirror_console.domain.application import Application
from mirror_console.domain.service import USUAL_LIMIT, Service
from mirror_console.errors import Problem
from mirror_console.operations.application_input import ServicesInput
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.import_settings import read_command
from mirror_console.operations.typed import listed, parse_command, parse_list, parse_span, parsed, span_text
from mirror_console.operations.yaml_text import Node

SERVICE = ("name", "command", "limit", "optional")
AT = "services"


# --- typed -----------------------------------------------------------------------------------------------------------


def services_input(source: Application) -> ServicesInput:
    """What a form shows of a source's services: one a line, with the command that asks it."""
    return ServicesInput(
        "\n".join(f"{one.name} = {shlex.join(one.command)}" for one in source.services),
        "\n".join(f"{one.name} = {_span(one)}" for one in source.services if one.limit != USUAL_LIMIT),
        listed(one.name for one in source.services if one.optional),
    )


def draft_services(typed: ServicesInput, problems: list[Problem]) -> tuple[Service, ...]:
    """The services that are typed; what can't be read is added to `problems`."""
    optional = parse_list(typed.optional)
    nothing: dict[str, float] = {}
    limits: Mapping[str, float] = parsed(problems, f"{AT}.limit", _parse_limits, typed.limits, nothing)
    found: list[Service] = []
    for line in _lines(typed.lines):
        name, _, command = (part.strip() for part in line.partition("="))
        words: tuple[str, ...] = parsed(problems, AT, parse_command, command, ())
        found.append(Service(name, words, limits.get(name, USUAL_LIMIT), name in optional))
    for field, named in (("limit", tuple(limits)), ("optional", optional)):
        unknown = [name for name in named if all(one.name != name for one in found)]
        problems += [Problem(f"{AT}.{field}", f"'{name}' is none of the services") for name in unknown]
    return tuple(found)


def _lines(text: str) -> Iterator[str]:
    """One for each service: what is quoted, such as a script, may go over several."""
    line = ""
    for more in text.split("\n"):
        line = f"{line}\n{more}" if line else more
        try:
            parse_command(line.partition("=")[2])
        except ValueError:
            continue  # the quotation goes on
        if line.strip():
            yield line
        line = ""
    if line:
        yield line


def _parse_limits(text: str) -> dict[str, float]:
    """How long services are given, one ``search = 20 s`` a line. Raises ValueError."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, span = (part.strip() for part in line.partition("="))
        if not name or not span:
            raise ValueError(f"'{line}' is not a service with its time: write search = 20 s")
        found[name] = float(parse_span(span))
    return found


# --- written ---------------------------------------------------------------------------------------------------------


def read_services(fields: Fields, before: tuple[Service, ...]) -> tuple[Service, ...]:
    """What a source's services become; what stays out of the file stays as it was."""
    node = fields.node("services")
    if node is not None and node.is_nothing:
        return ()
    return fields.items("services", before, lambda path, one: _service(path, one, fields.problems))


def _service(path: str, node: Node, problems: list[Problem]) -> Service:
    below = Fields(node, path, SERVICE, problems)
    name, command = below.text("name", needed=True), read_command(below, ())
    limit = float(below.of("limit", parse_span, round(USUAL_LIMIT)))
    return Service(name, command, limit, below.flag("optional", False))


def services_content(source: Application) -> list[dict[str, Any]]:
    """The services as an import file has them; nothing where none is declared."""
    return [
        {
            "name": one.name,
            "command": list(one.command),
            **({"limit": _span(one)} if one.limit != USUAL_LIMIT else {}),
            **({"optional": True} if one.optional else {}),
        }
        for one in source.services
    ]


def _span(service: Service) -> str:
    return span_text(round(service.limit))
