"""Own values: variables of which each application must have a value of its own, compared all over the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from mirror_console.domain.application import Application
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.environment import Environment
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import Plan
from mirror_console.domain.secret import Secret
from mirror_console.errors import VaultError
from mirror_console.operations.console import Console
from mirror_console.operations.target_checks import said


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who has a value. `application_id` is empty for a source: its value is no mirror's own."""

    application_id: str
    title: str
    group: str = ""
    """Those of one group share their data on purpose."""


def check_own_values(
    console: Console, plan: Plan, mirrors: Mapping[str, Application], of_source: Mapping[str, Container | None]
) -> list[CheckResult]:
    """One answer for each target whose source names such variables; none where it names none.

    `of_source` are the containers of the sources' environments by title. No value is ever said, kept or logged.
    """
    with console.catalog.read() as books:
        sources = {one.id: one for one in books.applications.sources() if one.own_variables}
        concerned = [one for one in plan.targets if mirrors[one.application_id].source_id in sources]
        if not concerned:
            return []
        names = {one.id: one.name for one in books.applications.all()}
        others = {one.id: one.source_id for one in books.applications.all() if one.source_id in sources}
        environments = [one for one in books.environments.all() if one.application_id in others]
    holders: dict[tuple[str, str], list[_Holder]] = defaultdict(list)
    own: dict[str, list[tuple[str, str]]] = defaultdict(list)
    groups: dict[str, str] = {}
    unread = ""
    for environment in environments:
        application_id = environment.application_id
        holder = _Holder(application_id, f"{names[application_id]} {environment.name}", environment.group)
        groups[environment.id] = environment.group
        try:
            given = _values(console, environment, sources[others[application_id]].own_variables)
        except VaultError as error:
            unread = error.title
            continue
        for name, value in given.items():
            holders[name, value.reveal()].append(holder)
            own[environment.id].append((name, value.reveal()))
    for title, container in of_source.items():
        for pair in (container.variables if container is not None else {}).items():
            if pair in holders:
                holders[pair].append(_Holder("", title))
    found = []
    for target in concerned:
        wanted = ", ".join(sources[mirrors[target.application_id].source_id].own_variables)
        twice = [
            f"{pair[0]} is also that of {holder.title}"
            for pair in own[target.environment_id]
            for holder in holders[pair]
            if holder.application_id != target.application_id
            and not (holder.group and holder.group == groups[target.environment_id])
        ]
        if twice:
            more = f", and {len(twice) - 3} more" if len(twice) > 3 else ""
            words = f"A value that should be its own is another's: {'; '.join(twice[:3])}{more}."
            remedy = "Give it a value of its own on the mirror's form, then plan again."
            found.append(said(target, Check.ISOLATION, Answer.BLOCKED, words, remedy))
        elif unread:
            words = f"Whether it has values of its own can't be told ({wanted}): {unread}"
            found.append(said(target, Check.ISOLATION, Answer.UNKNOWN, words, "Unlock the keyring, then check again."))
        else:
            found.append(said(target, Check.ISOLATION, Answer.PASS, f"Its own: {wanted}."))
    return found


def _values(console: Console, environment: Environment, wanted: tuple[str, ...]) -> dict[str, Secret]:
    """The values that an environment is given for these variables. Raises VaultError."""
    settings = environment.settings
    plain = {name: Secret(settings.variables[name]) for name in wanted if settings.variables.get(name)}
    kept = {name: console.vault.find(settings.secrets[name]) for name in wanted if name in settings.secrets}
    return plain | {name: secret for name, secret in kept.items() if secret is not None}
