"""Which mirrors of a survey are shown, and in which order: one arrangement follows the other, none is changed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import compress

from mirror_console.domain.fleet import Row
from mirror_console.domain.selection import Index, Query, RowSet, select
from mirror_console.domain.status import SEVERITY, Status
from mirror_console.domain.ways_back import Ways
from mirror_console.ui.grid.columns import WAY_BACK, rank_of


class Survey:
    """The rows of a grid with what is looked up in them."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows = rows
        self.index = Index(rows)
        self.numbers = {row.application.id: number for number, row in enumerate(rows)}
        self._orders: dict[tuple[str, bool], list[int]] = {}
        self._ways: Ways | None = None

    def set_of(self, application_ids: Iterable[str]) -> RowSet:
        """The rows of these mirrors, as far as the survey has them."""
        numbers = (self.numbers.get(one) for one in application_ids)
        return self.index.set_of(number for number in numbers if number is not None)

    def order_by(self, column_id: str, *, turned: bool, ways: Ways | None = None) -> list[int]:
        """All rows in the order of a column; equal ones stay in the order by name, also when it is turned."""
        key = (column_id, turned)
        if ways is not self._ways:
            self._ways = ways
            self._orders = {at: order for at, order in self._orders.items() if at[0] != WAY_BACK}
        if key not in self._orders:
            ranks = [rank_of(row, column_id, ways) for row in self.rows]
            self._orders[key] = sorted(range(len(ranks)), key=ranks.__getitem__, reverse=turned)
        return self._orders[key]


@dataclass(frozen=True)
class Arrangement:
    """The rows that are shown: as a set, and as their numbers in their order."""

    survey: Survey
    found: RowSet
    order: Sequence[int]
    sorted: bool = False
    """Whether the order is another than that of the survey."""
    old: bool = False
    """Whether the states would order the rows in another way by now."""

    @cached_property
    def rows(self) -> list[Row]:
        """The mirrors in their order."""
        return list(map(self.survey.rows.__getitem__, self.order))

    def __len__(self) -> int:
        return len(self.order)

    def row(self, place: int) -> Row:
        """The mirror at a place. Raises IndexError."""
        return self.survey.rows[self.order[place]]

    def place_of(self, application_id: str) -> int | None:
        """Where a mirror stands; None where it isn't shown."""
        number = self.survey.numbers.get(application_id)
        if number is None or not self.found >> number & 1:
            return None
        return self.order.index(number) if self.sorted else bisect_left(self.order, number)


NOTHING = Arrangement(Survey(), 0, ())


def arrange(
    survey: Survey,
    query: Query | None,
    only: RowSet | None,
    sorted_by: tuple[str, bool] | None,
    now: datetime,
    *,
    like: Arrangement | None = None,
    ways: Ways | None = None,
) -> Arrangement:
    """What a filter lets through, in the order of a column or by name.

    `only`: none but these rows. `like`: an arrangement whose order is kept, since nothing may move under the pointer
    because of what was only learned; what is new stands at its end. `ways` are the ways back, where they were read.
    """
    index = survey.index
    found = index.everything if query is None else select(query, index, now, ways)
    if only is not None:
        found &= only
    if sorted_by is None:
        return Arrangement(survey, found, index.places(found))
    marks = index.marks(found)
    name, turned = sorted_by
    whole = survey.order_by(name, turned=turned, ways=ways)
    order = list(compress(whole, map(marks.__getitem__, whole)))
    if like is None:
        return Arrangement(survey, found, order, sorted=True)
    places = {row.application.id: place for place, row in enumerate(like.rows)}
    rows, last = survey.rows, len(places)
    kept = sorted(index.places(found), key=lambda number: places.get(rows[number].application.id, last))
    return Arrangement(survey, found, kept, sorted=True, old=kept != order)


def added(several: Iterable[Mapping[Status, int]]) -> dict[Status, int]:
    """The sum of counts of states, worst first."""
    counted: Counter[Status] = Counter()
    for counts in several:
        counted.update(counts)
    return {status: counted[status] for status in SEVERITY if counted[status]}


def first_change(before: Iterable[Row], after: Iterable[Row]) -> int | None:
    """The first place at which another row stands; None where all are the same."""
    pairs = enumerate(zip(before, after, strict=True))
    return next((at for at, (old, new) in pairs if old is not new and old != new), None)
