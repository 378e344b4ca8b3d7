"""Reads what is typed into the filter box apart: words, keys and values, each with its place in the text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Value:
    """One of the values of a part, without its quotes, and where it stands with them."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a filter: ``dunes``, ``-tag:vip`` or ``live:behind,drifted``. `key` None: bare text.

    `open_quote` is the place of a quote that is never closed.
    """

    start: int
    end: int
    negated: bool
    key: str | None
    values: tuple[Value, ...]
    open_quote: int | None = None


def split(text: str) -> list[Part]:
    """The parts of a filter, in order. Spaces and commas inside quotes divide nothing."""
    parts = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        end, open_quote = _end_of_part(text, place)
        parts.append(_part(text, place, end, open_quote))
        place = end
    return parts


def _end_of_part(text: str, start: int) -> tuple[int, int | None]:
    quote: int | None = None
    for place in range(start, len(text)):
        if text[place] == '"':
            quote = place if quote is None else None
        elif text[place].isspace() and quote is None:
            return place, None
    return len(text), quote


def _part(text: str, start: int, end: int, open_quote: int | None) -> Part:
    negated = text[start] == "-"
    begin = start + negated
    colon = _outside_quotes(text, ":", begin, end)
    key = text[begin : colon[0]] if colon else None
    first = colon[0] + 1 if colon else begin
    borders = [first - 1, *_outside_quotes(text, ",", first, end), end]
    values = tuple(
        Value(text[before + 1 : after].replace('"', ""), before + 1, after) for before, after in pairwise(borders)
    )
    return Part(start, end, negated, key, values, open_quote)


def _outside_quotes(text: str, sign: str, start: int, end: int) -> list[int]:
    places = []
    quoted = False
    for place in range(start, end):
        if text[place] == '"':
            quoted = not quoted
        elif text[place] == sign and not quoted:
            places.append(place)
    return places


def quoted(value: str) -> str:
    """A value as it is typed: in quotes where it needs them."""
    return f'"{value}"' if not value or any(sign.isspace() or sign in ',:"' for sign in value) else value


def without(text: str, part: str) -> str:
    """The same filter, leaving out what `part` asks for; where it asked for just that, it asks for the contrary."""
    parts = [text[one.start : one.end] for one in split(text)]
    return " ".join([*(one for one in parts if one not in {part, f"-{part}"}), f"-{part}"])
