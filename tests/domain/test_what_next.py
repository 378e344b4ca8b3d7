"""The rule of what happens next: caps, waves and the stop rule hold whatever comes of the targets."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.rollout import (
    COUNTS_AS_FAILED,
    OVER,
    SUCCEEDED,
    WORKING,
    Rollout,
    Target,
    TargetState,
)
from mirror_console.domain.stop_rule import after_resume, failures_in_a_row, forgive
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.domain.what_next import Begin, Complete, Halt, Wait, decide
from tests.domain.parts import NOW
from tests.domain.rollouts import ENGINES, WAYS, become, rollout, states_of


@dataclass
class Run:
    """A rollout that is carried out with outcomes drawn by chance, and what was seen on the way."""

    now: Rollout
    chance: random.Random
    share_failing: float
    halts: list[str] = field(default_factory=list)
    begun: Counter[str] = field(default_factory=Counter)
    closing: float = 0.0
    """How likely it is that an environment may not be changed when it is asked."""
    row: int = 0
    """Failures in a row since a person last resumed: counted as they come."""

    def play(self) -> None:
        """Until it is complete; a person resumes at every halt. Fails where it doesn't end."""
        for _ in range(20 * len(self.now.targets) + 20):
            closed = [one.environment_id for one in self.now.targets if self.chance.random() < self.closing]
            match decide(self.now, closed):
                case Begin(ids):
                    assert not set(closed) & set(ids)
                    self.begin(ids)
                case Wait():
                    self.end_one()
                case Halt(why):
                    self.halts.append(why)
                    self.row = 0
                    self.decide()
                    self.now = replace(self.now, passed_gates=after_resume(self.now))
                case Complete():
                    return
            if self.in_flight() and self.chance.random() < 0.4:
                self.end_one()
        pytest.fail("it did not end")

    def decide(self) -> None:
        """About some of those that ask; the rest asks again."""
        for one in self.now.targets:
            if one.state is TargetState.UNDECIDED and self.chance.random() < 0.5:
                outcome = self.chance.choice([TargetState.PUT_BACK, TargetState.LEFT, TargetState.SKIPPED])
                self.now = become(self.now, {one.environment_id: outcome})

    def in_flight(self) -> list[Target]:
        return [one for one in self.now.targets if one.state in WORKING]

    def begin(self, ids: tuple[str, ...]) -> None:
        assert ids
        self.check_may_begin(ids)
        self.begun.update(ids)
        self.now = become(self.now, dict.fromkeys(ids, self.chance.choice(sorted(WORKING))))
        way = self.now.plan.way
        assert len(self.in_flight()) <= way.at_once
        on_one = Counter(one.planned.engine_id for one in self.in_flight())
        assert max(on_one.values()) <= way.at_once_per_engine

    def check_may_begin(self, ids: tuple[str, ...]) -> None:
        wave = {self.now.target(one).planned.wave for one in ids}
        assert wave == {self.now.current_wave}
        assert all(self.now.target(one).state is TargetState.QUEUED for one in ids)
        for earlier in range(self.now.current_wave):
            assert all(one.over for one in self.now.wave(earlier))
        accepted = accepted_failures(self.now)
        for number in range(self.now.waves):
            assert failures(self.now, number) <= accepted[number]
        way = self.now.plan.way
        most = way.allowed_in_all(len(self.now.targets))
        in_all = sum(failures(self.now, number) for number in range(self.now.waves))
        assert most is None or in_all <= max(most, sum(forgiven(self.now, number) for number in range(self.now.waves)))
        assert self.row == failures_in_a_row(self.now)
        assert not way.in_a_row or self.row < way.in_a_row
        pausing = [wave for wave in range(self.now.current_wave) if way.pauses_after(wave, self.now.waves)]
        assert set(pausing) <= set(self.now.passed_gates)

    def end_one(self) -> None:
        one = self.chance.choice(self.in_flight())
        bad = self.chance.random() < self.share_failing
        outcome = self.chance.choice(sorted(COUNTS_AS_FAILED) if bad else sorted(SUCCEEDED))
        self.row = self.row + 1 if bad else 0
        # No two at the same time: what waits for a decision has ended, too.
        ended = NOW + timedelta(seconds=sum(target.ended_at is not None for target in self.now.targets))
        self.now = become(self.now, {one.environment_id: outcome})
        targets = tuple(
            replace(target, ended_at=ended) if target.environment_id == one.environment_id else target
            for target in self.now.targets
        )
        self.now = replace(self.now, targets=targets)


def failures(told: Rollout, wave: int) -> int:
    return sum(one.state in COUNTS_AS_FAILED for one in told.wave(wave))


def accepted_failures(told: Rollout) -> list[int]:
    """How many failures each wave may have before nothing more is begun."""
    way = told.plan.way
    return [
        max(way.allowed_failures(wave, told.waves, len(told.wave(wave))), forgiven(told, wave))
        for wave in range(told.waves)
    ]


def forgiven(told: Rollout, wave: int) -> int:
    """How many failures of a wave a person has accepted."""
    marks = set(told.passed_gates)
    return max((count for count in range(1, len(told.targets) + 1) if forgive(wave, count) in marks), default=0)


@given(ENGINES, WAYS, st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.3, 1.0]))
def test_caps_waves_and_the_stop_rule_hold_and_it_ends(
    engines: list[str], way: Way, seed: int, share_failing: float
) -> None:
    run = Run(rollout(engines, way), random.Random(seed), share_failing)  # noqa: S311 - a draw that can be repeated
    run.play()

    assert all(one.over for one in run.now.targets)
    assert run.begun == Counter({one.environment_id: 1 for one in run.now.targets})
    outcomes = Counter(one.state for one in run.now.targets)
    assert sum(outcomes.values()) == len(engines)
    if share_failing == 0.0:
        assert len(run.halts) == sum(way.pauses_after(wave, run.now.waves) for wave in range(run.now.waves))


@given(ENGINES, WAYS, st.integers(0, 10**6), st.sampled_from([0.0, 0.3]))
def test_what_may_not_be_changed_waits_and_keeps_nothing_else_waiting_in_its_wave(
    engines: list[str], way: Way, seed: int, share_failing: float
) -> None:
    run = Run(rollout(engines, way), random.Random(seed), share_failing, closing=0.4)  # noqa: S311 - can be repeated
    run.play()

    assert run.begun == Counter({one.environment_id: 1 for one in run.now.targets})


@given(ENGINES, WAYS, st.sets(st.integers(0, 29)))
def test_it_pauses_for_a_closed_window_only_once_the_rest_of_the_wave_is_over(
    engines: list[str], way: Way, numbers: set[int]
) -> None:
    now = rollout(engines, replace(way, pause_after_canary=False, pause_after_every=False, pause_after=()))
    closed = {f"e{number}" for number in numbers if number < len(engines)}
    while isinstance(decision := decide(now, closed), Begin):
        now = become(now, dict.fromkeys(decision.environment_ids, TargetState.DONE))

    if not closed:
        assert decision == Complete()
        return
    waiting = [one for one in now.targets if not one.over]
    wave = min((now.target(one).planned.wave for one in closed), default=0)
    untried = wave > 0 and not any(one.state in SUCCEEDED for one in now.wave(0))
    assert isinstance(decision, Halt)
    assert not untried
    assert {one.environment_id for one in waiting if one.planned.wave == wave} == closed & {
        one.environment_id for one in now.wave(wave)
    }
    assert all(one.planned.wave > wave for one in waiting if one.environment_id not in closed)
    assert "may not be changed now" in decision.why


@given(ENGINES, WAYS, st.integers(0, 10**6))
def test_no_more_fail_beyond_the_rule_than_were_in_flight(engines: list[str], way: Way, seed: int) -> None:
    """Everything fails, and nobody resumes."""
    run = Run(rollout(engines, way), random.Random(seed), 1.0)  # noqa: S311 - a draw that can be repeated
    most_in_flight = 0
    while not isinstance(decision := decide(run.now), Halt | Complete):
        if isinstance(decision, Begin):
            run.begin(decision.environment_ids)
            most_in_flight = max(most_in_flight, len(run.in_flight()))
        else:
            run.end_one()

    assert failures(run.now, 0) <= way.allowed_failures(0, run.now.waves, len(run.now.wave(0))) + most_in_flight
    assert all(one.state is TargetState.QUEUED for one in run.now.targets if one.planned.wave > 0)
    if isinstance(decision, Halt):
        assert not decision.gate
        asks = any(one.state is TargetState.UNDECIDED for one in run.now.targets)
        assert decision.why.startswith(("Stop rule: ", "Paused: ") if asks else "Stop rule: ")


@given(ENGINES, WAYS, st.lists(st.sampled_from(TargetState), max_size=30))
def test_whatever_the_states_a_decision_is_sound(engines: list[str], way: Way, states: list[TargetState]) -> None:
    now = states_of(rollout(engines, way), *states[: len(engines)])
    over = all(one.state in OVER for one in now.targets)
    in_flight = [one for one in now.targets if one.state in WORKING]

    match decide(now):
        case Begin(ids):
            assert ids
            assert len(ids) + len(in_flight) <= way.at_once
            assert len(set(ids)) == len(ids)
        case Wait():
            # Nothing would ever wake it otherwise.
            assert in_flight
        case Halt(why):
            assert not in_flight or why.startswith("Paused")
            assert why.endswith(".")
        case Complete():
            assert over
    assert isinstance(decide(now), Complete) == over


def test_the_canary_pauses_when_planned_and_goes_on_when_told() -> None:
    now = states_of(rollout(["a"] * 4, Way(waves=(WaveSize(count=1), REST))), TargetState.DONE)

    assert decide(now) == Halt(
        "Paused after the canary, as planned: Mirror 0 done. Look at it, then resume.", gate=True
    )
    assert isinstance(decide(replace(now, passed_gates=after_resume(now))), Begin)
    no_pause = replace(now, plan=replace(now.plan, way=replace(now.plan.way, pause_after_canary=False)))
    assert isinstance(decide(no_pause), Begin)


def test_a_canary_that_was_never_tried_pauses_even_where_no_pause_is_planned() -> None:
    way = Way(waves=(WaveSize(count=1), REST), pause_after_canary=False)
    now = states_of(rollout(["a"] * 4, way), TargetState.SKIPPED)

    halt = decide(now)

    assert isinstance(halt, Halt)
    assert halt.gate
    assert halt.why == "Paused: nothing was tried in the canary (Mirror 0 skipped). Resume to go on without it."
    assert isinstance(decide(replace(now, passed_gates=after_resume(now))), Begin)


def test_who_is_tried_again_comes_first_in_its_wave() -> None:
    now = rollout(["a"] * 4, Way(waves=(REST,), at_once=2))
    second = replace(now.targets[2], attempt=2)
    now = replace(now, targets=(*now.targets[:2], second, now.targets[3]))

    assert decide(now) == Begin(("e2", "e0"))


def test_what_asks_halts_only_once_nothing_else_is_to_be_done() -> None:
    way = Way(waves=(WaveSize(count=3), REST), max_failed=9, pause_after_canary=False, at_once=1)
    now = states_of(rollout(["a"] * 5, way), TargetState.UNDECIDED, TargetState.DONE)
    now = replace(now, passed_gates=after_resume(now))

    assert decide(now) == Begin(("e2",))
    now = become(now, {"e2": TargetState.DONE})
    assert decide(now) == Halt("Paused: 1 failed target waits for a decision (Mirror 0). Say what is to become of it.")
    # No next wave is begun as long as one of this asks.
    assert isinstance(decide(replace(now, passed_gates=after_resume(now))), Halt)
    assert decide(become(now, {"e0": TargetState.SKIPPED})) == Begin(("e3",))


def test_what_is_in_flight_is_finished_before_a_halt_is_told() -> None:
    way = Way(waves=(REST,), max_failed=0)
    now = states_of(rollout(["a"] * 4, way), TargetState.FAILED, TargetState.SWAPPING)

    assert decide(now) == Wait()
    assert isinstance(decide(become(now, {"e1": TargetState.DONE})), Halt)


# --- what is tried again, and nothing else ---------------------------------------------------------------------------

TWENTY_FOUR = Way(waves=(WaveSize(count=1), WaveSize(count=6), REST), max_failed=1, at_once=9, at_once_per_engine=9)


def tried_again(now: Rollout, *ids: str) -> Rollout:
    """The same, where a person has these tried again and nothing else."""
    targets = tuple(Target(one.planned, attempt=2) if one.environment_id in ids else one for one in now.targets)
    return replace(now, targets=targets, only=frozenset(ids))


def failing_second_wave(failed: int) -> Rollout:
    """Paused by its stop rule in the second of three waves; a person had passed the canary's pause."""
    came = [TargetState.DONE] * (7 - failed) + [TargetState.PUT_BACK] * failed
    now = states_of(rollout(["a"] * 24, TWENTY_FOUR), *came)
    return replace(now, passed_gates=(0,))


def test_what_is_tried_again_is_begun_and_nothing_that_waits_behind_it() -> None:
    now = tried_again(failing_second_wave(2), "e6")
    assert decide(now) == Begin(("e6",))
    assert decide(become(now, {"e6": TargetState.SWAPPING})) == Wait()

    done = become(now, {"e6": TargetState.DONE})
    assert decide(done) == Halt("Tried again: 1 done. 17 others wait: resume to go on with them.")
    # Resumed, which no word of before keeps from: the rest goes on.
    assert isinstance(decide(replace(done, only=frozenset(), passed_gates=after_resume(done))), Begin)
    failed = decide(become(now, {"e6": TargetState.PUT_BACK}))
    assert isinstance(failed, Halt)
    assert failed.why.startswith("Stop rule: 2 of 6 targets of wave 2 failed; 1 may.")


def test_what_is_queued_in_the_same_wave_stands_back_too() -> None:
    now = states_of(rollout(["a"] * 24, TWENTY_FOUR), TargetState.DONE, TargetState.PUT_BACK, TargetState.PUT_BACK)
    now = tried_again(replace(now, passed_gates=(0,)), "e1", "e2")
    assert decide(now) == Begin(("e1", "e2"))
    ended = become(now, {"e1": TargetState.DONE, "e2": TargetState.FAILED})
    assert decide(ended) == Halt("Tried again: 1 done, 1 failed. 21 others wait: resume to go on with them.")


def test_one_of_more_failures_than_may_be_is_tried_again_and_the_first_that_fails_ends_it() -> None:
    now = tried_again(failing_second_wave(4), "e5", "e6")
    one_by_one = replace(now, plan=replace(now.plan, way=replace(now.plan.way, at_once=1)))
    assert decide(one_by_one) == Begin(("e5",))
    assert decide(become(one_by_one, {"e5": TargetState.DONE})) == Begin(("e6",))
    failed = become(one_by_one, {"e5": TargetState.FAILED})
    assert isinstance(decide(failed), Halt)
    # Two that nobody tried again are more than may fail: that is what is told, and the rest waits as before.
    mended = decide(become(now, {"e5": TargetState.DONE, "e6": TargetState.DONE}))
    assert isinstance(mended, Halt)
    assert mended.why.startswith(
        "Tried again: 2 done. 17 others wait: resume to go on with them. "
        "Stop rule: 2 of 6 targets of wave 2 failed; 1 may."
    )


def test_a_retry_needs_no_pause_of_a_later_wave_and_passes_none() -> None:
    canary = states_of(rollout(["a"] * 24, replace(TWENTY_FOUR, waves=(WaveSize(count=6), REST))), TargetState.FAILED)
    canary = become(canary, {f"e{number}": TargetState.DONE for number in range(1, 6)})
    now = tried_again(canary, "e0")
    assert decide(now) == Begin(("e0",))
    done = become(now, {"e0": TargetState.DONE})
    assert decide(done) == Halt("Tried again: 1 done. 18 others wait: resume to go on with them.")

    # A target of the next wave that was lost before it began is not begun past the canary.
    lost = tried_again(become(canary, {"e23": TargetState.FAILED}), "e0", "e23")
    assert decide(lost) == Begin(("e0",))
    halt = decide(become(lost, {"e0": TargetState.DONE}))
    assert isinstance(halt, Halt)
    assert halt.gate


def test_what_is_of_a_later_wave_waits_for_it() -> None:
    now = rollout(["a"] * 24, TWENTY_FOUR)
    now = tried_again(become(now, {"e9": TargetState.FAILED}), "e9")
    assert decide(now) == Halt("Tried again: 1 waits for its wave. 23 others wait: resume to go on with them.")


def test_what_may_not_be_changed_now_is_told_of_those_that_are_tried_again_alone() -> None:
    now = tried_again(failing_second_wave(2), "e6")
    assert decide(now, ["e6", "e7"]) == Halt(
        "Paused: Mirror 6 may not be changed now; the list says why and until when. 17 of later waves wait for them. "
        "Resume it then; or stop it, and they are left as they are.",
        closed=True,
    )
    assert isinstance(decide(now, ["e7"]), Begin)


def test_with_nothing_else_waiting_a_retry_ends_it() -> None:
    now = states_of(rollout(["a"] * 3, Way(waves=(REST,), max_failed=0)), *[TargetState.FAILED] * 3)
    now = tried_again(now, "e1")
    assert decide(now) == Begin(("e1",))
    assert decide(become(now, {"e1": TargetState.DONE})) == Complete()


@given(
    ENGINES,
    WAYS,
    st.lists(st.sampled_from([*TargetState]), min_size=30, max_size=30),
    st.sets(st.integers(0, 29), min_size=1),
)
def test_whatever_is_tried_again_nothing_else_is_begun(
    engines: list[str], way: Way, states: list[TargetState], chosen: set[int]
) -> None:
    before = states_of(rollout(engines, way), *states[: len(engines)])
    again = {f"e{number}" for number in chosen if number < len(engines)} or {"e0"}
    now = tried_again(before, *again)
    decision = decide(now)
    assert not isinstance(decision, Complete)
    if isinstance(decision, Begin):
        assert set(decision.environment_ids) <= again
        assert {now.target(one).planned.wave for one in decision.environment_ids} == {now.current_wave}
    elif isinstance(decision, Wait):
        assert any(one.state in WORKING for one in now.targets)
