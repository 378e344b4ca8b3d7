"""Proxies: the conventions by which some find their containers by themselves, from a file that can be added to."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from mirror_console.domain.environment import Settings
from mirror_console.domain.route import Convention
from mirror_console.paths import resources


@cache
def conventions() -> Mapping[str, Convention]:
    """All conventions, by name."""
    tables = tomllib.loads((resources() / "proxies.toml").read_text("utf-8"))
    found = [msgspec.convert({"name": name, **table}, Convention) for name, table in tables.items()]
    return MappingProxyType({one.name: one for one in found})


def parse_convention(text: str) -> str:
    """The name of a convention, or nothing. Raises ValueError."""
    name = text.strip().lower()
    if name and name not in conventions():
        raise ValueError(f"'{text.strip()}' is not one of: {', '.join(conventions())}")
    return name


def unmarked(settings: Settings) -> str:
    """What is missing in settings whose route goes by labels, so that their proxy would send nothing; else nothing."""
    route = settings.route
    convention = conventions().get(route.convention) if route is not None else None
    # Of a secret variable the name tells as much.
    variables = {**settings.variables, **dict.fromkeys(settings.secrets, "")}
    if convention is None or convention.marks(settings.labels, variables):
        return ""
    return f"{convention.title} sends requests to a container with {convention.marks_words}, and it has none"
