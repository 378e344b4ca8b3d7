"""What `status --json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.cli.shapes.engines import EngineShape, engine_shape
from mirror_console.domain.cell import Cell
from mirror_console.domain.expectation import Expected
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.phrases import drift_text
from mirror_console.domain.several import process_lines
from mirror_console.domain.verdict import answer
from mirror_console.domain.way_back import KnownWay


@dataclass(frozen=True, slots=True)
class StatusShape:
    """What `status --json` prints."""

    made_at: datetime
    counts: Mapping[str, int]
    mirrors: Sequence[MirrorShape]
    engines: Sequence[EngineShape]


@dataclass(frozen=True, slots=True)
class MirrorShape:
    """A mirror."""

    id: str
    name: str
    slug: str
    account: str
    source: str
    tags: Sequence[str]
    domains: Sequence[str]
    environments: Sequence[EnvironmentShape]


@dataclass(frozen=True, slots=True)
class EnvironmentShape:
    """One environment of a mirror."""

    id: str
    name: str
    status: str
    alignment: str
    health: str
    knowledge: str
    activity: str
    locked_by: str
    """Who else holds the lock; empty where nobody does."""
    running: str
    expected: str
    why: str
    behind: int | None
    drift: str | None
    sureness: str
    """Whether what runs was compared with what is expected, and how: proved, by our record, can't be told; or empty."""
    untold: str
    """Why it can't be told; empty where it is."""
    drift_words: str
    differences: Sequence[str]
    not_compared: str
    pending: bool
    held: bool
    held_until: datetime | None
    engine: str
    container: str
    swarm: bool
    """Whether `container` is the name of a service of a Swarm."""
    checked_at: datetime | None
    running_since: datetime | None
    answer: str
    way_back: str
    """Whether it can go back to what it ran before its last rollout, as a target tells it; empty without a rollout."""
    way_back_words: str
    processes: Sequence[Mapping[str, str]]
    """Where it has several: ``name``, ``container`` and ``state`` of each, the one that serves first."""


def status_shape(
    grid: Grid, rows: Sequence[Row], columns: Sequence[str], now: datetime, ways: Mapping[str, KnownWay]
) -> StatusShape:
    """The state of chosen mirrors, in chosen environments, with their ways back by environment."""
    mirrors = [_mirror(row, columns, now, ways) for row in rows]
    counted: dict[str, int] = {}
    for mirror in mirrors:
        for environment in mirror.environments:
            counted[environment.status] = counted.get(environment.status, 0) + 1
    return StatusShape(grid.made_at, counted, mirrors, [engine_shape(row) for row in grid.engines])


def _mirror(row: Row, columns: Sequence[str], now: datetime, ways: Mapping[str, KnownWay]) -> MirrorShape:
    application = row.application
    return MirrorShape(
        id=application.id,
        name=application.name,
        slug=application.slug,
        account=application.account,
        source=row.source_name,
        tags=application.tags,
        domains=application.domains,
        environments=[
            _environment(cell, now, ways.get(cell.environment.id))
            for cell in (row.cells[name] for name in columns if name in row.cells)
        ],
    )


def _environment(cell: Cell, now: datetime, way: KnownWay | None) -> EnvironmentShape:
    seen = cell.observation
    return EnvironmentShape(
        id=cell.environment.id,
        name=cell.environment.name,
        status=cell.status.value,
        alignment=cell.alignment.value,
        health=cell.health.value,
        knowledge=cell.knowledge.value,
        activity=cell.activity.value,
        locked_by=seen.lock.holder if seen and seen.lock else "",
        running=cell.running_title,
        expected=cell.expected.title if isinstance(cell.expected, Expected) else "",
        why=cell.expected.why,
        behind=cell.behind,
        drift=cell.drift.value if cell.drift else None,
        sureness=cell.likeness.sureness.value if cell.likeness else "",
        untold=cell.likeness.why if cell.likeness else "",
        drift_words=drift_text(cell) if cell.drift else "",
        differences=[str(difference) for difference in cell.differences],
        not_compared=seen.not_compared if seen else "",
        pending=cell.pending,
        held=cell.held,
        held_until=cell.environment.hold.until if cell.held and cell.environment.hold else None,
        engine=cell.engine_name,
        container=cell.environment.container,
        swarm=cell.environment.swarm,
        checked_at=seen.at if seen else None,
        running_since=seen.running_since if seen else None,
        answer=answer(cell, now),
        way_back=way.way_back.value if way else "",
        way_back_words=way.words if way else "",
        processes=[
            {"name": name, "container": container, "state": words} for name, container, words in process_lines(cell)
        ],
    )
