"""Times are told in words, in the time zone of the reader, in English whatever the machine speaks."""

from __future__ import annotations

import locale
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.moment import age, age_aloud, day, moment

NOW = datetime(2026, 9, 21, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "short", "aloud"),
    [
        (-5, "0 s", "0 seconds"),
        (0, "0 s", "0 seconds"),
        (1.9, "1 s", "1 second"),
        (38, "38 s", "38 seconds"),
        (59.9, "59 s", "59 seconds"),
        (60, "1 min", "1 minute"),
        (3599, "59 min", "59 minutes"),
        (3600, "1 h", "1 hour"),
        (47 * 3600, "47 h", "47 hours"),
        (48 * 3600, "2 d", "2 days"),
        (400 * 86400, "400 d", "400 days"),
    ],
)
def test_an_age_is_told_in_its_largest_fitting_unit(seconds: float, short: str, aloud: str) -> None:
    assert age(timedelta(seconds=seconds)) == short
    assert age_aloud(timedelta(seconds=seconds)) == aloud


@pytest.mark.parametrize(
    ("at", "as_day", "as_moment"),
    [
        (datetime(2026, 9, 21, 0, 0, tzinfo=UTC), "21 Sep", "00:00"),
        (datetime(2026, 8, 30, 14, 21, tzinfo=UTC), "30 Aug", "30 Aug 14:21"),
        (datetime(2025, 12, 1, 9, 5, tzinfo=UTC), "1 Dec 2025", "1 Dec 2025 09:05"),
        (datetime(2027, 1, 2, 9, 5, tzinfo=UTC), "2 Jan 2027", "2 Jan 2027 09:05"),
    ],
)
def test_a_day_names_its_year_and_a_moment_its_day_only_where_needed(at: datetime, as_day: str, as_moment: str) -> None:
    assert day(at, NOW) == as_day
    assert moment(at, NOW) == as_moment


def test_times_are_those_of_the_readers_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=10)))

    # It is five past midnight there.
    assert moment(datetime(2026, 9, 21, 14, 4, tzinfo=UTC), there) == "00:04"
    assert moment(datetime(2026, 9, 21, 13, 50, tzinfo=UTC), there) == "21 Sep 23:50"
    assert day(datetime(2026, 8, 30, 20, 0, tzinfo=UTC), there) == "31 Aug"


def test_the_names_of_months_do_not_depend_on_the_locale() -> None:
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, "")
        assert [day(datetime(2026, number, 3, tzinfo=UTC), NOW)[2:] for number in (3, 5, 10, 12)] == [
            "Mar",
            "May",
            "Oct",
            "Dec",
        ]
    finally:
        locale.setlocale(locale.LC_TIME, before)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_an_age_never_claims_more_than_has_passed(span: timedelta) -> None:
    count, _, unit = age(span).partition(" ")
    seconds = {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]

    assert int(count) * seconds <= span.total_seconds() < (int(count) + 1) * seconds
