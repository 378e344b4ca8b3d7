"""Status and check: what runs where, as the catalog knows it or as the engines tell it now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from mirror_console.cli.cell_line import cell_line
from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.shapes.status import status_shape
from mirror_console.cli.surveyed import FILTER_HELP, chosen, engine_ids, surveyed
from mirror_console.cli.watching import watch_status
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.verdict import ABSENT_TEXTS, answer
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.local_time import local
from mirror_console.operations.refresh import Refreshed, refresh
from mirror_console.operations.standing import unfinished
from mirror_console.operations.ways_back import ways_back


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status", short_help="Show what runs where, from the catalog.")(status)
    app.command("check", short_help="Ask the engines what runs there now.")(check)


@told
def status(
    context: typer.Context,
    filter_text: Annotated[list[str] | None, typer.Argument(metavar="FILTER", help=FILTER_HELP)] = None,
    environment: Annotated[str, typer.Option("--environment", "-e", help="Show this environment alone.")] = "",
    ask: Annotated[bool, typer.Option("--refresh", help="Ask the engines first.")] = False,
    follow: Annotated[
        bool, typer.Option("--watch", help="Watch the engines and show what changes, until Ctrl-C.")
    ] = False,
    sentences: Annotated[bool, typer.Option("--answer", help="One sentence for each environment.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what runs where against what should run there, from the catalog."""
    session = session_of(context)
    if follow:
        watch_status(session, " ".join(filter_text or []), environment, as_json=as_json)
        return
    with session.console(write=ask) as (console, jobs):
        if ask:
            session.out.note(refresh(console, jobs).sentence)
        grid = surveyed(session, console)
        cut_off = [one for one in unfinished(console) if one.state is RolloutState.INTERRUPTED]
        now = console.clock()
        shown = [cell.environment.id for row in grid.rows for cell in row.cells.values()] if as_json else []
        ways = ways_back(console, shown)
        rows = chosen(console, grid, " ".join(filter_text or []), now)
    if environment and environment not in grid.columns:
        names = ", ".join(grid.columns) or "none yet"
        problem = Problem("environment", f"no mirror has an environment '{environment}' (there are: {names})")
        raise InvalidInput("This can't be shown.", [problem], "Choose another.")
    columns = [environment] if environment else list(grid.columns)
    cells = [row.cells[name] for row in rows for name in columns if name in row.cells]
    if as_json:
        session.out.json(status_shape(grid, rows, columns, now, ways))
    elif sentences:
        here = local(now)
        for cell in cells:
            session.out.say(answer(cell, here))
        if not rows:
            session.out.note(_nothing(grid))
    else:
        _print_grid(session, grid, rows, columns, local(now))
    for rollout in cut_off:
        words = f"Rollout {rollout.plan.fingerprint} to {rollout.plan.environment} was interrupted."
        session.out.note(f"{words} See what it left, and decide: mirror-console recover list", "yellow")
    if cut_off or any(cell.needs_attention for cell in cells):
        raise typer.Exit(ExitCode.ATTENTION)


@told
def check(
    context: typer.Context,
    engine: Annotated[
        list[str] | None, typer.Option("--engine", metavar="ENGINE", help="Ask this engine alone; may be repeated.")
    ] = None,
    inspect: Annotated[bool, typer.Option("--inspect", help="Look into every container, changed or not.")] = False,
    tags: Annotated[
        bool, typer.Option("--tags", help="Look up every registry's tag that is followed, due or not.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the engines what runs there now, and keep what they say. Nothing is changed on them.

    It is refused while another console, such as a window, has the catalog: that one asks by itself. See 'status'.
    """
    session = session_of(context)
    with session.console(write=True) as (console, jobs):
        ids = engine_ids(console, engine) if engine else None
        refreshed = refresh(console, jobs, ids, inspect_all=inspect, tags=tags)
    if as_json:
        session.out.json(_check_shape(refreshed))
    else:
        session.out.say(refreshed.sentence)
        if tags and not refreshed.tags:
            session.out.say("No environment of a source follows a tag.")
        for looked in refreshed.tags:
            if not looked.look.words and (tags or looked.changed):
                session.out.say(f"  {looked.words}")
    if refreshed.failed or any(looked.look.words for looked in refreshed.tags):
        raise typer.Exit(ExitCode.ATTENTION)


def _check_shape(refreshed: Refreshed) -> dict[str, object]:
    return {
        "answered": refreshed.answered,
        "failed": [{"engine": name, "why": why} for name, why in refreshed.failed],
        "environments": refreshed.environments,
        "tags": [
            {
                "reference": looked.look.reference,
                "digest": looked.look.digest,
                "changed": looked.changed,
                "engine": looked.engine,
                "words": looked.look.words,
            }
            for looked in refreshed.tags
        ],
        "words": refreshed.sentence,
    }


def _nothing(grid: Grid) -> str:
    """Why nothing is shown."""
    if not grid.rows:
        return "There is no mirror in the catalog yet. Fill it with: mirror-console catalog import FILE"
    return f"None of the {len(grid.rows)} mirrors matches the filter."


def _print_grid(session: Session, grid: Grid, rows: Sequence[Row], columns: Sequence[str], now: datetime) -> None:
    out = session.out
    if not rows:
        out.say(_nothing(grid))
        return
    lines: list[list[str | tuple[str, str]]] = []
    for row in rows:
        line: list[str | tuple[str, str]] = [row.application.name]
        for name in columns:
            cell = row.cells.get(name)
            line.append(cell_line(cell, now) if cell else ABSENT_TEXTS[0])
        lines.append(line)
    out.table(["mirror", *columns], lines)
    counts = grid.counts(rows, columns[0] if len(columns) == 1 else None)
    out.say("")
    out.say(f"{len(rows)} of {len(grid.rows)} mirrors: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
