"""The fleet as one picture: what the grid, the pages and the command line are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.application import Application
from mirror_console.domain.cell import Cell
from mirror_console.domain.engine import Contact, Engine
from mirror_console.domain.environment import Environment
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release, wanted_of
from mirror_console.domain.schedule import NO_SCHEDULE, Opening, Place, Schedule
from mirror_console.domain.status import SEVERITY, Knowledge, Status
from mirror_console.domain.tag import TagLook

_RANK = {status: rank for rank, status in enumerate(SEVERITY)}


@dataclass(frozen=True, slots=True)
class Row:
    """A mirror and its environments, by name."""

    application: Application
    source_name: str
    cells: Mapping[str, Cell]
    last_change: datetime | None = None
    """When the image that runs was last seen to change, in any of its environments."""

    def worst(self) -> Status:
        """The state of the worst of its environments."""
        return min((cell.status for cell in self.cells.values()), key=severity, default=Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class EngineRow:
    """An engine, the last attempt to reach it, and how many environments are placed on it."""

    engine: Engine
    contact: Contact | None
    environments: int
    knowledge: Knowledge


@dataclass(frozen=True, slots=True)
class SourceEnvironment:
    """An environment of a source: what runs there, and every release it has had, newest first."""

    environment: Environment
    observation: Observation | None
    current: Release | None
    """What it runs, as far as it was seen."""
    releases: tuple[Release, ...]
    look: TagLook | None = None
    """The last look at the tag that it follows."""

    @property
    def wanted(self) -> Release | None:
        """What its mirrors take: what its tag points to, or what it runs."""
        return wanted_of(self.environment, self.releases)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source, its environments, and how many mirrors are locked to it."""

    application: Application
    environments: tuple[SourceEnvironment, ...]
    mirrors: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Everything that was known at one moment. `columns` are the names of environments, in the order of the sources."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    engines: tuple[EngineRow, ...]
    sources: tuple[SourceRow, ...]
    made_at: datetime
    schedule: Schedule = NO_SCHEDULE
    """When environments may be changed."""

    def counts(self, rows: Iterable[Row] | None = None, column: str | None = None) -> dict[Status, int]:
        """How many environments are in each state; over the given rows, or one column, or all."""
        counted: Counter[Status] = Counter()
        for row in self.rows if rows is None else rows:
            for name, cell in row.cells.items():
                if column is None or name == column:
                    counted[cell.status] += 1
        return {status: counted[status] for status in SEVERITY if counted[status]}

    def row(self, application_id: str) -> Row:
        """The row of a mirror. Raises KeyError."""
        for row in self.rows:
            if row.application.id == application_id:
                return row
        raise KeyError(application_id)

    def opening(self, cell: Cell, now: datetime) -> Opening:
        """Whether an environment may be changed at a moment, by its windows and freezes."""
        mirror = cell.application
        return self.schedule.opening(Place(mirror.account, mirror.id, cell.environment.name), now)


def severity(status: Status) -> int:
    """The rank of a state, worst first."""
    return _RANK[status]
