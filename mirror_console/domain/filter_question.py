"""What one part of a filter asks of a mirror, and when the answer is yes.

Each question names the `look` that its test takes: what of a mirror or an environment the answer depends on. Two that
look the same have the same answer, so that an index may ask for thousands of mirrors by asking for a few.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import assert_never

from mirror_console.domain.cell import Cell
from mirror_console.domain.fleet import Row
from mirror_console.domain.way_back import WayBack
from mirror_console.domain.ways_back import Ways

TextTest = Callable[[str], bool]
CellTest = Callable[[Cell], bool]
CellLook = Callable[[Cell], Hashable]
RowLook = Callable[[Row], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class OfIdentity:
    """Is this in the identity text?"""

    test: TextTest


@dataclass(frozen=True, slots=True)
class OfMirror:
    """Is this one of the texts that `look` reads?"""

    look: RowLook
    test: TextTest


@dataclass(frozen=True, slots=True)
class OfChange:
    """Was the last change at such a time? The test takes that time and now."""

    test: Callable[[datetime, datetime], bool]


@dataclass(frozen=True, slots=True)
class OfEnvironment:
    """Is this so in the environment of that name, or with None in any?

    `absent` is the answer where the mirror has no environment of that name.
    """

    name: str | None
    look: CellLook
    test: CellTest
    absent: bool = False


@dataclass(frozen=True, slots=True)
class OfHold:
    """Does a hold end at such a time, in the environment of that name, or with None in any? The test takes that time
    and now; of holds without an end nothing is asked."""

    name: str | None
    test: Callable[[datetime, datetime], bool]


@dataclass(frozen=True, slots=True)
class OfWayBack:
    """Is there such a way back, in the environment of that name, or with None in any? None among those that are wanted:
    none is told."""

    name: str | None
    wanted: frozenset[WayBack | None]

    def holds(self, cell: Cell, ways: Ways | None) -> bool:
        """Whether it is so of an environment. Raises LookupError where ways back weren't read."""
        if ways is None:
            raise LookupError("a filter asks for ways back, which were not read")
        known = ways.of(cell)
        return (known.way_back if known is not None else None) in self.wanted


Question = OfIdentity | OfMirror | OfChange | OfEnvironment | OfHold | OfWayBack


def answer(question: Question, row: Row, now: datetime, ways: Ways | None = None) -> bool:
    """What a question means, said of one mirror. Raises LookupError where it asks for ways back and has none."""
    match question:
        case OfIdentity(test):
            return test(identity_text(row))
        case OfMirror(look, test):
            return any(map(test, look(row)))
        case OfChange(within):
            return row.last_change is not None and within(row.last_change, now)
        case OfEnvironment(name, _, holds, absent):
            if name is None:
                return any(map(holds, row.cells.values()))
            cell = row.cells.get(name)
            return absent if cell is None else holds(cell)
        case OfHold(name, ends):
            cells = row.cells.values() if name is None else [cell for at, cell in row.cells.items() if at == name]
            return any((end := hold_end(cell)) is not None and ends(end, now) for cell in cells)
        case OfWayBack(name):
            return any(question.holds(cell, ways) for at, cell in row.cells.items() if name in {None, at})
    assert_never(question)


def identity_text(row: Row) -> str:
    """All that bare text is looked for in, lowered: a field a line."""
    application = row.application
    fields = (application.name, application.slug, application.account, *application.domains, *application.tags)
    return "\n".join(fields).casefold()


def hold_end(cell: Cell) -> datetime | None:
    """When the hold of an environment ends, or has ended; None where it has none, or one without an end."""
    hold = cell.environment.hold
    return hold.until if hold is not None else None


def traits(cell: Cell) -> Hashable:
    """All that the words for a state look at."""
    found = cell.differences
    # Nearly always there is none.
    differing = tuple(difference.field for difference in found) if found else ()
    return _FACTS(cell), cell.observation is None, differing


_FACTS = attrgetter(
    "status",
    "alignment",
    "health",
    "knowledge",
    "activity",
    "drift",
    "held",
    "pending",
    "environment.protected",
    "environment.swarm",
)
