"""Credentials: list what the keyring keeps for the catalog, say where each is used, replace and forget it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.files import read_secret
from mirror_console.cli.session import ExitCode, JsonOption, YesOption, session_of, told
from mirror_console.domain.credential import Credential, Kept
from mirror_console.domain.secret import START_A_KEYRING, VaultState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.credentials import credentials, forget_credential, rotate, where

ReferenceArgument = Annotated[str, typer.Argument(metavar="REFERENCE", help="As 'credentials list' shows it.")]

_STYLES = {Kept.STORED: "green", Kept.MISSING: "red", Kept.UNKNOWN: "yellow"}
_UNLOCK = "Unlock it with your desktop's own program, then try again."
_WAYS_OUT = {VaultState.ABSENT: START_A_KEYRING, VaultState.LOCKED: _UNLOCK, VaultState.DISMISSED: _UNLOCK}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="credentials",
        help="Credentials in the keyring: list, where, rotate, forget. Values are never shown.",
        short_help="Keys and passwords in the keyring.",
    )
    group.command("list")(list_all)
    group.command("where")(where_used)
    group.command("rotate")(replace)
    group.command("forget")(forget)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List every credential that the catalog names, whether the keyring has it, and where it is used."""
    session = session_of(context)
    with session.console() as (console, _):
        state, found = console.vault.state(), credentials(console)
    if as_json:
        session.out.json({"keyring": state, "credentials": [_shape(one) for one in found]})
    else:
        session.out.say(f"The keyring is {state}. {_WAYS_OUT.get(state, '')}".rstrip())
        rows: list[list[str | tuple[str, str]]] = [
            ["; ".join(str(use) for use in one.uses), (str(one.kept), _STYLES[one.kept]), one.reference.name]
            for one in found
        ]
        if rows:
            session.out.table(["used by", "keyring", "reference"], rows)
    if state is not VaultState.UNLOCKED or any(one.kept is Kept.MISSING for one in found):
        raise typer.Exit(ExitCode.ATTENTION)


@told
def where_used(context: typer.Context, reference: ReferenceArgument, as_json: JsonOption = False) -> None:
    """Say what uses a credential, and whether the keyring has it."""
    session = session_of(context)
    with session.console() as (console, _):
        found = where(console, reference)
    if as_json:
        session.out.json(_shape(found))
        return
    session.out.say(f"{found.reference} is {found.kept}.")
    for use in found.uses:
        session.out.say(f"  {use}")


@told
def replace(
    context: typer.Context,
    references: Annotated[list[str], typer.Argument(metavar="REFERENCE", help="Those of one user, together.")],
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", metavar="PATH", help="File with the new value; one for each, in order."),
    ] = None,
    untried: Annotated[bool, typer.Option("--untried", help="Replace it though it can't be tried now.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Replace credentials: the new ones are tried, then kept in place of the old ones, which are gone."""
    session = session_of(context)
    session.demand_write()
    files = files or []
    if len(files) != len(references) or len(set(references)) != len(references):
        problem = Problem("file", f"{len(references)} different references need as many files, in their order")
        raise InvalidInput("Nothing was replaced.", [problem])
    new = {name: read_secret(file, "file") for name, file in zip(references, files, strict=True)}
    with session.console(write=True) as (console, _):
        rotated = rotate(console, new, untried=untried)
    shape = {"rotated": [_shape(one) for one in rotated.credentials], "words": rotated.words}
    session.out.done(f"Replaced {', '.join(references)}. {rotated.words}", shape, as_json=as_json)


@told
def forget(
    context: typer.Context,
    reference: ReferenceArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a credential out of the keyring. What uses it stays in the catalog, and can't be reached without it."""
    session = session_of(context)
    session.demand_write()
    with session.console() as (console, _):
        found = where(console, reference)
    if not yes and session.parts.interactive():
        for use in found.uses:
            session.out.note(f"  {use}")
    session.agreed(f"Forget {found.reference}?", "Nothing was forgotten.", yes=yes)
    with session.console(write=True) as (console, _):
        forgotten = forget_credential(console, reference)
    session.out.done(f"Forgot {reference}.", _shape(forgotten), as_json=as_json)


def _shape(found: Credential) -> dict[str, object]:
    uses = [{"kind": use.kind, "title": use.title, "purpose": use.purpose} for use in found.uses]
    return {"reference": found.reference.name, "kept": found.kept, "uses": uses}
