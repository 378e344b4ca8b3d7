"""Windows and freezes: by the clock on the wall, also on the days when it is put forward and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror_console.domain.schedule import (
    DAYS,
    Closed,
    Day,
    Freeze,
    Place,
    Schedule,
    Scope,
    Window,
    days_text,
    freeze_problems,
    scope_words,
    window_problems,
)

BERLIN = ZoneInfo("Europe/Berlin")
HERE = Place("dunes", "dunes-bakery", "live")


def at(text: str) -> datetime:
    """A moment, as a clock in Berlin shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def window(days: str, begins: str, ends: str, **more: Any) -> Window:
    """A window in Berlin, on days between spaces."""

    def minute(clock: str) -> int:
        return int(clock[:2]) * 60 + int(clock[3:])

    return Window("w", tuple(map(Day, days.split())), minute(begins), minute(ends), "Europe/Berlin", **more)


WINDOWS = st.builds(
    Window,
    st.just("w"),
    st.sets(st.sampled_from(DAYS), min_size=1, max_size=4).map(lambda days: tuple(sorted(days))),
    st.integers(0, 1439),
    st.integers(1, 1440),
    # Half an hour is put forward on Lord Howe Island; Chatham's clocks jump at 02:45; Apia's don't jump.
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "UTC"]),
)
# Days around the jumps of 2026, and others.
MOMENTS = st.sampled_from(
    ["2026-03-08", "2026-03-29", "2026-04-04", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-07-01"]
).flatmap(
    lambda day: st.integers(-2 * 24 * 60, 2 * 24 * 60).map(
        lambda minutes: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    )
)


@settings(max_examples=60)
@given(WINDOWS, MOMENTS)
def test_when_it_next_opens_or_closes_is_what_a_look_at_every_minute_says(given_window: Window, now: datetime) -> None:
    open_now = given_window.is_open(now)
    minutes = (now + timedelta(minutes=count) for count in range(1, 7 * 24 * 60))
    seen = next((minute for minute in minutes if given_window.is_open(minute) is not open_now), None)

    found = given_window.changes_after(now)

    if seen is not None:
        assert found == seen
    else:
        # Open all the time, or closed for a week, as its hour was left out by the clock.
        assert found is None or found >= now + timedelta(days=7) - timedelta(minutes=1)


@given(WINDOWS, MOMENTS)
def test_whatever_the_clock_on_the_wall_shows_decides(given_window: Window, now: datetime) -> None:
    wall = now.astimezone(ZoneInfo(given_window.zone)).replace(tzinfo=None)
    begun = [wall.date(), wall.date() - timedelta(days=1)]
    midnight = datetime.min.time()
    inside = False
    for day in begun:
        start = datetime.combine(day, midnight) + timedelta(minutes=given_window.begins)
        end = datetime.combine(day, midnight) + timedelta(minutes=given_window.ends)
        end += timedelta(days=1) if given_window.ends <= given_window.begins else timedelta()
        inside = inside or (DAYS[day.weekday()] in given_window.days and start <= wall < end)

    assert given_window.is_open(now) == inside


@pytest.mark.parametrize(
    ("hours", "open_at", "closed_at"),
    [
        # On 29 March 02:00 to 03:00 isn't there.
        (("sun", "02:30", "05:00"), "2026-03-29 03:00", "2026-03-29 01:59"),
        (("sun", "01:00", "04:00"), "2026-03-29 03:59", "2026-03-29 04:00"),
        # A window of Saturday night goes on into Sunday.
        (("sat", "22:00", "02:00"), "2026-03-29 01:59", "2026-03-29 03:00"),
        (("sat", "22:00", "02:00"), "2026-03-28 22:00", "2026-03-29 22:00"),
        # 24:00 is the end of the day.
        (("mon", "23:00", "24:00"), "2026-03-30 23:59", "2026-03-31 00:00"),
    ],
)
def test_hours_around_a_clock_that_is_put_forward(hours: tuple[str, str, str], open_at: str, closed_at: str) -> None:
    made = window(*hours)

    assert made.is_open(at(open_at))
    assert not made.is_open(at(closed_at))


def test_a_window_in_an_hour_that_the_clock_leaves_out_opens_a_week_later() -> None:
    made = window("sun", "02:00", "03:00")

    assert made.changes_after(at("2026-03-28 12:00")) == at("2026-04-05 02:00")


def test_a_window_in_an_hour_that_comes_twice_is_open_twice_as_long() -> None:
    made = window("sun", "02:00", "03:00")
    opens = made.changes_after(at("2026-10-24 12:00"))

    assert opens is not None
    # Told in UTC: of a time that comes twice, Python says that it equals no time of another zone.
    assert opens == at("2026-10-25 02:00").astimezone(UTC)
    assert made.changes_after(opens) == opens + timedelta(hours=2)


def test_what_is_closest_counts_and_of_that_any() -> None:
    of_all = window("mon", "00:00", "24:00", environment="live")
    of_account = window("tue", "02:00", "04:00", account="dunes")
    own = [
        window("wed", "02:00", "04:00", application_id="dunes-bakery"),
        window("thu", "02:00", "04:00", application_id="dunes-bakery"),
    ]
    monday, tuesday, wednesday, thursday = (at(f"2026-09-{day} 03:00") for day in (21, 22, 23, 24))

    def open_at(schedule: Schedule, place: Place = HERE) -> list[bool]:
        return [schedule.opening(place, one).closed is None for one in (monday, tuesday, wednesday, thursday)]

    assert open_at(Schedule()) == [True, True, True, True]
    assert open_at(Schedule((of_all,))) == [True, False, False, False]
    assert open_at(Schedule((of_all, of_account))) == [False, True, False, False]
    assert open_at(Schedule((of_all, of_account, *own))) == [False, False, True, True]
    elsewhere = replace(HERE, account="other", application_id="other", environment="test")
    assert open_at(Schedule((of_all, of_account, *own)), elsewhere) == [True, True, True, True]


def freeze(begins: str, ends: str, **more: Any) -> Freeze:
    """A freeze for Christmas."""
    return Freeze("f", at(begins), at(ends), "Christmas.", "operator", **more)


def test_a_freeze_closes_whatever_window_is_open_and_it_is_said_when_that_ends() -> None:
    night = window("mon tue wed thu fri sat sun", "02:00", "04:00")
    christmas = freeze("2026-12-20 00:00", "2026-12-27 03:00", environment="live")
    schedule = Schedule((night,), (christmas,))
    inside, outside = at("2026-12-21 03:00"), at("2026-12-19 12:00")

    closed = schedule.opening(HERE, inside)
    assert closed.closed is Closed.FREEZE
    assert closed.until == at("2026-12-27 03:00")
    told = "frozen until 27 Dec 03:00: Christmas; it may be changed from 27 Dec 03:00 on"
    assert closed.words(inside) == told
    before = schedule.opening(HERE, outside)
    assert before.closed is Closed.WINDOW
    assert before.until == at("2026-12-27 03:00")
    assert before.words(outside).startswith("outside its window (every day 02:00–04:00 Europe/Berlin); it may be")
    assert schedule.opening(replace(HERE, environment="test"), inside).words(inside).startswith("inside its window")


def test_what_is_open_tells_when_it_closes() -> None:
    now = at("2026-09-21 03:00")
    night, next_hour = window("mon", "02:00", "04:00"), window("mon", "04:00", "05:00")
    coming = freeze("2026-09-21 03:30", "2026-09-22 00:00", account="dunes")

    assert Schedule((night, next_hour)).opening(HERE, now).until == at("2026-09-21 05:00")
    assert Schedule((night,), (coming,)).opening(HERE, now).until == at("2026-09-21 03:30")
    assert Schedule((), (coming,)).opening(HERE, now).until == at("2026-09-21 03:30")
    always = Schedule().opening(HERE, now)
    assert (always.until, always.words(now)) == (None, "may be changed at any time")


@given(st.lists(WINDOWS, max_size=3), MOMENTS, st.lists(st.tuples(MOMENTS, st.integers(1, 5000)), max_size=2))
def test_between_now_and_then_nothing_changes(
    windows: list[Window], now: datetime, times: list[tuple[datetime, int]]
) -> None:
    freezes = [Freeze("f", begin, begin + timedelta(minutes=span), "why", "me") for begin, span in times]
    schedule = Schedule(tuple(windows), tuple(freezes))
    opening = schedule.opening(HERE, now)

    for minutes in (1, 30, 61, 24 * 60):
        later = now + timedelta(minutes=minutes)
        if opening.until is None or later < opening.until:
            assert (schedule.opening(HERE, later).closed is None) == (opening.closed is None)
    if opening.until is not None:
        assert (schedule.opening(HERE, opening.until).closed is None) != (opening.closed is None)


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"days": ()}, "days"),
        ({"begins": 1440}, "from"),
        ({"ends": 0}, "to"),
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": ""}, "zone"),
    ],
)
def test_each_fault_of_a_window_is_told(fault: dict[str, Any], field: str) -> None:
    good = window("sat", "02:00", "04:00")

    assert window_problems(good) == []
    assert [problem.field for problem in window_problems(replace(good, **fault))] == [field]


def test_each_fault_of_a_freeze_is_told() -> None:
    good = freeze("2026-12-20 00:00", "2026-12-27 00:00")

    assert freeze_problems(good) == []
    assert [one.field for one in freeze_problems(replace(good, ends_at=good.begins_at, reason=" "))] == [
        "until",
        "reason",
    ]


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (DAYS, "every day"),
        ((Day.MONDAY, Day.TUESDAY, Day.WEDNESDAY, Day.THURSDAY, Day.FRIDAY), "mon-fri"),
        ((Day.SUNDAY, Day.SATURDAY), "sat, sun"),
        ((Day.MONDAY, Day.WEDNESDAY, Day.FRIDAY), "mon, wed, fri"),
    ],
)
def test_days_are_told_as_they_are_typed(days: tuple[Day, ...], text: str) -> None:
    assert days_text(days) == text


def test_whom_it_concerns_is_told_in_words() -> None:
    assert scope_words(Scope(), {}) == "everything"
    assert scope_words(Scope("dunes", "d", "live"), {"d": "Dunes Bakery"}) == "account dunes · Dunes Bakery · live"
    assert scope_words(Scope(application_id="d"), {}) == "a mirror that is gone"
