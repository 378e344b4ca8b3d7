"""Which calls may come late, by the lines of a journal: those of which no outcome is known, and that do harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mirror_console.domain.journal import JournalEntry, Phase, Result
from mirror_console.domain.late import HURTS_BACK, HURTS_FORWARD, UNANSWERED, Late, sent_last
from mirror_console.domain.steps import Step

BEGAN = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def intent(step: Step, seconds: float, process: str = "web") -> JournalEntry:
    return JournalEntry("rollout", "environment", process, 1, step, Phase.INTENT, at(seconds))


def outcome(step: Step, seconds: float, result: Result = Result.OK, words: str = "") -> JournalEntry:
    return JournalEntry("rollout", "environment", "web", 1, step, Phase.OUTCOME, at(seconds), result, words=words)


LOCKED = [intent(Step.LOCK, 0), outcome(Step.LOCK, 1)]
REFUSED = outcome(Step.STOP, 30, Result.FAILED, "the old container didn't stop" + UNANSWERED)


@pytest.mark.parametrize(
    ("lines", "steps", "sent"),
    [
        ([], [], None),
        (LOCKED, [], None),
        ([*LOCKED, intent(Step.PULL, 2)], [], None),
        ([*LOCKED, intent(Step.VERIFY, 2)], [], None),
        ([*LOCKED, intent(Step.CREATE, 2)], [Step.CREATE], 2),
        ([intent(Step.STOP, 2), intent(Step.START, 2)], [Step.STOP, Step.START], 2),
        # It was begun late, and how far it got was written before.
        ([intent(Step.STOP, 2), intent(Step.START, 2), outcome(Step.STOP, 12)], [Step.START], 12),
        ([intent(Step.STOP, 2), REFUSED], [Step.STOP], 30),
        ([intent(Step.STOP, 2), outcome(Step.STOP, 9, Result.UNKNOWN)], [Step.STOP], 9),
        ([intent(Step.STOP, 2), outcome(Step.STOP, 9, Result.FAILED)], [], None),
        # Recovered meanwhile, and cut off again: the last line counts for what was never answered for.
        ([intent(Step.STOP, 2), intent(Step.START_OLD, 9), outcome(Step.START_OLD, 10)], [Step.STOP], 10),
        # That the lock is let go says that it was outlasted, unless it was announced with it.
        ([intent(Step.STOP, 2), REFUSED, intent(Step.UNLOCK, 80)], [], None),
        ([intent(Step.COMMIT, 2), intent(Step.UNLOCK, 2)], [Step.COMMIT], 2),
        # Of one process it is known, of the other not.
        ([intent(Step.STOP, 2, "worker"), intent(Step.STOP, 3), outcome(Step.STOP, 4)], [Step.STOP], 4),
    ],
)
def test_what_may_be_on_its_way(lines: list[JournalEntry], steps: list[Step], sent: float | None) -> None:
    assert sent_last(lines) == (frozenset(steps), at(sent) if sent is not None else None)


def test_it_is_waited_for_what_does_harm_and_no_longer_than_it_may_take() -> None:
    late = Late().expecting({Step.PULL, Step.UNLOCK}, 100.0)
    assert late == Late()
    late = late.expecting({Step.STOP, Step.START, Step.VERIFY}, 60.0).expecting({Step.DISARM}, 40.0)
    assert (late.left(20.0), late.left(20.0, HURTS_BACK), late.left(60.0), late.left(70.0)) == (40.0, 40.0, 0.0, 0.0)
    assert late.left(20.0, HURTS_FORWARD) == 0.0
    assert late.words() == "'take restart policy from old', 'stop old' or 'start new'"
    assert late.words(HURTS_BACK) == "'take restart policy from old' or 'stop old'"


def test_every_step_that_changes_what_serves_is_one_that_may_do_harm_on_one_way() -> None:
    looks = {Step.VERIFY, Step.VERIFY_OLD, Step.BAKE, Step.PROVE, Step.DRAIN}
    harmless = {Step.KEEP, Step.RETIRE, Step.UNLOCK, Step.PULL, Step.PROVIDE} | looks
    of_commands = {Step.BACK_UP, Step.RELEASE, Step.STOP_COMMAND, Step.REMOVE_COMMAND}
    on_new = {Step.START, Step.ARM, Step.CONNECT, Step.NAME}
    assert set(Step) - harmless - of_commands - on_new == HURTS_BACK | HURTS_FORWARD
    assert not HURTS_BACK & HURTS_FORWARD
