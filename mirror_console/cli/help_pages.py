"""Help: the pages about checks, and about what to do in trouble, on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror_console.cli.session import JsonOption, session_of, told
from mirror_console.operations.help import CHECKS, FOLDERS, TROUBLE, help_page, help_pages

_TITLES = {TROUBLE: "In trouble", CHECKS: "Checks before a rollout"}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("help", short_help="Read about a check, or what to do in trouble.")(read)


@told
def read(
    context: typer.Context,
    page: Annotated[
        str, typer.Argument(metavar="PAGE", help="A page, or 'checks' or 'trouble'; all are listed if left out.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Print a page of the help, or list the pages: of checks, and of what to do in trouble."""
    out = session_of(context).out
    if page and page not in FOLDERS:
        found = help_page(page)
        if as_json:
            out.json({"id": found.id, "about": found.about, "title": found.title, "text": found.text})
        else:
            out.lines(found.text)
        return
    wanted = [one for one in help_pages() if page in {"", one.about}]
    if as_json:
        out.json([{"id": one.id, "about": one.about, "title": one.title} for one in wanted])
        return
    for about in FOLDERS[::-1]:
        rows = [[one.id, one.title] for one in wanted if one.about == about]
        if rows:
            out.say(_TITLES[about], "bold")
            out.table(["page", "about"], rows)
            out.say()
    out.say("Read one: mirror-console help PAGE")
