"""Credentials: which there are and where each is used, and how one is replaced or forgotten. Values are never shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mirror_console.domain.access import reached_as
from mirror_console.domain.audit import Noun
from mirror_console.domain.credential import Credential, Kept, Use, UserKind
from mirror_console.domain.engine import Engine, Registry
from mirror_console.domain.image import parse_reference, registry_host
from mirror_console.domain.request import RegistryLogin
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.errors import ConsoleError, EngineError, FailureKind, InvalidInput, Problem, VaultError
from mirror_console.operations.audited import audited
from mirror_console.operations.console import Console
from mirror_console.operations.engine_input import EngineInput, pem_problems, whole_pem
from mirror_console.operations.keeping import kept
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.ssh_input import SshInput, key_problems

_PURPOSES = {
    "ca": "certificate of its authority",
    "certificate": "client certificate",
    "key": "key of the client certificate",
    "ssh_key": "SSH key",
    "ssh_passphrase": "passphrase of the SSH key",
    "ssh_password": "SSH password",
}
_SIGNED_IN = frozenset({FailureKind.IMAGE_NOT_FOUND, FailureKind.NOT_FOUND, FailureKind.PLATFORM})
"""What a registry answers to who was let in."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of a replacement: the credentials, and in words whether the new ones were tried."""

    credentials: tuple[Credential, ...]
    words: str


def credentials(console: Console) -> list[Credential]:
    """All that the catalog names, by reference, with what the keyring says of each. Asks the person nothing."""
    with console.catalog.read() as books:
        found = _used(books)
    asking = _Asking(console)
    return [Credential(reference, uses, asking.kept(reference)) for reference, uses in found.items()]


def where(console: Console, name: str) -> Credential:
    """One of them. Raises InvalidInput where nothing uses a credential of that name."""
    with console.catalog.read() as books:
        found = {reference.name: (reference, uses) for reference, uses in _used(books).items()}
    if name not in found:
        problem = Problem("reference", f"nothing in the catalog uses '{name}'")
        raise InvalidInput("There is no such credential.", [problem], "'credentials list' shows those that there are.")
    reference, uses = found[name]
    return Credential(reference, uses, _Asking(console).kept(reference))


def rotate(console: Console, new: Mapping[str, Secret], *, untried: bool = False) -> Rotated:
    """Replace credentials of one user, such as a certificate and its key, by reference name.

    The new ones are tried first, then kept in place of the old ones; then what is open with those is closed.
    `untried` replaces them though they can't be tried now. Raises InvalidInput, EngineError where they were refused or
    couldn't be tried, VaultError, NotAllowed; then the old ones stay.
    """
    console.demand_write()
    found = [where(console, name) for name in new]
    users = {user for credential in found for user in _users(credential)}
    shared = [user for user in users if all(user in _users(credential) for credential in found)]
    if not shared:
        problem = Problem("reference", "name those of one engine, account, registry or environment")
        raise InvalidInput("These aren't replaced together.", [problem])
    secrets = _as_kept(found, new)
    words = "It was not tried." if untried else _Trial(console, secrets).of(sorted(users))
    with kept(console, secrets):
        for engine_id in _engines_of(users):
            console.engines.forget(engine_id)
    return Rotated(tuple(where(console, name) for name in new), words)


def forget_credential(console: Console, name: str) -> Credential:
    """Take a credential out of the keyring; what uses it stays in the catalog and says that it is missing.

    Raises InvalidInput, VaultError where the keyring refuses, NotAllowed.
    """
    console.demand_write()
    found = where(console, name)
    with audited(console, Noun.SECRET, name, name, {"forget": [name]}):
        console.vault.forget(found.reference)
    for engine_id in _engines_of(_users(found)):
        console.engines.forget(engine_id)
    return where(console, name)


# --- what uses them -----------------------------------------------------------------------------------------------


def _used(books: Books) -> dict[SecretReference, tuple[Use, ...]]:
    found: dict[SecretReference, list[Use]] = defaultdict(list)
    for reference, use in _uses(books):
        found[reference].append(use)
    return {reference: tuple(found[reference]) for reference in sorted(found, key=lambda one: one.name)}


def _uses(books: Books) -> Iterator[tuple[SecretReference, Use]]:
    engines = {engine.id: engine for engine in books.engines.all()}
    for engine in engines.values():
        for part, reference in _parts_of(engine).items():
            yield reference, Use(UserKind.ENGINE, engine.id, engine.name, _PURPOSES[part])
    for access in books.accesses.all():
        engine = engines[access.engine_id]
        title = f"{access.account} on {engine.name}"
        # Also what doesn't fit the engine's way any more: the keyring has it all the same.
        shared = {"ca": engine.tls.authority} if engine.tls else {}
        for part, reference in (shared | dict(access.references)).items():
            yield reference, Use(UserKind.ACCOUNT, f"{engine.id}/{access.account}", title, _PURPOSES[part])
    for registry in books.registries.all():
        yield registry.password, Use(UserKind.REGISTRY, registry.id, registry.host, f"password of {registry.user}")
    names = {application.id: application.name for application in books.applications.all()}
    for environment in books.environments.all():
        title = f"{names.get(environment.application_id, '')} {environment.name}".strip()
        for variable, reference in environment.settings.secrets.items():
            yield reference, Use(UserKind.ENVIRONMENT, environment.id, title, f"variable {variable}")


def _parts_of(engine: Engine) -> dict[str, SecretReference]:
    tls, ssh = engine.tls, engine.ssh
    parts = {"ca": tls.authority, "certificate": tls.certificate, "key": tls.key} if tls else {}
    by_ssh = {"ssh_key": ssh.key, "ssh_passphrase": ssh.passphrase, "ssh_password": ssh.password} if ssh else {}
    return parts | {part: reference for part, reference in by_ssh.items() if reference is not None}


def _users(credential: Credential) -> set[tuple[UserKind, str]]:
    return {(use.kind, use.id) for use in credential.uses}


def _engines_of(users: set[tuple[UserKind, str]]) -> set[str]:
    of_engines = {UserKind.ENGINE, UserKind.ACCOUNT}
    return {identity.partition("/")[0] for kind, identity in users if kind in of_engines}


class _Asking:
    """Asks the keyring of one credential after the other, until it says that it can't tell."""

    def __init__(self, console: Console) -> None:
        self._vault = console.vault
        self._silent = False

    def kept(self, reference: SecretReference) -> Kept:
        """Whether it is there."""
        if self._silent:
            return Kept.UNKNOWN
        try:
            return Kept.STORED if self._vault.has(reference) else Kept.MISSING
        except VaultError:
            self._silent = True
            return Kept.UNKNOWN


# --- trying new ones ----------------------------------------------------------------------------------------------


def _as_kept(found: list[Credential], new: Mapping[str, Secret]) -> dict[str, Secret]:
    """The new values as the keyring gets them. Raises InvalidInput where one can't be what it is to be."""
    problems: list[Problem] = []
    secrets: dict[str, Secret] = {}
    parts = {purpose: part for part, purpose in _PURPOSES.items()}
    for credential in found:
        name, secret = credential.reference.name, new[credential.reference.name]
        part = parts.get(credential.uses[0].purpose)
        if not secret.reveal().strip():
            problems.append(Problem(name, "it is empty"))
        elif part in _PEM:
            problems += [Problem(name, problem.words) for problem in pem_problems(_as_typed(part, secret), "")]
            secrets[name] = whole_pem(secret)
        elif part == "ssh_key":
            # Whether its passphrase is the one that is kept, or comes with it, the trial tells.
            typed = SshInput(key=secret, passphrase=_ANY)
            problems += [Problem(name, problem.words) for problem in key_problems(typed, "")]
            secrets[name] = whole_pem(secret)
        else:
            secrets[name] = secret
    if problems:
        raise InvalidInput("The credential was not replaced.", problems)
    return secrets


_PEM = frozenset({"ca", "certificate", "key"})
_ANY = Secret("any")


def _as_typed(part: str | None, secret: Secret) -> EngineInput:
    match part:
        case "key":
            return EngineInput(key=secret)
        case "certificate":
            return EngineInput(certificate=secret.reveal())
        case _:
            return EngineInput(ca=secret.reveal())


class _Trial:
    """Tries new credentials with whatever uses them, before they are kept."""

    def __init__(self, console: Console, secrets: Mapping[str, Secret]) -> None:
        self._console = console
        self._secrets = secrets

    def of(self, users: list[tuple[UserKind, str]]) -> str:
        """What came of it, in words. Raises EngineError where they were refused or nobody could be asked."""
        said = []
        for kind, identity in users:
            match kind:
                case UserKind.ENGINE:
                    said.append(self._engine(self._console.engine(identity)))
                case UserKind.ACCOUNT:
                    engine_id, _, account = identity.partition("/")
                    said.append(self._account(self._console.engine(engine_id), account))
                case UserKind.REGISTRY:
                    said.append(self._registry(identity))
                case UserKind.ENVIRONMENT:
                    said.append("It takes effect with the next rollout of its environment.")
        return " ".join(dict.fromkeys(said))

    def _engine(self, engine: Engine) -> str:
        self._console.engines.try_out(engine, self._secrets).list_containers()
        return f"{engine.name} took it."

    def _account(self, engine: Engine, account: str) -> str:
        with self._console.catalog.read() as books:
            access = next(one for one in books.accesses.of(engine.id) if one.account == account)
        return self._engine(reached_as(engine, access))

    def _registry(self, registry_id: str) -> str:
        """A registry is asked by an engine for what a source has there: the console itself speaks to none."""
        with self._console.catalog.read() as books:
            registry = next(one for one in books.registries.all() if one.id == registry_id)
            wanted = [(engine, reference) for engine, reference in _images(books) if _is_at(reference, registry)]
        login = RegistryLogin(registry.host, registry.user, self._secrets[registry.password.name])
        last: ConsoleError | None = None
        for engine, reference in wanted:
            try:
                self._console.engines.session(engine).resolve(reference, login)
            except EngineError as error:
                if error.kind in _SIGNED_IN:
                    return f"{registry.host} took it."
                if error.kind is FailureKind.REGISTRY_SIGN_IN:
                    raise
                last = error
                continue
            return f"{registry.host} took it."
        why = last.title if last else "No source has an image there that an engine could ask for."
        raise EngineError(
            FailureKind.REGISTRY_UNREACHABLE,
            f"The password of {registry.host} could not be tried. {why}",
            "Try again later, or replace it untried.",
        )


def _images(books: Books) -> Iterator[tuple[Engine, str]]:
    """Images of sources with an engine that has them: where a registry's password can be tried."""
    engines = {engine.id: engine for engine in books.engines.all()}
    for application in books.applications.all():
        if application.is_mirror:
            continue
        environments = books.environments.of(application.id)
        releases = books.releases.of([environment.id for environment in environments])
        newest = max((one for one in releases if one.reference), key=lambda one: one.first_seen, default=None)
        for environment in environments:
            if environment.engine_id in engines:
                yield engines[environment.engine_id], newest.reference if newest else application.repository


def _is_at(reference: str, registry: Registry) -> bool:
    return registry_host(parse_reference(reference).registry) == registry.host
