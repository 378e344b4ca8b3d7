"""The ways back of a fleet: what is known of each environment, and of a mirror the worst, with where that is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mirror_console.domain.cell import Cell
from mirror_console.domain.status import Knowledge
from mirror_console.domain.way_back import KnownWay, WayBack

NOT_TOLD = "not told"
"""What is said where no rollout made what runs: then nothing is known of what ran before."""
WORST_FIRST: tuple[WayBack | None, ...] = (
    WayBack.BLOCKED,
    WayBack.GONE,
    WayBack.PULL,
    WayBack.NOTHING_BEFORE,
    None,
    WayBack.KEPT,
)
"""From what needs a person to what needs nobody. None: it isn't told."""
_RANK = {way_back: rank for rank, way_back in enumerate(WORST_FIRST)}
_OLD = frozenset({Knowledge.STALE, Knowledge.UNREACHABLE})


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """The ways back that were read together, by environment. Each reading is one of its own."""

    known: Mapping[str, KnownWay]

    def of(self, cell: Cell) -> KnownWay | None:
        """What is known of an environment; None where no rollout made what runs, or where nobody may tell."""
        return self.known.get(cell.environment.id) if cell.observation is not None else None


@dataclass(frozen=True, slots=True)
class MirrorWay:
    """The worst way back of a mirror: of which of its environments, in the order of the columns."""

    way_back: WayBack | None
    cells: Sequence[Cell]
    all: bool
    """Whether it is so in all of its environments."""

    @property
    def word(self) -> str:
        """``by pull only``."""
        return way_word(self.way_back)

    @property
    def where(self) -> str:
        """Where that is so: ``test, live``. Nothing where it is so everywhere."""
        return "" if self.all else ", ".join(cell.environment.name for cell in self.cells)

    @property
    def words(self) -> str:
        """Both: ``live: by pull only``."""
        return f"{self.where}: {self.word}" if self.where else self.word

    @property
    def old(self) -> bool:
        """Whether one of them wasn't seen for long: then it is only what was known last."""
        return any(is_old(cell) for cell in self.cells)

    @property
    def rank(self) -> tuple[int, int]:
        """What mirrors are ordered by: the worst first, and of the same those where it is so more often."""
        return _RANK[self.way_back], -len(self.cells)


def mirror_way(cells: Mapping[str, Cell], columns: Sequence[str], ways: Ways) -> MirrorWay | None:
    """The worst way back of a mirror's environments; None where it has none."""
    there = [cells[name] for name in columns if name in cells]
    if not there:
        return None
    found = [(ways.of(cell), cell) for cell in there]
    told = [(known.way_back if known is not None else None, cell) for known, cell in found]
    worst = min((way_back for way_back, _ in told), key=_RANK.__getitem__)
    named = tuple(cell for way_back, cell in told if way_back is worst)
    return MirrorWay(worst, named, len(named) == len(there))


def way_word(way_back: WayBack | None) -> str:
    """A way back in a word or three; also where none is told."""
    return NOT_TOLD if way_back is None else str(way_back)


def is_old(cell: Cell) -> bool:
    """Whether what is known of an environment may no longer be so: it wasn't seen for long, or can't be asked."""
    return cell.knowledge in _OLD
