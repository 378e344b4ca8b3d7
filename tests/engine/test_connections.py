"""How engines are connected: nothing of the surroundings leaks in, nothing endless or false comes through."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import RestartPolicy, Settings
from mirror_console.domain.request import ContainerSpec, RegistryLogin
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.engine import DockerEngines, client, container_output, streams, transport
from mirror_console.engine import images as images_module
from mirror_console.errors import EngineError, FailureKind, VaultError
from mirror_console.vault import (
    MemoryVault,
    SecretMissing,
    VaultAbsent,
    VaultDismissed,
    VaultFailed,
    VaultLocked,
    VaultSilent,
)
from tests.engine.recorded import ENGINES, recorded
from tests.engine.stand_in import PONG, StandIn, reply, stand_in
from tests.lab.certificates import Authority

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ID = "ab" * 32
DIGEST = "sha256:" + "cd" * 32


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    opened = DockerEngines(MemoryVault(), lambda: NOW)
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in() as answering:
        yield answering


def _refusal(call: Callable[..., object], *arguments: object) -> EngineError:
    with pytest.raises(EngineError) as caught:
        call(*arguments)
    return caught.value


# --- the surroundings ---------------------------------------------------------------------------------------------


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person's own Docker set-up, and an environment with proxies, authorities and another engine."""
    auths = {"registry.example": {"auth": "Y2FuYXJ5OmNhbmFyeQ=="}}
    config = {"auths": auths, "HttpHeaders": {"X-Canary": "canary"}, "proxies": {"default": {"httpProxy": "http://c"}}}
    for folder in (tmp_path / "docker", tmp_path / ".docker"):
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
    (tmp_path / ".netrc").write_text("machine localhost login canary password canary\n")
    (tmp_path / "ca.pem").write_text(Authority("Canary").pem)
    for name, value in {
        "HOME": str(tmp_path),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "DOCKER_API_VERSION": "1.30",
        "DOCKER_CONTEXT": "canary",
        "DOCKER_CERT_PATH": str(tmp_path),
        "DOCKER_TLS_VERIFY": "1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
        "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "CURL_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)


@pytest.mark.usefixtures("surroundings")
def test_nothing_of_a_persons_own_set_up_is_sent(engines: DockerEngines, server: StandIn) -> None:
    descriptor = json.dumps({"Descriptor": {"digest": DIGEST}}).encode()
    server.answers += [reply(b"[]"), reply(descriptor), reply(b'{"status":"x"}\n'), reply(b"{}", "201 Created")]
    session = engines.session(server.engine)
    session.list_containers()
    session.resolve("registry.example/shop/web:1", None)
    session.pull("registry.example/shop/web:1", None, lambda _progress: None, lambda: False)
    _refusal(session.create, ContainerSpec("web", ID, Settings()))
    assert len(server.asked) == 4
    everything = b"".join(server.asked + server.pings)
    assert b"canary" not in everything.lower()
    assert b"Authorization" not in everything
    assert b"127.0.0.1:1" not in everything
    assert server.asked[0].startswith(b"GET /v1.41/containers/json?all=1 HTTP/1.1\r\n")
    for request in server.asked[1:3]:
        assert b"X-Registry-Auth: e30=\r\n" in request, "said to be nobody, else the engine's own would be used"


@pytest.mark.usefixtures("surroundings")
def test_a_login_goes_with_its_own_request_only(engines: DockerEngines, server: StandIn) -> None:
    server.answers += [reply(b'{"status":"x"}\n'), reply(b"[]")]
    session = engines.session(server.engine)
    login = RegistryLogin("registry.example", "shop", Secret("hunter2"))
    session.pull(f"registry.example/shop/web@{DIGEST}", login, lambda _progress: None, lambda: False)
    session.list_containers()
    pull, listing = server.asked
    assert pull.startswith(b"POST /v1.41/images/create?fromImage=registry.example%2Fshop%2Fweb&tag=sha256%3Acdcd")
    assert b"X-Registry-Auth: eyJ1c2VybmFtZSI6ICJzaG9wIiwgInBhc3N3b3JkIjogImh1bnRlcjIifQ==\r\n" in pull
    assert b"X-Registry-Auth" not in listing


def test_one_authority_alone_is_trusted() -> None:
    authority = Authority()
    client = authority.client("console")
    context = transport.tls_context("fra-1", authority.pem, client.certificate, client.key)
    assert [entry["subject"] for entry in context.get_ca_certs()] == [((("commonName", "Lab authority"),),)]
    assert context.check_hostname
    assert context.minimum_version.name == "TLSv1_2"


# --- who answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pong", "kind"),
    [
        (reply(b"<html>", "404 Not Found"), FailureKind.NOT_DOCKER),
        (reply(b"<html>", "502 Bad Gateway"), FailureKind.INVALID_REPLY),
        (reply(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"), FailureKind.NOT_DOCKER),
        (reply(b"", "302 Found", "Location: http://[\r\n"), FailureKind.NOT_DOCKER),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", FailureKind.NOT_DOCKER),
        (PONG.replace(b"1.41", b"1.x41"), FailureKind.NOT_DOCKER),
        (PONG.replace(b"1.41", "१.४१".encode()), FailureKind.NOT_DOCKER),
        (PONG.replace(b"1.41", b"1.41\x1b[2J"), FailureKind.NOT_DOCKER),
        (PONG.replace(b"1.41", b"9" * 5000 + b".1"), FailureKind.NOT_DOCKER),
        (PONG.replace(b"1.41", b"-1.41"), FailureKind.NOT_DOCKER),
        (PONG.replace(b"1.41", b"1.40"), FailureKind.TOO_OLD),
        (PONG.replace(b"1.41", b"1.24"), FailureKind.TOO_OLD),
        (b"", FailureKind.DROPPED),
    ],
)
def test_what_is_no_engine_that_we_speak_with(
    engines: DockerEngines, server: StandIn, pong: bytes, kind: FailureKind
) -> None:
    server.pong = pong
    assert _refusal(engines.session, server.engine).kind is kind
    assert server.asked == []
    server.pong = PONG
    server.answers.append(reply(b"[]"))
    assert engines.session(server.engine).list_containers() == []


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        ("1.41", "1.41"),  # Docker 20.10, and Podman before 5.8
        ("1.42", "1.42"),  # Docker 23
        ("1.43", "1.43"),  # Docker 24
        ("1.44", "1.44"),  # Docker 25, and Podman from 5.8 on
        ("1.51", "1.44"),  # Docker 28
        ("1.52", "1.44"),  # Docker 29.0, which takes nothing below 1.44
        ("1.55", "1.44"),  # Docker 29.7, which takes 1.40 again
        ("2.0", "1.44"),
    ],
)
def test_the_newest_version_that_both_know_is_spoken(
    engines: DockerEngines, server: StandIn, offered: str, spoken: str
) -> None:
    server.pong = PONG.replace(b"1.41", offered.encode())
    server.answers.append(reply(b"[]"))
    engines.session(server.engine).list_containers()
    assert server.asked[0].startswith(f"GET /v{spoken}/".encode())


def test_an_engine_that_takes_only_newer_versions_says_so(engines: DockerEngines, server: StandIn) -> None:
    server.pong = PONG.replace(b"1.41", b"1.60")
    words = b"client version 1.44 is too old. Minimum supported API version is 1.48, please upgrade your client"
    server.answers.append(reply(b'{"message":"' + words + b'"}', "400 Bad Request"))
    error = _refusal(engines.session(server.engine).list_containers)
    assert error.kind is FailureKind.TOO_OLD
    assert words.decode() in error.title
    assert "bring the console up to date" in error.hint


PODMAN_PONG = PONG.replace(b"\r\nContent", b"\r\nLibpod-Api-Version: 4.3.1\r\nContent")
STRIPPED_PONG = PONG.replace(b"Api-Version: 1.41\r\n", b"")


def _version(api: str, component: str) -> bytes:
    about = {"Version": "4.3.1", "ApiVersion": api, "Os": "linux", "Arch": "amd64", "Components": [{"Name": component}]}
    return json.dumps(about).encode()


def test_podman_is_known_by_its_header(engines: DockerEngines, server: StandIn) -> None:
    server.pong = PODMAN_PONG
    server.answers.append(reply(b"Not Found", "404 Not Found"))
    error = _refusal(engines.session(server.engine).set_restart, ID, RestartPolicy.NO)
    assert error.kind is FailureKind.REJECTED
    assert error.title == "fra-1 is Podman, which can't change the restart policy."


@pytest.mark.parametrize(
    ("about", "spoken", "is_podman"),
    [
        (_version("1.55", "Engine"), "1.44", False),
        (_version("1.41", "Podman Engine"), "1.41", True),
    ],
)
def test_where_a_proxy_takes_the_headers_away_the_engine_is_asked(
    engines: DockerEngines, server: StandIn, about: bytes, spoken: str, is_podman: bool
) -> None:
    server.pong = STRIPPED_PONG
    server.answers += [reply(about), reply(b"Not Found", "404 Not Found")]
    error = _refusal(engines.session(server.engine).set_restart, ID, RestartPolicy.NO)
    assert server.asked[0].startswith(b"GET /version ")
    assert server.asked[1].startswith(f"POST /v{spoken}/".encode())
    assert error.kind is (FailureKind.REJECTED if is_podman else FailureKind.INVALID_REPLY)


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        (reply(b"<html>"), FailureKind.NOT_DOCKER),
        (reply(b"{}"), FailureKind.NOT_DOCKER),
        (reply(b'{"ApiVersion": 1.41}'), FailureKind.NOT_DOCKER),
        (reply(b"no such page", "404 Not Found"), FailureKind.NOT_DOCKER),
        (reply(b'{"message": "no such page"}', "404 Not Found"), FailureKind.NOT_DOCKER),
        (reply(_version("1.40", "Engine")), FailureKind.TOO_OLD),
        (b"", FailureKind.DROPPED),
    ],
)
def test_what_tells_no_version_at_all_is_no_engine(
    engines: DockerEngines, server: StandIn, about: bytes, kind: FailureKind
) -> None:
    server.pong = STRIPPED_PONG
    server.answers.append(about)
    assert _refusal(engines.session, server.engine).kind is kind


def test_podman_behind_a_proxy_that_keeps_its_name_back_is_known_by_what_it_says_of_itself(
    engines: DockerEngines, server: StandIn
) -> None:
    info = json.dumps({"Name": "porto", "SystemTime": NOW.isoformat()}).encode()
    server.answers += [reply(_version("1.41", "Podman Engine")), reply(info), reply(b"Not Found", "404 Not Found")]
    session = engines.session(server.engine)
    assert session.facts().kind is EngineKind.PODMAN
    assert _refusal(engines.session(server.engine).set_restart, ID, RestartPolicy.NO).kind is FailureKind.REJECTED


def test_an_engine_that_is_not_there(engines: DockerEngines) -> None:
    engine = Engine("e1", "fra-1", parse_address("unix:///no-such-folder/none.sock"))
    error = _refusal(engines.session, engine)
    assert error.kind is FailureKind.REFUSED
    assert str(error).startswith("The socket of fra-1 isn't there.")


def test_threads_that_ask_at_once_wait_for_one_connection(engines: DockerEngines, server: StandIn) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _number: engines.session(server.engine), range(64)))
    assert len(server.pings) == 1


def test_an_engine_that_moved_is_connected_anew(engines: DockerEngines, server: StandIn) -> None:
    engines.session(server.engine)
    with stand_in() as other:
        moved = Engine("e1", "fra-1", other.engine.address)
        engines.session(moved)
        engines.session(Engine("e1", "renamed", other.engine.address))
        assert len(other.pings) == 1
    assert len(server.pings) == 1


# --- replies ------------------------------------------------------------------------------------------------------


def _endless(head: bytes, piece: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            time.sleep(pause)
            connection.sendall(piece)

    return answer


def _trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        time.sleep(0.02)
        connection.sendall(b" ")


def test_a_body_without_end_is_given_up(
    engines: DockerEngines, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST_REPLY", 1024 * 1024)
    server.answers.append(_endless(b"HTTP/1.1 200 OK\r\n\r\n[", b" " * 65536))
    assert _refusal(engines.session(server.engine).list_containers).kind is FailureKind.INVALID_REPLY


def test_however_often_a_body_is_given_up_the_engine_can_be_asked_again(
    engines: DockerEngines, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LARGEST_REPLY", 1024 * 1024)
    session = engines.session(server.engine)
    for _ in range(2 * transport.AT_ONCE):
        server.answers.append(_endless(b"HTTP/1.1 200 OK\r\n\r\n[", b" " * 65536))
        assert _refusal(session.list_containers).kind is FailureKind.INVALID_REPLY
    server.answers.append(reply(b"[]"))
    assert session.list_containers() == []


def test_a_line_without_end_is_given_up(engines: DockerEngines, server: StandIn) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answers.append(_endless(head, b"10000\r\n" + b"x" * 65536 + b"\r\n"))
    session = engines.session(server.engine)
    error = _refusal(session.pull, "a/b:1", None, print, bool)
    assert error.kind is FailureKind.INVALID_REPLY
    assert str(streams.LONGEST_LINE) in error.detail


def test_a_reply_that_trickles_costs_no_more_than_the_timeout(engines: DockerEngines) -> None:
    with stand_in(timeout=0.3) as server:
        server.answers.append(_trickle)
        session = engines.session(server.engine)
        began = time.monotonic()
        assert _refusal(session.list_containers).kind is FailureKind.TIMEOUT
        assert time.monotonic() - began < 2.0


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"z"),
        (CHUNKED, b"0"),
        (CHUNKED + b"1;", b"x"),
        (CHUNKED + b"2\r\n[]\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["a head", "the size of a chunk", "an extension of a chunk", "what follows the last chunk"],
)
def test_what_trickles_beside_the_body_costs_no_more_than_the_timeout(
    engines: DockerEngines, begun: bytes, piece: bytes
) -> None:
    with stand_in(timeout=0.3) as server:
        server.answers.append(_endless(begun, piece, pause=0.05))
        session = engines.session(server.engine)
        began = time.monotonic()
        assert _refusal(session.list_containers).kind is FailureKind.TIMEOUT
        assert time.monotonic() - began < 2.0
        # The way is free for the next one, with all of its time.
        server.answers.append(reply(b"[]"))
        assert session.list_containers() == []


def test_a_pull_may_last_as_long_as_it_is_never_silent(
    engines: DockerEngines, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_module, "SILENCE", 0.3)

    def slowly(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for number in range(8):
            time.sleep(0.1)
            connection.sendall(b'{"status": "%d"}\n' % number)

    with stand_in(timeout=0.3) as slow:
        slow.answers.append(slowly)
        told: list[str] = []
        engines.session(slow.engine).pull("a/b:1", None, lambda progress: told.append(progress.words), bool)
        assert told == [str(number) for number in range(8)]


def test_a_reply_that_tells_its_length_is_not_begun_where_it_is_too_long(
    engines: DockerEngines, server: StandIn
) -> None:
    read = 0

    def flood(connection: socket.socket) -> None:
        nonlocal read
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)
            read += 65536

    server.answers.append(flood)
    error = _refusal(engines.session(server.engine).list_containers)
    assert error.kind is FailureKind.INVALID_REPLY
    assert "99999999999 bytes" in error.detail
    assert read < transport.LARGEST_REPLY


def test_a_pull_that_says_nothing_for_ever_is_stopped(engines: DockerEngines, server: StandIn) -> None:
    server.answers.append(_endless(b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n" * 32768))
    asked = iter([False] * 5)
    engines.session(server.engine).pull("a/b:1", None, print, lambda: next(asked, True))


def test_what_is_about_one_thing_is_shorter_than_a_listing(engines: DockerEngines, server: StandIn) -> None:
    session = engines.session(server.engine)
    server.answers.append(reply(b" " * (transport.LARGEST_ANSWER + 1)))
    assert _refusal(session.facts).kind is FailureKind.INVALID_REPLY
    server.answers.append(reply(b"[" + b" " * transport.LARGEST_ANSWER + b"]"))
    assert session.list_containers() == []


def test_output_that_never_ends_is_given_up(
    engines: DockerEngines, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_output, "MOST_READ", 1024 * 1024)
    seen = recorded(ENGINES[0], "container-healthy")
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    server.answers += [reply(seen.body), _endless(head, b"\x01\0\0\0\0\0\0\0" * 8192)]
    error = _refusal(engines.session(server.engine).output, seen.content["Id"], 1000)
    assert error.kind is FailureKind.INVALID_REPLY


def test_silence_costs_no_more_than_the_timeout(engines: DockerEngines) -> None:
    with stand_in(timeout=0.3) as server:
        server.answers.append(lambda _connection: time.sleep(0.6))
        session = engines.session(server.engine)
        began = time.monotonic()
        error = _refusal(session.start, ID)
        assert time.monotonic() - began < 2.0
        assert error.kind is FailureKind.TIMEOUT
        assert error.outcome_unknown


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b'{"a": 1}', b"[1]", b"\xff\xfe", b"[" * 100_000, b'[{"Id": "x"}]'],
)
def test_bodies_that_make_no_sense(engines: DockerEngines, server: StandIn, body: bytes) -> None:
    server.answers.append(reply(body))
    assert _refusal(engines.session(server.engine).list_containers).kind is FailureKind.INVALID_REPLY


def test_a_made_container_without_a_proper_id_is_no_container(engines: DockerEngines, server: StandIn) -> None:
    server.answers.append(reply(b'{"Id": "../../x"}', "201 Created"))
    error = _refusal(engines.session(server.engine).create, ContainerSpec("web", ID, Settings()))
    assert error.kind is FailureKind.INVALID_REPLY
    assert error.outcome_unknown


def test_no_redirect_is_followed(engines: DockerEngines, server: StandIn) -> None:
    elsewhere = reply(b"", "307 Temporary Redirect", "Location: /v1.41/containers/json\r\n")
    server.answers += [elsewhere, elsewhere, elsewhere]
    session = engines.session(server.engine)
    assert _refusal(session.list_containers).kind is FailureKind.INVALID_REPLY
    assert _refusal(session.start, ID).kind is FailureKind.INVALID_REPLY
    assert _refusal(session.pull, "a/b:1", None, print, bool).kind is FailureKind.INVALID_REPLY
    assert len(server.asked) == 3


def test_no_cookie_is_kept(engines: DockerEngines, server: StandIn) -> None:
    server.answers += [reply(b"[]", headers="Set-Cookie: a=canary\r\n"), reply(b"[]")]
    session = engines.session(server.engine)
    session.list_containers()
    session.list_containers()
    assert b"Cookie" not in server.asked[1]


# --- asked again --------------------------------------------------------------------------------------------------


def test_a_read_that_was_cut_off_is_asked_once_more(engines: DockerEngines, server: StandIn) -> None:
    server.answers += [b"", reply(b"[]")]
    assert engines.session(server.engine).list_containers() == []
    server.answers += [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[", reply(b"[]")]
    assert engines.session(server.engine).list_containers() == []
    server.answers += [b"", b"", reply(b"[]")]
    assert _refusal(engines.session(server.engine).list_containers).kind is FailureKind.DROPPED
    assert len(server.asked) == 6


def test_a_change_that_was_cut_off_is_never_asked_again(engines: DockerEngines, server: StandIn) -> None:
    session = engines.session(server.engine)
    changes: list[Callable[[], object]] = [
        lambda: session.create(ContainerSpec("web", ID, Settings())),
        lambda: session.start(ID),
        lambda: session.stop(ID, 1),
        lambda: session.rename(ID, "web"),
        lambda: session.remove(ID),
        lambda: session.create_volume("data", {}),
        lambda: session.create_network("front", {}),
        lambda: session.pull("a/b:1", None, print, bool),
    ]
    for number, change in enumerate(changes, 1):
        server.answers.append(b"")
        error = _refusal(change)
        assert error.kind is FailureKind.DROPPED
        assert error.outcome_unknown
        assert len(server.asked) == number


def test_a_pull_that_fails_in_mid_stream(engines: DockerEngines, server: StandIn) -> None:
    lines = [{"status": "Pulling"}, {"errorDetail": {"message": "write /var/lib/x: no space left on device"}}]
    server.answers.append(reply(b"".join(json.dumps(line).encode() + b"\r\n" for line in lines)))
    error = _refusal(engines.session(server.engine).pull, "a/b:1", None, lambda _progress: None, lambda: False)
    assert error.kind is FailureKind.DISK_FULL


# --- credentials --------------------------------------------------------------------------------------------------


class _Closed:
    def __init__(self, refusal: VaultError) -> None:
        self._refusal = refusal

    def get(self, _reference: SecretReference) -> Secret:
        raise self._refusal


NAMES = tuple(SecretReference(f"engine/e1/{part}") for part in ("ca", "certificate", "key"))
BY_TLS = Engine("e1", "fra-1", parse_address("tcp://127.0.0.1:2376"), tls=TlsReferences(*NAMES))


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (SecretMissing(NAMES[0]), FailureKind.NO_CREDENTIAL),
        (VaultLocked(), FailureKind.KEYRING),
        (VaultDismissed(), FailureKind.KEYRING),
        (VaultAbsent("there is none"), FailureKind.NO_KEYRING),
        (VaultSilent(20), FailureKind.NO_KEYRING),
        (VaultFailed("OSError"), FailureKind.NO_KEYRING),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, VaultError) else str(value),
)
def test_credentials_that_the_keyring_does_not_give(refusal: VaultError, kind: FailureKind) -> None:
    error = _refusal(DockerEngines(_Closed(refusal), lambda: NOW).session, BY_TLS)
    assert error.kind is kind
    assert error.unreachable
    assert error.hint == refusal.hint
    assert error.title.startswith("fra-1 can't be reached")
    assert refusal.title in error.title


def test_an_engine_by_tls_without_references(engines: DockerEngines) -> None:
    error = _refusal(engines.session, Engine("e1", "fra-1", parse_address("tcp://127.0.0.1:2376")))
    assert error.kind is FailureKind.NO_CREDENTIAL


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0, ""),
        (0, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----"),
        (1, "nonsense"),
        (1, "ünlesbar"),
        (2, "nonsense"),
        (2, Authority("Other").client("other").key),
        (2, "ünlesbar"),
    ],
)
def test_texts_that_are_no_credentials(engines: DockerEngines, part: int, text: str) -> None:
    authority = Authority()
    client = authority.client("console")
    texts = [authority.pem, client.certificate, client.key]
    texts[part] = text
    given = {reference.name: Secret(text) for reference, text in zip(NAMES, texts, strict=True)}
    error = _refusal(engines.try_out, BY_TLS, given)
    assert error.kind is FailureKind.CERTIFICATE
    assert ("authority", "client certificate", "client")[part] in error.title
    assert "PRIVATE" not in str(error)


def test_a_key_in_clear_is_never_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    make = os.memfd_create

    def watched(name: str, flags: int) -> int:
        descriptor = make(name, flags)
        kept.append(os.dup(descriptor))
        return descriptor

    monkeypatch.setattr(os, "memfd_create", watched)
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    authority = Authority()
    client = authority.client("console")
    transport.tls_context("fra-1", authority.pem, client.certificate, client.key)
    (descriptor,) = kept
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        content = file.read()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in content
    assert client.key.splitlines()[1].encode() not in content
