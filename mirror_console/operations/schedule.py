"""Schedule: keep maintenance windows and freezes, and say what holds for whom."""

from __future__ import annotations

from dataclasses import dataclass

from mirror_console.domain.schedule import (
    DAY_MINUTES,
    DAYS,
    Freeze,
    Schedule,
    Window,
    clock_text,
    days_text,
    freeze_problems,
    window_problems,
)
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.schedule_typed import moment_text, parse_clock, parse_days, parse_moment, parse_zone
from mirror_console.operations.typed import parsed

HINT = "Nothing was changed."
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class ScopeInput:
    """For whom it is to hold, as it is typed: an account, a mirror by its slug, an environment. Empty: for all."""

    account: str = ""
    mirror: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class WindowInput:
    """A window as it is typed."""

    days: str
    begins: str
    ends: str
    zone: str
    scope: ScopeInput = ScopeInput()
    id: str = ""


@dataclass(frozen=True, slots=True)
class FreezeInput:
    """A freeze as it is typed; the times are those of a clock in `zone`. Of a day alone, all of it counts."""

    begins: str
    ends: str
    zone: str
    reason: str
    scope: ScopeInput = ScopeInput()
    id: str = ""


def the_schedule(console: Console) -> tuple[Schedule, dict[str, str]]:
    """All windows and freezes, and the names of the mirrors that they are for, by identity."""
    with console.catalog.read() as books:
        schedule = books.schedule.all()
        names = {one.id: one.name for one in books.applications.all()}
    wanted = {one.application_id for one in schedule.all}
    return schedule, {identity: name for identity, name in names.items() if identity in wanted}


def save_window(console: Console, typed: WindowInput) -> Window:
    """Add a window, or change the one of that identity. Raises InvalidInput, NotAllowed."""
    console.demand_write()
    problems: list[Problem] = []
    days = parsed(problems, "days", parse_days, typed.days, DAYS)
    begins = parsed(problems, "from", parse_clock, typed.begins, 0)
    ends = parsed(problems, "to", parse_clock, typed.ends, DAY_MINUTES)
    zone = parsed(problems, "zone", parse_zone, typed.zone, "UTC")
    with console.catalog.write() as books:
        scope = _scope(books, typed.scope, problems)
        window = Window(typed.id or new_id(), days, begins, ends, zone, *scope)
        problems += window_problems(window) if not problems else []
        if problems:
            raise InvalidInput("The window was not saved.", problems, HINT)
        books.schedule.save_window(window)
    return window


def save_freeze(console: Console, typed: FreezeInput) -> Freeze:
    """Add a freeze, or change the one of that identity. Raises InvalidInput, NotAllowed."""
    console.demand_write()
    problems: list[Problem] = []
    now = console.clock()
    zone = parsed(problems, "zone", parse_zone, typed.zone, "UTC")
    begins = parsed(problems, "from", lambda text: parse_moment(text, zone), typed.begins, now)
    ends = parsed(problems, "until", lambda text: parse_moment(text, zone, end=True), typed.ends, now)
    if len(typed.reason) > _LONGEST:
        problems.append(Problem("reason", f"at most {_LONGEST} characters"))
    with console.catalog.write() as books:
        scope = _scope(books, typed.scope, problems)
        freeze = Freeze(typed.id or new_id(), begins, ends, typed.reason.strip(), console.person, *scope)
        problems += freeze_problems(freeze) if not problems else []
        if not problems and ends <= now:
            problems.append(Problem("until", "it has passed"))
        if problems:
            raise InvalidInput("The freeze was not saved.", problems, HINT)
        books.schedule.save_freeze(freeze)
    return freeze


def as_typed(one: Window | Freeze, slug: str, zone: str) -> WindowInput | FreezeInput:
    """A window or a freeze as it is typed, to be changed. `slug` is its mirror's; a freeze is told in `zone`."""
    scope = ScopeInput(one.account, slug, one.environment)
    if isinstance(one, Window):
        return WindowInput(days_text(one.days), clock_text(one.begins), clock_text(one.ends), one.zone, scope, one.id)
    begins, ends = (moment_text(at, zone) for at in (one.begins_at, one.ends_at))
    return FreezeInput(begins, ends, zone, one.reason, scope, one.id)


def slug_of(console: Console, one: Window | Freeze) -> str:
    """The slug of the mirror that a window or a freeze is for; empty where it is for more than one, or it is gone."""
    with console.catalog.read() as books:
        found = books.applications.some([one.application_id]) if one.application_id else []
    return found[0].slug if found else ""


def take_away(console: Console, identity: str) -> None:
    """Take a window or a freeze away. That it isn't there is fine. Raises NotAllowed."""
    console.demand_write()
    with console.catalog.write() as books:
        books.schedule.remove(identity)


def _scope(books: Books, typed: ScopeInput, problems: list[Problem]) -> tuple[str, str, str]:
    """Account, mirror and environment, each as the catalog knows it."""
    account, slug, environment = typed.account.strip(), typed.mirror.strip(), typed.environment.strip()
    mirror = books.applications.by_slug(slug) if slug else None
    if slug and (mirror is None or not mirror.is_mirror):
        problems.append(Problem("mirror", f"there is no mirror '{slug}'"))
        mirror = None
    if account and all(one.name != account for one in books.accounts.all()):
        problems.append(Problem("account", f"there is no account '{account}'"))
    if mirror is not None and account and mirror.account != account:
        problems.append(Problem("account", f"{mirror.name} doesn't belong to account {account}"))
    names = {one.name for one in (books.environments.of(mirror.id) if mirror else books.environments.all())}
    if environment and environment not in names:
        there = ", ".join(sorted(names)) or "none yet"
        problems.append(Problem("environment", f"there is no environment '{environment}' (there are: {there})"))
    return account, mirror.id if mirror else "", environment
