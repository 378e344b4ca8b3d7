"""What is said of failed targets that a stop could not put back: how many, which, why, and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror_console.domain.rollout import Target, TargetState
from mirror_console.domain.undecided import (
    DECIDED,
    after_deciding,
    failed_words,
    halted_words,
    not_now_words,
    not_put_back_words,
    tells_who_waits,
    waiting_words,
)
from tests.domain.rollouts import target

ILL = "verify: its health check fails"
AWAY = "berlin doesn't answer."


def failed(number: int, state: TargetState = TargetState.UNDECIDED, words: str = ILL) -> Target:
    return replace(target(number, "berlin", 0), state=state, words=words)


def kept_waiting(number: int, why: str = AWAY) -> Target:
    return failed(number, words=not_now_words(failed(number), why))


def test_what_was_put_back_is_not_told() -> None:
    assert not_put_back_words([]) == ""
    assert not_put_back_words([failed(1, TargetState.PUT_BACK), failed(2, TargetState.FAILED)]) == ""


def test_why_it_failed_stays_however_often_nothing_could_be_decided() -> None:
    twice = replace(failed(1), words=not_now_words(kept_waiting(1), "it is away still"))
    assert failed_words(twice) == ILL
    assert twice.words == f"{ILL}. It could not be decided about now: it is away still"


def test_why_it_failed_stays_however_often_putting_it_back_failed() -> None:
    stranded = [
        f"{ILL}. Putting back failed: the port is taken. Putting back failed: the port is taken",
        f"{ILL}. Contact was lost while putting back: no answer",
        f"{ILL}. The old container runs again, but isn't well: it answers 500",
        ILL,
    ]
    assert {failed_words(failed(1, TargetState.STRANDED, words)) for words in stranded} == {ILL}


def test_what_waits_on_is_told_by_what_keeps_it() -> None:
    several = [kept_waiting(1), kept_waiting(2, "alpha refused"), *map(kept_waiting, range(3, 7))]
    assert not_put_back_words(several) == (
        "6 failed targets could not be put back, and wait for a decision still (Mirror 1, Mirror 3, Mirror 4 and 2 "
        "more: berlin doesn't answer; Mirror 2: alpha refused). Once the cause is gone, stop the rollout again, or say "
        "what is to become of what waits."
    )


def test_what_needs_a_person_now_comes_first() -> None:
    told = not_put_back_words(
        [
            kept_waiting(1),
            failed(2, TargetState.UNKNOWN, f"{ILL}. Contact was lost while putting back: no answer"),
            failed(3, TargetState.STRANDED, f"{ILL}. Putting back failed: the port is taken."),
            failed(4, TargetState.STRANDED, f"{ILL}. The old container runs again, but isn't well: it answers 500"),
            failed(5, TargetState.PUT_BACK),
        ]
    )
    assert told.startswith(
        "2 failed targets could not be put back, and are stranded (Mirror 3: the port is taken; Mirror 4: "
        f"{ILL}. The old container runs again, but isn't well: it answers 500). Look at what runs there now"
    )
    assert "1 failed target could not be put back, and is unknown (Mirror 2: no answer). Recover the rollout" in told
    assert told.index("Mirror 2") < told.index("Mirror 1: berlin")


def test_many_reasons_are_counted() -> None:
    told = not_put_back_words([kept_waiting(number, f"reason {number}") for number in range(1, 10)])
    assert "Mirror 3: reason 3; and 6 more)" in told


@pytest.mark.parametrize("several", [1, 2, 5])
def test_after_each_decision_it_says_who_waits_then_whatever_it_was_paused_for(several: int) -> None:
    waited = [kept_waiting(number) for number in range(1, several + 1)]
    left = waited[1:]
    for words in (
        waiting_words(waited),
        halted_words(waited),
        f"Stopped by operator. {not_put_back_words(waited)}",
        f"Tried again: 1 done. {waiting_words(waited).removeprefix('Paused: ')}",
    ):
        assert after_deciding(words, waited, left) == (waiting_words(left) if left else DECIDED)
        assert after_deciding(words, waited, waited) == words
    rule = "Stop rule: 1 of 1 targets of wave 1 failed."
    assert after_deciding(rule, waited, left) == rule
    assert tells_who_waits(waiting_words(waited))
    assert tells_who_waits(DECIDED)
    assert not tells_who_waits(halted_words(waited))


def test_a_halted_stop_says_who_waits_still() -> None:
    assert halted_words([failed(1)]) == (
        "1 failed target waits for a decision still (Mirror 1). Stop the rollout again, or say what is to become of "
        "the target."
    )
    assert halted_words([failed(number) for number in range(1, 6)]).startswith(
        "5 failed targets wait for a decision still (Mirror 1, Mirror 2, Mirror 3 and 2 more)."
    )
