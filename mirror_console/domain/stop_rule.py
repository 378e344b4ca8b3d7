"""The stop rule: how many targets may fail before a rollout begins nothing more, and what a person has accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from mirror_console.domain.counting import counted
from mirror_console.domain.rollout import COUNTS_AS_FAILED, SUCCEEDED, Rollout, Target
from mirror_console.domain.trip import Came, Trip, trip_words
from mirror_console.domain.way import ONE_TARGET, OnTrip, at_in_all, stops_at


@dataclass(frozen=True, slots=True)
class Tripped:
    """The rule that stops a rollout now, and the wave in which it does, counted from 0."""

    words: str
    wave: int


def tripped(rollout: Rollout) -> Tripped | None:
    """The stop rule that has tripped, or none. A person's resume allows what has failed so far.

    It is told from where the targets stand, and from nothing that a console remembers: killed and started again, the
    console counts what failed before.
    """
    if not any(target.state in COUNTS_AS_FAILED for target in rollout.targets):
        return None  # asked before every start: a rollout in which nothing fails doesn't reckon how much might
    for wave in range(rollout.waves):
        targets = rollout.wave(wave)
        failed = [target for target in targets if target.state in COUNTS_AS_FAILED]
        allowed = _allowed(rollout, wave)
        if len(failed) > allowed:
            words = f"{len(failed)} of {len(targets)} targets of wave {wave + 1} failed; {allowed} may."
            return Tripped(words, wave)
    in_all, failed_in_all = _allowed_in_all(rollout), rollout.count(*COUNTS_AS_FAILED)
    if in_all is not None and failed_in_all > in_all:
        words = f"{failed_in_all} of {len(rollout.targets)} targets failed in all; {in_all} may."
        return Tripped(words, _wave_of_last_failure(rollout))
    most, row = rollout.plan.way.in_a_row, failures_in_a_row(rollout)
    if 0 < most <= row:
        return Tripped(f"{row} targets failed in a row; {most - 1} may.", _wave_of_last_failure(rollout))
    return None


def tripped_words(rollout: Rollout) -> str:
    """The sentence of the stop rule that has tripped, or nothing."""
    found = tripped(rollout)
    return f"Stop rule: {found.words} {_THEN}" if found else ""


_THEN = "Look at why; then resume in spite of it, or stop."


def stopped_words(trip: Trip) -> str:
    """Why a rollout stands that its stop rule stopped, and what a person may do where the rule only paused it."""
    return f"Stop rule: {trip.words} {_THEN}" if trip.came is Came.PAUSED else trip_words(trip)


def rolls_back(rollout: Rollout) -> bool:
    """Whether its stop rule does more than pause it. That of a rollback never does."""
    return rollout.plan.rollback_of is None and rollout.plan.way.on_trip is not OnTrip.PAUSE


def trip_of(rollout: Rollout, found: Tripped, at: datetime, stopped_by: str = "") -> Trip:
    """The trip to keep where a rule has tripped: the one that is kept already, where nothing has failed since.

    `stopped_by` says that a person had the rollout pause or stop before the rule did: then nothing is rolled back but
    by a person; nor where a person tried something again, and nothing more has failed. A rollback is never rolled back
    by a rule.
    """
    last = rollout.trips[-1] if rollout.trips else None
    news = _news(rollout, last)
    past = {Came.IN_SPITE, Came.OVER}
    if last is not None and not news and last.words == found.words and last.came not in past:
        return last
    action = rollout.plan.way.on_trip if rolls_back(rollout) else OnTrip.PAUSE
    if action is OnTrip.PAUSE:
        return Trip(at, found.words, found.wave, action, Came.PAUSED)
    why_not = stopped_by or ("" if news else "nothing more has failed since a person let it go on.")
    return Trip(at, found.words, found.wave, action, Came.NOT_BEGUN if why_not else Came.DUE, why_not)


def trip_at_end(rollout: Rollout, found: Tripped, at: datetime) -> Trip:
    """The trip to keep where a rule that only pauses has tripped at what was last: nothing is left to be paused."""
    last = rollout.trips[-1] if rollout.trips else None
    if last is not None and last.came is Came.OVER and last.words == found.words and not _news(rollout, last):
        return last
    trip = trip_of(rollout, found, at)
    return trip if trip in rollout.trips else replace(trip, came=Came.OVER)


def _news(rollout: Rollout, last: Trip | None) -> bool:
    """Whether anything has failed since the rule tripped last."""
    return last is None or any(
        target.ended_at is not None and target.ended_at > last.at
        for target in rollout.targets
        if target.state in COUNTS_AS_FAILED
    )


def with_trip(rollout: Rollout, trip: Trip) -> tuple[Trip, ...]:
    """The trips of a rollout with one that may be among them already."""
    return rollout.trips if trip in rollout.trips else (*rollout.trips, trip)


def _wave_of_last_failure(rollout: Rollout) -> int:
    failed = [target for target in rollout.targets if target.state in COUNTS_AS_FAILED]
    return max(failed, key=lambda target: _ended(rollout, target)).planned.wave


def _ended(rollout: Rollout, target: Target) -> tuple[bool, datetime]:
    """By when targets ended; one that is unknown ended last."""
    return target.ended_at is None, target.ended_at or rollout.started_at


def _allowed(rollout: Rollout, wave: int) -> int:
    by_rule = rollout.plan.way.allowed_failures(wave, rollout.waves, len(rollout.wave(wave)))
    return max(by_rule, _forgiven(rollout, wave))


def _allowed_in_all(rollout: Rollout) -> int | None:
    by_rule = rollout.plan.way.allowed_in_all(len(rollout.targets))
    if by_rule is None:
        return None
    return max(by_rule, sum(_forgiven(rollout, wave) for wave in range(rollout.waves)))


def failures_in_a_row(rollout: Rollout) -> int:
    """How many targets failed last, one after the other, without those that a person has accepted.

    In the order in which they ended; those that were left out count neither way. One that is unknown ended last.
    """
    over = [target for target in rollout.targets if target.state in SUCCEEDED | COUNTS_AS_FAILED]
    ended = sorted(over, key=lambda target: _ended(rollout, target))
    forgiven = sum(_forgiven(rollout, wave) for wave in range(rollout.waves))
    row = 0
    for target in ended:
        if target.state in SUCCEEDED:
            row = 0
        elif forgiven:
            # Accepted were those that had failed by then: the first of them.
            forgiven -= 1
        else:
            row += 1
    return row


def stop_rule_words(rollout: Rollout) -> str:
    """The arithmetic of the stop rule, for the current wave and for all of them: ``1 failed; stops at 3 of 50, or at 8
    of 500 in all (now 2); unreachable counts``."""
    wave, way = rollout.current_wave, rollout.plan.way
    targets = rollout.wave(wave)
    failed = sum(target.state in COUNTS_AS_FAILED for target in targets)
    in_all = at_in_all(_allowed_in_all(rollout), len(rollout.targets))
    if len(rollout.targets) == 1 and _allowed(rollout, wave) and not in_all and way.in_a_row != 1:
        return f"{failed} failed; {ONE_TARGET}"
    others = [f"{in_all} (now {rollout.count(*COUNTS_AS_FAILED)})"] if in_all else []
    others += [f"at {way.in_a_row} in a row (now {failures_in_a_row(rollout)})"] if way.in_a_row else []
    allowed = _allowed(rollout, wave)
    if allowed >= len(targets) and others:
        rule = f"all {len(targets)} of this wave may fail; stops {', or '.join(others)}"
    else:
        rule = ", or ".join((stops_at(allowed, len(targets)), *others))
    then = f"; then: {way.on_trip}" if rolls_back(rollout) else ""
    return f"{failed} failed; {rule}; unreachable counts{then}"


def after_resume(rollout: Rollout) -> tuple[int, ...]:
    """`passed_gates` once a person has said to go on: past every wave that is over, in spite of what failed so far.

    What was accepted before and was skipped since doesn't count any more: none may fail in its stead.
    """
    marked = {_of_mark(mark)[1] for mark in rollout.passed_gates if mark < 0}
    gates = {gate for gate in past_waves(rollout) if gate >= 0}
    for wave in range(rollout.waves):
        failed = sum(target.state in COUNTS_AS_FAILED for target in rollout.wave(wave))
        if failed or wave in marked:
            gates.add(forgive(wave, failed))
    return tuple(sorted(gates))


def accepted_words(gates: Iterable[int]) -> str:
    """The failures that a person has accepted, of marks in `passed_gates`: ``8 failed targets of wave 1``."""
    found = sorted((wave, failed) for failed, wave in map(_of_mark, (mark for mark in gates if mark < 0)) if failed)
    return " and ".join(f"{counted(failed, 'failed target')} of wave {wave + 1}" for wave, failed in found)


def gate_words(gates: Iterable[int]) -> tuple[str, ...]:
    """What a person decided at pauses, of `passed_gates`: past which waves, and in spite of how many failures."""
    marks = sorted(gates)
    told = [f"Gone on after wave {gate + 1}" for gate in marks if gate >= 0]
    accepted = accepted_words(marks)
    return (*told, *([f"Gone on in spite of {accepted}"] if accepted else []))


def past_waves(rollout: Rollout) -> tuple[int, ...]:
    """`passed_gates` with every wave that is over. What failed so far isn't forgiven: who tries again may not fail more
    often than before."""
    over = {wave for wave in range(rollout.waves) if all(target.over for target in rollout.wave(wave))}
    return tuple(sorted({*rollout.passed_gates, *over}))


_MOST_WAVES = 1000


def forgive(wave: int, failed: int) -> int:
    """The mark in `passed_gates` for 'go on in spite of the `failed` targets of this wave': one more trips the rule."""
    return -(failed * _MOST_WAVES + wave + 1)


def _of_mark(mark: int) -> tuple[int, int]:
    """What a mark says: how many failures were accepted, and of which wave."""
    failed, wave = divmod(-mark - 1, _MOST_WAVES)
    return failed, wave


def _forgiven(rollout: Rollout, wave: int) -> int:
    """How many failures of a wave a person has accepted."""
    marks = [_of_mark(mark) for mark in rollout.passed_gates if mark < 0]
    return max((failed for failed, of in marks if of == wave), default=0)
