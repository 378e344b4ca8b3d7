"""Catalog: fill it from a file, write it to one, back it up, and say where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.files import read_text, write_text
from mirror_console.cli.session import JsonOption, session_of, told
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.export import as_yaml, exported
from mirror_console.operations.imports import LineProblem, import_catalog

NOTES_SHOWN = 10


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="catalog",
        help="The catalog: import, export, path, backup.",
        short_help="Fill, write out and back up the catalog.",
    )
    group.command("import")(import_)
    group.command("export")(export)
    group.command("path")(path)
    group.command("backup")(backup)


@told
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML file; - reads standard input.")],
    as_json: JsonOption = False,
) -> None:
    """Take engines, registries, sources and mirrors from a file, whole or not at all. No engine is asked."""
    session = session_of(context)
    session.demand_write()
    text = read_text(file, "file")
    folder = None if str(file) == "-" else file.expanduser().resolve().parent
    with session.console(write=True) as (console, _):
        try:
            imported = import_catalog(console, text, folder)
        except InvalidInput as error:
            if as_json:
                # For a program that fills the catalog: which line to mend. In words it is on standard error as ever.
                session.out.json({"words": error.title, "problems": [_problem_shape(one) for one in error.problems]})
            raise
    if as_json:
        session.out.json(
            {
                "counts": imported.counts,
                "new": imported.new,
                "changed": imported.changed,
                "notes": imported.notes,
                "words": imported.words,
            }
        )
        return
    session.out.say(imported.words)
    for note in imported.notes[:NOTES_SHOWN]:
        session.out.say(f"  {note}", "yellow")
    if len(imported.notes) > NOTES_SHOWN:
        session.out.say(f"  and {len(imported.notes) - NOTES_SHOWN} notes more; --json lists all.", "yellow")


@told
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; standard output if left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything that an import takes, without any secret."""
    session = session_of(context)
    with session.console() as (console, _):
        content = exported(console)
    if file is not None:
        write_text(file, as_yaml(content))
        if as_json:
            session.out.json({"path": str(file)})
        else:
            session.out.note(f"Wrote {file}.")
    elif as_json:
        session.out.json(content)
    else:
        session.out.raw(as_yaml(content))


@told
def path(context: typer.Context, as_json: JsonOption = False) -> None:
    """Say where the catalog is."""
    session = session_of(context)
    place = session.parts.catalog_path()
    if as_json:
        session.out.json({"path": str(place), "exists": place.exists()})
    else:
        session.out.raw(f"{place}\n")


@told
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.")],
    as_json: JsonOption = False,
) -> None:
    """Write a whole copy of the catalog to a file; secrets are in the keyring, not in it."""
    session = session_of(context)
    session.parts.backup(file)
    session.out.done(f"Wrote {file}.", {"path": str(file)}, as_json=as_json)


def _problem_shape(problem: Problem) -> dict[str, object]:
    """One thing to mend: its line where that is known, the path to it within the file, and what is wrong."""
    line = problem.line if isinstance(problem, LineProblem) else 0
    return {"line": line or None, "place": problem.field, "words": problem.words}
