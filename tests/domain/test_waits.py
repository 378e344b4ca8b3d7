"""Waits: what was worked and what was waited add up, and nothing counts twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.waits import Halted, Span, waited, waits

BEGAN = datetime(2026, 11, 26, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_a_pause_lasts_until_something_is_done() -> None:
    assert waits([Halted(at(10))], [at(9), at(10), at(70), at(80)]) == (Span(at(10), at(70)),)


def test_a_pause_that_nobody_ended_goes_on() -> None:
    spans = waits([Halted(at(10))], [at(5)])
    assert spans == (Span(at(10), None),)
    assert waited(at(0), at(60), spans) == 50


def test_what_was_cut_off_was_left_alone_since_the_last_sign() -> None:
    """The console was killed after 12 seconds, and started again the next morning."""
    spans = waits([Halted(at(50_000), cut_off=True)], [at(3), at(12), at(50_000), at(50_004)])
    assert spans == (Span(at(12), at(50_004), cut_off=True),)
    assert waited(at(0), at(50_010), spans) == 50_010 - 12 - 6


def test_what_lies_outside_does_not_count() -> None:
    assert waited(at(100), at(200), [Span(at(0), at(110)), Span(at(190), None)]) == 20


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=8), st.integers(0, 300), st.integers(0, 300)
)
def test_each_second_counts_once(spans: list[tuple[int, int]], one: int, other: int) -> None:
    began, ended = sorted((one, other))
    told = [Span(at(min(pair)), at(max(pair))) for pair in spans]
    plain = sum(any(min(pair) <= second < max(pair) for pair in spans) for second in range(began, ended))
    assert waited(at(began), at(ended), told) == plain
