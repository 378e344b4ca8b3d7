"""The list of all rollouts: what ended and is as it was isn't read again; what changed is, whatever changed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.standing import all_rollouts, tripped
from mirror_console.operations.starting import resume, start
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import QUICK, Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.roll_out_twice) as made:
        yield made


def again(fleet: Fleet, known: Sequence[Rollout]) -> list[Rollout]:
    """All of them, with what is known: alike to what is read without."""
    told = all_rollouts(fleet.console, known)
    assert told == all_rollouts(fleet.console)
    return told


def read_again(known: Sequence[Rollout], told: Sequence[Rollout]) -> set[str]:
    """Those that were read, though they may be as they were."""
    same = {id(one) for one in known}
    return {one.id for one in told if id(one) not in same}


def test_what_ended_and_is_as_it_was_is_not_read_again(fleet: Fleet) -> None:
    known = again(fleet, ())
    assert len(known) == 2
    assert read_again(known, again(fleet, known)) == set()
    assert read_again(known, again(fleet, known[1:])) == {known[0].id}
    # What isn't in the catalog isn't told.
    assert again(fleet, [replace(known[0], id="gone"), known[1]]) == known


def test_of_many_the_newest_are_told(fleet: Fleet) -> None:
    known = all_rollouts(fleet.console)
    assert all_rollouts(fleet.console, most=1) == known[:1]
    assert all_rollouts(fleet.console, known, most=1)[0] is known[0]


def tried_again(fleet: Fleet, known: Sequence[Rollout]) -> None:
    with fleet.console.catalog.write() as books:
        failed = replace(known[0].targets[1], state=TargetState.FAILED)
        books.rollouts.save_target(known[0].id, failed)
        books.rollouts.save_head(replace(known[0], state=RolloutState.COMPLETED_WITH_FAILURES))
    between = again(fleet, known)
    assert read_again(known, between) == {known[0].id}
    retry(fleet.console, fleet.jobs, known[0].id)
    assert again(fleet, between)[0].state is RolloutState.RUNNING


def one_target_changed(fleet: Fleet, known: Sequence[Rollout]) -> None:
    """One target alone, after its end."""
    with fleet.console.catalog.write() as books:
        books.rollouts.save_target(known[0].id, replace(known[0].targets[1], state=TargetState.LEFT))


def ended_again(fleet: Fleet, known: Sequence[Rollout]) -> None:
    with fleet.console.catalog.write() as books:
        books.rollouts.save_head(replace(known[0], ended_at=fleet.console.clock()))


def rolled_back(fleet: Fleet, known: Sequence[Rollout]) -> None:
    made = plan_rollback(fleet.console, fleet.jobs, known[0].id, Part.ALL, None)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    Conductor(fleet.console, fleet.jobs, rollout).run()


@pytest.mark.parametrize("change", [tried_again, one_target_changed, ended_again, rolled_back])
def test_what_changed_is_read_again(fleet: Fleet, change: Callable[[Fleet, Sequence[Rollout]], None]) -> None:
    known = again(fleet, ())
    change(fleet, known)
    assert known[0].id in read_again(known, again(fleet, known))
    assert known[1].id not in read_again(known, again(fleet, known))


def test_a_rollback_of_a_rollback_changes_what_is_told_of_the_first(fleet: Fleet) -> None:
    known = again(fleet, ())
    rolled_back(fleet, known)
    between = again(fleet, known)
    assert [one.rolled_back for one in between[1].targets] == [True] * 4
    rolled_back(fleet, between)
    assert not any(one.rolled_back for one in again(fleet, between)[2].targets)


def test_what_runs_or_waits_is_always_read(fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    way = replace(QUICK, pause_after_canary=True)
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    Conductor(fleet.console, fleet.jobs, rollout).run()
    known = again(fleet, ())
    assert known[0].state is RolloutState.PAUSED
    assert read_again(known, again(fleet, known)) == {rollout.id}
    Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert again(fleet, known)[0].state is RolloutState.COMPLETED


def test_those_in_which_a_stop_rule_came_true_are_found(fleet: Fleet) -> None:
    assert tripped(fleet.console) == []
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE)
    refresh(fleet.console, fleet.jobs)
    rollout = fleet.roll_out(replace(QUICK, max_failed=0))
    assert rollout.trips
    assert [one.id for one in tripped(fleet.console)] == [rollout.id]
