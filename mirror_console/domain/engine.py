"""An engine: a Docker daemon, the address that reaches it, and what was last learned of it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.engine_kind import EngineKind, limits
from mirror_console.domain.secret import SecretReference
from mirror_console.errors import FailureKind, InvalidInput, Problem

OLDEST_API = (1, 41)
NEWEST_API = (1, 44)
"""The newest API version spoken. One shape of replies from Docker 25 on; older engines are spoken to in their own."""

_API = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


class Way(StrEnum):
    """How an engine is reached."""

    SOCKET = "local socket"
    TLS = "TCP with TLS"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is: the path of a socket, or host and port."""

    way: Way
    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.way is Way.SOCKET:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TlsReferences:
    """Where the keyring keeps what is needed to reach an engine by TLS: each a PEM text."""

    authority: SecretReference
    certificate: SecretReference
    key: SecretReference


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker daemon that the console reaches. `at_once` is how many swaps may run on it side by side."""

    id: str
    name: str
    address: Address
    location: str = ""
    tls: TlsReferences | None = None
    often_offline: bool = False
    at_once: int = 2
    timeout: float = 10.0
    """Seconds until an unanswered request is given up."""
    notes: str = ""
    probe_host: str = ""
    """Where this computer finds the ports that the engine's containers publish, if that isn't the engine's own host."""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Registry:
    """An image registry that asks for a name and a password; the password is in the keyring."""

    id: str
    host: str
    user: str
    password: SecretReference


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself. `memory` in bytes; `clock_offset` in seconds, positive where it is ahead of us."""

    version: str
    api: str
    """The API version that is spoken with it."""
    platform: str
    """Operating system and architecture in Go's names: ``linux/amd64``."""
    name: str = ""
    cpus: int = 0
    memory: int = 0
    store: str = ""
    live_restore: bool = False
    clock_offset: float = 0.0
    kind: EngineKind = EngineKind.DOCKER

    @property
    def title(self) -> str:
        """What answers, and how it is spoken to: ``Podman 4.3.1, API 1.41``."""
        return f"{self.kind} {self.version}, API {self.api}"

    @property
    def limits(self) -> tuple[str, ...]:
        """What doesn't work with it, a sentence each."""
        return limits(self.kind)


@dataclass(frozen=True, slots=True)
class Contact:
    """The last attempt to reach an engine: answered, or why not. `took` in seconds."""

    engine_id: str
    at: datetime
    answered: bool
    took: float
    failure: FailureKind | None = None
    words: str = ""
    last_answer: datetime | None = None
    facts: EngineFacts | None = None


def parse_address(text: str) -> Address:
    """Read an engine's address.

    Raises InvalidInput with what is wrong and how an address looks. Plain TCP (port 2375, or ``http://``) is refused:
    whoever can speak to a Docker daemon is root on its host.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        if text.startswith("/") and "\0" not in text:
            return Address(Way.SOCKET, path=text)
        raise _refused(text, "it begins with unix:// or tcp://, for example tcp://engine.example:2376")
    match scheme.lower():
        case "unix":
            if not rest.startswith("/") or "\0" in rest:
                raise _refused(text, "the path of a socket begins with a slash: unix:///var/run/docker.sock")
            return Address(Way.SOCKET, path=rest)
        case "tcp" | "https":
            return _tls_address(text, rest)
        case "http":
            raise _refused(text, "http:// is not encrypted; use tcp:// with TLS, usually port 2376")
        case "ssh":
            raise _refused(text, "SSH is not supported in this version; use a local socket or tcp:// with TLS")
        case _:
            raise _refused(text, f"'{scheme}://' is not known; use unix:// or tcp://")


def _tls_address(text: str, rest: str) -> Address:
    if "/" in rest.rstrip("/") or "@" in rest or "?" in rest:
        raise _refused(text, "after the host and port nothing may follow: tcp://engine.example:2376")
    rest = rest.rstrip("/")
    match = re.fullmatch(
        r"\[(?P<six>[0-9a-fA-F:.]+)\](?::(?P<port6>[0-9]+))?|(?P<host>[^:\[\]]+)(?::(?P<port>[0-9]+))?", rest
    )
    if match is None:
        raise _refused(text, "host and port are missing or malformed: tcp://engine.example:2376")
    host = match["six"] or match["host"]
    if match["six"]:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise _refused(text, f"'{host}' is not an IPv6 address") from None
    elif not _HOST.fullmatch(host):
        raise _refused(text, f"'{host}' is not a host name")
    port = int(match["port6"] or match["port"] or 2376)
    if not 1 <= port <= 65535:
        raise _refused(text, f"port {port} is out of range 1 to 65535")
    if port == 2375:
        words = "port 2375 is Docker's unencrypted port: whoever reaches it is root there; use TLS, usually port 2376"
        raise _refused(text, words)
    return Address(Way.TLS, host=host, port=port)


def _refused(text: str, words: str) -> InvalidInput:
    return InvalidInput(f"'{text}' is not an engine's address.", [Problem("address", words)])


def spoken_api(offered: str) -> str | None:
    """The API version to speak with an engine that offers up to `offered`; None where it is too old, or no version."""
    if not is_api_version(offered):
        return None
    major, _, minor = offered.partition(".")
    version = (int(major), int(minor))
    if version < OLDEST_API:
        return None
    return "{}.{}".format(*min(version, NEWEST_API))


def is_api_version(text: str) -> bool:
    """Whether a text is the version of an API at all."""
    return _API.fullmatch(text) is not None
