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
from operator import or_
from typing import TypeVar, assert_never

from mirror_console.domain.alignment import SEVERITY, Cell, Status
from mirror_console.domain.filter_question import (
    CellLook,
    OfChange,
    OfEnvironment,
    OfIdentity,
    OfMirror,
    Question,
    RowLook,
    identity_text,
    traits,
)
from mirror_console.domain.fleet import Row

RowSet = int
"""A set of rows: bit n stands for row n."""

_T = TypeVar("_T")
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

    def find(self, question: Question, now: datetime) -> RowSet:
        """The rows of which the answer to a question is yes."""
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
        assert_never(question)

    def having(self, name: str) -> RowSet:
        """The rows that have an environment of that name."""
        return _union(rows for _, rows in self.groups(name, traits))

    def groups(self, name: str, look: CellLook) -> Sequence[tuple[Cell, RowSet]]:
        """The environments of one name, those that look the same together: one of them, and the rows of all."""
        key = (name, look)
        if key not in self._of_cells:
            cells = (row.cells.get(name) for row in self.rows)
            there = ((place, cell) for place, cell in enumerate(cells) if cell is not None)
            self._of_cells[key] = _grouped(there, look)
        return self._of_cells[key]

    def counts(self, name: str, among: RowSet) -> dict[Status, int]:
        """How many environments of one name are in each state, worst first; of the given rows."""
        counted = dict.fromkeys(SEVERITY, 0)
        for cell, rows in self.groups(name, traits):
            counted[cell.status] += (rows & among).bit_count()
        return {status: many for status, many in counted.items() if many}

    def where(self, marks: Iterable[bool]) -> RowSet:
        """The set of the rows that are marked; a mark for each row, in their order."""
        return _set(bytes(marks))

    def set_of(self, places: Iterable[int]) -> RowSet:
        """The set of the rows at these places."""
        marks = bytearray(len(self.rows))
        for place in places:
            marks[place] = True
        return _set(marks)

    def marks(self, rows: RowSet) -> bytes:
        """A byte for each row, 1 where it is in the set."""
        return f"{rows:0{len(self.rows)}b}".encode().translate(_MARK)[::-1][: len(self.rows)]

    def places(self, rows: RowSet) -> list[int]:
        """Where the rows of a set stand, in their order."""
        return list(self._numbers if rows == self.everything else compress(self._numbers, self.marks(rows)))

    def _mirrors(self, look: RowLook) -> Mapping[tuple[str, ...], RowSet]:
        if look not in self._of_rows:
            groups = _grouped(enumerate(self.rows), look)
            self._of_rows[look] = {look(row): rows for row, rows in groups}
        return self._of_rows[look]

    def _cells(self, name: str, look: CellLook, holds: Callable[[Cell], bool]) -> RowSet:
        return _union(rows for cell, rows in self.groups(name, look) if holds(cell))


def _set(marks: bytes | bytearray) -> RowSet:
    # The first row is the lowest bit, and so the last of the digits.
    return int(marks.translate(_DIGIT)[::-1] or b"0", 2)


def _grouped(several: Iterable[tuple[int, _T]], look: Callable[[_T], Hashable]) -> list[tuple[_T, RowSet]]:
    """Those that look the same together: the first of them, and the places of all."""
    first: dict[Hashable, _T] = {}
    places: dict[Hashable, RowSet] = {}
    for place, one in several:
        seen = look(one)
        if seen not in first:
            first[seen], places[seen] = one, 0
        places[seen] |= 1 << place
    return [(one, places[seen]) for seen, one in first.items()]


def _union(sets: Iterable[RowSet]) -> RowSet:
    return reduce(or_, sets, 0)
