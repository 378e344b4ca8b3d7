"""How a rollout is typed and told: ways, waves, counts, the order of targets, and the steps of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.canary import Canary
from mirror_console.domain.causes import causes
from mirror_console.domain.check import Check
from mirror_console.domain.journal import Phase, Result
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.status import Status
from mirror_console.domain.steps import RECREATE_STEPS, Step
from mirror_console.domain.way import REST, OnTrip, WaveSize, Way, wave_counts
from mirror_console.domain.way_words import in_numbers, pause_words, span_text, stop_words
from mirror_console.errors import InvalidInput
from mirror_console.settings import WAYS
from mirror_console.ui.rollout.assistant import question
from mirror_console.ui.rollout.run_tables import target_columns, waves_of
from mirror_console.ui.rollout.steps import step_lines
from mirror_console.ui.rollout.ways import (
    WayTexts,
    read_span,
    read_waves,
    read_way,
    waves_text,
    way_texts,
)
from mirror_console.ui.rollout.words import by_urgency, outcome_words, took
from tests.ui import sample_rollout as sample
from tests.ui.sample import NOW

SIZES = st.one_of(
    st.integers(1, 5000).map(lambda count: WaveSize(count=count)),
    st.integers(1, 100).map(lambda percent: WaveSize(percent=float(percent))),
)


@given(st.lists(SIZES, max_size=6))
def test_what_is_shown_of_waves_can_be_typed_again(sizes: list[WaveSize]) -> None:
    waves = (*sizes, REST)
    assert read_waves(waves_text(waves)) == waves


@pytest.mark.parametrize("way", WAYS.values())
def test_what_is_shown_of_a_preset_can_be_typed_again(way: Way) -> None:
    assert read_way(way_texts(way)) == way


@given(
    st.builds(
        Way,
        waves=st.lists(SIZES, max_size=3).map(lambda sizes: (*sizes, REST)),
        at_once=st.integers(1, 64),
        bake=st.integers(0, 3600).map(float),
        max_failed=st.just(0),
        max_failed_percent=st.sampled_from([0.0, 5.0, 12.5, 100.0]),
        in_a_row=st.integers(0, 9),
        max_failed_in_all=st.none(),
        on_trip=st.sampled_from(OnTrip),
        max_failed_in_all_percent=st.sampled_from([0.0, 2.5, 100.0]),
        proof_days=st.integers(1, 365),
        health_limit=st.sampled_from([0.0, 45.0, 120.0, 3600.0]),
        pause_after_canary=st.booleans(),
        pause_after=st.just(()),
        canary=st.sampled_from([Canary(), Canary(tag="early"), Canary(mirrors=("dunes-bakery", "birch-tea"))]),
    )
)
def test_what_is_shown_of_any_way_can_be_typed_again(way: Way) -> None:
    assert read_way(way_texts(way)) == way


@pytest.mark.parametrize("text", ["never", "canary", "every", "1, 3", "2"])
def test_pauses_are_typed_as_they_are_shown(text: str) -> None:
    assert way_texts(read_way(replace(way_texts(Way()), pauses=text))).pauses == text


def test_a_missing_rest_is_added_so_that_no_target_is_left_over() -> None:
    assert read_waves("1, 10 %") == (WaveSize(count=1), WaveSize(percent=10), REST)


@pytest.mark.parametrize("text", ["a few", "0", "0%", "101%", "rest, 5", "-1", "1.5", "٣"])
def test_what_is_no_wave_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_waves(text)
    assert refused.value.problems[0].field == "waves"


def test_every_wrong_field_of_a_way_is_told_at_once() -> None:
    texts = WayTexts("a few", "many", "0", "soon", "-1", "1, x", "lots", "", True, "tag:", "some", "soon")
    with pytest.raises(InvalidInput) as refused:
        read_way(texts)
    assert [problem.field for problem in refused.value.problems] == [
        "waves",
        "at_once",
        "max_failed",
        "in_a_row",
        "pauses",
        "canary",
        "pulls_per_registry",
        "pulls_per_engine",
        "bake",
        "health_limit",
    ]
    with pytest.raises(InvalidInput) as refused:
        read_way(replace(way_texts(Way()), pulls_per_registry="65"))
    assert [problem.field for problem in refused.value.problems] == ["pulls_per_registry"]


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("30 s", 30), ("5 min", 300), ("1 h", 3600), ("0", 0)])
def test_times_are_typed_with_a_unit(text: str, seconds: float) -> None:
    assert read_span(text) == seconds
    assert read_span(span_text(seconds)) == seconds


def test_a_way_is_told_in_numbers() -> None:
    assert in_numbers(Way(), 386) == "1 + 20 + 97 + 268 in 4 waves"
    assert in_numbers(Way(waves=(REST,)), 3) == "3 targets in one wave"


@pytest.mark.parametrize(
    ("way", "targets", "rule", "pauses"),
    [
        (
            Way(),
            386,
            "canary stops at 1 of 1; then stops at 3 of 20, 3 of 97, 3 of 268",
            "pause after the first",
        ),
        (
            Way(max_failed_percent=5, in_a_row=3, pause_after_every=True),
            386,
            "canary stops at 1 of 1; then stops at 2 of 20, 5 of 97, 14 of 268; stops at 3 in a row",
            "pause after every wave",
        ),
        (Way(), 1, "one target: nothing to stop", ""),
        (Way(waves=(REST,), max_failed=0, on_trip=OnTrip.ROLL_BACK_ALL), 1, "stops at 1 of 1", ""),
        (Way(waves=(REST,), max_failed=5), 3, "never stops: all 3 may fail", ""),
        (Way(waves=(REST,), max_failed=5, in_a_row=3), 3, "all 3 may fail; stops at 3 in a row", ""),
        (Way(waves=(REST,), max_failed=5, in_a_row=4), 3, "never stops: all 3 may fail", ""),
        (Way(), 22, "canary stops at 1 of 1; then stops at 3 of 6, 3 of 13; in a wave of 2 all may fail", None),
        (
            Way(pause_after_canary=False, pause_after=(2, 4)),
            386,
            None,
            "pause after wave 2; no pause after wave 4: there are 4 waves",
        ),
        (Way(pause_after_canary=False, pause_after=(9,)), 386, None, "no pause after wave 9: there are 4 waves"),
        (Way(waves=(REST,), pause_after=(2,)), 3, None, "no pause after wave 2: there is 1 wave"),
    ],
)
def test_the_arithmetic_of_a_way_is_told(way: Way, targets: int, rule: str | None, pauses: str | None) -> None:
    counts = wave_counts(way.waves, targets)
    assert rule is None or stop_words(way, counts) == rule
    assert pauses is None or pause_words(way, len(counts)) == pauses


def test_outcomes_are_counted_and_none_is_lost() -> None:
    rollout = sample.running(sample.plan_of(sample.behind_fleet()))
    assert outcome_words(rollout) == "5 done · 2 put back · 3 working · 12 waiting"
    told = [(cause.count, cause.words) for cause in causes(rollout.targets)]
    assert told == [(2, sample.FAILURE)]


def test_what_needs_a_person_stands_first() -> None:
    rollout = sample.ended(sample.plan_of(sample.behind_fleet()))
    states = [target.state for target in by_urgency(rollout.targets)]
    assert states[:4] == [TargetState.STRANDED, TargetState.PUT_BACK, TargetState.PUT_BACK, TargetState.SKIPPED]
    assert set(states[4:]) == {TargetState.DONE}


def test_the_steps_of_a_target_are_those_of_the_journal_and_those_to_come() -> None:
    rollout = sample.running(sample.plan_of(sample.behind_fleet()))
    target = rollout.targets[7]
    lines = step_lines(target, sample.journal(rollout, target.environment_id, Step.VERIFY))
    assert [line.step for line in lines] == list(RECREATE_STEPS)
    done = RECREATE_STEPS.index(Step.VERIFY)
    assert all(line.result is Result.OK for line in lines[:done])
    assert lines[done].state == "working"
    assert all(line.begun is None for line in lines[done + 1 :])
    assert took(lines[0].begun, lines[0].ended) == "0:04"


def test_of_steps_that_were_announced_together_one_is_being_done() -> None:
    rollout = sample.running(sample.plan_of(sample.behind_fleet()))
    target = rollout.targets[7]
    journal = sample.journal(rollout, target.environment_id, Step.STOP)
    together = [*journal, replace(journal[-1], step=Step.START)]
    before, stop, start_new, *_ = step_lines(target, together)[RECREATE_STEPS.index(Step.STOP) - 1 :]
    assert (before.state, stop.state, start_new.begun) == (str(Result.OK), "working", None)
    stopped = replace(journal[-1], phase=Phase.OUTCOME, at=rollout.started_at + timedelta(minutes=1))
    after = step_lines(target, [*together, replace(stopped, result=Result.OK)])
    assert after[start_new.place].state == "working"
    started = replace(stopped, step=Step.START, result=Result.OK, at=stopped.at + timedelta(seconds=4))
    line = step_lines(target, [*together, replace(stopped, result=Result.OK), started])[start_new.place]
    assert took(line.begun, line.ended) == "0:04"


def test_the_steps_of_a_target_that_is_over_end_with_the_journal() -> None:
    rollout = sample.ended(sample.plan_of(sample.behind_fleet()))
    target = rollout.targets[0]
    journal = sample.journal(rollout, target.environment_id, Step.BAKE)
    assert step_lines(target, journal)[-1].step is Step.BAKE


def test_few_targets_of_an_unprotected_environment_start_with_one_question_only() -> None:
    plan = sample.plan_of(sample.behind_fleet(3))
    checked = sample.checked(plan, blocked=0, warned=0)
    quiet = type(checked)(tuple(result for result in checked.results if result.check is not Check.DISK))
    assert not question(plan, quiet, protected=False).reason
    assert question(plan, quiet, protected=True).reason
    assert question(plan, quiet, protected=False).number is None


def test_many_targets_ask_for_the_number_that_will_change_and_a_reason() -> None:
    plan = sample.plan_of(sample.behind_fleet(30))
    asked = question(plan, sample.checked(plan), protected=False)
    assert asked.number == len(plan.targets) - 2 == 26
    assert asked.reason
    assert asked.title == "Roll out 26.8.3 to 26 live mirrors?"
    assert asked.go == "Start rollout to 26"
    assert "2 targets are blocked and left out." in asked.details


def test_that_the_rule_rolls_back_is_asked_with_the_start() -> None:
    plan = sample.plan_of(sample.behind_fleet(30))
    assert "rolled back" not in question(plan, sample.checked(plan), protected=True).text
    ruled = replace(plan, way=replace(plan.way, on_trip=OnTrip.ROLL_BACK_ALL))
    asked = question(ruled, sample.checked(ruled), protected=True).text
    assert "everything that it changed is rolled back without another question" in asked


def test_the_steps_of_another_process_are_told_with_its_name() -> None:
    rollout = sample.ended(sample.plan_of(sample.behind_fleet()))
    target = rollout.targets[0]
    own = sample.journal(rollout, target.environment_id, Step.STOP)[-1]
    other = replace(own, process="worker")
    ended = [
        replace(one, phase=Phase.OUTCOME, result=result) for one, result in ((other, Result.OK), (own, Result.FAILED))
    ]
    assert [(line.process, line.result) for line in step_lines(target, [other, own, *ended])] == [
        ("worker", Result.OK),
        ("", Result.FAILED),
    ]


def test_what_was_rolled_back_since_is_counted_apart_and_stands_before_what_is_done() -> None:
    rollout = sample.taken_back(sample.paused(sample.plan_of(sample.behind_fleet())))
    assert outcome_words(rollout).startswith("2 done · 2 rolled back since · 4 put back · ")
    first = next(one for one in rollout.targets if one.rolled_back)
    state, words, _took = target_columns(lambda: NOW, lambda _target: "")[1:]
    assert state.status is not None
    assert (state.text(first), state.status(first)) == ("rolled back", Status.BEHIND)
    assert words.text(first) == "rolled back by B51C-07E2; it was done before"
    places = [one.stands for one in by_urgency(rollout.targets)]
    # What a rollback failed at comes before that, with the word of its own.
    assert places[0] == "done"
    assert state.status(by_urgency(rollout.targets)[0]) is Status.UNHEALTHY
    assert places.index("rolled back") < places.index("done", 1)


@pytest.mark.parametrize(
    ("states", "glyph"),
    [
        ([TargetState.PUT_BACK], Status.BEHIND),
        ([TargetState.STRANDED], Status.UNHEALTHY),
        ([TargetState.DONE], Status.ALIGNED),
    ],
)
def test_a_wave_whose_failures_all_serve_as_before_is_no_alarm(states: list[TargetState], glyph: Status) -> None:
    rollout = sample.started(sample.plan_of(sample.behind_fleet()))
    first = waves_of(sample.with_states(rollout, [(state, "") for state in states]))[0]
    assert (first.over, first.total, first.glyph) == (1, 1, glyph)
