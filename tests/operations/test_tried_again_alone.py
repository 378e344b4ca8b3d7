"""What is tried again in a paused rollout is carried out alone: what waits besides goes on by resuming, and by nothing
else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.fetching import Fetch, FetchState
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow

DONE, QUEUED, FAILED = TargetState.DONE, TargetState.QUEUED, TargetState.FAILED
WAY = replace(QUICK, waves=(WaveSize(count=1), WaveSize(count=3), REST), max_failed=1, prefetch=False)
"""Mirrors 02 to 04 are the second wave, of which one may fail; 05 and 06 the third."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(6, prepared=Fleet.align) as made:
        yield made


def begun(fleet: Fleet, way: Way = WAY) -> Rollout:
    fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def carried_on(fleet: Fleet, rollout: Rollout) -> Rollout:
    return Conductor(fleet.console, fleet.jobs, rollout).run()


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def versions(fleet: Fleet) -> list[str]:
    return [fleet.version_of(f"mirror-0{number}-live") for number in range(1, 7)]


def paused_by_its_rule(fleet: Fleet, way: Way = WAY, failed: int = 2) -> Rollout:
    """An engine was lost once it had begun: of the second wave some failed, and may be reached again by now."""
    rollout = begun(fleet, way)
    fleet.simulated.engines["berlin"].make_unreachable()
    paused = carried_on(fleet, rollout)
    fleet.simulated.engines["berlin"].make_reachable()
    last = FAILED if failed == 3 else QUEUED
    assert (paused.state, states(paused)) == (RolloutState.PAUSED, [DONE, FAILED, QUEUED, FAILED, QUEUED, last])
    assert paused.paused_because.startswith(f"Stop rule: {failed} of ")
    return paused


def test_a_stop_rule_that_paused_it_is_not_lost_by_a_retry(fleet: Fleet) -> None:
    paused = paused_by_its_rule(fleet)
    second = paused.targets[1].environment_id
    tried = carried_on(fleet, retry(fleet.console, fleet.jobs, paused.id, [second]))

    assert (tried.state, states(tried)) == (RolloutState.PAUSED, [DONE, DONE, QUEUED, FAILED, QUEUED, QUEUED])
    assert tried.paused_because == "Tried again: 1 done. 3 others wait: resume to go on with them."
    # Not so much as their checks were asked: they stand as they stood.
    assert [tried.targets[place] for place in (2, 4, 5)] == [paused.targets[place] for place in (2, 4, 5)]
    assert versions(fleet) == ["26.8.3", "26.8.3", "26.8.2", "26.8.2", "26.8.2", "26.8.2"]
    with fleet.console.catalog.read() as books:
        assert books.rollouts.get(tried.id) == tried

    again = carried_on(fleet, retry(fleet.console, fleet.jobs, paused.id))
    assert states(again) == [DONE] * 2 + [QUEUED, DONE] + [QUEUED] * 2
    assert again.state is RolloutState.PAUSED
    ended = carried_on(fleet, resume(fleet.console, paused.id))
    assert (ended.state, states(ended)) == (RolloutState.COMPLETED, [DONE] * 6)


def test_a_planned_pause_is_not_lost_by_a_retry(fleet: Fleet) -> None:
    rollout = begun(fleet, replace(WAY, max_failed=9, pause_after=(2,)))
    fleet.simulated.engines["berlin"].make_unreachable()
    paused = carried_on(fleet, rollout)
    assert paused.paused_because.startswith("Paused after wave 2, as planned")
    fleet.simulated.engines["berlin"].make_reachable()

    tried = carried_on(fleet, retry(fleet.console, fleet.jobs, rollout.id))
    assert (tried.state, states(tried)) == (RolloutState.PAUSED, [DONE] * 4 + [QUEUED] * 2)
    assert tried.paused_because == "Tried again: 2 done. 2 others wait: resume to go on with them."
    assert tried.passed_gates == paused.passed_gates, "nobody has said to go on"
    assert states(carried_on(fleet, resume(fleet.console, rollout.id))) == [DONE] * 6


def test_one_of_more_failures_than_may_be_is_tried_again_and_the_rule_still_stands(fleet: Fleet) -> None:
    paused = paused_by_its_rule(fleet, replace(WAY, waves=(WaveSize(count=1), REST)), 3)
    tried = carried_on(fleet, retry(fleet.console, fleet.jobs, paused.id, [paused.targets[1].environment_id]))
    assert states(tried) == [DONE, DONE, QUEUED, FAILED, QUEUED, FAILED]
    assert tried.state is RolloutState.PAUSED
    assert tried.paused_because.startswith(
        "Tried again: 1 done. 2 others wait: resume to go on with them. "
        "Stop rule: 2 of 5 targets of wave 2 failed; 1 may."
    )


def test_a_retry_that_is_cut_off_passes_no_pause_and_forgives_nothing(fleet: Fleet) -> None:
    paused = paused_by_its_rule(fleet)

    def cut(boundary: str) -> None:
        if boundary == f"{Step.STOP.name}:outcome":
            raise CatalogError("The journal can't be written.", "A test says so.")

    console = replace(fleet.console, mark=cut)
    again = retry(console, fleet.jobs, paused.id)
    with pytest.raises(CatalogError):
        Conductor(console, fleet.jobs, again).run()
    (left,) = recovery.interrupted(fleet.console)
    assert left.rollout.passed_gates == paused.passed_gates
    # A person says that all goes on, as always after a crash.
    ended = recovery.go_on(fleet.console, fleet.jobs, paused.id).run()
    assert (ended.state, states(ended)) == (RolloutState.COMPLETED, [DONE] * 6)


def test_only_what_is_tried_again_has_its_image_brought_ahead(fleet: Fleet) -> None:
    paused = paused_by_its_rule(fleet)
    # As a person leaves it who pauses while images are on their way: those of the others have not come.
    planned = [paused.targets[place].planned for place in (1, 2)]
    waiting = [Fetch(one.engine_id, one.engine, one.fetched_by, one.after_title, 1) for one in planned]
    with fleet.console.catalog.write() as books:
        books.rollouts.save_fetches(paused.id, waiting)
    tried = carried_on(fleet, retry(fleet.console, fleet.jobs, paused.id, [paused.targets[1].environment_id]))
    assert states(tried) == [DONE, DONE, QUEUED, FAILED, QUEUED, QUEUED]
    came = {fetch.engine: fetch.state for fetch in tried.fetches}
    assert came == {"alpha": FetchState.WAITING, "berlin": FetchState.THERE}
