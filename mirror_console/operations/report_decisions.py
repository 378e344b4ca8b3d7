"""Report decisions: where a rollout paused or was cut off, and what a person decided about it, for its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.audit import AuditLine, Doing, Noun, gates_added
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.domain.stop_rule import accepted_words, gate_words
from mirror_console.domain.trip import trip_words


@dataclass(frozen=True, slots=True)
class ReportedTrip:
    """One time that the stop rule stopped the rollout: which rule, what it was to do, and what came of that."""

    at: datetime
    words: str
    wave: int
    action: str
    came: str
    rollback: str
    """What the plan of the rollback is called, where one was begun."""
    rollback_id: str


def trips(rollout: Rollout) -> tuple[ReportedTrip, ...]:
    """What the stop rule did, oldest first."""
    return tuple(
        ReportedTrip(
            at=trip.at,
            words=trip_words(trip),
            wave=trip.wave + 1,
            action=trip.action.value,
            came=trip.came.value,
            rollback=trip.rollback,
            rollback_id=trip.rollback_id,
        )
        for trip in rollout.trips
    )


_COMPLETED = {RolloutState.COMPLETED, RolloutState.COMPLETED_WITH_FAILURES}


@dataclass(frozen=True, slots=True)
class ReportedDecision:
    """Where the rollout as a whole came to: who had it so, and when."""

    at: datetime
    who: str
    machine: str
    words: str


def decisions(lines: Sequence[AuditLine]) -> tuple[ReportedDecision, ...]:
    """What the audit has of the rollout as a whole, but for its start and its end."""
    told = []
    for line in lines:
        state = line.act.after.get("state", "")
        if line.act.noun is not Noun.ROLLOUT or line.act.doing is not Doing.CHANGED or state in {"", *_COMPLETED}:
            continue
        words = "Gone on" if state == RolloutState.RUNNING else str(state).capitalize()
        if accepted := accepted_words(gates_added(line.act)):
            words = f"{words} in spite of {accepted}" if state == RolloutState.RUNNING else words
        because = str(line.act.after.get("paused_because") or "")
        if because:
            words = because if because.startswith(words) else f"{words}: {because}"
        told.append(ReportedDecision(line.at, line.person, line.machine, words))
    return tuple(told)


def gates(rollout: Rollout) -> tuple[str, ...]:
    """What a person has decided at pauses, as the rollout has it; by whom and when is for the audit to say."""
    return gate_words(rollout.passed_gates)
