"""Sensible values of the domain's nouns, of which a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mirror_console.domain.alignment import compare
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Contact
from mirror_console.domain.environment import Environment, Process
from mirror_console.domain.expectation import Expected, NoExpectation, expect
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.domain.release import Release
from mirror_console.domain.status import Activity, health_of, knowledge, status

NOW = datetime(2026, 9, 21, 14, 5, tzinfo=UTC)
SOURCE = Application("source", Kind.SOURCE, "Webshop", "webshop", repository="registry.example/shop/webshop")
VERSIONS = ("26.7.4", "26.7.9", "26.8.2", "26.8.3")


def mirror(name: str = "Dunes Bakery", **more: Any) -> Application:
    """A mirror, always live."""
    slug = name.lower().replace(" ", "-")
    fields: dict[str, Any] = {"id": slug, "kind": Kind.MIRROR, "name": name, "slug": slug, "source_id": "source"}
    return Application(**(fields | more))


def environment(name: str = "live", application: str = "dunes-bakery", **more: Any) -> Environment:
    """An environment with one process, on the engine ``fra-2``."""
    container = f"{application}-{name}"
    fields: dict[str, Any] = {
        "id": container,
        "application_id": application,
        "name": name,
        "engine_id": "fra-2",
        "processes": (Process("web", container),),
    }
    return Environment(**(fields | more))


def print_of(version: str) -> str:
    """The fingerprint of the image of a version."""
    return f"fp1:{version.encode().hex():0<64}"


def release(version: str, day: int = 1, of: str = "source-live", **more: Any) -> Release:
    """A release that was first seen on a day of August 2026, and current since then."""
    seen = datetime(2026, 8, day, 10, 0, tzinfo=UTC)
    fields: dict[str, Any] = {
        "id": f"{of}-{version}",
        "environment_id": of,
        "fingerprint": print_of(version),
        "repository": SOURCE.repository,
        "digest": f"sha256:{version.encode().hex():0<64}",
        "first_seen": seen,
        "current_since": seen,
        "version": version,
        "size": 50_000_000,
        "platform": "linux/amd64",
    }
    return Release(**(fields | more))


SOURCE_LIVE = environment("live", "source")
RELEASES = tuple(release(version, 1 + 9 * place) for place, version in enumerate(VERSIONS))
"""Four releases of the source's live: on 1, 10, 19 and 28 August."""


def observation(running: str = "26.8.3", of: str = "dunes-bakery-live", ago: float = 38, **more: Any) -> Observation:
    """A healthy running container of a version, seen `ago` seconds before now, since 30 August 14:21."""
    fields: dict[str, Any] = {
        "environment_id": of,
        "process": "web",
        "engine_id": "fra-2",
        "at": NOW - timedelta(seconds=ago),
        "container_id": "c" * 64,
        "container_name": of,
        "image": f"{SOURCE.repository}:{running}",
        "image_id": f"sha256:1d{running.encode().hex():0<62}",
        "fingerprint": print_of(running),
        "version": running,
        "state": State.RUNNING,
        "health": Health.HEALTHY,
        "running_since": datetime(2026, 8, 30, 14, 21, tzinfo=UTC),
    }
    return Observation(**(fields | more))


def held(running: str = "26.8.3", **more: Any) -> HeldImage:
    """The image of a version as the engine ``fra-2`` holds it, pulled by tag."""
    fields: dict[str, Any] = {
        "engine_id": "fra-2",
        "id": f"sha256:1d{running.encode().hex():0<62}",
        "fingerprint": print_of(running),
        "platform": "linux/amd64",
        "seen_at": NOW - timedelta(days=1),
        "tags": (f"{SOURCE.repository}:{running}",),
        "digests": (f"{SOURCE.repository}@sha256:{running.encode().hex():0<64}",),
        "version": running,
        "revision": f"{running.encode().hex():0<40}",
    }
    return HeldImage(**(fields | more))


def nothing_there(of: str = "dunes-bakery-live", ago: float = 38) -> Observation:
    """That no container was found."""
    return Observation(of, "web", "fra-2", NOW - timedelta(seconds=ago))


def contact(**more: Any) -> Contact:
    """An engine that answered 38 seconds ago."""
    at = NOW - timedelta(seconds=38)
    fields: dict[str, Any] = {"engine_id": "fra-2", "at": at, "answered": True, "took": 0.1, "last_answer": at}
    return Contact(**(fields | more))


def cell(
    seen: Observation | None = None,
    *,
    application: Application | None = None,
    here: Environment | None = None,
    reached: Contact | None = None,
    expected: Expected | NoExpectation | None = None,
    releases: Sequence[Release] = RELEASES,
    activity: Activity = Activity.IDLE,
    on_engine: HeldImage | None = None,
    now: datetime = NOW,
    **more: Any,
) -> Cell:
    """A cell put together by the rules, from what was seen; without a contact its engine was never spoken to."""
    application, here = application or mirror(), here or environment()
    wanted = expected or expect(application, here, [SOURCE_LIVE], releases, now)
    compared = compare(wanted, seen, releases, (), on_engine)
    known, health = knowledge(seen, reached, now), health_of(seen)
    made = Cell(
        application=application,
        environment=here,
        alignment=compared.alignment,
        health=health,
        knowledge=known,
        activity=activity,
        status=status(compared.alignment, health, known, activity),
        expected=wanted,
        observation=seen,
        contact=reached,
        engine_name="fra-2",
        behind=compared.behind,
        drift=compared.drift,
        held=here.hold is not None and here.hold.active(now),
        likeness=compared.likeness,
    )
    return made._replace(**more)
