"""An engine: a Docker daemon, the address that reaches it, and what was last learned of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from mirror_console.domain.counting import counted
from mirror_console.domain.engine_kind import EngineKind, limits
from mirror_console.domain.host import host_and_port, is_loopback
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.ssh import DEFAULT_PORT, SOCKET_PATH, SshAccess, parse_hop
from mirror_console.errors import FailureKind, InvalidInput, Problem

OLDEST_API = (1, 41)
NEWEST_API = (1, 44)
"""The newest API version spoken. One shape of replies from Docker 25 on; older engines are spoken to in their own."""

_API = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
DOCKER_TLS_PORT = 2376
DOCKER_PLAIN_PORT = 2375
UNENCRYPTED_ACCEPTED = "I accept root without authentication"
"""What a person types to have an engine without encryption: whoever runs a program on this computer is root there."""
CLOCK_TOLERANCE = 60.0
"""Seconds that an engine's clock may differ from ours without a warning."""
CLOCK_LIMIT = 300.0
"""Seconds from which on nothing is started by a maintenance window: one of the two clocks says the wrong hour."""


class Way(StrEnum):
    """How an engine is reached."""

    SOCKET = "local socket"
    TLS = "TCP with TLS"
    SSH = "SSH"
    PLAIN = "TCP without encryption"
    """On this computer alone, and only after a person has accepted what that means."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is: the path of a socket, or host and port; by SSH a user too, and the path of a socket there.

    By SSH an empty user means the one that the person's own SSH settings name, and an empty path the socket that the
    host's Docker uses.
    """

    way: Way
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        match self.way:
            case Way.SOCKET:
                return f"unix://{self.path}"
            case Way.TLS:
                return f"tcp://{host}:{self.port}"
            case Way.PLAIN:
                return f"http://{host}:{self.port}"
            case Way.SSH:
                user = f"{self.user}@" if self.user else ""
                port = "" if self.port == DEFAULT_PORT else f":{self.port}"
                return f"ssh://{user}{host}{port}{self.path}"
            case _:
                assert_never(self.way)


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
    ssh: SshAccess | None = None
    unencrypted_accepted: bool = False
    """Whether a person typed that they accept what it means to reach this address without encryption."""
    server_key: str = ""
    """By TLS: the fingerprint of the key that the server at this address was seen to have; empty before that."""
    identity: str = ""
    """By what the daemon at this address was seen to know itself; empty before that, and where it tells none."""


def server_key_at(address: Address, before: Engine | None) -> str:
    """The key that is remembered for an address: that of the engine as it was before, where it has the same one."""
    return before.server_key if before is not None and before.address == address else ""


def identity_at(address: Address, before: Engine | None) -> str:
    """What the daemon at an address knows itself by: as the engine was before, where it has the same address."""
    return before.identity if before is not None and before.address == address else ""


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
    identity: str = ""
    """By what the daemon knows itself; it stays through restarts and upgrades. Empty where it tells none that stays."""
    warnings: tuple[str, ...] = ()
    """What the engine itself warns of."""
    folder: str = ""
    """Where its images are on its host; empty where that is no plain path."""
    kernel: str = ""
    manages_swarm: bool = False
    """Whether it is a manager of a Swarm, whose services it changes."""
    swarm_nodes: int = 0
    """How many nodes its Swarm has, as far as it is told; 0 where it manages none."""
    rootless: bool = False
    """Whether it runs without root's rights on its host."""

    @property
    def title(self) -> str:
        """What answers, and how it is spoken to: ``Podman 4.3.1, API 1.41``."""
        return f"{self.kind} {self.version}, API {self.api}"

    @property
    def swarm_words(self) -> str:
        """What it is in a Swarm: ``It manages a Swarm of 3 nodes.``; empty where it manages none."""
        if not self.manages_swarm:
            return ""
        return (
            f"It manages a Swarm of {counted(self.swarm_nodes, 'node')}." if self.swarm_nodes else "It manages a Swarm."
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """What doesn't work with it, a sentence each."""
        return limits(self.kind)

    @property
    def clock_is_off(self) -> bool:
        """Whether its clock differs so much that times it tells, and certificates, can't be trusted to fit ours."""
        return abs(self.clock_offset) > CLOCK_TOLERANCE

    @property
    def clock_words(self) -> str:
        """How its clock stands to ours: "0.4 s ahead", "300 s behind"."""
        away = abs(self.clock_offset)
        way = "ahead" if self.clock_offset > 0 else "behind"
        return f"{away:.0f} s {way}" if away >= 10 else f"{away:.1f} s {way}"


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

    Raises InvalidInput with what is wrong and how an address looks. Plain TCP (``http://``) is read for addresses of
    this computer alone, and still needs to be accepted: whoever can speak to a Docker daemon is root on its host.
    """
    text = text.strip()
    try:
        return _read(text)
    except ValueError as error:
        problem = Problem("address", str(error))
        raise InvalidInput(f"'{text}' is not an engine's address.", [problem]) from None


def _read(text: str) -> Address:
    scheme, separator, rest = text.partition("://")
    if not separator:
        if text.startswith("/") and "\0" not in text:
            return Address(Way.SOCKET, path=text)
        raise ValueError("it begins with unix://, ssh:// or tcp://, for example tcp://engine.example:2376")
    match scheme.lower():
        case "unix":
            if not rest.startswith("/") or "\0" in rest:
                raise ValueError("the path of a socket begins with a slash: unix:///var/run/docker.sock")
            return Address(Way.SOCKET, path=rest)
        case "tcp" | "https":
            return _tls_address(rest)
        case "ssh":
            return _ssh_address(rest)
        case "http":
            return _plain_address(rest)
        case _:
            raise ValueError(f"'{scheme}://' is not known; use unix://, ssh:// or tcp://")


def _tls_address(rest: str) -> Address:
    host, port = _host_alone(rest, DOCKER_TLS_PORT, "tcp://engine.example:2376")
    if port == DOCKER_PLAIN_PORT:
        words = "port 2375 is Docker's unencrypted port: whoever reaches it is root there; use TLS, usually port 2376"
        raise ValueError(words)
    return Address(Way.TLS, host=host, port=port)


def _plain_address(rest: str) -> Address:
    host, port = _host_alone(rest, None, "http://127.0.0.1:2375")
    if not is_loopback(host):
        raise ValueError(
            "http:// is not encrypted, so it is for this computer alone (127.0.0.1); use ssh:// or tcp:// with TLS"
        )
    return Address(Way.PLAIN, host=host, port=port)


def _host_alone(rest: str, default: int | None, example: str) -> tuple[str, int]:
    if "/" in rest.rstrip("/") or "@" in rest or "?" in rest:
        raise ValueError(f"after the host and port nothing may follow: {example}")
    try:
        return host_and_port(rest.rstrip("/"), default)
    except ValueError as error:
        words = str(error)
        raise ValueError(f"{words}: {example}" if words.endswith(("missing", "malformed")) else words) from None


def _ssh_address(rest: str) -> Address:
    named, slash, path = rest.partition("/")
    socket = slash + path if path else ""
    if socket and (not SOCKET_PATH.fullmatch(socket) or ".." in socket.split("/")):
        raise ValueError(f"'{socket}' is not the path of a socket: after the host, the path of one on it may follow")
    if ":" in named.rpartition("@")[0]:
        raise ValueError("a password never stands in an address: the keyring keeps it")
    try:
        hop = parse_hop(named)
    except ValueError as error:
        words = str(error)
        example = ": ssh://deploy@engine.example" if words.endswith("malformed") else ""
        raise ValueError(words + example) from None
    return Address(Way.SSH, path=socket, host=hop.host, port=hop.port, user=hop.user)


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
