"""Engine input: what is typed for an engine, checked, and made into what is kept and what goes into the keyring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mirror_console.domain.engine import (
    UNENCRYPTED_ACCEPTED,
    Address,
    Engine,
    TlsReferences,
    Way,
    identity_at,
    parse_address,
    server_key_at,
)
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import new_id
from mirror_console.operations.ssh_input import SshInput, draft_ssh, ssh_input, ssh_references

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
    if not typed.address.strip():
        words = "an address is needed: unix:///run/docker.sock, ssh://user@host or tcp://host:2376"
        problems.append(Problem(f"{where}address", words))
        return None
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
        server_key=server_key_at(address, before),
        identity=identity_at(address, before),
    )
    return EngineDraft(engine, secrets)


def clashes(name: str, draft: Engine | None, others: list[Engine], at: str = "") -> list[Problem]:
    """What other engines have already: two entries for one engine would hold its caps and locks twice."""
    where = f"{at}." if at else ""
    found = []
    if name.strip() and any(other.name.casefold() == name.strip().casefold() for other in others):
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


def engine_references(engine: Engine) -> tuple[SecretReference, ...]:
    """All that the keyring keeps of an engine's own."""
    tls = engine.tls
    return ((tls.authority, tls.certificate, tls.key) if tls else ()) + ssh_references(engine.ssh)


def _reached_at(engine: Engine) -> tuple[Address, tuple[Hop, ...]]:
    """Behind two jump hosts there may be two engines with one address."""
    return engine.address, engine.ssh.jumps if engine.ssh else ()


def missing_certificates(typed: EngineInput) -> list[Problem]:
    """What a new engine by TLS needs and isn't typed."""
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
