"""The filter box: which mirrors a filter means.

    dunes                 text in name, slug, account, domains or tags
    live:behind,drifted   the environment live is behind, or drifted
    live.health:failing   any key, asked of one environment
    is:held               any environment is held; hold:<7d its hold ends within a week, hold:ended it has ended
    live.back:no,pull     what ran before isn't kept there; so blocked, yes, nothing-before, not-told
    engine:fra-*          any environment is on such an engine; so version:, status:, health:, was:, drift:
    running:sha256:3f2a*  any environment runs this build, by any of its names: digest, tag, revision, version, id
    container:*-worker    any environment has such a container, of whichever of its processes
    source:webshop        the mirror's source; so tag:, account:, changed:today, changed:7d

Parts are joined by *and*, values after one key by *or*; ``-`` before a part turns it round; quotes hold spaces, commas
and colons. What can't be read raises BadFilter: a bad filter means neither everything nor nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain.cell import Cell
from mirror_console.domain.completion import Completion, completions
from mirror_console.domain.environment import ENVIRONMENT_NAME
from mirror_console.domain.filter_index import Index, RowSet
from mirror_console.domain.filter_question import (
    CellLook,
    CellTest,
    OfChange,
    OfEnvironment,
    OfHold,
    OfIdentity,
    OfMirror,
    OfWayBack,
    Question,
    TextTest,
    answer,
    traits,
)
from mirror_console.domain.filter_terms import (
    KEYS,
    WAYS,
    BackWays,
    CellTexts,
    Changed,
    HoldEnds,
    RowTexts,
    Words,
    changed_within,
    contains,
    equals,
    hold_ends,
    plain_word,
    typed_word,
)
from mirror_console.domain.filter_text import Part, Value, split
from mirror_console.domain.fleet import Row
from mirror_console.domain.status import Status
from mirror_console.domain.ways_back import Ways
from mirror_console.errors import ConsoleError

__all__ = ["BadFilter", "Completion", "Index", "Query", "RowSet", "completions", "matches", "parse", "select"]


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
    """One part of a filter: a question, and whether it is turned round."""

    question: Question
    negated: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that was read. Without terms it means every mirror."""

    text: str
    terms: tuple[Term, ...] = field(default=(), compare=False)

    @property
    def asks_for_ways(self) -> bool:
        """Whether ways back have to be read before it can be answered."""
        return any(isinstance(term.question, OfWayBack) for term in self.terms)


def parse(text: str, environments: Collection[str] | None = None) -> Query:
    """Read a filter. `environments` are the names that may be used as keys; None takes any name for one.

    Raises BadFilter at the first part that can't be read.
    """
    return Query(text, tuple(Term(_question(part, environments), part.negated) for part in split(text)))


def matches(query: Query, row: Row, now: datetime, ways: Ways | None = None) -> bool:
    """Whether a filter means a mirror: of each of its parts the answer is yes, or no behind a minus.

    Raises LookupError where it asks for ways back and is given none.
    """
    return all(answer(term.question, row, now, ways) is not term.negated for term in query.terms)


def select(query: Query, index: Index, now: datetime, ways: Ways | None = None) -> RowSet:
    """The rows that a filter means: those that it matches, found with an index. Raises LookupError as `matches`."""
    left = index.everything
    for term in query.terms:
        found = index.find(term.question, now, ways)
        left &= index.everything ^ found if term.negated else found
    return left


# --- reading a part ------------------------------------------------------------------------------------------------


def _question(part: Part, environments: Collection[str] | None) -> Question:
    if part.open_quote is not None:
        hint = 'Put another " at the end of the words that belong together.'
        raise BadFilter("A quote is opened and never closed.", hint, part.open_quote, part.end)
    if not all(value.text.strip() for value in part.values):
        raise _empty(part)
    if part.key is None:
        return OfIdentity(_any_of([contains(value.text) for value in part.values]))
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
        return _in_environment(part, environment, key)
    if key in KEYS:
        return _of_any_or_the_mirror(part, key)
    if not _is_environment(key, environments):
        raise _unknown_key(part, last, environments)
    return _in_environment(part, key, "is")


def _empty(part: Part) -> BadFilter:
    if len(part.values) > 1:
        title, hint = "A comma stands beside nothing.", "Type a value on both sides of it, or delete it."
    elif part.key is None:
        title, hint = "There is no word here.", "Type one, or delete this part."
    else:
        title, hint = f"'{part.key}:' lacks a value.", "Type a value, or delete this part."
    return BadFilter(title, hint, part.start, part.end)


def _of_any_or_the_mirror(part: Part, key: str) -> Question:
    match KEYS[key]:
        case RowTexts(read):
            return OfMirror(read, _any_of([equals(value.text) for value in part.values]))
        case Changed():
            spans = [_span(value) for value in part.values]
            return OfChange(lambda at, now: any(span(at, now) for span in spans))
        case HoldEnds():
            return _of_hold(part, None)
        case BackWays():
            return _of_way_back(part, None)
        case Words() | CellTexts():
            look, test = _cell_test(part, key)
            if key in _STATES and any(plain_word(value.text) == Status.NOT_APPLICABLE for value in part.values):
                raise _not_applicable(part)
            return OfEnvironment(None, look, test)


def _of_hold(part: Part, environment: str | None) -> OfHold:
    tests = []
    for value in part.values:
        test = hold_ends(value.text)
        if test is None:
            title = f"'{value.text}' is no end of a hold."
            raise BadFilter(title, "Type a span such as <7d, or ended; or is:held.", value.start, value.end, "<7d")
        tests.append(test)
    return OfHold(environment, lambda end, now: any(test(end, now) for test in tests))


def _of_way_back(part: Part, environment: str | None) -> OfWayBack:
    wanted = set()
    for value in part.values:
        word = plain_word(value.text)
        if word not in WAYS:
            raise _not_among(value, [typed_word(one) for one in WAYS], "a way back")
        wanted.add(WAYS[word])
    return OfWayBack(environment, frozenset(wanted))


def _in_environment(part: Part, environment: str, key: str) -> OfEnvironment | OfHold | OfWayBack:
    if isinstance(KEYS[key], HoldEnds):
        return _of_hold(part, environment)
    if isinstance(KEYS[key], BackWays):
        return _of_way_back(part, environment)
    if isinstance(KEYS[key], RowTexts | Changed):
        hint = f"Write {key}: without an environment."
        raise BadFilter(f"'{key}' belongs to the mirror, not to an environment.", hint, part.start, part.end)
    words = {plain_word(value.text) for value in part.values} if key in _STATES else set()
    look, test = (traits, _any_cell) if "*" in words else _cell_test(part, key)
    return OfEnvironment(environment, look, test, absent=str(Status.NOT_APPLICABLE) in words)


def _any_cell(_cell: Cell) -> bool:
    return True


def _is_environment(name: str, environments: Collection[str] | None) -> bool:
    if environments is not None:
        return name in environments
    return bool(ENVIRONMENT_NAME.fullmatch(name)) and not difflib.get_close_matches(name, KEYS, 1, 0.75)


def _cell_test(part: Part, key: str) -> tuple[CellLook, CellTest]:
    match KEYS[key]:
        case Words() as words:
            return traits, _words_test(part, words)
        case CellTexts(read, fits):
            for value in part.values:
                if value.text[0] in "<>":
                    hint = "Use a * for what may differ, such as 26.8*, or ask for live:behind."
                    raise BadFilter("Versions can't be compared here.", hint, value.start, value.end)
            test = _any_of([(fits or equals)(value.text) for value in part.values])
            return read, lambda cell: any(map(test, read(cell)))
        case RowTexts() | Changed() | HoldEnds() | BackWays():
            raise KeyError(key)


def _words_test(part: Part, words: Words) -> CellTest:
    tests = []
    for value in part.values:
        test = words.tests.get(plain_word(value.text))
        if test is None:
            raise _not_among(value, [typed_word(word) for word in words.tests], words.noun)
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


def _any_of(tests: list[TextTest]) -> TextTest:
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


def _not_among(value: Value, typed: Sequence[str], noun: str) -> BadFilter:
    near = difflib.get_close_matches(typed_word(plain_word(value.text)), typed, 1, 0.6)
    title = f"'{value.text}' is not {noun}."
    if near:
        return BadFilter(title, f"Did you mean {near[0]}?", value.start, value.end, near[0])
    return BadFilter(title, f"It is one of: {', '.join(sorted(typed))}.", value.start, value.end)


def _not_applicable(part: Part) -> BadFilter:
    hint = "Write live:not-applicable for mirrors without the environment live."
    return BadFilter("Which environment is meant has to be said.", hint, part.start, part.end)
