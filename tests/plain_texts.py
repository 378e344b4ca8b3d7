"""Which texts and numbers of a value aren't fit to be shown: for tests of what others have written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

from mirror_console.domain.plain import clean

MOST = 2**63 - 1
"""The largest number that a catalog keeps."""
RAW = {"labels", "container_labels", "variables", "environment", "command"}
"""Compared and looked up in memory as they came, never shown."""


def shown(value: Any) -> Iterator[str | int | float]:
    """Every text and number of a value of ours, but for what is never shown."""
    match value:
        case str() | int() | float():
            yield value
        case tuple() | list() | frozenset():
            for one in value:
                yield from shown(one)
        case dict():
            for one in (*value, *value.values()):
                yield from shown(one)
        case _ if is_dataclass(value):
            for field in fields(value):
                if field.name not in RAW:
                    yield from shown(getattr(value, field.name))


def not_plain(value: Any, most: int | None = None) -> list[str]:
    """The texts and numbers of it, or the first of them, that can't be shown as they are, or not be kept."""
    return [
        str(one)
        for one in islice(shown(value), most)
        if (one != clean(one, len(one)) if isinstance(one, str) else not -MOST <= one <= MOST)
    ]
