"""Import file: the whole of an import, read into what would be saved, and everything wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mirror_console.domain.access import Access
from mirror_console.domain.account import Account
from mirror_console.domain.application import Application, ImageSource, Kind, application_problems, slug_of
from mirror_console.domain.engine import Engine, Registry, Way
from mirror_console.domain.environment import (
    DEFAULT_PROCESS,
    Environment,
    Process,
    Settings,
    environment_problems,
)
from mirror_console.domain.image import registry_host
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.access import AccessInput, draft_access
from mirror_console.operations.applications import parse_repository, twice
from mirror_console.operations.console import new_id
from mirror_console.operations.engines import (
    EngineInput,
    RegistryInput,
    clashes,
    draft_engine,
    draft_registry,
    engine_input,
    host_and_user_problems,
)
from mirror_console.operations.import_fields import Fields, scalar
from mirror_console.operations.import_settings import SETTINGS, read_hold, read_secrets, read_settings
from mirror_console.operations.import_ssh import SSH, in_file, read_ssh
from mirror_console.operations.key_file import read_key_file
from mirror_console.operations.placement import Placed
from mirror_console.operations.placement import clashes as placement_clashes
from mirror_console.operations.ports import Books
from mirror_console.operations.ssh_input import missing_credentials
from mirror_console.operations.yaml_text import Node

FORMAT = "1"
TOP = ("format", "accounts", "engines", "registries", "sources", "mirrors", "sample")
ENGINE = (
    "name",
    "address",
    "location",
    "ca",
    "certificate",
    "key",
    "often_offline",
    "at_once",
    "timeout",
    "notes",
    "probe_host",
    "simulated",
    "ssh",
    "accounts",
)
ENGINE_ACCOUNT = ("account", "ca", "certificate", "key")
REGISTRY = ("host", "user", "password", "password_file")
ACCOUNT = ("name", "title", "contact")
COMMON = ("name", "slug", "account", "tags", "domains", "notes", "environments")
SOURCE = (*COMMON, "repository", "required_variables")
MIRROR = (*COMMON, "source", "image_source")
ENVIRONMENT = ("name", "engine", "container", "settings", "protected", "hold")

LONGEST_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog has before an import."""

    engines: Sequence[Engine]
    registries: Sequence[Registry]
    accounts: Sequence[Account]
    accesses: Sequence[Access]
    applications: Sequence[Application]
    environments: Sequence[Environment]

    @classmethod
    def of(cls, books: Books) -> Known:
        """Read it."""
        return cls(
            books.engines.all(),
            books.registries.all(),
            books.accounts.all(),
            books.accesses.all(),
            books.applications.all(),
            books.environments.all(),
        )


@dataclass(slots=True)
class Batch:
    """What would be saved, in the order of the file, and everything wrong with it."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    engines: dict[str, Engine] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    applications: dict[str, Application] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    """The path in the file, by the identity of an environment."""
    secrets: dict[str, Secret] = field(default_factory=dict)


class ImportFile:
    """Reads one file against what the catalog has. `folder` is where the files lie that it may name; None: none may."""

    def __init__(self, known: Known, folder: Path | None, person: str, now: datetime) -> None:
        self._known = known
        self._folder = folder
        self._person = person
        self._now = now
        self._batch = Batch()

    def read(self, root: Node) -> Batch:
        """Read everything."""
        batch = self._batch
        fields = Fields(root, "", TOP, batch.problems)
        if fields.text("format", FORMAT) != FORMAT:
            fields.wrong("format", f"this version reads format {FORMAT}")
        for path, node in fields.several("accounts"):
            self._account(Fields(node, path, ACCOUNT, batch.problems))
        for path, node in fields.several("engines"):
            self._engine(Fields(node, path, ENGINE, batch.problems))
        for path, node in fields.several("registries"):
            self._registry(Fields(node, path, REGISTRY, batch.problems))
        for path, node in fields.several("sources"):
            self._application(Fields(node, path, SOURCE, batch.problems), Kind.SOURCE)
        for path, node in fields.several("mirrors"):
            self._application(Fields(node, path, MIRROR, batch.problems), Kind.MIRROR)
        self._place()
        return batch

    # --- nouns ------------------------------------------------------------------------------------------------------

    def _account(self, fields: Fields) -> None:
        name = fields.text("name", needed=True)
        old = self._account_named(name)
        self._batch.accounts[name] = Account(name, fields.text("title", old.title), fields.text("contact", old.contact))

    def _engine(self, fields: Fields) -> None:
        batch = self._batch
        name = fields.text("name")
        before = next((engine for engine in self._known.engines if engine.name.casefold() == name.casefold()), None)
        old = engine_input(before) if before else EngineInput()
        typed = EngineInput(
            name=name,
            address=fields.text("address", old.address),
            location=fields.text("location", old.location),
            ca=self._pem(fields, "ca").reveal(),
            certificate=self._pem(fields, "certificate").reveal(),
            key=self._pem(fields, "key"),
            often_offline=fields.flag("often_offline", old.often_offline),
            at_once=fields.text("at_once", old.at_once),
            timeout=fields.text("timeout", old.timeout),
            notes=fields.text("notes", old.notes),
            probe_host=fields.text("probe_host", old.probe_host),
            simulated=fields.flag("simulated", old.simulated),
            ssh=read_ssh(fields.below("ssh", SSH), old.ssh, self._pem, self._file),
        )
        found: list[Problem] = []
        draft = draft_engine(typed, before, found, fields.at)
        batch.problems += [in_file(problem, fields.at) for problem in found]
        others = [engine for engine in self._known.engines if before is None or engine.id != before.id]
        others = [engine for engine in others if engine.id not in batch.engines] + list(batch.engines.values())
        batch.problems += clashes(name, draft.engine if draft else None, others, fields.at)
        if draft is None:
            return
        batch.engines[draft.engine.id] = draft.engine
        batch.secrets.update(draft.secrets)
        if draft.engine.address.way is Way.PLAIN and not draft.engine.unencrypted_accepted:
            fields.wrong("address", "an address without encryption is never imported: add the engine by hand")
        access = draft.engine.ssh
        if access is not None and missing_credentials(access):
            batch.notes.append(f"{name} can't be reached before its {access.sign_in} is given: edit the engine.")
        for key in access.host_keys if access and before is None else ():
            batch.notes.append(f"{name}: compare the key of {key.place} with what stands there: {key.words}.")
        tls = draft.engine.address.way is Way.TLS
        if tls and len(draft.secrets) < 3 and (before is None or before.tls is None):
            batch.notes.append(f"{name} can't be reached before its certificates are given: edit the engine.")
        for path, node in fields.several("accounts"):
            self._access(draft.engine, Fields(node, path, ENGINE_ACCOUNT, batch.problems))

    def _access(self, engine: Engine, fields: Fields) -> None:
        """One account's credential on an engine. Without texts, as an export writes it, it stands for what is there."""
        batch = self._batch
        account = fields.text("account", needed=True)
        before = next(
            (one for one in self._known.accesses if (one.engine_id, one.account) == (engine.id, account)), None
        )
        if any((one.engine_id, one.account) == (engine.id, account) for one in batch.accesses):
            fields.wrong("account", f"the account '{account}' comes twice")
        texts = [self._pem(fields, name) for name in ("ca", "certificate", "key")]
        if before is None and not any(texts):
            batch.notes.append(f"{engine.name} still needs the credential of account {account}: engines access.")
            return
        typed = AccessInput(account, texts[0].reveal(), texts[1].reveal(), texts[2])
        access, secrets, problems = draft_access(engine, typed, before, fields.at)
        batch.problems += problems
        batch.accesses.append(access)
        batch.secrets.update(secrets)
        batch.accounts.setdefault(account, self._account_named(account))

    def _account_named(self, name: str) -> Account:
        return next((account for account in self._known.accounts if account.name == name), Account(name))

    def _registry(self, fields: Fields) -> None:
        batch = self._batch
        host = registry_host(fields.text("host"))
        before = next((registry for registry in self._known.registries if registry.host == host), None)
        password = Secret("")
        if "password_file" in fields:
            password = Secret(self._file(fields, "password_file").reveal().rstrip("\r\n"))
        elif "password" in fields:
            password = Secret(fields.text("password"))
            batch.notes.append(f"The file holds the password of {host} in clear: take it out of there.")
        elif before is None:
            batch.notes.append(f"{host} has no password yet: edit the registry.")
        typed = RegistryInput(host, fields.text("user", before.user if before else ""), password)
        batch.problems += host_and_user_problems(typed, fields.at)
        if any(registry.host == host for registry in batch.registries.values()):
            fields.wrong("host", f"the registry {host} comes twice")
        if any(problem.field.startswith(fields.at + ".") for problem in batch.problems):
            return
        registry, secrets = draft_registry(typed, before.id if before else new_id())
        batch.registries[registry.id] = registry
        batch.secrets.update(secrets)

    def _application(self, fields: Fields, kind: Kind) -> None:
        batch = self._batch
        name = fields.text("name")
        slug = fields.text("slug") or slug_of(name)
        before = next((one for one in self._known.applications if one.slug == slug), None)
        old = before or Application(new_id(), kind, name, slug)
        if old.kind is not kind:
            fields.wrong("slug", f"'{slug}' is a {old.kind} in the catalog already")
        if any(one.slug == slug for one in batch.applications.values()):
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
        batch.problems += application_problems(application, fields.at)
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
            if source is None and slug:
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
        old = before.settings if before else Settings()
        below = fields.below("settings", SETTINGS)
        references, secrets = read_secrets(below, old.secrets, identity, self._secret)
        process = before.processes[0].name if before else DEFAULT_PROCESS
        web = Process(process, fields.text("container", before.container if before else ""))
        environment = Environment(
            id=identity,
            application_id=application.id,
            name=name,
            engine_id=self._engine_id(fields, before),
            processes=(web, *(before.processes[1:] if before else ())),
            settings=read_settings(below, old, references),
            protected=fields.flag("protected", before.protected if before else False),
            hold=before.hold if before and "hold" not in fields else read_hold(fields, self._person, self._now),
        )
        batch.problems += environment_problems(environment, at)
        batch.environments[identity] = environment
        batch.paths[identity] = at
        batch.secrets.update(secrets)
        missing = sorted(set(references) - set(old.secrets) - {one.rpartition("/")[2] for one in secrets})
        if missing:
            batch.notes.append(f"{application.name} {name} still needs the values of: {', '.join(missing)}.")
        return name

    def _engine_id(self, fields: Fields, before: Environment | None) -> str:
        if "engine" not in fields and before is not None:
            return before.engine_id
        name = fields.text("engine", needed=True)
        everything = [*self._batch.engines.values(), *self._known.engines]
        engine = next((engine for engine in everything if engine.name.casefold() == name.casefold()), None)
        if engine is None and name:
            fields.wrong("engine", f"there is no engine '{name}', neither in the file nor in the catalog")
        return engine.id if engine else ""

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

    # --- secrets ----------------------------------------------------------------------------------------------------

    def _pem(self, fields: Fields, name: str) -> Secret:
        text = fields.text(name)
        if name not in fields or "-----BEGIN" in text:
            if text and name == "key":
                self._batch.notes.append(
                    f"The file holds the key of {fields.text('name') or fields.text('account')}: take it out of there."
                )
            return Secret(text)
        return self._file(fields, name)

    def _secret(self, path: str, node: Node) -> Secret | None:
        if node.is_nothing:
            return None
        text = scalar(node)
        if text is not None:
            self._batch.notes.append(f"The file holds the value of {path} in clear: take it out of there.")
            return Secret(text)
        fields = Fields(node, path, ("file",), self._batch.problems)
        return Secret(self._file(fields, "file").reveal().rstrip("\r\n"))

    def _file(self, fields: Fields, name: str) -> Secret:
        """The text of a file that is named: it lies in the folder of the import file, or below."""
        named = fields.text(name, needed=True)
        if not named:
            return Secret("")
        if self._folder is None:
            fields.wrong(name, "files can't be named here: write the text itself, or import from a file")
            return Secret("")
        folder = self._folder.resolve()
        path = (folder / named).resolve()
        if not path.is_relative_to(folder):
            fields.wrong(name, f"'{named}' lies outside the folder of the file")
            return Secret("")
        try:
            return read_key_file(path, LONGEST_SECRET) if name == "key" else Secret(_read(path))
        except InvalidInput as error:
            fields.wrong(name, f"'{named}' can't be read: {error.problems[0].words}")
            return Secret("")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text, or a long one"
            fields.wrong(name, f"'{named}' can't be read: {why}")
            return Secret("")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        octets = file.read(LONGEST_SECRET + 1)
    if len(octets) > LONGEST_SECRET:
        raise ValueError(f"longer than {LONGEST_SECRET} bytes")
    return octets.decode()


def _source(fields: Fields, application: Application) -> Application:
    repository = fields.text("repository", application.repository)
    return replace(
        application,
        repository=parse_repository(repository, fields.path("repository"), fields.problems),
        required_variables=fields.texts("required_variables", application.required_variables),
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
