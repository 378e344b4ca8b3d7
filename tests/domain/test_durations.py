"""How long a rollout takes is learned from earlier ones, told as a range, and never made up."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.durations import (
    ENOUGH,
    Eta,
    Lasted,
    Learned,
    eta_of_plan,
    eta_of_rollout,
    learn,
    learned_here,
    left_words,
    nine_of_ten,
    plan_words,
    range_text,
    slower_than_usual,
    wave_seconds,
)
from mirror_console.domain.journal import JournalEntry, Phase, Result
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.release_command import BackupCommand, Preparation, ReleaseCommand
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.steps import CREATE_STEPS, RECREATE_STEPS, Step
from mirror_console.domain.way import REST, WaveSize, Way
from tests.domain.parts import NOW
from tests.domain.rollouts import rollout, states_of, target

SECONDS = st.floats(0, 10_000, allow_nan=False)
WAYS = st.builds(Way, at_once=st.integers(1, 9), at_once_per_engine=st.integers(1, 4))


def turns(*seconds: float, environment: str = "live", engine: str = "a", change: Change = Change.UPDATE) -> Learned:
    return Learned(tuple(Lasted(environment, engine, change, one) for one in seconds))


def on(engine: str, number: int = 0) -> PlannedTarget:
    return target(number, engine, 0).planned


@given(st.lists(st.tuples(st.sampled_from("abc"), SECONDS), min_size=1, max_size=40), WAYS)
def test_a_wave_takes_no_less_than_its_work_shared_out_and_no_more_than_one_after_the_other(
    work: list[tuple[str, float]], way: Way
) -> None:
    taken = wave_seconds([(on(engine, place), seconds, 0.0) for place, (engine, seconds) in enumerate(work)], way)
    everything = sum(seconds for _, seconds in work)
    longest = max(seconds for _, seconds in work)
    on_one = max(sum(seconds for engine, seconds in work if engine == one) for one in "abc")

    assert taken >= max(longest, everything / way.at_once, on_one / way.at_once_per_engine) - 1e-6
    assert taken <= everything + 1e-6


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 4), st.integers(1, 1000))
def test_turns_of_the_same_length_go_in_rounds(count: int, at_once: int, per_engine: int, seconds: int) -> None:
    way = Way(at_once=at_once, at_once_per_engine=per_engine)
    taken = wave_seconds([(on("a", place), float(seconds), 0.0) for place in range(count)], way)

    assert taken == seconds * -(-count // min(at_once, per_engine))


@given(st.lists(SECONDS, min_size=1, max_size=60), st.integers(1, 60), WAYS)
def test_the_range_is_one_and_what_is_done_shortens_it(seconds: list[float], count: int, way: Way) -> None:
    now = rollout(["a"] * count, replace(way, waves=(WaveSize(count=1), REST)))
    learned = turns(*seconds)
    whole = eta_of_plan(now.plan, learned)
    assert whole is not None
    assert 0 <= whole.low <= whole.high
    assert whole.turns == len(seconds)
    assert eta_of_rollout(now, learned, NOW) == whole

    later = eta_of_rollout(states_of(now, TargetState.ALREADY), learned, NOW)
    assert later is None or (later.low <= whole.low and later.high <= whole.high)


@given(st.lists(SECONDS, min_size=1, max_size=50))
def test_nine_of_ten_is_a_turn_that_nine_of_ten_do_not_exceed(seconds: list[float]) -> None:
    high = nine_of_ten(sorted(seconds))

    assert high in seconds
    assert sum(one <= high for one in seconds) >= 0.9 * len(seconds)


@given(SECONDS, SECONDS)
def test_a_range_in_words_is_never_narrower_than_it_is(first: float, second: float) -> None:
    low, high = sorted((first, second))
    told = re.fullmatch(r"(?:up to )?(?:([0-9.]+)–)?([0-9.]+) (s|min|h)", range_text(low, high))

    assert told is not None
    unit = {"s": 1, "min": 60, "h": 3600}[told[3]]
    assert float(told[2]) * unit >= high - 1e-6
    if told[1]:
        assert float(told[1]) * unit <= low


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (41, 52, "40–55 s"),
        (0, 0, "up to 5 s"),
        (725, 1050, "12–18 min"),
        (5500, 7300, "1.5–2.5 h"),
        (720, 720, "12 min"),
    ],
)
def test_ranges_in_words(low: float, high: float, words: str) -> None:
    assert range_text(low, high) == words


def test_what_is_closest_is_learned_from_as_soon_as_there_is_enough() -> None:
    here = turns(*[10.0] * ENOUGH)
    elsewhere = turns(*[30.0] * ENOUGH, engine="b")
    one = on("a")

    assert here.also(elsewhere.lasted).usual(one) == here.usual(one)
    usual = turns(10.0).also(elsewhere.lasted).usual(one)
    assert usual is not None
    # Of this engine alone there is too little: the environment is the next that is closest.
    assert (usual.middle, usual.turns) == (30.0, ENOUGH + 1)
    other = turns(*[99.0] * 3, change=Change.CREATE, environment="test").usual(one)
    assert other is not None
    assert other.turns == 3


def test_it_is_said_when_there_is_little_or_nothing_to_learn_from() -> None:
    plan = rollout(["a"] * 4, Way(waves=(REST,), bake=0.0, at_once_per_engine=1)).plan

    assert eta_of_plan(plan, Learned()) is None
    assert str(eta_of_plan(plan, turns(60.0, 65.0, 90.0))) == "about 4–6 min (learned from 3 targets only)"
    assert str(eta_of_plan(plan, turns(60.0))) == "about 4 min (learned from 1 target only)"
    assert str(eta_of_plan(plan, turns(*[60.0] * ENOUGH))) == "about 4 min"
    assert str(Eta(725, 1050, 40)) == "about 12–18 min"
    assert str(Eta(0, 4, 40)) == "up to 5 s"
    assert plan_words(plan, Learned()) == "how long it takes isn't known: no earlier rollout to learn from"
    assert plan_words(plan, turns(*[60.0] * ENOUGH)) == "about 4 min; fetching images not counted"
    pausing = rollout(["a"] * 4, Way(waves=(WaveSize(count=1), REST), bake=0.0)).plan
    told = plan_words(pausing, turns(*[60.0] * ENOUGH))
    assert told == "about 3 min; pauses and fetching images not counted"


def test_what_is_left_is_told_while_it_runs() -> None:
    now = rollout(["a"] * 4, Way(waves=(REST,), bake=0.0, at_once_per_engine=1))
    learned = turns(*[60.0] * ENOUGH)

    assert left_words(now, learned, NOW) == "about 4 min left"
    assert left_words(states_of(now, *[TargetState.ALREADY] * 3), learned, NOW) == "about 60 s left"
    assert left_words(now, Learned(), NOW) == "no earlier rollout to learn from"
    assert left_words(states_of(now, *[TargetState.ALREADY] * 4), learned, NOW) == ""
    assert left_words(replace(now, state=RolloutState.PAUSED), learned, NOW) == ""


@pytest.mark.parametrize("steps", [RECREATE_STEPS, CREATE_STEPS])
def test_a_turn_is_learned_from_the_journal_without_fetching_and_baking(steps: tuple[Step, ...]) -> None:
    lasts = {Step.PULL: 100, Step.BAKE: 60, Step.VERIFY: 7}
    lines, at = [], NOW
    for step in steps:
        lines.append(JournalEntry("r", "e0", "web", 1, step, Phase.INTENT, at))
        at += timedelta(seconds=lasts.get(step, 1))
        lines.append(JournalEntry("r", "e0", "web", 1, step, Phase.OUTCOME, at, Result.OK))
    done = {("r", "e0"): on("a")}
    seconds = sum(lasts.get(step, 1) for step in steps if step not in {Step.PULL, Step.BAKE})

    assert learn(lines, done).lasted == (Lasted("live", "a", on("a").change, seconds, 100.0),)
    # What failed, and what the lines don't tell from its beginning, teaches nothing.
    assert learn(lines, {}) == Learned()
    lock = next(place for place, line in enumerate(lines) if line.step is Step.LOCK)
    assert learn(lines[lock + 2 :], done) == Learned()


def test_what_its_commands_took_is_no_part_of_how_long_a_swap_lasts() -> None:
    lasts = {Step.BACK_UP: 30, Step.RELEASE: 600}
    steps = (Step.LOCK, Step.CREATE, Step.BACK_UP, Step.RELEASE, Step.STOP, Step.START, Step.UNLOCK)
    lines, at = [], NOW
    for step in steps:
        lines.append(JournalEntry("r", "e0", "web", 1, step, Phase.INTENT, at))
        at += timedelta(seconds=lasts.get(step, 1))
        lines.append(JournalEntry("r", "e0", "web", 1, step, Phase.OUTCOME, at, Result.OK))
    ran = with_commands(on("a"))

    assert [one.seconds for one in learn(lines, {("r", "e0"): ran}).lasted] == [5.0]
    # Another one of its group ran it, and was waited for: no step tells for how long.
    waited = [line for line in lines if line.step not in lasts]
    grouped = {("r", "e0"): with_commands(on("a"), group="shopdata")}
    assert [one.seconds for one in learn(waited, grouped).lasted] == [5.0]
    assert [one.seconds for one in learn(waited, {("r", "e0"): ran}).lasted] == [635.0]


def test_commands_are_told_where_time_is_told_and_never_make_a_swap_slow() -> None:
    now = rollout(["a"] * 4, Way(waves=(WaveSize(count=1), REST), pause_after_canary=True, bake=0.0))
    prepared = [replace(one, planned=with_commands(one.planned)) for one in now.targets]
    plan = replace(now.plan, targets=tuple(one.planned for one in prepared))
    learned = turns(*[60.0] * ENOUGH)

    told = plan_words(plan, learned)
    assert told.endswith("pauses, release commands (at most 1 h each) and fetching images not counted")
    running = replace(now, targets=tuple(prepared), plan=plan)
    assert left_words(running, learned, NOW).endswith(" left, release commands (at most 1 h each) not counted")
    backed_up = replace(with_commands(on("a")).preparation or Preparation("", ()), release=None)
    plan_of_backups = replace(plan, targets=tuple(replace(one, preparation=backed_up) for one in plan.targets))
    assert "backups (at most 1 min each)" in plan_words(plan_of_backups, learned)
    done = [replace(one, state=TargetState.DONE, started_at=NOW, ended_at=NOW) for one in prepared]
    assert learned_here(replace(running, targets=tuple(done))) == []

    working = replace(prepared[0], state=TargetState.SWAPPING, started_at=NOW)
    assert slower_than_usual(working, plan.way, learned, NOW + timedelta(seconds=600)) == ""
    late = slower_than_usual(working, plan.way, learned, NOW + timedelta(seconds=4000))
    assert late == "slower than usual: 66:40, usually up to 1:00 and 60:00 for its commands"


def with_commands(planned: PlannedTarget, group: str = "") -> PlannedTarget:
    preparation = Preparation(
        "data", ("release",), group, ReleaseCommand(("migrate",), limit=3540.0), BackupCommand(("dump",), limit=60.0)
    )
    return replace(planned, preparation=preparation)


def test_a_turn_that_lasts_longer_than_usual_is_told_and_never_before_it_is_known() -> None:
    way = Way(bake=30.0)
    learned = turns(*[20.0] * 10)
    working = replace(target(0, "a", 0), state=TargetState.SWAPPING, started_at=NOW)

    def told(seconds: float, what: Learned = learned, state: TargetState = TargetState.SWAPPING) -> str:
        return slower_than_usual(replace(working, state=state), way, what, NOW + timedelta(seconds=seconds))

    assert told(60) == ""
    assert told(80) == "slower than usual: 1:20, usually up to 0:50"
    assert told(80, state=TargetState.FETCHING) == ""
    assert told(80, state=TargetState.DONE) == ""
    assert told(80, turns(*[20.0] * (ENOUGH - 1))) == ""
    assert told(80, Learned()) == ""


def test_once_its_own_turns_are_enough_they_alone_count() -> None:
    now = rollout(["a"] * 20, Way(waves=(REST,), bake=0.0, at_once_per_engine=1))
    done = [
        replace(one, state=TargetState.DONE, started_at=NOW, ended_at=NOW + timedelta(seconds=10))
        for one in now.targets[:ENOUGH]
    ]
    under_way = replace(now, targets=(*done, *now.targets[ENOUGH:]))

    assert eta_of_rollout(under_way, turns(*[1000.0] * 50), NOW) == Eta(150.0, 150.0, ENOUGH)
    working = replace(under_way.targets[ENOUGH], state=TargetState.SWAPPING, started_at=NOW - timedelta(seconds=4))
    at_work = replace(under_way, targets=(*done, working, *now.targets[ENOUGH + 1 :]))
    assert eta_of_rollout(at_work, Learned(), NOW) == Eta(146.0, 146.0, ENOUGH)
