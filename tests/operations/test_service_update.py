"""Services of a Swarm: updated in one call, judged by their tasks, taken back, cut off, and taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.canary import CanaryRule
from mirror_console.domain.check import Answer, Check
from mirror_console.domain.environment import HealthTest, Limits
from mirror_console.domain.journal import Phase
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.plan import Change, Plan, Reason
from mirror_console.domain.recovery import Found
from mirror_console.domain.release_command import ReleaseCommand, RunState
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.domain.steps import SERVICE_STEPS
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import OnFailure
from mirror_console.domain.way_back import WayBack
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.deciding import Decision, decide_on
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.swarm_checks import check_service, manages
from mirror_console.operations.take_over import take_over, watch
from mirror_console.operations.ways_back import ways_back
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.swarm import Service
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

SERVICE = "mirror-01-live"
LABEL = "io.mirrorconsole."
OLD, NEW = "26.8.2", "26.8.3"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(1, ("alpha",)) as made:
        prepare(made)
        yield made


def prepare(made: Fleet) -> None:
    """A mirror whose live is a service of two tasks, one release behind its source, and made by a stack."""
    digest = made.publish(OLD, health_interval=0.02)
    engine(made).manage_swarm()
    environment = made.environment(made.mirrors[0], "live")
    settings = replace(environment.settings, ports=(), health=HealthTest(settle=0.0, limit=2.0))
    with made.console.catalog.write() as books:
        books.environments.save(replace(environment, swarm=True, settings=settings))
    engine(made).serve(
        SERVICE,
        f"{REPOSITORY}@{digest}",
        replicas=2,
        variables=dict(environment.settings.variables),
        labels={"of.stack": "shop"},
        login=made.simulated.login,
        monitor=0.1,
        delay=0.2,
    )
    look(made)
    made.publish(NEW, health_interval=0.02)
    look(made)


def engine(fleet: Fleet) -> SimulatedEngine:
    return fleet.simulated.engines["alpha"]


def look(fleet: Fleet) -> None:
    refresh(fleet.console, fleet.jobs, inspect_all=True)


def service(fleet: Fleet) -> Service:
    return engine(fleet).service(SERVICE)


def runs(fleet: Fleet) -> list[str]:
    """The versions of what its tasks run."""
    engine(fleet).service(SERVICE)
    state = engine(fleet).state
    with state.lock:
        swarm = state.swarm
        assert swarm is not None
        running = [task for task in swarm.tasks_of(service(fleet)) if task.state == "running"]
        containers = [state.containers[task.container_id] for task in running]
        return [str(one.image.config["Labels"]["org.opencontainers.image.version"]) for one in containers]


def configs(fleet: Fleet) -> list[str]:
    swarm = engine(fleet).state.swarm
    assert swarm is not None
    return [config.spec["Name"] for config in swarm.configs.values()]


def container_spec(fleet: Fleet) -> dict[str, object]:
    return service(fleet).template["ContainerSpec"]  # type: ignore[no-any-return]


def planned(fleet: Fleet, *, settings_only: bool = False, **way: object) -> Plan:
    return plan(fleet.console, "live", ["mirror-01"], replace(QUICK, **way), settings_only=settings_only)  # type: ignore[arg-type]


def carried_out(fleet: Fleet, made: Plan, mark: Callable[[str], None] = lambda _boundary: None) -> Rollout:
    console = replace(fleet.console, mark=mark)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    return Conductor(console, fleet.jobs, rollout).run()


def rolled_out(fleet: Fleet, mark: Callable[[str], None] = lambda _boundary: None, **way: object) -> Target:
    return carried_out(fleet, planned(fleet, settings_only=False, **way), mark).targets[0]


def unlocked(fleet: Fleet) -> bool:
    return configs(fleet) == []


# --- as planned -------------------------------------------------------------------------------------------------------


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
    assert container_spec(fleet)["Labels"][LABEL + "rollout"] == rollout.id  # type: ignore[index]
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
    swarm = engine(fleet).state.swarm
    assert swarm is not None
    swarm.services.clear()
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


# --- what is asked before ---------------------------------------------------------------------------------------------


def answer(fleet: Fleet, check: Check) -> tuple[Answer, str]:
    made = planned(fleet)
    results = preflight(fleet.console, fleet.jobs, made).results
    found = next(one for one in results if one.check is check)
    return found.answer, found.words


def test_a_service_at_rest_may_be_updated_and_how_it_goes_is_told(fleet: Fleet) -> None:
    results = preflight(fleet.console, fleet.jobs, planned(fleet)).results
    assert [one for one in results if one.answer is Answer.BLOCKED] == []
    asked = {one.check for one in results if one.environment_id}
    assert not asked & {Check.PORTS, Check.NAMES, Check.VOLUMES, Check.NETWORKS, Check.SHAPE}
    assert answer(fleet, Check.SERVICE) == (
        Answer.PASS,
        "2 tasks, 1 at a time; the old one is stopped first: something serves all the time.",
    )
    assert answer(fleet, Check.ENGINE_KIND) == (Answer.PASS, "It is Docker, and a manager of its Swarm.")


def test_an_update_that_is_under_way_or_paused_is_waited_for_by_a_person(fleet: Fleet) -> None:
    made = planned(fleet)
    service(fleet).say("paused", "update paused by a person", fleet.console.clock())
    found = answer(fleet, Check.SERVICE)
    assert found == (
        Answer.BLOCKED,
        "It can't be updated now: an update of it is paused half way. Its Swarm says: update paused by a person.",
    )
    service(fleet).status = None
    checked = preflight(fleet.console, fleet.jobs, made)
    rollout = start(fleet.console, made, checked, "a test")
    service(fleet).say("updating", "update in progress", fleet.console.clock())
    (target,) = Conductor(fleet.console, fleet.jobs, rollout).run().targets
    assert target.state in {TargetState.SKIPPED, TargetState.FAILED}
    assert runs(fleet) == [OLD, OLD]
    assert unlocked(fleet)


def test_an_engine_that_manages_no_swarm_is_told(fleet: Fleet) -> None:
    session = fleet.console.engines.session(fleet.console.engine("alpha"))
    answer, words, _remedy = manages(replace(session.facts(), manages_swarm=False))
    assert (answer, words) == (
        Answer.BLOCKED,
        "It is no manager of a Swarm, so that no service can be changed there.",
    )


# --- what isn't well --------------------------------------------------------------------------------------------------


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


def test_a_release_command_runs_on_the_manager_before_the_update(fleet: Fleet) -> None:
    command = ReleaseCommand(("sh", "-c", "echo migrating"), limit=20.0, reversible=True)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command))
    before: list[list[str]] = []

    def begins(boundary: str) -> None:
        if boundary == "RELEASE:sent":
            before.append(runs(fleet))

    rollout = carried_out(fleet, planned(fleet), begins)
    (target,) = rollout.targets
    assert (target.state, runs(fleet), before) == (TargetState.DONE, [NEW, NEW], [[OLD, OLD]]), target
    with fleet.console.catalog.read() as books:
        (run,) = (books.commands.get(one.id) for one in books.commands.all())
    assert run.state is RunState.SUCCEEDED
    assert not [name for name in fleet.names("alpha") if name.startswith("mc-")]


def test_a_release_command_that_fails_leaves_the_service_as_it_is(fleet: Fleet) -> None:
    command = ReleaseCommand(("sh", "-c", "exit 3"), limit=20.0, reversible=True)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command))
    target = rolled_out(fleet)
    assert (target.state, runs(fleet)) == (TargetState.FAILED, [OLD, OLD]), target
    assert "exit code 3" in target.words
    assert unlocked(fleet)


def test_a_swarm_that_pauses_while_it_takes_back_is_told_to_go_on(fleet: Fleet) -> None:
    """As one does where a task of the update fails in the moment in which that is taken back."""
    fleet.publish("26.8.4", behaviour=Behaviour.EXITS_AT_ONCE, health_interval=0.02)
    look(fleet)
    asked: list[str] = []

    def pauses(boundary: str) -> None:
        asked.append(boundary)
        if boundary == "ROLL_BACK:sent" and asked.count(boundary) == 1:
            state = engine(fleet).state
            with state.lock:
                swarm = state.swarm
                assert swarm is not None
                (one,) = swarm.services.values()
                one.updating = False
                one.say("rollback_paused", "update paused due to failure", fleet.console.clock())

    target = rolled_out(fleet, pauses)

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
    assert container_spec(fleet)["Hostname"] == "by-hand"
    assert unlocked(fleet)


def scaled_to(fleet: Fleet, tasks: int) -> None:
    service(fleet).spec["Mode"]["Replicated"]["Replicas"] = tasks


def test_one_that_somebody_scaled_to_nothing_is_never_told_as_done(fleet: Fleet) -> None:
    def scaled(boundary: str) -> None:
        if boundary == "UPDATE:outcome":
            scaled_to(fleet, 0)

    target = rolled_out(fleet, scaled)

    assert target.state is not TargetState.DONE, target
    assert "no task at all" in target.words


def test_one_without_tasks_is_not_rolled_out_to(fleet: Fleet) -> None:
    scaled_to(fleet, 0)
    look(fleet)
    assert answer(fleet, Check.SERVICE)[0] is Answer.BLOCKED


@pytest.mark.parametrize(("canary", "expected"), [(None, Answer.WARNING), (CanaryRule.FIRST_WELL, Answer.BLOCKED)])
def test_what_goes_first_without_a_health_check_proves_nothing(
    fleet: Fleet, canary: CanaryRule | None, expected: Answer
) -> None:
    fleet.publish("26.8.4", health_interval=0)
    look(fleet)
    made = planned(fleet)
    with fleet.console.catalog.read() as books:
        session = fleet.console.engines.session(books.engines.get("alpha"))
    said = {
        check: told for check, told, *_ in check_service(session, replace(made.targets[0], canary=canary), made.way)
    }
    assert said[Check.HEALTH_CHECK] is expected


@pytest.mark.parametrize(
    ("test", "expected", "words"),
    [
        (["CMD", "/app/probe"], Answer.PASS, "Its stack gives it a health check"),
        (["NONE"], Answer.WARNING, "Its stack switches the health check of the image off"),
        ([], Answer.PASS, "The image has a health check"),
    ],
)
def test_the_health_check_of_its_stack_counts_before_that_of_its_image(
    fleet: Fleet, test: list[str], expected: Answer, words: str
) -> None:
    container_spec(fleet)["Healthcheck"] = {"Test": test}
    said = answer(fleet, Check.HEALTH_CHECK)
    assert (said[0], words in said[1]) == (expected, True), said


def test_what_failed_of_it_while_the_console_was_gone_counts_all_the_same(fleet: Fleet) -> None:
    """Not killed, it would have been put back for that."""
    rollout = cut_off(fleet, "UNLOCK:intent")
    swarm = engine(fleet).state.swarm
    assert swarm is not None
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
            image = str(service(fleet).previous["TaskTemplate"]["ContainerSpec"]["Image"])  # type: ignore[index]
            engine(fleet).update_by_hand(SERVICE, Image=image)

    target = rolled_out(fleet, by_hand)

    assert target.state is TargetState.PUT_BACK, target
    assert runs(fleet) == [OLD, OLD]
    assert "ROLL_BACK:sent" not in asked, (target.words, asked)
    assert unlocked(fleet)


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


# --- the way back -----------------------------------------------------------------------------------------------------


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


# --- cut off ----------------------------------------------------------------------------------------------------------

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


def cut_off(fleet: Fleet, boundary: str) -> Rollout:
    """A rollout whose journal can't be written any more from a boundary on."""

    def fail(here: str) -> None:
        if here == boundary:
            raise CatalogError("The journal can't be written.", "A test says so.")

    with pytest.raises(CatalogError, match="journal"):
        carried_out(fleet, planned(fleet), fail)
    (found,) = recovery.interrupted(fleet.console)
    return found.rollout


def forget_lock(fleet: Fleet) -> None:
    swarm = engine(fleet).state.swarm
    assert swarm is not None
    swarm.configs.clear()


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
    for boundary in ("ROLL_BACK:intent", "ROLL_BACK:sent", "VERIFY_OLD:sent"):
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


# --- other consoles ---------------------------------------------------------------------------------------------------


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
    swarm = engine(fleet).state.swarm
    assert swarm is not None
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
        swarm = engine(fleet).state.swarm
        assert swarm is not None
        (lock,) = swarm.configs.values()
        lock.id = swarm.new_id()
        lock.spec["Labels"] |= {LABEL + "rollout": "another", LABEL + "catalog": "another"}
        swarm.configs = {lock.id: lock}

    target = rolled_out(fleet, taken)

    assert target.state is TargetState.SUPERSEDED, target
    assert runs(fleet) == [OLD, OLD]
