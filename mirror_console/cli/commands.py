"""Commands: the command line as a whole; without a subcommand it opens the window."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror_console import __version__
from mirror_console.cli import (
    audit,
    catalog,
    clean,
    credentials,
    drift,
    engines,
    help_pages,
    hold,
    images,
    locks,
    recover,
    release_commands,
    releases,
    rollout,
    schedule,
    status,
    where,
)
from mirror_console.cli.session import EXIT_CODES, READ_ONLY, CliParts, Session, session_of, told


def build(parts: CliParts) -> typer.Typer:
    """The whole command line over the given parts."""
    app = typer.Typer(
        name="mirror-console",
        help="Many mirrors of one web application on many Docker engines: what runs where, and releases to all.",
        epilog=EXIT_CODES,
        context_settings={"obj": Session(parts), "help_option_names": ["-h", "--help"]},
        invoke_without_command=True,
        add_completion=False,
        rich_markup_mode=None,
        # A traceback with its values could show a secret.
        pretty_exceptions_enable=False,
    )
    app.callback()(_start)
    for module in (
        status,
        where,
        rollout,
        recover,
        locks,
        releases,
        release_commands,
        hold,
        schedule,
        clean,
        drift,
        images,
        engines,
        credentials,
        audit,
        catalog,
        help_pages,
    ):
        module.add_to(app)
    return app


@told
def _start(
    context: typer.Context,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse every change to engines and catalog.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    parts = session_of(context).parts
    # A session of its own for each call: the same command line may be called twice in one program.
    session = context.obj = Session(parts, READ_ONLY if read_only else "")
    if version:
        session.out.say(f"Mirror Console {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.Exit(parts.open_window(session.read_only))
