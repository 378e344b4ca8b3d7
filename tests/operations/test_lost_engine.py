"""An engine that is lost while checks are asked costs its own targets alone, whichever request it is lost at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.environment import Volume
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.service import Service
from mirror_console.domain.stop_rule import stop_rule_words, tripped_words
from mirror_console.domain.way import REST, Way
from mirror_console.domain.way_words import plan_way_words
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.recheck import checked_again, recheck
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

MOST_REQUESTS = 200
"""More than all checks of two targets ask of an engine."""
A_FEW = 12
"""Fewer than they ask of an engine, at first or again."""
WAY = replace(QUICK, prefetch=False)
ANSWERS = (Check.REACHABLE, Answer.PASS)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet that is a release behind, of which all is asked that can be: volumes, networks, services, strangers."""
    with small_fleet(prepared=Fleet.fall_behind) as made:
        for mirror in made.mirrors:
            environment = made.environment(mirror, "live")
            made.with_settings(environment, volumes=(Volume(f"{mirror.slug}-media", "/media"),), networks=("shop",))
        with made.console.catalog.write() as books:
            source = books.applications.get("source")
            books.applications.save(replace(source, services=(Service("database", ("true",)),)))
        for engine in made.simulated.engines.values():
            engine.run("stranger", f"{REPOSITORY}:26.8.2")
        yield made


def planned(fleet: Fleet, way: Way = WAY) -> Plan:
    return plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)


def on(made: Plan, engine_id: str) -> set[str]:
    return {one.environment_id for one in made.targets if one.engine_id == engine_id}


def lose(fleet: Fleet, engine: str, fault: Fault, after: int, times: int | None = None) -> None:
    """The engine answers so many requests more, from a new connection on; to so many then, or to all, it has this."""
    fleet.console.engines.forget(engine)
    if after:
        fleet.simulated.engines[engine].misbehave(Fault.LATE, times=after)
    fleet.simulated.engines[engine].misbehave(fault, times=times)


def lost(blocking: Sequence[CheckResult], engine: str) -> set[str]:
    """The targets that are blocked, each because the engine is lost, and in words that name it."""
    for one in blocking:
        assert one.check is Check.REACHABLE, one
        assert engine in one.words, one
        assert one.remedy, one
    return {one.environment_id for one in blocking}


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.ERROR_PAGE])
@pytest.mark.parametrize("engine", ["alpha", "berlin"])
def test_at_whichever_request_of_the_first_checks_it_is_lost(fleet: Fleet, engine: str, fault: Fault) -> None:
    made = planned(fleet)
    assert not preflight(fleet.console, fleet.jobs, made).blocking
    blocked: list[int] = []
    for answered in range(MOST_REQUESTS):
        lose(fleet, engine, fault, answered)
        checked = preflight(fleet.console, fleet.jobs, made)
        fleet.simulated.engines[engine].behave()
        ids = lost(checked.blocking, engine)
        assert ids <= on(made, engine)
        # That it answered before isn't said of those for which it was lost.
        answering = {one.environment_id for one in checked.results if (one.check, one.answer) == ANSWERS}
        assert answering.isdisjoint(ids)
        blocked.append(len(ids))
        if not ids:
            break
    # At first it never answers; in the end both of its targets have been told all that is asked.
    assert (blocked[0], blocked[-1]) == (2, 0)
    assert len(blocked) > A_FEW


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.ERROR_PAGE])
def test_at_whichever_request_before_a_wave_it_is_lost(fleet: Fleet, fault: Fault) -> None:
    made = planned(fleet)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    blocked: list[int] = []
    for answered in range(MOST_REQUESTS):
        lose(fleet, "berlin", fault, answered)
        left_out = recheck(fleet.console, fleet.jobs, rollout.targets, ())
        fleet.simulated.engines["berlin"].behave()
        ids = {target.environment_id for target, _ in left_out}
        assert lost([one for _, why in left_out for one in why], "berlin") == ids
        assert ids <= on(made, "berlin")
        blocked.append(len(ids))
        if not ids:
            break
    assert (blocked[0], blocked[-1]) == (2, 0)
    assert len(blocked) > A_FEW


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.ERROR_PAGE, Fault.INVALID_JSON, Fault.HALF_A_REPLY])
def test_one_request_that_is_lost_costs_no_other_engine_anything(fleet: Fleet, fault: Fault) -> None:
    made = planned(fleet)
    for answered in range(A_FEW * 2):
        # What is read is asked for twice.
        lose(fleet, "berlin", fault, answered, times=2)
        checked = preflight(fleet.console, fleet.jobs, made)
        fleet.simulated.engines["berlin"].behave()
        assert {one.environment_id for one in checked.blocking} <= on(made, "berlin")


def test_an_engine_that_refuses_to_tell_of_an_image_is_not_lost_for_that(fleet: Fleet) -> None:
    made = planned(fleet)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    fleet.simulated.engines["berlin"].misbehave(Fault.DISK_FULL, made.targets[0].digest.removeprefix("sha256:"))
    left_out = recheck(fleet.console, fleet.jobs, rollout.targets, ())
    # It answers what else it is asked: what can't be had is the image.
    assert {(one.check, one.answer) for _, why in left_out for one in why} == {(Check.PULLABLE, Answer.BLOCKED)}
    assert {target.environment_id for target, _ in left_out} == on(made, "berlin")
    assert preflight(fleet.console, fleet.jobs, made).blocked(one.environment_id for one in made.targets) == on(
        made, "berlin"
    )


# --- in the middle of a rollout -----------------------------------------------------------------------------------


def lost_after_the_canary(fleet: Fleet, way: Way) -> Rollout:
    """Carry it out; berlin's connection is lost whenever it is asked for an image, from the end of the canary on."""
    made = planned(fleet, way)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")

    def lose_it(snapshot: Rollout) -> None:
        if snapshot.targets[0].state is TargetState.DONE:
            fleet.simulated.engines["berlin"].misbehave(Fault.RESET, "/images/")

    ended = Conductor(fleet.console, fleet.jobs, rollout, lose_it).run()
    fleet.simulated.engines["berlin"].behave()
    return ended


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def test_the_others_of_a_wave_go_on_without_it(fleet: Fleet) -> None:
    ended = lost_after_the_canary(fleet, replace(WAY, max_failed=2))
    assert states(ended) == [TargetState.DONE, TargetState.FAILED, TargetState.DONE, TargetState.FAILED]
    assert ended.state is RolloutState.COMPLETED_WITH_FAILURES
    assert {target.words for target in ended.targets if target.state is TargetState.FAILED} == {
        f"{Check.REACHABLE}: berlin closed the connection before it answered."
    }
    assert [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 5)] == ["26.8.3", "26.8.2"] * 2


def test_the_stop_rule_counts_those_that_it_costs_and_they_are_tried_again(fleet: Fleet) -> None:
    ended = lost_after_the_canary(fleet, replace(WAY, max_failed=1))
    assert ended.state is RolloutState.PAUSED
    assert ended.paused_because.startswith("Stop rule: 2 of 3 targets of wave 2 failed; 1 may.")
    assert states(ended) == [TargetState.DONE, TargetState.FAILED, TargetState.QUEUED, TargetState.FAILED]
    ids = {target.environment_id for target in ended.targets if target.state is TargetState.FAILED}
    # A person who asks why before trying again, while it still is lost, is told, and nothing else ends.
    lose(fleet, "berlin", Fault.RESET, A_FEW // 2)
    assert lost(checked_again(fleet.console, fleet.jobs, ended, ids).blocking, "berlin") == ids
    fleet.simulated.engines["berlin"].behave()
    again = retry(fleet.console, fleet.jobs, ended.id, sorted(ids))
    ended = Conductor(fleet.console, fleet.jobs, again).run()
    assert ended.paused_because == "Tried again: 2 done. 1 other waits: resume to go on with it."
    ended = Conductor(fleet.console, fleet.jobs, resume(fleet.console, ended.id)).run()
    assert states(ended) == [TargetState.DONE] * 4, [target.words for target in ended.targets]


# --- gone when its turn comes -------------------------------------------------------------------------------------

COUNTED = "Stop rule: 1 of 3 targets of wave 2 failed; 0 may."


def gone_when(fleet: Fleet, way: Way, comes: Callable[[Rollout], bool], how: str = "make_unreachable") -> Rollout:
    """Carry it out; berlin is gone from the moment on that comes."""
    rollout = start(fleet.console, *checked_plan(fleet, way), "a test")
    berlin, gone = fleet.simulated.engines["berlin"], threading.Event()

    def look(now: Rollout) -> None:
        if comes(now) and not gone.is_set():
            gone.set()
            getattr(berlin, how)()

    ended = Conductor(fleet.console, fleet.jobs, rollout, look).run()
    assert gone.is_set()
    return ended


def checked_plan(fleet: Fleet, way: Way) -> tuple[Plan, Checked]:
    made = planned(fleet, way)
    return made, preflight(fleet.console, fleet.jobs, made)


def canary_is_done(now: Rollout) -> bool:
    return now.targets[0].state is TargetState.DONE


def third_works(now: Rollout) -> bool:
    """The checks of its wave have been asked, and the turn of the fourth is yet to come."""
    return now.targets[2].state is TargetState.SWAPPING


@pytest.mark.parametrize("how", ["make_unreachable", "pause_answers"])
def test_whoever_is_gone_before_its_wave_has_failed_and_the_rule_counts_it(fleet: Fleet, how: str) -> None:
    with fleet.console.catalog.write() as books:
        books.engines.save(replace(books.engines.get("berlin"), timeout=0.5))
    ended = gone_when(fleet, replace(WAY, max_failed=1), canary_is_done, how)
    if how == "pause_answers":
        fleet.simulated.engines["berlin"].resume_answers()
    assert states(ended) == [TargetState.DONE, TargetState.FAILED, TargetState.QUEUED, TargetState.FAILED]
    assert ended.paused_because.startswith("Stop rule: 2 of 3 targets of wave 2 failed; 1 may.")
    assert all(one.ended_at is not None for one in ended.targets if one.state is TargetState.FAILED)


def test_whoever_is_gone_in_its_turn_has_failed_and_the_rule_counts_it(fleet: Fleet) -> None:
    ended = gone_when(fleet, replace(WAY, max_failed=0, at_once=1), third_works)
    assert states(ended) == [TargetState.DONE] * 3 + [TargetState.FAILED]
    assert "berlin" in ended.targets[3].words
    assert ended.state is RolloutState.COMPLETED_WITH_FAILURES
    # As the last of its wave it stops nothing more; were there another one, that would not be begun.
    assert tripped_words(ended).startswith(COUNTED)


def test_a_rule_over_all_counts_who_is_gone_and_a_share_is_of_all_that_were_planned(fleet: Fleet) -> None:
    # Half of four are two: with two of them gone one more would be too many, however few are left.
    way = replace(WAY, waves=(REST,), at_once=1, max_failed=9, max_failed_in_all_percent=50.0)
    rollout = gone_when(fleet, way, lambda now: now.targets[0].state is TargetState.SWAPPING)
    assert states(rollout) == [TargetState.DONE, TargetState.FAILED, TargetState.DONE, TargetState.FAILED]
    assert tripped_words(rollout) == ""
    less = replace(rollout, plan=replace(rollout.plan, way=replace(way, max_failed_in_all_percent=49.0)))
    assert tripped_words(less).startswith("Stop rule: 2 of 4 targets failed in all; 1 may.")


def test_what_the_checks_left_out_before_the_start_does_not_count_and_changes_no_number(fleet: Fleet) -> None:
    way = replace(WAY, waves=(REST,), at_once=1, max_failed_percent=50.0, max_failed=0)
    made = planned(fleet, way)
    told = plan_way_words(made)
    assert "stops at 3 of 4" in told
    fleet.simulated.engines["berlin"].make_unreachable()
    checked = preflight(fleet.console, fleet.jobs, made)
    rollout = start(fleet.console, made, checked, "a test")
    assert states(rollout) == [TargetState.QUEUED, TargetState.SKIPPED, TargetState.QUEUED, TargetState.SKIPPED]
    assert stop_rule_words(rollout) == "0 failed; stops at 3 of 4; unreachable counts"
    # A person was told, and started without them.
    assert tripped_words(rollout) == ""
    fleet.simulated.engines["alpha"].misbehave(Fault.DISK_FULL, "/containers/create")
    ended = Conductor(fleet.console, fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.FAILED, TargetState.SKIPPED] * 2
    assert tripped_words(ended) == ""
