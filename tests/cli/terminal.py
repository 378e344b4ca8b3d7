"""The command line in tests: one call of it on a fleet, and what it printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from mirror_console.cli import CliParts, build
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
        result = CliRunner().invoke(build(self._parts()), list(words), input=typed, catch_exceptions=False)
        return Said(result.exit_code, result.stdout, result.stderr)

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
