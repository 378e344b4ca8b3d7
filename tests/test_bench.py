"""The harness of the benchmarks: ratios, goals, exit codes and both forms of its report, on benchmarks without work."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.benchmarks.__main__ import BENCHMARKS, main
from tests.benchmarks.harness import Benchmark, Bound, Further, Goal, Measured, NotMeasured, Sides, measure, table
from tests.lab.programs import LabError

pytestmark = pytest.mark.slow


def made_up(
    ours: Sequence[float],
    alternative: Sequence[float],
    goal: Goal,
    *,
    name: str = "made-up",
    log: list[str] | None = None,
) -> Benchmark:
    """A benchmark that gives these figures in turn, each side's first for the warm-up."""
    met = [] if log is None else log

    @contextmanager
    def sides() -> Iterator[Sides]:
        mine, other = iter(ours), iter(alternative)

        def one() -> float:
            met.append("ours")
            return next(mine)

        def two() -> float:
            met.append("alternative")
            return next(other)

        met.append("set up")
        yield Sides(one, two, ["a note"])
        met.append("taken away")

    return Benchmark(name, "s", "ours", "theirs", goal, len(ours) - 1, sides)


AT_MOST = Goal(Bound.AT_MOST, 1.3)
AT_LEAST = Goal(Bound.AT_LEAST, 0.8)
SLOWER = ([9.0, 3.0, 2.0, 4.0], [9.0, 2.0, 2.0, 2.0])
FASTER = ([9.0, 1.0, 1.0], [9.0, 2.0, 1.0])


def test_the_ratio_is_the_median_of_the_rounds_without_the_warm_up() -> None:
    measured = measure(made_up(*SLOWER, AT_MOST))
    assert measured.ratios == (1.5, 1.0, 2.0)
    assert measured.ratio == 1.5
    assert not measured.holds


def test_sides_are_measured_in_turn_and_the_first_changes() -> None:
    log: list[str] = []
    measure(made_up([1.0] * 4, [1.0] * 4, AT_MOST, log=log), rounds=2)
    warm_up, first, second = ["ours", "alternative"], ["ours", "alternative"], ["alternative", "ours"]
    assert log == ["set up", *warm_up, *first, *second, "taken away"]


@pytest.mark.parametrize(
    ("goal", "ratio", "holds"),
    [(AT_MOST, 1.3, True), (AT_MOST, 1.31, False), (AT_LEAST, 0.8, True), (AT_LEAST, 0.79, False)],
)
def test_a_goal_is_reached_at_its_figure(goal: Goal, ratio: float, holds: bool) -> None:
    assert goal.holds(ratio) is holds
    assert Measured(made_up([], [], goal), (ratio,), (1.0,)).holds is holds


def test_one_goal_that_is_missed_is_told_by_table_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = made_up(*FASTER, AT_MOST, name="good"), made_up(*SLOWER, AT_MOST, name="bad")
    assert main(["good"], [good, bad]) == 0
    capsys.readouterr()
    assert main([], [good, bad]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "ours", "alternative", "ratio", "min", "max", "goal", "holds"]
    assert lines[1].split() == ["good", "1", "s", "1.5", "s", "0.75", "0.50", "1.00", "≤", "1.3", "yes"]
    assert lines[2].split() == ["bad", "3", "s", "2", "s", "1.50", "1.00", "2.00", "≤", "1.3", "NO"]


def test_json_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    both = [made_up(*FASTER, AT_LEAST, name="one"), made_up(*FASTER, AT_MOST, name="two")]
    assert main(["--json"], both) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["name"], line["holds"]) for line in told] == [("one", False), ("two", True)]
    assert told[0]["ratio"] == {"median": 0.75, "min": 0.5, "max": 1.0}
    assert told[0]["goal"] == {"bound": "≥", "ratio": 0.8}
    assert told[0]["notes"] == ["a note"]


def test_a_name_that_is_not_known_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    log: list[str] = []
    assert main(["made-up", "else"], [made_up(*FASTER, AT_MOST, log=log)]) == 2
    assert capsys.readouterr().err == "There is no benchmark else. There are: made-up.\n"
    assert log == []


@pytest.mark.parametrize("rounds", ["0", "-1", "many"])
def test_rounds_are_a_number_from_one_on(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--rounds", rounds], [])
    assert ended.value.code == 2
    assert "--rounds" in capsys.readouterr().err


def test_what_the_lab_needs_is_said_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def no_lab() -> AbstractContextManager[Sides]:
        raise LabError("The lab needs root.")

    assert main([], [Benchmark("labless", "s", "ours", "theirs", AT_MOST, 1, no_lab)]) == 1
    assert capsys.readouterr().err == "labless was not measured: The lab needs root.\n"


def test_one_that_could_not_be_measured_costs_no_other_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    def nothing_seen() -> AbstractContextManager[Sides]:
        raise NotMeasured("nothing was seen")

    blind = Benchmark("blind", "s", "ours", "theirs", AT_MOST, 1, nothing_seen)
    assert main([], [blind, made_up(*FASTER, AT_MOST, name="good")]) == 1
    told = capsys.readouterr()
    assert "blind was not measured: nothing was seen" in told.err
    assert "\ngood " in told.out


def test_the_table_tells_what_was_compared() -> None:
    text = table([measure(made_up(*FASTER, AT_MOST))])
    assert text.endswith("made-up: ours; the alternative: theirs.\n  a note")


def test_there_is_one_benchmark_for_each_promise() -> None:
    goals = {benchmark.name: str(benchmark.goal) for benchmark in BENCHMARKS}
    assert goals == {
        "refresh-one": "≤ 1.3",
        "refresh-beside-fault": "≤ 1.2",
        "refresh-fleet": "≤ 1.5",
        "rollout-recreate": "≥ 0.8",
        "rollout-500": "≥ 0.9",
        "recreate-gap": "≤ 1.5",
        "scale-2000": "≤ 1.3",
        "zero-downtime": "≤ 0",
        "ssh-warm": "≤ 1.5",
        "relay": "≥ 0.8",
        "align-10k": "≤ 0.25",
        "filter": "≤ 2",
    }


# --- bounds beside the ratio ----------------------------------------------------------------------------------------


def bounded(figures: dict[str, list[float]], name: str = "bounded") -> Benchmark:
    """A benchmark whose ratio is good, with a bound of 400 MB and one of 2 %."""

    @contextmanager
    def sides() -> Iterator[Sides]:
        further: dict[str, list[float]] = {}
        yield Sides(lambda: 1.0, lambda: 1.0, further=further, afterwards=lambda: further.update(figures))

    bounds = (
        Further("memory", "MB", Goal(Bound.AT_MOST, 400.0)),
        Further("idle CPU", "% of a core", Goal(Bound.AT_MOST, 2.0)),
    )
    return Benchmark(name, "s", "ours", "theirs", AT_MOST, 1, sides, bounds)


@pytest.mark.parametrize(
    ("figures", "holds"),
    [
        ({"memory": [400.0], "idle CPU": [1.0, 2.0]}, True),
        ({"memory": [401.0], "idle CPU": [1.0]}, False),
        ({"memory": [100.0], "idle CPU": [1.0, 2.1]}, False),
        ({"memory": [100.0]}, False),
        ({"memory": [100.0], "idle CPU": []}, False),
    ],
)
def test_every_bound_has_to_be_kept_and_measured(
    capsys: pytest.CaptureFixture[str], figures: dict[str, list[float]], holds: bool
) -> None:
    assert main(["bounded", "--json"], [bounded(figures)]) == (0 if holds else 1)
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is holds
    assert [bound["name"] for bound in told["further"]] == ["memory", "idle CPU"]
    assert all(bound["holds"] for bound in told["further"]) is holds
    assert main(["bounded"], [bounded(figures)]) == (0 if holds else 1)
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line.strip().startswith(("memory", "idle CPU"))]
    assert len(lines) == 2
    assert any(line.endswith("NO") for line in lines) is not holds
    assert "≤ 400 MB" in lines[0]
