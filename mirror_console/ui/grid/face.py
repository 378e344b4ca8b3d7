"""The face of a cell: what is painted for an environment, kept until the cell or the time changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.cell import Cell
from mirror_console.domain.fleet import Row
from mirror_console.domain.status import Activity, Knowledge, Status
from mirror_console.domain.verdict import Badge, accessible, accessible_absent, age_text, badges, cell_texts, verdict
from mirror_console.ui.words import tr

EDGED = frozenset({Status.UNHEALTHY, Status.MISSING, Status.UNREACHABLE})
"""States with a bar at the edge and a semibold version: they must be loud without their colour."""
TIP_LINES = 8
"""Differences that a tooltip lists."""


@dataclass(frozen=True, slots=True)
class Face:
    """What a cell shows: glyph and tint by `status`, the running version, why in muted words, badges and an age."""

    status: Status
    first: str
    second: str
    age: str
    badges: tuple[Badge, ...]
    loud: bool


def face_of(cell: Cell, now: datetime) -> Face:
    """The face of a cell at a time."""
    first, second = cell_texts(cell, now)
    old = "" if cell.knowledge is Knowledge.UNREACHABLE else age_text(cell, now)
    return Face(
        status=cell.status,
        first=first,
        second=second,
        # Where the second text tells the age already it isn't told twice.
        age="" if old and second.endswith(old) else old,
        badges=badges(cell),
        # An interrupted rollout waits for a person, whatever else its state is called.
        loud=cell.status in EDGED or cell.activity is Activity.INTERRUPTED,
    )


def cell_said(row: Row, name: str, now: datetime) -> str:
    """An environment of a mirror, read aloud."""
    cell = row.cells.get(name)
    return accessible_absent(row.application.name, name) if cell is None else accessible(cell, now)


def cell_tip(cell: Cell, now: datetime) -> str:
    """The verdict, and each difference: what the details tell as well."""
    found = [str(difference) for difference in cell.differences]
    more = [tr("… {} more").format(len(found) - TIP_LINES)] if len(found) > TIP_LINES else []
    return "\n".join([verdict(cell, now), *found[:TIP_LINES], *more])
