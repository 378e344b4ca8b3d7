"""Survey: of every environment what it should run, what it runs, and what that is called, kept up to date.

Of a change only what changed is read, and only the cells that it is about are reckoned. What is as it was before stays
the same object, so that whoever shows it sees at once where nothing is to be done.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from operator import is_

from mirror_console.domain.ages import Ages
from mirror_console.domain.application import Application
from mirror_console.domain.bulk import in_bulk
from mirror_console.domain.cell import Cell
from mirror_console.domain.changes import NOTHING, Changes
from mirror_console.domain.fleet import EngineRow, Grid, Row, SourceEnvironment, SourceRow
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import current
from mirror_console.domain.status import AGEING_AFTER, STALE_AFTER
from mirror_console.operations.cells import Cells
from mirror_console.operations.console import Console
from mirror_console.operations.known import EVERYTHING, Concerned, Known

PIPELINE = ("test", "staging", "live")
"""The usual order of environments; others stand between test and live, by name."""


def survey(
    console: Console,
    ageing_after: timedelta = AGEING_AFTER,
    stale_after: timedelta = STALE_AFTER,
    trusted_since: datetime | None = None,
) -> Grid:
    """The whole fleet once, as far as the catalog knows it. No engine is asked.

    What was seen before `trusted_since`, when the computer woke up, is not called fresh.
    """
    return Alignments(console).grid(Ages(ageing_after, stale_after, trusted_since))


class Alignments:
    """The fleet's survey, kept in memory from one change to the next. For any thread; one reckons at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._known = Known(console)
        self._cells = Cells(self._known)
        self._rows: dict[str, Row] = {}
        self._engines: dict[str, EngineRow] = {}
        self._newest: dict[str, Observation | None] = {}
        """The last look at anything on an engine."""
        self._sources: dict[str, SourceRow] = {}
        self._order: list[str] = []
        self._columns: tuple[str, ...] = ()
        self._grid: Grid | None = None
        self._ages, self._now = Ages(), console.clock()
        self._changes = EVERYTHING
        self._reckoning, self._telling = threading.Lock(), threading.Lock()

    @property
    def reckoned(self) -> int:
        """How many cells were reckoned so far."""
        return self._cells.made

    def tell(self, changes: Changes) -> None:
        """The catalog has changed. Returns at once: it is read when the next grid is asked for."""
        with self._telling:
            self._changes = self._changes.also(changes)

    def grid(self, ages: Ages, times: Mapping[str, datetime] | None = None) -> Grid:
        """The fleet as it stands now: the very same grid as before where nothing is new.

        `times` are when engines, by their identities, were found unchanged. Raises CatalogError; then everything is
        read the next time.
        """
        with self._reckoning, in_bulk():
            with self._telling:
                changes, self._changes = self._changes, NOTHING
            try:
                now = self._console.clock()
                return self._reckon(self._read(changes, times or {}, now), ages, now)
            except BaseException:
                self.tell(EVERYTHING)
                raise

    def _read(self, changes: Changes, times: Mapping[str, datetime], now: datetime) -> Concerned:
        # Another program may change a catalog that this one only reads, and tells nobody.
        wanted = EVERYTHING if self._console.read_only else changes
        if wanted & EVERYTHING:
            with self._console.catalog.read() as books:
                found = self._known.read(books, wanted)
        else:
            found = Concerned()
        self._known.see_again(times, now, found)
        return found

    def _reckon(self, found: Concerned, ages: Ages, now: datetime) -> Grid:
        before = self._grid
        if ages != self._ages or (before is not None and now < self._now):
            self._cells.forget_times(cell.environment.id for row in self._rows.values() for cell in row.cells.values())
        self._ages, self._now = ages, now
        self._make_rows(found)
        rows = tuple(map(self._rows.__getitem__, self._order))
        engines, sources = self._engine_rows(found), self._source_rows(found)
        if before is not None and _same(before.rows, rows):
            rows = before.rows
            same = _same(before.engines, engines) and _same(before.sources, sources)
            if same and before.columns == self._columns and before.schedule == self._known.schedule:
                return before
        self._grid = Grid(rows, self._columns, engines, sources, now, self._known.schedule)
        return self._grid

    # --- mirrors --------------------------------------------------------------------------------------------------

    def _make_rows(self, found: Concerned) -> None:
        known = self._known
        for source_id in found.sources:
            self._cells.forget_source(source_id)
        ids = found.environments | self._cells.due(self._now)
        ids = ids.union(*(known.placed_on.get(engine_id, ()) for engine_id in found.engines))
        anew = set(found.applications)
        """Mirrors of which more may be new than what is expected of them."""
        for one in ids:
            environment = known.environments.get(one)
            if environment is None:
                self._cells.forget(one)
            else:
                anew.add(environment.application_id)
        touched = anew.union(*(known.mirrors.get(source_id, ()) for source_id in found.sources))
        # As they came: what was read together lies together, which makes half of the difference in time.
        for application_id in [
            *(one for one in known.applications if one in touched),
            *touched - known.applications.keys(),
        ]:
            application = known.applications.get(application_id)
            if application is not None and application.is_mirror:
                if application_id not in anew:
                    row = self._expecting_again(self._rows[application_id])
                elif application_id in found.applications or application.source_id in found.sources:
                    row = self._row(application)
                else:
                    row = self._row(application, ids)
                self._rows[application_id] = row
            elif self._rows.pop(application_id, None) is not None:
                self._cells.forget_mirror(application_id)
                for one in known.of_application.get(application_id, ()):
                    self._cells.forget(one)
        if found.applications:
            self._put_in_order()

    def _expecting_again(self, before: Row) -> Row:
        """The row of a mirror of which nothing may be new but its source, and what that expects."""
        source_name = self._source_name(before.application)
        cells = self._cells.expect_again(before.application, before.cells, self._now)
        if cells is before.cells and source_name == before.source_name:
            return before
        return Row(before.application, source_name, cells, before.last_change)

    def _row(self, application: Application, ids: Set[str] | None = None) -> Row:
        """The row of a mirror, with these cells made anew, or all."""
        known, before = self._known, self._rows.get(application.id)
        source_name = self._source_name(application)
        shown = before.cells if before is not None else {}
        cells: dict[str, Cell] = {}
        same = before is not None and before.application is application and before.source_name == source_name
        for one in known.of_application[application.id].values():
            cell = shown.get(one.name)
            if cell is not None and cell.environment.id != one.id:
                cell = None
            if cell is None or ids is None or one.id in ids:
                cell = self._cells.make(application, one, cell, self._now, self._ages)
            cells[one.name] = cell
            same = same and shown.get(one.name) is cell
        if before is not None and same and len(shown) == len(cells):
            return before
        return Row(application, source_name, cells, _last_change(cells.values()))

    def _source_name(self, mirror: Application) -> str:
        source = self._known.applications.get(mirror.source_id)
        return source.name if source is not None and not source.is_mirror else ""

    def _put_in_order(self) -> None:
        """By name; of the same name, as they came. Columns follow from the names of environments."""
        places = self._known.places
        ordered = sorted(
            self._rows.values(), key=lambda row: (row.application.name.casefold(), places[row.application.id])
        )
        self._order = [row.application.id for row in ordered]
        self._columns = _columns(ordered)

    # --- engines and sources --------------------------------------------------------------------------------------

    def _engine_rows(self, found: Concerned) -> tuple[EngineRow, ...]:
        known = self._known
        for engine_id in found.looks:
            looks = [known.seen[one] for one in known.seen_on.get(engine_id, ())]
            self._newest[engine_id] = max(looks, key=lambda seen: seen.at, default=None)
        rows = {}
        for engine in sorted(known.engines.values(), key=lambda engine: engine.name.casefold()):
            contact = known.reach.own.get(engine.id)
            how = self._ages.knowledge(self._newest.get(engine.id), contact, self._now)
            row = EngineRow(engine, contact, len(known.placed_on.get(engine.id, ())), how)
            before = self._engines.get(engine.id)
            rows[engine.id] = before if before is not None and before == row else row
        self._engines = rows
        return tuple(rows.values())

    def _source_rows(self, found: Concerned) -> tuple[SourceRow, ...]:
        for source_id in found.sources | found.watched:
            source = self._known.applications.get(source_id)
            if source is None or source.is_mirror:
                self._sources.pop(source_id, None)
            else:
                row = self._source_row(source)
                if self._sources.get(source_id) != row:
                    self._sources[source_id] = row
        return tuple(sorted(self._sources.values(), key=lambda row: self._known.places[row.application.id]))

    def _source_row(self, source: Application) -> SourceRow:
        known, environments = self._known, []
        for one in known.of_application[source.id].values():
            releases = known.releases.get(one.id, [])
            newest_first = tuple(sorted(releases, key=lambda release: release.first_seen, reverse=True))
            look = known.tags.get(f"{source.repository}:{one.follows.tag}") if one.follows is not None else None
            seen = known.seen.get(one.id)
            environments.append(SourceEnvironment(one, seen, current(newest_first), newest_first, look))
        return SourceRow(source, tuple(environments), len(known.mirrors.get(source.id, ())))


def _same(before: Sequence[object], after: Sequence[object]) -> bool:
    """Whether these are the very same objects."""
    return len(before) == len(after) and all(map(is_, before, after))


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
