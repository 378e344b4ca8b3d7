"""What the grid shows and says of one environment: its cell's texts and badges, its name for a screen reader."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from mirror_console.domain.cell import Cell
from mirror_console.domain.identity import UNREAD, Sureness
from mirror_console.domain.moment import age, age_aloud
from mirror_console.domain.observation import Health, State
from mirror_console.domain.phrases import (
    alive,
    beside_text,
    by_hand,
    distance,
    drift_text,
    drift_words,
    engine_and_reason,
    health_words,
    held_words,
    hold_ended,
    hold_ending,
    hold_until,
    image_unread,
    kind,
    no_expectation,
    reason,
    sureness,
    untold,
    was,
    went_back,
)
from mirror_console.domain.status import Activity, Knowledge, Status

NOTHING = "—"
"""Stands where a version would, while nothing runs."""
ABSENT_TEXTS = ("–", "")
"""The texts of a cell where the mirror has no environment of that name."""


class Badge(StrEnum):
    """A small sign beside a cell's texts."""

    HELD = "held"
    PENDING = "pending"


def cell_texts(cell: Cell, now: datetime) -> tuple[str, str]:
    """The two texts of a cell: what runs there, or ran when it was last seen; and what is to be said of it."""
    running = cell.running_title or NOTHING
    match cell.status:
        case Status.ALIGNED:
            return running, _aligned_text(cell, now)
        case Status.BEHIND | Status.AHEAD:
            return running, _joined(
                _distance_text(cell), beside_text(cell), held_words(cell, now), hold_ended(cell, now)
            )
        case Status.DRIFTED:
            return running, _joined(drift_text(cell), held_words(cell, now))
        case Status.MISSING:
            return running, _joined(f"want {cell.expected_title}", _locked(cell))
        case Status.UNHEALTHY:
            return running, _joined(_ill_text(cell), _locked(cell), held_words(cell, now))
        case Status.UNREACHABLE:
            silent = _silent_for(cell, now)
            return running, f"{reason(cell)}, {silent}" if silent else reason(cell)
        case Status.ROLLING_OUT:
            return running, cell.step or str(cell.activity)
        case Status.NOT_CHECKED:
            return running, _not_checked_text(cell, now)
        case Status.NO_RELEASE:
            return running, _joined(f"{cell.status}: {no_expectation(cell)}", beside_text(cell))
        case Status.NO_ACCESS:
            return running, str(cell.status)
        case Status.NOT_APPLICABLE:
            return ABSENT_TEXTS
        case _:
            assert_never(cell.status)


def accessible(cell: Cell, now: datetime) -> str:
    """What a screen reader says of a cell: mirror, environment, state, what runs, and what else is expected."""
    said = f"{cell.application.name}, {cell.environment.name}: {_state_aloud(cell, now)}"
    if cell.status is Status.NO_ACCESS:
        return said
    if cell.running_title:
        if cell.status in {Status.UNREACHABLE, Status.NOT_CHECKED, Status.ROLLING_OUT}:
            said += f"; last seen {cell.running_title}"
            if cell.status is Status.UNREACHABLE and cell.observation is not None:
                said += f", {age_aloud(now - cell.observation.at)} ago"
        else:
            said += f"; {'running' if alive(cell) else f'its {kind(cell)} has'} {cell.running_title}"
    if sureness(cell):
        said += f" {sureness(cell)}"
    if cell.expected_title and cell.expected_title != cell.running_title:
        said += f", expected {cell.expected_title}"
    if cell.changed_beside:
        said += f", {by_hand(cell)}"
    if cell.pending:
        said += ", settings pending"
    if cell.status is not Status.ROLLING_OUT and _locked(cell):
        said += f", {_locked(cell)}"
    if cell.held and cell.environment.hold is not None:
        ending = hold_ending(cell, now)
        said += f", held{hold_until(cell, now)}{f', {ending}' if ending else ''}: {cell.environment.hold.reason}"
    elif hold_ended(cell, now):
        said += f", {hold_ended(cell, now)}"
    return said


def accessible_absent(mirror: str, environment: str) -> str:
    """What a screen reader says where a mirror has no environment of that name."""
    return f"{mirror}, {environment}: {Status.NOT_APPLICABLE}; no such environment for this mirror"


def badges(cell: Cell) -> tuple[Badge, ...]:
    """The small signs beside a cell's texts."""
    if cell.status is Status.NO_ACCESS:
        return ()
    return tuple(badge for badge, shown in ((Badge.HELD, cell.held), (Badge.PENDING, cell.pending)) if shown)


def age_text(cell: Cell, now: datetime) -> str:
    """How old what a cell shows is; empty while it is fresh, or nothing was ever seen."""
    if cell.observation is None or cell.knowledge is Knowledge.FRESH:
        return ""
    return age(now - cell.observation.at)


def _unread(cell: Cell) -> bool:
    return cell.observation is None or not (cell.observation.fingerprint or cell.observation.recorded)


def _locked(cell: Cell) -> str:
    """Who else works there."""
    return cell.step if cell.activity is Activity.LOCKED else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _distance_text(cell: Cell) -> str:
    """Of what doesn't run the expected release: which that is, and how far it is where that isn't the next one."""
    same = cell.running_title == cell.expected_title
    if cell.status is Status.BEHIND:
        far = f"{cell.behind} behind" if same or (cell.behind or 0) > 1 else ""
        return _joined("" if same else f"→ {cell.expected_title}", far)
    if same:
        return f"{abs(cell.behind or 0)} ahead"
    return f"back to {cell.expected_title}" if went_back(cell) else f"> {cell.expected_title}"


def _aligned_text(cell: Cell, now: datetime) -> str:
    if cell.health is Health.STARTING:
        return f"health: {cell.health}"
    if sureness(cell):
        return sureness(cell)
    if cell.pending:
        return str(Badge.PENDING)
    if cell.held and cell.environment.hold is not None:
        # What ends soon comes first: the reason is cut off where the cell is narrow.
        ending = hold_ending(cell, now)
        if ending:
            return f"held, {ending}: {cell.environment.hold.reason}"
        return f"held: {cell.environment.hold.reason}{hold_until(cell, now).replace(' until', ', to')}"
    return ""


def _ill_text(cell: Cell) -> str:
    seen = cell.observation
    if cell.environment.swarm and seen is not None and seen.health_output:
        return seen.health_output.partition(":")[0]
    match seen.state if seen else None:
        case State.EXITED | State.DEAD:
            return f"{cell.health}, exit {seen.exit_code if seen else 0}"
        case State.CREATED:
            return "never started"
        case State.PAUSED | State.RESTARTING | State.REMOVING as state:
            return str(state)
        case State.RUNNING | None:
            return f"health: {cell.health}"
        case other:
            assert_never(other)


def _silent_for(cell: Cell, now: datetime) -> str:
    if cell.contact is not None and cell.contact.last_answer is not None:
        return age(now - cell.contact.last_answer)
    return age(now - cell.observation.at) if cell.observation else ""


def _not_checked_text(cell: Cell, now: datetime) -> str:
    if cell.observation is None:
        return "never"
    if image_unread(cell):
        return "image not read" if _unread(cell) else str(Sureness.UNKNOWN)
    before = was(cell)
    return f"{'' if before is Status.NOT_CHECKED else f'was {before}, '}{age(now - cell.observation.at)}"


def _state_aloud(cell: Cell, now: datetime) -> str:
    match cell.status:
        case Status.BEHIND | Status.AHEAD if cell.behind:
            return f"{cell.status} by {distance(cell).rpartition(' ')[0]}"
        case Status.DRIFTED:
            return f"{cell.status}, {drift_words(cell)}"
        case Status.MISSING:
            return f"{cell.status}, no {kind(cell)} found"
        case Status.UNHEALTHY:
            return f"{cell.status}, {health_words(cell)}"
        case Status.UNREACHABLE:
            return f"{cell.status}, {engine_and_reason(cell)}"
        case Status.ROLLING_OUT:
            return f"{cell.status}, {cell.step.removeprefix('→ ') or cell.activity}"
        case Status.NOT_CHECKED:
            return _not_checked_aloud(cell, now)
        case Status.NO_RELEASE:
            return f"{cell.status}, {no_expectation(cell)}"
        case Status.ALIGNED | Status.BEHIND | Status.AHEAD | Status.NO_ACCESS | Status.NOT_APPLICABLE:
            return str(cell.status)
        case _:
            assert_never(cell.status)


def _not_checked_aloud(cell: Cell, now: datetime) -> str:
    if cell.observation is None:
        return f"{cell.status}, nothing was ever seen"
    if image_unread(cell):
        why = untold(cell) or UNREAD.why
        return f"{cell.status}, {why}" if _unread(cell) else f"{cell.status}, {Sureness.UNKNOWN}: {why}"
    before = was(cell)
    known = "" if before is Status.NOT_CHECKED else f", was {before}"
    return f"{cell.status} for {age_aloud(now - cell.observation.at)}{known}"
