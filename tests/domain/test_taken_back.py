"""What is said of targets that a rollback took back since, failed to, or that came forward again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mirror_console.domain.rollout import Rollout, TargetState, headline
from mirror_console.domain.taken_back import Rollback, TakenBack, taken_back
from mirror_console.domain.way import Way
from tests.domain.parts import NOW
from tests.domain.rollouts import rollout, states_of

KEY = ("e0", "web")


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def rollback(name: str, of: str, minutes: float, *, well: bool = True) -> Rollback:
    return Rollback(name, of, {KEY: TakenBack(name, name.upper(), well, at(minutes), "" if well else "put back, ill")})


def of_r(*rollbacks: Rollback) -> TakenBack | None:
    return taken_back("r", rollbacks).get(KEY)


def test_the_last_rollback_counts() -> None:
    first, second = rollback("one", "r", 1, well=False), rollback("two", "r", 2)
    assert of_r(first) == first.targets[KEY]
    assert of_r(first, second) == second.targets[KEY]
    assert of_r(rollback("other", "another", 1)) is None
    assert of_r() is None


def test_what_a_rollback_of_the_rollback_took_forward_again_was_not_taken_back() -> None:
    back, forward = rollback("back", "r", 1), rollback("forward", "back", 2)
    assert of_r(back, forward) is None
    # Where that failed, the first one holds; and where it was taken back in turn.
    assert of_r(back, rollback("forward", "back", 2, well=False)) == back.targets[KEY]
    assert of_r(back, forward, rollback("again", "forward", 3)) == back.targets[KEY]


def with_back(state: TargetState, back: TakenBack | None, minutes: float = 0) -> Rollout:
    made = states_of(rollout(["a", "b", "c"], Way()), state, TargetState.DONE, TargetState.FAILED)
    first = replace(made.targets[0], taken_back=back, ended_at=at(minutes), words="its words")
    return replace(made, targets=(first, *made.targets[1:]))


BACK = TakenBack("x", "7F3A-9102", True, at(5))
FAILED = replace(BACK, well=False, told="put back, no answer")


@pytest.mark.parametrize(
    ("state", "back", "words"),
    [
        (TargetState.DONE, None, "2 of 3 updated, 1 failed"),
        (TargetState.DONE, BACK, "1 of 3 updated, 1 rolled back since, 1 failed"),
        (TargetState.LEFT, BACK, "1 of 3 updated, 1 rolled back since, 1 failed"),
        (TargetState.DONE, FAILED, "2 of 3 updated, 1 failed"),
        # Of these the rollout had changed nothing, or somebody tries again what it rolled out.
        (TargetState.ALREADY, BACK, "2 of 3 updated, 1 failed"),
        (TargetState.QUEUED, BACK, "1 of 3 updated, 1 queued, 1 failed"),
    ],
)
def test_the_headline_counts_apart_what_was_rolled_back(state: TargetState, back: TakenBack | None, words: str) -> None:
    assert headline(with_back(state, back)) == words


def test_a_target_says_which_rollout_took_it_back_or_failed_to() -> None:
    taken = with_back(TargetState.LEFT, BACK).targets[0]
    assert (taken.stands, taken.told) == (
        "rolled back",
        "rolled back by 7F3A-9102; it was left before. its words",
    )
    failed = with_back(TargetState.DONE, FAILED).targets[0]
    assert (failed.stands, failed.rolled_back) == ("done", False)
    assert failed.told == "its rollback by 7F3A-9102 failed: put back, no answer. its words"


def test_what_was_tried_again_after_its_rollback_isn_t_taken_back() -> None:
    assert with_back(TargetState.DONE, BACK, minutes=4).targets[0].rolled_back
    again = with_back(TargetState.DONE, BACK, minutes=6).targets[0]
    assert (again.stands, again.told) == ("done", "its words")
