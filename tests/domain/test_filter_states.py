"""Chips and the filter's text say the same, and the rest of the text stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.filter_states import states_of, with_states
from mirror_console.domain.filter_text import without
from mirror_console.domain.selection import parse
from mirror_console.domain.status import Status


@given(
    st.sampled_from(["", "dunes", "dunes status:behind -tag:vip", "-status:aligned", 'status:"not checked",ahead x']),
    st.frozensets(st.sampled_from(list(Status))),
)
def test_what_is_put_in_is_read_again(text: str, states: frozenset[Status]) -> None:
    assert states_of(with_states(text, states)) == states


def test_the_rest_of_the_filter_stays() -> None:
    text = "dunes status:behind -status:aligned tag:vip"
    assert states_of(text) == {Status.BEHIND}
    wanted = with_states(text, {Status.NOT_CHECKED, Status.UNHEALTHY})
    assert wanted == "dunes -status:aligned tag:vip status:unhealthy,not-checked"
    assert with_states(wanted, ()) == "dunes -status:aligned tag:vip"


@pytest.mark.parametrize(
    ("text", "part", "left"),
    [
        ("", "live:behind", "-live:behind"),
        ("dunes", "engine:fra-1", "dunes -engine:fra-1"),
        ("dunes live:behind tag:vip", "live:behind", "dunes tag:vip -live:behind"),
        ("-live:behind dunes", "live:behind", "dunes -live:behind"),
        ('source:"Web shop" is:held', 'source:"Web shop"', 'is:held -source:"Web shop"'),
    ],
)
def test_what_is_left_out_is_asked_for_once_and_no_more_the_other_way(text: str, part: str, left: str) -> None:
    assert without(text, part) == left
    assert parse(left, ("live",)) is not None
