"""What may follow in the filter box: keys, environments, and the values that there really are, with their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mirror_console.domain.cell import Cell
from mirror_console.domain.filter_question import hold_end
from mirror_console.domain.filter_terms import (
    KEYS,
    WAYS,
    WORD_TESTS,
    BackWays,
    CellTexts,
    Changed,
    HoldEnds,
    RowTexts,
    Words,
    changed_within,
    hold_ends,
    typed_word,
)
from mirror_console.domain.filter_text import Part, quoted, split
from mirror_console.domain.fleet import Grid, Row
from mirror_console.domain.ways_back import Ways

MOST = 50
"""More than so many nobody reads."""
_SHORT_WAYS = {way_back: word for word, way_back in reversed([*WAYS.items()])}
"""The word that is offered for each way back; of two the shorter, which stands first."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Put `text` in place of what stands from `start` to `end`. `count` is how many mirrors have it; None for a key,
    and where that isn't known yet."""

    text: str
    start: int
    end: int
    count: int | None = None


def completions(text: str, cursor: int, grid: Grid, ways: Ways | None = None) -> list[Completion]:
    """What may stand at the cursor.

    Keys while no colon was typed, else the values of its key, the most frequent first. `ways` are the ways back, where
    they were read.
    """
    part = next((part for part in split(text) if part.start <= cursor <= part.end), None)
    if part is None:
        return _keys("", cursor, cursor, grid)
    if part.key is None:
        begin = part.start + part.negated
        return _keys(text[begin:cursor], begin, part.end, grid) if len(part.values) == 1 else []
    value = next((value for value in part.values if value.start <= cursor <= value.end), None)
    if value is None:
        # The cursor stands in the key.
        begin = part.start + part.negated
        return _keys(text[begin:cursor], begin, begin + len(part.key) + 1, grid)
    begun = text[value.start : cursor].replace('"', "").casefold()
    counted = _values(part, grid, ways)
    fitting = [(word, count) for word, count in counted if word.casefold().startswith(begun)]
    return [Completion(quoted(word), value.start, value.end, count) for word, count in fitting[:MOST]]


def _keys(begun: str, start: int, end: int, grid: Grid) -> list[Completion]:
    environment, dot, _ = begun.casefold().rpartition(".")
    if dot:
        scoped = [name for name, kind in KEYS.items() if isinstance(kind, Words | CellTexts | HoldEnds | BackWays)]
        names = [f"{environment}.{name}" for name in scoped] if environment in grid.columns else []
    else:
        names = [*grid.columns, *KEYS]
    return [Completion(f"{name}:", start, end) for name in names if name.startswith(begun.casefold())]


def _values(part: Part, grid: Grid, ways: Ways | None) -> Sequence[tuple[str, int | None]]:
    environment, _, key = (part.key or "").casefold().rpartition(".")
    kind = KEYS.get(key)
    if kind is None and key in grid.columns:
        environment, kind = key, Words(WORD_TESTS, "a state")
    counted: Counter[str] = Counter()
    match kind:
        case None:
            return []
        case Changed():
            return [(span, _changed(span, grid)) for span in ("today", "24h", "7d", "30d")]
        case HoldEnds():
            return [(span, _ending(span, grid, environment)) for span in ("<7d", "<30d", "ended")]
        case BackWays():
            return _ways_back(environment, grid, ways)
        case RowTexts(read):
            for row in grid.rows:
                counted.update({text for text in read(row) if text})
        case CellTexts(read):
            for row in grid.rows:
                counted.update({text for cell in _cells(row, environment) for text in read(cell)[:1] if text})
        case Words(tests):
            for row in grid.rows:
                cells = list(_cells(row, environment))
                counted.update(typed_word(word) for word, test in tests.items() if any(map(test, cells)))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0].casefold()))


def _ways_back(environment: str, grid: Grid, ways: Ways | None) -> Sequence[tuple[str, int | None]]:
    words = [typed_word(word) for word in _SHORT_WAYS.values()]
    if ways is None:
        return [(word, None) for word in words]
    counted: Counter[str] = Counter()
    for row in grid.rows:
        told = {ways.of(cell) for cell in _cells(row, environment)}
        counted.update({typed_word(_SHORT_WAYS[one.way_back if one is not None else None]) for one in told})
    return [(word, counted[word]) for word in words if counted[word]]


def _cells(row: Row, environment: str) -> Iterable[Cell]:
    return [cell for name, cell in row.cells.items() if not environment or name == environment]


def _ending(span: str, grid: Grid, environment: str) -> int:
    ends = hold_ends(span)
    if ends is None:
        return 0
    found = ([hold_end(cell) for cell in _cells(row, environment)] for row in grid.rows)
    return sum(any(end is not None and ends(end, grid.made_at) for end in several) for several in found)


def _changed(span: str, grid: Grid) -> int:
    within = changed_within(span)
    changes = [row.last_change for row in grid.rows if row.last_change is not None]
    return sum(within(at, grid.made_at) for at in changes) if within else 0
