"""The states that a filter asks for by ``status:``, read from its text and put into it: what the chips switch."""

from __future__ import annotations

from collections.abc import Collection

from mirror_console.domain.filter_terms import plain_word, typed_word
from mirror_console.domain.filter_text import Part, split
from mirror_console.domain.status import SEVERITY, Status


def states_of(text: str) -> frozenset[Status]:
    """The states that are asked for."""
    words = {plain_word(value.text) for part in split(text) if _asks(part) for value in part.values}
    return frozenset(status for status in Status if status in words)


def with_states(text: str, states: Collection[Status]) -> str:
    """The same filter, asking for these states instead, worst first; none asks for any."""
    rest = [text[part.start : part.end] for part in split(text) if not _asks(part)]
    if states:
        rest.append("status:" + ",".join(typed_word(status) for status in SEVERITY if status in states))
    return " ".join(rest)


def _asks(part: Part) -> bool:
    return part.key == "status" and not part.negated
