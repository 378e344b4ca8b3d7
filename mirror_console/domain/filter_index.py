"""The index of a grid's rows: what a filter asks, answered for all mirrors at once.

A set of mirrors is an int here, in which bit n stands for row n: joined by ``&`` and ``|``, turned round by ``^`` and
counted by ``bit_count()``, each in microseconds for ten thousand mirrors. Rows that look the same to a question are
one group, asked once: ten thousand environments are in some dozens of states, and on some dozens of engines.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from itertools import compress
from operator import attrgetter, or_
from typing import TypeVar, assert_never

from mirror_console.domain.cell import Cell
from mirror_console.domain.filter_question import (
    CellLook,
    OfChange,
    OfEnvironment,
    OfHold,
    OfIdentity,
    OfMirror,
    OfWayBack,
    Question,
    RowLook,
    answer,
    hold_end,
    identity_text,
)
from mirror_console.domain.fleet import Row
from mirror_console.domain.status import SEVERITY, Status
from mirror_console.domain.ways_back import Ways

RowSet = int
"""A set of rows: bit n stands for row n."""

FEW = 100
"""So many rows are put into a set one by one; more are marked in a row of bytes first, which costs less."""

_SUMMARY = attrgetter("status", "expected_title", "environment.protected")
"""What a column is summed up by: one look for all of it, since a new survey is grouped by it at once."""
_Look = TypeVar("_Look", bound=Hashable)
_ABSENT = object()
_DIGIT = bytes.maketrans(b"\x00\x01", b"01")
_MARK = bytes.maketrans(b"01", b"\x00\x01")


class Index:
    """The rows of a grid, ready for many filters.

    Identity texts are lowered with the index; groups are made when they are first asked for, so that a survey of
    which nothing is asked costs nothing more. Rows are immutable: what was made stays true.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.everything: RowSet = (1 << len(rows)) - 1
        self._numbers = tuple(range(len(rows)))
        self._texts = [identity_text(row) for row in rows]
        self._names = sorted(set[str]().union(*(row.cells for row in rows)))
        self._of_rows: dict[RowLook, Mapping[tuple[str, ...], RowSet]] = {}
        self._of_cells: dict[tuple[str, CellLook], Sequence[tuple[Cell, RowSet]]] = {}

    def find(self, question: Question, now: datetime, ways: Ways | None = None) -> RowSet:
        """The rows of which the answer to a question is yes. Raises LookupError where it asks for ways back without
        any."""
        match question:
            case OfIdentity(test):
                return self.where(map(test, self._texts))
            case OfMirror(look, test):
                return _union(rows for texts, rows in self._mirrors(look).items() if any(map(test, texts)))
            case OfChange(within):
                changes = (row.last_change for row in self.rows)
                return self.where(at is not None and within(at, now) for at in changes)
            case OfEnvironment(name, look, holds, absent):
                if name is None:
                    return _union(self._cells(each, look, holds) for each in self._names)
                found = self._cells(name, look, holds)
                return found | (self.everything ^ self.having(name)) if absent else found
            case OfHold(name, ends):

                def is_meant(cell: Cell) -> bool:
                    end = hold_end(cell)
                    return end is not None and ends(end, now)

                return _union(self._cells(each, hold_end, is_meant) for each in ([name] if name else self._names))
            case OfWayBack():
                # Of each environment it is another, so that there are no groups to ask.
                return self.where(answer(question, row, now, ways) for row in self.rows)
        assert_never(question)

    def having(self, name: str) -> RowSet:
        """The rows that have an environment of that name."""
        return _union(rows for _, rows in self.groups(name, _SUMMARY))

    def groups(self, name: str, look: CellLook) -> Sequence[tuple[Cell, RowSet]]:
        """The environments of one name, those that look the same together: one of them, and the rows of all."""
        key = (name, look)
        if key not in self._of_cells:
            cells = [row.cells.get(name) for row in self.rows]
            looks = [_ABSENT if cell is None else look(cell) for cell in cells]
            one = dict(zip(looks, cells, strict=True))
            groups = ((one[seen], rows) for seen, rows in _grouped(looks).items())
            self._of_cells[key] = [(cell, rows) for cell, rows in groups if cell is not None]
        return self._of_cells[key]

    def counts(self, name: str, among: RowSet) -> dict[Status, int]:
        """How many environments of one name are in each state, worst first; of the given rows."""
        counted = dict.fromkeys(SEVERITY, 0)
        for cell, rows in self.groups(name, _SUMMARY):
            counted[cell.status] += (rows & among).bit_count()
        return {status: many for status, many in counted.items() if many}

    def expected(self, name: str, among: RowSet) -> list[str]:
        """The different versions that are expected in the environments of one name; of the given rows."""
        return sorted({cell.expected_title for cell, rows in self.groups(name, _SUMMARY) if rows & among} - {""})

    def protected(self, name: str) -> bool:
        """Whether an environment of that name is protected, of any mirror."""
        return any(cell.environment.protected for cell, _ in self.groups(name, _SUMMARY))

    def where(self, marks: Iterable[bool]) -> RowSet:
        """The set of the rows that are marked; a mark for each row, in their order."""
        return _set(bytes(marks))

    def set_of(self, places: Iterable[int]) -> RowSet:
        """The set of the rows at these places."""
        return _set_of(list(places), len(self.rows))

    def marks(self, rows: RowSet) -> bytes:
        """A byte for each row, 1 where it is in the set."""
        return f"{rows:0{len(self.rows)}b}".encode().translate(_MARK)[::-1][: len(self.rows)]

    def places(self, rows: RowSet) -> list[int]:
        """Where the rows of a set stand, in their order."""
        return list(self._numbers if rows == self.everything else compress(self._numbers, self.marks(rows)))

    def _mirrors(self, look: RowLook) -> Mapping[tuple[str, ...], RowSet]:
        if look not in self._of_rows:
            self._of_rows[look] = _grouped([look(row) for row in self.rows])
        return self._of_rows[look]

    def _cells(self, name: str, look: CellLook, holds: Callable[[Cell], bool]) -> RowSet:
        return _union(rows for cell, rows in self.groups(name, look) if holds(cell))


def _set(marks: bytes | bytearray) -> RowSet:
    # The first row is the lowest bit, and so the last of the digits.
    return int(marks.translate(_DIGIT)[::-1] or b"0", 2)


def _set_of(places: Sequence[int], many: int) -> RowSet:
    if len(places) < FEW:
        return _union(1 << place for place in places)
    marks = bytearray(many)
    for place in places:
        marks[place] = 1
    return _set(marks)


def _grouped(looks: Sequence[_Look]) -> dict[_Look, RowSet]:
    """The places of each look."""
    groups: dict[_Look, list[int]] = {seen: [] for seen in looks}
    for place, seen in enumerate(looks):
        groups[seen].append(place)
    return {seen: _set_of(places, len(looks)) for seen, places in groups.items()}


def _union(sets: Iterable[RowSet]) -> RowSet:
    return reduce(or_, sets, 0)
