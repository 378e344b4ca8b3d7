"""A rollout: how it ends, how that is counted, and where each target stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.plan import RollbackOf
from mirror_console.domain.rollout import (
    OVER,
    SUCCEEDED,
    UNSUCCESSFUL,
    WORKING,
    RolloutState,
    TargetState,
    end_state,
    headline,
)
from mirror_console.domain.stop_rule import stop_rule_words
from mirror_console.domain.way import REST, OnTrip, Way
from tests.domain.rollouts import ENGINES, rollout, states_of


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        ([TargetState.DONE, TargetState.ALREADY], RolloutState.COMPLETED),
        ([TargetState.DONE, TargetState.PUT_BACK], RolloutState.COMPLETED_WITH_FAILURES),
        ([TargetState.DONE, TargetState.SKIPPED], RolloutState.COMPLETED_WITH_FAILURES),
        ([TargetState.DONE, TargetState.STRANDED], RolloutState.COMPLETED_WITH_FAILURES),
        ([TargetState.DONE, TargetState.NOT_STARTED], RolloutState.STOPPED),
        ([TargetState.DONE, TargetState.UNKNOWN], RolloutState.INTERRUPTED),
    ],
)
def test_how_it_ended(states: list[TargetState], ended: RolloutState) -> None:
    assert end_state(states_of(rollout(["a", "a"], Way()), *states)) is ended


@given(ENGINES, st.lists(st.sampled_from(sorted(OVER)), min_size=30, max_size=30))
def test_the_headline_counts_every_target_once(engines: list[str], states: list[TargetState]) -> None:
    told = headline(states_of(rollout(engines, Way()), *states[: len(engines)]))
    first, *others = told.split(", ")

    done, of, total, updated = first.split(" ")
    assert (of, int(total), updated) == ("of", len(engines), "updated")
    assert int(done) + sum(int(other.partition(" ")[0]) for other in others) == len(engines)


def test_words_for_the_screens() -> None:
    now = states_of(rollout(["a"] * 5, Way(waves=(REST,))), TargetState.DONE, TargetState.PUT_BACK, TargetState.UNKNOWN)

    assert headline(now) == "1 of 5 updated, 2 queued, 1 unknown, 1 put back"
    assert stop_rule_words(now) == "2 failed; stops at 3 of 5; unreachable counts"
    by_row = replace(now, plan=replace(now.plan, way=Way(waves=(REST,), in_a_row=3, max_failed_percent=100.0)))
    told = "2 failed; all 5 of this wave may fail; stops at 3 in a row (now 2); unreachable counts"
    assert stop_rule_words(by_row) == told
    alone = states_of(rollout(["a"], Way(waves=(REST,))), TargetState.PUT_BACK)
    assert stop_rule_words(alone) == "1 failed; one target: nothing to stop"
    taken = replace(now, plan=replace(now.plan, rollback_of=RollbackOf("one", "AB-CD", "all")))
    assert headline(taken) == "1 of 5 taken back, 2 queued, 1 unknown, 1 put back"
    back = replace(now, plan=replace(now.plan, way=replace(now.plan.way, on_trip=OnTrip.ROLL_BACK_ALL)))
    assert stop_rule_words(back) == "2 failed; stops at 3 of 5; unreachable counts; then: roll back the rollout"


def test_every_state_is_working_over_or_waiting() -> None:
    assert WORKING | OVER | {TargetState.QUEUED, TargetState.UNDECIDED} == set(TargetState)
    assert not WORKING & OVER
    assert not SUCCEEDED & UNSUCCESSFUL


def test_a_target_is_found_by_its_environment() -> None:
    now = rollout(["a", "b"], Way())

    assert now.target("e1").planned.engine_id == "b"
    with pytest.raises(KeyError):
        now.target("e2")
    assert now.count(TargetState.QUEUED) == 2
