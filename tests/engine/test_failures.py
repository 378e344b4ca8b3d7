"""What engines say, and what libraries raise, become errors in our words."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import ssl
import time

import docker.errors
import msgspec
import pytest
import requests
import urllib3.exceptions

from mirror_console.engine.failures import Malformed, Oversized, Refusal, in_our_words
from mirror_console.errors import EngineError, FailureKind
from tests.engine.recorded import ENGINES, recorded

every_engine = pytest.mark.parametrize("engine", ENGINES)


def _told(error: BaseException, *, registry: bool = False) -> EngineError:
    with pytest.raises(EngineError) as caught, in_our_words("fra-1", "do it", registry=registry):
        raise error
    return caught.value


@every_engine
@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("create-name-taken", FailureKind.CONFLICT),
        ("create-image-missing", FailureKind.IMAGE_NOT_FOUND),
        ("rename-taken", FailureKind.CONFLICT),
        ("rename-own-name", FailureKind.REJECTED),
        ("remove-running", FailureKind.CONFLICT),
        ("remove-missing", FailureKind.NOT_FOUND),
        ("update-remove-memory", FailureKind.REJECTED),
    ],
)
def test_refused_changes(engine: str, case: str, kind: FailureKind) -> None:
    reply = recorded(engine, case)
    error = _told(Refusal(reply.status, reply.message))
    assert error.kind is kind
    assert error.title.startswith("fra-1 could not do it: ")
    assert error.hint
    assert not error.outcome_unknown


@every_engine
@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("no-auth", FailureKind.REGISTRY_SIGN_IN),
        ("bad-auth", FailureKind.REGISTRY_SIGN_IN),
        ("missing-tag", FailureKind.IMAGE_NOT_FOUND),
        ("registry-down", FailureKind.REGISTRY_UNREACHABLE),
    ],
)
@pytest.mark.parametrize("way", ["pull", "distribution"])
def test_what_registries_refuse_is_one_kind_on_every_engine(
    engine: str, way: str, case: str, kind: FailureKind
) -> None:
    reply = recorded(engine, f"{way}-{case}")
    assert _told(Refusal(reply.status, reply.message), registry=True).kind is kind


@every_engine
def test_a_digest_that_a_registry_has_not(engine: str) -> None:
    reply = recorded(engine, "pull-missing-digest")
    error = _told(Refusal(reply.status, reply.message), registry=True)
    assert error.kind is FailureKind.IMAGE_NOT_FOUND
    assert error.title == "fra-1 could not do it: its registry doesn't have it."
    assert error.detail


@every_engine
def test_a_sign_in_that_a_registry_refuses_is_told_in_our_words_and_in_the_engines(engine: str) -> None:
    reply = recorded(engine, "pull-bad-auth")
    title = _told(Refusal(reply.status, reply.message), registry=True).title
    assert title.startswith("fra-1 could not do it: its registry refused the sign-in (")


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (
            500,
            "driver failed programming: Bind for 0.0.0.0:80 failed: port is already allocated",
            FailureKind.PORT_TAKEN,
        ),
        (500, "failed to bind host port: address already in use", FailureKind.PORT_TAKEN),
        (500, 'creating container storage: the container name "web" is already in use by 12', FailureKind.CONFLICT),
        (500, "write /var/lib/docker/x: no space left on device", FailureKind.DISK_FULL),
        (409, "network with name shop already exists", FailureKind.CONFLICT),
        (400, "client version 1.41 is too old. Minimum supported API version is 1.44", FailureKind.TOO_OLD),
        (403, "authorization denied by plugin x: no", FailureKind.PERMISSION),
        (500, "OCI runtime create failed: exec: /nope: not found", FailureKind.REJECTED),
        (500, "dial tcp: lookup logs.example: timeout", FailureKind.REJECTED),
    ],
)
def test_words_of_engines(status: int, words: str, kind: FailureKind) -> None:
    assert _told(Refusal(status, words)).kind is kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("toomanyrequests: You have reached your pull rate limit", FailureKind.REGISTRY_BUSY),
        (
            "unexpected status from HEAD request to http://r.test:5055/v2/a/manifests/1: 429 Too Many Requests",
            FailureKind.REGISTRY_BUSY,
        ),
        ("received unexpected HTTP status: 500 Internal Server Error", FailureKind.REGISTRY_TROUBLE),
        (
            "failed to resolve reference: unexpected status from HEAD request to http://r.test:5055/v2/a: 503 x",
            FailureKind.REGISTRY_TROUBLE,
        ),
        (
            "error pulling image configuration: download failed after attempts=6: 502 Bad Gateway",
            FailureKind.REGISTRY_TROUBLE,
        ),
        (
            "Get http://r.test:5000/v2/: read tcp 10.0.0.1:44586->10.0.0.2:5000: read: connection reset by peer",
            FailureKind.REGISTRY_LOST,
        ),
        ("unexpected EOF", FailureKind.REGISTRY_LOST),
        ("manifest verification failed for digest sha256:2bd3", FailureKind.CORRUPT),
        ("filesystem layer verification failed for digest sha256:2bd3", FailureKind.CORRUPT),
        (
            "failed to copy: unexpected commit digest sha256:a, expected sha256:b: failed precondition",
            FailureKind.CORRUPT,
        ),
        ("failed size validation: 10 != 20: failed precondition", FailureKind.CORRUPT),
        ("denied", FailureKind.REGISTRY_SIGN_IN),
        ("download failed after attempts=1: unknown blob", FailureKind.IMAGE_NOT_FOUND),
        (
            'Get "http://r.test:5000/v2/": dial tcp 10.0.0.2:5000: connect: no route to host',
            FailureKind.REGISTRY_UNREACHABLE,
        ),
        (
            'Get "http://r.test:5000/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
            FailureKind.REGISTRY_UNREACHABLE,
        ),
        ("write /var/lib/docker/tmp/x: no space left on device", FailureKind.DISK_FULL),
    ],
)
def test_words_of_engines_about_their_registry(words: str, kind: FailureKind) -> None:
    error = _told(Refusal(500, words), registry=True)
    assert error.kind is kind
    assert error.hint
    assert not error.outcome_unknown


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("toomanyrequests: retry-after: 212.594\u00b5s, allowed: 44000/minute", 212.594e-6),
        ("toomanyrequests: Retry-After: 30", 30),
        ("too many requests, try again in 2 minutes.", 120),
        ("please retry in 1500ms", 1.5),
        ("try again after 1h", 3600),
        ("too many requests", None),
        ("download failed after attempts=6: 429", None),
    ],
)
def test_when_it_may_be_asked_again_where_the_words_tell_it(words: str, seconds: float | None) -> None:
    assert _told(Refusal(500, words), registry=True).retry_after == (
        pytest.approx(seconds) if seconds is not None else None
    )
    assert _told(Refusal(500, words)).retry_after is None


def test_a_refusal_without_dockers_words_leaves_the_outcome_open() -> None:
    error = _told(Refusal(502, None))
    assert error.kind is FailureKind.INVALID_REPLY
    assert error.outcome_unknown


def test_words_of_engines_are_made_plain_and_ids_short() -> None:
    error = _told(Refusal(500, "\x1b[31mcontainer " + "ab" * 32 + " is\u202e bad\x07\n" + "x" * 5000))
    assert error.title.startswith("fra-1 could not do it: container abababababab is\ufffd bad xxx")
    assert len(error.title) < 600


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(-2, "Name or service not known"), FailureKind.DNS),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), FailureKind.REFUSED),
        (FileNotFoundError(errno.ENOENT, "no such file"), FailureKind.REFUSED),
        (PermissionError(errno.EACCES, "denied"), FailureKind.PERMISSION),
        (TimeoutError("timed out"), FailureKind.TIMEOUT),
        (OSError(errno.EHOSTUNREACH, "No route to host"), FailureKind.TIMEOUT),
        (ConnectionResetError(errno.ECONNRESET, "reset"), FailureKind.DROPPED),
        (BrokenPipeError(errno.EPIPE, "pipe"), FailureKind.DROPPED),
        (http.client.RemoteDisconnected("closed"), FailureKind.DROPPED),
        (http.client.IncompleteRead(b"", 5), FailureKind.DROPPED),
        (http.client.BadStatusLine("SSH-2.0-OpenSSH_9.2"), FailureKind.INVALID_REPLY),
        (OSError(errno.EMFILE, "too many open files"), FailureKind.DROPPED),
    ],
)
def test_what_goes_wrong_on_the_way_is_found_inside_what_libraries_wrap_around_it(
    error: OSError, kind: FailureKind
) -> None:
    aborted = urllib3.exceptions.ProtocolError("Connection aborted.", error)
    around = requests.ConnectionError(aborted)
    assert _told(error).kind is kind
    assert _told(around).kind is kind
    wrapped = docker.errors.DockerException("Error while fetching server API version")
    wrapped.__cause__ = around
    assert _told(wrapped).kind is kind


def _tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), FailureKind.SIGN_IN),
        (_tls("SSLV3_ALERT_BAD_CERTIFICATE"), FailureKind.SIGN_IN),
        (_tls("TLSV1_ALERT_UNKNOWN_CA"), FailureKind.SIGN_IN),
        (_tls("WRONG_VERSION_NUMBER"), FailureKind.NOT_DOCKER),
        (_tls("TLSV1_ALERT_PROTOCOL_VERSION"), FailureKind.TOO_OLD),
        (_tls("UNSUPPORTED_PROTOCOL"), FailureKind.TOO_OLD),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), FailureKind.DROPPED),
    ],
)
def test_failures_of_tls(error: ssl.SSLError, kind: FailureKind) -> None:
    assert _told(requests.exceptions.SSLError(urllib3.exceptions.SSLError(error))).kind is kind


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)"),
    ],
)
def test_a_handshake_that_is_broken_off_is_told_alike_by_every_python(error: ssl.SSLError) -> None:
    assert "closed the connection before it answered" in str(_told(error))


@pytest.mark.parametrize(
    "error",
    [
        Oversized("more than 64 bytes"),
        Malformed("an id 'x'"),
        msgspec.DecodeError("JSON is malformed"),
        msgspec.ValidationError("Expected `str`, got `int`"),
        RecursionError("maximum recursion depth exceeded"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        json.JSONDecodeError("Expecting value", "x", 0),
    ],
)
def test_replies_that_are_not_understood(error: Exception) -> None:
    told = _told(error if not isinstance(error, ValueError) else requests.exceptions.JSONDecodeError("x", "x", 0))
    assert told.kind is FailureKind.INVALID_REPLY
    assert _told(error).kind is FailureKind.INVALID_REPLY


def test_words_without_end_are_not_looked_through() -> None:
    began = time.monotonic()
    with pytest.raises(EngineError), in_our_words("fra-1", "do it", registry=True):
        raise Refusal(500, "reference " * 400_000)
    assert time.monotonic() - began < 5


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(ZeroDivisionError), in_our_words("fra-1", "do it"):
        raise ZeroDivisionError


def test_our_own_errors_pass_untouched() -> None:
    ours = EngineError(FailureKind.PLATFORM, "It has another platform.")
    assert _told(ours) is ours
