"""Time passes: what was fresh becomes stale though nothing was heard, so it is judged again by the local clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mirror_console.domain.alignment import Cell, knowledge, status
from mirror_console.domain.fleet import Grid, Row


def aged(grid: Grid, now: datetime, ageing_after: timedelta, stale_after: timedelta) -> Grid:
    """The same survey as it must be read at `now`. The very same object where nothing has grown older in kind."""
    rows = tuple(_row(row, now, ageing_after, stale_after) for row in grid.rows)
    if all(new is old for new, old in zip(rows, grid.rows, strict=True)):
        return grid
    return replace(grid, rows=rows)


def _row(row: Row, now: datetime, ageing_after: timedelta, stale_after: timedelta) -> Row:
    changed: dict[str, Cell] = {}
    for name, cell in row.cells.items():
        known = knowledge(cell.observation, cell.contact, now, ageing_after, stale_after)
        if known is not cell.knowledge:
            changed[name] = replace(
                cell, knowledge=known, status=status(cell.alignment, cell.health, known, cell.activity)
            )
    return replace(row, cells={**row.cells, **changed}) if changed else row
