"""From changed rows to lines of the audit: what is different, and the names and reasons that a person knows it by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from mirror_console.domain.audit import Act, Doing, Noun
from mirror_console.domain.rollout import SUCCEEDED
from mirror_console.domain.secret import HIDDEN
from mirror_console.store.heard import Heard

NOUNS = {
    "account": Noun.ACCOUNT,
    "application": Noun.APPLICATION,
    "engine": Noun.ENGINE,
    "engine_access": Noun.ACCESS,
    "registry": Noun.REGISTRY,
    "environment": Noun.ENVIRONMENT,
    "command_run": Noun.COMMAND,
    "maintenance_window": Noun.WINDOW,
    "freeze": Noun.FREEZE,
    "release": Noun.RELEASE,
    "held_image": Noun.IMAGE,
    "applied": Noun.RECORD,
    "rollout": Noun.ROLLOUT,
    "override": Noun.OVERRIDE,
    "target": Noun.TARGET,
}
"""What a row of a table is called."""

_DEEP = 3
"""How many levels a nested value is taken apart to; what is deeper is compared as a whole."""


def acts(connection: sa.Connection, heard: Iterable[Heard]) -> tuple[Act, ...]:
    """What changed, as lines of the audit. What turned out to be the same has none."""
    changes = list(heard)
    names = _Names(connection, changes)
    found = [_act(names, one) for one in changes]
    return tuple(act for act in found if act is not None)


def _act(names: _Names, heard: Heard) -> Act | None:
    before, after = _flat(heard.before or {}), _flat(heard.after or {})
    if heard.table == "target":
        return _target(names, heard, after)
    if heard.before is None:
        doing, old, new = Doing.ADDED, {}, {name: value for name, value in after.items() if value not in _NOTHING}
    elif heard.after is None:
        doing, old, new = Doing.REMOVED, {name: one for name, one in before.items() if one not in _NOTHING}, {}
    else:
        differing = [name for name in {**before, **after} if (before.get(name) or None) != (after.get(name) or None)]
        if not differing:
            return None
        doing = Doing.CHANGED
        old = {name: before[name] for name in differing if name in before}
        new = {name: after.get(name) for name in differing}
    title, account = names.of(heard)
    why = _why(heard.table, old, new)
    if heard.table in _WHOLE:
        # Long after it was taken away somebody asks what held.
        old, new = (names.with_mirror(side) for side in (before, after))
    return Act(
        noun=NOUNS[heard.table],
        doing=doing,
        of="/".join(heard.key),
        title=title,
        account=account,
        why=why,
        before=_hidden(old),
        after=_hidden(new),
    )


_NOTHING: tuple[object, ...] = (None, "", [], {}, False)
_WHOLE = {"maintenance_window", "freeze"}
"""Whose lines say all of how they were and are: not only what differs, and midnight, which is the minute 0, too."""


_TAKEN_OVER = {*SUCCEEDED, "left"}
"""How a target ended whose new container serves."""
_OF_TARGET = ["environment_id", "reference", "engine", "container", "change", "attempt", "way_back", "verified_by"]
_OF_TARGET += ["down_seconds", "down_since"]


def _of_target(after: Mapping[str, Any]) -> list[str]:
    """What is told of it: no first attempt where it was never begun, nor how long it was down where nobody knows."""
    untold = {"down_seconds"} if after.get("down_since") else set()
    if after.get("started_at") is None and after["attempt"] == 1:
        untold.add("attempt")
    return [name for name in _OF_TARGET if name not in untold]


def _target(names: _Names, heard: Heard, after: dict[str, Any]) -> Act:
    """A target that is over: what it ran, and what it was to run."""
    title = f"{after['application']} {after['environment']}"
    before = {"image": after["before_title"], "fingerprint": after["before_fingerprint"]}
    before["container_id"] = after["before_container_id"]
    # What was put back runs what it ran: then that is only what was wanted.
    runs = after["state"] in _TAKEN_OVER
    now = {"words": "" if after["words"] == after["verified_by"] else after["words"]}
    now |= {"image" if runs else "wanted": after["after_title"], "planned": after["planned"]}
    now |= {"fingerprint": after["after_fingerprint"] if runs else ""}
    now |= {name: after[name] for name in _of_target(after) if after.get(name) not in _NOTHING}
    rollout_id = heard.key[0]
    return Act(
        noun=Noun.TARGET,
        doing=Doing.ENDED,
        of=rollout_id,
        title=title,
        account=names.account_of(after["application_id"]),
        why=names.why_of(rollout_id),
        before={name: value for name, value in before.items() if value},
        after={name: value for name, value in now.items() if value},
        result=after["state"],
    )


def _why(table: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    match table:
        case "environment":
            return str(new.get("hold.reason") or "")
        case "freeze" | "override":
            return str(new.get("reason") or "")
        case "release":
            return str(new.get("remark") or "")
        case "rollout":
            return str(new.get("why") or new.get("paused_because") or "")
    return ""


def _flat(value: Mapping[str, Any], at: str = "", deep: int = 0) -> dict[str, Any]:
    """Nested values by their path, such as ``settings.limits.memory``."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        path = f"{at}{name}"
        if isinstance(one, Mapping) and one and deep < _DEEP:
            found |= _flat(one, f"{path}.", deep + 1)
        else:
            found[path] = one
    return found


def _hidden(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of variables only their names: what is written here can never be taken back, and one may have been a secret."""
    return {
        name: HIDDEN if ".variables." in f".{name}" and value is not None else value for name, value in values.items()
    }


class _Names:
    """What things are called that lines name, read once a transaction."""

    def __init__(self, connection: sa.Connection, heard: Iterable[Heard]) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}
        # One that is taken away takes its environments with it: it is named by what it was.
        rows = {one.key[0]: one.after or one.before or {} for one in heard if one.table == "application"}
        self._applications = {
            key: (str(row["name"]), str(row.get("account", ""))) for key, row in rows.items() if "name" in row
        }

    def of(self, heard: Heard) -> tuple[str, str]:
        """Title and account."""
        row: Mapping[str, Any] = heard.after or heard.before or {}
        key = heard.key[0]
        match heard.table:
            case "account":
                return key, key
            case "application":
                return self._application(key)
            case "environment":
                name, account, own = self._environment(key, row)
                return f"{name} {own}", account
            case "applied":
                name, account, own = self._environment(key, {})
                return f"{name} {own}", account
            case "engine":
                return str(row.get("name") or self._ask("engine", "name", key)[0]), ""
            case "engine_access":
                return f"{heard.key[1]} on {self._ask('engine', 'name', key)[0]}", heard.key[1]
            case "registry":
                return str(row.get("host", "")), ""
            case "release":
                return str(row.get("version") or row.get("digest", ""))[:80], ""
            case "command_run":
                return str(row.get("title", "")), ""
            case "held_image":
                named = row.get("tags") or row.get("digests") or [heard.key[1]]
                return f"{named[0]} on {self._ask('engine', 'name', key)[0]}", ""
            case "maintenance_window" | "freeze":
                of = [str(row.get("account") or ""), str(row.get("environment") or "")]
                of.insert(0, self._application(str(row["application_id"]))[0] if row.get("application_id") else "")
                return " ".join(one for one in of if one) or "all mirrors", str(row.get("account") or "")
            case "rollout" | "override":
                return self._of_rollout(key, row)
        return key, ""

    def with_mirror(self, side: Mapping[str, Any]) -> dict[str, Any]:
        """A window or a freeze with the name of the mirror that it is for, whose identity alone it has."""
        named = self._application(str(side["application_id"]))[0] if side.get("application_id") else ""
        return {**side, "mirror": named} if named else dict(side)

    def account_of(self, application_id: str) -> str:
        """Whose an application is."""
        return self._application(application_id)[1]

    def why_of(self, rollout_id: str) -> str:
        """Why a rollout was started."""
        return self._ask("rollout", "why", rollout_id)[0]

    def _application(self, key: str) -> tuple[str, str]:
        if key not in self._applications:
            name, account = self._ask("application", "name, account", key)
            self._applications[key] = (name, account)
        return self._applications[key]

    def _of_rollout(self, key: str, row: Mapping[str, Any]) -> tuple[str, str]:
        """A rollout by its plan; what is said of one of its targets by that."""
        if row.get("environment_id"):
            name, account, own = self._environment(str(row["environment_id"]), {})
            return f"{name} {own}", account
        plan = row.get("plan_id") or self._ask("rollout", "plan_id", key)[0]
        fingerprint, environment = self._ask("plan", "fingerprint, environment", str(plan))
        return f"{fingerprint} to {environment}", ""

    def _environment(self, key: str, row: Mapping[str, Any]) -> tuple[str, str, str]:
        if "application_id" in row:
            application_id, own = str(row["application_id"]), str(row["name"])
        else:
            application_id, own = self._ask("environment", "application_id, name", key)
        return *self._application(application_id), own

    def _ask(self, table: str, columns: str, key: str) -> tuple[str, ...]:
        """Columns of a row; empty ones where it is gone."""
        at = (f"{table}.{columns}", key)
        if at not in self._known:
            found = self._connection.exec_driver_sql(f"SELECT {columns} FROM {table} WHERE id = ?", (key,)).fetchone()  # noqa: S608 # names of our own tables
            missing = ("",) * (columns.count(",") + 1)
            self._known[at] = tuple(str(one) for one in found) if found else missing
        return self._known[at]
