"""Services of a Swarm: updated as planned, with their settings, commands before them, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.check import Check
from mirror_console.domain.environment import Limits, Volume
from mirror_console.domain.journal import Phase
from mirror_console.domain.plan import Change, Reason
from mirror_console.domain.release_command import ReleaseCommand, RunState
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.steps import SERVICE_STEPS
from mirror_console.domain.swap import Swap
from mirror_console.domain.way_back import WayBack
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.ways_back import ways_back
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.operations.service_fleet import (
    LABEL,
    NEW,
    OLD,
    carried_out,
    container_spec,
    fleet_with_a_service,
    look,
    planned,
    prepare,
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


def test_every_task_runs_the_release_and_all_that_the_stack_decides_stays(fleet: Fleet) -> None:
    before = dict(service(fleet).spec)
    made = planned(fleet, bake=0.3)
    assert not made.left_out, made.left_out
    (target,) = made.targets
    assert (target.swap, target.change, target.way_back) == (Swap.SERVICE, Change.UPDATE, WayBack.PULL)

    rollout = carried_out(fleet, made)

    (ended,) = rollout.targets
    assert (rollout.state, ended.state, ended.down_seconds) == (RolloutState.COMPLETED, TargetState.DONE, None), ended
    assert (ended.words, ended.verified_by) == ("2 of 2 tasks run it", "2 of 2 tasks run it")
    assert runs(fleet) == [NEW, NEW]
    assert unlocked(fleet)
    now = service(fleet).spec
    assert container_spec(fleet)["Image"] == target.reference
    assert container_spec(fleet)["Labels"][LABEL + "rollout"] == rollout.id
    assert now["Labels"]["of.stack"] == "shop"
    assert (now["Mode"], now["UpdateConfig"]["Order"]) == (before["Mode"], before["UpdateConfig"]["Order"])
    assert now["UpdateConfig"]["FailureAction"] == "pause"
    with fleet.console.catalog.read() as books:
        steps = [line.step for line in books.journal.of(rollout.id) if line.phase is Phase.OUTCOME]
    assert steps == list(SERVICE_STEPS)


def test_settings_alone_go_the_same_way_with_the_image_that_runs(fleet: Fleet) -> None:
    rolled_out(fleet)
    look(fleet)
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, variables={"DOMAIN": "new.example"}, limits=Limits(memory=64 * 1024 * 1024))
    look(fleet)

    made = planned(fleet, settings_only=True)
    assert made.targets[0].way_back is WayBack.PULL
    rollout = carried_out(fleet, made)

    (target,) = rollout.targets
    assert (target.state, made.targets[0].swap, made.targets[0].change) == (
        TargetState.DONE,
        Swap.SERVICE,
        Change.SETTINGS,
    ), target
    assert container_spec(fleet)["Env"] == ["DOMAIN=new.example"]
    assert runs(fleet) == [NEW, NEW]

    # Where both have one image, the labels of tasks tell apart what is to be taken back.
    back = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.ALL)
    assert carried_out(fleet, back).state is RolloutState.COMPLETED
    assert container_spec(fleet)["Env"] == ["DOMAIN=mirror-01.example"]


def test_a_service_that_isn_t_there_is_left_out_with_what_to_do(fleet: Fleet) -> None:
    swarm_of(fleet).services.clear()
    look(fleet)
    (left,) = planned(fleet).left_out
    assert (left.reason, "deploy its stack first" in left.words) == (Reason.NO_SERVICE, True)


def test_one_task_that_is_stopped_first_is_down_for_as_long_as_is_told(fleet: Fleet) -> None:
    service(fleet).spec["Mode"] = {"Replicated": {"Replicas": 1}}
    look(fleet)
    target = rolled_out(fleet)
    assert (target.state, runs(fleet)) == (TargetState.DONE, [NEW])


def test_containers_and_services_of_one_engine_are_rolled_out_together() -> None:
    with small_fleet(2, ("alpha",)) as fleet:
        prepare(fleet)
        look(fleet)
        made = plan(fleet.console, "live", ["mirror-01", "mirror-02"], QUICK)
        assert [target.swap for target in made.targets] == [Swap.SERVICE, Swap.CREATE]

        rollout = carried_out(fleet, made)

        assert [target.state for target in rollout.targets] == [TargetState.DONE] * 2, rollout.targets
        assert runs(fleet) == [NEW, NEW]
        assert fleet.version_of("mirror-02-live") == NEW
        assert unlocked(fleet)
        results = preflight(fleet.console, fleet.jobs, made).results
        kinds = [one.words for one in results if one.check is Check.ENGINE_KIND]
        assert sorted(kinds) == ["It is Docker, and a manager of its Swarm.", "It is Docker."]


def test_a_release_command_runs_on_the_manager_before_the_update(fleet: Fleet) -> None:
    command = ReleaseCommand(("sh", "-c", "echo migrating"), limit=20.0, reversible=True)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command))
    before: list[list[str]] = []
    given: list[tuple[Volume, ...]] = []
    container_spec(fleet)["Mounts"] = [{"Type": "volume", "Source": "media", "Target": "/srv/media"}]

    def begins(boundary: str) -> None:
        if boundary == "RELEASE:sent":
            before.append(runs(fleet))
            session = fleet.console.engines.session(fleet.console.engine("alpha"))
            (name,) = (name for name in fleet.names("alpha") if name.startswith("mc-rel."))
            run = session.inspect(name)
            given.append(run.volumes if run is not None else ())

    rollout = carried_out(fleet, planned(fleet), begins)
    (target,) = rollout.targets
    assert (target.state, runs(fleet), before) == (TargetState.DONE, [NEW, NEW], [[OLD, OLD]]), target
    with fleet.console.catalog.read() as books:
        (run,) = (books.commands.get(one.id) for one in books.commands.all())
    assert run.state is RunState.SUCCEEDED
    # There is one node alone, so that its data is there.
    assert given == [(Volume("media", "/srv/media"),)]
    assert not [name for name in fleet.names("alpha") if name.startswith("mc-")]


def test_a_release_command_that_fails_leaves_the_service_as_it_is(fleet: Fleet) -> None:
    command = ReleaseCommand(("sh", "-c", "exit 3"), limit=20.0, reversible=True)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command))
    target = rolled_out(fleet)
    assert (target.state, runs(fleet)) == (TargetState.FAILED, [OLD, OLD]), target
    assert "exit code 3" in target.words
    assert unlocked(fleet)


def test_a_rollout_is_rolled_back_to_the_image_and_settings_of_before(fleet: Fleet) -> None:
    rollout = carried_out(fleet, planned(fleet))
    look(fleet)
    environment_id = fleet.environment(fleet.mirrors[0], "live").id
    assert ways_back(fleet.console, [environment_id])[environment_id].way_back is WayBack.PULL

    made = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.ALL)

    (target,) = made.targets
    assert (target.change, target.swap, target.way_back) == (Change.BACK, Swap.SERVICE, WayBack.PULL)
    assert carried_out(fleet, made).state is RolloutState.COMPLETED
    assert runs(fleet) == [OLD, OLD]
    (left,) = plan_rollback(fleet.console, fleet.jobs, rollout.id, Part.ALL).left_out
    assert left.reason in {Reason.NOTHING_TO_DO, Reason.CHANGED_SINCE}
