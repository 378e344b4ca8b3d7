"""Services of a Swarm that are not well once they are updated: put back, left, or decided about."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.rollout import TargetState
from mirror_console.domain.way import OnFailure
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.preflight import preflight
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import REPOSITORY, Fleet
from tests.operations.service_fleet import (
    NEW,
    OLD,
    SERVICE,
    carried_out,
    container_spec,
    engine,
    fleet_with_a_service,
    look,
    planned,
    rolled_out,
    runs,
    scaled_to,
    service,
    swarm_of,
    unlocked,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_with_a_service() as made:
        yield made


def test_tasks_that_fail_are_put_back_and_that_is_proved_by_their_images(fleet: Fleet) -> None:
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)

    target = rolled_out(fleet)

    assert target.state is TargetState.PUT_BACK, target
    assert target.words.startswith("verify: the task in slot 1 failed: "), target.words
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)
    assert "Labels" not in container_spec(fleet)
    assert (service(fleet).status or {}).get("State") == "rollback_completed"


def test_a_task_that_no_node_takes_is_given_up_on_after_a_time_of_ours(fleet: Fleet) -> None:
    """Its Swarm would wait for ever."""

    def full(boundary: str) -> None:
        if boundary == "UPDATE:intent":
            engine(fleet).drain()
        if boundary == "ROLL_BACK:intent":
            engine(fleet).drain(drained=False)

    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), stop_seconds=0)
    target = rolled_out(fleet, full)

    assert target.state is TargetState.PUT_BACK, target
    assert "nothing moved for" in target.words
    assert "no suitable node" in target.words
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)


def test_what_isn_t_well_after_it_was_put_back_is_stranded_until_it_is_tried_again(fleet: Fleet) -> None:
    def full(boundary: str) -> None:
        if boundary == "UPDATE:intent":
            engine(fleet).drain()

    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), stop_seconds=0)
    rollout = carried_out(fleet, planned(fleet), full)
    (target,) = rollout.targets
    assert target.state is TargetState.STRANDED, target
    assert "The service is what it was, and isn't well" in target.words
    assert unlocked(fleet)

    engine(fleet).drain(drained=False)
    again = retry(fleet.console, fleet.jobs, rollout.id)
    assert again.targets[0].state is TargetState.QUEUED, again.targets
    (target,) = Conductor(fleet.console, fleet.jobs, again).run().targets
    assert (target.state, runs(fleet)) == (TargetState.DONE, [NEW, NEW]), target
    assert unlocked(fleet)


def test_a_rollout_that_is_aborted_takes_its_update_back(fleet: Fleet) -> None:
    rollout = start(fleet.console, made := planned(fleet), preflight(fleet.console, fleet.jobs, made), "a test")
    conductors: list[Conductor] = []

    def abort(boundary: str) -> None:
        if boundary == "UPDATE:outcome":
            conductors[0].abort()

    conductors.append(Conductor(replace(fleet.console, mark=abort), fleet.jobs, rollout))
    (target,) = conductors[0].run().targets
    assert (target.state, runs(fleet)) == (TargetState.PUT_BACK, [OLD, OLD]), target
    assert target.words.startswith("aborted before ")
    assert unlocked(fleet)


def test_a_swarm_that_pauses_while_it_takes_back_is_told_to_go_on(fleet: Fleet) -> None:
    """As one does where a task of the update fails in the moment in which that is taken back."""
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    asked: list[str] = []

    def pauses(boundary: str) -> None:
        asked.append(boundary)
        if boundary == "ROLL_BACK:sent" and asked.count(boundary) == 1:
            with engine(fleet).state.lock:
                (one,) = swarm_of(fleet).services.values()
                one.updating = False
                one.say("rollback_paused", "update paused due to failure", fleet.console.clock())

    target = rolled_out(fleet, pauses)

    assert target.state is TargetState.PUT_BACK, target
    assert asked.count("ROLL_BACK:sent") == 2
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)


def test_a_task_that_its_swarm_begins_twice_while_it_takes_back_doesn_t_stay(fleet: Fleet) -> None:
    """As it may where a task fails in that moment: it stays until the Swarm is told something of the service again."""
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    asked: list[str] = []

    def twice(boundary: str) -> None:
        asked.append(boundary)
        if boundary == "VERIFY_OLD:sent" and asked.count(boundary) == 1:
            with engine(fleet).state.lock:
                (one,) = swarm_of(fleet).services.values()
                swarm_of(fleet).add_task(one, 1, fleet.console.clock()).desired = "running"

    target = rolled_out(fleet, twice)

    assert target.state is TargetState.PUT_BACK, target
    assert asked.count("ROLL_BACK:sent") == 2
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)


def test_somebody_who_changes_it_at_the_same_moment_isn_t_overrun(fleet: Fleet) -> None:
    def faster(boundary: str) -> None:
        if boundary == "UPDATE:intent":
            engine(fleet).update_by_hand(SERVICE, Env=["DOMAIN=by.hand"])

    target = rolled_out(fleet, faster)

    assert target.state is TargetState.FAILED, target
    assert target.words == "update service: somebody else changed the service at the same moment"
    assert container_spec(fleet)["Env"] == ["DOMAIN=by.hand"]
    assert unlocked(fleet)


def test_without_what_the_swarm_keeps_it_is_put_back_by_another_update(fleet: Fleet) -> None:
    """Somebody has changed the service since: what its Swarm keeps of before is what this rollout had made."""
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)

    def by_hand(boundary: str) -> None:
        if boundary == "UPDATE:sent":
            engine(fleet).update_by_hand(SERVICE, Hostname="by-hand")

    target = rolled_out(fleet, by_hand)

    assert target.state is TargetState.PUT_BACK, target
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)


def test_scaled_in_the_midst_of_its_first_rollout_it_comes_back_as_its_stack_made_it(fleet: Fleet) -> None:
    """Nothing is on record of it: what it was is known from the look right before the update."""
    container_spec(fleet)["Env"] = ["BY=its-stack"]
    container_spec(fleet)["StopGracePeriod"] = 2_000_000_000
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    before = copy.deepcopy(service(fleet).template)

    def scaled(boundary: str) -> None:
        if boundary == "UPDATE:sent":
            scaled_to(fleet, 3)
            engine(fleet).update_by_hand(SERVICE)

    target = rolled_out(fleet, scaled)

    assert (target.state, "aren't on record" in target.words) == (TargetState.PUT_BACK, False), target.words
    assert service(fleet).template == before
    assert runs(fleet) == [OLD, OLD, OLD]
    assert unlocked(fleet)


def test_one_that_somebody_scaled_to_nothing_is_never_told_as_done(fleet: Fleet) -> None:
    def scaled(boundary: str) -> None:
        if boundary == "UPDATE:outcome":
            scaled_to(fleet, 0)

    target = rolled_out(fleet, scaled)

    assert target.state is not TargetState.DONE, target
    assert "no task at all" in target.words


def test_what_others_decide_while_it_is_verified_is_left_as_it_is(fleet: Fleet) -> None:
    other = fleet.simulated.registry.publish("shop/webshop", "by-hand", "by-hand", "rev", health_interval=0.02).digest

    def by_hand(boundary: str) -> None:
        if boundary == "VERIFY:sent":
            engine(fleet).update_by_hand(SERVICE, Image=f"{REPOSITORY}@{other}")

    target = rolled_out(fleet, by_hand)

    assert target.state is TargetState.SUPERSEDED, target
    assert "was given another image by somebody else" in target.words
    assert str(container_spec(fleet)["Image"]).endswith(other)
    assert unlocked(fleet)


def test_what_failed_may_be_left_or_decided_about(fleet: Fleet) -> None:
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    rollout = carried_out(fleet, planned(fleet, on_failure=OnFailure.ASK))
    (target,) = rollout.targets
    assert target.state is TargetState.UNDECIDED, target
    assert not unlocked(fleet)

    (left,) = decide_on(fleet.console, fleet.jobs, rollout.id, [target.environment_id], Decision.LEAVE).targets

    assert left.state is TargetState.LEFT, left
    assert unlocked(fleet)
    again = retry(fleet.console, fleet.jobs, rollout.id)
    assert again.targets[0].state is TargetState.LEFT


def test_what_failed_is_tried_again(fleet: Fleet) -> None:
    def full(boundary: str) -> None:
        if boundary == "UPDATE:intent":
            engine(fleet).drain()
        if boundary == "ROLL_BACK:intent":
            engine(fleet).drain(drained=False)

    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), stop_seconds=0)
    rollout = carried_out(fleet, planned(fleet), full)
    assert rollout.targets[0].state is TargetState.PUT_BACK

    retry(fleet.console, fleet.jobs, rollout.id)
    with fleet.console.catalog.read() as books:
        again = books.rollouts.get(rollout.id)
    (target,) = Conductor(fleet.console, fleet.jobs, again).run().targets

    assert (target.state, target.attempt) == (TargetState.DONE, 2), target
    assert runs(fleet) == [NEW, NEW]
