"""Import SSH: the way by SSH to an engine, as an import file writes it."""

from __future__ import annotations

from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import HostKey, SignIn, ToSocket, parse_host_key
from mirror_console.errors import Problem
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.import_texts import Texts
from mirror_console.operations.ssh_input import SshInput

SSH = ("sign_in", "key", "passphrase_file", "password_file", "jumps", "to_socket", "host_keys")


def read_ssh(
    fields: Fields,
    before: SshInput,
    texts: Texts,
) -> SshInput:
    """The way that a mapping describes; what it leaves out stays as it was before.

    A key of a host that another one was accepted for is refused: a file is nobody who has compared it.
    """
    return SshInput(
        sign_in=fields.word("sign_in", SignIn, before.sign_in),
        key=texts.pem(fields, "key") if "key" in fields else Secret(""),
        passphrase=texts.line(fields, "passphrase_file"),
        password=texts.line(fields, "password_file"),
        jumps=", ".join(fields.texts("jumps", (before.jumps,) if before.jumps else ())),
        to_socket=fields.word("to_socket", ToSocket, before.to_socket),
        host_keys=_host_keys(fields, before.host_keys),
    )


def in_file(problem: Problem, at: str) -> Problem:
    """A problem with a field of the input, at the place where the file has that field."""
    field = problem.field.removeprefix(f"{at}.")
    return Problem(f"{at}.ssh.{_PLACES[field]}", problem.words) if field in _PLACES else problem


_PLACES = {
    "user": "user",
    "jumps": "jumps",
    "ssh_key": "key",
    "ssh_passphrase": "passphrase_file",
    "ssh_password": "password_file",
}
"""Where the file has the fields of the input."""


def _host_keys(fields: Fields, before: tuple[HostKey, ...]) -> tuple[HostKey, ...]:
    known = {(key.host, key.port) for key in before}
    keys = list(before)
    for place, text in enumerate(fields.texts("host_keys", ())):
        try:
            key = parse_host_key(text)
        except ValueError as error:
            fields.wrong(f"host_keys[{place}]", str(error))
            continue
        if key in before:
            continue
        if (key.host, key.port) in known:
            fields.wrong(f"host_keys[{place}]", f"another key of {key.place} was accepted: compare it by hand")
        keys.append(key)
    return tuple(keys)
