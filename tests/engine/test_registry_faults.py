"""What a real engine says when its registry misbehaves, and what we make of it: a kind, whole sentences, what to do."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.request import PullProgress, RegistryLogin
from mirror_console.domain.secret import Secret
from mirror_console.engine import DockerEngines
from mirror_console.engine import images as images_module
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.vault import MemoryVault
from tests.lab.engine import LabEngine
from tests.lab.fault_registry import ANYTHING, BLOBS, Fault, FaultRegistry, Rule, fault_registry
from tests.lab.images import ImageSpec
from tests.lab.lab import Lab
from tests.lab.publish import pushed
from tests.lab.registry import PORT
from tests.operations.fleet import now

REPOSITORY = "faults/web"


@dataclass(frozen=True, slots=True)
class Stage:
    """An engine without two images that the registry has. Engines remember manifests, once they have read one."""

    registry: FaultRegistry
    session: EngineSession
    login: RegistryLogin
    digests: tuple[str, ...]

    def pull(self, digest: str, login: RegistryLogin | None = None) -> list[PullProgress]:
        """Pull through the faults; how far it was, line by line."""
        told: list[PullProgress] = []
        self.session.pull(f"{self.registry.address}/{REPOSITORY}@{digest}", login or self.login, told.append, bool)
        return told

    def refusal(self, digest: str, login: RegistryLogin | None = None) -> EngineError:
        """What a pull fails with."""
        with pytest.raises(EngineError) as caught:
            self.pull(digest, login)
        return caught.value


FAULTS = (
    (Rule(Fault.FORBIDDEN), FailureKind.REGISTRY_SIGN_IN, "denied"),
    (Rule(Fault.REALM, on=ANYTHING), FailureKind.REGISTRY_SIGN_IN, "unauthorized"),
    (Rule(Fault.ELSEWHERE), FailureKind.REGISTRY_UNREACHABLE, "connection refused"),
    (Rule(Fault.MISSING), FailureKind.IMAGE_NOT_FOUND, "manifest unknown"),
    (Rule(Fault.TOO_MANY), FailureKind.REGISTRY_BUSY, "toomanyrequests"),
    (Rule(Fault.ERROR), FailureKind.REGISTRY_TROUBLE, "500 Internal Server Error"),
    (Rule(Fault.RESET), FailureKind.REGISTRY_LOST, "connection reset by peer"),
    (Rule(Fault.TRUNCATED), FailureKind.REGISTRY_LOST, "unexpected EOF"),
    (Rule(Fault.CORRUPT), FailureKind.CORRUPT, "verification failed for digest"),
    (Rule(Fault.WRONG_DIGEST), FailureKind.CORRUPT, "verification failed for digest"),
    (Rule(Fault.CORRUPT, on=BLOBS), FailureKind.CORRUPT, "verification failed for digest"),
    (Rule(Fault.MISSING, on=BLOBS), FailureKind.IMAGE_NOT_FOUND, "unknown blob"),
    (Rule(Fault.TOO_MANY, on=BLOBS), FailureKind.REGISTRY_BUSY, "toomanyrequests"),
    (Rule(Fault.ERROR, on=BLOBS), FailureKind.REGISTRY_TROUBLE, "500 Internal Server Error"),
)


@pytest.fixture
def stage(lab: Lab, fast_engine: LabEngine) -> Iterator[Stage]:
    digests = tuple(pushed(lab, ImageSpec(REPOSITORY, f"1.{number}", payload=200_000)) for number in range(2))
    engines = DockerEngines(MemoryVault(), now)
    login = RegistryLogin("lab", lab.registry.user, Secret(lab.registry.password))
    with fault_registry(lab.network) as registry:
        session = engines.session(Engine("fast", "oslo", parse_address(fast_engine.unix_url)))
        yield Stage(registry, session, login, digests)
    engines.close()


def test_each_fault_of_a_registry_has_its_own_words(lab: Lab, fast_engine: LabEngine, stage: Stage) -> None:
    hints = {}
    first, digest = stage.digests
    for rule, kind, words in FAULTS:
        with stage.registry.misbehaving(rule):
            error = stage.refusal(first)
        assert (rule.fault, rule.on, error.kind) == (rule.fault, rule.on, kind), error.title
        assert words in error.detail
        assert (words in error.title) is (kind is not FailureKind.IMAGE_NOT_FOUND)
        assert error.title.startswith("oslo could not pull ")
        assert not error.outcome_unknown
        hints[kind] = error.hint
    assert len(set(hints.values())) == len(hints), "what to do is another thing for each kind"

    wrong = RegistryLogin("lab", lab.registry.user, Secret("wrong"))
    for login in (wrong, RegistryLogin("lab", "", Secret(""))):
        assert stage.refusal(digest, login).kind is FailureKind.REGISTRY_SIGN_IN
    with lab.network.no_way(fast_engine.place, stage.registry.host):
        error = stage.refusal(digest)
    assert error.kind is FailureKind.REGISTRY_UNREACHABLE, error.title
    other = _only_for(lab, "arm64", digest)
    error = stage.refusal(other)
    assert error.kind is FailureKind.PLATFORM, error.title
    assert "for the engine's platform" in error.hint

    # Each of these has come in spite of what the same engine met before.
    told = stage.pull(digest)
    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[-1].new_layers >= 1
    assert told[-1].done == told[-1].total > 200_000
    # The layers that all have in common were there for this one.
    with stage.registry.misbehaving():
        again = stage.pull(first)
    assert again[-1].new_layers == 2
    assert stage.registry.pulls(BLOBS) >= 2


def test_an_engine_whose_registry_is_silent_isnt_called_silent_itself(
    stage: Stage, fast_engine: LabEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_module, "REGISTRY_SECONDS", 0.5)
    engines = DockerEngines(MemoryVault(), now)
    session = engines.session(Engine("fast", "oslo", parse_address(fast_engine.unix_url), timeout=0.5))
    reference = f"{stage.registry.address}/{REPOSITORY}@{stage.digests[0]}"
    with stage.registry.misbehaving(Rule(Fault.STALL, on=ANYTHING)):
        with pytest.raises(EngineError) as silent:
            session.resolve(reference, stage.login)
        assert silent.value.kind is FailureKind.STALLED
        assert "its registry did not answer within 0.5 s" in silent.value.title
        assert not silent.value.unreachable
        fast_engine.freeze()
        try:
            with pytest.raises(EngineError) as frozen:
                session.resolve(reference, stage.login)
        finally:
            fast_engine.thaw()
        assert frozen.value.kind is FailureKind.TIMEOUT
        assert frozen.value.unreachable
    engines.close()


def _only_for(lab: Lab, architecture: str, digest: str) -> str:
    """Push an index with one entry, for another platform than the engine's; its digest."""
    entry = {
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "size": len(_asked(lab, "GET", digest)[1]),
        "digest": digest,
        "platform": {"architecture": architecture, "os": "linux"},
    }
    kind = "application/vnd.docker.distribution.manifest.list.v2+json"
    index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}).encode()
    return _asked(lab, "PUT", "only-elsewhere", index, kind)[0]


def _asked(lab: Lab, method: str, name: str, body: bytes | None = None, kind: str = "") -> tuple[str, bytes]:
    """The digest of a manifest and the manifest, as the lab's registry answers."""
    connection = http.client.HTTPConnection(lab.network.address(2), PORT, timeout=10.0)
    token = base64.b64encode(f"{lab.registry.user}:{lab.registry.password}".encode()).decode()
    accepted = kind or "application/vnd.docker.distribution.manifest.v2+json"
    headers = {"Authorization": f"Basic {token}", "Accept": accepted, "Content-Type": accepted}
    try:
        connection.request(method, f"/v2/{REPOSITORY}/manifests/{name}", body, headers)
        reply = connection.getresponse()
        content = reply.read()
        assert reply.status in {200, 201}, content
        return str(reply.getheader("Docker-Content-Digest")), content
    finally:
        connection.close()
