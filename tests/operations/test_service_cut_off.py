"""Services of a Swarm whose update was cut off: gone on with, put back, and taken over from other consoles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.lock import LockTimes
from mirror_console.domain.recovery import Found
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.swap import Swap
from mirror_console.operations import recovery
from mirror_console.operations.take_over import take_over, watch
from mirror_console.simulator.behaviour import Behaviour
from tests.operations.fleet import REPOSITORY, Fleet
from tests.operations.service_fleet import (
    LABEL,
    NEW,
    OLD,
    SERVICE,
    container_spec,
    cut_off,
    engine,
    fleet_with_a_service,
    forget_lock,
    look,
    rolled_out,
    runs,
    service,
    swarm_of,
    unlocked,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_with_a_service() as made:
        yield made


BOUNDARIES = ("LOCK:sent", "UPDATE:intent", "UPDATE:sent", "VERIFY:sent", "UNLOCK:intent", "UNLOCK:sent")


CUTS = [(boundary, False) for boundary in BOUNDARIES] + [("UPDATE:intent", True), ("UPDATE:sent", True)]
"""Where it is cut off, and whether somebody removes the lock meanwhile."""


EXPECTED = {
    "LOCK:sent": Found.NOT_BEGUN,
    "UPDATE:intent": Found.NOT_BEGUN,
    "UPDATE:sent": Found.UPDATED,
    "VERIFY:sent": Found.UPDATED,
    "UNLOCK:intent": Found.UPDATED,
    "UNLOCK:sent": Found.FINISHED,
}


@pytest.mark.parametrize(("boundary", "pruned"), CUTS)
def test_cut_off_anywhere_it_is_gone_on_with(fleet: Fleet, boundary: str, *, pruned: bool) -> None:
    rollout = cut_off(fleet, boundary)
    if pruned:
        forget_lock(fleet)
    (finding,) = recovery.examine(fleet.console, fleet.jobs, rollout)
    expected = EXPECTED[boundary]
    assert finding.found is (Found.FINISHED if pruned and expected is Found.UPDATED else expected)

    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()

    assert ended.state is RolloutState.COMPLETED, ended
    assert runs(fleet) == [NEW, NEW]
    assert unlocked(fleet)


@pytest.mark.parametrize(("boundary", "pruned"), CUTS)
def test_cut_off_anywhere_it_is_put_back(fleet: Fleet, boundary: str, *, pruned: bool) -> None:
    rollout = cut_off(fleet, boundary)
    if pruned:
        forget_lock(fleet)

    (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets

    expected = EXPECTED[boundary]
    done = expected is Found.FINISHED or (pruned and expected is Found.UPDATED)
    state = TargetState.DONE if done else TargetState.PUT_BACK if expected is Found.UPDATED else TargetState.FAILED
    assert target.state is state, target
    assert runs(fleet) == ([NEW, NEW] if done else [OLD, OLD])
    assert unlocked(fleet)


def test_cut_off_while_it_is_put_back_it_is_put_back_all_the_same(fleet: Fleet) -> None:
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    for boundary in ("ROLL_BACK:intent", "ROLL_BACK:sent", "VERIFY_OLD:sent", "UNLOCK:intent", "UNLOCK:sent"):
        rollout = cut_off(fleet, boundary)
        (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets
        assert target.state is TargetState.PUT_BACK, (boundary, target)
        assert runs(fleet) == [OLD, OLD]
        assert unlocked(fleet)
        look(fleet)


def test_what_others_decided_since_is_left_as_it_is(fleet: Fleet) -> None:
    rollout = cut_off(fleet, "UPDATE:sent")
    other = fleet.publish("26.8.5", health_interval=0.02)
    engine(fleet).update_by_hand(SERVICE, Image=f"{REPOSITORY}@{other}")

    (target,) = recovery.put_back(fleet.console, fleet.jobs, rollout.id).targets

    assert target.state is TargetState.SUPERSEDED, target
    assert str(container_spec(fleet)["Image"]).endswith(other)
    assert unlocked(fleet)


def test_an_update_that_comes_late_is_taken_back(fleet: Fleet) -> None:
    """Nothing was changed since its version was read, so that it is carried out: whoever put back watches for it."""
    rollout = cut_off(fleet, "UPDATE:intent")
    body = dict(service(fleet).spec)
    index = service(fleet).index
    console = replace(fleet.console, lock_times=LockTimes(grace=1.0))
    sent: list[int] = []

    def sleep(seconds: float) -> None:
        if not sent:
            sent.append(index)
            template = {**body["TaskTemplate"]}
            image = planned_image(rollout)
            labels = {LABEL + "rollout": rollout.id}
            template["ContainerSpec"] = {**template["ContainerSpec"], "Image": image, "Labels": labels}
            send_update(fleet, {**body, "TaskTemplate": template}, index)
        fleet.console.sleep(seconds)

    (target,) = recovery.put_back(replace(console, sleep=sleep), fleet.jobs, rollout.id).targets

    assert target.state is TargetState.PUT_BACK, target
    assert "what came late was put right" in target.words
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)
    # Once more it is refused by its version, whenever it comes.
    with pytest.raises(Exception, match="out of sequence"):
        send_update(fleet, body, index)


def planned_image(rollout: Rollout) -> str:
    return rollout.targets[0].planned.reference


def send_update(fleet: Fleet, spec: dict[str, object], index: int) -> None:
    from mirror_console.simulator.swarm_changes import update_service as simulated_update

    simulated_update(engine(fleet).state, service(fleet).id, index, spec, "", back=False)


def test_what_failed_of_it_while_the_console_was_gone_counts_all_the_same(fleet: Fleet) -> None:
    """Not killed, it would have been put back for that."""
    rollout = cut_off(fleet, "UNLOCK:intent")
    swarm = swarm_of(fleet)
    runs(fleet)
    new = next(task for task in swarm.tasks_of(service(fleet)) if task.state == "running")
    engine(fleet).lose_container(engine(fleet).state.containers[new.container_id].name)
    runs(fleet)
    assert any(task.state == "failed" for task in swarm.tasks_of(service(fleet)))

    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()

    assert ended.targets[0].state is TargetState.PUT_BACK, ended.targets[0]
    assert runs(fleet) == [OLD, OLD]


def test_what_somebody_put_back_meanwhile_is_recognised(fleet: Fleet) -> None:
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    asked: list[str] = []

    def by_hand(boundary: str) -> None:
        asked.append(boundary)
        if boundary == "VERIFY:sent":
            previous = service(fleet).previous
            assert previous is not None
            image = str(previous["TaskTemplate"]["ContainerSpec"]["Image"])
            engine(fleet).update_by_hand(SERVICE, Image=image)

    target = rolled_out(fleet, by_hand)

    assert target.state is TargetState.PUT_BACK, target
    assert runs(fleet) == [OLD, OLD]
    assert "ROLL_BACK:sent" not in asked, (target.words, asked)
    assert unlocked(fleet)


def test_a_lock_of_another_console_is_respected_and_taken_over_once_it_stands_still(fleet: Fleet) -> None:
    cut_off(fleet, "UPDATE:sent")
    other = replace(
        fleet.console,
        lock_times=LockTimes(term=0.3, every=0.1, look_every=0.05, blind=1.0, wait=0.2, grace=0.05),
        run="another-run",
    )
    with fleet.console.catalog.write() as books:
        for rollout in books.rollouts.unfinished():
            books.rollouts.save_head(replace(rollout, state=RolloutState.STOPPED))
    environment_id = fleet.environment(fleet.mirrors[0], "live").id
    swarm = swarm_of(fleet)
    (lock,) = swarm.configs.values()
    lock.spec["Labels"] |= {LABEL + "catalog": "another", LABEL + "operator": "somebody", LABEL + "machine": "else"}

    watched = watch(other, environment_id)
    ended = take_over(other, fleet.jobs, watched, "that console is gone")

    (target,) = ended.targets
    assert target.state is TargetState.PUT_BACK, target
    assert target.planned.swap is Swap.SERVICE
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)


def test_a_lock_that_is_somebody_else_s_by_now_ends_the_turn(fleet: Fleet) -> None:
    def taken(boundary: str) -> None:
        if boundary != "UPDATE:intent":
            return
        swarm = swarm_of(fleet)
        (lock,) = swarm.configs.values()
        lock.id = swarm.new_id()
        lock.spec["Labels"] |= {LABEL + "rollout": "another", LABEL + "catalog": "another"}
        swarm.configs = {lock.id: lock}

    target = rolled_out(fleet, taken)

    assert target.state is TargetState.SUPERSEDED, target
    assert runs(fleet) == [OLD, OLD]
