"""Known faults of engines: told of the very versions that have them, and where they concern what is planned."""

from __future__ import annotations

import pytest

from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import Port, Settings
from mirror_console.domain.known_bad import KNOWN_BAD, faults_of, newer_than_tested, version_of

AT_HOME = Settings(ports=(Port(80, 8080, "127.0.0.1"),))
EVERYWHERE = Settings(ports=(Port(80, 8080),))


def facts(version: str, *, live_restore: bool = False, kind: EngineKind = EngineKind.DOCKER) -> EngineFacts:
    return EngineFacts(version, "1.41", "linux/amd64", live_restore=live_restore, kind=kind)


@pytest.mark.parametrize(
    ("text", "version"),
    [("20.10.24+dfsg1", (20, 10, 24)), ("29.7", (29, 7, 0)), ("28.0.0-rc.1", (28, 0, 0)), ("dev", None), ("", None)],
)
def test_versions_are_read_as_numbers(text: str, version: tuple[int, int, int] | None) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize(
    ("engine", "planned", "count"),
    [
        (facts("24.0.3", live_restore=True), EVERYWHERE, 1),
        (facts("24.0.3"), EVERYWHERE, 0),
        (facts("24.0.4", live_restore=True), EVERYWHERE, 0),
        (facts("28.2.2"), AT_HOME, 1),
        (facts("28.3.2"), AT_HOME, 1),
        (facts("28.3.2"), EVERYWHERE, 0),
        (facts("28.3.3"), AT_HOME, 0),
        (facts("28.10.0"), AT_HOME, 0),
        (facts("28.3.2", kind=EngineKind.PODMAN), AT_HOME, 0),
        (facts("of our own"), AT_HOME, 0),
    ],
)
def test_a_fault_is_told_of_the_versions_that_have_it_where_it_matters(
    engine: EngineFacts, planned: Settings, count: int
) -> None:
    assert len(faults_of(engine, [Settings(), planned])) == count


def test_every_fault_has_a_source_of_the_makers_own() -> None:
    assert all(one.source.startswith("https://github.com/moby/moby/") for one in KNOWN_BAD)
    assert all(one.first <= one.last for one in KNOWN_BAD)


@pytest.mark.parametrize(
    ("version", "newer"), [("29.9.9", False), ("30.0.0", True), ("20.10.24", False), ("dev", False)]
)
def test_a_later_line_of_releases_was_not_tested(version: str, newer: bool) -> None:
    assert newer_than_tested(facts(version)) is newer
    assert not newer_than_tested(facts(version, kind=EngineKind.PODMAN))
