"""Times are told as the clocks of the place show them then, not as they would be by today's distance from UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mirror_console
from mirror_console.domain.environment import Hold
from mirror_console.domain.moment import day, end_of_day, moment
from mirror_console.domain.schedule import DAYS, Place, Schedule, Window
from mirror_console.operations.local_time import local

BERLIN = ZoneInfo("Europe/Berlin")
pytestmark = pytest.mark.usefixtures("in_berlin")

NOVEMBER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_a_time_of_summer_is_told_in_winter_as_its_clocks_will_show_it() -> None:
    now = local(NOVEMBER)

    assert moment(datetime(2027, 5, 31, 22, 0, tzinfo=UTC), now) == "1 Jun 2027 00:00"
    assert day(datetime(2027, 6, 30, 21, 59, 59, tzinfo=UTC), now) == "30 Jun 2027"
    assert moment(datetime(2026, 11, 20, 8, 59, tzinfo=UTC), now) == "09:59"


def test_a_day_ends_when_it_ends_there() -> None:
    end = end_of_day(date(2027, 6, 30), local(NOVEMBER))

    assert end == datetime(2027, 6, 30, 21, 59, 59, tzinfo=UTC)
    assert end.tzinfo is UTC
    # It is told as the same day before the change and after.
    assert day(end, local(NOVEMBER)) == "30 Jun 2027"
    assert day(end, local(datetime(2027, 6, 1, tzinfo=UTC))) == "30 Jun"


@pytest.mark.parametrize("last", [date(9999, 12, 31), date(1, 1, 1)])
def test_the_first_and_the_last_days_are_told_though_no_clock_of_the_place_shows_them(last: date) -> None:
    """Somebody types it for ever; and a label of an engine may say anything."""
    end = end_of_day(last, local(NOVEMBER))

    assert end.tzinfo is UTC
    assert str(last.year) in day(end, local(NOVEMBER))
    for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert moment(at, local(NOVEMBER)).startswith(f"{at.day} {at:%b} {at.year}")
        assert local(at).tzname()


def test_an_hour_that_clocks_show_twice_is_told_twice() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))

    assert [moment(at, local(second)) for at in (first, second)] == ["02:30", "02:30"]
    assert local(first).fold == 0
    assert local(second).fold == 1
    assert local(second).astimezone(UTC) - local(first).astimezone(UTC) == timedelta(hours=1)


def test_spans_over_the_change_are_those_that_pass() -> None:
    """Clocks go from 02:00 to 03:00: an hour before a window's end on the wall may be none."""
    at = datetime(2027, 3, 28, 0, 40, tzinfo=UTC)  # 01:40 on the wall
    window = Window("w", DAYS, 0, 3 * 60 + 30, "Europe/Berlin")
    opening = Schedule((window,)).opening(Place("", "a", "live"), local(at))

    assert opening.until == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert not opening.closes_within(local(at), 50 * 60)
    assert opening.closes_within(local(at), 50 * 60 + 1)
    hold = Hold("", "26.8.3", "a fair", "somebody", NOVEMBER, datetime(2027, 3, 31, 12, 0, tzinfo=UTC))
    assert hold.ends_soon(local(datetime(2027, 3, 24, 12, 0, tzinfo=UTC)))
    assert not hold.ends_soon(local(datetime(2027, 3, 24, 11, 59, tzinfo=UTC)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2_145_916_800))
def test_the_zone_is_that_of_the_place_at_every_time(second: int) -> None:
    at = datetime.fromtimestamp(second, UTC)
    there = at.astimezone(BERLIN)

    assert local(at).replace(tzinfo=None) == there.replace(tzinfo=None)
    assert local(at).fold == there.fold
    assert local(at).utcoffset() == there.utcoffset()
    assert local(at).tzname() == there.tzname()
    assert local(at).astimezone(UTC) == at


def test_nothing_else_takes_todays_distance_from_utc_for_the_zone() -> None:
    own = Path("operations", "local_time.py")
    root = Path(mirror_console.__file__).parent
    files = [path for path in root.rglob("*.py") if path.relative_to(root) != own]

    assert len(files) > 100
    assert [path for path in files if re.search(r"\.astimezone\(\)", path.read_text("utf-8"))] == []
