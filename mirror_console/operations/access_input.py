"""Access input: what is typed for an account on an engine, checked, and made into what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from mirror_console.domain.access import Access
from mirror_console.domain.engine import Engine, Way
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import USER, SignIn
from mirror_console.errors import Problem
from mirror_console.operations.console import new_id
from mirror_console.operations.engine_input import EngineInput, pem_problems, whole_pem
from mirror_console.operations.ssh_input import SshInput, key_problems

LONGEST_ACCOUNT = 60

TLS_ENTRIES = {"ca": "ca", "certificate": "client-cert", "key": "client-key"}
SSH_ENTRIES = {"ssh_key": "ssh-key", "ssh_passphrase": "ssh-passphrase", "ssh_password": "ssh-password"}
"""How the keyring's entry of each field ends."""


def _nothing() -> Secret:
    return Secret("")


@dataclass(frozen=True, slots=True)
class AccessInput:
    """What is typed for one account on an engine. Texts left empty: what the keyring has already stays.

    By TLS a certificate and its key; by SSH a private key or a password, and as whom (empty: as the engine's address
    says; None: as before).
    """

    account: str = ""
    ca: str = ""
    certificate: str = ""
    key: Secret = field(default_factory=_nothing)
    user: str | None = None
    ssh_key: Secret = field(default_factory=_nothing)
    ssh_passphrase: Secret = field(default_factory=_nothing)
    ssh_password: Secret = field(default_factory=_nothing)
    sign_in: SignIn | None = None
    """By SSH: with which of the two; None where what is typed, or is there already, tells."""

    @property
    def credentials(self) -> dict[str, Secret]:
        """What is typed, by field."""
        given = {
            "ca": Secret(self.ca),
            "certificate": Secret(self.certificate),
            "key": self.key,
            "ssh_key": self.ssh_key,
            "ssh_passphrase": self.ssh_passphrase,
            "ssh_password": self.ssh_password,
        }
        return {name: secret for name, secret in given.items() if secret.reveal().strip()}


def draft_access(
    engine: Engine, typed: AccessInput, before: Access | None, at: str = ""
) -> tuple[Access, dict[str, Secret], list[Problem]]:
    """What would be saved, what would go into the keyring by reference name, and everything wrong with it."""
    where = f"{at}." if at else ""
    account = typed.account.strip()
    problems = pem_problems(EngineInput(ca=typed.ca, certificate=typed.certificate, key=typed.key), where)
    problems += key_problems(SshInput(key=typed.ssh_key, passphrase=typed.ssh_passphrase), where)
    if not account or len(account) > LONGEST_ACCOUNT or not account.isprintable():
        words = f"the account's name is needed, of {LONGEST_ACCOUNT} characters at most"
        problems.append(Problem(f"{where}account", words))
    user = (typed.user if typed.user is not None else before.user if before else "").strip()
    given = typed.credentials
    entries = SSH_ENTRIES if engine.address.way is Way.SSH else TLS_ENTRIES
    there = {name: found for name, found in (before.references if before else {}).items() if name in entries}
    references = dict(there)
    for name in [name for new in given for name in _OUTDATED.get(new, ())]:
        references.pop(name, None)
    entry = f"engine/{engine.id}/account/{new_id()}"
    for name in given.keys() & entries.keys():
        references[name] = there.get(name) or SecretReference(f"{entry}/{entries[name]}")
    problems += _unfit(engine, given, user, where)
    if not problems:
        problems += _lacking(engine, references, typed.sign_in, where)
    secrets = {
        references[name].name: secret if name in _AS_TYPED else whole_pem(secret)
        for name, secret in given.items()
        if name in references
    }
    return Access(engine.id, account, references, user), secrets, problems


_OUTDATED = {"ssh_key": ("ssh_passphrase", "ssh_password"), "ssh_password": ("ssh_key", "ssh_passphrase")}
"""What a new one takes the place of: one signs in with a key or a password, and a key has a passphrase of its own."""
_AS_TYPED = frozenset({"ssh_passphrase", "ssh_password"})


def takes_none(engine: Engine) -> str:
    """Why no account can have a credential of its own on an engine; empty where one can."""
    match engine.address.way:
        case Way.SOCKET:
            return f"{engine.name} is a local socket: it asks for no credential"
        case Way.PLAIN:
            return f"{engine.name} is not encrypted: it asks for no credential"
        case Way.TLS:
            return ""
        case Way.SSH:
            if engine.ssh is None or engine.ssh.sign_in is SignIn.OWN:
                return f"{engine.name} is reached by your own SSH settings: give the engine a key or a password first"
            return ""
        case _:
            assert_never(engine.address.way)


def _unfit(engine: Engine, given: Mapping[str, Secret], user: str, where: str) -> Iterator[Problem]:
    """What can't be given to an account on an engine that is reached by this way."""
    if why_none := takes_none(engine):
        yield Problem(f"{where}account", why_none)
    match engine.address.way:
        case Way.SOCKET | Way.PLAIN:
            pass
        case Way.TLS:
            for name in given.keys() & SSH_ENTRIES.keys():
                yield Problem(
                    f"{where}{name}", f"{engine.name} is reached by TLS: a certificate and its key are needed"
                )
            if user:
                yield Problem(f"{where}user", f"{engine.name} is reached by TLS: it knows no users")
        case Way.SSH:
            for name in given.keys() & TLS_ENTRIES.keys():
                yield Problem(
                    f"{where}{name}", f"{engine.name} is reached by SSH: a private key or a password is needed"
                )
            if user and not USER.fullmatch(user):
                yield Problem(f"{where}user", f"'{user}' is not a user's name")
            if {"ssh_key", "ssh_password"} <= given.keys():
                yield Problem(f"{where}ssh_password", "one signs in with a key or with a password, not with both")
        case _:
            assert_never(engine.address.way)


def _lacking(
    engine: Engine, references: Mapping[str, SecretReference], sign_in: SignIn | None, where: str
) -> Iterator[Problem]:
    """What is needed and neither typed nor kept."""
    if engine.address.way is Way.TLS:
        for name, words in (("certificate", "a client certificate"), ("key", "the key of the client certificate")):
            if name not in references:
                yield Problem(f"{where}{name}", f"{words} is needed")
    elif sign_in is SignIn.PASSWORD and "ssh_password" not in references:
        yield Problem(f"{where}ssh_password", "a password is needed")
    elif sign_in is SignIn.KEY and "ssh_key" not in references:
        yield Problem(f"{where}ssh_key", "a private key is needed")
    elif {"ssh_key", "ssh_password"}.isdisjoint(references):
        yield Problem(f"{where}ssh_key", "a private key or a password is needed")
    elif "ssh_passphrase" in references and "ssh_key" not in references:
        yield Problem(f"{where}ssh_passphrase", "a passphrase is for a key: give that too")


def replaced(before: Iterable[Access], after: Iterable[Access]) -> list[SecretReference]:
    """Credentials of these accounts that nothing names any more."""
    now = {(one.engine_id, one.account): set(one.references.values()) for one in after}
    return [
        reference
        for one in before
        for reference in one.references.values()
        if reference not in now.get((one.engine_id, one.account), {reference})
    ]
