"""The rule of what happens next: caps, waves and the stop rule hold whatever comes of the targets."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.environment import Settings
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.rollout import (
    COUNTS_AS_FAILED,
    OVER,
    SUCCEEDED,
    UNSUCCESSFUL,
    WORKING,
    Rollout,
    RolloutState,
    Target,
    TargetState,
    end_state,
    headline,
)
from mirror_console.domain.stop_rule import after_resume, failures_in_a_row, forgive, past_waves, stop_rule_words
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, WaveSize, Way, wave_counts
from mirror_console.domain.what_next import Begin, Complete, Halt, Wait, decide
from tests.domain.parts import NOW, print_of

AFTER_A_STOP = "Look at why; then resume in spite of it, or stop."


def target(number: int, engine: str, wave: int) -> Target:
    """A queued target."""
    return Target(
        PlannedTarget(
            environment_id=f"e{number}",
            process="web",
            application_id=f"a{number}",
            application=f"Mirror {number}",
            environment="live",
            engine_id=engine,
            engine=engine,
            container=f"m{number}",
            change=Change.UPDATE,
            swap=Swap.RECREATE,
            before_title="1",
            before_fingerprint=print_of("1"),
            before_container_id="c",
            before_image_id="i",
            after_title="2",
            after_fingerprint=print_of("2"),
            reference="r@sha256:2",
            settings=Settings(),
            wave=wave,
        )
    )


def rollout(engines: list[str], way: Way) -> Rollout:
    """A rollout that has just begun, with one target on each of the engines named."""
    waves = [wave for wave, count in enumerate(wave_counts(way.waves, len(engines))) for _ in range(count)]
    targets = tuple(target(number, engine, waves[number]) for number, engine in enumerate(engines))
    plan = Plan("p", NOW, "operator", "live", tuple(one.planned for one in targets), (), way, "0000-0000")
    return Rollout("r", plan, RolloutState.RUNNING, "operator", "why", NOW, targets)


def become(before: Rollout, states: dict[str, TargetState]) -> Rollout:
    """The same rollout with other states of some targets."""
    targets = tuple(replace(one, state=states.get(one.environment_id, one.state)) for one in before.targets)
    return replace(before, targets=targets)


def states_of(before: Rollout, *states: TargetState) -> Rollout:
    """The same rollout with these states for its first targets."""
    return become(before, {f"e{number}": state for number, state in enumerate(states)})


WAYS = st.builds(
    Way,
    waves=st.lists(
        st.builds(WaveSize, count=st.integers(1, 6)) | st.builds(WaveSize, percent=st.integers(1, 60)), max_size=3
    ).map(lambda sizes: (*sizes, REST)),
    at_once=st.integers(1, 9),
    at_once_per_engine=st.integers(1, 4),
    max_failed=st.integers(0, 4),
    pause_after_canary=st.booleans(),
    max_failed_percent=st.sampled_from([0.0, 5.0, 34.0]),
    in_a_row=st.integers(0, 4),
    pause_after_every=st.booleans(),
    pause_after=st.lists(st.integers(1, 4), max_size=2).map(tuple),
)
ENGINES = st.lists(st.sampled_from(["fra-1", "fra-2", "ber-1"]), min_size=1, max_size=30)


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
    marks = set(told.passed_gates)
    return [
        max(
            [way.allowed_failures(wave, told.waves, len(told.wave(wave)))]
            + [count for count in range(1, len(told.targets) + 1) if forgive(wave, count) in marks]
        )
        for wave in range(told.waves)
    ]


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


def test_one_failure_in_the_canary_stops_and_a_resume_accepts_just_that() -> None:
    way = Way(waves=(WaveSize(count=2), REST), at_once=1, pause_after_canary=False)
    now = states_of(rollout(["a"] * 6, way), TargetState.PUT_BACK)

    assert decide(now) == Halt(f"Stop rule: 1 of 2 targets of wave 1 failed; 0 may. {AFTER_A_STOP}")
    now = replace(now, passed_gates=after_resume(now))
    assert decide(now) == Begin(("e1",))
    now = become(now, {"e1": TargetState.FAILED})
    assert decide(now) == Halt(f"Stop rule: 2 of 2 targets of wave 1 failed; 1 may. {AFTER_A_STOP}")


def test_a_pause_by_hand_does_not_take_the_stop_rule_away() -> None:
    way = Way(waves=(REST,), at_once=1, max_failed=2)
    now = states_of(rollout(["a"] * 9, way), TargetState.FAILED)
    now = replace(now, passed_gates=after_resume(now))

    assert isinstance(decide(now), Begin)
    now = states_of(now, *[TargetState.FAILED] * 3)
    assert decide(now) == Halt(f"Stop rule: 3 of 9 targets of wave 1 failed; 2 may. {AFTER_A_STOP}")


@given(ENGINES, WAYS, st.lists(st.sampled_from(TargetState), max_size=30))
def test_who_tries_again_passes_only_waves_that_are_over_and_forgives_nothing(
    engines: list[str], way: Way, states: list[TargetState]
) -> None:
    now = states_of(rollout(engines, way), *states[: len(engines)])
    again = become(now, {one.environment_id: TargetState.QUEUED for one in now.targets if one.state in UNSUCCESSFUL})
    gates = past_waves(again)

    assert all(all(one.over for one in again.wave(gate)) for gate in gates)
    assert accepted_failures(replace(again, passed_gates=gates)) == accepted_failures(again)


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


@pytest.mark.parametrize("state", sorted(COUNTS_AS_FAILED))
def test_every_kind_of_failure_counts_for_the_stop_rule(state: TargetState) -> None:
    now = states_of(rollout(["a"] * 4, Way(waves=(REST,), max_failed=0)), state)

    assert isinstance(decide(now), Halt)


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
    told = "2 failed; never stops: all 5 may fail, or at 3 in a row (now 2); unreachable counts"
    assert stop_rule_words(by_row) == told


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
