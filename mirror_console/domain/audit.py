"""The audit: who changed what, where and why, through this console; a line is only ever added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.stop_rule import gate_words
from mirror_console.domain.trip import Came, Trip, trip_words
from mirror_console.domain.way import OnTrip


class Noun(StrEnum):
    """What a line is about."""

    ACCOUNT = "account"
    APPLICATION = "application"
    ENVIRONMENT = "environment"
    ENGINE = "engine"
    ACCESS = "access"
    REGISTRY = "registry"
    WINDOW = "maintenance window"
    FREEZE = "freeze"
    RELEASE = "release"
    RECORD = "record of what was applied"
    IMAGE = "image"
    COMMAND = "release command"
    ROLLOUT = "rollout"
    OVERRIDE = "override"
    """A check's answer that a rollout goes on in spite of."""
    TARGET = "target"
    SECRET = "secret"  # noqa: S105 # a word, not a secret
    CLEAN_UP = "clean-up"
    RELAY = "relay"
    PREFETCH = "prefetch"


class Doing(StrEnum):
    """What was done with it. What takes time has two lines: one before it is begun, and one of what came of it."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    BEGAN = "began"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes the catalog, on which machine, in which run of the program; and what tells the time."""

    clock: Callable[[], datetime]
    person: str = ""
    machine: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """A line before it is written: what was done, to what. `of` is the identity of what it is about, `title` its name.

    `before` and `after` hold what is different, by field, and nothing else, but of a window or a freeze all of it: they
    tell what held. Never is it a secret, and of a variable only that it was changed. `account` is whose mirror it is,
    empty where it is nobody's alone.
    """

    noun: Noun
    doing: Doing
    of: str
    title: str
    account: str = ""
    why: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""
    """What came of it; empty where that it stands here says it was done."""
    begun: int = 0
    """Of an end: the number of the line that says that it began."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line as it stands in the audit."""

    sequence: int
    at: datetime
    person: str
    machine: str
    run: str
    act: Act


@dataclass(frozen=True, slots=True)
class Head:
    """The last line: its number, and the hash that stands for it and all before it."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines are wanted. What is empty or None lets all pass; `about` is looked for in names and identities."""

    since: datetime | None = None
    until: datetime | None = None
    person: str = ""
    noun: Noun | None = None
    account: str = ""
    about: str = ""

    def lets_pass(self, line: AuditLine) -> bool:
        """Whether a line is wanted."""
        about = self.about.casefold()
        return (
            (self.since is None or line.at >= self.since)
            and (self.until is None or line.at < self.until)
            and self.person in {"", line.person}
            and self.noun in {None, line.act.noun}
            and self.account in {"", line.act.account}
            and (about in line.act.title.casefold() or about in line.act.of.casefold())
        )


ALL = AuditFilter()


class AnchorState(StrEnum):
    """What the keyring says of the audit: it keeps the last line that it was told of, out of the catalog's reach."""

    HOLDS = "holds"
    BROKEN = "broken"
    """The line that it keeps isn't there any more, or is another one: lines were cut off, or all were made anew."""
    NONE = "none"
    """Nothing was ever put there."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at the whole audit and at the journal says."""

    lines: int
    broken_at: int | None
    """The first line of the audit that isn't as it was written, or is missing."""
    journal_broken_at: int | None
    anchor: AnchorState
    anchored: int = 0
    """The number of the line that the keyring keeps; 0 where it keeps none."""
    why: str = ""
    """Why the keyring could not be asked."""

    @property
    def sound(self) -> bool:
        """Whether nothing was found to be wrong."""
        return self.broken_at is None and self.journal_broken_at is None and self.anchor is not AnchorState.BROKEN

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        parts = []
        if self.broken_at is not None:
            parts.append(f"The audit is broken: line {self.broken_at} isn't as it was written, or is missing.")
        if self.journal_broken_at is not None:
            parts.append(f"The journal of rollouts is broken at line {self.journal_broken_at}.")
        match self.anchor:
            case AnchorState.BROKEN:
                words = f"line {self.anchored}, which the keyring keeps, isn't in the audit any more"
                parts.append(f"The audit was cut off or made anew: {words}. An older backup looks the same.")
            case AnchorState.NONE:
                parts.append("Whether lines were cut off at the end can't be told: the keyring keeps no line yet.")
            case AnchorState.UNREADABLE:
                parts.append(f"Whether lines were cut off at the end can't be told: {self.why}")
            case AnchorState.HOLDS if self.sound:
                later = self.lines - self.anchored
                more = f"; {later} came later" if later else ""
                parts.append(f"The keyring knows line {self.anchored}, and it is there{more}.")
        if self.broken_at is None and self.journal_broken_at is None:
            parts.insert(0, f"All {self.lines} lines of the audit follow from each other, and so do the journal's.")
        return " ".join(parts)


def doing_words(act: Act) -> str:
    """What was done, short: ``environment changed: hold``."""
    words = f"{act.noun} {act.doing}"
    if act.noun is Noun.ROLLOUT and "state" in act.after:
        return f"{act.noun} {act.after['state']}" if act.doing is Doing.CHANGED else f"{act.noun} started"
    if act.noun is Noun.OVERRIDE:
        return f"check overridden: {act.after.get('check', '')}"
    if act.doing is Doing.CHANGED:
        if act.noun is Noun.ROLLOUT and {*act.before, *act.after} == {_GATES}:
            return f"{act.noun} changed: what it went on after"
        if act.noun is Noun.ROLLOUT and {*act.before, *act.after} == {BECAUSE}:
            return f"{act.noun} changed: why it waits"
        if trips_added(act):
            return f"{act.noun} changed: what its stop rule did"
        names = [*act.before, *act.after]
        if act.noun in {Noun.WINDOW, Noun.FREEZE}:
            differing = [name for name in names if act.before.get(name) != act.after.get(name)]
            names = [SCHEDULE_FIELDS.get(name, name) for name in differing]
        fields = list(dict.fromkeys(name.split(".")[0] for name in names))
        return f"{words}: {', '.join(fields)}" if fields else words
    return f"{words}: {act.result}" if act.result else words


SCHEDULE_FIELDS = {"begins": "from", "ends": "to", "begins_at": "from", "ends_at": "until", "application_id": "mirror"}
"""What fields of windows and freezes are called where they are typed."""


def differing_words(act: Act) -> tuple[str, ...]:
    """What is different, field by field: ``location: Zürich → Bern``."""
    names = list(dict.fromkeys((*act.before, *act.after)))
    if act.doing is Doing.ADDED:
        return tuple(f"{name}: {value_words(act.after[name])}" for name in names)
    if act.doing is Doing.REMOVED:
        return tuple(f"{name}: {value_words(act.before[name])}" for name in names)
    told = [f"{name}: {_difference(act, name)}" for name in names if name not in {_GATES, _TRIPS}]
    # Why it paused says it mostly, too.
    paused = str(act.after.get(BECAUSE) or "")
    told += [words for trip in trips_added(act).values() if (words := trip_words(trip)) not in paused]
    return (*told, *(f"{words[0].lower()}{words[1:]}" for words in gate_words(gates_added(act))))


BECAUSE = "paused_because"
"""Why a rollout is paused, or what else there is to say of how it stands."""


def paused_on(lines: Iterable[AuditLine]) -> Iterator[AuditLine]:
    """The lines at which a rollout stayed paused and says another thing since: that a stop left something, say.

    `lines` are those of one rollout, in their order.
    """
    state: object = ""
    for line in lines:
        if line.act.noun is not Noun.ROLLOUT:
            continue
        if state == RolloutState.PAUSED and "state" not in line.act.after and line.act.after.get(BECAUSE):
            yield line
        state = line.act.after.get("state", state)


_GATES = "passed_gates"
"""Kept as numbers, which nobody can read: which waves a rollout went on after, and in spite of how many failures."""


def gates_added(act: Act) -> frozenset[int]:
    """The marks of what a person decided in this change of a rollout, of its `passed_gates`."""
    before, after = (set(one.get(_GATES) or ()) for one in (act.before, act.after))
    return frozenset(after - before)


_TRIPS = "trips"


def trips_added(act: Act) -> dict[int, Trip]:
    """What the stop rule of a rollout did in this change of it, or what came of that, by the place among its trips."""
    before, after = ([_trip(one) for one in side.get(_TRIPS) or ()] for side in (act.before, act.after))
    return {place: trip for place, trip in enumerate(after) if trip not in before[place : place + 1]}


def _trip(kept: Mapping[str, Any]) -> Trip:
    return Trip(
        at=datetime.fromisoformat(kept["at"]),
        words=kept["words"],
        wave=kept["wave"],
        action=OnTrip(kept["action"]),
        came=Came(kept["came"]),
        told=kept.get("told", ""),
        rollback_id=kept.get("rollback_id", ""),
        rollback=kept.get("rollback", ""),
    )


def _difference(act: Act, name: str) -> str:
    if name not in act.before:
        return value_words(act.after[name])
    if name not in act.after and act.doing is not Doing.CHANGED:
        return value_words(act.before[name])
    return f"{value_words(act.before[name])} → {value_words(act.after.get(name))}"


def value_words(value: Any) -> str:
    """A value of `before` or `after` as a person reads it."""
    match value:
        case None | "":
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return (
                ", ".join(f"{name} {value_words(one)}" for name, one in value.items() if one not in (None, "")) or "{}"
            )
        case Sequence() if not isinstance(value, str):
            return ", ".join(value_words(one) for one in value) or "none"
        case _:
            return str(value)
