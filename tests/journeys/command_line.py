"""Every command of the real command line, found by asking it, so that a new one can't be forgotten."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from mirror_console.app import cli_parts
from mirror_console.cli import build


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument or an option: its name, its flag (empty for an argument), what it takes, whether it must be given."""

    name: str
    flag: str
    kind: Any
    required: bool

    @property
    def takes_a_file(self) -> bool:
        """Whether it names a file."""
        return self.kind is Path or Path in typing.get_args(self.kind)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the words that call it, and what it takes."""

    words: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def name(self) -> str:
        """What is typed to call it."""
        return " ".join(self.words)

    def shortest(self, file: Path) -> list[str]:
        """The words of a call with no more than must be given: `file` where a file is wanted, else a made-up word."""
        values = {parameter: str(file) if parameter.takes_a_file else "x" for parameter in self.parameters}
        needed = [parameter for parameter in self.parameters if parameter.required]
        options = [word for one in needed if one.flag for word in (one.flag, values[one])]
        return [*self.words, *options, *(values[one] for one in needed if not one.flag)]


@functools.cache
def commands() -> tuple[Command, ...]:
    """All of them."""
    found = tuple(_below(build(cli_parts()), ()))
    assert len(found) > 20, found
    return found


def _below(app: typer.Typer, words: tuple[str, ...]) -> Iterator[Command]:
    for info in app.registered_commands:
        yield Command((*words, str(info.name)), tuple(_parameters(info)))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from _below(group.typer_instance, (*words, str(group.name)))


def _parameters(info: CommandInfo) -> Iterator[Parameter]:
    assert info.callback is not None
    hints = typing.get_type_hints(info.callback, include_extras=True)
    for name, parameter in inspect.signature(info.callback).parameters.items():
        if hints[name] is typer.Context:
            continue
        kind, told, *_ = typing.get_args(hints[name])
        assert isinstance(told, ArgumentInfo | OptionInfo), name
        flag = _flag(name, told) if isinstance(told, OptionInfo) else ""
        yield Parameter(name, flag, kind, parameter.default is inspect.Parameter.empty)


def _flag(name: str, told: OptionInfo) -> str:
    """The long flag of an option. In an annotation typer takes the first of them for a default, until it is called."""
    declared = [str(one) for one in (told.default, *(told.param_decls or ())) if str(one).startswith("--")]
    return declared[0].partition("/")[0] if declared else f"--{name.replace('_', '-')}"
