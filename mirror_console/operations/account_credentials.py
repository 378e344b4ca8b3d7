"""Which accounts have a credential of their own on an engine, and whether the keyring has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import Contact, Engine
from mirror_console.domain.secret import SecretReference
from mirror_console.errors import VaultError
from mirror_console.operations.console import Console


@dataclass(frozen=True, slots=True)
class AccountCredential:
    """One account on one engine: what it has of its own there by the field of AccessInput, and how it went."""

    account: str
    parts: frozenset[str]
    kept: Kept
    contact: Contact | None = None
    """The last attempt to reach the engine with it."""
    user: str = ""
    """By SSH: as whom it signs in; empty means as the engine's own address says."""


def account_credentials(console: Console, engine: Engine) -> list[AccountCredential]:
    """Every account with a credential on an engine, by name. Asks the keyring, which shows no question of its own.

    Of several texts the keyring is said to have them only where it has all.
    """
    with console.catalog.read() as books:
        accesses, contacts = books.accesses.of(engine.id), books.accesses.contacts()
    found = [
        AccountCredential(
            one.account,
            frozenset(one.references),
            _all_kept(console, one.references.values()),
            contacts.get((engine.id, one.account)),
            one.user,
        )
        for one in accesses
    ]
    return sorted(found, key=lambda one: one.account.casefold())


def _all_kept(console: Console, references: Iterable[SecretReference]) -> Kept:
    try:
        there = [console.vault.has(reference) for reference in references]
    except VaultError:
        return Kept.UNKNOWN
    return Kept.STORED if all(there) else Kept.MISSING
