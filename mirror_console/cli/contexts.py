"""Contexts: the engines of the person's own Docker set-up, listed and imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.session import JsonOption, session_of, told
from mirror_console.operations.contexts import context_problems, contexts, import_context


def add_to(group: typer.Typer) -> None:
    """Add the commands below ``engines contexts``."""
    inner = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.add_typer(inner, name="contexts", help="Engines that your own Docker set-up knows: list, import.")
    inner.command("list")(list_all)
    inner.command("import")(import_)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List Docker contexts and DOCKER_HOST, and whether each can be imported. Nothing is changed there."""
    session = session_of(context)
    with session.console() as (console, _):
        found = [
            (one, [problem.words for problem in context_problems(console, one)])
            for one in contexts(Path.home(), os.environ)
        ]
    if as_json:
        session.out.json(
            {
                "contexts": [
                    {"name": one.name, "address": one.address, "description": one.description, "against": against}
                    for one, against in found
                ]
            }
        )
    elif found:
        rows = [[one.name, one.address, "; ".join(against) or "can be imported"] for one, against in found]
        session.out.table(["context", "address", "import"], rows)
    else:
        session.out.say("There is no Docker context and no DOCKER_HOST here.")


@told
def import_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The context's name, or DOCKER_HOST.")],
    called: Annotated[str, typer.Option("--as", help="Give the engine another name here.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Add the engine of a Docker context. Its certificates go into the keyring; the context stays as it is."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        engine = import_context(console, Path.home(), os.environ, name, called)
    words = f"Saved {engine.name}. Try the way to it with: mirror-console engines test {engine.name}"
    shape = {"id": engine.id, "name": engine.name, "address": str(engine.address)}
    session.out.done(words, shape, as_json=as_json)
