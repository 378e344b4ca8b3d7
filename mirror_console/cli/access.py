"""Access: the credentials of accounts on engines, listed, given and taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.files import read_key, read_text
from mirror_console.cli.session import JsonOption, Session, session_of, told
from mirror_console.cli.ssh import PassphraseOption, PasswordFileOption, PasswordOption, SshKeyOption, signing_in
from mirror_console.cli.surveyed import engine_ids
from mirror_console.domain.engine import Engine
from mirror_console.domain.secret import Secret
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.access import AccessInput, remove_access, save_access
from mirror_console.operations.console import Console


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    group.command("access")(access)


@told
def access(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The engine's name.")],
    account: Annotated[str, typer.Option("--account", help="Whose credential; without it, all are listed.")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="File with the authority's certificate, if another.")] = None,
    cert: Annotated[Path | None, typer.Option("--cert", help="File with the client certificate (PEM).")] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="File with the key of the client certificate (PEM).")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="SSH: as whom it signs in; '' for the user of the engine's address.")
    ] = None,
    ssh_key: SshKeyOption = None,
    ssh_passphrase_file: PassphraseOption = None,
    ssh_password_file: PasswordFileOption = None,
    ssh_password: PasswordOption = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the account's credential away.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List, give, replace or take away credentials of accounts on an engine.

    As soon as one account has its own, each environment on the engine is reached with that of its account; what
    belongs to another account is shown as 'no access'.
    """
    session = session_of(context)
    by_ssh = (user, ssh_key, ssh_passphrase_file, ssh_password_file, ssh_password or None)
    given = [option for option in (ca, cert, key, *by_ssh) if option is not None]
    if not account and (given or remove):
        raise InvalidInput("Nothing was changed.", [Problem("account", "say whose credential it is with --account")])
    if remove and given:
        problem = Problem("remove", "a credential is given or taken away, not both")
        raise InvalidInput("Nothing was changed.", [problem])
    if not account:
        _list(session, name, as_json=as_json)
        return
    session.demand_write()
    typed = AccessInput(
        account,
        read_text(ca, "ca") if ca else "",
        read_text(cert, "cert") if cert else "",
        read_key(key, "key") if key else Secret(""),
        user,
        *signing_in(session, account, ssh_key, ssh_passphrase_file, ssh_password_file, ssh_password),
    )
    with session.console(write=True) as (console, _):
        engine = _engine(console, name)
        if remove:
            remove_access(console, engine, account)
            words = f"Removed the credential of {account} on {engine.name}."
        else:
            save_access(console, engine, typed)
            words = f"Saved the credential of {account} on {engine.name}."
    shape = {"engine": engine.name, "account": account, "removed": remove}
    session.out.done(words, shape, as_json=as_json)


def _list(session: Session, name: str, *, as_json: bool) -> None:
    with session.console() as (console, _):
        engine = _engine(console, name)
        with console.catalog.read() as books:
            accesses, contacts = books.accesses.of(engine.id), books.accesses.contacts()
    rows = []
    for one in accesses:
        contact = contacts.get((engine.id, one.account))
        state = "never asked" if contact is None else "answers" if contact.answered else str(contact.failure)
        rows.append((one.account, state, [reference.name for reference in one.references.values()]))
    if as_json:
        accounts = [{"account": account, "state": state, "references": names} for account, state, names in rows]
        session.out.json({"engine": engine.name, "accounts": accounts})
    elif rows:
        session.out.table(["account", "state"], [[account, state] for account, state, _ in rows])
    else:
        session.out.say(f"No account has a credential of its own on {engine.name}: all are reached with the engine's.")


def _engine(console: Console, name: str) -> Engine:
    return console.engine(engine_ids(console, [name])[0])
