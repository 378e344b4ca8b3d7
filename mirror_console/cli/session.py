"""Session: what every command is handed, how it opens the console, and what its exit code says."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Annotated, ParamSpec, Protocol

import typer

from mirror_console.cli.output import Output
from mirror_console.domain.selection import BadFilter
from mirror_console.errors import ConsoleError, InvalidInput, NotAllowed, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console

P = ParamSpec("P")

READ_ONLY = "It was started with --read-only. Start it without to change something."
SIMULATED = "Simulated: these engines are not real. Nothing here reaches a Docker engine."
"""What the window's banner says, too."""


class ExitCode(IntEnum):
    """What the exit code of every command says."""

    FINE = 0
    ATTENTION = 1
    """It was done, and something needs a look: an engine that doesn't answer, a rollout with failures."""
    USAGE = 2
    """The command or its input is wrong. Nothing was changed."""
    NOT_ALLOWED = 3
    """Read-only, or another console holds the catalog."""
    FAILED = 4
    """The catalog, the keyring or an engine refused, or there is no display for the window."""


EXIT_CODES = (
    "Exit codes: 0 fine; 1 something needs attention, or a rollout didn't do all that was planned; "
    "2 wrong command or input; 3 not allowed, or another console holds the catalog; "
    "4 the catalog, the keyring or an engine refused, or there is no display for the window. "
    "What went wrong is said in words on standard error, with --json too."
)


class OpenConsole(Protocol):
    """Opens the catalog and everything that works on it, for as long as the block lasts."""

    def __call__(self, *, write: bool, read_only: str) -> AbstractContextManager[tuple[Console, Jobs]]:
        """`write`: something may be written to the catalog. `read_only`: why the person may change nothing, or empty.

        Raises NotAllowed where another console holds the catalog, CatalogError.
        """


def at_a_terminal() -> bool:
    """Whether somebody sits there who sees a question and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@dataclass(frozen=True, slots=True)
class CliParts:
    """What the command line needs of the program around it."""

    open_console: OpenConsole
    open_window: Callable[[str], int]
    """Opens the window, with the reason why nothing may be changed, or an empty one. Returns the exit code."""
    catalog_path: Callable[[], Path]
    backup: Callable[[Path], None]
    """Writes a copy of the catalog to a file."""
    preferences_path: Callable[[], Path]
    interactive: Callable[[], bool] = at_a_terminal
    """Whether a person can be asked."""


@dataclass(slots=True)
class Session:
    """One call of the program."""

    parts: CliParts
    read_only: str = ""
    out: Output = field(default_factory=Output)
    simulated_told: bool = False
    """Whether it was said that the engines are simulated, or isn't to be: a program reads what is printed."""

    @contextmanager
    def console(self, *, write: bool = False) -> Iterator[tuple[Console, Jobs]]:
        """The console: for reading, or for writing with the catalog to itself."""
        with self.parts.open_console(write=write, read_only=self.read_only) as (console, jobs):
            if console.simulated and not self.simulated_told:
                self.simulated_told = True
                self.out.note(SIMULATED, "bright_black")
            yield console, jobs

    def demand_write(self) -> None:
        """Raises NotAllowed before anything is asked or opened, where nothing may be changed."""
        if self.read_only:
            raise NotAllowed("Nothing can be changed now.", self.read_only)

    def agreed(self, question: str, refusal: str, *, yes: bool, may_ask: bool = True) -> None:
        """Ask before something is taken away, unless the person has said `yes`. Ends where the answer is no.

        Without `may_ask` nobody is asked: what it is about was not shown. Raises InvalidInput, with `refusal` as its
        title, where nobody can be asked.
        """
        if yes:
            return
        if not (may_ask and self.parts.interactive()):
            raise InvalidInput(refusal, [Problem("yes", f"nobody can be asked here: say --yes. {question}")])
        if not typer.confirm(question, err=True):
            self.out.note(refusal)
            raise typer.Exit(ExitCode.ATTENTION)


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end with a sentence and an exit code where the console says no."""

    @functools.wraps(command)
    def tell(*args: P.args, **more: P.kwargs) -> None:
        session = getattr(more.get("context"), "obj", None)
        if more.get("as_json") and isinstance(session, Session):
            session.simulated_told = True
        try:
            command(*args, **more)
        except ConsoleError as error:
            Output().error(error)
            raise typer.Exit(_code(error)) from None

    return tell


def _code(error: ConsoleError) -> ExitCode:
    if isinstance(error, InvalidInput | BadFilter):
        return ExitCode.USAGE
    return ExitCode.NOT_ALLOWED if isinstance(error, NotAllowed) else ExitCode.FAILED


def session_of(context: typer.Context) -> Session:
    """The session of a command."""
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("the command was called without a session")
    return session


YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs; its keys stay.")]
