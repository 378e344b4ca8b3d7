"""Releases are ordered by when they were first seen; the current one is the one that was changed to last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.release import Release, behind_by, current
from tests.domain.parts import RELEASES, VERSIONS, print_of, release


@pytest.mark.parametrize(
    ("running", "expected", "behind"),
    [
        ("26.8.3", "26.8.3", 0),
        ("26.8.2", "26.8.3", 1),
        ("26.7.4", "26.8.3", 3),
        ("26.8.3", "26.7.4", -3),
        ("26.8.9", "26.8.3", None),
        ("26.8.3", "26.8.9", None),
    ],
)
def test_distance_is_counted_in_releases(running: str, expected: str, behind: int | None) -> None:
    assert behind_by(RELEASES, print_of(running), print_of(expected)) == behind


@given(st.permutations(RELEASES), st.sampled_from(VERSIONS), st.sampled_from(VERSIONS))
def test_distance_depends_on_when_they_were_seen_not_on_the_order_or_the_version(
    releases: list[Release], running: str, expected: str
) -> None:
    there = behind_by(RELEASES, print_of(running), print_of(expected))
    back = behind_by(RELEASES, print_of(expected), print_of(running))

    assert there is not None
    assert back == -there
    assert behind_by(releases, print_of(running), print_of(expected)) == there


def test_a_source_that_goes_back_makes_an_older_release_the_current_one() -> None:
    assert current(RELEASES) == RELEASES[-1]
    gone_back = release("26.7.9", 10, current_since=datetime(2026, 9, 1, tzinfo=UTC))

    assert current([*RELEASES, gone_back]) == gone_back
    assert behind_by(RELEASES, print_of("26.8.3"), gone_back.fingerprint) == -2
    assert current([]) is None


def test_what_is_pulled_and_what_is_shown() -> None:
    assert RELEASES[0].reference == f"registry.example/shop/webshop@{RELEASES[0].digest}"
    assert release("26.8.3", digest="").reference == ""
    assert release("26.8.3").title == "26.8.3"
    assert replace(release("26.8.3"), version="").title == print_of("26.8.3")[4:16]
