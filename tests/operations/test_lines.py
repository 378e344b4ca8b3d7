"""The journal of a turn: every intent is there before its step acts, also of steps that are announced together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.journal import JournalEntry, Phase, Result
from mirror_console.domain.rollout import Rollout, TargetState
from mirror_console.domain.steps import Step
from mirror_console.operations.lines import NOT_BEGUN, NOT_LEFT, YOUNG, Lines
from mirror_console.operations.plan import plan
from mirror_console.operations.prefetch import prefetch_plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report_content import report_content
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from tests.operations.fleet import QUICK, Fleet, now, small_fleet

SWAPPED = (Step.STOP, Step.START)
TOGETHER = (SWAPPED, (Step.SHELVE, Step.COMMIT, Step.NAME, Step.KEEP, Step.RETIRE, Step.UNLOCK))
WITH_IMAGE_AND_BAKE = (
    (Step.LOCK, Step.CREATE),
    SWAPPED,
    (Step.SHELVE, Step.COMMIT, Step.NAME),
    (Step.KEEP, Step.RETIRE, Step.UNLOCK),
)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(mirrors=1, prepared=Fleet.align) as made:
        yield made


def begun(fleet: Fleet, version: str, bake: float = 0.0) -> Rollout:
    fleet.publish(version, health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    made = plan(fleet.console, "live", ["mirror-01"], replace(QUICK, bake=bake))
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def journal(fleet: Fleet, rollout: Rollout) -> list[JournalEntry]:
    with fleet.console.catalog.read() as books:
        return books.journal.of(rollout.id)


def demand_together(intents: dict[Step, JournalEntry], groups: Sequence[Sequence[Step]]) -> None:
    """The steps of each group have their intents in one commit, and no other step has its own in it."""
    for several in groups:
        written = [intents[step] for step in several]
        assert [step for step, entry in intents.items() if entry.at == written[0].at] == list(several)
        first = written[0].sequence
        assert [entry.sequence for entry in written] == list(range(first, first + len(several)))


def test_every_intent_is_in_the_journal_before_its_step_acts(fleet: Fleet) -> None:
    Conductor(fleet.console, fleet.jobs, begun(fleet, "26.8.3")).run()
    rollout = begun(fleet, "26.8.4")
    missing: list[str] = []
    met: list[Step] = []

    def mark(boundary: str) -> None:
        name, _, phase = boundary.partition(":")
        if phase != "intent" or name == Step.VERIFY.name:
            return
        met.append(Step[name])
        there = [entry.step for entry in journal(fleet, rollout) if entry.phase is Phase.INTENT]
        if Step[name] not in there:
            missing.append(boundary)

    Conductor(replace(fleet.console, mark=mark), fleet.jobs, rollout).run()
    assert not missing
    assert set(met) >= {step for several in TOGETHER for step in several}


def test_what_comes_in_one_go_is_written_in_one_go_and_each_has_its_outcome(fleet: Fleet) -> None:
    Conductor(fleet.console, fleet.jobs, begun(fleet, "26.8.3")).run()
    rollout = begun(fleet, "26.8.4")
    assert Conductor(fleet.console, fleet.jobs, rollout).run().targets[0].state is TargetState.DONE
    lines = journal(fleet, rollout)
    intents = {entry.step: entry for entry in lines if entry.phase is Phase.INTENT}
    demand_together(intents, TOGETHER)
    outcomes = [entry.step for entry in lines if entry.phase is Phase.OUTCOME]
    assert sorted(outcomes) == sorted(intents)
    assert all(entry.result is Result.OK for entry in lines if entry.phase is Phase.OUTCOME)
    (target,) = report_content(fleet.console, rollout.id).targets
    ends = [step.began_at.timestamp() + (step.seconds or 0.0) for step in target.steps]
    begins = [step.began_at.timestamp() for step in target.steps]
    assert all(begin >= end - 1e-3 for begin, end in zip(begins[1:], ends[:-1], strict=True)), target.steps


def test_an_image_that_is_there_is_made_into_a_container_in_one_go_with_the_lock_and_what_bakes_is_not_ended_with_it(
    fleet: Fleet,
) -> None:
    Conductor(fleet.console, fleet.jobs, begun(fleet, "26.8.3")).run()
    rollout = begun(fleet, "26.8.4", bake=0.2)
    prefetch_plan(fleet.console, fleet.jobs, rollout.plan, lambda _fetches: None)
    ended = Conductor(fleet.console, fleet.jobs, rollout).run()
    assert ended.targets[0].state is TargetState.DONE, ended.targets[0].words
    lines = journal(fleet, rollout)
    intents = {entry.step: entry for entry in lines if entry.phase is Phase.INTENT}
    demand_together(intents, WITH_IMAGE_AND_BAKE)
    outcomes = [entry for entry in lines if entry.phase is Phase.OUTCOME]
    assert sorted(entry.step for entry in outcomes) == sorted(intents)
    assert not [entry for entry in outcomes if entry.result is not Result.OK or entry.words == NOT_LEFT]


def test_what_was_announced_after_a_step_that_failed_is_not_begun(fleet: Fleet) -> None:
    rollout = begun(fleet, "26.8.3")

    def mark(boundary: str) -> None:
        if boundary == f"{Step.COMMIT.name}:intent":
            fleet.simulated.engines["alpha"].run("mirror-01-live.mc-prev", fleet.container("mirror-01-live").image.id)

    ended = Conductor(replace(fleet.console, mark=mark), fleet.jobs, rollout).run()
    assert ended.targets[0].state is TargetState.PUT_BACK
    told = {entry.step: entry for entry in journal(fleet, rollout) if entry.phase is Phase.OUTCOME}
    assert told[Step.COMMIT].result is Result.FAILED
    assert (told[Step.NAME].result, told[Step.NAME].words) == (Result.FAILED, NOT_BEGUN)


def test_what_was_announced_and_found_done_has_an_outcome_too(fleet: Fleet) -> None:
    lines = Lines("a rollout", begun(fleet, "26.8.3").targets[0].planned, now)
    lines.announce(1, {Step.STOP: {"old": "1"}, Step.START: {"new": "2"}})
    assert not lines.begin(Step.START, 1, {"new": "2"})
    lines.end(Step.START, 1, Result.OK)
    assert lines.begin(Step.LOCK, 1, None)
    lines.announce(1, {Step.NAME: {"new": "2"}})
    lines.pass_over()
    told = [(entry.step, entry.phase, entry.words) for entry in lines.unwritten if entry.phase is Phase.OUTCOME]
    assert told == [
        (Step.STOP, Phase.OUTCOME, NOT_LEFT),
        (Step.START, Phase.OUTCOME, ""),
        (Step.NAME, Phase.OUTCOME, NOT_LEFT),
    ]


def test_what_was_announced_of_a_lock_that_was_pruned_since_is_not_begun(fleet: Fleet) -> None:
    lines = Lines("a rollout", begun(fleet, "26.8.3").targets[0].planned, now)
    lines.announce(1, {Step.NAME: {"new": "2"}, Step.RETIRE: {"older": "3"}, Step.UNLOCK: {"lock": "4"}})
    assert not lines.begin(Step.NAME, 1, {"new": "2"})
    lines.end(Step.NAME, 1, Result.OK)
    assert lines.begin(Step.UNLOCK, 1, {"lock": "5"})
    lines.end(Step.UNLOCK, 1, Result.OK, objects={"lock": "5"})
    told = [(one.step, one.phase, one.objects and one.objects.get("lock"), one.words) for one in lines.unwritten[3:]]
    assert told == [
        (Step.NAME, Phase.OUTCOME, None, ""),
        (Step.RETIRE, Phase.OUTCOME, None, NOT_LEFT),
        (Step.UNLOCK, Phase.OUTCOME, None, NOT_BEGUN),
        (Step.UNLOCK, Phase.INTENT, "5", ""),
        (Step.UNLOCK, Phase.OUTCOME, "5", ""),
    ]


def test_how_far_it_got_is_written_before_what_was_announced_a_while_ago(fleet: Fleet) -> None:
    late: list[float] = [0.0]
    planned = begun(fleet, "26.8.3").targets[0].planned
    lines = Lines("a rollout", planned, lambda: now() + timedelta(seconds=late[-1]))
    for seconds in (0.5 * YOUNG, 2.0 * YOUNG):
        late.append(0.0)
        lines.announce(1, {Step.STOP: {"old": "1"}, Step.START: {"new": "2"}})
        assert not lines.begin(Step.STOP, 1, {"old": "1"})
        late.append(seconds)
        lines.end(Step.STOP, 1, Result.OK)
        assert lines.begin(Step.START, 1, {"new": "2"}) is (seconds > YOUNG)
        lines.end(Step.START, 1, Result.OK)
