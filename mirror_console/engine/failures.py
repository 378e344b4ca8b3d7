"""The one place where errors of the docker package and of the libraries below it become EngineErrors in our words."""

from __future__ import annotations

import errno
import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import msgspec
import requests
import urllib3.exceptions

from mirror_console.domain.plain import clean
from mirror_console.engine.registry_refusals import SAID, meaning, retry_after
from mirror_console.engine.ssh_failures import of_remote
from mirror_console.errors import EngineError, FailureKind

LONGEST_WORDS = 4096
"""Characters of an error's message that are looked at: to look for phrases in megabytes of words takes minutes."""


class Refusal(Exception):
    """An engine answered with an error. `words` is its message, None where the reply wasn't one of Docker's."""

    def __init__(self, status: int, words: str | None) -> None:
        words = words if words is None else words[:LONGEST_WORDS]
        super().__init__(status, words)
        self.status = status
        self.words = words


class Oversized(Exception):
    """A reply, or one line of it, is longer than any that is worth reading."""


class Malformed(Exception):
    """A reply that could be parsed doesn't say what was asked for."""


_NOT_UNDERSTOOD = (
    Oversized,
    Malformed,
    msgspec.DecodeError,
    RecursionError,  # brackets within brackets without end
    UnicodeError,
    # The package's verbs parse some replies themselves:
    json.JSONDecodeError,
    requests.exceptions.InvalidJSONError,
)
_BROKEN_OFF = (
    ConnectionError,
    http.client.IncompleteRead,
    urllib3.exceptions.ClosedPoolError,
    # The same in mid-handshake is the one or the other: Pythons differ.
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
_NOT_HTTP = (
    http.client.HTTPException,
    urllib3.exceptions.DecodeError,
    urllib3.exceptions.InvalidHeader,
    urllib3.exceptions.InvalidChunkLength,
)


@contextmanager
def in_our_words(engine: str, doing: str, *, registry: bool = False) -> Iterator[None]:
    """Raise EngineError for whatever goes wrong inside. `doing` completes the sentence "<engine> could not …".

    `registry`: the engine asks a registry in turn, so its words may be about that.
    """
    try:
        yield
    except Refusal as refusal:
        raise refused(engine, doing, refusal.status, refusal.words, registry=registry) from refusal
    except _NOT_UNDERSTOOD as error:
        raise _not_understood(engine, clean(str(error))) from error
    except (requests.RequestException, docker.errors.DockerException, urllib3.exceptions.HTTPError) as error:
        raise lost(engine, error) from error
    except (http.client.HTTPException, OSError) as error:
        raise lost(engine, error) from error


# --- what an engine says ------------------------------------------------------------------------------------------

# In this order: the first that fits counts. Source: replies of Docker 20.10 and 29 with both image stores, Podman 4.3.
_SAID = (
    (FailureKind.DISK_FULL, ("no space left on device", "disk quota exceeded")),
    (
        FailureKind.PORT_TAKEN,
        ("port is already allocated", "address already in use", "ports? (?:is|are) not available"),
    ),
    (
        FailureKind.CONFLICT,
        (
            "name .*is already in use",
            "already exists",
            "cannot be removed without force|force removal",
            # A Swarm, where somebody else has changed the same since it was read.
            "update out of sequence",
        ),
    ),
    (FailureKind.TOO_OLD, (r"client version \S+ is too (?:old|new)", "client is newer than server")),
    (
        FailureKind.IMAGE_NOT_FOUND,
        ("no such image", "image not known", "reference .*does not exist locally", "failed to get digest"),
    ),
)

_LONG_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_WITHIN_SWARM = re.compile(r"^rpc error: code = \w+ desc = ")
"""How a manager passes on what it was told by the part of it that keeps the Swarm."""

_HINTS = {
    FailureKind.DISK_FULL: "Free disk space on the engine's host, then try again.",
    FailureKind.PORT_TAKEN: "Something else uses this port on the engine. Stop it or choose another port. "
    "Where nothing uses it, the engine keeps it by mistake and needs a restart.",
    FailureKind.CONFLICT: "Look at the engine again: something else was changed there in the meantime.",
    FailureKind.PLATFORM: "Publish the image for the engine's platform, or place the environment on another engine.",
    FailureKind.REGISTRY_SIGN_IN: "Check the name and the password that are kept for this registry, and that they may "
    "read this repository.",
    FailureKind.REGISTRY_UNREACHABLE: "Check that the engine's host reaches the registry.",
    FailureKind.REGISTRY_LOST: "Check the network between the engine's host and the registry, then try again.",
    FailureKind.REGISTRY_BUSY: "Try again later, with fewer pulls at once. Some registries allow more to who signs in.",
    FailureKind.REGISTRY_TROUBLE: "The reason is at the registry: ask whoever runs it, then try again.",
    FailureKind.CORRUPT: "What arrived is not what was published. Publish the image again; if that doesn't help, look "
    "at the registry's storage and at what stands before it.",
    FailureKind.IMAGE_NOT_FOUND: "Check the image's name, and that it was published.",
    FailureKind.NOT_FOUND: "Look at the engine again: it may have been removed.",
    FailureKind.PERMISSION: "Ask whoever runs the engine for the right to do this.",
    FailureKind.SIGN_IN: "Check the client certificate and key of this engine.",
    FailureKind.TOO_OLD: "Connect to the engine again. If that doesn't help: bring it to Docker 20.10 or newer. "
    "Where it is newer than this console, bring the console up to date.",
    FailureKind.REJECTED: "The reason above is the engine's own. Correct its cause and try again.",
}
_STRAIGHT = "Check that the address leads straight to a Docker engine, then look at it again."


def refused(engine: str, doing: str, status: int, words: str | None, *, registry: bool = False) -> EngineError:
    """The error for an error reply of an engine. `words` None means that what answered doesn't talk like Docker."""
    if words is None:
        title = f"{engine} answered with status {status}, and not as Docker does."
        detail = f"status {status} without a reason"
        return EngineError(FailureKind.INVALID_REPLY, title, _STRAIGHT, detail=detail, status=status)
    kind = classify(status, words, registry=registry)
    said = _WITHIN_SWARM.sub("", _LONG_ID.sub(r"\1", clean(words)))
    why = meaning(kind, said.rstrip(".")) if registry else said.rstrip(".")
    title = f"{engine} could not {doing}: {why}." if why else f"{engine} could not {doing}."
    later = retry_after(words) if registry else None
    return EngineError(kind, title, _HINTS[kind], detail=said, retry_after=later, status=status)


def classify(status: int, words: str, *, registry: bool) -> FailureKind:
    """Which kind of failure an engine's words mean. By the words first: statuses differ between engines."""
    for kind, patterns in _SAID + (SAID if registry else ()):
        if any(re.search(pattern, words, re.IGNORECASE) for pattern in patterns):
            return kind
    match status:
        case 401:
            return FailureKind.REGISTRY_SIGN_IN if registry else FailureKind.SIGN_IN
        case 403:
            return FailureKind.PERMISSION
        case 404:
            return FailureKind.NOT_FOUND
        case 409:
            return FailureKind.CONFLICT
        case 429 if registry:
            return FailureKind.REGISTRY_BUSY
        case _:
            return FailureKind.REJECTED


def said_nothing(error: BaseException) -> bool:
    """Whether it was for silence that a reply was given up, and not for the want of a connection."""
    silence = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
    return any(isinstance(cause, silence) for cause in causes(error))


def _not_understood(engine: str, why: str) -> EngineError:
    return EngineError(
        FailureKind.INVALID_REPLY,
        f"The reply of {engine} was not understood.",
        _STRAIGHT,
        detail=why,
    )


# --- what goes wrong on the way -----------------------------------------------------------------------------------


def lost(engine: str, error: BaseException) -> EngineError:
    """The error for a request that got no reply. The innermost cause that is known decides."""
    found = list(causes(error))
    for tell in (of_remote, _of_tls, _of_address, _of_time, _of_connection):
        for cause in found:
            told = tell(engine, cause)
            if told is not None:
                return told
    if any(isinstance(cause, _NOT_HTTP) for cause in found):
        return _not_understood(engine, clean(str(found[-1])))
    words = clean(str(error))
    return EngineError(
        FailureKind.DROPPED,
        f"The connection to {engine} failed.",
        "Check the network between this computer and the engine, then try again.",
        detail=words,
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and all that it wraps in one of the ways that libraries have for it."""
    todo, seen = [error], set[int]()
    while todo:
        cause = todo.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
        todo += [wrapped for wrapped in inner if isinstance(wrapped, BaseException)]


def _of_tls(engine: str, cause: BaseException) -> EngineError | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return EngineError(
            FailureKind.CERTIFICATE,
            f"The certificate that {engine} shows is not trusted: {clean(cause.verify_message).rstrip('.')}.",
            "Check the address, the certificate authority given for this engine, and the engine's certificate.",
            detail=clean(str(cause)),
        )
    if not isinstance(cause, ssl.SSLError):
        return None
    words = clean(str(cause))
    # An error of Python's own, not of OpenSSL's, has none.
    reason = (getattr(cause, "reason", None) or "").upper()
    if "PROTOCOL" in reason and "WRONG_VERSION" not in reason:
        return EngineError(
            FailureKind.TOO_OLD,
            f"{engine} and this console have no version of TLS in common.",
            "Let the engine speak TLS 1.2 or newer.",
            detail=words,
        )
    if "ALERT" in reason:
        return EngineError(
            FailureKind.SIGN_IN,
            f"{engine} refused the client certificate.",
            "Check that certificate and key belong together and that the engine's authority has issued them.",
            detail=words,
        )
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}:
        return EngineError(
            FailureKind.NOT_DOCKER,
            f"What answers at the address of {engine} doesn't speak TLS.",
            "Check host and port: Docker with TLS usually listens on port 2376.",
            detail=words,
        )
    return None


def _of_address(engine: str, cause: BaseException) -> EngineError | None:
    words = clean(str(cause))
    match cause:
        case socket.gaierror() | urllib3.exceptions.NameResolutionError():
            title, hint = f"The host name of {engine} is not known.", "Check the address, the network and the VPN."
            return EngineError(FailureKind.DNS, title, hint, detail=words)
        case FileNotFoundError() | NotADirectoryError():
            title, hint = f"The socket of {engine} isn't there.", "Check its path, and that Docker runs."
            return EngineError(FailureKind.REFUSED, title, hint, detail=words)
        case ConnectionRefusedError():
            title = f"Nothing accepts connections at the address of {engine}."
            return EngineError(FailureKind.REFUSED, title, "Check that Docker runs there and listens.", detail=words)
        case PermissionError():
            title = f"This user may not open the socket of {engine}."
            hint = "Ask for membership in the group that owns the socket, usually 'docker', and sign in again."
            return EngineError(FailureKind.PERMISSION, title, hint, detail=words)
        case _:
            return None


def _of_time(engine: str, cause: BaseException) -> EngineError | None:
    late = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError, urllib3.exceptions.EmptyPoolError)
    unreachable = isinstance(cause, OSError) and cause.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}
    if not isinstance(cause, late) and not unreachable:
        return None
    title = f"{engine} can't be reached from here." if unreachable else f"{engine} did not answer in time."
    hint = "Check the network, the VPN and the load of the engine. Give it more time in its settings if it is far away."
    return EngineError(FailureKind.TIMEOUT, title, hint, detail=clean(str(cause)))


def _of_connection(engine: str, cause: BaseException) -> EngineError | None:
    # A line that isn't HTTP also counts as a broken-off connection to Python, unless nothing came at all.
    if isinstance(cause, http.client.BadStatusLine) and not isinstance(cause, http.client.RemoteDisconnected):
        return _not_understood(engine, "it doesn't speak HTTP")
    if isinstance(cause, _BROKEN_OFF) or (
        isinstance(cause, OSError) and cause.errno in {errno.ECONNRESET, errno.EPIPE}
    ):
        title = f"{engine} closed the connection before it answered."
        hint = "The engine may be restarting. Look at it again."
        return EngineError(FailureKind.DROPPED, title, hint, detail=clean(str(cause)))
    return None
