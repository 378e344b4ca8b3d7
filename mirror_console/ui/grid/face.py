"""The face of a cell: what is painted for an environment, kept until the cell or the time changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.alignment import Activity, Cell, Knowledge, Status
from mirror_console.domain.verdict import Badge, age_text, badges, cell_texts

EDGED = frozenset({Status.UNHEALTHY, Status.MISSING, Status.UNREACHABLE})
"""States with a bar at the edge and a semibold version: they must be loud without their colour."""


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
