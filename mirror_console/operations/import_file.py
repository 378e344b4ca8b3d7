"""Import file: the whole of an import, read into what would be saved, and everything wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mirror_console.domain.account import Account
from mirror_console.domain.application import SLUG, Application, ImageSource, Kind, application_problems, slug_of
from mirror_console.domain.environment import (
    DEFAULT_PROCESS,
    Environment,
    Process,
    Settings,
    environment_problems,
)
from mirror_console.domain.process import with_processes
from mirror_console.domain.secret import SecretReference
from mirror_console.operations.applications import parse_repository, twice
from mirror_console.operations.command_input import read_backup, read_release_command
from mirror_console.operations.console import new_id
from mirror_console.operations.import_batch import Batch, Known
from mirror_console.operations.import_engines import ENGINE, REGISTRY, EngineReader
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.import_schedule import FREEZE, WINDOW, ScheduleBatch
from mirror_console.operations.import_settings import (
    SETTINGS,
    read_follows,
    read_hold,
    read_secrets,
    read_settings,
    read_template,
)
from mirror_console.operations.import_texts import Texts
from mirror_console.operations.placement import Placed
from mirror_console.operations.placement import clashes as placement_clashes
from mirror_console.operations.process_input import (
    OF_ENVIRONMENT,
    declared_by,
    follow,
    read_others,
    read_processes,
    unknown_processes,
)
from mirror_console.operations.service_input import read_services
from mirror_console.operations.typed import without_echoes
from mirror_console.operations.yaml_text import Node

FORMAT = "1"
TOP = ("format", "accounts", "engines", "registries", "sources", "mirrors", "windows", "freezes", "sample")
ACCOUNT = ("name", "title", "contact")
COMMON = ("name", "slug", "account", "tags", "domains", "notes", "environments")
SOURCE = (
    *COMMON,
    "repository",
    "required_variables",
    "notes_url",
    "template",
    "release_command",
    "backup",
    "own_variables",
    "shared",
    "processes",
    "services",
)
MIRROR = (*COMMON, "source", "image_source")
ENVIRONMENT = (
    "name",
    "engine",
    "container",
    "settings",
    "protected",
    "hold",
    "follows",
    "group",
    "swarm",
    *OF_ENVIRONMENT,
)


class ImportFile:
    """Reads one file against what the catalog has. `folder` is where the files lie that it may name; None: none may."""

    def __init__(self, known: Known, folder: Path | None, person: str, now: datetime) -> None:
        self._known = known
        self._person = person
        self._now = now
        self._batch = Batch()
        self._texts = Texts(folder, self._batch)

    def read(self, root: Node) -> Batch:
        """Read everything."""
        batch = self._batch
        fields = Fields(root, "", TOP, batch.problems)
        if fields.text("format", FORMAT) != FORMAT:
            fields.wrong("format", f"this version reads format {FORMAT}")
        batch.unread |= {name for name in ("engines", "sources", "mirrors") if fields.is_no_list(name)}
        for path, node in fields.several("accounts"):
            self._account(Fields(node, path, ACCOUNT, batch.problems))
        engines = EngineReader(self._known, batch, self._texts)
        for path, node in fields.several("engines"):
            engines.engine(Fields(node, path, ENGINE, batch.problems))
        for path, node in fields.several("registries"):
            engines.registry(Fields(node, path, REGISTRY, batch.problems))
        for path, node in fields.several("sources"):
            self._application(Fields(node, path, SOURCE, batch.problems), Kind.SOURCE)
        for path, node in fields.several("mirrors"):
            self._application(Fields(node, path, MIRROR, batch.problems), Kind.MIRROR)
        self._follow()
        self._place()
        self._schedule(fields)
        return batch

    def _schedule(self, fields: Fields) -> None:
        batch = self._batch
        mirrors = {one.slug: one for one in (*self._known.applications, *batch.applications.values())}
        batch.schedule = ScheduleBatch(self._known.schedule, lambda slug: batch.may_be_meant(slug, "mirrors"))
        for path, node in fields.several("windows"):
            batch.schedule.window(Fields(node, path, WINDOW, batch.problems), mirrors)
        for path, node in fields.several("freezes"):
            batch.schedule.freeze(Fields(node, path, FREEZE, batch.problems), mirrors, self._person)

    # --- nouns ------------------------------------------------------------------------------------------------------

    def _account(self, fields: Fields) -> None:
        name = fields.text("name", needed=True)
        old = self._known.account(name)
        self._batch.accounts[name] = Account(name, fields.text("title", old.title), fields.text("contact", old.contact))

    def _application(self, fields: Fields, kind: Kind) -> None:
        batch = self._batch
        name = fields.text("name")
        slug = fields.text("slug") or slug_of(name)
        before = next((one for one in self._known.applications if one.slug == slug), None)
        old = before or Application(new_id(), kind, name, slug)
        if old.kind is not kind:
            fields.wrong("slug", f"'{slug}' is a {old.kind} in the catalog already")
        if not slug:
            batch.unread.add(f"{kind}s")
        elif not SLUG.fullmatch(slug):
            batch.slugs |= {slug_of(slug), slug_of(name)}
        elif any(one.slug == slug for one in batch.applications.values()):
            fields.wrong("slug", f"the slug '{slug}' comes twice")
        application = replace(
            old,
            kind=kind,
            name=name or old.name,
            account=fields.text("account", old.account),
            tags=fields.texts("tags", old.tags),
            domains=tuple(domain.lower() for domain in fields.texts("domains", old.domains)),
            notes=fields.text("notes", old.notes),
        )
        application = self._mirror(fields, application) if application.is_mirror else _source(fields, application)
        found = application_problems(application, fields.at)
        batch.problems += without_echoes(found, batch.problems, fields.path("template"))
        batch.applications[application.id] = application
        if application.account and all(
            account.name != application.account for account in [*self._known.accounts, *batch.accounts.values()]
        ):
            batch.accounts[application.account] = Account(application.account)
        names = [self._environment(application, path, node) for path, node in fields.several("environments")]
        batch.problems += twice(names, fields.at)

    def _mirror(self, fields: Fields, application: Application) -> Application:
        source_id = application.source_id
        if "source" in fields:
            slug = fields.text("source")
            known = [*self._batch.applications.values(), *self._known.applications]
            source = next((one for one in known if one.slug == slug and not one.is_mirror), None)
            if source is None and slug and not self._batch.may_be_meant(slug, "sources"):
                fields.wrong("source", f"there is no source '{slug}', neither in the file nor in the catalog")
            source_id = source.id if source else slug
        image_source = fields.word("image_source", ImageSource, application.image_source)
        return replace(application, source_id=source_id, image_source=image_source)

    def _environment(self, application: Application, at: str, node: Node) -> str:
        batch = self._batch
        fields = Fields(node, at, ENVIRONMENT, batch.problems)
        name = fields.text("name")
        before = next(
            (one for one in self._known.environments if one.application_id == application.id and one.name == name), None
        )
        identity = before.id if before else new_id()
        old = before.settings if before else self._template(application)
        below = fields.below("settings", SETTINGS)
        references, secrets = read_secrets(below, old.secrets, identity, self._texts.secret)
        process = before.processes[0].name if before else DEFAULT_PROCESS
        web = Process(process, fields.text("container", before.container if before else ""))
        environment = Environment(
            id=identity,
            application_id=application.id,
            name=name,
            engine_id=self._engine_id(fields, before),
            processes=(web, *read_others(fields, before.processes[1:] if before else ())),
            settings=read_settings(below, old, references),
            protected=fields.flag("protected", before.protected if before else False),
            hold=before.hold if before and "hold" not in fields else read_hold(fields, self._person, self._now),
            follows=before.follows if before and "follows" not in fields else read_follows(fields),
            group=fields.text("group", before.group if before else ""),
            going=before.going if before else (),
            swarm=fields.flag("swarm", before.swarm if before else False),
        )
        known = [*batch.applications.values(), *self._known.applications]
        environment = with_processes(environment, declared_by(application, known))
        batch.problems += unknown_processes(fields, environment)
        batch.problems += without_echoes(environment_problems(environment, at), batch.problems, f"{at}.settings")
        if application.is_mirror and environment.follows is not None:
            fields.wrong("follows", "only a source's environment follows a tag: a mirror's takes what its source has")
        batch.environments[identity] = environment
        batch.paths[identity] = at
        batch.secrets.update(secrets)
        missing = sorted(set(references) - set(old.secrets) - {one.rpartition("/")[2] for one in secrets})
        if missing:
            batch.notes.append(f"{application.name} {name} still needs the values of: {', '.join(missing)}.")
        return name

    def _template(self, application: Application) -> Settings:
        """What the settings of a new environment start from."""
        known = [*self._batch.applications.values(), *self._known.applications]
        source = next((one for one in known if one.id == application.source_id), None)
        return (source.template if source else None) or Settings()

    def _engine_id(self, fields: Fields, before: Environment | None) -> str:
        if "engine" not in fields and before is not None:
            return before.engine_id
        name = fields.text("engine", needed=True)
        everything = [*self._batch.engines.values(), *self._known.engines]
        engine = next((engine for engine in everything if engine.name.casefold() == name.casefold()), None)
        if engine is not None:
            return engine.id
        # An engine of the file that can't be read is complained of where it stands.
        in_file = name.casefold() in self._batch.engine_names or "engines" in self._batch.unread
        if name and not in_file:
            fields.wrong("engine", f"there is no engine '{name}', neither in the file nor in the catalog")
        return ""

    def _follow(self) -> None:
        """Environments that aren't in the file get the processes that their source declares there."""
        batch = self._batch
        everything = {one.id: one for one in (*self._known.applications, *batch.applications.values())}
        others = [one for one in self._known.environments if one.id not in batch.environments]
        for source in [one for one in batch.applications.values() if not one.is_mirror]:
            batch.environments |= follow(source, everything.values(), others)

    def _place(self) -> None:
        batch = self._batch
        titles = {one.id: one.name for one in [*self._known.applications, *batch.applications.values()]}
        engines = {one.id: one.name for one in [*self._known.engines, *batch.engines.values()]}
        everything = {one.id: one for one in self._known.environments} | batch.environments
        placed = [
            Placed(one, f"{titles[one.application_id]} {one.name}", batch.paths.get(one.id, ""))
            for one in everything.values()
        ]
        batch.problems += placement_clashes(placed, engines)


def _source(fields: Fields, application: Application) -> Application:
    repository = fields.text("repository", application.repository)
    return replace(
        application,
        repository=parse_repository(repository, fields.path("repository"), fields.problems),
        required_variables=fields.texts("required_variables", application.required_variables),
        notes_url=fields.text("notes_url", application.notes_url),
        template=read_template(fields, application.template),
        release_command=read_release_command(fields, application.release_command),
        backup=read_backup(fields, application.backup),
        own_variables=fields.texts("own_variables", application.own_variables),
        shared=fields.texts("shared", application.shared),
        processes=read_processes(fields, application.processes),
        services=read_services(fields, application.services),
    )


def dropped(before: Sequence[Environment], after: Mapping[str, Environment]) -> list[SecretReference]:
    """Secrets of environments that nothing names any more."""
    return [
        reference
        for old in before
        if old.id in after
        for name, reference in old.settings.secrets.items()
        if name not in after[old.id].settings.secrets
    ]
