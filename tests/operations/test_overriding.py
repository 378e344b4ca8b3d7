"""Overriding on the simulator: it counts when the check is asked again, for the same answer, and is told everywhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.audit import AuditFilter, Noun, doing_words
from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.overriding import overridable, overrides_of
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.errors import InvalidInput, NotAllowed
from mirror_console.operations.evidence import evidence
from mirror_console.operations.overriding import LONGEST_REASON, override, still_overridden, take_back
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.report import report_csv, report_html, report_json, summary_text
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.schedule import FreezeInput, ScopeInput, save_freeze, take_away
from mirror_console.operations.starting import resume, start
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

REASON = "The registry's owner says that it is there"
CAREFUL = replace(QUICK, pause_after_canary=True, prefetch=False)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Berlin's registry gives no sensible answer: whether its two mirrors can have the image isn't known."""
    with small_fleet(prepared=Fleet.fall_behind) as made:
        made.simulated.engines["berlin"].misbehave(Fault.INVALID_JSON, "/distribution/")
        yield made


def asked(fleet: Fleet) -> tuple[Plan, Checked]:
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], CAREFUL)
    return made, preflight(fleet.console, fleet.jobs, made)


def overridden(fleet: Fleet) -> Rollout:
    """A rollout that goes on in spite of it, up to the pause after its canary."""
    made, checked = asked(fleet)
    checked = override(fleet.console, checked, overridable(checked), REASON)
    return Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test", 4)).run()


def go_on(fleet: Fleet, rollout: Rollout) -> Rollout:
    return Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def test_it_counts_when_the_check_is_asked_again_and_is_told_in_every_report(fleet: Fleet) -> None:
    _, checked = asked(fleet)
    assert [(one.check, one.answer) for one in checked.blocking] == [(Check.PULLABLE, Answer.UNKNOWN)] * 2
    rollout = overridden(fleet)
    assert (rollout.state, states(rollout)) == (
        RolloutState.PAUSED,
        [TargetState.DONE, TargetState.QUEUED, TargetState.QUEUED, TargetState.QUEUED],
    )
    rollout = go_on(fleet, rollout)
    assert (rollout.state, states(rollout)) == (RolloutState.COMPLETED, [TargetState.DONE] * 4)
    assert fleet.version_of("mirror-02-live") == "26.8.3"

    with fleet.console.catalog.read() as books:
        kept = books.rollouts.get(rollout.id)
        lines = books.audit.lines(AuditFilter(noun=Noun.OVERRIDE))
    assert [(one.environment_id, one.reason, one.person) for one in kept.overrides] == [
        (rollout.targets[place].environment_id, REASON, "operator") for place in (1, 3)
    ]
    assert {(line.act.title, line.act.why, doing_words(line.act)) for line in lines} == {
        (f"Mirror 0{number} live", REASON, "check overridden: image can be had") for number in (2, 4)
    }

    (told,) = json.loads(report_json(fleet.console, rollout.id))["overrides"]
    assert (told["id"], told["mirrors"], told["reason"], told["who"]) == (
        "pullable",
        ["Mirror 02", "Mirror 04"],
        REASON,
        "operator",
    )
    summary = summary_text(fleet.console, rollout.id)
    assert "Overridden by operator, " in summary
    assert "“image can be had” of Mirror 02, Mirror 04, unknown: " in summary
    html = report_html(fleet.console, rollout.id)
    assert "<h2>Checks overridden</h2>" in html
    assert html.count("The registry&#39;s owner says that it is there") == 1
    rows = list(csv.DictReader(io.StringIO(report_csv(fleet.console, rollout.id))))
    assert [row["overridden"] == f"image can be had: {REASON} (operator)" for row in rows].count(True) == 2


def test_an_account_is_told_what_was_overridden_on_its_mirrors_alone(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(fleet.mirrors[1], account="dunes"))
    overridden(fleet)
    (line,) = [one for one in evidence(fleet.console, "dunes").changes if one.what.startswith("check overridden")]
    assert (line.mirror, line.who, line.why) == ("Mirror 02 live", "operator", REASON)
    assert line.words.startswith("unknown: ")


def test_another_answer_than_the_overridden_one_counts(fleet: Fleet) -> None:
    rollout = overridden(fleet)
    # By now the registry answers, and what it says is no.
    fleet.simulated.engines["berlin"].behave()
    fleet.simulated.registry.refuse("denied: the project is locked")
    rollout = go_on(fleet, rollout)
    assert states(rollout) == [TargetState.DONE, TargetState.SKIPPED, TargetState.DONE, TargetState.SKIPPED]
    assert "image can be had: " in rollout.targets[1].words
    assert "the project is locked" in rollout.targets[1].words
    assert fleet.version_of("mirror-02-live") == "26.8.2"

    # Once the check answers as when it was overridden, the word counts for another attempt too.
    fleet.simulated.registry.refuse("", times=0)
    fleet.simulated.engines["berlin"].misbehave(Fault.INVALID_JSON, "/distribution/")
    again = [rollout.targets[place].environment_id for place in (1, 3)]
    rollout = Conductor(fleet.console, fleet.jobs, retry(fleet.console, fleet.jobs, rollout.id, again)).run()
    assert states(rollout) == [TargetState.DONE] * 4


def test_without_a_word_its_targets_are_left_out(fleet: Fleet) -> None:
    made, checked = asked(fleet)
    rollout = start(fleet.console, made, checked, "a test")
    assert states(rollout) == [TargetState.QUEUED, TargetState.SKIPPED, TargetState.QUEUED, TargetState.SKIPPED]
    assert rollout.overrides == ()


def test_what_is_not_for_judgement_is_refused_with_the_reason(fleet: Fleet) -> None:
    made, checked = asked(fleet)
    unknown = overridable(checked)
    lock = CheckResult(Check.LOCK, Answer.BLOCKED, "held", environment_id=made.targets[0].environment_id)
    checked = replace(checked, results=(*checked.results, lock))
    for results, reason, words in (
        ([lock], "I am sure", "lock: It can't be overridden. Somebody else works on it"),
        (unknown, "  ", "reason: say why"),
        (unknown, "x" * (LONGEST_REASON + 1), "reason: 500 characters at most"),
        ([checked.results[0]], "why", "it blocks nothing"),
        ([replace(lock, words="another")], "why", "lock: it blocks nothing"),
    ):
        with pytest.raises(InvalidInput, match="Nothing was overridden") as refused:
            override(fleet.console, checked, results, reason)
        assert any(words in str(problem) for problem in refused.value.problems), refused.value.problems
    # Whoever makes it up without asking is refused at the start.
    forced = replace(checked, overrides=overrides_of([lock], "I am sure", "operator", fleet.console.clock()))
    with pytest.raises(InvalidInput) as refused:
        start(fleet.console, made, forced, "a test", 4)
    assert "It can't be overridden" in str(refused.value.problems)
    other = replace(checked, overrides=overrides_of([replace(unknown[0], words="?")], "y", "operator", made.made_at))
    with pytest.raises(InvalidInput) as refused:
        start(fleet.console, made, other, "a test", 4)
    assert "isn't what the check answered" in str(refused.value.problems)
    with pytest.raises(NotAllowed):
        override(replace(fleet.console, read_only="only to look"), checked, unknown, "why")


def test_the_number_is_typed_however_few_they_are(fleet: Fleet) -> None:
    made, checked = asked(fleet)
    checked = override(fleet.console, checked, overridable(checked), REASON)
    with pytest.raises(InvalidInput) as refused:
        start(fleet.console, made, checked, "a test")
    assert "type 4, the number of targets" in str(refused.value.problems)


def test_a_word_is_changed_taken_back_and_kept_when_asked_again(fleet: Fleet) -> None:
    made, checked = asked(fleet)
    first, second = overridable(checked)
    done = override(fleet.console, override(fleet.console, checked, [first, second], "one"), [second], "two")
    assert [one.reason for one in done.overrides] == ["one", "two"]
    assert take_back(done, [first]).blocking == (first,)
    again = preflight(fleet.console, fleet.jobs, made)
    assert not still_overridden(again, done.overrides).blocking
    fleet.simulated.engines["berlin"].behave()
    fine = still_overridden(preflight(fleet.console, fleet.jobs, made), done.overrides)
    assert fine.overrides == ()


def test_a_freeze_that_is_overridden_keeps_nobody_waiting_but_another_one_does(fleet: Fleet) -> None:
    """It counts right before each turn too; a second freeze is another answer."""
    fleet.simulated.engines["berlin"].behave()

    def frozen(reason: str) -> str:
        begins, ends = (f"{fleet.console.clock() + timedelta(hours=hours):%Y-%m-%d %H:%M}" for hours in (-1, 48))
        return save_freeze(fleet.console, FreezeInput(begins, ends, "UTC", reason, ScopeInput(environment="live"))).id

    frozen("a sale")
    made, checked = asked(fleet)
    assert {one.check for one in checked.blocking} == {Check.FREEZE}
    checked = override(fleet.console, checked, overridable(checked), "The customer wants it")
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test", 4)).run()
    assert states(rollout)[0] is TargetState.DONE
    second = frozen("an audit")
    rollout = go_on(fleet, rollout)
    assert states(rollout)[1:] == [TargetState.QUEUED] * 3
    assert rollout.targets[1].words.startswith("freeze: frozen until ")
    take_away(fleet.console, second)
    rollout = go_on(fleet, rollout)
    assert states(rollout) == [TargetState.DONE] * 4
