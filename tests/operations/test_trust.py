"""Trust: the TLS key of a real engine is remembered, and another one is refused until a person has decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from mirror_console.domain.engine import Engine
from mirror_console.domain.secret import Secret
from mirror_console.errors import EngineError, FailureKind, InvalidInput, NotAllowed
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.engines import EngineInput, StepState, engine_input, save_engine, test_connection
from mirror_console.operations.imports import export_catalog, import_catalog
from mirror_console.operations.refresh import refresh
from mirror_console.operations.trust import accept_host_key, accept_server_key, meet, server_key_refusal
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab
from tests.operations.desk import CERTIFICATE, KEY, empty_console
from tests.operations.test_engines import PIN

test_connection.__test__ = False  # type: ignore[attr-defined]
OLD, NEW = ("SHA256:" + digit * 64 for digit in "ab")


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with empty_console(tmp_path) as opened:
        yield opened


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


def saved(console: Console, lab_engine: LabEngine) -> Engine:
    """A real engine by TLS, in the catalog."""
    client = lab_engine.client
    return save_engine(
        console,
        EngineInput("paris", lab_engine.tls_url, ca=client.ca, certificate=client.certificate, key=Secret(client.key)),
    )


def remembering(console: Console, key: str = OLD) -> Engine:
    """An engine that is nowhere, whose key is remembered."""
    typed = EngineInput("fra-1", "tcp://fra-1.example", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    return accept_server_key(console, save_engine(console, typed).id, key)


@pytest.mark.timeout(300)
def test_a_swapped_certificate_that_the_authority_signed_is_refused_until_a_person_says_so(
    console: Console, jobs: Jobs, lab: Lab, tls_engine: LabEngine
) -> None:
    engine = saved(console, tls_engine)
    assert engine.server_key == ""
    assert refresh(console, jobs).answered == ("paris",)
    engine = console.engine(engine.id)
    first = engine.server_key
    assert first.startswith("SHA256:")

    # Renewed for the same key it passes, and nobody is asked.
    soon = datetime(2110, 1, 1, tzinfo=UTC)
    tls_engine.show(lab.server_certificate(tls_engine, end=soon, key=tls_engine.server.key))
    assert refresh(console, jobs).answered == ("paris",)
    assert console.engine(engine.id).server_key == first

    tls_engine.show(lab.server_certificate(tls_engine))
    assert refresh(console, jobs).failed == (("paris", "server key changed"),)
    with console.catalog.read() as books:
        contact = books.engines.contacts()[engine.id]
    assert contact.failure is FailureKind.SERVER_KEY_CHANGED
    steps = {step.number: step for step in test_connection(console, engine, None)}
    assert steps[4].state is StepState.FAILED
    assert first in steps[4].words
    assert "openssl" in steps[4].remedy
    assert steps[5].state is StepState.SKIPPED
    refusal = server_key_refusal(console, engine)
    assert refusal is not None
    assert refusal.accepted == first
    assert steps[4].server_key == refusal.offered != first
    assert steps[4].remembered == first
    with pytest.raises(EngineError, match="another TLS key"):
        meet(console, engine)

    trusting = accept_server_key(console, engine.id, refusal.offered)
    assert trusting.server_key == refusal.offered
    assert server_key_refusal(console, trusting) is None
    assert refresh(console, jobs).answered == ("paris",)
    step = {step.number: step for step in test_connection(console, trusting, None)}[4]
    assert (step.state, step.server_key) == (StepState.OK, "")
    assert f"{refusal.offered}, as remembered" in step.words


def test_it_stays_with_its_address_alone(console: Console) -> None:
    engine = remembering(console)
    typed = engine_input(engine)
    assert save_engine(console, replace(typed, location="Lyon"), engine.id).server_key == OLD
    moved = save_engine(console, replace(typed, address="tcp://fra-1.example:2377"), engine.id)
    assert moved.server_key == ""
    assert console.engine(engine.id).server_key == ""


def test_what_was_seen_while_a_form_was_saved_is_not_lost(console: Console) -> None:
    typed = EngineInput("fra-1", "tcp://fra-1.example", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    engine = save_engine(console, typed)
    with console.catalog.write() as books:
        books.engines.remember_key(engine.id, engine.address, OLD)
        books.engines.remember_key(engine.id, engine.address, NEW)
        books.engines.remember_key("gone", engine.address, NEW)
    assert save_engine(console, engine_input(engine), engine.id).server_key == OLD


def test_who_may_decide_and_on_what(console: Console) -> None:
    engine = remembering(console)
    with pytest.raises(NotAllowed):
        accept_server_key(replace(console, read_only="Only looking."), engine.id, NEW)
    with pytest.raises(InvalidInput, match="64 digits"):
        accept_server_key(console, engine.id, "y")
    with pytest.raises(InvalidInput, match="not reached by SSH"):
        accept_host_key(console, engine.id, PIN)
    local = save_engine(console, EngineInput("here", "unix:///var/run/docker.sock"))
    with pytest.raises(InvalidInput, match="not reached by TLS"):
        accept_server_key(console, local.id, NEW)
    assert console.engine(engine.id).server_key == OLD


def test_a_file_brings_it_along_and_never_puts_another_in_its_place(console: Console, tmp_path: Path) -> None:
    remembering(console)
    exported = export_catalog(console)
    assert f"server_key: {OLD}" in exported
    assert import_catalog(console, exported).changed == 0
    with pytest.raises(InvalidInput, match="compare it by hand"):
        import_catalog(console, exported.replace(OLD, NEW))
    with pytest.raises(InvalidInput, match="64 digits"):
        import_catalog(console, exported.replace(OLD, "none"))
    with empty_console(tmp_path / "other") as other:
        notes = import_catalog(other, exported).notes
        assert any(OLD in note for note in notes)
        with other.catalog.read() as books:
            assert [engine.server_key for engine in books.engines.all()] == [OLD]
        document = yaml.safe_load(exported)
        document["engines"][0] |= {"name": "here", "address": "unix:///run/x.sock"}
        with pytest.raises(InvalidInput, match="by TLS alone"):
            import_catalog(other, yaml.safe_dump(document))
