"""Access: the credentials by which an engine is reached for one account's environments, and who is reached with which.

An engine has a credential of its own. As soon as accounts have credentials on it, each environment is reached with that
of its application's account and with no other; only what names no account is reached with the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from mirror_console.domain.engine import Contact, Engine, Way
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.ssh import SignIn
from mirror_console.errors import FailureKind


@dataclass(frozen=True, slots=True)
class Access:
    """One account's credentials on one engine: where the keyring keeps them, by the field they are typed in.

    What isn't among `references`, such as the authority's certificate, is the engine's own.
    """

    engine_id: str
    account: str
    references: Mapping[str, SecretReference]
    user: str = ""
    """By SSH: as whom the account signs in; empty means as the engine's own address says."""


def reached_as(engine: Engine, access: Access) -> Engine:
    """The engine as an account reaches it: the same one, with that account's credentials.

    By SSH it signs in with them at every host on the way, as itself at the engine's own.
    """
    found = access.references
    if engine.ssh is not None:
        sign_in = SignIn.PASSWORD if "ssh_password" in found else SignIn.KEY
        key, passphrase, password = (found.get(name) for name in ("ssh_key", "ssh_passphrase", "ssh_password"))
        ssh = replace(engine.ssh, sign_in=sign_in, key=key, passphrase=passphrase, password=password)
        return replace(engine, ssh=ssh, address=replace(engine.address, user=access.user or engine.address.user))
    if engine.tls is None:
        return engine
    own = engine.tls
    tls = replace(
        own,
        authority=access.references.get("ca", own.authority),
        certificate=access.references.get("certificate", own.certificate),
        key=access.references.get("key", own.key),
    )
    return replace(engine, tls=tls)


def fits(engine: Engine, access: Access) -> bool:
    """Whether one can be let in with it by the way that the engine is reached now, which may have changed since."""
    match engine.address.way:
        case Way.TLS:
            return {"certificate", "key"} <= access.references.keys()
        case Way.SSH:
            return not {"ssh_key", "ssh_password"}.isdisjoint(access.references)
        case Way.SOCKET | Way.PLAIN:
            return True
        case _:
            assert_never(engine.address.way)


def way_in(engine: Engine, accesses: Iterable[Access], account: str) -> Engine | None:
    """The engine as the environments of an account reach it; None where others have credentials there and it hasn't.

    `accesses` are those of this engine. No account is the empty name.
    """
    of_engine = list(accesses)
    if not account or not of_engine:
        return engine
    own = next((access for access in of_engine if access.account == account), None)
    return None if own is None or not fits(engine, own) else reached_as(engine, own)


def shut_out(engine_id: str, account: str, now: datetime) -> Contact:
    """What stands for the attempt to reach an engine for an account that has no credential there: none is made."""
    words = f"Account {account} has no credential on this engine."
    return Contact(engine_id, now, False, 0.0, FailureKind.NO_ACCESS, words)
