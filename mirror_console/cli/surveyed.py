"""Surveyed: the fleet as the catalog knows it, and what of it a command's words choose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mirror_console import settings
from mirror_console.cli.session import Session
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.selection import matches, parse
from mirror_console.domain.ways_back import Ways
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.local_time import local
from mirror_console.operations.status import survey
from mirror_console.operations.ways_back import ways_back

FILTER_HELP = "Which mirrors, as in the filter box: text, live:behind, engine:fra-1; quote what begins with a minus."


def surveyed(session: Session, console: Console) -> Grid:
    """The fleet as the catalog knows it, with this person's idea of what is stale."""
    preferences = settings.load(session.parts.preferences_path())
    return survey(console, preferences.ageing_after, preferences.stale_after)


def chosen(console: Console, grid: Grid, text: str, now: datetime) -> list[Row]:
    """The rows that a filter leaves. Raises BadFilter. Ways back are read only where it asks for them."""
    query = parse(text, grid.columns)
    ways = None
    if query.asks_for_ways:
        ways = Ways(ways_back(console, [cell.environment.id for row in grid.rows for cell in row.cells.values()]))
    here = local(now)
    return [row for row in grid.rows if matches(query, row, here, ways)]


def engine_ids(console: Console, names: Sequence[str]) -> list[str]:
    """Identities of engines by name. Raises InvalidInput where one isn't in the catalog."""
    with console.catalog.read() as books:
        known = {engine.name: engine.id for engine in books.engines.all()}
    unknown = [name for name in names if name not in known]
    if unknown:
        there = ", ".join(known) or "none yet"
        problems = [Problem("engine", f"there is no engine '{name}' (there are: {there})") for name in unknown]
        raise InvalidInput("This engine isn't in the catalog.", problems, "Choose another.")
    return [known[name] for name in names]
