"""A schedule as it is typed: days, hours and time zones turned into values, and back into texts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from mirror_console.domain.schedule import DAYS, Day, zone_of
from mirror_console.operations.typed import parse_list

EVERY_DAY = "every day"


def parse_days(text: str) -> tuple[Day, ...]:
    """Days such as ``sat, sun``, ``mon-fri`` or ``every day``, by their first three letters. Raises ValueError."""
    if text.strip().lower() == EVERY_DAY:
        return DAYS
    chosen: set[int] = set()
    for part in parse_list(text):
        first, dash, last = (word.strip() for word in part.partition("-"))
        begin = _day(first)
        end = _day(last) if dash else begin
        # From Friday to Monday goes over the end of the week.
        chosen |= {place % len(DAYS) for place in range(begin, end + (len(DAYS) if end < begin else 0) + 1)}
    if not chosen:
        raise ValueError("on which days is missing: write sat, sun, or mon-fri, or every day")
    return tuple(DAYS[place] for place in sorted(chosen))


def _day(word: str) -> int:
    places = [place for place, day in enumerate(DAYS) if len(word) >= 3 and word.lower()[:3] == day]
    if not places or not word.isalpha():
        raise ValueError(f"'{word}' is no day: write sat, sun, or mon-fri, or every day")
    return places[0]


def parse_clock(text: str) -> int:
    """Minutes of the day of a time such as ``02:00``, ``2:30`` or ``24:00``. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text.strip())
    minutes = int(match[1]) * 60 + int(match[2]) if match else -1
    if match is None or int(match[2]) > 59 or not 0 <= minutes <= 24 * 60:
        raise ValueError(f"'{text.strip()}' is no time of day: write 02:00")
    return minutes


def parse_zone(text: str) -> str:
    """The name of a time zone. Raises ValueError."""
    zone_of(text.strip())
    return text.strip()


def parse_moment(text: str, zone: str, *, end: bool = False) -> datetime:
    """A day, or a day and a time, as a clock in the zone shows them: ``2026-12-20`` or ``2026-12-20 18:00``.

    Of a day alone it is its beginning, or with `end` its end. Raises ValueError.
    """
    here = zone_of(zone)
    word = text.strip()
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            day = date.fromisoformat(word) + timedelta(days=1 if end else 0)
            return datetime.combine(day, time(), here).astimezone(UTC)
        found = datetime.fromisoformat(word)
    except (ValueError, OverflowError):
        raise ValueError(f"'{word}' is no day and no time: write 2026-12-20, or 2026-12-20 18:00") from None
    return (found if found.tzinfo else found.replace(tzinfo=here)).astimezone(UTC)


def moment_text(at: datetime, zone: str) -> str:
    """A moment as it is typed, as a clock in the zone shows it."""
    return f"{at.astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"
