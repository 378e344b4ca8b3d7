"""Trips: what is kept of a rollout that its stop rule stopped, and of the rollback that the rule asks for.

It is kept in one transaction with what it says: killed at any instant, the console finds either that the rule hasn't
acted yet, and lets it act once a person goes on, or that a rollback is due, which a person then begins or leaves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan, Reason
from mirror_console.domain.rollout import OVER, Rollout, RolloutState, Target, TargetState, end_state
from mirror_console.domain.stop_rule import Tripped, stopped_words, trip_of, with_trip
from mirror_console.domain.trip import Came, open_trip, trip_words, with_last
from mirror_console.domain.way import OnTrip
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.running import Running

STOPPED = "the stop rule stopped the rollout before"


def stop_by_rule(console: Console, running: Running, found: Tripped) -> Rollout:
    """Keep that the stop rule stopped a rollout of which nothing is in flight: it pauses, or ends, as its plan says."""
    rollout, now = running.rollout, console.clock()
    trip = trip_of(rollout, found, now)
    targets: list[Target] = []
    if trip.action is OnTrip.ROLL_BACK_ALL and trip.came is Came.DUE:
        waiting = [target for target in rollout.targets if target.state is TargetState.QUEUED]
        targets = [replace(target, state=TargetState.NOT_STARTED, words=STOPPED) for target in waiting]
    left = [target for target in rollout.targets if target.state not in OVER | {TargetState.QUEUED}]
    ends = not left and len(targets) == rollout.count(TargetState.QUEUED)
    stopped = replace(
        rollout, targets=tuple({one.environment_id: one for one in (*rollout.targets, *targets)}.values())
    )
    return running.keep_all(
        targets,
        state=end_state(stopped) if ends else RolloutState.PAUSED,
        ended_at=now if ends else None,
        paused_because=stopped_words(trip),
        trips=with_trip(rollout, trip),
        only=frozenset(),
    )


def note(console: Console, rollout_id: str, came: Came, told: str = "") -> Rollout:
    """Keep what came of the last trip of a rollout."""
    with console.catalog.write() as books:
        return _noted(books, books.rollouts.get(rollout_id), came, told)


def note_halted(console: Console, rollout_id: str, by: str) -> None:
    """Keep that a person had a rollout pause or stop while its rollback was about to be begun."""
    with console.catalog.write() as books:
        rollout = books.rollouts.get(rollout_id)
        if rollout.trips[-1].came is Came.DUE:
            _noted(books, rollout, Came.NOT_BEGUN, by)


def note_rollback(books: Books, rollback: Rollout) -> None:
    """Keep with the rollout that is rolled back that this is begun, where its stop rule asks for just that or less.

    What isn't taken back is kept with it: what the plan leaves out, and what its checks block.
    """
    of = rollback.plan.rollback_of
    if of is None:
        return
    rollout = books.rollouts.get(of.rollout_id)
    trip = open_trip(rollout.trips)
    if trip is not None and of.part in {trip.part, "all"}:
        _noted(books, rollout, Came.BEGUN, _not_taken_back(rollback), rollback)


def left_out_words(made: Plan) -> str:
    """What a rollout may have changed and its rollback leaves out, by the reason; empty where that is nothing."""
    reasons = Counter(one.reason for one in made.left_out if one.reason is not Reason.NOTHING_TO_DO)
    total = sum(reasons.values())
    told = ", ".join(f"{many} {reason}" for reason, many in reasons.most_common())
    return f"{counted(total, 'target')} ({told})" if total else ""


def _not_taken_back(rollback: Rollout) -> str:
    """What a rollback that was just begun doesn't take back, in sentences."""
    kept, blocked = left_out_words(rollback.plan), rollback.count(TargetState.SKIPPED)
    words = [f"It leaves out {kept}."] if kept else []
    if blocked:
        words.append(f"Its checks block {counted(blocked, 'target')}.")
    return " ".join(words)


def _noted(books: Books, rollout: Rollout, came: Came, told: str, rollback: Rollout | None = None) -> Rollout:
    by = (rollback.id, rollback.plan.fingerprint) if rollback is not None else ("", "")
    trip = with_last(rollout.trips, came, told, *by)
    noted = replace(rollout, trips=(*rollout.trips[:-1], trip), paused_because=trip_words(trip))
    books.rollouts.save_head(noted)
    return noted


def leave(console: Console, rollout_id: str) -> Rollout:
    """Leave as it is what a rollout's stop rule asks to roll back. Raises InvalidInput where it asks for nothing."""
    console.demand_write()
    with console.catalog.write() as books:
        rollout = books.rollouts.get(rollout_id)
        if not is_due(rollout):
            problem = Problem("rollout", f"no stop rule asks for a rollback of {rollout.plan.fingerprint}")
            raise InvalidInput(
                "There is nothing to be left as it is.", [problem], "Choose another. Nothing was changed."
            )
        return _noted(books, rollout, Came.NOT_BEGUN, f"{console.person} left it as it is.")


def is_due(rollout: Rollout) -> bool:
    """Whether its stop rule asks for a rollback that wasn't begun, of a rollout that nobody carries out now."""
    under_way = rollout.state in {RolloutState.RUNNING, RolloutState.INTERRUPTED}
    return not under_way and bool(rollout.trips) and rollout.trips[-1].came is Came.DUE
