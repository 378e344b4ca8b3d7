"""Times in words: how long ago, on which day, at what time. Told in the time zone that `now` has.

That is a real zone, whose clocks change: a mere distance from UTC is today's, and wrong for other times of the year.
Between moments is measured, nothing is added to `now`: in such a zone that would be what a clock on a wall shows.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

# Written out, because strftime speaks the language of the machine and these words stand in English sentences.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def age(span: timedelta) -> str:
    """A span in its largest fitting unit, for a narrow place: ``38 s``, ``12 min``, ``3 h``, ``2 d``."""
    count, unit = _largest(span)
    return f"{count} {'min' if unit == 'minute' else unit[0]}"


def age_aloud(span: timedelta) -> str:
    """The same in words that can be read out: ``38 seconds``, ``1 day``."""
    count, unit = _largest(span)
    return f"{count} {unit}{'' if count == 1 else 's'}"


def day(at: datetime, now: datetime) -> str:
    """A day: ``30 Aug``, with the year where it isn't this one."""
    return _day(at.astimezone(now.tzinfo), now)


def moment(at: datetime, now: datetime) -> str:
    """A time of day, with its day where it isn't today: ``14:05``, ``30 Aug 14:21``."""
    here = at.astimezone(now.tzinfo)
    clock = f"{here.hour:02}:{here.minute:02}"
    return clock if here.date() == now.date() else f"{_day(here, now)} {clock}"


def on_or_at(at: datetime, now: datetime) -> str:
    """A time within a sentence, that of day only for today: ``at 14:05``, ``on 30 Aug``."""
    here = at.astimezone(now.tzinfo)
    return f"at {moment(here, now)}" if here.date() == now.date() else f"on {_day(here, now)}"


def read_day(text: str) -> date | None:
    """A day that was typed as year-month-day; None where it is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def end_of_day(last: date, now: datetime) -> datetime:
    """The last second of a day, where `now` is told; in UTC, as what is kept is.

    Of the first and the last days that there are it is that of UTC: elsewhere it is in a year that can't be written.
    """
    try:
        return datetime.combine(last, time(23, 59, 59), now.tzinfo).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.combine(last, time(23, 59, 59), UTC)


def _day(here: datetime, now: datetime) -> str:
    year = "" if here.year == now.year else f" {here.year}"
    return f"{here.day} {MONTHS[here.month - 1]}{year}"


def _largest(span: timedelta) -> tuple[int, str]:
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return seconds, "second"
    if seconds < 3600:
        return seconds // 60, "minute"
    if seconds < 48 * 3600:
        return seconds // 3600, "hour"
    return seconds // 86400, "day"
