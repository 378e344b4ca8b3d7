"""What only real engines can show: certificates, probes, lost contact, and containers that were made by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.observation import Listed, State
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.engine import DockerEngines
from mirror_console.engine.session import DockerSession
from mirror_console.errors import EngineError, FailureKind
from mirror_console.vault import MemoryVault
from tests.engine.stand_in import impostor
from tests.lab.certificates import Authority, Credentials
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab

PARTS = ("ca", "certificate", "key")
LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    opened = DockerEngines(MemoryVault(), lambda: datetime.fromtimestamp(time.time(), UTC))
    yield opened
    opened.close()


def _described(engine: LabEngine, timeout: float = 5.0) -> Engine:
    references = TlsReferences(*(SecretReference(f"engine/e1/{part}") for part in PARTS))
    return Engine("e1", engine.name, parse_address(engine.tls_url), tls=references, timeout=timeout)


def _secrets(credentials: Credentials) -> dict[str, Secret]:
    texts = (credentials.ca, credentials.certificate, credentials.key)
    return {f"engine/e1/{part}": Secret(text) for part, text in zip(PARTS, texts, strict=True)}


def _by_tls(engines: DockerEngines, engine: LabEngine, timeout: float = 5.0) -> DockerSession:
    return engines.try_out(_described(engine, timeout), _secrets(engine.client))


def _refusal(call: Callable[..., object], *arguments: object) -> EngineError:
    with pytest.raises(EngineError) as caught:
        call(*arguments)
    return caught.value


# --- certificates -------------------------------------------------------------------------------------------------


def test_by_tls_with_texts_from_memory(engines: DockerEngines, tls_engine: LabEngine) -> None:
    assert _by_tls(engines, tls_engine).facts().name == "paris"


def test_an_authority_of_the_surroundings_is_neither_needed_nor_trusted(
    engines: DockerEngines, tls_engine: LabEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tls_engine.client_folder / "ca.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    other = replace(tls_engine.client, ca=Authority("Other").pem)
    error = _refusal(engines.try_out, _described(tls_engine), _secrets(other))
    assert error.kind is FailureKind.CERTIFICATE
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    assert _by_tls(engines, tls_engine).facts().name == "paris"


def test_a_certificate_for_another_host(engines: DockerEngines, lab: Lab, tls_engine: LabEngine) -> None:
    elsewhere = Engine("e1", "oslo", parse_address("tcp://localhost:2376"), tls=_described(tls_engine).tls)
    error = _refusal(engines.try_out, elsewhere, _secrets(tls_engine.client))
    assert error.kind is FailureKind.REFUSED
    other = lab.authority.server("someone", "someone.example")
    with impostor(other.certificate, other.key) as port:
        elsewhere = replace(elsewhere, address=parse_address(f"tcp://localhost:{port}"))
        error = _refusal(engines.try_out, elsewhere, _secrets(tls_engine.client))
    assert error.kind is FailureKind.CERTIFICATE
    assert "localhost" in error.detail


@pytest.mark.parametrize("what", ["foreign", "expired"])
def test_a_client_certificate_that_the_engine_refuses(
    engines: DockerEngines, lab: Lab, tls_engine: LabEngine, what: str
) -> None:
    if what == "foreign":
        bad = replace(Authority("Other").client("console"), ca=lab.authority.pem)
    else:
        bad = lab.authority.client("console", end=LONG_AGO)
    error = _refusal(engines.try_out, _described(tls_engine), _secrets(bad))
    assert error.kind is FailureKind.SIGN_IN


# --- contact lost -------------------------------------------------------------------------------------------------


def test_a_frozen_engine_costs_its_timeout(engines: DockerEngines, tls_engine: LabEngine) -> None:
    session = _by_tls(engines, tls_engine, timeout=0.5)
    tls_engine.freeze()
    began = time.monotonic()
    assert _refusal(session.list_containers).kind is FailureKind.TIMEOUT
    assert time.monotonic() - began < 3
    tls_engine.thaw()
    assert session.list_containers() == []


def test_an_engine_whose_cable_is_pulled(engines: DockerEngines, tls_engine: LabEngine) -> None:
    session = _by_tls(engines, tls_engine, timeout=3.0)
    tls_engine.cut()
    assert _refusal(session.list_containers).kind is FailureKind.TIMEOUT
    assert _refusal(engines.try_out, _described(tls_engine, timeout=3.0), _secrets(tls_engine.client)).unreachable
    tls_engine.uncut()
    assert session.list_containers() == []


def test_an_engine_that_was_started_anew_is_spoken_with_again(engines: DockerEngines, local_engine: LabEngine) -> None:
    described = Engine("e1", local_engine.name, parse_address(local_engine.unix_url))
    session = engines.session(described)
    assert session.list_containers() == []
    local_engine.restart()
    assert session.list_containers() == []
    local_engine.kill()
    # Connections that were on their way when it was killed are dropped; after them every one is refused.
    kinds = [_refusal(session.list_containers).kind]
    while kinds[-1] is FailureKind.DROPPED and len(kinds) < 20:
        kinds.append(_refusal(session.list_containers).kind)
    assert kinds[-1] is FailureKind.REFUSED
    local_engine.start()
    assert session.list_containers() == []


def test_many_threads_share_a_session(engines: DockerEngines, tls_engine: LabEngine) -> None:
    session = _by_tls(engines, tls_engine)

    def look(_number: int) -> list[Listed]:
        return session.list_containers()

    with ThreadPoolExecutor(24) as threads:
        assert list(threads.map(look, range(240))) == [[]] * 240


# --- the application ----------------------------------------------------------------------------------------------


def test_a_published_port_is_asked_where_the_engine_is(engines: DockerEngines, lab: Lab, tls_engine: LabEngine) -> None:
    docker = lab.docker(tls_engine)
    spec = ImageSpec("shop/probed", "26.1.0")
    load(docker, spec)
    docker.start_container(spec.reference, "web-live", ports={18090: 8080})
    session = _by_tls(engines, tls_engine)
    end = time.monotonic() + 10
    while session.probe(18090, "/health", 1.0).status is None and time.monotonic() < end:
        time.sleep(0.05)
    assert session.probe(18090, "/health", 1.0).status == 200
    assert session.probe(18090, "/none", 1.0).status == 404
    assert session.probe(18091, "/", 1.0).status is None
    assert session.probe(18090, "/\r\nX: y", 1.0).status is None
    other_way = Engine("e2", "paris", parse_address(tls_engine.unix_url))
    assert engines.session(other_way).probe(18090, "/health", 1.0).status is None
    told_where = replace(other_way, probe_host=tls_engine.host)
    assert engines.session(told_where).probe(18090, "/health", 1.0).status == 200


# --- made by hand -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ()),
        (("--restart", "always", "-m", "64m", "--cpus", "0.5", "--init", "--stop-timeout", "3"), ()),
        (("-e", "A=b", "-p", "18091:8080", "-v", "named:/data", "-v", "/tmp:/host:ro"), ()),
        (("--network", "host"), ()),
        (("--rm",), ("it is removed when it stops (AutoRemove)",)),
        (("--privileged",), ("privileged mode", "security options label=disable")),
        (("--cap-add", "NET_ADMIN"), ("added capabilities NET_ADMIN",)),
        (("--add-host", "db:10.0.0.1"), ("extra hosts db:10.0.0.1",)),
        (("--tmpfs", "/run"), ("temporary file systems /run",)),
        (("--pid", "host"), ("PID mode host", "security options label=disable")),
        (("--ulimit", "nofile=100:100"), ("ulimits nofile",)),
        (("--shm-size", "128m"), ("the size of shared memory",)),
        (("--device", "/dev/null"), ("devices of the host",)),
        (("--read-only",), ("a read-only root file system",)),
        (("-v", "/data"), ("an unnamed volume at /data, whose content would stay behind",)),
        (("--user", "1000"), ("user 1000",)),
        (("--workdir", "/tmp"), ("working directory /tmp",)),
        (("--entrypoint", "/bin/sh"), ("entrypoint /bin/sh",)),
        (("--health-cmd", "true"), ("a health check of its own",)),
        (("--label", "traefik.enable=true"), ()),
        (("--restart", "on-failure:3"), ("its restart policy ends after some retries",)),
        (("--cpu-quota", "50000"), ("a CPU quota",)),
    ],
)
def test_what_settings_have_no_place_for(
    engines: DockerEngines, lab: Lab, local_engine: LabEngine, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    docker = lab.docker(local_engine)
    spec = ImageSpec("shop/by-hand", "26.1.0")
    load(docker, spec)
    docker.run("create", "--name", "by-hand", *options, spec.reference)
    session = engines.session(Engine("e1", local_engine.name, parse_address(local_engine.unix_url)))
    seen = session.inspect("by-hand")
    assert seen is not None
    assert seen.state is State.CREATED
    assert sorted(seen.unsupported) == sorted(words)


def test_aliases_in_a_network(engines: DockerEngines, lab: Lab, local_engine: LabEngine) -> None:
    docker = lab.docker(local_engine)
    spec = ImageSpec("shop/by-hand", "26.1.0")
    load(docker, spec)
    docker.run("network", "create", "front")
    docker.run("run", "--detach", "--name", "plain", "--network", "front", spec.reference)
    docker.run("run", "--detach", "--name", "aliased", "--network", "front", "--network-alias", "web", spec.reference)
    session = engines.session(Engine("e1", local_engine.name, parse_address(local_engine.unix_url)))
    seen = {name: session.inspect(name) for name in ("plain", "aliased")}
    told = {name: one.endpoints["front"].aliases for name, one in seen.items() if one is not None}
    assert told == {"plain": (), "aliased": ("web",)}
