"""Own databases: whether two applications are given one database, on whatever engines they are.

Addresses are compared by what they mean, in memory, however they are written. Those of the catalog, those in the
keyring under a name that says so, and those that containers of the source have.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mirror_console.domain.application import Application
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.database import database
from mirror_console.domain.environment import Environment
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import Plan
from mirror_console.errors import VaultError
from mirror_console.operations.console import Console
from mirror_console.operations.target_checks import said

_TELLS = re.compile(r"database|db|dsn|postgres|pg|mysql|maria|mongo|ur[il]", re.IGNORECASE)
"""Names of variables whose secret may be such an address."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who is given a database, and by which variable. A source's container has no environment of the catalog here."""

    variable: str
    title: str
    application_id: str
    environment_id: str = ""
    group: str = ""


def check_databases(
    console: Console,
    plan: Plan,
    mirrors: Mapping[str, Application],
    of_sources: Iterable[tuple[str, Environment, Container]],
) -> Iterator[CheckResult]:
    """What is said of targets whose database somebody else has, too; nothing of all others.

    `of_sources` are containers of sources with their environments and titles. No value is ever said, kept or logged.
    """
    with console.catalog.read() as books:
        applications = {one.id: one for one in books.applications.all()}
        environments = books.environments.all()
    holders: dict[str, set[_Holder]] = defaultdict(set)
    unread = _add_given(console, environments, applications, holders)
    for title, environment, container in of_sources:
        for variable, value in container.variables.items():
            if meant := database(value, environment.engine_id, container.networks):
                holders[meant].add(_Holder(variable, title, environment.application_id, environment.id))
    together: dict[str, list[tuple[_Holder, set[_Holder]]]] = defaultdict(list)
    for several in holders.values():
        for holder in several if len(several) > 1 else ():
            together[holder.environment_id].append((holder, several))
    for target in plan.targets:
        source = applications.get(mirrors[target.application_id].source_id)
        met = _met(together[target.environment_id], frozenset(source.shared if source is not None else ()))
        foreign = [one for one in met if one[1].application_id != target.application_id]
        remedy = "Give it one of its own; or name the variable among what is shared, on the source's form."
        if foreign:
            words = f"Its database isn't its own: {_told(foreign)}."
            yield said(target, Check.ISOLATION, Answer.BLOCKED, words, remedy)
        elif met:
            words = f"Another of its own environments has the same database: {_told(met)}."
            yield said(target, Check.ISOLATION, Answer.WARNING, words, remedy)
        elif target.environment_id in unread:
            words = f"Whether its database is its own can't be told: {unread[target.environment_id]}"
            yield said(target, Check.ISOLATION, Answer.UNKNOWN, words, "Unlock the keyring, then check again.")


def _add_given(
    console: Console,
    environments: Iterable[Environment],
    applications: Mapping[str, Application],
    holders: dict[str, set[_Holder]],
) -> dict[str, str]:
    """Note whom the catalog gives which databases; the environments whose secrets can't be read, with why."""
    unread: dict[str, str] = {}
    failure = ""
    for environment in environments:
        settings, application = environment.settings, applications[environment.application_id]
        given = dict(settings.variables)
        # Each secret that is read costs a question to the keyring; of one that doesn't answer no more is asked.
        secrets = {name: reference for name, reference in settings.secrets.items() if _TELLS.search(name)}
        try:
            if not failure:
                kept = {name: console.vault.find(reference) for name, reference in secrets.items()}
                given |= {name: secret.reveal() for name, secret in kept.items() if secret is not None}
        except VaultError as error:
            failure = error.title
        if failure and secrets:
            unread[environment.id] = failure
        title = f"{application.name} {environment.name}"
        for variable, value in given.items():
            if meant := database(value, environment.engine_id, settings.networks):
                holders[meant].add(_Holder(variable, title, application.id, environment.id, environment.group))
    return unread


def _met(together: Iterable[tuple[_Holder, Iterable[_Holder]]], shared: Collection[str]) -> list[tuple[str, _Holder]]:
    """Who else has the databases of an environment, each with its own variable, but for what is shared on purpose."""
    return [
        (own.variable, other)
        for own, several in together
        if own.variable not in shared
        for other in several
        if other.environment_id != own.environment_id and not (own.group and own.group == other.group)
    ]


def _told(met: Iterable[tuple[str, _Holder]]) -> str:
    found = sorted({f"{variable} names that of {other.title}, too" for variable, other in met})
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more
