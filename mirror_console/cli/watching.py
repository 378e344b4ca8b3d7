"""Watching on the command line: a line for every environment whose state changes, until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from mirror_console import settings
from mirror_console.cli.cell_line import cell_line
from mirror_console.cli.session import Session
from mirror_console.cli.surveyed import chosen, surveyed
from mirror_console.domain.cell import Cell
from mirror_console.jobs import JobState
from mirror_console.operations.console import Console
from mirror_console.operations.local_time import local
from mirror_console.operations.watch import Watch

SETTLE = 0.2
"""Seconds to wait for more changes of the catalog before it is read again."""
LOOK = 15.0
"""Seconds between two looks at the clock: what was fresh grows old though nothing is heard."""

_Line = tuple[str, str]


def watch_status(session: Session, filter_text: str, environment: str, *, as_json: bool) -> None:
    """Show every environment that the filter leaves once, then each whose state changes. Returns after Ctrl-C."""
    preferences = settings.load(session.parts.preferences_path())
    with session.console(write=True) as (console, jobs):
        watch = Watch(console, jobs, float(preferences.check_seconds))
        first = watch.want()
        job = jobs.submit("Watching engines", watch.run)
        shown: dict[str, _Line] = {}
        with _told_of_changes(console) as changed:
            try:
                session.out.note(jobs.submit("Checking engines", first.wait).result().sentence)
                while job.state in {JobState.WAITING, JobState.RUNNING}:
                    changed.clear()
                    shown = _show(session, console, filter_text, environment, shown, as_json=as_json)
                    changed.wait(LOOK)
                    job.over_within(SETTLE)
            except KeyboardInterrupt:
                session.out.note("No longer watched.")
                return
        # It ends by itself only where something went wrong: say what.
        job.result()


@contextmanager
def _told_of_changes(console: Console) -> Iterator[threading.Event]:
    changed = threading.Event()
    end = console.catalog.subscribe(lambda collections: changed.set() if collections - {"times"} else None)
    try:
        yield changed
    finally:
        end()


def _show(
    session: Session, console: Console, filter_text: str, environment: str, shown: dict[str, _Line], *, as_json: bool
) -> dict[str, _Line]:
    """Say what differs from what was shown last; what is shown now."""
    grid, now = surveyed(session, console), console.clock()
    cells = [
        cell
        for row in chosen(console, grid, filter_text, now)
        for name, cell in row.cells.items()
        if not environment or name == environment
    ]
    lines = {cell.environment.id: cell_line(cell, local(now)) for cell in cells}
    for cell in cells:
        line = lines[cell.environment.id]
        if _state(shown.get(cell.environment.id)) == _state(line):
            continue
        if as_json:
            sys.stdout.write(msgspec.json.encode(_shape(cell, line[0], now.isoformat())).decode() + "\n")
        else:
            session.out.say(f"{local(now):%H:%M:%S}  {_name(cell)}  {line[0]}", line[1])
    sys.stdout.flush()
    return lines


def _state(line: _Line | None) -> str:
    """What of a line tells a state: an age that grows is no change."""
    return line[0].partition(" (")[0] if line else ""


def _name(cell: Cell) -> str:
    return f"{cell.application.name} {cell.environment.name}"


def _shape(cell: Cell, words: str, at: str) -> dict[str, str]:
    return {
        "at": at,
        "mirror": cell.application.slug,
        "environment": cell.environment.name,
        "status": cell.status.value,
        "running": cell.running_title,
        "engine": cell.engine_name,
        "words": words,
    }
