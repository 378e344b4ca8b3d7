"""How wide the columns of a table are: as declared, and as wide as what stands in them where there is room for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QElapsedTimer, QObject, QTimer
from PySide6.QtWidgets import QHeaderView, QTableView

from mirror_console.ui.widgets.scrolled import type_width

SAMPLE = 100
"""How many rows are measured: reading all of thousands takes longer than a person waits for a table."""


EVERY_MS = 1000
"""While texts go on changing, they are measured once in so many milliseconds."""


class ColumnWidths(QObject):
    """Keeps the columns of a view as wide as they should be; a width that a person has chosen stays.

    `needed` says of a column how wide it is declared to be, and how wide its texts are; `spare` whether it is left out
    where others would be shortened for it. Columns that take the room that is left over are served first: what stood
    there whole is not shortened for others.
    """

    def __init__(
        self, view: QTableView, needed: Callable[[int], tuple[int, int]], spare: Callable[[int], bool]
    ) -> None:
        super().__init__(view)
        self._view = view
        self._measure = needed
        self._measured: dict[int, tuple[int, int]] = {}
        """What was found already in the fit that is going on: a row's texts are reckoned for it, and each is asked for
        more than once."""
        self._spare = spare
        self._fitting = False
        self._chosen: set[int] = set()
        self._since_fit = QElapsedTimer()
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self.fit)
        view.horizontalHeader().sectionResized.connect(self._resized)

    def fit(self) -> None:
        """Widen what would be shortened, as far as there is room. Nothing is measured that nobody sees."""
        view = self._view
        self._soon.stop()
        if not view.isVisible():
            return
        self._since_fit.start()
        self._measured.clear()
        self._leave_out()
        shown = [place for place in range(view.model().columnCount()) if not view.isColumnHidden(place)]
        room = view.viewport().width()
        free: list[int] = []
        stretched: list[int] = []
        for place in shown:
            if place in self._chosen:
                room -= view.columnWidth(place)
            else:
                (stretched if self._stretches(place) else free).append(place)
        # In larger type short words take more than was declared: those come before the room that is left over.
        columns = in_type([self._needed(place) for place in free], room - self._declared(stretched), self._larger)
        spread = sum(max(self._needed(place)) for place in stretched)
        room -= max(self._declared(stretched), min(spread, room - sum(least for least, _ in columns)))
        self._fitting = True
        for place, width in zip(free, widened(columns, room), strict=True):
            if view.columnWidth(place) != width:
                view.setColumnWidth(place, width)
        self._fitting = False

    def _declared(self, places: Sequence[int]) -> int:
        return sum(self._needed(place)[0] for place in places)

    def _larger(self, width: int) -> int:
        return type_width(self._view, width)

    def _leave_out(self) -> None:
        places = range(self._view.model().columnCount())
        spare = [place for place in places if self._spare(place)]
        room = self._view.viewport().width() - sum(self._usual(place) for place in places if place not in spare)
        for place in spare:
            room -= self._needed(place)[0]
            if self._view.isColumnHidden(place) is (room >= 0):
                self._view.setColumnHidden(place, room < 0)

    def _usual(self, place: int) -> int:
        """A column with its texts; one text that is far too long leaves nothing else out."""
        declared, needed = self._needed(place)
        return self._view.columnWidth(place) if place in self._chosen else max(declared, min(needed, 2 * declared))

    def _needed(self, place: int) -> tuple[int, int]:
        if place not in self._measured:
            self._measured[place] = self._measure(place)
        return self._measured[place]

    def fit_soon(self) -> None:
        """The same, once for everything that changes now: changes come in blocks of rows, one after the other."""
        if not self._soon.isActive():
            since = self._since_fit.elapsed() if self._since_fit.isValid() else EVERY_MS
            self._soon.start(max(0, EVERY_MS - since))

    def _stretches(self, place: int) -> bool:
        return self._view.horizontalHeader().sectionResizeMode(place) is QHeaderView.ResizeMode.Stretch

    def _resized(self, place: int, before: int, now: int) -> None:
        # That a column is hidden, or shown again, is told as another width too.
        if not self._fitting and before and now and not self._stretches(place):
            self._chosen.add(place)


def in_type(columns: Sequence[tuple[int, int]], room: int, larger: Callable[[int], int]) -> list[tuple[int, int]]:
    """The declared widths in the person's type, as far as there is room; else of each what its texts need of that."""
    grown = [(larger(declared), needed) for declared, needed in columns]
    needed = [(max(declared, min(most, larger(declared))), most) for declared, most in columns]
    for widths in (grown, needed):
        if sum(least for least, _ in widths) <= room:
            return widths
    return list(columns)


def widened(columns: Sequence[tuple[int, int]], room: int) -> list[int]:
    """The declared widths, from left to right as much wider as is needed and as there is room: never narrower."""
    left = room - sum(declared for declared, _ in columns)
    widths = []
    for declared, needed in columns:
        more = max(0, min(left, needed - declared))
        widths.append(declared + more)
        left -= more
    return widths
