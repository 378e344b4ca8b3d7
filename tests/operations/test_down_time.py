"""Down time beyond one turn: what waits for a decision is down meanwhile, and of what nobody knows no span is told."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.environment import HealthTest
from mirror_console.domain.rollout import Rollout, Target, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import OnFailure, Way
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import report_csv, report_html, report_json, summary_text
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

ASK = replace(QUICK, on_failure=OnFailure.ASK, max_failed=9, health_limit=0.3)
LEAVE = replace(ASK, on_failure=OnFailure.LEAVE)
NAME = "mirror-01-live"
THOUGHT = 600.0
"""Seconds for which a person thought about it, by the clock of this computer."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind_what_is_ill) as made:
        yield made


def later(fleet: Fleet, seconds: float = THOUGHT) -> Console:
    """The console when so much time has gone by for this computer's clock, and none for what counts seconds."""
    clock = fleet.console.clock
    return replace(fleet.console, clock=lambda: clock() + timedelta(seconds=seconds))


def only(rollout: Rollout) -> Target:
    (target,) = rollout.targets
    return target


def decided(fleet: Fleet, asking: Rollout, decision: Decision, seconds: float = THOUGHT) -> Target:
    assert only(asking).state is TargetState.UNDECIDED
    ids = [only(asking).environment_id]
    return only(decide_on(later(fleet, seconds), fleet.jobs, asking.id, ids, decision))


def reported(fleet: Fleet, rollout: Rollout) -> tuple[str, dict[str, str], str]:
    """What the forms of the report say: the summary's line, the row of the table, and what the HTML says of all."""
    summary, page = summary_text(fleet.console, rollout.id), report_html(fleet.console, rollout.id)
    line = next((one for one in summary.splitlines() if "Down time" in one), "")
    row = next(csv.DictReader(io.StringIO(report_csv(fleet.console, rollout.id), newline="")))
    whole = page.partition("<dt>Down time</dt><dd>")[2].partition("</dd>")[0]
    assert whole.removeprefix("for each target: ") == line.removeprefix("- Down time for each target: ")
    told = json.loads(report_json(fleet.console, rollout.id))
    assert told["down_words"] == whole.removeprefix("for each target: ")
    assert (told["targets"][0]["down_seconds"] is None) is (row["down_seconds"] == "")
    assert ('<td class="n">not known</td>' in page) is bool(row["down_since"])
    return line, row, whole


def test_it_is_down_while_it_waits_for_a_decision(fleet: Fleet) -> None:
    asking = fleet.roll_out(ASK)
    waits = only(asking)
    assert waits.down_for is None, "nobody knows yet for how long"
    line, row, _ = reported(fleet, asking)
    assert line == "- Down time for each target: not known, of 1 target that was down"
    back = decided(fleet, asking, Decision.PUT_BACK)
    assert back.state is TargetState.PUT_BACK
    assert back.down_since is None
    assert THOUGHT < (back.down_for or 0.0) < THOUGHT + 60
    line, row, _ = reported(fleet, asking)
    assert "longest 10 min" in line
    assert "known of" not in line
    assert float(row["down_seconds"]) > THOUGHT


def test_a_clock_that_was_set_back_tells_no_span(fleet: Fleet) -> None:
    back = decided(fleet, fleet.roll_out(ASK), Decision.PUT_BACK, -THOUGHT)
    assert back.state is TargetState.PUT_BACK
    assert back.down_for is None
    assert back.down_since is not None


@pytest.mark.parametrize("way", [LEAVE, ASK])
def test_of_what_is_left_down_nobody_knows_for_how_long(fleet: Fleet, way: Way) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.EXITS_AT_ONCE)
    refresh(fleet.console, fleet.jobs)
    rollout = fleet.roll_out(way)
    left = only(rollout) if way is LEAVE else decided(fleet, rollout, Decision.LEAVE)
    assert left.state is TargetState.LEFT
    assert left.words.endswith("it is down")
    assert left.down_for is None
    line, row, _ = reported(fleet, rollout)
    assert "not known, of 1 target" in line
    assert row["down_seconds"] == ""
    assert row["down_since"] != ""
    with fleet.console.catalog.read() as books:
        ends = [one.act.after for one in books.audit.of(rollout.id) if one.act.result == TargetState.LEFT]
    assert ["down_seconds" in one for one in ends] == [False]
    assert ends[0]["down_since"]


def _without_check(made: Fleet) -> None:
    made.publish("26.8.2", health_interval=0)
    made.run_mirrors("26.8.2")
    made.publish("26.8.3", health_interval=0)
    refresh(made.console, made.jobs)


def test_what_served_because_it_ran_and_then_ended_is_down() -> None:
    """Where nothing but that it runs can be known: it was taken for serving, for a moment."""
    with small_fleet(mirrors=1, prepared=_without_check) as fleet:
        fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), health=HealthTest(settle=1.0, limit=5.0))
        engine = fleet.simulated.engines["alpha"]

        def falls(boundary: str) -> None:
            if boundary == "VERIFY:intent":
                engine.stop_container(f"{NAME}.mc-next")

        fleet.console = replace(fleet.console, mark=falls)
        asking = fleet.roll_out(ASK)
        assert only(asking).down_seconds is not None, "it was taken for serving"
        assert only(asking).down_for is None
        back = decided(fleet, asking, Decision.PUT_BACK)
        assert back.state is TargetState.PUT_BACK
        assert (back.down_for or 0.0) > THOUGHT


def test_one_that_fell_while_baking_is_down_from_then_on(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    engine = fleet.simulated.engines["alpha"]

    def falls(boundary: str) -> None:
        if boundary == "BAKE:intent":
            engine.stop_container(NAME)

    fleet.console = replace(fleet.console, mark=falls)
    asking = fleet.roll_out(replace(ASK, bake=10.0, health_limit=5.0))
    assert "while baking" in only(asking).words
    assert only(asking).down_for is None
    assert (decided(fleet, asking, Decision.PUT_BACK).down_for or 0.0) > THOUGHT


def test_a_new_attempt_keeps_the_longest_span(fleet: Fleet) -> None:
    asking = fleet.roll_out(ASK)
    again = retry(later(fleet), fleet.jobs, asking.id)
    ended = Conductor(fleet.console, fleet.jobs, again).run()
    assert only(ended).attempt == 2
    # The second attempt waits for a decision in its turn; the first one's span isn't forgotten over that.
    assert (only(ended).down_seconds or 0.0) > THOUGHT


def cut_off(fleet: Fleet, boundary: str) -> Rollout:
    def fail(here: str) -> None:
        if here == boundary:
            raise CatalogError("The journal can't be written.", "A test says so.")

    whole = fleet.console
    fleet.console = replace(whole, mark=fail)
    with pytest.raises(CatalogError, match="journal"):
        fleet.roll_out(QUICK)
    fleet.console = whole
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


def goes_on(console: Console, fleet: Fleet, cut: Rollout) -> Rollout:
    return recovery.go_on(console, fleet.jobs, cut.id).run()


def goes_back(console: Console, fleet: Fleet, cut: Rollout) -> Rollout:
    return recovery.put_back(console, fleet.jobs, cut.id)


@pytest.fixture
def well(fleet: Fleet) -> Fleet:
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    return fleet


@pytest.mark.parametrize("choose", [goes_on, goes_back])
def test_what_was_cut_off_while_nothing_ran_was_down_all_the_time(
    well: Fleet, choose: Callable[[Console, Fleet, Rollout], Rollout]
) -> None:
    cut = cut_off(well, f"{Step.STOP.name}:sent")
    ended = only(choose(later(well), well, cut))
    assert ended.state in {TargetState.DONE, TargetState.PUT_BACK}
    assert (ended.down_for or 0.0) > THOUGHT


def test_what_may_have_served_while_it_lay_cut_off_tells_no_span(well: Fleet) -> None:
    cut = cut_off(well, f"{Step.START.name}:sent")
    ended = only(goes_on(later(well), well, cut))
    assert ended.state is TargetState.DONE
    assert ended.down_since is not None
    assert ended.down_for is None
    line, _, _ = reported(well, cut)
    assert "not known" in line


def test_what_was_cut_off_before_it_was_stopped_never_was_down(well: Fleet) -> None:
    cut = cut_off(well, f"{Step.STOP.name}:intent")
    assert only(cut).down_since is not None, "it was about to be stopped"
    ended = only(goes_back(later(well), well, cut))
    assert ended.state in {TargetState.FAILED, TargetState.PUT_BACK}
    assert (ended.down_since, ended.down_seconds) == (None, None)
    line, row, _ = reported(well, cut)
    assert (line, row["down_seconds"], row["down_since"]) == ("", "", "")


def test_it_is_told_of_how_many_it_is_known() -> None:
    with small_fleet(prepared=Fleet.fall_behind) as fleet:
        ended = fleet.roll_out(QUICK)
        assert "known of" not in summary_text(fleet.console, ended.id)
        one = replace(ended.targets[0], state=TargetState.LEFT, down_since=ended.started_at)
        with fleet.console.catalog.write() as books:
            books.rollouts.save_target(ended.id, one)
        line, _, _ = reported(fleet, ended)
        assert line.endswith(", known of 3 of 4 targets that were down")
        told = json.loads(report_json(fleet.console, ended.id))
        assert (told["down_known"], told["down_targets"]) == (3, 4)
