"""Access: give accounts credentials of their own on an engine, take them away, and find who is reached with which."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mirror_console.domain.access import Access, fits, reached_as, way_in
from mirror_console.domain.engine import Contact, Engine
from mirror_console.domain.environment import Placed
from mirror_console.errors import EngineError, FailureKind, InvalidInput, Problem
from mirror_console.operations.access_input import AccessInput, draft_access, replaced, takes_none
from mirror_console.operations.applications import know_account
from mirror_console.operations.console import Console
from mirror_console.operations.keeping import forget, kept
from mirror_console.operations.ports.catalog import Books

__all__ = [
    "AccessInput",
    "Entry",
    "Reach",
    "access_problems",
    "by_entry",
    "entries",
    "for_account",
    "last_contact",
    "reach",
    "reached",
    "reached_now",
    "remove_access",
    "save_access",
    "save_contact",
    "takes_none",
    "ways_in",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One way into an engine: the engine as it is reached, for which account, and what is placed behind it."""

    engine: Engine
    account: str
    placed: tuple[Placed, ...]
    own: bool = False
    """Whether it is an account's own credential; without it, it is the engine's."""
    swarm: bool = False
    """Whether services of a Swarm are placed behind it: then its engine is asked for these too."""


def save_access(console: Console, engine: Engine, typed: AccessInput) -> Access:
    """Give an account a credential on an engine, or replace the one that it has. Connections to it are closed.

    Raises InvalidInput with every problem, VaultError where the keyring refuses the credentials, NotAllowed.
    """
    console.demand_write()
    before = _before(console, engine, typed)
    access, secrets, problems = draft_access(engine, typed, before)
    if problems:
        raise InvalidInput("The credential was not saved.", problems)
    with kept(console, secrets), console.catalog.write() as books:
        know_account(books, access.account)
        books.accesses.save(access)
    console.engines.forget(engine.id)
    forget(console, replaced([before] if before else [], [access]))
    return access


def access_problems(console: Console, engine: Engine, typed: AccessInput) -> list[Problem]:
    """Everything wrong with what is typed for an account, beside what it has on the engine already."""
    return draft_access(engine, typed, _before(console, engine, typed))[2]


def _before(console: Console, engine: Engine, typed: AccessInput) -> Access | None:
    with console.catalog.read() as books:
        return next((one for one in books.accesses.of(engine.id) if one.account == typed.account.strip()), None)


def remove_access(console: Console, engine: Engine, account: str) -> None:
    """Take an account's credential away from the catalog and out of the keyring. Raises InvalidInput, NotAllowed."""
    console.demand_write()
    with console.catalog.write() as books:
        found = next((one for one in books.accesses.of(engine.id) if one.account == account), None)
        if found is None:
            problem = Problem("account", f"account '{account}' has no credential on {engine.name}")
            raise InvalidInput("There is nothing to remove.", [problem])
        books.accesses.remove(engine.id, account)
    console.engines.forget(engine.id)
    forget(console, found.references.values())


# --- who is reached with which ------------------------------------------------------------------------------------


def reached_now(console: Console, engine_id: str, application_id: str) -> Engine:
    """An engine as it is in the catalog now, and as an application's environments reach it. Raises EngineError."""
    with console.catalog.read() as books:
        return _reached(books, books.engines.get(engine_id), application_id)


def reached(console: Console, engine: Engine, application_id: str) -> Engine:
    """The engine as an application's environments reach it. Raises EngineError where its account has no access."""
    with console.catalog.read() as books:
        return _reached(books, engine, application_id)


def _reached(books: Books, engine: Engine, application_id: str) -> Engine:
    accesses = books.accesses.of(engine.id)
    account = _accounts(books).get(application_id, "") if accesses else ""
    found = way_in(engine, accesses, account)
    if found is None:
        error = EngineError(
            FailureKind.NO_ACCESS, f"Account {account} has no credential on {engine.name}.", "Give it one."
        )
        error.command = shlex.join(["mirror-console", "engines", "access", engine.name, "--account", account])
        raise error
    return found


def for_account(console: Console, engine: Engine, account: str) -> Engine:
    """The engine as one account reaches it. Raises InvalidInput where it has no credential there."""
    with console.catalog.read() as books:
        found = next((access for access in books.accesses.of(engine.id) if access.account == account), None)
    if found is None or not fits(engine, found):
        problem = Problem("account", f"account '{account}' has no credential on {engine.name}")
        raise InvalidInput("This can't be tried.", [problem], "'engines access' lists those that have one.")
    return reached_as(engine, found)


def by_entry(
    console: Console, engine: Engine, things: Iterable[T], application_of: Callable[[T], str]
) -> list[list[T]]:
    """Things of an engine in groups that are reached with one credential, or with none, in their order."""
    things = list(things)
    with console.catalog.read() as books:
        accesses = books.accesses.of(engine.id)
        accounts = _accounts(books) if accesses else {}
    if not accesses:
        return [things] if things else []
    groups: dict[str, list[T]] = defaultdict(list)
    for thing in things:
        groups[accounts.get(application_of(thing), "")].append(thing)
    return list(groups.values())


def entries(books: Books, engine: Engine) -> list[Entry]:
    """Every way into an engine that is in use, with what is placed behind it. What has none is behind none.

    An engine that no environment is reached through with its own credential is asked with that only where no account
    has one in use: at least one way is always tried.
    """
    placed = books.environments.placed_on(engine.id)
    accesses = books.accesses.of(engine.id)
    if not accesses:
        return [_entry(engine, "", placed)]
    accounts = _accounts(books)
    groups: dict[str, list[Placed]] = defaultdict(list)
    for one in placed:
        groups[accounts.get(one.application_id, "")].append(one)
    found = []
    for account, several in groups.items():
        reached_as = way_in(engine, accesses, account)
        if reached_as is not None:
            found.append(_entry(reached_as, account, several))
    return found or [Entry(engine, "", ())]


def _entry(engine: Engine, account: str, placed: Sequence[Placed]) -> Entry:
    return Entry(engine, account, tuple(placed), own=bool(account), swarm=any(one.swarm for one in placed))


def ways_in(books: Books) -> list[Entry]:
    """Every way into every engine that is in use, without the environments behind them."""
    shared = {access.engine_id for access in books.accesses.all()}
    swarms = books.environments.swarm_engines()
    found = []
    for engine in books.engines.all():
        alone = Entry(engine, "", (), swarm=engine.id in swarms)
        several = entries(books, engine) if engine.id in shared else [alone]
        found += [replace(entry, placed=()) for entry in several]
    return found


def last_contact(books: Books, entry: Entry) -> Contact | None:
    """The last attempt by this way."""
    if entry.own:
        return books.accesses.contacts().get((entry.engine.id, entry.account))
    return books.engines.contact(entry.engine.id)


def save_contact(books: Books, entry: Entry, contact: Contact) -> None:
    """Keep the outcome of an attempt by this way.

    An engine that nothing is reached through with its own credential is known by those of its accounts: it answers
    where one of them is answered.
    """
    if not entry.own:
        books.engines.save_contact(contact)
        return
    books.accesses.save_contact(entry.account, contact)
    if all(other.own for other in entries(books, entry.engine)):
        others = [
            found for (engine_id, _), found in books.accesses.contacts().items() if engine_id == contact.engine_id
        ]
        books.engines.save_contact(max(others, key=lambda found: (found.answered, found.at)))


@dataclass(frozen=True, slots=True)
class Reach:
    """The last attempts to reach engines: with their own credentials, and with those of accounts."""

    own: Mapping[str, Contact]
    """By engine."""
    others: Mapping[tuple[str, str], Contact]
    """By engine and account."""
    accounts: Mapping[str, frozenset[str]]
    """Those that have a credential on an engine, where any has one."""

    def of(self, engine_id: str, account: str) -> tuple[Contact | None, bool]:
        """The last attempt to reach an engine for an account, and whether the account may look there at all."""
        accounts = self.accounts.get(engine_id) if account else None
        if accounts is None:
            return self.own.get(engine_id), True
        return self.others.get((engine_id, account)), account in accounts


def reach(books: Books) -> Reach:
    """The last attempt to reach each engine, in every way."""
    accounts: dict[str, set[str]] = defaultdict(set)
    for access in books.accesses.all():
        accounts[access.engine_id].add(access.account)
    held = {engine_id: frozenset(several) for engine_id, several in accounts.items()}
    return Reach(books.engines.contacts(), books.accesses.contacts(), held)


def _accounts(books: Books) -> dict[str, str]:
    return {application.id: application.account for application in books.applications.all()}
