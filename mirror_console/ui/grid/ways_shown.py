"""The column of ways back: of each mirror the worst, with where that is so, as it is painted and as it is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from mirror_console.domain.cell import Cell
from mirror_console.domain.cell_words import age_text
from mirror_console.domain.fleet import Row
from mirror_console.domain.status import Knowledge
from mirror_console.domain.way_back import KnownWay, WayBack
from mirror_console.domain.ways_back import MirrorWay, Ways, is_old, mirror_way
from mirror_console.ui.words import age, tr

ICONS: Mapping[WayBack | None, tuple[str, str]] = MappingProxyType(
    {
        WayBack.KEPT: ("check", "muted"),
        WayBack.PULL: ("download", "text"),
        WayBack.GONE: ("x", "danger"),
        WayBack.BLOCKED: ("triangle-alert", "danger"),
    }
)
"""The icon of a way back and its shade. What has none gets the dash of what doesn't apply."""
LOUD = frozenset({WayBack.GONE, WayBack.BLOCKED})
"""What must be seen without its colour."""


@dataclass(frozen=True, slots=True)
class WayFace:
    """What a cell of the column shows: the icon of a way back, its word, where it is so, and an age where it is old."""

    way_back: WayBack | None
    word: str
    where: str
    age: str
    old: bool

    @property
    def loud(self) -> bool:
        """Whether its word is to stand out."""
        return self.way_back in LOUD


def way_of(row: Row, columns: Sequence[str], ways: Ways | None) -> MirrorWay | None:
    """The way back of a mirror; None as long as none were read, and where it has no environment."""
    return mirror_way(row.cells, columns, ways) if ways is not None else None


def face_of_way(way: MirrorWay, now: datetime) -> WayFace:
    """The face of a way back at a time: of what wasn't seen for long, since when."""
    looks = [cell.observation.at for cell in way.cells if is_old(cell) and cell.observation is not None]
    return WayFace(way.way_back, tr(way.word), way.where, age(now - min(looks)) if looks else "", way.old)


def way_text(way: MirrorWay | None, ways: Ways | None, now: datetime) -> str:
    """The cell in words: ``live: by pull only``; with how old that is, where it is old."""
    if way is None:
        return "…" if ways is None else ""
    face = face_of_way(way, now)
    return f"{way.words} ({_last_known(face.age)})" if face.old else way.words


def way_tip(row: Row, columns: Sequence[str], ways: Ways | None, now: datetime) -> str:
    """What is known of each of a mirror's environments, a line for each."""
    if ways is None:
        return tr("The ways back are being read.")
    there = [row.cells[name] for name in columns if name in row.cells]
    return "\n".join(f"{cell.environment.name}: {_known(cell, ways.of(cell), now)}" for cell in there)


def known_words(known: KnownWay | None) -> str:
    """A way back in a line: ``yes: 26.8.2 is kept on fra-1``."""
    if known is None:
        return tr("not told: no rollout made what runs")
    return f"{tr(known.way_back)}: {known.words.rstrip('.')}"


def _known(cell: Cell, known: KnownWay | None, now: datetime) -> str:
    if not is_old(cell):
        return known_words(known)
    why = tr("its engine can't be reached") if cell.knowledge is Knowledge.UNREACHABLE else tr("not checked since")
    return f"{known_words(known)} ({_last_known(age_text(cell, now))}: {why})"


def _last_known(old: str) -> str:
    return tr("last known {} ago").format(old) if old else tr("never seen")
