"""Watching: when an engine is looked at next, after it answered, failed, told of a change, or the computer slept.

Times are seconds of a clock that only goes forward. Every rule is a function of what was and what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DEBOUNCE = 0.3
"""From the first word of a change to the look: changes come in bursts, a start alone is three events."""
REST = 1.0
"""Between two looks that events ask for: an engine that never stops talking is listed once a second."""
SHORTEST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Bounds of the wait after failures in a row; it doubles with each."""
LASTING = 30.0
"""A stream that ended sooner counts as a failure of streams, so that opening them anew slows down."""
TICK = 15.0
"""The longest that is waited without a look at the clocks."""
SLEPT = 30.0
"""A wait that took so much longer than it was meant to was a sleep of the computer."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """When an engine is to be looked at next. `failures` and `breaks` (of its stream) are those in a row."""

    at: float
    failures: int = 0
    breaks: int = 0
    looked: float = float("-inf")
    """When it was looked at last."""


def answered(before: Appointment, now: float, interval: float) -> Appointment:
    """It was listed: again after about an interval, whether or not anything is heard of it.

    All engines come at the same beats of the clock: so what is merely seen again is kept and shown at one go.
    """
    beat = (now // interval + 1) * interval
    at = beat if beat - now > interval / 2 else beat + interval
    return replace(before, at=at, failures=0, looked=now)


def within(before: Appointment, interval: float) -> Appointment:
    """The interval may have changed: no later after the last look than it allows."""
    latest = before.looked + 1.5 * interval
    return before if before.at <= latest or before.looked == float("-inf") else replace(before, at=latest)


def failed(before: Appointment, now: float, luck: float) -> Appointment:
    """It can't be reached: again after a wait that doubles, cut by up to a half so that not all come at once.

    `luck` is at least 0 and less than 1.
    """
    failures = before.failures + 1
    return replace(before, at=now + _wait(failures, luck), failures=failures, looked=now)


def heard(before: Appointment, now: float) -> Appointment:
    """Its stream told of a change."""
    return replace(before, at=min(before.at, max(now + DEBOUNCE, before.looked + REST)))


def lost(before: Appointment, now: float, lasted: float, luck: float) -> Appointment:
    """Its stream has ended, in order or not, after so many seconds: perhaps it restarted, and it may have changed."""
    if lasted >= LASTING:
        return replace(before, at=max(now + DEBOUNCE, before.looked + REST), breaks=0)
    breaks = before.breaks + 1
    return replace(before, at=now + _wait(breaks, luck), breaks=breaks)


def wanted(before: Appointment, now: float) -> Appointment:
    """Somebody wants to know now: what failed before doesn't count any more."""
    return replace(before, at=now, failures=0, breaks=0)


def slept(meant: float, steady: float, wall: float) -> bool:
    """Whether the computer slept during a wait that was meant to last so long.

    `steady` is how long it took by a clock that can't be set, `wall` by the time of day. The first stands still while
    some systems sleep, the second may be set: back is no sleep, and forward costs one look too many at worst.
    """
    return max(steady, wall) - meant > SLEPT


def _wait(times: int, luck: float) -> float:
    return float(min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(times - 1, 16)) * (1.0 - luck / 2))
