"""Engines: check what was typed for an engine or a registry, and keep it, its credentials in the keyring."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mirror_console.domain.engine import (
    UNENCRYPTED_ACCEPTED,
    Address,
    Engine,
    Registry,
    TlsReferences,
    Way,
    parse_address,
)
from mirror_console.domain.image import HUB, parse_reference, registry_host
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop, HostKey, HostKeyRefused, SshError, Stage, with_host_key
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.connection import (
    ConnectionStep,
    StepState,
    test_connection,
    titles,
)
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.keeping import forget, kept
from mirror_console.operations.ssh_input import (
    SshInput,
    draft_ssh,
    missing_credentials,
    ssh_input,
    ssh_references,
)

__all__ = [
    "ConnectionStep",
    "EngineDraft",
    "EngineInput",
    "RegistryInput",
    "SshInput",
    "StepState",
    "accept_host_key",
    "draft_engine",
    "draft_registry",
    "engine_input",
    "engine_problems",
    "host_key_refusal",
    "registry_problems",
    "remove_engine",
    "remove_registry",
    "save_engine",
    "save_registry",
    "test_connection",
    "test_input",
]

LONGEST_NAME = 60
LONGEST_PEM = 64 * 1024

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


def _nothing() -> Secret:
    return Secret("")


@dataclass(frozen=True, slots=True)
class EngineInput:
    """What is typed for an engine, as it is typed. PEM texts left empty: what the keyring has already stays."""

    name: str = ""
    address: str = ""
    location: str = ""
    ca: str = ""
    certificate: str = ""
    key: Secret = field(default_factory=_nothing)
    often_offline: bool = False
    at_once: str = "2"
    timeout: str = "10"
    notes: str = ""
    probe_host: str = ""
    simulated: bool = False
    ssh: SshInput = field(default_factory=SshInput)
    unencrypted: str = ""
    """For an address without encryption: the sentence that accepts it, typed. It stays as long as the address does."""


@dataclass(frozen=True, slots=True)
class RegistryInput:
    """What is typed for a registry. A password left empty: what the keyring has already stays."""

    host: str = ""
    user: str = ""
    password: Secret = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class EngineDraft:
    """An engine as it would be saved, and what would go into the keyring, by reference name."""

    engine: Engine
    secrets: Mapping[str, Secret]


def engine_input(engine: Engine) -> EngineInput:
    """What a form shows of an engine. Credentials are never shown."""
    return EngineInput(
        name=engine.name,
        address=str(engine.address),
        location=engine.location,
        often_offline=engine.often_offline,
        at_once=str(engine.at_once),
        timeout=f"{engine.timeout:g}",
        notes=engine.notes,
        probe_host=engine.probe_host,
        simulated=engine.simulated,
        ssh=ssh_input(engine.ssh),
    )


def save_engine(console: Console, typed: EngineInput, engine_id: str | None = None) -> Engine:
    """Add an engine, or change the one of that identity. Open connections to it are closed.

    Raises InvalidInput with every problem, VaultError where the keyring refuses the credentials, NotAllowed.
    """
    console.demand_write()
    problems, draft, before = _judged(console, typed, engine_id)
    if problems or draft is None:
        raise InvalidInput("The engine was not saved.", problems)
    with kept(console.vault, draft.secrets), console.catalog.write() as books:
        books.engines.save(draft.engine)
    console.engines.forget(draft.engine.id)
    if before is not None:
        stays = _references(draft.engine)
        forget(console.vault, [reference for reference in _references(before) if reference not in stays])
    return draft.engine


def accept_host_key(console: Console, engine_id: str, key: HostKey) -> Engine:
    """A person has compared the key that an SSH server shows: from now on it is the one of its host and port.

    What was accepted for that host and port before is no longer. Raises InvalidInput where the engine isn't reached by
    SSH, KeyError where it isn't there, NotAllowed.
    """
    console.demand_write()
    engine = console.engine(engine_id)
    if engine.ssh is None:
        problem = Problem("host_keys", f"{engine.name} is not reached by SSH")
        raise InvalidInput("The host key was not accepted.", [problem])
    trusting = replace(engine, ssh=replace(engine.ssh, host_keys=with_host_key(engine.ssh, key)))
    with console.catalog.write() as books:
        books.engines.save(trusting)
    console.engines.forget(engine_id)
    return trusting


def host_key_refusal(
    console: Console, engine: Engine, secrets: Mapping[str, Secret] | None = None
) -> HostKeyRefused | None:
    """The key on the way to an engine that a person has to decide on; None where all of them are accepted.

    Nothing of the sign-in is sent to a server whose key isn't. Raises EngineError where the way fails before it shows
    its key; what fails after doesn't matter here.
    """
    try:
        console.engines.try_out(engine, secrets or {})
    except HostKeyRefused as refusal:
        return refusal
    except SshError as error:
        if error.stage is Stage.HOST_KEY:
            raise
    return None


def engine_problems(console: Console, typed: EngineInput, engine_id: str | None = None) -> list[Problem]:
    """Everything wrong with what is typed, by itself and beside the engines in the catalog."""
    return _judged(console, typed, engine_id)[0]


def remove_engine(console: Console, engine_id: str) -> None:
    """Take an engine out of the catalog and its credentials out of the keyring. Nothing is changed on it.

    Raises CatalogError where environments are placed on it, KeyError where it isn't there.
    """
    console.demand_write()
    engine = console.engine(engine_id)
    with console.catalog.write() as books:
        accesses = books.accesses.of(engine_id)
        books.engines.remove(engine_id)
    console.engines.forget(engine_id)
    forget(console.vault, [reference for access in accesses for reference in access.references.values()])
    forget(console.vault, _references(engine))


def test_input(console: Console, typed: EngineInput, engine_id: str | None) -> Iterator[ConnectionStep]:
    """Try the way to an engine as it is typed, before it is saved. An address that can't be read fails step 1."""
    problems, draft, _ = _judged(console, typed, engine_id)
    # A name that is taken, or none yet, is no reason not to look whether the engine answers.
    problems = [problem for problem in problems if problem.field not in {"name", "at_once"}]
    if draft is not None and not problems:
        yield from test_connection(console, draft.engine, draft.secrets)
        return
    title, *others = titles(draft.engine.address.way if draft else Way.SOCKET)
    yield ConnectionStep(1, title, StepState.RUNNING)
    words = " ".join(f"{problem}." for problem in problems)
    yield ConnectionStep(1, title, StepState.FAILED, words, 0.0, "Correct it and test again.")
    for number, title in enumerate(others, 2):
        yield ConnectionStep(number, title, StepState.SKIPPED, "not tried")


# --- judging what was typed ---------------------------------------------------------------------------------------


def _judged(
    console: Console, typed: EngineInput, engine_id: str | None
) -> tuple[list[Problem], EngineDraft | None, Engine | None]:
    with console.catalog.read() as books:
        others = [engine for engine in books.engines.all() if engine.id != engine_id]
        before = books.engines.get(engine_id) if engine_id else None
    problems: list[Problem] = []
    draft = draft_engine(typed, before, problems)
    problems += clashes(typed.name, draft.engine if draft else None, others)
    if draft is None:
        return problems, None, before
    if draft.engine.address.way is Way.TLS and (before is None or before.tls is None):
        problems += _missing(typed)
    if draft.engine.ssh is not None:
        problems += missing_credentials(draft.engine.ssh)
    if draft.engine.address.way is Way.PLAIN and not draft.engine.unencrypted_accepted:
        words = "whoever runs a program on this computer is root there, as nobody is asked who they are"
        problems.append(Problem("unencrypted", f"{words}: type '{UNENCRYPTED_ACCEPTED}'"))
    return problems, draft, before


def draft_engine(
    typed: EngineInput, before: Engine | None, problems: list[Problem], at: str = ""
) -> EngineDraft | None:
    """The engine that is typed, in place of `before` where there is one; None where its address can't be read.

    What is wrong is added to `problems`, with `at` before the names of fields. That credentials are missing isn't.
    """
    where = f"{at}." if at else ""
    name = typed.name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        problems.append(Problem(f"{where}name", f"a name is needed, of {LONGEST_NAME} characters at most"))
    at_once = _whole(typed.at_once)
    if at_once is None or not 1 <= at_once <= 16:
        problems.append(Problem(f"{where}at_once", f"'{typed.at_once}' is not a number of swaps from 1 to 16"))
    timeout = _number(typed.timeout)
    if timeout is None or not 1 <= timeout <= 300:
        problems.append(Problem(f"{where}timeout", f"'{typed.timeout}' is not a number of seconds from 1 to 300"))
    problems += pem_problems(typed, where)
    try:
        address = parse_address(typed.address)
    except InvalidInput as error:
        problems += [Problem(f"{where}address", problem.words) for problem in error.problems]
        return None
    engine_id = before.id if before else new_id()
    names = secret_names(engine_id)
    given = {"ca": Secret(typed.ca), "certificate": Secret(typed.certificate), "key": typed.key}
    secrets = {names[part]: whole_pem(secret) for part, secret in given.items() if secret.reveal().strip()}
    if secrets and address.way is not Way.TLS:
        what = "a local socket" if address.way is Way.SOCKET else f"an address by {address.way}"
        problems.append(Problem(f"{where}address", f"{what} takes no certificates: leave them out, or use tcp://"))
    ssh = None
    if address.way is Way.SSH:
        ssh, more = draft_ssh(typed.ssh, address, engine_id, before.ssh if before else None, problems, where)
        secrets |= more
    accepted = typed.unencrypted.strip() == UNENCRYPTED_ACCEPTED
    accepted = accepted or (before is not None and before.unencrypted_accepted and before.address == address)
    engine = Engine(
        id=engine_id,
        name=name,
        address=address,
        location=typed.location.strip(),
        tls=_tls(names) if address.way is Way.TLS else None,
        often_offline=typed.often_offline,
        at_once=at_once or 1,
        timeout=timeout or 1.0,
        notes=typed.notes.strip(),
        probe_host=typed.probe_host.strip(),
        simulated=typed.simulated,
        ssh=ssh,
        unencrypted_accepted=address.way is Way.PLAIN and accepted,
    )
    return EngineDraft(engine, secrets)


def clashes(name: str, draft: Engine | None, others: list[Engine], at: str = "") -> list[Problem]:
    """What other engines have already: two entries for one engine would hold its caps and locks twice."""
    where = f"{at}." if at else ""
    found = []
    if any(other.name.casefold() == name.strip().casefold() for other in others):
        found.append(Problem(f"{where}name", f"there is an engine '{name.strip()}' already"))
    same = next((other for other in others if draft is not None and _reached_at(other) == _reached_at(draft)), None)
    if same is not None:
        found.append(Problem(f"{where}address", f"engine '{same.name}' has this address already"))
    return found


def secret_names(engine_id: str) -> dict[str, str]:
    """Under which names the keyring keeps the credentials of an engine, by the field of the input."""
    return {
        "ca": f"engine/{engine_id}/ca",
        "certificate": f"engine/{engine_id}/client-cert",
        "key": f"engine/{engine_id}/client-key",
    }


def _tls(names: Mapping[str, str]) -> TlsReferences:
    return TlsReferences(*(SecretReference(names[part]) for part in ("ca", "certificate", "key")))


def _references(engine: Engine) -> tuple[SecretReference, ...]:
    tls = engine.tls
    return ((tls.authority, tls.certificate, tls.key) if tls else ()) + ssh_references(engine.ssh)


def _reached_at(engine: Engine) -> tuple[Address, tuple[Hop, ...]]:
    """Behind two jump hosts there may be two engines with one address."""
    return engine.address, engine.ssh.jumps if engine.ssh else ()


def _missing(typed: EngineInput) -> list[Problem]:
    needed = {
        "ca": (typed.ca, "the certificate of the engine's authority is needed (ca.pem)"),
        "certificate": (typed.certificate, "a client certificate is needed (cert.pem)"),
        "key": (typed.key.reveal(), "the key of the client certificate is needed (key.pem)"),
    }
    return [Problem(name, words) for name, (text, words) in needed.items() if not text.strip()]


def pem_problems(typed: EngineInput, where: str) -> list[Problem]:
    """What the first lines of the PEM texts tell: the connection test tells the rest."""
    found = []
    for name, text in (("ca", typed.ca), ("certificate", typed.certificate)):
        kind = _PEM.search(text)
        if not text.strip():
            continue
        if kind is not None and kind[1].endswith("PRIVATE KEY"):
            found.append(Problem(f"{where}{name}", "this is a private key; a certificate belongs here"))
        elif kind is None or kind[1] != "CERTIFICATE" or len(text) > LONGEST_PEM:
            found.append(
                Problem(f"{where}{name}", "this is no certificate: it begins with -----BEGIN CERTIFICATE-----")
            )
    key = typed.key.reveal()
    kind = _PEM.search(key)
    if not key.strip():
        return found
    if kind is not None and (kind[1] == "ENCRYPTED PRIVATE KEY" or "Proc-Type: 4,ENCRYPTED" in key):
        words = "the key asks for a passphrase: give it without one, the keyring protects it"
        found.append(Problem(f"{where}key", words))
    elif kind is None or not kind[1].endswith("PRIVATE KEY") or len(key) > LONGEST_PEM:
        found.append(Problem(f"{where}key", "this is no private key: it begins with -----BEGIN PRIVATE KEY-----"))
    return found


def whole_pem(secret: Secret) -> Secret:
    """A PEM text with one line end at its end."""
    return Secret(secret.reveal().strip() + "\n")


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text) else None


# --- registries ---------------------------------------------------------------------------------------------------


def save_registry(console: Console, typed: RegistryInput, registry_id: str | None = None) -> Registry:
    """Add a registry, or change the one of that identity.

    Raises InvalidInput with every problem, VaultError where the keyring refuses the password, NotAllowed.
    """
    console.demand_write()
    problems = registry_problems(console, typed, registry_id)
    if problems:
        raise InvalidInput("The registry was not saved.", problems)
    registry, secrets = draft_registry(typed, registry_id or new_id())
    with kept(console.vault, secrets), console.catalog.write() as books:
        books.registries.save(registry)
    return registry


def registry_problems(console: Console, typed: RegistryInput, registry_id: str | None = None) -> list[Problem]:
    """Everything wrong with what is typed for a registry, by itself and beside those in the catalog."""
    with console.catalog.read() as books:
        there = books.registries.by_host(registry_host(typed.host.strip()))
    found = host_and_user_problems(typed)
    if there is not None and there.id != registry_id:
        found.append(Problem("host", f"the registry {there.host} is in the catalog already"))
    if registry_id is None and not typed.password:
        found.append(Problem("password", "a password is needed"))
    return found


def host_and_user_problems(typed: RegistryInput, at: str = "") -> list[Problem]:
    """What is wrong with host and user by themselves; `at` is put before the field names."""
    where = f"{at}." if at else ""
    found = []
    if not _is_registry(typed.host.strip()):
        words = f"'{typed.host.strip()}' is not a registry: host and port alone, such as registry.example:5000"
        found.append(Problem(f"{where}host", words))
    if not typed.user.strip():
        found.append(Problem(f"{where}user", "the name that the registry knows is needed"))
    return found


def draft_registry(typed: RegistryInput, registry_id: str) -> tuple[Registry, dict[str, Secret]]:
    """The registry that is typed, and what would go into the keyring, by reference name."""
    reference = SecretReference(f"registry/{registry_id}/password")
    registry = Registry(registry_id, registry_host(typed.host.strip()), typed.user.strip(), reference)
    return registry, {reference.name: typed.password} if typed.password else {}


def remove_registry(console: Console, registry_id: str) -> None:
    """Take a registry out of the catalog and its password out of the keyring."""
    console.demand_write()
    with console.catalog.write() as books:
        found = [registry for registry in books.registries.all() if registry.id == registry_id]
        books.registries.remove(registry_id)
    forget(console.vault, [registry.password for registry in found])


def _is_registry(host: str) -> bool:
    if registry_host(host) == HUB:
        return True
    try:
        reference = parse_reference(f"{host}/image")
    except InvalidInput:
        return False
    return reference.registry == host and reference.path == "image"
