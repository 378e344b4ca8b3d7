"""SSH: the options of the way to an engine by SSH, and the question whether a server's key is the right one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.files import read_key, read_secret
from mirror_console.cli.session import Session
from mirror_console.domain.engine import UNENCRYPTED_ACCEPTED, Way, parse_address
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import (
    Hop,
    HostKey,
    HostKeyRefused,
    SignIn,
    SshAccess,
    ToSocket,
    parse_host_key,
    with_host_key,
)
from mirror_console.errors import EngineError, InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.engines import EngineInput, draft_engine, host_key_refusal
from mirror_console.operations.ssh_input import asks_for_passphrase

MOST_KEYS = 8
"""Hosts on the way whose keys are asked about, one after the other."""

SshKeyOption = Annotated[Path | None, typer.Option("--ssh-key", help="SSH: file with the private key; - reads it.")]
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--ssh-passphrase-file", help="SSH: file with the key's passphrase; - reads standard input."),
]
PasswordFileOption = Annotated[
    Path | None, typer.Option("--ssh-password-file", help="SSH: file with the password; - reads standard input.")
]
PasswordOption = Annotated[bool, typer.Option("--ssh-password", help="SSH: sign in with a password, and ask for it.")]
AgentOption = Annotated[
    bool, typer.Option("--agent", help="SSH: sign in with your own agent and ~/.ssh (config, known_hosts, keys).")
]
JumpOption = Annotated[
    str | None, typer.Option("--jump", help="SSH: jump hosts between commas, user@host:port; '' for none.")
]
SocketOption = Annotated[
    str | None,
    typer.Option("--socket", help="SSH: a channel straight to this socket there, without the docker command."),
]
HostKeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host-key", metavar="KEY", help="SSH: accept this key: 'ssh-ed25519 AAAA…', or 'host:port ssh-ed25519 AAAA…'."
    ),
]


def with_ssh(
    session: Session,
    typed: EngineInput,
    key: Path | None,
    passphrase_file: Path | None,
    password_file: Path | None,
    password: bool,
    agent: bool,
    jump: str | None,
    socket: str | None,
    host_keys: list[str] | None,
) -> EngineInput:
    """What is typed, with what the options say of SSH; what they don't say stays. Asks where a secret is missing.

    Raises InvalidInput.
    """
    ways = [key is not None, password_file is not None or password, agent]
    if sum(ways) > 1:
        problem = Problem("sign_in", "choose one of --ssh-key, --ssh-password and --agent")
        raise InvalidInput("The engine was not saved.", [problem])
    ssh = typed.ssh
    if key is not None:
        given = read_key(key, "ssh_key")
        ssh = replace(ssh, sign_in=SignIn.KEY, key=given, passphrase=_passphrase(session, given, passphrase_file))
    elif passphrase_file is not None:
        ssh = replace(ssh, passphrase=read_secret(passphrase_file, "ssh_passphrase"))
    if ways[1]:
        ssh = replace(ssh, sign_in=SignIn.PASSWORD, password=_password(session, typed.address, password_file))
    if agent:
        ssh = replace(ssh, sign_in=SignIn.OWN)
    if jump is not None:
        ssh = replace(ssh, jumps=jump)
    if socket is not None:
        ssh = replace(ssh, to_socket=ToSocket.SOCKET)
        typed = replace(typed, address=_at_socket(typed.address, socket))
    for text in host_keys or ():
        ssh = replace(ssh, host_keys=with_host_key(SshAccess(host_keys=ssh.host_keys), named_key(typed.address, text)))
    return replace(typed, ssh=ssh)


def signing_in(
    session: Session,
    whom: str,
    key: Path | None,
    passphrase_file: Path | None,
    password_file: Path | None,
    password: bool,
) -> tuple[Secret, Secret, Secret]:
    """Key, passphrase and password that the options name; empty where they name none. Asks where one is missing."""
    given = read_key(key, "ssh_key") if key else Secret("")
    passphrase = _passphrase(session, given, passphrase_file)
    asked = password or password_file is not None
    return given, passphrase, _password(session, whom, password_file) if asked else Secret("")


def with_accepted_keys(session: Session, console: Console, typed: EngineInput) -> EngineInput:
    """Look at the keys of all servers on the way, and ask about those that nobody has accepted.

    Raises InvalidInput where nobody can be asked, with the fingerprint, and where the answer is no. A way that can't be
    gone now is left for later.
    """
    for _ in range(MOST_KEYS):
        draft = draft_engine(typed, None, [])
        if draft is None or draft.engine.address.way is not Way.SSH:
            return typed
        try:
            refusal = host_key_refusal(console, draft.engine, draft.secrets)
        except EngineError as error:
            session.out.note(f"The host key wasn't seen: {error.title} Later: mirror-console engines trust NAME")
            return typed
        if refusal is None:
            return typed
        accept(session, refusal)
        keys = with_host_key(SshAccess(host_keys=typed.ssh.host_keys), refusal.offered)
        typed = replace(typed, ssh=replace(typed.ssh, host_keys=keys))
    return typed


def accept(session: Session, refusal: HostKeyRefused, *, yes: bool = False) -> None:
    """Ask whether a key is the right one. Raises InvalidInput where it isn't, or nobody can be asked."""
    offered = refusal.offered
    session.out.note(refusal.title, "bold")
    for before in refusal.accepted:
        session.out.note(f"  accepted so far  {before.words}")
    session.out.note(f"  offered now      {offered.words}")
    if yes:
        return
    if not session.parts.interactive():
        words = f"{offered.place} shows {offered.words}: compare it, then accept it with --host-key '{offered}'"
        raise InvalidInput("Nobody has accepted the key of this SSH server.", [Problem("host_keys", words)])
    session.out.note(refusal.hint)
    # A changed key is not accepted by a habit: its fingerprint is typed, or pasted from where it was compared.
    if refusal.changed:
        answer = typer.prompt("Type the fingerprint that stands on the server, to replace the key", err=True).strip()
        right = answer == offered.fingerprint
    else:
        right = typer.confirm("Is this the key of the server?", default=False, err=True)
    if not right:
        problem = Problem("host_keys", f"the key of {offered.place} was not accepted")
        raise InvalidInput("Nothing was changed.", [problem])


def with_acceptance(session: Session, typed: EngineInput) -> EngineInput:
    """For an address without encryption: ask for the sentence that accepts it.

    Raises InvalidInput where nobody can be asked: a script doesn't accept it.
    """
    if not _is_plain(typed.address):
        return typed
    if not session.parts.interactive():
        words = (
            "whoever runs a program on this computer is root there, and that is accepted by a person alone: at a "
            f"terminal this asks for '{UNENCRYPTED_ACCEPTED}', and a script can't say it"
        )
        hint = "Call it again at a terminal, or take the engine's way by SSH or TLS. Nothing was changed."
        raise InvalidInput("The engine was not saved.", [Problem("unencrypted", words)], hint)
    session.out.note("Without encryption, whoever runs a program on this computer is root in this engine.", "bold")
    answer = typer.prompt(f"Type '{UNENCRYPTED_ACCEPTED}'", default="", show_default=False, err=True)
    return replace(typed, unencrypted=answer)


def _is_plain(address: str) -> bool:
    """Whether it is an address without encryption; of one that can't be read, the operation says what is wrong."""
    try:
        return parse_address(address).way is Way.PLAIN
    except (InvalidInput, ValueError):
        return False


def named_key(address: str, text: str) -> HostKey:
    """A key that is named on the command line, of the engine's own host unless it names one. Raises InvalidInput."""
    at = parse_address(address)
    try:
        return parse_host_key(text, Hop(at.host, at.port))
    except ValueError as error:
        raise InvalidInput("The host key can't be read.", [Problem("host_keys", str(error))]) from None


def _at_socket(address: str, socket: str) -> str:
    at = parse_address(address)
    return str(replace(at, path=socket)) if at.way is Way.SSH else address


def _passphrase(session: Session, key: Secret, file: Path | None) -> Secret:
    if file is not None:
        return read_secret(file, "ssh_passphrase")
    if asks_for_passphrase(key) and session.parts.interactive():
        return Secret(typer.prompt("Passphrase of the key", hide_input=True, err=True))
    return Secret("")


def _password(session: Session, address: str, file: Path | None) -> Secret:
    if file is not None:
        return read_secret(file, "ssh_password")
    if not session.parts.interactive():
        words = "nobody can be asked here: give a file with --ssh-password-file, or - for standard input"
        raise InvalidInput("The engine was not saved.", [Problem("ssh_password", words)])
    return Secret(typer.prompt(f"Password for {address}", hide_input=True, err=True))
