"""The columns of the alignment page: which there are, and what rows are ordered by in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mirror_console.domain.fleet import Grid, Row, severity
from mirror_console.domain.status import Status
from mirror_console.domain.ways_back import Ways
from mirror_console.ui.grid.ways_shown import way_of
from mirror_console.ui.words import moment, tr

# An environment's name holds no space, so these can't be one.
SOURCE, WAY_BACK, CHANGE, TAGS = "the source", "way back", "last change", "the tags"


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column: an environment's, or one of those that stand around them."""

    id: str
    title: str
    environment: bool = False


def columns_of(grid: Grid, *, ways: bool = False) -> tuple[GridColumn, ...]:
    """The columns of a survey: the source only where there are several, and the way back where it is wanted."""
    sources = {row.source_name for row in grid.rows}
    return (
        *((GridColumn(SOURCE, tr("Source")),) if len(sources) > 1 else ()),
        *(GridColumn(name, name, environment=True) for name in grid.columns),
        *((GridColumn(WAY_BACK, tr("Way back")),) if ways else ()),
        GridColumn(CHANGE, tr("Last change")),
        GridColumn(TAGS, tr("Tags")),
    )


def text_of(row: Row, name: str, now: datetime) -> str:
    """What the source, the last change and the tags of a mirror are, in words."""
    if name == SOURCE:
        return row.source_name
    if name == CHANGE:
        return moment(row.last_change, now) if row.last_change else "—"
    return " ".join(row.application.tags)


def rank_of(row: Row, name: str, ways: Ways | None = None) -> Any:
    """What a row is ordered by in a column; of an environment its severity, of ways back the worst first."""
    if name == SOURCE:
        return row.source_name.casefold()
    if name == CHANGE:
        return -row.last_change.timestamp() if row.last_change else float("inf")
    if name == TAGS:
        return (not row.application.tags, row.application.tags)
    if name == WAY_BACK:
        way = way_of(row, tuple(row.cells), ways)
        return (way is None, way.rank if way is not None else ())
    cell = row.cells.get(name)
    return severity(cell.status if cell else Status.NOT_APPLICABLE)
