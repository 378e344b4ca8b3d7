"""The columns of the alignment page: which there are, and what rows are ordered by in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mirror_console.domain.alignment import Status
from mirror_console.domain.fleet import Grid, Row, severity
from mirror_console.ui.words import tr

# An environment's name holds no space, so these can't be one.
SOURCE, CHANGE, TAGS = "the source", "last change", "the tags"


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column: an environment's, or one of those that stand around them."""

    id: str
    title: str
    environment: bool = False


def columns_of(grid: Grid) -> tuple[GridColumn, ...]:
    """The columns of a survey: the source only where there are several."""
    sources = {row.source_name for row in grid.rows}
    return (
        *((GridColumn(SOURCE, tr("Source")),) if len(sources) > 1 else ()),
        *(GridColumn(name, name, environment=True) for name in grid.columns),
        GridColumn(CHANGE, tr("Last change")),
        GridColumn(TAGS, tr("Tags")),
    )


def rank_of(row: Row, name: str) -> Any:
    """What a row is ordered by in a column; of an environment its severity, worst first."""
    if name == SOURCE:
        return row.source_name.casefold()
    if name == CHANGE:
        return -row.last_change.timestamp() if row.last_change else float("inf")
    if name == TAGS:
        return (not row.application.tags, row.application.tags)
    cell = row.cells.get(name)
    return severity(cell.status if cell else Status.NOT_APPLICABLE)
