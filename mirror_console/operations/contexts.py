"""Contexts: the engines that a person's own Docker set-up knows, offered for import. It is read, and never changed.

A context is a folder of the docker command line: ``contexts/meta/<hash of its name>/meta.json`` says where its engine
is, ``contexts/tls/<the same>/docker/`` holds its certificates. DOCKER_HOST stands for one without a name.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.plain import clean
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SignIn
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.engine_input import LONGEST_PEM, EngineInput
from mirror_console.operations.engines import engine_problems, save_engine
from mirror_console.operations.key_file import read_key_file
from mirror_console.operations.ssh_input import SshInput

AMBIENT = "DOCKER_HOST"
"""The name of what the environment's variables say."""
MOST_CONTEXTS = 200
LONGEST_META = 64 * 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
"""Which names the docker command line gives. Source: docker/cli, restrictedNamePattern."""
_FILES = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}


@dataclass(frozen=True, slots=True)
class DockerContext:
    """One engine of the person's Docker set-up. `refused` says why it can't be imported; empty means that it can."""

    name: str
    address: str = ""
    description: str = ""
    tls: Path | None = None
    """The folder with its certificates."""
    refused: str = ""


class _Endpoint(msgspec.Struct):
    host: str = msgspec.field(name="Host", default="")
    skip_verify: bool = msgspec.field(name="SkipTLSVerify", default=False)


class _Endpoints(msgspec.Struct):
    docker: _Endpoint | None = None


class _Metadata(msgspec.Struct):
    description: str = msgspec.field(name="Description", default="")


class _Meta(msgspec.Struct):
    name: str = msgspec.field(name="Name")
    endpoints: _Endpoints = msgspec.field(name="Endpoints", default_factory=_Endpoints)
    metadata: _Metadata = msgspec.field(name="Metadata", default_factory=_Metadata)


class _Refused(Exception):
    """What is wrong with a context, in words."""


def contexts(home: Path, environment: Mapping[str, str]) -> list[DockerContext]:
    """Every context below the person's `home`, and what DOCKER_HOST says, by name. Those that are refused say why."""
    folder = Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "contexts"
    found = [*_ambient(home, environment), *_kept(folder)]
    return sorted(found, key=lambda one: (one.name != AMBIENT, one.name.casefold()))


def import_context(console: Console, home: Path, environment: Mapping[str, str], name: str, called: str = "") -> Engine:
    """Add the engine of a context, its certificates going into the keyring; `called` is its name here, if another.

    Raises InvalidInput with every reason against it, VaultError where the keyring refuses, NotAllowed.
    """
    console.demand_write()
    there = {one.name: one for one in contexts(home, environment)}
    found = there.get(name)
    if found is None:
        known = ", ".join(there) or "none"
        raise InvalidInput("There is no such context.", [Problem("name", f"'{clean(name)}' isn't one of: {known}")])
    if found.refused:
        raise InvalidInput(f"The context {name} can't be imported.", [Problem("context", found.refused)])
    return save_engine(console, _typed(found, called))


def context_problems(console: Console, found: DockerContext, called: str = "") -> list[Problem]:
    """What stands against importing a context now, the engines of the catalog included."""
    if found.refused:
        return [Problem("context", found.refused)]
    try:
        return engine_problems(console, _typed(found, called))
    except InvalidInput as error:
        return list(error.problems)


def _typed(found: DockerContext, called: str) -> EngineInput:
    """What would be typed for it. Raises InvalidInput where a file of its certificates can't be taken."""
    name = called or ("docker-host" if found.name == AMBIENT else found.name)
    # The docker command line goes by SSH as the person does: with their agent, and what ~/.ssh/config says.
    own = SshInput(sign_in=SignIn.OWN)
    typed = EngineInput(name=name, address=found.address, notes=found.description, ssh=own)
    if found.tls is None or not found.address.startswith("tcp://"):
        return typed
    texts = {part: _pem(found.tls, file) for part, file in _FILES.items()}
    return EngineInput(
        name=name,
        address=found.address,
        notes=found.description,
        ca=texts["ca"].reveal(),
        certificate=texts["certificate"].reveal(),
        key=texts["key"],
    )


# --- what the environment says ------------------------------------------------------------------------------------


def _ambient(home: Path, environment: Mapping[str, str]) -> Iterator[DockerContext]:
    host = environment.get("DOCKER_HOST", "").strip()
    if not host:
        return
    verified = bool(environment.get("DOCKER_TLS_VERIFY"))
    tls = Path(environment.get("DOCKER_CERT_PATH") or home / ".docker") if verified else None
    refused = _refusal(host)
    if not refused and host.startswith("tcp://") and not verified:
        refused = "it is reached without TLS: whoever reaches such an engine is root on its host"
    yield DockerContext(AMBIENT, _shown(host), "of this environment's variables", tls, refused)


# --- what the docker command line keeps ---------------------------------------------------------------------------


def _kept(folder: Path) -> Iterator[DockerContext]:
    meta = folder / "meta"
    try:
        with os.scandir(meta) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        # No context was ever made there, or it isn't this person's to read.
        return
    for name in names[:MOST_CONTEXTS]:
        try:
            yield _read(folder, name)
        except _Refused as refused:
            yield DockerContext(clean(name, 40), refused=str(refused))
    if len(names) > MOST_CONTEXTS:
        yield DockerContext("…", refused=f"there are more than {MOST_CONTEXTS}; the others were not read")


def _read(folder: Path, entry: str) -> DockerContext:
    """One context. Raises _Refused where it isn't one that the docker command line would make."""
    text = _bounded(folder / "meta" / entry / "meta.json", LONGEST_META, folder)
    try:
        meta = msgspec.json.decode(text, type=_Meta)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _Refused("its meta.json isn't one of a context") from None
    if not _NAME.fullmatch(meta.name) or hashlib.sha256(meta.name.encode()).hexdigest() != entry:
        raise _Refused("the name in its meta.json isn't that of its folder")
    docker = meta.endpoints.docker
    if docker is None:
        return DockerContext(meta.name, refused="it says nothing of a Docker engine")
    tls = folder / "tls" / entry / "docker"
    has_tls = tls.is_dir()
    refused = _refusal(docker.host)
    if not tls.resolve().is_relative_to(folder.resolve()):
        refused = "the folder of its certificates is a link that leads elsewhere"
    if not refused and docker.skip_verify:
        refused = "it doesn't verify whom it speaks with (SkipTLSVerify); make it with the authority's certificate"
    if not refused and docker.host.startswith("tcp://") and not has_tls:
        refused = "it is reached without TLS: whoever reaches such an engine is root on its host"
    description = clean(meta.metadata.description, 200)
    return DockerContext(meta.name, _shown(docker.host), description, tls if has_tls else None, refused)


def _refusal(host: str) -> str:
    """Why an address can't be taken; empty where it can."""
    if not host:
        return "it has no address"
    try:
        parse_address(host)
    except InvalidInput as error:
        return "; ".join(problem.words for problem in error.problems)
    return ""


def _shown(host: str) -> str:
    """An address as it is shown: cleaned, and without a password that somebody wrote into it."""
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1@", clean(host, 300))


def _pem(folder: Path, name: str) -> Secret:
    path = folder / name
    try:
        if name == _FILES["key"]:
            return read_key_file(path, LONGEST_PEM, follow=False)
        return Secret(_bounded(path, LONGEST_PEM, folder).decode("ascii"))
    except _Refused as refused:
        raise InvalidInput("The context can't be imported.", [Problem(name, str(refused))]) from None
    except UnicodeDecodeError:
        raise InvalidInput("The context can't be imported.", [Problem(name, "it is no PEM text")]) from None


def _bounded(path: Path, most: int, below: Path) -> bytes:
    """The octets of a plain file that is no link and lies below a folder. Raises _Refused."""
    if not path.resolve().is_relative_to(below.resolve()):
        raise _Refused("a part of its path is a link that leads elsewhere")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _Refused(f"its {path.name} can't be read: {error.strerror or 'it is a link'}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _Refused(f"its {path.name} is no plain file")
        with suppress(OSError):
            text = file.read(most + 1)
            if len(text) <= most:
                return text
            raise _Refused(f"its {path.name} is larger than {most // 1024} KB")
    raise _Refused(f"its {path.name} can't be read")
