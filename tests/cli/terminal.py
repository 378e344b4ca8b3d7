"""The command line in tests: one call of it on a fleet, and what it printed."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import typer.main
from typer.testing import CliRunner

from mirror_console.app import cli_parts
from mirror_console.cli import CliParts, build
from mirror_console.cli.session import Session
from mirror_console.errors import NotAllowed
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console


@dataclass(frozen=True, slots=True)
class Said:
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on standard output."""
        return json.loads(self.out)


def called(parts: CliParts, words: Sequence[str], typed: str = "") -> Said:
    """Call the command line over these parts. An exception that isn't an exit is raised here."""
    whole = _whole()
    runner = CliRunner()
    with runner.isolation(input=typed) as (out, err, _):
        try:
            whole.main(args=list(words), prog_name=whole.name, obj=Session(parts))
        except SystemExit as end:
            code = end.code or 0
        else:
            code = 0
        sys.stdout.flush()
        sys.stderr.flush()
        assert isinstance(code, int), code
        return Said(code, out.getvalue().decode(), err.getvalue().decode())


_whole = functools.cache(lambda: typer.main.get_command(build(cli_parts())))
"""The whole command line, made once: to make it takes longer than most calls. Its parts come with each call."""


@dataclass(slots=True)
class CommandLine:
    """The command line over one console, as it would be over a catalog of its own."""

    console: Console
    jobs: Jobs
    folder: Path
    interactive: bool = False
    other: str = ""
    """Who holds the catalog, if it isn't us."""
    opened: list[tuple[bool, str]] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)

    def __call__(self, *words: str, typed: str = "") -> Said:
        """Call it. An exception that isn't an exit is raised here."""
        return called(self._parts(), words, typed)

    def _parts(self) -> CliParts:
        def open_window(read_only: str) -> int:
            self.windows.append(read_only)
            return 0

        return CliParts(
            open_console=self._open,
            open_window=open_window,
            catalog_path=lambda: self.folder / "catalog.sqlite",
            backup=self._backup(),
            preferences_path=lambda: self.folder / "preferences.json",
            interactive=lambda: self.interactive,
        )

    def _backup(self) -> Callable[[Path], None]:
        return self.console.catalog.backup  # type: ignore[attr-defined, no-any-return] # the store's own

    @contextmanager
    def _open(self, *, write: bool, read_only: str) -> Iterator[tuple[Console, Jobs]]:
        if write and self.other:
            raise NotAllowed(f"The catalog is open in {self.other}.", "Close it there, then try again.")
        self.opened.append((write, read_only))
        why = read_only or ("" if write else "This command only reads.")
        yield replace(self.console, read_only=why), self.jobs
