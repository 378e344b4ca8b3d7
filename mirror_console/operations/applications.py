"""Applications: check what was typed for a source or a mirror, keep it in the catalog, and hold environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror_console.domain.account import Account
from mirror_console.domain.application import Application, ImageSource, Kind, application_problems, slug_of
from mirror_console.domain.environment import Environment
from mirror_console.domain.image import parse_reference
from mirror_console.domain.process import with_processes
from mirror_console.domain.rollout import OVER, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import InvalidInput, NotAllowed, Problem
from mirror_console.operations.application_input import (
    EnvironmentInput,
    MirrorInput,
    SourceInput,
    draft_environment,
    draft_template,
    environment_input,
    settings_input,
)
from mirror_console.operations.applied import keep_baseline
from mirror_console.operations.command_input import commands_input, draft_backup, draft_release_command
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.keeping import forget, kept
from mirror_console.operations.placement import Placed, clashes
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.process_input import declared_by, draft_processes, follow, processes_input
from mirror_console.operations.service_input import draft_services, services_input
from mirror_console.operations.typed import listed, parse_list, parse_variables, variables_text

__all__ = [
    "EnvironmentInput",
    "MirrorInput",
    "SourceInput",
    "mirror_input",
    "parse_variables",
    "problems",
    "remove_application",
    "save_mirror",
    "save_source",
    "source_input",
    "variables_text",
]


def save_source(console: Console, typed: SourceInput, application_id: str | None = None) -> Application:
    """Add a source, or change the one of that identity.

    Raises InvalidInput with every problem, VaultError where the keyring refuses a secret, NotAllowed.
    """
    return _save(console, typed, application_id)


def save_mirror(console: Console, typed: MirrorInput, application_id: str | None = None) -> Application:
    """Add a mirror, or change the one of that identity.

    Raises InvalidInput with every problem, VaultError where the keyring refuses a secret, NotAllowed.
    """
    return _save(console, typed, application_id)


def problems(console: Console, typed: SourceInput | MirrorInput, application_id: str | None = None) -> list[Problem]:
    """Everything wrong with what is typed, by itself and beside what the catalog has."""
    with console.catalog.read() as books:
        return _judged(books, typed, application_id).problems


def remove_application(console: Console, application_id: str) -> None:
    """Take an application with its environments out of the catalog. Its containers stay as they are.

    Raises CatalogError where mirrors name it as their source, NotAllowed while a rollout works on one of its
    environments, KeyError where it isn't there.
    """
    console.demand_write()
    with console.catalog.write() as books:
        environments = books.environments.of(books.applications.get(application_id).id)
        _demand_idle(books, environments)
        books.applications.remove(application_id)
    forget(console, _secrets_of(environments))


# --- for editing --------------------------------------------------------------------------------------------------


def source_input(console: Console, application_id: str) -> SourceInput:
    """What a form shows of a source. Raises KeyError."""
    application, environments, _ = _for_editing(console, application_id)
    return SourceInput(
        name=application.name,
        slug=application.slug,
        account=application.account,
        tags=listed(application.tags),
        domains=listed(application.domains),
        notes=application.notes,
        repository=application.repository,
        required_variables=listed(application.required_variables),
        own_variables=listed(application.own_variables),
        shared=listed(application.shared),
        notes_url=application.notes_url,
        template=settings_input(application.template) if application.template else None,
        commands=commands_input(application),
        processes=processes_input(application),
        services=services_input(application),
        environments=environments,
    )


def mirror_input(console: Console, application_id: str) -> MirrorInput:
    """What a form shows of a mirror. Raises KeyError."""
    application, environments, slugs = _for_editing(console, application_id)
    return MirrorInput(
        name=application.name,
        slug=application.slug,
        account=application.account,
        tags=listed(application.tags),
        domains=listed(application.domains),
        notes=application.notes,
        source=slugs.get(application.source_id, ""),
        image_source=application.image_source.value,
        environments=environments,
    )


def _for_editing(
    console: Console, application_id: str
) -> tuple[Application, tuple[EnvironmentInput, ...], dict[str, str]]:
    with console.catalog.read() as books:
        application = books.applications.get(application_id)
        engines = {engine.id: engine.name for engine in books.engines.all()}
        slugs = {other.id: other.slug for other in books.applications.all()}
        environments = books.environments.of(application_id)
    typed = tuple(
        environment_input(environment, engines.get(environment.engine_id, "")) for environment in environments
    )
    return application, typed, slugs


# --- judging and keeping ------------------------------------------------------------------------------------------


class _Judged:
    """What would be saved, and everything wrong with it."""

    def __init__(self, application: Application, problems: list[Problem]) -> None:
        self.application = application
        self.problems = problems
        self.environments: list[Environment] = []
        self.gone: list[Environment] = []
        self.followers: Mapping[str, Environment] = {}
        """Environments of a source's mirrors that get the processes that it declares now, by identity."""
        self.secrets: dict[str, Secret] = {}
        self.dropped: list[SecretReference] = []


def _save(console: Console, typed: SourceInput | MirrorInput, application_id: str | None) -> Application:
    console.demand_write()
    with console.catalog.read() as books:
        judged = _judged(books, typed, application_id)
    if judged.problems:
        noun = "mirror" if isinstance(typed, MirrorInput) else "source"
        raise InvalidInput(f"The {noun} was not saved.", judged.problems)
    with kept(console, judged.secrets), console.catalog.write() as books:
        _demand_idle(books, judged.gone)
        books.applications.save(judged.application)
        for environment in judged.gone:
            books.environments.remove(environment.id)
        before = {one.id: one for one in books.environments.some(one.id for one in judged.environments)}
        for environment in judged.environments:
            books.environments.save(environment)
            if environment.id in before:
                keep_baseline(books, console.clock(), before[environment.id], environment)
        for environment in judged.followers.values():
            books.environments.save(environment)
        know_account(books, judged.application.account)
    forget(console, judged.dropped)
    return judged.application


def know_account(books: Books, name: str) -> None:
    """See to it that the account that an application names is in the catalog."""
    if name and all(account.name != name for account in books.accounts.all()):
        books.accounts.save(Account(name))


def _judged(books: Books, typed: SourceInput | MirrorInput, application_id: str | None) -> _Judged:
    everything = books.applications.all()
    before = books.environments.of(application_id) if application_id else []
    found: list[Problem] = []
    application = _application(typed, application_id or new_id(), everything, found)
    judged = _Judged(application, found)
    there = next((other for other in everything if other.slug == application.slug), None)
    if there is not None and there.id != application_id:
        found.append(Problem("slug", f"{there.name} has the slug '{application.slug}' already"))
    engines = {engine.name: engine.id for engine in books.engines.all()}
    known = {environment.id: environment for environment in before}
    for place, one in enumerate(typed.environments):
        environment, secrets = draft_environment(
            one, application.id, engines, known.get(one.id), found, f"environments[{place}]"
        )
        judged.environments.append(with_processes(environment, declared_by(application, everything)))
        judged.secrets.update(secrets)
    found += twice([environment.name for environment in judged.environments])
    kept_ids = {environment.id for environment in judged.environments}
    judged.gone = [environment for environment in before if environment.id not in kept_ids]
    judged.dropped = sorted(
        set(_secrets_of(before)) - set(_secrets_of(judged.environments)), key=lambda reference: reference.name
    )
    titles = {other.id: other.name for other in everything}
    others = [
        Placed(environment, f"{titles[environment.application_id]} {environment.name}")
        for environment in books.environments.all()
        if environment.application_id != application.id
    ]
    mine = [
        Placed(environment, f"{application.name} {environment.name}", f"environments[{place}]")
        for place, environment in enumerate(judged.environments)
    ]
    if not application.is_mirror:
        judged.followers = follow(application, everything, books.environments.all())
        others = [
            replace(one, environment=judged.followers[one.environment.id], at="processes")
            if one.environment.id in judged.followers
            else one
            for one in others
        ]
    found += clashes([*others, *mine], {engine_id: name for name, engine_id in engines.items()})
    return judged


def _application(
    typed: SourceInput | MirrorInput, application_id: str, everything: list[Application], found: list[Problem]
) -> Application:
    name = typed.name.strip()
    application = Application(
        id=application_id,
        kind=Kind.MIRROR if isinstance(typed, MirrorInput) else Kind.SOURCE,
        name=name,
        slug=typed.slug.strip() or slug_of(name),
        account=typed.account.strip(),
        tags=parse_list(typed.tags),
        domains=parse_list(typed.domains.lower()),
        notes=typed.notes.strip(),
    )
    if isinstance(typed, MirrorInput):
        source = next((one for one in everything if one.slug == typed.source.strip() and not one.is_mirror), None)
        if source is None and typed.source.strip():
            found.append(Problem("source", f"there is no source '{typed.source.strip()}' in the catalog"))
        application = replace(
            application,
            source_id=source.id if source else typed.source.strip(),
            image_source=parse_image_source(typed.image_source, "image_source", found),
        )
    else:
        application = replace(
            application,
            repository=parse_repository(typed.repository, "repository", found),
            required_variables=parse_list(typed.required_variables),
            own_variables=parse_list(typed.own_variables),
            shared=parse_list(typed.shared),
            notes_url=typed.notes_url.strip(),
            template=draft_template(typed.template, found) if typed.template else None,
            release_command=draft_release_command(typed.commands, found),
            backup=draft_backup(typed.commands, found),
            processes=draft_processes(typed.processes, found),
            services=draft_services(typed.services, found),
        )
    found += application_problems(application)
    return application


def parse_image_source(text: str, at: str, found: list[Problem]) -> ImageSource:
    """The image source that a text names; what is wrong is added to `found`."""
    try:
        return ImageSource(text.strip().lower())
    except ValueError:
        words = " or ".join(f"'{one}'" for one in ImageSource)
        found.append(Problem(at, f"'{text.strip()}' is not an image source: {words}"))
        return ImageSource.ALWAYS_LIVE


def parse_repository(text: str, at: str, found: list[Problem]) -> str:
    """An image repository, without tag and digest; what is wrong is added to `found`."""
    text = text.strip()
    if not text:
        return ""
    try:
        reference = parse_reference(text)
    except InvalidInput as error:
        found += [Problem(at, problem.words) for problem in error.problems]
        return text
    if reference.tag or reference.digest:
        found.append(Problem(at, "leave the tag and the digest out: a repository alone, such as registry.example/shop"))
    return reference.repository


def twice(names: list[str], at: str = "") -> list[Problem]:
    """Environments of one application that have the same name."""
    where = f"{at}." if at else ""
    return [
        Problem(f"{where}environments[{place}].name", f"there are two environments '{name}'")
        for place, name in enumerate(names)
        if name and name in names[:place]
    ]


def _secrets_of(environments: list[Environment]) -> list[SecretReference]:
    return [reference for environment in environments for reference in environment.settings.secrets.values()]


def _demand_idle(books: Books, environments: list[Environment]) -> None:
    ids = {environment.id: environment.name for environment in environments}
    for rollout in books.rollouts.unfinished():
        for target in rollout.targets:
            if target.environment_id in ids and (target.state not in OVER or target.state is TargetState.UNKNOWN):
                raise NotAllowed(
                    f"{target.planned.application} {ids[target.environment_id]} can't be removed: "
                    f"rollout {rollout.plan.fingerprint} is {rollout.state} there.",
                    "Let the rollout end, or decide about it, then try again.",
                )
