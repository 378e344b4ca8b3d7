"""Import schedule: the maintenance windows and freezes of an import file. And how an export writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mirror_console.domain.application import Application
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
from mirror_console.errors import Problem
from mirror_console.operations.console import new_id
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.schedule_typed import parse_clock, parse_days, parse_moment, parse_zone

_SCOPE = ("account", "mirror", "environment")
WINDOW = (*_SCOPE, "days", "from", "to", "zone")
FREEZE = (*_SCOPE, "from", "until", "zone", "reason", "person")

T = TypeVar("T", Window, Freeze)


def _nothing_else(_slug: str) -> bool:
    return False


@dataclass(slots=True)
class ScheduleBatch:
    """What would be saved of windows and freezes. One that the catalog has already in the same words stays the same."""

    known: Schedule
    may_be_meant: Callable[[str], bool] = _nothing_else
    """Whether a slug may be of a mirror of the file that has a mistake of its own."""
    windows: list[Window] = field(default_factory=list)
    freezes: list[Freeze] = field(default_factory=list)

    @property
    def all(self) -> tuple[Window | Freeze, ...]:
        """Both in one list."""
        return (*self.windows, *self.freezes)

    def window(self, fields: Fields, mirrors: Mapping[str, Application]) -> None:
        """Read one window; `mirrors` are all that there will be, by slug."""
        scope = self._scope(fields, mirrors)
        window = Window(
            new_id(),
            fields.of("days", parse_days, DAYS),
            fields.of("from", parse_clock, 0),
            fields.of("to", parse_clock, DAY_MINUTES),
            fields.of("zone", parse_zone, "UTC"),
            *scope,
        )
        _tell(fields, window_problems(window))
        self.windows.append(_known(window, (*self.known.windows, *self.windows)))

    def freeze(self, fields: Fields, mirrors: Mapping[str, Application], person: str) -> None:
        """Read one freeze. Its times have a time zone of their own, or are those of a clock in `zone`."""
        scope = self._scope(fields, mirrors)
        zone = fields.of("zone", parse_zone, "UTC")
        if "from" not in fields or "until" not in fields:
            fields.wrong("until", "from when and until when belong here")
            return
        begins = fields.of("from", lambda text: parse_moment(text, zone), None)
        ends = fields.of("until", lambda text: parse_moment(text, zone, end=True), None)
        reason = fields.text("reason", needed=True)
        if begins is None or ends is None:
            return
        freeze = Freeze(new_id(), begins, ends, reason, fields.text("person", person), *scope)
        if reason:
            _tell(fields, freeze_problems(freeze))
        self.freezes.append(_known(freeze, (*self.known.freezes, *self.freezes)))

    def _scope(self, fields: Fields, mirrors: Mapping[str, Application]) -> tuple[str, str, str]:
        slug = fields.text("mirror")
        mirror = mirrors.get(slug)
        if slug and (mirror is None or not mirror.is_mirror) and not self.may_be_meant(slug):
            fields.wrong("mirror", f"there is no mirror '{slug}', neither in the file nor in the catalog")
        return fields.text("account"), mirror.id if mirror else "", fields.text("environment")


def _known(value: T, there: tuple[T, ...]) -> T:
    return next((one for one in there if replace(value, id=one.id) == one), value)


def _tell(fields: Fields, problems: list[Problem]) -> None:
    for problem in problems:
        fields.wrong(problem.field, problem.words)


def windows_content(schedule: Schedule, slugs: Mapping[str, str]) -> list[dict[str, Any]]:
    """Windows as a file has them; `slugs` by the identity of mirrors."""
    return [
        {
            **_scope_content(window, slugs),
            "days": days_text(window.days),
            "from": clock_text(window.begins),
            "to": clock_text(window.ends),
            "zone": window.zone,
        }
        for window in schedule.windows
    ]


def freezes_content(schedule: Schedule, slugs: Mapping[str, str]) -> list[dict[str, Any]]:
    """Freezes as a file has them."""
    return [
        {
            **_scope_content(freeze, slugs),
            "from": freeze.begins_at.isoformat(),
            "until": freeze.ends_at.isoformat(),
            "reason": freeze.reason,
            "person": freeze.person,
        }
        for freeze in schedule.freezes
    ]


def _scope_content(one: Window | Freeze, slugs: Mapping[str, str]) -> dict[str, str]:
    of = {"account": one.account, "mirror": slugs.get(one.application_id, ""), "environment": one.environment}
    return {name: value for name, value in of.items() if value}
