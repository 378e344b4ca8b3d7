"""Access: the credentials by which an engine is reached for one account's environments, and who is reached with which.

An engine has a credential of its own. As soon as accounts have credentials on it, each environment is reached with that
of its application's account and with no other; only what names no account is reached with the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mirror_console.domain.engine import Contact, Engine
from mirror_console.domain.secret import SecretReference
from mirror_console.errors import FailureKind


@dataclass(frozen=True, slots=True)
class Access:
    """One account's credentials on one engine: where the keyring keeps them, by the field they are typed in.

    What isn't among `references`, such as the authority's certificate, is the engine's own.
    """

    engine_id: str
    account: str
    references: Mapping[str, SecretReference]


def reached_as(engine: Engine, access: Access) -> Engine:
    """The engine as an account reaches it: the same one, with that account's credentials."""
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


def way_in(engine: Engine, accesses: Iterable[Access], account: str) -> Engine | None:
    """The engine as the environments of an account reach it; None where others have credentials there and it hasn't.

    `accesses` are those of this engine. No account is the empty name.
    """
    of_engine = list(accesses)
    if not account or not of_engine:
        return engine
    own = next((access for access in of_engine if access.account == account), None)
    return None if own is None else reached_as(engine, own)


def shut_out(engine_id: str, account: str, now: datetime) -> Contact:
    """What stands for the attempt to reach an engine for an account that has no credential there: none is made."""
    words = f"Account {account} has no credential on this engine."
    return Contact(engine_id, now, False, 0.0, FailureKind.NO_ACCESS, words)
