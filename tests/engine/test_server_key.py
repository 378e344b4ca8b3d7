"""Another TLS key of a server than the remembered one is refused before anything is asked, whoever signed for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mirror_console.domain.engine import Engine, TlsReferences, parse_address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.server_key import ServerKeyChanged
from mirror_console.engine import DockerEngines
from mirror_console.vault import MemoryVault
from tests.engine.recorder import Recorder, recording
from tests.lab.certificates import Authority

NOW = datetime(2026, 11, 20, tzinfo=UTC)
AUTHORITY = Authority()
SHOWN = AUTHORITY.server("engine", "127.0.0.1")
RENEWED = AUTHORITY.server("engine", "127.0.0.1", end=datetime(2110, 1, 1, tzinfo=UTC), key=SHOWN.key)
OTHER = AUTHORITY.server("engine", "127.0.0.1")
CLIENT = AUTHORITY.client("console")
REFERENCES = TlsReferences(*(SecretReference(f"engine/e1/{part}") for part in ("ca", "certificate", "key")))


@pytest.fixture
def engines() -> Iterator[DockerEngines]:
    """The way to engines, with the credentials of one."""
    vault = MemoryVault()
    for reference, text in zip(
        (REFERENCES.authority, REFERENCES.certificate, REFERENCES.key),
        (AUTHORITY.pem, CLIENT.certificate, CLIENT.key),
        strict=True,
    ):
        vault.put(reference, Secret(text))
    opened = DockerEngines(vault, lambda: NOW)
    yield opened
    opened.close()


def described(server: Recorder, key: str = "") -> Engine:
    """The engine that a recorder stands for."""
    address = parse_address(f"tcp://127.0.0.1:{server.port}")
    return Engine("e1", "fra-1", address, tls=REFERENCES, timeout=3.0, server_key=key)


def test_the_first_is_seen_a_renewed_certificate_for_it_passes_and_another_hears_nothing(
    engines: DockerEngines,
) -> None:
    with recording(SHOWN, AUTHORITY) as server:
        first = engines.try_out(described(server), {}).server_key
    assert first.startswith("SHA256:")
    with recording(RENEWED, AUTHORITY) as server:
        assert engines.try_out(described(server, first), {}).server_key == first
        assert server.requests
    with recording(OTHER, AUTHORITY) as server:
        second = engines.try_out(described(server), {}).server_key
    assert second != first
    with recording(OTHER, AUTHORITY) as server:
        with pytest.raises(ServerKeyChanged) as refusal:
            engines.session(described(server, first))
        assert server.requests == []
        assert server.raw, "the server wasn't reached at all"
    assert (refusal.value.offered, refusal.value.accepted) == (second, first)


def test_every_further_connection_shows_the_key_of_the_first_though_none_is_remembered(engines: DockerEngines) -> None:
    """Each request to a recorder is a connection of its own. Which certificate it shows changes in between."""
    with recording(SHOWN, AUTHORITY) as server:
        session = engines.try_out(described(server), {})
        session.list_containers()
        asked = len(server.requests)
        server.shows(OTHER)
        with pytest.raises(ServerKeyChanged):
            session.list_containers()
        assert len(server.requests) == asked


def test_a_kept_connection_serves_on_when_its_key_is_remembered_and_not_when_it_is_another(
    engines: DockerEngines,
) -> None:
    with recording(SHOWN, AUTHORITY) as server:
        engine = described(server)
        seen = engines.session(engine).server_key
        greeted = len(server.requests)
        assert engines.session(replace(engine, server_key=seen)).server_key == seen
        assert len(server.requests) == greeted, "it was connected anew"
        with pytest.raises(ServerKeyChanged):
            engines.session(replace(engine, server_key="SHA256:" + "0" * 64))
        assert len(server.requests) == greeted
