"""Schedule: when an environment may be changed. Maintenance windows say when, freezes say when not at all.

Each holds for an account, a mirror, an environment of that name, or what several of these have in common; with none of
them, for everything. Of windows those of the closest kind count, any of which may be open; all freezes count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mirror_console.domain.moment import moment as moment_words
from mirror_console.errors import Problem

DAY_MINUTES = 24 * 60
_AHEAD = 8
"""Days within which a window that opens every week has opened and closed."""
_MOST_STEPS = 100
"""Windows and freezes that follow each other: after so many it is not said any more when that ends."""


class Day(StrEnum):
    """A day of the week, in the order of `datetime.weekday`."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


DAYS = tuple(Day)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is to be changed: a mirror's environment, and whose it is."""

    account: str
    application_id: str
    environment: str


@dataclass(frozen=True, slots=True)
class Scope:
    """For which environments something holds. What is empty asks for nothing."""

    account: str = ""
    application_id: str = ""
    environment: str = ""

    def covers(self, place: Place) -> bool:
        """Whether an environment is among them."""
        return (
            self.account in {"", place.account}
            and self.application_id in {"", place.application_id}
            and self.environment in {"", place.environment}
        )

    @property
    def closeness(self) -> tuple[bool, bool, bool]:
        """The larger, the closer: a mirror's own is closer than its account's, and that than an environment's."""
        return bool(self.application_id), bool(self.account), bool(self.environment)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days of each week in which changes may happen, as a clock on a wall in `zone` shows them.

    `begins` and `ends` are minutes of the day; `ends` isn't part of it. Where it doesn't lie after `begins`, the window
    goes on into the next day, and belongs to the day on which it began. An hour that a clock leaves out is in no
    window; one that it shows twice is in it twice.
    """

    id: str
    days: tuple[Day, ...]
    begins: int
    ends: int
    zone: str
    account: str = ""
    application_id: str = ""
    environment: str = ""

    @property
    def scope(self) -> Scope:
        """For which environments it holds."""
        return Scope(self.account, self.application_id, self.environment)

    def is_open(self, at: datetime) -> bool:
        """Whether changes may happen at a moment."""
        here = at.astimezone(zone_of(self.zone))
        minute, today = here.hour * 60 + here.minute, DAYS[here.weekday()]
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        yesterday = DAYS[here.weekday() - 1]
        return (today in self.days and minute >= self.begins) or (yesterday in self.days and minute < self.ends)

    def changes_after(self, at: datetime) -> datetime | None:
        """The next moment at which it opens or closes; None where it never does."""
        now = self.is_open(at)
        return next((one for one in self._turns(at) if self.is_open(one) is not now), None)

    def _turns(self, at: datetime) -> list[datetime]:
        """Every moment of the coming days at which it may open or close, in order.

        A time that a clock shows twice is two moments; where a clock jumps, the jump itself is one.
        """
        zone = zone_of(self.zone)
        today = at.astimezone(zone).date()
        found: set[datetime] = set()
        for ahead in range(-1, _AHEAD + 1):
            day = today + timedelta(days=ahead)
            for minute in (self.begins, self.ends):
                there = datetime.combine(day, time(minute // 60 % 24, minute % 60), zone)
                found |= {there.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
            found |= set(_jumps(self.zone, day))
        return sorted(one for one in found if one > at)

    def __str__(self) -> str:
        return f"{days_text(self.days)} {clock_text(self.begins)}–{clock_text(self.ends)} {self.zone}"


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nobody changes anything, and why. It ends at `ends_at`."""

    id: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    person: str
    account: str = ""
    application_id: str = ""
    environment: str = ""

    @property
    def scope(self) -> Scope:
        """For which environments it holds."""
        return Scope(self.account, self.application_id, self.environment)

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.begins_at <= at < self.ends_at


class Closed(StrEnum):
    """Why nothing may be changed. The words are those of checks, screens and reports."""

    FREEZE = "freeze"
    WINDOW = "window closed"


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether an environment may be changed at a moment, and until when that holds."""

    closed: Closed | None
    until: datetime | None
    """When it may be otherwise: the closing of what is open, or the opening of what is closed. None: not foreseen."""
    windows: tuple[Window, ...] = ()
    """The windows that count there; none where it may be changed at any time."""
    freezes: tuple[Freeze, ...] = ()
    """The freezes that hold."""

    def is_outside(self, now: datetime) -> bool:
        """Whether no window is open, frozen or not."""
        return bool(self.windows) and not any(window.is_open(now) for window in self.windows)

    def closes_within(self, now: datetime, seconds: float) -> bool:
        """Whether it is open, and isn't for so long any more."""
        return self.closed is None and self.until is not None and (self.until - now).total_seconds() < seconds

    @property
    def windows_words(self) -> str:
        """The windows that count, without what time it is."""
        return ", ".join(map(str, self.windows))

    @property
    def freezes_words(self) -> str:
        """The freezes that hold, without what time it is."""
        return ", ".join(
            f"{freeze.reason}, until {freeze.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for freeze in self.freezes
        )

    def words(self, now: datetime) -> str:
        """In one sentence without its full stop, told in the time zone that `now` has."""
        if self.closed is Closed.FREEZE:
            last = max(self.freezes, key=lambda freeze: freeze.ends_at)
            said = f"frozen until {moment_words(last.ends_at, now)}: {last.reason.rstrip('.')}"
        elif self.closed is Closed.WINDOW:
            said = f"outside its window ({self.windows_words})"
        elif not self.windows:
            said = "may be changed at any time"
        else:
            said = f"inside its window ({self.windows_words})"
        if self.closed is None:
            return f"{said}, until {moment_words(self.until, now)}" if self.until else said
        if self.until is None:
            return f"{said}; it isn't foreseen when it may be changed"
        return f"{said}; it may be changed from {moment_words(self.until, now)} on"


@dataclass(frozen=True, slots=True)
class Schedule:
    """All windows and freezes of a catalog."""

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.windows or self.freezes)

    @property
    def all(self) -> tuple[Window | Freeze, ...]:
        """Both in one list."""
        return (*self.windows, *self.freezes)

    def opening(self, place: Place, now: datetime) -> Opening:
        """Whether an environment may be changed now, and until when that holds."""
        windows = self.windows_of(place)
        freezes = [freeze for freeze in self.freezes if freeze.scope.covers(place) and freeze.ends_at > now]
        in_force = tuple(freeze for freeze in freezes if freeze.in_force(now))
        closed = _closed(windows, freezes, now)
        if closed is None:
            return Opening(None, _next(windows, freezes, now, wanted_open=False), windows)
        return Opening(closed, _next(windows, freezes, now, wanted_open=True), windows, in_force)

    def windows_of(self, place: Place) -> tuple[Window, ...]:
        """The windows that count for an environment: those of the closest kind that there are."""
        covering = [window for window in self.windows if window.scope.covers(place)]
        closest = max((window.scope.closeness for window in covering), default=None)
        return tuple(window for window in covering if window.scope.closeness == closest)


NO_SCHEDULE = Schedule()


def _closed(windows: Sequence[Window], freezes: Iterable[Freeze], at: datetime) -> Closed | None:
    if any(freeze.in_force(at) for freeze in freezes):
        return Closed.FREEZE
    if windows and not any(window.is_open(at) for window in windows):
        return Closed.WINDOW
    return None


def _next(windows: Sequence[Window], freezes: Sequence[Freeze], now: datetime, *, wanted_open: bool) -> datetime | None:
    """The first moment after now at which it is open, or isn't. None where that is never, or too far ahead to say."""
    at = now
    for _ in range(_MOST_STEPS):
        turns = [turn for window in windows if (turn := window.changes_after(at)) is not None]
        turns += [one for freeze in freezes for one in (freeze.begins_at, freeze.ends_at) if one > at]
        if not turns:
            return None
        at = min(turns)
        if (_closed(windows, freezes, at) is None) is wanted_open:
            return at
    return None


@lru_cache(256)
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name, such as Europe/Berlin. Raises ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{name}' is no time zone: write Europe/Berlin, or UTC") from None


@lru_cache(1024)
def _jumps(name: str, day: date) -> tuple[datetime, ...]:
    """The moment at which the clock of a zone is put forward or back on a day, to the minute; seldom there is one."""
    zone = zone_of(name)
    low = datetime.combine(day, time(), zone).astimezone(UTC)
    high = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    before, after = low.astimezone(zone).utcoffset(), high.astimezone(zone).utcoffset()
    if before == after:
        return ()
    minutes = int((high - low).total_seconds()) // 60
    first, last = 0, minutes
    while last - first > 1:
        middle = (first + last) // 2
        if (low + timedelta(minutes=middle)).astimezone(zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    return (low + timedelta(minutes=last),)


def days_text(days: Sequence[Day]) -> str:
    """Days as they are typed and told: ``every day``, ``mon-fri``, ``sat, sun``."""
    places = sorted({DAYS.index(day) for day in days})
    if len(places) == len(DAYS):
        return "every day"
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{DAYS[places[0]]}-{DAYS[places[-1]]}"
    return ", ".join(DAYS[place] for place in places)


def clock_text(minute: int) -> str:
    """Minutes of a day as a clock shows them; the end of the day is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def window_problems(window: Window) -> list[Problem]:
    """Everything wrong with a window."""
    found = []
    if not window.days:
        found.append(Problem("days", "on which days it opens is missing"))
    if not 0 <= window.begins < DAY_MINUTES:
        found.append(Problem("from", "a time from 00:00 to 23:59"))
    if not 0 < window.ends <= DAY_MINUTES:
        found.append(Problem("to", "a time from 00:01 to 24:00"))
    try:
        zone_of(window.zone)
    except ValueError as error:
        found.append(Problem("zone", str(error)))
    return found


def freeze_problems(freeze: Freeze) -> list[Problem]:
    """Everything wrong with a freeze."""
    found = []
    if freeze.ends_at <= freeze.begins_at:
        found.append(Problem("until", "it ends before it begins"))
    if not freeze.reason.strip():
        found.append(Problem("reason", "say why: whoever is stopped by it will ask"))
    return found


def scope_words(scope: Scope, names: dict[str, str]) -> str:
    """For which environments something holds, in words. `names` are those of mirrors, by their identity."""
    parts = [f"account {scope.account}"] if scope.account else []
    if scope.application_id:
        parts.append(names.get(scope.application_id, "a mirror that is gone"))
    if scope.environment:
        parts.append(scope.environment)
    return " · ".join(parts) or "everything"
