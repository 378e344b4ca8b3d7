"""A rollout on the simulator, with a real catalog: every outcome of a target, the stop rule, pausing and stopping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import HealthTest
from mirror_console.domain.identity import SAME
from mirror_console.domain.observation import Health
from mirror_console.domain.plan import Plan, Reason
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.rollout import WORKING, Rollout, RolloutState, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import REST, Way
from mirror_console.errors import InvalidInput, NotAllowed
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.operations.status import survey
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.changing import rename_container, update_container
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.align) as made:
        yield made


def planned(fleet: Fleet, way: Way = QUICK, count: int | None = None) -> Plan:
    return plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors[:count]], way)


def publish(fleet: Fleet, version: str = "26.8.3", **how: object) -> None:
    fleet.publish(version, **{"health_interval": 0.02, **how})
    refresh(fleet.console, fleet.jobs)


def carried_out(fleet: Fleet, way: Way = QUICK, count: int | None = None) -> Rollout:
    made = planned(fleet, way, count)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    return Conductor(fleet.console, fleet.jobs, rollout).run()


def states(rollout: Rollout) -> list[TargetState]:
    return [target.state for target in rollout.targets]


def everything(fleet: Fleet) -> dict[str, str]:
    return {**fleet.names("alpha"), **fleet.names("berlin")}


def test_every_mirror_gets_the_release_and_keeps_its_way_back(fleet: Fleet) -> None:
    publish(fleet)
    rollout = carried_out(fleet)
    assert rollout.state is RolloutState.COMPLETED
    assert states(rollout) == [TargetState.DONE] * 4
    there = everything(fleet)
    for number in range(1, 5):
        assert there[f"mirror-0{number}-live"] == "running"
        assert there[f"mirror-0{number}-live.mc-prev"] == "exited"
    assert len(there) == 9, there
    for row in survey(fleet.console).rows:
        assert row.cells["live"].running_title == "26.8.3"
        assert not row.cells["live"].differences


def test_what_is_made_is_named_by_repository_version_and_digest(fleet: Fleet) -> None:
    publish(fleet)
    carried_out(fleet)
    made = fleet.container("mirror-01-live")
    (digest,) = fleet.simulated.engines["alpha"].state.images.find(made.image.id).digests
    assert made.config["Image"] == f"{REPOSITORY}:26.8.3@{digest.rpartition('@')[2]}"
    assert made.config["Labels"]["io.mirrorconsole.version"] == "26.8.3"


def test_what_was_loaded_from_a_file_is_named_by_its_id(fleet: Fleet) -> None:
    publish(fleet)
    carried_out(fleet, count=1)
    image = fleet.container("mirror-01-live").image.id
    fleet.simulated.engines["alpha"].state.images.find(image).digests.clear()
    with fleet.console.catalog.write() as books:
        for release in books.releases.all():
            books.releases.save(replace(release, digest=""))
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), variables={"DOMAIN": "other.example"})
    rollout = carried_out(fleet, count=1)
    assert states(rollout) == [TargetState.DONE]
    assert fleet.container("mirror-01-live").config["Image"] == image


def test_a_release_for_two_platforms_goes_to_engines_of_both() -> None:
    with small_fleet() as fleet:
        fleet.simulated.engines["berlin"].state.platform = "linux/arm64"
        fleet.publish("26.8.2", health_interval=0.02)
        fleet.run_mirrors("26.8.2")
        refresh(fleet.console, fleet.jobs)
        publish(fleet)
        rows = survey(fleet.console).rows
        assert {(row.cells["live"].alignment, row.cells["live"].behind) for row in rows} == {(Alignment.BEHIND, 1)}
        assert states(carried_out(fleet)) == [TargetState.DONE] * 4
        for row in survey(fleet.console).rows:
            assert (row.cells["live"].alignment, row.cells["live"].likeness) == (Alignment.ALIGNED, SAME)
        platforms = {name: fleet.container(name).image.platform for name in ("mirror-01-live", "mirror-02-live")}
        assert platforms == {"mirror-01-live": "linux/amd64", "mirror-02-live": "linux/arm64"}


@dataclass
class Lying:
    """The way to engines that make a container of another image than they are told to."""

    engines: Any
    image_id: str

    def session(self, engine: Engine) -> Any:
        return _LyingSession(self.engines.session(engine), self.image_id)


@dataclass
class _LyingSession:
    session: Any
    image_id: str

    def create(self, spec: ContainerSpec) -> str:
        made: str = self.session.create(replace(spec, image=self.image_id) if spec.name.endswith(".mc-next") else spec)
        return made

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.session, verb)


def test_a_container_that_is_made_of_another_image_never_serves(fleet: Fleet) -> None:
    before = fleet.container("mirror-01-live")
    publish(fleet)
    way: Any = Lying(fleet.console.engines, before.image.id)
    fleet.console = replace(fleet.console, engines=way)
    rollout = carried_out(fleet, count=1)
    assert states(rollout) == [TargetState.FAILED]
    assert "another image than the planned one" in rollout.targets[0].words
    assert fleet.names("alpha").keys() == {"webshop-live", "mirror-01-live", "mirror-03-live"}
    after = fleet.container("mirror-01-live")
    assert (after.id, after.is_running, after.started) == (before.id, True, before.started)


def test_a_second_rollout_keeps_one_way_back(fleet: Fleet) -> None:
    publish(fleet)
    carried_out(fleet)
    publish(fleet, "26.8.4")
    assert carried_out(fleet).state is RolloutState.COMPLETED
    there = everything(fleet)
    assert len(there) == 9, there
    for number in range(1, 5):
        assert fleet.version_of(f"mirror-0{number}-live.mc-prev") == "26.8.3"
        assert fleet.version_of(f"mirror-0{number}-live") == "26.8.4"


def test_the_first_container_of_an_environment_is_created(fleet: Fleet) -> None:
    publish(fleet)
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    rollout = carried_out(fleet, count=1)
    assert rollout.targets[0].planned.swap is Swap.CREATE
    assert states(rollout) == [TargetState.DONE]
    assert fleet.names("alpha").keys() == {"webshop-live", "mirror-01-live", "mirror-03-live"}


@pytest.mark.parametrize("behaviour", [Behaviour.NEVER_HEALTHY, Behaviour.EXITS_AT_ONCE])
def test_a_new_container_that_is_not_well_is_put_back(fleet: Fleet, behaviour: Behaviour) -> None:
    publish(fleet, behaviour=behaviour)
    before = fleet.container("mirror-01-live").id
    rollout = carried_out(fleet, count=1)
    assert states(rollout) == [TargetState.PUT_BACK]
    assert rollout.state is RolloutState.COMPLETED_WITH_FAILURES
    assert fleet.names("alpha").keys() == {"webshop-live", "mirror-01-live", "mirror-03-live"}
    after = fleet.container("mirror-01-live")
    assert after.id == before
    assert after.is_running
    assert after.policy == "unless-stopped"


def test_a_container_that_dies_while_it_bakes_is_put_back(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.HEALTHY_THEN_DIES)
    before = fleet.container("mirror-01-live").id
    rollout = carried_out(fleet, replace(QUICK, bake=30.0), count=1)
    assert states(rollout) == [TargetState.PUT_BACK]
    assert "baking" in rollout.targets[0].words or "verify" in rollout.targets[0].words
    assert fleet.container("mirror-01-live").id == before
    assert fleet.container("mirror-01-live").is_running


@pytest.mark.parametrize("boundary", ["COMMIT:intent", "NAME:intent", "BAKE:intent"])
def test_a_way_back_that_gets_a_restart_policy_at_the_last_moment_loses_it(fleet: Fleet, boundary: str) -> None:
    publish(fleet)
    made = planned(fleet, replace(QUICK, bake=0.5), count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    alpha, old = fleet.simulated.engines["alpha"], fleet.container(made.targets[0].container).id

    def change(reached: str) -> None:
        if reached == boundary:
            update_container(alpha.state, old, {"RestartPolicy": {"Name": "always"}})

    ended = Conductor(replace(fleet.console, mark=change), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE]
    way_back = fleet.container(f"{made.targets[0].container}.mc-prev")
    assert (way_back.id, way_back.policy, way_back.is_running) == (old, "no", False)


def test_an_answer_that_is_lost_once_all_has_baked_puts_nothing_back(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, replace(QUICK, bake=0.5), count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    alpha, old = fleet.simulated.engines["alpha"], fleet.container(made.targets[0].container).id

    def lose(boundary: str) -> None:
        if boundary == f"{Step.BAKE.name}:outcome":
            alpha.misbehave(Fault.ERROR_PAGE, f"{old}/json", times=1)

    ended = Conductor(replace(fleet.console, mark=lose), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE]
    assert "; its way back may come back with the engine: " in ended.targets[0].words
    assert fleet.version_of(made.targets[0].container) == "26.8.3"


@pytest.mark.parametrize("taken", [False, True])
def test_a_new_container_that_gets_another_name_while_it_bakes_gets_its_own_again(fleet: Fleet, taken: bool) -> None:
    publish(fleet)
    made = planned(fleet, replace(QUICK, bake=0.5), count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    alpha, live = fleet.simulated.engines["alpha"], made.targets[0].container

    def rename(boundary: str) -> None:
        if boundary == f"{Step.BAKE.name}:intent":
            rename_container(alpha.state, live, f"{live}.by-hand")
            if taken:
                alpha.run(live, fleet.container("mirror-03-live").image.id)

    ended = Conductor(replace(fleet.console, mark=rename), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE]
    new = fleet.container(f"{live}.by-hand" if taken else live)
    assert new.is_running
    assert fleet.version_of(new.name) == "26.8.3"
    assert ("it has another name now: " in ended.targets[0].words) == taken


def test_a_first_container_that_is_not_well_is_removed_again(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    rollout = carried_out(fleet, count=1)
    assert states(rollout) == [TargetState.PUT_BACK]
    assert fleet.names("alpha").keys() == {"webshop-live", "mirror-03-live"}


def test_a_failing_canary_stops_the_rest(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    rollout = carried_out(fleet)
    assert rollout.state is RolloutState.PAUSED
    assert states(rollout) == [TargetState.PUT_BACK] + [TargetState.QUEUED] * 3
    assert rollout.paused_because.startswith("Stop rule: 1 of 1 targets of wave 1 failed; 0 may. Look at why;")


def test_a_person_may_go_on_in_spite_of_a_failure(fleet: Fleet) -> None:
    publish(fleet, behaviour=Behaviour.NEVER_HEALTHY)
    rollout = carried_out(fleet, replace(QUICK, max_failed=5))
    gone_on = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert gone_on.state is RolloutState.COMPLETED_WITH_FAILURES
    assert states(gone_on) == [TargetState.PUT_BACK] * 4


def test_it_pauses_after_the_canary_and_goes_on_when_told(fleet: Fleet) -> None:
    publish(fleet)
    rollout = carried_out(fleet, replace(QUICK, pause_after_canary=True))
    assert rollout.state is RolloutState.PAUSED
    assert states(rollout) == [TargetState.DONE] + [TargetState.QUEUED] * 3
    gone_on = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert gone_on.state is RolloutState.COMPLETED


def test_a_stop_lets_what_is_in_flight_end_and_starts_nothing_more(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    conductor: Conductor

    def stop_in_the_first(snapshot: Rollout) -> None:
        if snapshot.targets[0].state is TargetState.SWAPPING:
            conductor.stop()

    conductor = Conductor(fleet.console, fleet.jobs, rollout, stop_in_the_first)
    ended = conductor.run()
    assert ended.state is RolloutState.STOPPED
    assert states(ended) == [TargetState.DONE] + [TargetState.NOT_STARTED] * 3


def test_a_target_that_changed_since_the_plan_is_left_out(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet)
    checked = preflight(fleet.console, fleet.jobs, made)
    rollout = start(fleet.console, made, checked, "a test")
    fleet.simulated.engines["berlin"].lose_container("mirror-02-live")
    ended = Conductor(fleet.console, fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE, TargetState.SKIPPED, TargetState.DONE, TargetState.DONE]
    assert "is gone" in ended.targets[1].words


def test_an_engine_that_goes_dark_costs_its_own_targets_only(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, replace(QUICK, max_failed=9))
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    fleet.simulated.engines["berlin"].make_unreachable()
    ended = Conductor(fleet.console, fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE, TargetState.FAILED, TargetState.DONE, TargetState.FAILED]
    assert all("berlin" in target.words for target in ended.targets if target.state is TargetState.FAILED)


def test_what_is_aligned_is_left_out_with_the_reason(fleet: Fleet) -> None:
    made = planned(fleet)
    assert [left.reason for left in made.left_out] == [Reason.NOTHING_TO_DO] * 4
    with pytest.raises(InvalidInput, match="changes nothing"):
        start(fleet.console, made, Checked(()), "a test")


def test_changed_settings_wait_for_a_rollout_and_are_applied_by_it(fleet: Fleet) -> None:
    publish(fleet)
    carried_out(fleet)
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, variables={"DOMAIN": "new.example"})
    assert survey(fleet.console).row("mirror-01").cells["live"].pending
    rollout = carried_out(fleet, count=1)
    assert states(rollout) == [TargetState.DONE]
    assert "DOMAIN=new.example" in fleet.container("mirror-01-live").config["Env"]
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert not cell.pending
    assert not cell.differences


def test_a_change_by_hand_is_drift_with_its_kind(fleet: Fleet) -> None:
    container = fleet.container("mirror-01-live")
    container.host["Memory"] = 64 * 1024 * 1024
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert [str(difference) for difference in cell.differences] == ["memory limit: none → 64 MiB"]
    assert cell.status == "drifted"


def test_a_foreign_lock_blocks_its_target(fleet: Fleet) -> None:
    publish(fleet)
    environment = fleet.environment(fleet.mirrors[0], "live")
    ours = {"operator": "another", "machine": "desk-2", "rollout": "12345678abc", "console": "87654321abc"}
    labels = {f"io.mirrorconsole.{name}": value for name, value in ours.items()}
    alpha = fleet.simulated.engines["alpha"]
    alpha.run(f"mc-lock.{environment.container}", fleet.container("mirror-01-live").image.id, labels=labels)
    made = planned(fleet, count=1)
    checked = preflight(fleet.console, fleet.jobs, made)
    words = "another on desk-2 holds the lock since an unknown time (rollout 12345678, console 87654321)."
    assert [(result.words, "take-over" in result.remedy) for result in checked.blocking] == [(words, True)]
    with pytest.raises(InvalidInput, match="every target is blocked"):
        start(fleet.console, made, checked, "a test")


def test_a_port_that_another_container_holds_blocks_its_target(fleet: Fleet) -> None:
    publish(fleet)
    fleet.simulated.engines["alpha"].lose_container("mirror-01-live")
    image = fleet.container("mirror-03-live").image.id
    fleet.simulated.engines["alpha"].run("stranger", image, ports={8080: 11001})
    refresh(fleet.console, fleet.jobs)
    made = planned(fleet, count=1)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert [result.words for result in checked.blocking] == ["Port 11001 is held by 'stranger'."]


def test_a_port_taken_between_stop_and_start_puts_back(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    alpha = fleet.simulated.engines["alpha"]
    thief = fleet.container("mirror-03-live").image.id

    def steal(boundary: str) -> None:
        if boundary == f"{Step.STOP.name}:outcome":
            alpha.run("thief", thief, ports={8080: 11001})
        if boundary == f"{Step.START.name}:sent":
            alpha.lose_container("thief")

    console = replace(fleet.console, mark=steal)
    ended = Conductor(console, fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.PUT_BACK]
    assert "start new" in ended.targets[0].words
    assert fleet.container("mirror-01-live").is_running


def test_neither_old_nor_new_can_be_started_is_stranded(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    alpha = fleet.simulated.engines["alpha"]

    def leak(boundary: str) -> None:
        if boundary == f"{Step.STOP.name}:outcome":
            alpha.leak_port(11001)

    ended = Conductor(replace(fleet.console, mark=leak), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.STRANDED]
    assert "Putting back failed" in ended.targets[0].words
    assert not [name for name in fleet.names("alpha") if name.startswith("mc-lock")]


def test_a_lock_that_somebody_prunes_is_taken_again(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    lock = f"mc-lock.{made.targets[0].container}"

    def prune(boundary: str) -> None:
        if boundary == f"{Step.CREATE.name}:outcome":
            fleet.simulated.engines["alpha"].lose_container(lock)

    ended = Conductor(replace(fleet.console, mark=prune), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE]
    assert lock not in fleet.names("alpha")


def begun_with_a_way_back(fleet: Fleet) -> Rollout:
    """The second rollout of the first mirror, which keeps a way back from the first one."""
    publish(fleet)
    carried_out(fleet, count=1)
    publish(fleet, "26.8.4")
    made = planned(fleet, count=1)
    return start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")


def test_a_lock_that_is_lost_at_the_last_moment_keeps_the_names_as_they_are(fleet: Fleet) -> None:
    rollout = begun_with_a_way_back(fleet)
    live = rollout.targets[0].planned.container
    lock, alpha, old = f"mc-lock.{live}", fleet.simulated.engines["alpha"], fleet.container(live).id

    def take_over(boundary: str) -> None:
        if boundary == f"{Step.COMMIT.name}:intent":
            alpha.lose_container(lock)
            alpha.run(lock, fleet.container(live).image.id, labels={"io.mirrorconsole.operator": "another"})

    ended = Conductor(replace(fleet.console, mark=take_over), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.SUPERSEDED]
    assert fleet.container(live).id == old
    assert fleet.container(f"{live}.mc-next").is_running


def test_an_old_one_that_is_removed_at_the_last_moment_is_gone_on_without(fleet: Fleet) -> None:
    rollout = begun_with_a_way_back(fleet)
    live = rollout.targets[0].planned.container
    alpha = fleet.simulated.engines["alpha"]
    kept = fleet.container(f"{live}.mc-prev").id

    def remove(boundary: str) -> None:
        if boundary == f"{Step.COMMIT.name}:intent":
            alpha.lose_container(live)

    ended = Conductor(replace(fleet.console, mark=remove), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.DONE]
    assert "there is no way back, as somebody removed the old container" in ended.targets[0].words
    there = {name: state for name, state in fleet.names("alpha").items() if live in name}
    assert there == {live: "running", f"{live}.mc-prev": "exited"}
    assert fleet.version_of(live) == "26.8.4"
    # What had stepped aside for it is where it was.
    assert fleet.container(f"{live}.mc-prev").id == kept


def test_a_lock_that_another_took_over_ends_the_turn_untouched_from_there(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    lock = f"mc-lock.{made.targets[0].container}"
    alpha = fleet.simulated.engines["alpha"]
    image = fleet.container("mirror-03-live").image.id

    def take_over(boundary: str) -> None:
        if boundary == f"{Step.CREATE.name}:outcome":
            alpha.lose_container(lock)
            alpha.run(lock, image, labels={"io.mirrorconsole.operator": "another"})

    ended = Conductor(replace(fleet.console, mark=take_over), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.SUPERSEDED]
    assert fleet.container("mirror-01-live").is_running
    assert fleet.container("mirror-01-live").policy == "unless-stopped"


def test_a_wrong_registry_password_blocks_in_words(fleet: Fleet) -> None:
    publish(fleet)
    fleet.console.vault.put(SecretReference("registry/simulated/password"), Secret("wrong"))
    fleet.console.engines.forget("berlin")
    made = plan(fleet.console, "live", ["mirror-02"], QUICK)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert len(checked.blocking) == 1
    assert "authentication required" in checked.blocking[0].words
    assert "password" in checked.blocking[0].remedy


def test_a_required_variable_without_a_value_blocks(fleet: Fleet) -> None:
    publish(fleet)
    with fleet.console.catalog.write() as books:
        source = books.applications.get("source")
        books.applications.save(replace(source, required_variables=("DOMAIN", "STAGE")))
    made = planned(fleet, count=1)
    checked = preflight(fleet.console, fleet.jobs, made)
    assert [result.words for result in checked.blocking] == ["Required and without a value: STAGE."]


def test_more_than_twenty_targets_ask_for_their_number() -> None:
    with small_fleet(mirrors=21, prepared=Fleet.align) as fleet:
        publish(fleet)
        made = planned(fleet)
        checked = preflight(fleet.console, fleet.jobs, made)
        for typed in (None, 20):
            with pytest.raises(InvalidInput, match="type 21"):
                start(fleet.console, made, checked, "a test", typed)
        rollout = start(fleet.console, made, checked, "a test", 21)
        assert Conductor(fleet.console, fleet.jobs, rollout).run().state is RolloutState.COMPLETED


def test_an_old_plan_does_not_start(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet)
    checked = preflight(fleet.console, fleet.jobs, made)
    later = replace(fleet.console, clock=lambda: made.valid_until.replace(year=made.valid_until.year + 1))
    with pytest.raises(InvalidInput, match="too old"):
        start(later, made, checked, "a test")


def test_read_only_refuses_to_plan_and_to_start(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet)
    looking = replace(fleet.console, read_only="It was started with --read-only.")
    with pytest.raises(NotAllowed):
        plan(looking, "live", ["mirror-01"], QUICK)
    with pytest.raises(NotAllowed):
        start(looking, made, Checked(()), "a test")


def test_a_health_check_that_never_says_is_waited_for_no_longer_than_its_limit(fleet: Fleet) -> None:
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, health=HealthTest(limit=0.3))
    publish(fleet, health_interval=60.0)
    rollout = carried_out(fleet, count=1)
    assert states(rollout) == [TargetState.PUT_BACK]
    assert "not well after 0.3 s" in rollout.targets[0].words
    refresh(fleet.console, fleet.jobs)
    assert survey(fleet.console).row("mirror-01").cells["live"].health in {Health.HEALTHY, Health.STARTING}


def test_an_engine_takes_no_more_at_once_than_it_is_said_to(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        for engine in books.engines.all():
            books.engines.save(replace(engine, at_once=1))
    publish(fleet)
    made = planned(fleet, Way(waves=(REST,), bake=0.0, at_once=8, at_once_per_engine=4, pause_after_canary=False))
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    most: list[int] = []

    def count(snapshot: Rollout) -> None:
        working = [target.planned.engine_id for target in snapshot.targets if target.state in WORKING]
        most.append(max((working.count(engine) for engine in working), default=0))

    assert Conductor(fleet.console, fleet.jobs, rollout, count).run().state is RolloutState.COMPLETED
    assert max(most) == 1


def test_the_number_to_type_is_that_of_the_targets_that_will_change() -> None:
    with small_fleet(mirrors=22, prepared=Fleet.align) as fleet:
        publish(fleet)
        made = planned(fleet)
        blocking = CheckResult(Check.LOCK, Answer.BLOCKED, "held", "", made.targets[0].environment_id)
        with pytest.raises(InvalidInput, match="type 21"):
            start(fleet.console, made, Checked((blocking,)), "a test", 22)
        rollout = start(fleet.console, made, Checked((blocking,)), "a test", 21)
        assert states(rollout) == [TargetState.SKIPPED] + [TargetState.QUEUED] * 21


def test_a_container_that_another_console_put_there_meanwhile_is_left_alone(fleet: Fleet) -> None:
    publish(fleet)
    made = planned(fleet, count=1)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    alpha = fleet.simulated.engines["alpha"]

    def swapped_by_another(boundary: str) -> None:
        if boundary == f"{Step.LOCK.name}:intent":
            alpha.lose_container("mirror-01-live")
            fleet.simulated.engines["alpha"].run("mirror-01-live", fleet.container("mirror-03-live").image.id)

    ended = Conductor(replace(fleet.console, mark=swapped_by_another), fleet.jobs, rollout).run()
    assert states(ended) == [TargetState.FAILED]
    assert "another container now" in ended.targets[0].words
    assert fleet.container("mirror-01-live").is_running
    assert not [name for name in fleet.names("alpha") if ".mc-" in name or name.startswith("mc-lock")]


def test_what_is_protected_starts_with_a_reason_only(fleet: Fleet) -> None:
    publish(fleet)
    first = fleet.environment(fleet.mirrors[0], "live")
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(first, protected=True))
    made = planned(fleet)
    checked = preflight(fleet.console, fleet.jobs, made)
    with pytest.raises(InvalidInput, match="a reason is wanted, as live is protected"):
        start(fleet.console, made, checked, " ")
    assert start(fleet.console, made, checked, "a fix").why == "a fix"
