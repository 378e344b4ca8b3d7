"""Schedule acts: the window or the freeze that a line of the audit is about, read from what the line says.

Lines of before they told the whole of what was changed have of a change what differs alone, and no name of a mirror but
in their title.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mirror_console.domain.audit import Act, Doing, Noun
from mirror_console.domain.schedule import Day, Freeze, Scope, Window

_SCOPE = ("account", "application_id", "environment")
_OWN = {Noun.WINDOW: ("days", "begins", "ends", "zone"), Noun.FREEZE: ("begins_at", "ends_at", "reason")}
NOUNS = frozenset(_OWN)


def before_and_after(act: Act) -> tuple[Window | Freeze | None, Window | Freeze | None]:
    """How it was and how it is; None where it wasn't, or isn't any more, or where the line doesn't say the whole."""
    return _read(act, act.before), _read(act, act.after)


def scope_of(side: Mapping[str, Any]) -> Scope:
    """For what one side of a line holds, as far as it says so."""
    return Scope(*(str(side.get(name) or "") for name in _SCOPE))


def names_of(act: Act) -> dict[str, str]:
    """What the mirrors are called that the line is about, by their identity."""
    found = {}
    for side in (act.before, act.after):
        scope = scope_of(side)
        if scope.application_id and side.get("mirror"):
            found[scope.application_id] = str(side["mirror"])
    side = act.before if act.doing is Doing.REMOVED else act.after
    scope = scope_of(side)
    if scope.application_id and scope.application_id not in found:
        # Its title is what it holds for: the mirror, then the account and the environment.
        behind = "".join(f" {one}" for one in (scope.account, scope.environment) if one)
        found[scope.application_id] = act.title.removesuffix(behind)
    return found


def _read(act: Act, side: Mapping[str, Any]) -> Window | Freeze | None:
    if act.doing is Doing.CHANGED and not {*_SCOPE, *_OWN[act.noun]} <= side.keys():
        return None
    scope = scope_of(side)
    parts = (scope.account, scope.application_id, scope.environment)
    try:
        if act.noun is Noun.WINDOW:
            days = tuple(Day(day) for day in side["days"])
            # Midnight was left out, as nothing is.
            return Window(act.of, days, int(side.get("begins", 0)), int(side["ends"]), str(side["zone"]), *parts)
        begins, ends = (datetime.fromisoformat(side[name]) for name in ("begins_at", "ends_at"))
        return Freeze(act.of, begins, ends, str(side["reason"]), str(side.get("person", "")), *parts)
    except (KeyError, TypeError, ValueError):
        return None
