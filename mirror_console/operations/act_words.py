"""Act words: what a line of the audit says was different, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mirror_console.domain.audit import SCHEDULE_FIELDS, Act, Doing, differing_words, value_words
from mirror_console.domain.schedule import Day, Freeze, Window, clock_text, days_text, scope_words
from mirror_console.domain.schedule_acts import NOUNS, before_and_after, names_of
from mirror_console.operations.written import moment


def how_words(act: Act) -> tuple[str, ...]:
    """What is different: of a window or a freeze how it was and how it is, in its own words, of all else the fields."""
    if act.noun not in NOUNS:
        return differing_words(act)
    before, after = before_and_after(act)
    names = names_of(act)
    told = [schedule_words(one, names, act.why) for one in (before, after) if one is not None]
    if not told or (act.doing is Doing.CHANGED and len(told) < 2):
        return _fields(act, names)
    return (" → ".join(told),)


def schedule_words(one: Window | Freeze, names: Mapping[str, str], why: str = "") -> str:
    """A window or a freeze, and for whom it holds: ``every day 19:26–19:28 UTC, Dunes Bakery``.

    The reason of a freeze isn't said where it is the `why` that stands beside it.
    """
    where = scope_words(one.scope, dict(names))
    if isinstance(one, Window):
        return f"{one}, {where}"
    reason = f": {one.reason}" if one.reason != why else ""
    return f"{moment(one.begins_at)} – {moment(one.ends_at)}, {where}{reason}"


def _fields(act: Act, names: Mapping[str, str]) -> tuple[str, ...]:
    """Field by field, where a line has no more than what differs."""

    def side(of: Mapping[str, Any], name: str) -> str:
        value = of.get(name)
        try:
            match name:
                case "days" if value:
                    return days_text([Day(day) for day in value])
                case "begins" | "ends" if value is not None:
                    return clock_text(int(value))
                case "begins_at" | "ends_at" if value:
                    return moment(datetime.fromisoformat(value))
                case "application_id" if value:
                    return names.get(str(value), "a mirror")
        except (TypeError, ValueError):
            return value_words(value)
        return value_words(value)

    told = []
    for name in dict.fromkeys((*act.before, *act.after)):
        sides = [side(of, name) for of in (act.before, act.after) if name in of]
        told.append(f"{SCHEDULE_FIELDS.get(name, name)}: {' → '.join(sides)}")
    return tuple(told)
