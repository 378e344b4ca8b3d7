"""Waits: how long was worked, and how long it was a person's turn to decide; the one isn't counted as the other."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Halted:
    """From when on nothing went on by itself. Where it was `cut_off`, that was only noticed at this time."""

    at: datetime
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time; one without an end goes on."""

    began: datetime
    ended: datetime | None
    cut_off: bool = False
    """Whether it lay cut off: nobody was asked before the console was there again."""


def waits(halts: Iterable[Halted], signs: Sequence[datetime]) -> tuple[Span, ...]:
    """The spans in which a person was waited for.

    Each lasts from a halt to the next of the `signs` that something was done, which are in order. What was cut off was
    left alone since the last sign before it was noticed.
    """
    spans = []
    for halt in halts:
        after = bisect_right(signs, halt.at)
        before = bisect_left(signs, halt.at)
        began = signs[before - 1] if halt.cut_off and before else halt.at
        spans.append(Span(began, signs[after] if after < len(signs) else None, halt.cut_off))
    return tuple(spans)


def waited(began: datetime, ended: datetime, spans: Iterable[Span]) -> float:
    """Seconds between two times that lie in any of the spans; what lies in several counts once."""
    total, reached = 0.0, began
    for span in sorted(spans, key=lambda span: span.began):
        until = ended if span.ended is None else min(span.ended, ended)
        since = max(span.began, reached)
        if until > since:
            total += (until - since).total_seconds()
            reached = until
    return total
