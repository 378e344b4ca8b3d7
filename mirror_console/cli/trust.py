"""Trust: look at the keys of the servers on the way to an engine, and accept those that a person has compared."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror_console.cli.session import JsonOption, Session, session_of, told
from mirror_console.cli.ssh import MOST_KEYS, HostKeyOption, accept, named_key
from mirror_console.cli.surveyed import engine_ids
from mirror_console.domain.engine import Engine, Way
from mirror_console.domain.server_key import ServerKeyChanged, parse_fingerprint
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.trust import (
    accept_host_key,
    accept_identity,
    accept_server_key,
    host_key_refusal,
    meet,
    server_key_refusal,
)

ServerKeyOption = Annotated[
    str | None, typer.Option("--server-key", help="TLS: accept the key with this fingerprint: 'SHA256:…'.")
]


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    group.command("trust")(trust)


IdentityOption = Annotated[
    str | None,
    typer.Option("--identity", help="The engine was set up anew: accept what 'docker info' tells as its ID."),
]


@told
def trust(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The engine's name.")],
    host_key: HostKeyOption = None,
    server_key: ServerKeyOption = None,
    identity: IdentityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the keys of the servers on the way to an engine, and accept those that are new or have changed.

    The keys are shown and asked about; --host-key (SSH) and --server-key (TLS) accept the named ones unasked. That
    another engine is at its address than before is accepted by --identity alone.
    """
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        engine = console.engine(engine_ids(console, [name])[0])
        if identity is not None:
            accepted = accept_identity(console, engine.id, identity)
            words = f"{engine.name} is known by the identity {accepted.identity} from now on."
            shape = {"engine": engine.name, "identity": accepted.identity, "before": engine.identity}
            session.out.done(words, shape, as_json=as_json)
        elif engine.address.way is Way.TLS or server_key is not None:
            _by_tls(session, console, engine, server_key, as_json=as_json)
        else:
            _by_ssh(session, console, engine, host_key or [], as_json=as_json)


def _by_ssh(session: Session, console: Console, engine: Engine, named: list[str], *, as_json: bool) -> None:
    accepted = []
    for text in named:
        accepted.append(named_key(str(engine.address), text))
        engine = accept_host_key(console, engine.id, accepted[-1])
    while len(accepted) < MOST_KEYS and (refusal := host_key_refusal(console, engine)) is not None:
        accept(session, refusal)
        accepted.append(refusal.offered)
        engine = accept_host_key(console, engine.id, refusal.offered)
    words = "\n".join(f"Accepted the key of {key.place}: {key.words}." for key in accepted)
    content = [
        {"host": key.host, "port": key.port, "type": key.type, "fingerprint": key.fingerprint} for key in accepted
    ]
    if as_json or not words:
        session.out.done(f"All keys on the way to {engine.name} are accepted already.", content, as_json=as_json)
    else:
        session.out.lines(words)


def _by_tls(session: Session, console: Console, engine: Engine, named: str | None, *, as_json: bool) -> None:
    before = engine.server_key
    if named is not None:
        engine = accept_server_key(console, engine.id, named)
    elif (refusal := server_key_refusal(console, engine)) is not None:
        _compare(session, refusal)
        engine = accept_server_key(console, engine.id, refusal.offered)
    else:
        engine = meet(console, engine)
    words = f"The key of {engine.name} is {engine.server_key}"
    words += ", as remembered." if engine.server_key == before else ": remembered from now on."
    shape = {"engine": engine.name, "fingerprint": engine.server_key, "before": before}
    session.out.done(words, shape, as_json=as_json)


def _compare(session: Session, refusal: ServerKeyChanged) -> None:
    """Let a person type the fingerprint that they found on the engine's host. Raises InvalidInput where it is another.

    A key that changed is not accepted by a habit, so no yes is enough.
    """
    session.out.note(refusal.title, "bold")
    session.out.note(f"  remembered   {refusal.accepted}")
    session.out.note(f"  offered now  {refusal.offered}")
    if not session.parts.interactive():
        words = f"compare {refusal.offered}, then accept it with --server-key '{refusal.offered}'"
        raise InvalidInput("Nobody has accepted the new key of this engine.", [Problem("server_key", words)])
    session.out.note(refusal.hint)
    answer = typer.prompt("Type the fingerprint that stands on the engine's host, to replace the key", err=True)
    try:
        right = parse_fingerprint(answer) == refusal.offered
    except ValueError:
        right = False
    if not right:
        raise InvalidInput("Nothing was changed.", [Problem("server_key", "the key was not accepted")])
