"""The filter box: which mirrors a filter means.

    dunes                 text in name, slug, account, domains or tags
    live:behind,drifted   the environment live is behind, or drifted
    live.health:failing   any key, asked of one environment
    is:held               any environment is held
    engine:fra-*          any environment is on such an engine; so version:, running:, status:, health:, was:, drift:
    source:webshop        the mirror's source; so tag:, account:, changed:today, changed:7d

Parts are joined by *and*, values after one key by *or*; ``-`` before a part turns it round; quotes hold spaces, commas
and colons. What can't be read raises BadFilter: a bad filter means neither everything nor nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain.alignment import Cell, Status
from mirror_console.domain.completion import Completion, completions
from mirror_console.domain.environment import ENVIRONMENT_NAME
from mirror_console.domain.filter_terms import (
    KEYS,
    CellTest,
    CellTexts,
    Changed,
    RowTest,
    RowTexts,
    Words,
    changed_within,
    contains,
    equals,
    identity_text,
    plain_word,
    typed_word,
)
from mirror_console.domain.filter_text import Part, Value, split
from mirror_console.domain.fleet import Grid, Row
from mirror_console.errors import ConsoleError

__all__ = ["BadFilter", "Completion", "Index", "Query", "completions", "matches", "parse", "prepare", "select"]


class BadFilter(ConsoleError):
    """A filter that can't be read. `start` and `end` are the place of its bad part in the text.

    `suggestion` is what to put there instead; empty where nothing comes near.
    """

    def __init__(self, title: str, hint: str, start: int, end: int, suggestion: str = "") -> None:
        super().__init__(title, hint)
        self.start = start
        self.end = end
        self.suggestion = suggestion


_STATES = frozenset({"is", "status"})
"""The keys whose words tell also that a mirror has no such environment."""


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a filter, ready to be asked: of the lowered identity text (`text`), or of the row (`row`)."""

    negated: bool
    text: Callable[[str], bool] | None = field(default=None, compare=False)
    row: RowTest | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that was read. Without terms it means every mirror."""

    text: str
    terms: tuple[Term, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """The rows of a grid with their identity texts lowered once, so that each key press costs milliseconds."""

    rows: tuple[Row, ...]
    texts: tuple[str, ...]


def parse(text: str, environments: Collection[str] | None = None) -> Query:
    """Read a filter. `environments` are the names that may be used as keys; None takes any name for one.

    Raises BadFilter at the first part that can't be read.
    """
    return Query(text, tuple(_term(part, environments) for part in split(text)))


def matches(query: Query, row: Row, now: datetime) -> bool:
    """Whether a filter means a mirror."""
    text = identity_text(row)
    return all(_asked(term, text, row, now) is not term.negated for term in query.terms)


def prepare(grid: Grid) -> Index:
    """Make a grid ready for many filters."""
    return Index(grid.rows, tuple(identity_text(row) for row in grid.rows))


def select(query: Query, index: Index, now: datetime) -> list[int]:
    """The places of the rows that a filter means, in their order."""
    left: Iterable[int] = range(len(index.rows))
    # Text first: it costs least, and leaves few rows for the rest.
    for term in sorted(query.terms, key=lambda term: term.text is None):
        ask, negated = term.text, term.negated
        if ask is not None:
            texts = index.texts
            left = [place for place in left if ask(texts[place]) is not negated]
        else:
            left = [place for place in left if _asked(term, "", index.rows[place], now) is not negated]
    return list(left)


def _asked(term: Term, text: str, row: Row, now: datetime) -> bool:
    if term.text is not None:
        return term.text(text)
    return term.row is not None and term.row(row, now)


# --- reading a part ------------------------------------------------------------------------------------------------


def _term(part: Part, environments: Collection[str] | None) -> Term:
    if part.open_quote is not None:
        hint = 'Put another " at the end of the words that belong together.'
        raise BadFilter("A quote is opened and never closed.", hint, part.open_quote, part.end)
    if not all(value.text.strip() for value in part.values):
        raise _empty(part)
    if part.key is None:
        return Term(part.negated, text=_any_of([contains(value.text) for value in part.values]))
    before, dot, last = part.key.rpartition(".")
    environment, key = before.casefold(), last.casefold()
    if not key or (dot and not environment):
        hint = "Type a key before it, or put the text in quotes."
        raise BadFilter(f"'{part.key}:' is not a filter.", hint, part.start, part.end)
    if dot:
        if not _is_environment(environment, environments):
            raise _unknown_key(part, before, environments)
        if key not in KEYS:
            raise _unknown_key(part, last, environments, before=f"{before}.")
        return Term(part.negated, row=_in_environment(part, environment, key))
    if key in KEYS:
        return Term(part.negated, row=_any_cell_or_row(part, key))
    if not _is_environment(key, environments):
        raise _unknown_key(part, last, environments)
    return Term(part.negated, row=_in_environment(part, key, "is"))


def _empty(part: Part) -> BadFilter:
    if len(part.values) > 1:
        title, hint = "A comma stands beside nothing.", "Type a value on both sides of it, or delete it."
    elif part.key is None:
        title, hint = "There is no word here.", "Type one, or delete this part."
    else:
        title, hint = f"'{part.key}:' lacks a value.", "Type a value, or delete this part."
    return BadFilter(title, hint, part.start, part.end)


def _any_cell_or_row(part: Part, key: str) -> RowTest:
    match KEYS[key]:
        case RowTexts(read):
            tests = [equals(value.text) for value in part.values]
            return lambda row, now: any(test(text) for text in read(row) for test in tests)
        case Changed():
            spans = [_span(value) for value in part.values]
            return lambda row, now: row.last_change is not None and any(span(row.last_change, now) for span in spans)
        case Words() | CellTexts():
            test = _cell_test(part, key)
            if key in _STATES and any(plain_word(value.text) == Status.NOT_APPLICABLE for value in part.values):
                raise _not_applicable(part)
            return lambda row, now: any(test(cell) for cell in row.cells.values())


def _in_environment(part: Part, environment: str, key: str) -> RowTest:
    if isinstance(KEYS[key], RowTexts | Changed):
        hint = f"Write {key}: without an environment."
        raise BadFilter(f"'{key}' belongs to the mirror, not to an environment.", hint, part.start, part.end)
    words = {plain_word(value.text) for value in part.values} if key in _STATES else set()
    absent = str(Status.NOT_APPLICABLE) in words
    test = _any_cell if "*" in words else _cell_test(part, key)

    def ask(row: Row, now: datetime) -> bool:
        cell = row.cells.get(environment)
        return absent if cell is None else test(cell)

    return ask


def _any_cell(_cell: Cell) -> bool:
    return True


def _is_environment(name: str, environments: Collection[str] | None) -> bool:
    if environments is not None:
        return name in environments
    return bool(ENVIRONMENT_NAME.fullmatch(name)) and not difflib.get_close_matches(name, KEYS, 1, 0.75)


def _cell_test(part: Part, key: str) -> CellTest:
    match KEYS[key]:
        case Words() as words:
            return _words_test(part, words)
        case CellTexts(read):
            for value in part.values:
                if value.text[0] in "<>":
                    hint = "Use a * for what may differ, such as 26.8*, or ask for live:behind."
                    raise BadFilter("Versions can't be compared here.", hint, value.start, value.end)
            tests = [equals(value.text) for value in part.values]
            return lambda cell: any(test(text) for text in read(cell) for test in tests)
        case RowTexts() | Changed():
            raise KeyError(key)


def _words_test(part: Part, words: Words) -> CellTest:
    tests = []
    for value in part.values:
        test = words.tests.get(plain_word(value.text))
        if test is None:
            raise _unknown_word(value, words)
        tests.append(test)
    if len(tests) == 1:
        return tests[0]
    return lambda cell: any(test(cell) for test in tests)


def _span(value: Value) -> Callable[[datetime, datetime], bool]:
    span = changed_within(value.text)
    if span is None:
        title = f"'{value.text}' is not a time."
        raise BadFilter(title, "Type today, or a span such as 12h or 7d.", value.start, value.end, "today")
    return span


def _any_of(tests: list[Callable[[str], bool]]) -> Callable[[str], bool]:
    return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)


# --- what is said of what can't be read ----------------------------------------------------------------------------


def _unknown_key(part: Part, key: str, environments: Collection[str] | None, before: str = "") -> BadFilter:
    """`before` is what stands before the bad key and is fine."""
    start = part.start + part.negated + len(before)
    end = start + len(key)
    names = [*KEYS, *(environments or ())]
    near = difflib.get_close_matches(key, names, 1, 0.6)
    if near:
        return BadFilter(f"'{key}' is not a filter.", f"Did you mean {near[0]}?", start, end, near[0])
    hint = f"Filters are {', '.join(names)}. To look for text with a colon, put it in quotes."
    return BadFilter(f"'{key}' is not a filter.", hint, start, end)


def _unknown_word(value: Value, words: Words) -> BadFilter:
    typed = [typed_word(word) for word in words.tests]
    near = difflib.get_close_matches(typed_word(plain_word(value.text)), typed, 1, 0.6)
    title = f"'{value.text}' is not {words.noun}."
    if near:
        return BadFilter(title, f"Did you mean {near[0]}?", value.start, value.end, near[0])
    return BadFilter(title, f"It is one of: {', '.join(sorted(typed))}.", value.start, value.end)


def _not_applicable(part: Part) -> BadFilter:
    hint = "Write live:not-applicable for mirrors without the environment live."
    return BadFilter("Which environment is meant has to be said.", hint, part.start, part.end)
