"""What a transaction changes of the catalog, heard by SQLite itself: no change of a row that counts can be forgotten.

Triggers of the writing connection alone, which stand in no file, note every row before and after. What a person decides
is heard; what is only observed is not, and `UNHEARD` says of each such table why.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from mirror_console.domain.rollout import WORKING, TargetState
from mirror_console.store import tables
from mirror_console.store.columns import Flag, Json, Real

_PLANNED = ["application_id", "application", "environment", "engine", "container", "change", "reference"]
_PLANNED += ["before_title", "before_fingerprint", "before_container_id", "after_title"]
_UNDER_WAY = ", ".join(f"'{state}'" for state in sorted(WORKING | {TargetState.QUEUED}))


@dataclass(frozen=True, slots=True)
class Watched:
    """A table that is heard. `without` are columns that are observed and not decided.

    `when` is the condition on which a row counts. A table that is `part_of` another one belongs to its row, which the
    first column of its key names.
    """

    table: sa.Table
    without: frozenset[str] = frozenset()
    when: str = ""
    events: tuple[str, ...] = ("INSERT", "UPDATE", "DELETE")
    part_of: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    """What is taken from inside of a column, by name."""


WATCHED = (
    Watched(tables.account),
    Watched(tables.application),
    Watched(tables.application_tag, part_of="application"),
    Watched(tables.application_domain, part_of="application"),
    # By what a daemon knows itself is seen; that another one is the right one, who accepts it writes down.
    Watched(tables.engine, without=frozenset({"identity"})),
    Watched(tables.engine_access, without=frozenset({"contact"})),
    Watched(tables.registry),
    Watched(tables.environment),
    Watched(tables.process, part_of="environment"),
    # Releases and images come by being seen; what a person said of them, and what we brought, was decided.
    Watched(
        tables.release,
        without=frozenset({column.name for column in tables.release.c} - {"marks", "remark", "version", "digest"}),
        when="NEW.marks IS NOT OLD.marks OR NEW.remark IS NOT OLD.remark",
        events=("UPDATE",),
    ),
    Watched(
        tables.held_image,
        without=frozenset({"seen_at", "size", "created", "platform", "revision"}),
        when="NEW.brought_by != ''",
        events=("INSERT",),
    ),
    # What came of a run has its lines in the journal; what a person said of it was decided.
    Watched(
        tables.command_run,
        without=frozenset({column.name for column in tables.command_run.c} - {"word", "title", "command"}),
        when="NEW.word IS NOT OLD.word",
        events=("UPDATE",),
    ),
    Watched(tables.maintenance_window),
    Watched(tables.freeze),
    # What a rollout applies stands with its target; here is what was accepted without one.
    Watched(tables.applied, without=frozenset({"at", "secrets"}), when="NEW.rollout_id = ''"),
    # Which rollout it takes back its plan says.
    Watched(tables.rollout, without=frozenset({"console", "started_at", "rolls_back"}), events=("INSERT", "UPDATE")),
    Watched(tables.override, without=frozenset({"person", "at"}), events=("INSERT",)),
    Watched(
        tables.target,
        without=frozenset({"planned", "step", "ended_at", "process"}),
        when=f"NEW.state NOT IN ({_UNDER_WAY}) AND NEW.state != OLD.state",
        events=("UPDATE",),
        more={name: f"json_extract({{row}}.planned, '$.{name}')" for name in _PLANNED}
        | {"planned": "json_extract({row}.planned, '$.after_fingerprint')"},
    ),
)
"""In the order of their nouns."""

UNHEARD = {
    "meta": "the program's own: identity and form",
    "contact": "observed: whether an engine answered",
    "observation": "observed: what runs",
    "tag": "observed: where a tag points",
    "plan": "changes nothing until a rollout is started from it, which names it",
    "fetch": "how far a rollout's images are on their way: its journal has each",
    "journal": "has a chain of its own",
    "audit": "the audit itself",
}
"""Tables that aren't heard, and why."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a transaction did to one row, with its parts: how it was and how it is; None where it wasn't, or isn't."""

    table: str
    key: tuple[str, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def listen(connection: sqlite3.Connection) -> None:
    """Have a connection note what it changes, from now on."""
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("CREATE TEMP TABLE heard (source TEXT, key TEXT, before TEXT, after TEXT)")
    for trigger in _triggers():
        connection.execute(trigger)


def taken(connection: sqlite3.Connection) -> list[Heard]:
    """What was noted in this transaction, a row once, in the order in which each was first changed; and forget it."""
    rows = connection.execute("SELECT source, key, before, after FROM temp.heard ORDER BY rowid").fetchall()
    if not rows:
        return []
    connection.execute("DELETE FROM temp.heard")
    decode = msgspec.json.decode
    befores: dict[tuple[str, str], Any] = {}
    afters: dict[tuple[str, str], Any] = {}
    for source, key, before, after in rows:
        befores.setdefault((source, key), before)
        afters[source, key] = after
    found: dict[tuple[str, tuple[str, ...]], tuple[dict[str, Any] | None, dict[str, Any] | None]] = {}
    parts: dict[tuple[str, tuple[str, ...]], list[tuple[str, Any, Any]]] = {}
    for (source, key_text), before in befores.items():
        after = afters[source, key_text]
        if before == after:
            continue
        key = tuple(str(part) for part in decode(key_text))
        watched = _BY_NAME[source]
        if watched.part_of:
            of = (watched.part_of, key[:1])
            name = f"{source.removeprefix(f'{watched.part_of}_')}.{key[-1]}"
            old, new = (_only(decode(text)) if text else None for text in (before, after))
            parts.setdefault(of, []).append((name, old, new))
            found.setdefault(of, ({}, {}))
        else:
            whole = (decode(before) if before else None, decode(after) if after else None)
            found[source, key] = whole
    heard = []
    for at, (old, new) in found.items():
        of_row = parts.get(at, ())
        heard.append(Heard(*at, _whole(old, of_row, 1), _whole(new, of_row, 2)))
    return heard


def _whole(row: dict[str, Any] | None, parts: Iterable[tuple[str, Any, Any]], at: int) -> dict[str, Any] | None:
    """A row with its parts, as they were (`at` 1) or are (2)."""
    return None if row is None else row | {part[0]: part[at] for part in parts if part[at] is not None}


_BY_NAME = {watched.table.name: watched for watched in WATCHED}


def _only(row: dict[str, Any]) -> Any:
    """The value of a part that has one column, or all of it."""
    return next(iter(row.values())) if len(row) == 1 else row


@functools.cache
def _triggers() -> tuple[str, ...]:
    return tuple(_trigger(watched, event) for watched in WATCHED for event in watched.events)


def _trigger(watched: Watched, event: str) -> str:
    name = watched.table.name
    row = "OLD" if event == "DELETE" else "NEW"
    keys = ", ".join(f'{row}."{column.name}"' for column in watched.table.primary_key)
    before = _object(watched, "OLD") if event != "INSERT" else "NULL"
    after = _object(watched, "NEW") if event != "DELETE" else "NULL"
    conditions = []
    if watched.when:
        conditions.append(f"({watched.when.replace('NEW.', f'{row}.')})")
    if event == "UPDATE":
        kept = [column.name for column in watched.table.c if column.name not in watched.without]
        conditions.append("(" + " OR ".join(f'OLD."{column}" IS NOT NEW."{column}"' for column in kept) + ")")
    when = f"WHEN {' AND '.join(conditions)} " if conditions else ""
    return (
        f"CREATE TEMP TRIGGER heard_{name}_{event.lower()} AFTER {event} ON main.{name} {when}BEGIN "  # noqa: S608 # names of our own tables
        f"INSERT INTO heard VALUES ('{name}', json_array({keys}), {before}, {after}); END"
    )


def _object(watched: Watched, row: str) -> str:
    keys = {column.name for column in watched.table.primary_key}
    columns = [column for column in watched.table.c if column.name not in keys | watched.without]
    pairs = [f"'{column.name}', {_value(row, column)}" for column in columns]
    pairs += [f"'{name}', {inner.format(row=row)}" for name, inner in watched.more.items()]
    return f"json_object({', '.join(pairs)})"


def _value(row: str, column: sa.Column[Any]) -> str:
    value = f'{row}."{column.name}"'
    match column.type:
        case Json():
            return f"json({value})"
        case Flag():
            return f"json(iif({value}, 'true', 'false'))"
        case Real():
            # By itself SQLite writes fifteen digits, which rounds the largest number beyond all that can be read.
            return f"iif({value} IS NULL, NULL, json(printf('%!.17g', {value})))"
    return value
