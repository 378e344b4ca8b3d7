"""The survey put plainly: everything is read, and every cell reckoned by itself. What the console's own must equal.

It is also what the console's is measured against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mirror_console.domain.access import shut_out
from mirror_console.domain.alignment import compare
from mirror_console.domain.application import Application
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Contact, Engine
from mirror_console.domain.environment import Environment
from mirror_console.domain.expectation import Expected, expect
from mirror_console.domain.fleet import EngineRow, Grid, Row, SourceEnvironment, SourceRow
from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release, current
from mirror_console.domain.status import AGEING_AFTER, STALE_AFTER, Activity, activity_of, health_of, knowledge, status
from mirror_console.domain.where import names_of
from mirror_console.operations.access import reach
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.standing import activities, standing
from mirror_console.operations.status import PIPELINE


def plain_survey(
    console: Console,
    ageing_after: timedelta = AGEING_AFTER,
    stale_after: timedelta = STALE_AFTER,
    trusted_since: datetime | None = None,
) -> Grid:
    """The whole fleet, as far as the catalog knows it. No engine is asked.

    What was seen before `trusted_since`, when the computer woke up, is not called fresh.
    """
    with console.catalog.read() as books:
        known = replace(_read(console, books), trusted_since=trusted_since)
    return _grid(known, console.clock(), ageing_after, stale_after)


@dataclass(frozen=True, slots=True)
class _Known:
    applications: Sequence[Application]
    environments: Mapping[str, Sequence[Environment]]
    engines: Sequence[Engine]
    contacts: Mapping[str, Contact]
    reach: Callable[[str, str], tuple[Contact | None, bool]]
    observations: Mapping[str, Observation]
    releases: Mapping[str, Sequence[Release]]
    activity: Mapping[str, tuple[Activity, str]]
    images: Mapping[tuple[str, str], HeldImage]
    names: Mapping[str, tuple[str, ...]]
    trusted_since: datetime | None = None


def _read(console: Console, books: Books) -> _Known:
    environments: dict[str, list[Environment]] = defaultdict(list)
    for environment in books.environments.all():
        environments[environment.application_id].append(environment)
    releases: dict[str, list[Release]] = defaultdict(list)
    for release in books.releases.all():
        releases[release.environment_id].append(release)
    first_processes = {
        environment.id: environment.processes[0].name
        for several in environments.values()
        for environment in several
        if environment.processes
    }
    observations = {
        seen.environment_id: seen
        for seen in books.observations.all()
        if first_processes.get(seen.environment_id) == seen.process
    }
    images = books.images.all()
    return _Known(
        applications=books.applications.all(),
        environments=environments,
        engines=books.engines.all(),
        contacts=books.engines.contacts(),
        reach=reach(books).of,
        observations=observations,
        releases=releases,
        activity=activities([standing(console, rollout) for rollout in books.rollouts.unfinished()]),
        images={(image.engine_id, image.id): image for image in images},
        names=names_of(images, [release for several in releases.values() for release in several]),
    )


def _grid(known: _Known, now: datetime, ageing_after: timedelta, stale_after: timedelta) -> Grid:
    engines = {engine.id: engine for engine in known.engines}
    sources = {application.id: application for application in known.applications if not application.is_mirror}
    of_source = {
        source_id: [
            release
            for environment in known.environments.get(source_id, ())
            for release in known.releases.get(environment.id, ())
        ]
        for source_id in sources
    }
    rows = []
    for application in known.applications:
        if not application.is_mirror:
            continue
        source_environments = known.environments.get(application.source_id, ())
        releases = of_source.get(application.source_id, [])
        cells = {
            environment.name: _cell(
                known, application, environment, source_environments, releases, engines, now, ageing_after, stale_after
            )
            for environment in known.environments.get(application.id, ())
        }
        source = sources.get(application.source_id)
        rows.append(Row(application, source.name if source else "", cells, _last_change(cells.values())))
    rows.sort(key=lambda row: row.application.name.casefold())
    return Grid(
        rows=tuple(rows),
        columns=_columns(rows),
        engines=_engine_rows(known, now, ageing_after, stale_after),
        sources=tuple(_source_row(known, source) for source in sources.values()),
        made_at=now,
    )


def _cell(
    known: _Known,
    application: Application,
    environment: Environment,
    source_environments: Sequence[Environment],
    releases: Sequence[Release],
    engines: Mapping[str, Engine],
    now: datetime,
    ageing_after: timedelta,
    stale_after: timedelta,
) -> Cell:
    seen = known.observations.get(environment.id)
    contact, may_look = known.reach(environment.engine_id, application.account)
    if not may_look:
        # What was seen before its account lost its access is nobody's to tell now.
        seen, contact = None, shut_out(environment.engine_id, application.account, now)
    expected = expect(application, environment, source_environments, releases, now)
    origin = releases
    if isinstance(expected, Expected) and expected.release is not None:
        origin = known.releases.get(expected.release.environment_id, releases)
    held = known.images.get((seen.engine_id, seen.image_id)) if seen is not None else None
    compared = compare(expected, seen, origin, releases, held)
    known_how = knowledge(seen, contact, now, ageing_after, stale_after, known.trusted_since)
    activity, step = activity_of(known.activity.get(environment.id), seen)
    health = health_of(seen)
    engine = engines.get(environment.engine_id)
    return Cell(
        application=application,
        environment=environment,
        alignment=compared.alignment,
        health=health,
        knowledge=known_how,
        activity=activity,
        status=status(compared.alignment, health, known_how, activity),
        expected=expected,
        observation=seen,
        contact=contact,
        engine_name=engine.name if engine else "",
        engine_at_once=engine.at_once if engine else 1,
        behind=compared.behind,
        drift=compared.drift,
        pending=bool(seen and seen.present and seen.settings_hash and seen.settings_hash != environment.settings.hash),
        step=step,
        held=environment.hold is not None and environment.hold.active(now),
        likeness=compared.likeness,
        names=known.names.get(seen.fingerprint or seen.recorded, ()) if seen is not None else (),
    )


def _last_change(cells: Iterable[Cell]) -> datetime | None:
    changes = [cell.observation.running_since for cell in cells if cell.observation and cell.observation.running_since]
    return max(changes, default=None)


def _columns(rows: Sequence[Row]) -> tuple[str, ...]:
    names = {name for row in rows for name in row.cells}

    def place(name: str) -> tuple[float, str]:
        if name in PIPELINE:
            return (float(PIPELINE.index(name)), name)
        return (len(PIPELINE) - 1.5, name)

    return tuple(sorted(names, key=place))


def _engine_rows(
    known: _Known, now: datetime, ageing_after: timedelta, stale_after: timedelta
) -> tuple[EngineRow, ...]:
    placed: dict[str, int] = defaultdict(int)
    newest: dict[str, Observation] = {}
    for several in known.environments.values():
        for environment in several:
            placed[environment.engine_id] += 1
    for seen in known.observations.values():
        if seen.engine_id not in newest or seen.at > newest[seen.engine_id].at:
            newest[seen.engine_id] = seen
    rows = []
    for engine in sorted(known.engines, key=lambda engine: engine.name.casefold()):
        contact = known.contacts.get(engine.id)
        how = knowledge(newest.get(engine.id), contact, now, ageing_after, stale_after, known.trusted_since)
        rows.append(EngineRow(engine, contact, placed[engine.id], how))
    return tuple(rows)


def _source_row(known: _Known, source: Application) -> SourceRow:
    environments = []
    for environment in known.environments.get(source.id, ()):
        releases = sorted(known.releases.get(environment.id, ()), key=lambda release: release.first_seen, reverse=True)
        seen = known.observations.get(environment.id)
        environments.append(SourceEnvironment(environment, seen, current(releases), tuple(releases)))
    mirrors = sum(application.source_id == source.id for application in known.applications)
    return SourceRow(source, tuple(environments), mirrors)
