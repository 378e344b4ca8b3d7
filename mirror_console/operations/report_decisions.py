"""Report decisions: where a rollout paused or was cut off, and what a person decided about it, for its report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.audit import BECAUSE, AuditLine, Doing, Noun, gates_added, paused_on
from mirror_console.domain.rollout import ENDED, Rollout, RolloutState, Target, TargetState
from mirror_console.domain.stop_rule import accepted_words, gate_words
from mirror_console.domain.trip import trip_words
from mirror_console.domain.undecided import tells_who_waits
from mirror_console.operations.report_of_targets import decided


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
    """Where the rollout as a whole came to, or what became of targets that had failed: who had it so, and when."""

    at: datetime
    who: str
    machine: str
    words: str


def decisions(lines: Sequence[AuditLine], targets: Sequence[Target] = ()) -> tuple[ReportedDecision, ...]:
    """What the audit has of the rollout as a whole, but for its start and its end, and of targets that failed.

    `targets` are as they stand now.
    """
    ordered = sorted(lines, key=lambda line: line.sequence)
    tried, ends = _tried_again(ordered, targets), _ends(ordered)
    told = [(line, words) for line in ordered if line.sequence not in ends and (words := _words(line, tried))]
    anew = [(line, str(line.act.after[BECAUSE])) for line in paused_on(ordered)]
    told += [(line, words) for line, words in anew if not tells_who_waits(words)]
    told += [(one.line, one.words) for one in decided(ordered, targets)]
    told.sort(key=lambda one: one[0].sequence)
    return tuple(ReportedDecision(line.at, line.person, line.machine, words) for line, words in told)


def _words(line: AuditLine, tried: Collection[int]) -> str:
    """Where the rollout as a whole came to with a line; empty where it says nothing of that."""
    state = line.act.after.get("state", "")
    if line.act.noun is not Noun.ROLLOUT or line.act.doing is not Doing.CHANGED or state in {"", *_COMPLETED}:
        return ""
    went_on = "Tried again" if line.sequence in tried else "Gone on"
    words = went_on if state == RolloutState.RUNNING else str(state).capitalize()
    if accepted := accepted_words(gates_added(line.act)):
        words = f"{words} in spite of {accepted}" if state == RolloutState.RUNNING else words
    because = str(line.act.after.get(BECAUSE) or "")
    if because:
        # A rollout that runs says why only where a person had it recovered: that is told as it stands.
        whole = state == RolloutState.RUNNING or because.startswith(words)
        words = because if whole else f"{words}: {because}"
    return words


def _ends(ordered: Sequence[AuditLine]) -> set[int]:
    """By their numbers, the lines at which nobody stopped or paused anything, though they look like it.

    What is decided about the last target ends a rollout that had been stopped before, and one that has ended is a
    paused one meanwhile. Where it is stopped, the last that is told of targets is that some aren't started.
    """
    found = set()
    last = ""
    for line in ordered:
        if line.act.noun is Noun.TARGET:
            last = line.act.result
        if line.act.noun is not Noun.ROLLOUT or line.act.doing is not Doing.CHANGED:
            continue
        state, before = line.act.after.get("state"), line.act.before.get("state")
        by_decision = state == RolloutState.STOPPED and last not in {"", TargetState.NOT_STARTED}
        meanwhile = state == RolloutState.PAUSED and before in ENDED and not line.act.after.get(BECAUSE)
        if by_decision or meanwhile:
            found.add(line.sequence)
    return found


def _tried_again(ordered: Sequence[AuditLine], targets: Sequence[Target]) -> set[int]:
    """By their numbers, the lines at which the rollout ran again because a person tried again what had failed.

    What has ended runs again by nothing else. Where it was paused, the attempts of its targets tell: that one has a new
    attempt since came of the one time that it ran again in between. Of several it can't be told which.
    """
    ran = [
        (line.sequence, line.act.before.get("state"), bool(accepted_words(gates_added(line.act))))
        for line in ordered
        if line.act.noun is Noun.ROLLOUT
        and line.act.doing is Doing.CHANGED
        and line.act.after.get("state") == RolloutState.RUNNING
    ]
    found = {sequence for sequence, before, _ in ran if before in ENDED}
    could = [sequence for sequence, before, accepted in ran if before != RolloutState.INTERRUPTED and not accepted]
    ends = [
        (line.sequence, str(line.act.after.get("environment_id", "")), int(line.act.after.get("attempt", 1)))
        for line in ordered
        if line.act.noun is Noun.TARGET
    ]
    now = ordered[-1].sequence + 1 if ordered else 0
    ends += [(now, target.environment_id, target.attempt) for target in targets]
    last: dict[str, tuple[int, int]] = {}
    for sequence, environment_id, attempt in ends:
        since, before = last.get(environment_id, (0, 1))
        between = [one for one in could if since < one < sequence]
        if attempt > before and len(between) == 1:
            found.add(between[0])
        last[environment_id] = (sequence, attempt)
    return found


def gates(rollout: Rollout) -> tuple[str, ...]:
    """What a person has decided at pauses, as the rollout has it; by whom and when is for the audit to say."""
    return gate_words(rollout.passed_gates)
