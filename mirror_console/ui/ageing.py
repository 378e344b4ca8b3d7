"""Time passes: what was fresh becomes stale though nothing was heard, so it is judged again by the local clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from mirror_console.domain.alignment import Cell, knowledge, status
from mirror_console.domain.fleet import Grid, Row


def aged(
    grid: Grid, now: datetime, ageing_after: timedelta, stale_after: timedelta, trusted_since: datetime | None = None
) -> Grid:
    """The same survey as it must be read at `now`. The very same object where nothing has grown older in kind."""
    rows = tuple(_row(row, now, ageing_after, stale_after, trusted_since) for row in grid.rows)
    if all(new is old for new, old in zip(rows, grid.rows, strict=True)):
        return grid
    return replace(grid, rows=rows)


def _row(
    row: Row, now: datetime, ageing_after: timedelta, stale_after: timedelta, trusted_since: datetime | None
) -> Row:
    changed: dict[str, Cell] = {}
    for name, cell in row.cells.items():
        known = knowledge(cell.observation, cell.contact, now, ageing_after, stale_after, trusted_since)
        if known is not cell.knowledge:
            changed[name] = replace(
                cell, knowledge=known, status=status(cell.alignment, cell.health, known, cell.activity)
            )
    return replace(row, cells={**row.cells, **changed}) if changed else row


def seen_again(grid: Grid, times: Mapping[str, datetime]) -> Grid:
    """The same survey after engines, by their identities, were found unchanged at these times."""
    rows = tuple(_seen_again(row, times) for row in grid.rows)
    if all(new is old for new, old in zip(rows, grid.rows, strict=True)):
        return grid
    engines = tuple(
        replace(row, contact=replace(row.contact, at=times[row.engine.id], last_answer=times[row.engine.id]))
        if row.contact is not None and row.contact.answered and row.engine.id in times
        else row
        for row in grid.engines
    )
    return replace(grid, rows=rows, engines=engines)


def _seen_again(row: Row, times: Mapping[str, datetime]) -> Row:
    changed = {}
    for name, cell in row.cells.items():
        seen = cell.observation
        at = times.get(seen.engine_id) if seen is not None else None
        if seen is not None and at is not None and at > seen.at:
            changed[name] = replace(cell, observation=replace(seen, at=at))
    return replace(row, cells={**row.cells, **changed}) if changed else row
