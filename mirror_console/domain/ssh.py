"""The SSH way to an engine: how one signs in, which hosts lie on the way, and which keys they were seen to have."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.host import host_and_port
from mirror_console.domain.secret import SecretReference
from mirror_console.domain.server_key import trust_command
from mirror_console.errors import EngineError, FailureKind

DEFAULT_PORT = 22
DEFAULT_SOCKET = "/var/run/docker.sock"
"""Where an engine listens on its own host, unless it is told otherwise."""
MOST_HOPS = 4

USER = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}\$?")
"""A login name as systems know it. It never begins with a dash: some program might take it for an option."""
SOCKET_PATH = re.compile(r"(?:/[A-Za-z0-9_@%+=:,.-]+)+")
"""A path that means the same to every shell, so that none can be made to do something else."""

_KEY_TYPE = re.compile(r"[a-z0-9][a-z0-9@.-]{2,63}")
_LONGEST_KEY = 16 * 1024


class SignIn(StrEnum):
    """How one signs in at the engine's host, and at the hosts on the way to it."""

    KEY = "private key"
    PASSWORD = "password"  # noqa: S105 # the word, not one
    OWN = "own settings"
    """The person's agent, ``~/.ssh/config`` and ``known_hosts``. In any other case none of them is looked at."""


class ToSocket(StrEnum):
    """How the engine's socket is reached once one is signed in."""

    COMMAND = "docker command"
    """``docker system dial-stdio`` on the host; where there is no such command, the socket itself."""
    SOCKET = "socket"
    """A channel straight to the socket: it needs no program on the host, and is faster to open."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A host on the way. An empty user means the one that the person's own SSH settings name."""

    host: str
    port: int = DEFAULT_PORT
    user: str = ""

    @property
    def place(self) -> str:
        """Host and port, as a person writes them."""
        return f"{_bracketed(self.host)}:{self.port}"

    def __str__(self) -> str:
        return f"{self.user}@{self.place}" if self.user else self.place


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key of the SSH server at a host and port: its type, and the public key in base64."""

    host: str
    port: int
    type: str
    key: str

    @property
    def place(self) -> str:
        """Host and port, as a person writes them."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it: ``SHA256:`` and the hash in base64."""
        digest = hashlib.sha256(base64.b64decode(self.key)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def words(self) -> str:
        """Type and fingerprint, as they are compared with what stands on the host."""
        return f"{self.type} {self.fingerprint}"

    def __str__(self) -> str:
        return f"{self.place} {self.type} {self.key}"


@dataclass(frozen=True, slots=True)
class SshAccess:
    """What is needed to reach an engine by SSH beside its address: the secrets themselves are in the keyring.

    The same sign-in goes for every host on the way: `jumps` are passed in this order.
    """

    sign_in: SignIn = SignIn.KEY
    to_socket: ToSocket = ToSocket.COMMAND
    jumps: tuple[Hop, ...] = ()
    host_keys: tuple[HostKey, ...] = ()
    """Those that a person accepted. One host may have several; each counts only for its own host and port."""
    key: SecretReference | None = None
    passphrase: SecretReference | None = None
    password: SecretReference | None = None

    def known(self, host: str, port: int) -> tuple[HostKey, ...]:
        """The keys that were accepted for a host and port."""
        return tuple(key for key in self.host_keys if (key.host, key.port) == (host, port))


class Stage(StrEnum):
    """How far the way by SSH had been gone when it failed."""

    HOST_KEY = "host key"
    """Connecting, up to the server's key being the right one. Nothing of the sign-in has been sent."""
    SIGN_IN = "sign-in"
    SOCKET = "socket"


class SshError(EngineError):
    """The way by SSH failed at a stage of it."""

    def __init__(self, stage: Stage, kind: FailureKind, title: str, hint: str = "", *, detail: str = "") -> None:
        super().__init__(kind, title, hint, detail=detail)
        self.stage = stage


class HostKeyRefused(SshError):
    """A host on the way showed a key that nobody has accepted, or another one than before.

    Nothing of the sign-in was sent. `offered` is what it showed, `accepted` what would have been taken: nothing where
    the host is new.
    """

    def __init__(self, engine: str, offered: HostKey, accepted: tuple[HostKey, ...]) -> None:
        if accepted:
            kind = FailureKind.HOST_KEY_CHANGED
            before = " or ".join(key.words for key in accepted)
            title = f"The SSH server {offered.place} of {engine} has another key than before: "
            title += f"stored {before}, offered {offered.words}."
            hint = "Somebody may be listening in. If the server was set up anew, compare the fingerprint with what "
            hint += "stands on its console, and only then replace the key."
        else:
            kind = FailureKind.HOST_KEY_UNKNOWN
            title = f"The SSH server {offered.place} of {engine} is not known yet. Its key is {offered.words}."
            hint = "Compare the fingerprint with what stands on the server's console "
            hint += "(ssh-keygen -l -f on its public key), then trust it."
        super().__init__(Stage.HOST_KEY, kind, title, hint)
        self.command = trust_command(engine)
        self.offered = offered
        self.accepted = accepted

    @property
    def changed(self) -> bool:
        """Whether another key was accepted for this server before."""
        return bool(self.accepted)


def parse_host_key(text: str, default: Hop | None = None) -> HostKey:
    """Read ``host:port type base64``, or a line of a public key file where the host is `default`.

    Raises ValueError with words.
    """
    words = text.split()
    if default is not None and words and _KEY_TYPE.fullmatch(words[0]) and ":" not in words[0]:
        hop = default
    elif words:
        hop = parse_hop(words.pop(0), user=False)
    else:
        raise ValueError("a host key is a type and a key, such as ssh-ed25519 AAAA…")
    if len(words) < 2 or not _KEY_TYPE.fullmatch(words[0]):
        raise ValueError("a host key is a type and a key, such as ssh-ed25519 AAAA…")
    kind, key = words[:2]
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    # The type stands once more at the beginning of the key, after its length. Source: RFC 4253, 6.6.
    named = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    if len(blob) > _LONGEST_KEY or named != kind.encode():
        raise ValueError(f"this is no key of type {kind}")
    return HostKey(hop.host, hop.port, kind, key)


def parse_hops(text: str) -> tuple[Hop, ...]:
    """Read hosts between commas: ``user@host:port``. Raises ValueError with words."""
    hops = tuple(parse_hop(part.strip()) for part in text.split(",") if part.strip())
    if len(hops) > MOST_HOPS:
        raise ValueError(f"{MOST_HOPS} jump hosts at most")
    return hops


def parse_hop(text: str, *, user: bool = True) -> Hop:
    """Read ``user@host:port``; the user (without `user`: never) and the port may be left out.

    Raises ValueError with words. Whatever begins with a dash, and whatever a shell could take for more than a name, is
    neither a user nor a host.
    """
    name, separator, rest = text.rpartition("@")
    if separator and (not user or not USER.fullmatch(name)):
        raise ValueError(f"'{name}' is not a user's name" if user else f"'{text}' names a user: host and port alone")
    host, port = host_and_port(rest, DEFAULT_PORT)
    return Hop(host, port, name)


def with_host_key(access: SshAccess, key: HostKey) -> tuple[HostKey, ...]:
    """The accepted keys with this one in place of whatever was accepted for its host and port."""
    return (*_others(access.host_keys, key), key)


def _others(keys: Iterable[HostKey], key: HostKey) -> Iterable[HostKey]:
    return (other for other in keys if (other.host, other.port) != (key.host, key.port))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
