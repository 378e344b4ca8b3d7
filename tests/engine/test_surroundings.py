"""Nothing of the person's own Docker set-up leaks: one test for each thing that could, on the wire of a TLS engine."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest

from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.environment import Settings
from mirror_console.domain.request import ContainerSpec, RegistryLogin
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.engine import DockerEngines
from mirror_console.errors import EngineError, FailureKind
from mirror_console.vault import MemoryVault
from tests.engine.recorder import Recorder, recording, trap
from tests.engine.stand_in import reply, stand_in
from tests.lab.certificates import Authority, Credentials

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ID = "ab" * 32
AUTHORITY = Authority()
SHOWN = AUTHORITY.server("engine", "127.0.0.1")
CLIENT = AUTHORITY.client("console")
CANARY = "canary-of-the-person-9c1e"


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    """The way to engines."""
    opened = DockerEngines(MemoryVault(), lambda: NOW)
    yield opened
    opened.close()


@dataclass
class Person:
    """A person's home, variables, and the door where nothing of theirs may lead."""

    home: Path
    elsewhere: Recorder
    monkeypatch: pytest.MonkeyPatch

    def docker_config(self, **content: object) -> None:
        """What their own docker command line is set up with."""
        (self.home / ".docker").mkdir(exist_ok=True)
        (self.home / ".docker" / "config.json").write_text(json.dumps(content))

    def sets(self, **variables: str) -> None:
        """What their environment says, in capitals and small letters."""
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)
            self.monkeypatch.setenv(name.lower(), value)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody with a home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "DOCKER_HOST", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with trap() as elsewhere:
        yield Person(tmp_path, elsewhere, monkeypatch)


def registry_password(person: Person) -> None:
    """A password for the registry, as ``docker login`` keeps it."""
    auth = base64.b64encode(f"shop:{CANARY}".encode()).decode()
    person.docker_config(auths={"registry.example": {"auth": auth}, "127.0.0.1": {"auth": auth}})


def http_headers(person: Person) -> None:
    """Headers for every engine."""
    person.docker_config(HttpHeaders={"X-Person": CANARY, "Authorization": f"Bearer {CANARY}"})


def configured_proxy(person: Person) -> None:
    """A proxy for what containers do, which the docker package passes on."""
    proxy = f"http://{CANARY}:x@127.0.0.1:{person.elsewhere.port}"
    person.docker_config(proxies={"default": {"httpProxy": proxy, "httpsProxy": proxy}})


def proxy_variables(person: Person) -> None:
    """Proxies of the environment."""
    proxy = f"http://{CANARY}:x@127.0.0.1:{person.elsewhere.port}"
    person.sets(HTTP_PROXY=proxy, HTTPS_PROXY=proxy, ALL_PROXY=proxy, NO_PROXY="")


def authorities(person: Person) -> None:
    """Other authorities than the engine's: with them it would be refused."""
    other = person.home / "ca.pem"
    other.write_text(Authority(CANARY).pem)
    person.sets(REQUESTS_CA_BUNDLE=str(other), CURL_CA_BUNDLE=str(other), SSL_CERT_FILE=str(other))


def another_engine(person: Person) -> None:
    """An engine that the environment names."""
    person.sets(DOCKER_HOST=f"tcp://127.0.0.1:{person.elsewhere.port}", DOCKER_API_VERSION="1.30")


def another_context(person: Person) -> None:
    """A context that is in use."""
    person.docker_config(currentContext=CANARY)
    person.sets(DOCKER_CONTEXT=CANARY, DOCKER_TLS_VERIFY="", DOCKER_CERT_PATH=str(person.home))


def netrc(person: Person) -> None:
    """Passwords for hosts."""
    (person.home / ".netrc").write_text(f"machine 127.0.0.1 login {CANARY} password {CANARY}\n")
    (person.home / ".netrc").chmod(0o600)
    person.sets(NETRC=str(person.home / ".netrc"))


def credential_helper(person: Person) -> None:
    """A program that the docker command line asks for passwords."""
    helper = person.home / "docker-credential-canary"
    told = json.dumps({"ServerURL": "registry.example", "Username": "shop", "Secret": CANARY})
    helper.write_text(f"#!/bin/sh\ntouch {person.home}/asked\necho '{told}'\n")
    helper.chmod(0o755)
    person.monkeypatch.setenv("PATH", f"{person.home}:/usr/bin:/bin")
    person.docker_config(credsStore="canary", credHelpers={"registry.example": "canary"})


SURROUNDINGS = [
    registry_password,
    http_headers,
    configured_proxy,
    proxy_variables,
    authorities,
    another_engine,
    another_context,
    netrc,
    credential_helper,
]


@pytest.mark.parametrize("set_up", SURROUNDINGS, ids=lambda set_up: set_up.__name__)
def test_nothing_of_it_reaches_an_engine(person: Person, engines: DockerEngines, set_up: object) -> None:
    set_up(person)  # type: ignore[operator] # one of the functions above
    with recording(SHOWN, AUTHORITY) as wire:
        session = engines.try_out(_engine(wire), _secrets(CLIENT))
        session.list_containers()
        session.resolve("registry.example/shop/web:1", None)
        session.pull("registry.example/shop/web:1", None, lambda _progress: None, lambda: False)
        with pytest.raises(EngineError):
            session.create(ContainerSpec("web", ID, Settings()))
    assert len(wire.requests) == 5
    assert CANARY.encode() not in wire.everything
    assert base64.b64encode(f"shop:{CANARY}".encode()) not in wire.everything
    assert b"authorization" not in wire.everything.lower()
    assert wire.everything.count(b"X-Registry-Auth: e30=\r\n") == 2, "said to be nobody, and only where a registry is"
    assert b"/v1.41/containers/json" in wire.everything
    assert person.elsewhere.raw == []
    assert not (person.home / "asked").exists()


def test_the_recorder_hears_what_the_docker_package_would_send_by_itself(person: Person) -> None:
    """That the tests above can fail: its own client sends the person's headers and passwords."""
    http_headers(person)
    replace(CLIENT, ca=AUTHORITY.pem).write(person.home, (-1, -1))
    pair = (str(person.home / "cert.pem"), str(person.home / "key.pem"))
    tls = docker.tls.TLSConfig(client_cert=pair, ca_cert=str(person.home / "ca.pem"), verify=True)
    with recording(SHOWN, AUTHORITY) as wire:
        client = docker.APIClient(f"tcp://127.0.0.1:{wire.port}", version="1.41", tls=tls)
        client.containers()
        client.close()
    assert CANARY.encode() in wire.everything


def test_a_login_goes_to_the_engine_that_pulls_and_to_no_other(engines: DockerEngines) -> None:
    login = RegistryLogin("registry.example", "shop", Secret("password-of-ours-77"))
    with recording(SHOWN, AUTHORITY) as one, recording(SHOWN, AUTHORITY) as other:
        pulling = engines.try_out(_engine(one), _secrets(CLIENT))
        watching = engines.try_out(_engine(other), _secrets(CLIENT))
        pulling.pull("registry.example/shop/web:1", login, lambda _progress: None, lambda: False)
        watching.list_containers()
    sent = base64.urlsafe_b64encode(b'{"username": "shop", "password": "password-of-ours-77"}')
    assert one.everything.count(sent) == 1
    assert b"X-Registry-Auth" not in other.everything
    assert sent not in b"".join(one.raw), "only by TLS"


# --- who is spoken with -------------------------------------------------------------------------------------------


def test_the_right_certificate_is_taken(engines: DockerEngines) -> None:
    with recording(SHOWN, AUTHORITY) as wire:
        assert engines.try_out(_engine(wire), _secrets(CLIENT)).list_containers() == []


@pytest.mark.parametrize(
    ("shown", "newest"),
    [
        pytest.param(Authority("Other").server("engine", "127.0.0.1"), None, id="another authority"),
        pytest.param(AUTHORITY.server("engine", "127.0.0.2"), None, id="another host"),
        pytest.param(AUTHORITY.server("engine", "127.0.0.1", end=LONG_AGO), None, id="expired"),
        pytest.param(AUTHORITY.client("127.0.0.1"), None, id="a client's"),
        pytest.param(SHOWN, ssl.TLSVersion.TLSv1, id="TLS 1.0"),
        pytest.param(SHOWN, ssl.TLSVersion.TLSv1_1, id="TLS 1.1"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_another_certificate_is_refused_before_anything_is_said(
    engines: DockerEngines, shown: Credentials, newest: ssl.TLSVersion | None
) -> None:
    with recording(shown, AUTHORITY, newest=newest) as wire:
        with pytest.raises(EngineError) as refused:
            engines.try_out(_engine(wire), _secrets(CLIENT))
        told = {FailureKind.TOO_OLD} if newest else {FailureKind.CERTIFICATE, FailureKind.DROPPED}
        assert refused.value.kind in told
    assert wire.raw, "nobody came"
    assert wire.requests == []


def test_to_what_speaks_no_tls_nothing_is_said_in_clear(engines: DockerEngines) -> None:
    with trap() as plain, pytest.raises(EngineError):
        engines.try_out(_engine(plain), _secrets(CLIENT))
    assert plain.raw
    assert all(first[:1] == b"\x16" for first in plain.raw), "a TLS handshake and nothing else"
    assert b"HTTP" not in b"".join(plain.raw)


# --- what is believed ---------------------------------------------------------------------------------------------


def test_a_packed_reply_is_not_unpacked(engines: DockerEngines) -> None:
    bomb = gzip.compress(b"[" + b" " * 200_000_000 + b"]", 9)
    with stand_in(timeout=20) as server:
        server.answers.append(reply(bomb, headers="Content-Encoding: gzip\r\n"))
        with pytest.raises(EngineError) as refused:
            engines.session(server.engine).list_containers()
    assert refused.value.kind is FailureKind.INVALID_REPLY


@pytest.mark.parametrize(
    "answer",
    [
        {"Id": "cd" * 32, "Name": "/another"},
        {"Id": "cd" * 32, "Name": f"/{ID}"[:20]},
    ],
)
def test_another_container_than_the_one_asked_for_is_none(engines: DockerEngines, answer: dict[str, str]) -> None:
    with stand_in() as server:
        server.answers += [_inspected(answer), reply(b'{"message": "no such image"}', "404 Not Found")]
        assert engines.session(server.engine).inspect(ID) is None


def test_an_id_that_is_none_is_not_believed(engines: DockerEngines) -> None:
    with stand_in() as server:
        server.answers.append(_inspected({"Id": ID[:12], "Name": "/web"}))
        with pytest.raises(EngineError) as refused:
            engines.session(server.engine).inspect("web")
    assert refused.value.kind is FailureKind.INVALID_REPLY


def _inspected(answer: dict[str, str]) -> bytes:
    inspected = {
        "Created": "2026-11-20T00:00:00Z",
        "Image": f"sha256:{ID}",
        "State": {"Status": "running"},
        "Config": {"Image": "x"},
        "HostConfig": {},
        "NetworkSettings": {},
        **answer,
    }
    return reply(json.dumps(inspected).encode())


@pytest.mark.parametrize(
    "name", ["../json", "a/../../b", "%2e%2e", "a%2fb", "a b", "a\n", "a\0", "a?x=1", "a#b", "", "ä", "-a"]
)
def test_no_name_leads_out_of_its_path(engines: DockerEngines, name: str) -> None:
    with stand_in() as server:
        session = engines.session(server.engine)
        assert session.inspect(name) is None
        for change in (session.start, session.remove, lambda text: session.rename(ID, text), session.volume_exists):
            with pytest.raises(EngineError):
                change(name)
        for read in (session.image, lambda text: session.resolve(text, None)):
            with pytest.raises(EngineError):
                read(f"{name}:1:2 /")
        assert server.asked == []


# --- parts --------------------------------------------------------------------------------------------------------


def _engine(wire: Recorder) -> Engine:
    parts = (SecretReference(f"engine/e1/{part}") for part in ("ca", "client-cert", "client-key"))
    address = parse_address(f"tcp://127.0.0.1:{wire.port}")
    return Engine("e1", "fra-1", address, tls=TlsReferences(*parts), timeout=3.0)


def _secrets(client: Credentials) -> dict[str, Secret]:
    texts = {"ca": AUTHORITY.pem, "client-cert": client.certificate, "client-key": client.key}
    return {f"engine/e1/{part}": Secret(text) for part, text in texts.items()}
