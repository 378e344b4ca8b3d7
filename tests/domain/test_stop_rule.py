"""The stop rule: what counts, what a person has accepted, and what trying again doesn't forgive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.plan import RollbackOf
from mirror_console.domain.rollout import (
    COUNTS_AS_FAILED,
    UNSUCCESSFUL,
    Rollout,
    RolloutState,
    TargetState,
)
from mirror_console.domain.stop_rule import (
    after_resume,
    failures_in_a_row,
    forgive,
    gate_words,
    past_waves,
    rolls_back,
    stop_rule_words,
    trip_at_end,
    trip_of,
    tripped,
    tripped_words,
    with_trip,
)
from mirror_console.domain.trip import OPEN, Came, Trip, in_spite, trip_words
from mirror_console.domain.way import REST, OnTrip, WaveSize, Way
from mirror_console.domain.way_words import plan_way_words
from mirror_console.domain.what_next import Begin, Halt, decide
from tests.domain.parts import NOW
from tests.domain.rollouts import AFTER_A_STOP, ENGINES, WAYS, become, rollout, states_of
from tests.domain.test_what_next import accepted_failures


def test_what_was_decided_at_pauses_is_told_in_words() -> None:
    assert gate_words([0, forgive(0, 8), forgive(2, 1), forgive(1, 0)]) == (
        "Gone on after wave 1",
        "Gone on in spite of 8 failed targets of wave 1 and 1 failed target of wave 3",
    )
    assert gate_words(()) == ()


def test_a_trip_at_the_end_is_kept_once_and_says_that_nothing_was_left_to_pause() -> None:
    way = Way(waves=(REST,), at_once=1, max_failed=0)
    now = states_of(rollout(["a"] * 2, way), TargetState.DONE, TargetState.FAILED)
    found = tripped(now)
    assert found is not None
    trip = trip_at_end(now, found, NOW)
    assert (trip.came, trip.words) == (Came.OVER, "1 of 2 targets of wave 1 failed; 0 may.")
    kept = replace(now, trips=with_trip(now, trip))
    # Ended once more, with nothing that failed since.
    assert with_trip(kept, trip_at_end(kept, found, NOW + timedelta(minutes=1))) == (trip,)
    # Where something else is begun after it, the rule pauses that.
    assert trip_of(kept, found, NOW + timedelta(minutes=2)).came is Came.PAUSED
    failed = replace(kept.targets[1], ended_at=NOW + timedelta(minutes=3))
    more = replace(kept, targets=(kept.targets[0], failed))
    assert len(with_trip(more, trip_at_end(more, found, NOW + timedelta(minutes=4)))) == 2


def test_one_failure_in_the_canary_stops_and_a_resume_accepts_just_that() -> None:
    way = Way(waves=(WaveSize(count=2), REST), at_once=1, pause_after_canary=False)
    now = states_of(rollout(["a"] * 6, way), TargetState.PUT_BACK)

    assert decide(now) == Halt(f"Stop rule: 1 of 2 targets of wave 1 failed; 0 may. {AFTER_A_STOP}")
    now = replace(now, passed_gates=after_resume(now))
    assert decide(now) == Begin(("e1",))
    now = become(now, {"e1": TargetState.FAILED})
    assert decide(now) == Halt(f"Stop rule: 2 of 2 targets of wave 1 failed; 1 may. {AFTER_A_STOP}")


def test_a_failure_that_was_accepted_and_then_skipped_lets_no_other_fail_in_its_stead() -> None:
    way = Way(waves=(WaveSize(count=3), REST), at_once=1, pause_after_canary=False, in_a_row=1)
    now = states_of(rollout(["a"] * 6, way), TargetState.UNDECIDED)
    now = replace(now, passed_gates=after_resume(now))
    assert failures_in_a_row(now) == 0

    now = become(now, {"e0": TargetState.SKIPPED})
    now = replace(now, passed_gates=after_resume(now))
    now = become(now, {"e1": TargetState.FAILED})

    assert failures_in_a_row(now) == 1
    assert decide(now) == Halt(f"Stop rule: 1 of 3 targets of wave 1 failed; 0 may. {AFTER_A_STOP}")


def test_a_pause_by_hand_does_not_take_the_stop_rule_away() -> None:
    way = Way(waves=(REST,), at_once=1, max_failed=2)
    now = states_of(rollout(["a"] * 9, way), TargetState.FAILED)
    now = replace(now, passed_gates=after_resume(now))

    assert isinstance(decide(now), Begin)
    now = states_of(now, *[TargetState.FAILED] * 3)
    assert decide(now) == Halt(f"Stop rule: 3 of 9 targets of wave 1 failed; 2 may. {AFTER_A_STOP}")


def test_failures_that_each_wave_allows_stop_it_once_they_are_too_many_in_all() -> None:
    way = Way(
        waves=(WaveSize(count=3), WaveSize(count=3), REST),
        at_once=1,
        max_failed=2,
        max_failed_in_all=2,
        pause_after_canary=False,
    )
    put_back, done = TargetState.PUT_BACK, TargetState.DONE
    now = states_of(rollout(["a"] * 9, way), done, done, done, put_back, put_back, done)
    assert stop_rule_words(now) == "0 failed; stops at 3 of 3, or at 3 of 9 in all (now 2); unreachable counts"
    assert decide(now) == Begin(("e6",))

    now = become(now, {"e6": TargetState.FAILED})
    assert decide(now) == Halt(f"Stop rule: 3 of 9 targets failed in all; 2 may. {AFTER_A_STOP}")
    # A person's resume accepts those, and no more.
    now = replace(now, passed_gates=after_resume(now))
    assert stop_rule_words(now) == "1 failed; stops at 3 of 3, or at 4 of 9 in all (now 3); unreachable counts"
    assert decide(now) == Begin(("e7",))
    now = become(now, {"e7": TargetState.UNKNOWN})
    assert decide(now) == Halt(f"Stop rule: 4 of 9 targets failed in all; 3 may. {AFTER_A_STOP}")


def test_a_share_of_all_is_of_all_that_were_planned() -> None:
    way = Way(waves=(REST,), at_once=1, max_failed=9, max_failed_in_all_percent=20)
    skipped = [TargetState.SKIPPED] * 5
    now = states_of(rollout(["a"] * 10, way), *skipped, TargetState.FAILED, TargetState.FAILED)
    assert decide(now) == Begin(("e7",))
    now = become(now, {"e7": TargetState.FAILED})
    assert decide(now) == Halt(f"Stop rule: 3 of 10 targets failed in all; 2 may. {AFTER_A_STOP}")


@given(ENGINES, WAYS, st.lists(st.sampled_from(TargetState), max_size=30))
def test_the_number_that_is_told_before_the_start_is_the_number_that_acts(
    engines: list[str], way: Way, states: list[TargetState]
) -> None:
    """Whatever becomes of targets, skipped ones among them: the share of a wave, and of all, is of what was planned."""
    now = states_of(rollout(engines, replace(way, in_a_row=0)), *states[: len(engines)])
    counts = [len(wave) for wave in now.plan.waves]
    told = plan_way_words(now.plan)
    failed = [sum(one.state in COUNTS_AS_FAILED for one in now.wave(wave)) for wave in range(now.waves)]
    acts = tripped_words(now)

    for wave, count in enumerate(counts):
        allowed = way.allowed_failures(wave, len(counts), count)
        if allowed < count:
            assert f"{allowed + 1} of {count}" in told
        if failed[wave] > allowed:
            assert acts
            assert f"; {allowed} may." in acts or any(
                failed[before] > way.allowed_failures(before, len(counts), counts[before]) for before in range(wave)
            )
    in_all = way.allowed_in_all(len(engines))
    if in_all is not None and in_all < len(engines):
        assert f"stops at {in_all + 1} of {len(engines)} in all" in told
    over = any(failed[wave] > way.allowed_failures(wave, len(counts), counts[wave]) for wave in range(now.waves))
    assert bool(acts) == (over or (in_all is not None and sum(failed) > in_all))


@given(ENGINES, WAYS, st.lists(st.sampled_from(TargetState), max_size=30))
def test_who_tries_again_passes_only_waves_that_are_over_and_forgives_nothing(
    engines: list[str], way: Way, states: list[TargetState]
) -> None:
    now = states_of(rollout(engines, way), *states[: len(engines)])
    again = become(now, {one.environment_id: TargetState.QUEUED for one in now.targets if one.state in UNSUCCESSFUL})
    gates = past_waves(again)

    assert all(all(one.over for one in again.wave(gate)) for gate in gates)
    assert accepted_failures(replace(again, passed_gates=gates)) == accepted_failures(again)


# --- what it does ----------------------------------------------------------------------------------------------------


def failed_at(now: Rollout, number: int, seconds: int) -> Rollout:
    """The same where a target has failed so many seconds after the start."""
    failed = replace(
        now.target(f"e{number}"), state=TargetState.FAILED, ended_at=now.started_at + timedelta(seconds=seconds)
    )
    return replace(now, targets=tuple(failed if one.environment_id == f"e{number}" else one for one in now.targets))


def trip(now: Rollout, seconds: int, stopped_by: str = "") -> Trip:
    found = tripped(now)
    assert found is not None
    return trip_of(now, found, now.started_at + timedelta(seconds=seconds), stopped_by)


RULED = Way(waves=(WaveSize(count=2), REST), at_once=1, pause_after_canary=False, on_trip=OnTrip.ROLL_BACK_WAVE)


def test_the_wave_that_is_rolled_back_is_the_one_in_which_the_rule_tripped() -> None:
    now = rollout(["a"] * 9, replace(RULED, max_failed=5, max_failed_in_all=1, in_a_row=2))
    now = replace(failed_at(now, 0, 1), passed_gates=(forgive(0, 1),))
    # The canary's last failure is older, though its target stands first.
    assert trip(failed_at(now, 4, 9), 10).wave == 1
    assert trip(failed_at(now, 1, 9), 10).wave == 0
    row = replace(now, plan=replace(now.plan, way=replace(now.plan.way, max_failed_in_all=None)))
    found = trip(failed_at(failed_at(row, 4, 8), 5, 9), 10)
    assert (found.words, found.wave, found.part) == ("2 targets failed in a row; 1 may.", 1, "wave 2")


def test_a_trip_is_one_trip_until_something_more_fails() -> None:
    now = failed_at(rollout(["a"] * 4, replace(RULED, waves=(REST,), max_failed=0)), 0, 1)
    first = trip(now, 2)
    assert (first.came, first.action, first.wave) == (Came.DUE, OnTrip.ROLL_BACK_WAVE, 0)
    now = replace(now, trips=with_trip(now, first))
    assert trip(now, 3) == first
    assert with_trip(now, first) == (first,)
    again = trip(failed_at(now, 1, 4), 5)
    assert (again.came, again.words) == (Came.DUE, "2 of 4 targets of wave 1 failed; 0 may.")


def test_what_a_person_did_first_is_no_rollback_of_the_rule() -> None:
    now = failed_at(rollout(["a"] * 4, replace(RULED, waves=(REST,), max_failed=0)), 0, 1)
    assert (trip(now, 2, "x had it pause before.").came, trip(now, 2).came) == (Came.NOT_BEGUN, Came.DUE)
    # Two have failed; a person tries one of them again, and the other still is one too many.
    two = failed_at(now, 1, 1)
    two = replace(two, trips=in_spite((trip(two, 2),)))
    assert [one.came for one in two.trips] == [Came.IN_SPITE]
    told = trip(become(two, {"e1": TargetState.QUEUED}), 3)
    assert (told.came, told.told) == (Came.NOT_BEGUN, "nothing more has failed since a person let it go on.")


def test_a_rollback_is_never_rolled_back_by_a_rule() -> None:
    now = failed_at(rollout(["a"] * 4, replace(RULED, waves=(REST,), max_failed=0)), 0, 1)
    back = replace(now, plan=replace(now.plan, rollback_of=RollbackOf("r0", "0000-0000", "all")))
    assert rolls_back(now)
    assert not rolls_back(back)
    assert (trip(back, 2).action, trip(back, 2).came) == (OnTrip.PAUSE, Came.PAUSED)


@pytest.mark.parametrize("came", Came)
def test_each_end_of_a_trip_is_told_with_its_rule(came: Came) -> None:
    told = trip_words(Trip(NOW, "3 of 9 failed; 2 may.", 1, OnTrip.ROLL_BACK_WAVE, came, "why.", "id", "AB-CD"))
    assert told.startswith("Stop rule: 3 of 9 failed; 2 may. ")
    assert told.endswith(".")
    assert came in {Came.PAUSED, Came.OVER} or "wave 2" in told
    (gone_on,) = in_spite((Trip(NOW, "x", 1, OnTrip.ROLL_BACK_WAVE, came),))
    assert gone_on.came is (Came.IN_SPITE if came in OPEN else came)


@given(ENGINES, WAYS, st.lists(st.sampled_from(TargetState), max_size=30))
def test_a_console_that_was_killed_counts_what_another_one_counted(
    engines: list[str], way: Way, states: list[TargetState]
) -> None:
    """What trips is told by where targets stand, and by nothing else: not by whose console carried them out."""
    now = states_of(rollout(engines, way), *states[: len(engines)])
    again = replace(now, console="another", state=RolloutState.RUNNING, paused_because="The console ended.")
    assert tripped(again) == tripped(now)
    assert tripped_words(again) == tripped_words(now)


@pytest.mark.parametrize("state", sorted(COUNTS_AS_FAILED))
def test_every_kind_of_failure_counts_for_the_stop_rule(state: TargetState) -> None:
    now = states_of(rollout(["a"] * 4, Way(waves=(REST,), max_failed=0)), state)

    assert isinstance(decide(now), Halt)
