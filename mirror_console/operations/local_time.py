"""Local time: the zone of this computer, whose clocks are put forward and back, for times that are told to people.

`datetime.astimezone()` alone gives the distance from UTC that one moment has: another moment that is told by it is an
hour off where the clocks change between the two, and around midnight it falls on another day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


class _Local(tzinfo):
    """The zone that the system goes by, asked anew for each moment.

    Its name isn't needed, which systems keep in different places, and some not at all.
    """

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        return None if at is None else _here(at).utcoffset()

    def dst(self, at: datetime | None) -> timedelta | None:
        return None  # nobody asks which part of the distance is that of summer, and the system doesn't say

    def tzname(self, at: datetime | None) -> str | None:
        return None if at is None else _here(at).tzname()

    def fromutc(self, at: datetime) -> datetime:
        # Which of the two it is, in an hour that clocks show twice, is told by it as well.
        try:
            shown = datetime.fromtimestamp(at.replace(tzinfo=UTC, microsecond=0).timestamp())  # noqa: DTZ006 # it gets its zone below
        except _UNKNOWN:
            return at
        return shown.replace(tzinfo=self, microsecond=at.microsecond)


_UNKNOWN = (ValueError, OverflowError, OSError)
"""What systems say of years that they don't know, such as the first and the last: these are told in UTC."""


def _here(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=None).astimezone()
    except _UNKNOWN:
        return at.replace(tzinfo=UTC)


_LOCAL = _Local()


def local(at: datetime) -> datetime:
    """The same moment in the time zone of this computer. Any other moment can be told in its zone, whenever it is.

    What is reckoned is told to it at the end: Python adds to such a time what a clock on a wall would show, and an hour
    more or less than that passes where the clocks change in between.
    """
    return at.astimezone(_LOCAL)
