"""What was decided about targets, in the report: what, who and when; and how often each was begun."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.audit import doing_words
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import REST, OnFailure, WaveSize
from mirror_console.operations.console import Console
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.report import report_csv, report_html, summary_text
from mirror_console.operations.report_content import report_content
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from tests.operations.fleet import QUICK, Fleet, now, small_fleet
from tests.operations.test_report import Shifted

pytestmark = pytest.mark.slow

COULD_NOT = (
    "Stopped by operator. 1 failed target could not be put back, and waits for a decision still (Mirror 01: The socket "
    "of alpha isn't there). Once the cause is gone, stop the rollout again, or say what is to become of what waits."
)
ASK = replace(QUICK, on_failure=OnFailure.ASK, max_failed=9, health_limit=0.3)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind_what_is_ill) as made:
        yield made


def told(fleet: Fleet, rollout: Rollout) -> list[str]:
    """The decisions, without why it paused before them."""
    found = report_content(fleet.console, rollout.id).decisions
    page, summary = report_html(fleet.console, rollout.id), summary_text(fleet.console, rollout.id)
    assert all(f"<td>{one.words}</td>" in page and one.words in summary for one in found if "," not in one.words)
    assert {one.who for one in found} <= {"operator"}
    return [one.words for one in found if not one.words.startswith(("Paused", "Stop rule"))]


def decided(console: Console, fleet: Fleet, rollout: Rollout, decision: Decision, *places: int) -> Rollout:
    ids = [rollout.targets[place].environment_id for place in places]
    return decide_on(console, fleet.jobs, rollout.id, ids, decision)


def test_what_was_decided_about_targets_is_told_with_those_it_was_about(fleet: Fleet) -> None:
    asking = fleet.roll_out(replace(ASK, waves=(REST,)))
    assert [one.state for one in asking.targets] == [TargetState.UNDECIDED] * 4
    assert told(fleet, asking) == []
    decided(fleet.console, fleet, asking, Decision.LEAVE, 1)
    decided(fleet.console, fleet, asking, Decision.SKIP, 0)
    assert told(fleet, asking) == ["Left as it is: Mirror 02", "Skipped: Mirror 01"], "it was put back for that alone"
    decided(fleet.console, fleet, asking, Decision.PUT_BACK, 2, 3)
    *_, last = told(fleet, asking)
    assert last.startswith("Put back: ")
    assert sorted(last.removeprefix("Put back: ").split(", ")) == ["Mirror 03", "Mirror 04"]
    # What isn't open any more is passed over, by a word of its own.
    decided(fleet.console, fleet, asking, Decision.SKIP, 3)
    assert told(fleet, asking)[-1] == "Skipped: Mirror 04"


def test_what_is_decided_about_the_last_target_is_no_stop(fleet: Fleet) -> None:
    """It was stopped long before, when one target could not be put back; what ends it is that this one is left."""
    asking = fleet.roll_out(ASK)
    engine = fleet.simulated.engines[asking.targets[0].planned.engine]
    engine.make_unreachable()
    conductor = Conductor(fleet.console, fleet.jobs, asking)
    conductor.stop()
    paused = conductor.run()
    assert (paused.state, paused.count(TargetState.NOT_STARTED)) == (RolloutState.PAUSED, 3)
    engine.make_reachable()
    ended = decided(fleet.console, fleet, paused, Decision.LEAVE, 0)
    assert ended.state is RolloutState.STOPPED
    assert told(fleet, ended) == [COULD_NOT, "Left as it is: Mirror 01"]


def test_a_stop_that_could_not_put_everything_back_is_told_at_the_head_and_what_to_do(fleet: Fleet) -> None:
    """The time until it is stopped once more was waited, and not worked."""
    asking = fleet.roll_out(replace(ASK, waves=(WaveSize(count=2), REST)))
    away = fleet.simulated.engines[asking.targets[0].planned.engine]
    away.make_unreachable()
    paused = stopped(fleet, asking)
    assert [one.state for one in paused.targets][:2] == [TargetState.UNDECIDED, TargetState.PUT_BACK]
    assert paused.paused_because == COULD_NOT
    assert told(fleet, paused) == ["Put back: Mirror 02", COULD_NOT]
    summary, page = summary_text(fleet.console, paused.id), report_html(fleet.console, paused.id)
    assert summary.splitlines()[2] == COULD_NOT
    assert COULD_NOT in html.unescape(page.partition("<h2>")[0])
    with fleet.console.catalog.read() as books:
        *_, line = books.audit.of(paused.id)
    assert (doing_words(line.act), line.act.why) == ("rollout changed: why it waits", COULD_NOT)

    away.make_reachable()
    shifted = Shifted(fleet.console.catalog)
    with shifted.later(7200) as catalog:
        later = replace(fleet.console, catalog=catalog, clock=lambda: now() + timedelta(seconds=7200))
        ended = stopped(fleet, paused, later)
    assert (ended.state, ended.paused_because) == (RolloutState.STOPPED, "")
    assert [one.state for one in ended.targets][:2] == [TargetState.PUT_BACK] * 2
    found = report_content(fleet.console, ended.id)
    assert found.waited_seconds == pytest.approx(7200, abs=60)
    assert found.seconds is not None
    assert found.seconds < 60


def test_a_stop_that_strands_a_target_says_so_though_it_has_ended(fleet: Fleet) -> None:
    asking = fleet.roll_out(ASK)
    engine = fleet.simulated.engines[asking.targets[0].planned.engine]

    def take_its_port(boundary: str) -> None:
        if boundary == f"{Step.STOP_NEW.name}:outcome":
            engine.leak_port(11001)

    ended = stopped(fleet, asking, replace(fleet.console, mark=take_its_port))
    assert (ended.state, ended.targets[0].state) == (RolloutState.STOPPED, TargetState.STRANDED)
    assert ended.paused_because.startswith(
        "Stopped by operator. 1 failed target could not be put back, and is stranded (Mirror 01: "
    )
    assert "port is already allocated). Look at what runs there now" in ended.paused_because
    assert told(fleet, ended) == ["Decided about, and stranded: Mirror 01", ended.paused_because]
    cause, _, kept_from_it = ended.targets[0].words.partition(". Putting back failed: ")
    assert (cause, "port is already allocated" in kept_from_it) == (asking.targets[0].words, True)


def stopped(fleet: Fleet, rollout: Rollout, console: Console | None = None) -> Rollout:
    conductor = Conductor(console or fleet.console, fleet.jobs, rollout)
    conductor.stop()
    return conductor.run()


def test_a_stop_by_a_person_is_told(fleet: Fleet) -> None:
    asking = fleet.roll_out(ASK)
    conductor = Conductor(fleet.console, fleet.jobs, asking)
    conductor.stop()
    assert conductor.run().state is RolloutState.STOPPED
    assert told(fleet, asking) == ["Put back: Mirror 01", "Stopped"]


def test_what_failed_in_a_rollout_that_has_ended_is_tried_again_without_a_pause_of_nobody(fleet: Fleet) -> None:
    ended = fleet.roll_out(replace(ASK, waves=(REST,)))
    ended = decided(fleet.console, fleet, ended, Decision.PUT_BACK, 0, 1, 2, 3)
    stranded = replace(ended.targets[0], state=TargetState.STRANDED)
    with fleet.console.catalog.write() as books:
        books.rollouts.save_target(ended.id, stranded)
    retry(fleet.console, fleet.jobs, ended.id, [stranded.environment_id])
    words = [one.words for one in report_content(fleet.console, ended.id).decisions]
    assert "Paused" not in words
    assert words[-1] == "Tried again"


def test_what_was_never_begun_has_no_attempts(fleet: Fleet) -> None:
    asking = fleet.roll_out(ASK)
    conductor = Conductor(fleet.console, fleet.jobs, asking)
    conductor.stop()
    ended = conductor.run()
    assert [one.state for one in ended.targets] == [TargetState.PUT_BACK] + [TargetState.NOT_STARTED] * 3
    assert [one.attempts for one in ended.targets] == [1, 0, 0, 0]
    rows = csv.DictReader(io.StringIO(report_csv(fleet.console, ended.id), newline=""))
    assert sorted((row["mirror"], row["attempts"]) for row in rows if row["mirror"]) == [
        ("Mirror 01", "1"),
        *((f"Mirror 0{number}", "0") for number in (2, 3, 4)),
    ]
    table = report_html(fleet.console, ended.id).partition("<h2>All targets</h2>")[2].partition("</table>")[0]
    assert table.count('<td class="n">—</td>\n<td class="n">—</td>\n<td class="n">—</td>') == 3
    with fleet.console.catalog.read() as books:
        after = {
            line.act.result: line.act.after for line in books.audit.of(ended.id) if line.act.noun.value == "target"
        }
    assert "attempt" not in after[TargetState.NOT_STARTED]
    assert after[TargetState.PUT_BACK]["attempt"] == 1

    # Waiting for its second attempt, it was begun once.
    again = retry(fleet.console, fleet.jobs, ended.id, [ended.targets[0].environment_id])
    assert [one.attempts for one in again.targets] == [1, 0, 0, 0]
