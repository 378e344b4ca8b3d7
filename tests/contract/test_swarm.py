"""What a manager of a Swarm does, alike on a real one and on a simulated one."""

from __future__ import annotations

import select
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.environment import Limits, Settings, Volume
from mirror_console.domain.observation import State
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.swarm import ServiceChange, UpdateState, lock_config, tally
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.swarm_session import session_of
from tests.contract.stage import MIB, PATIENCE, Behaviour, Stage, refused, until
from tests.contract.swarm_stage import SwarmStage
from tests.lab.asking import ask
from tests.lab.engine import LabEngine
from tests.lab.lab import Lab

NOTHING = "a" * 25
"""The id of nothing in any Swarm."""


def test_a_manager_says_that_it_is_one(swarm: SwarmStage) -> None:
    facts = swarm.session.facts()
    assert facts.manages_swarm
    assert facts.swarm_nodes == 1


def test_it_tells_its_nodes(swarm: SwarmStage) -> None:
    (node,) = swarm.session.swarm_nodes()
    facts = swarm.session.facts()
    assert (node.platform, node.takes_tasks, bool(node.name)) == (facts.platform, True, True)
    assert (node.cpus, node.memory) == (facts.cpus, facts.memory)


def test_whether_services_may_be_updated_is_asked_without_a_change(swarm: SwarmStage) -> None:
    assert refused(swarm.session.update_no_service).kind is FailureKind.NOT_FOUND


def test_what_its_tasks_mount_is_told(swarm: SwarmStage) -> None:
    held = swarm.session.create_config("of-the-shop", {})
    file = {"Name": "/shop.conf", "UID": "0", "GID": "0", "Mode": 0o444}
    made = swarm.serve(
        "shop",
        swarm.digest("26.1.0"),
        Mounts=[
            {"Type": "volume", "Source": "media", "Target": "/srv/media", "ReadOnly": True},
            {"Type": "bind", "Source": "/tmp", "Target": "/srv/host"},
            {"Type": "tmpfs", "Target": "/srv/quick"},
        ],
        Configs=[{"ConfigID": held, "ConfigName": "of-the-shop", "File": file}],
    )
    assert made.mounts == (Volume("/tmp", "/srv/host"), Volume("media", "/srv/media", read_only=True))
    assert made.files == ("of-the-shop",)


def test_it_comes_back_whole_although_somebody_scaled_it(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    before = swarm.serve("shop", first, Env=["BY=hush-hush"], Labels={"kept": "yes"})
    template = swarm.whole("shop")["Spec"]["TaskTemplate"]
    swarm.update("shop", second, "r1", settings=Settings(variables={"BY": "catalog"}, stop_seconds=1))
    swarm.until_update("shop", UpdateState.COMPLETED)

    def scaled(spec: dict[str, Any]) -> None:
        spec["Mode"]["Replicated"]["Replicas"] = 2

    swarm.change_by_hand("shop", scaled)
    swarm.until_all_run("shop")
    now = swarm.service("shop")
    # What its Swarm keeps is what the update made.
    assert now.previous_image == second
    assert "hush" not in repr(before)
    swarm.session.update_service(
        now.id, now.version, ServiceChange(before.image, monitor=0.5, template=before.template), swarm.stage.login
    )
    swarm.until_update("shop", UpdateState.COMPLETED)
    whole = swarm.whole("shop")["Spec"]
    assert whole["TaskTemplate"] == template
    assert whole["Mode"]["Replicated"]["Replicas"] == 2
    assert [task.image for task in swarm.running("shop")] == [first, first]


def test_who_manages_no_swarm_refuses(stage: Stage) -> None:
    assert not stage.session.facts().manages_swarm
    assert stage.session.facts().swarm_nodes == 0
    for call in (stage.session.swarm_services, stage.session.swarm_tasks, stage.session.configs):
        assert refused(call).kind in {FailureKind.REJECTED, FailureKind.INVALID_REPLY}
    assert refused(stage.session.create_config, "mc-lock.shop", {}).kind in {
        FailureKind.REJECTED,
        FailureKind.INVALID_REPLY,
    }


def test_services_are_listed_and_read(swarm: SwarmStage) -> None:
    first = swarm.digest("26.1.0")
    made = swarm.serve("shop", first, 2, Env=["GREETING=hello"], Labels={"kept": "yes"})
    (listed,) = swarm.session.swarm_services()
    assert listed == made == swarm.session.swarm_service(made.id)
    assert (made.name, made.image, made.replicas, made.job) == ("shop", first, 2, False)
    assert made.digest == first.partition("@")[2]
    assert made.labels == {"stack": "shop"}
    assert made.container_labels == {"kept": "yes"}
    assert made.variables == {"GREETING": "hello"}
    assert made.command == ()
    assert (made.stop_seconds, made.stop_signal, made.init) == (1, "", False)
    assert (made.update, made.has_previous, made.previous_image) == (None, False, "")
    assert made.created_at is not None
    tasks = swarm.tasks("shop")
    assert [(task.slot, task.state, task.image, task.rollout) for task in tasks] == [
        (1, "running", first, ""),
        (2, "running", first, ""),
    ]
    assert all(task.runs and len(task.container_id) == 64 and task.service_id == made.id for task in tasks)
    assert swarm.session.swarm_tasks() == tasks
    assert str(tally(made, tasks)) == "2 of 2 tasks run"


def test_what_is_not_there(swarm: SwarmStage) -> None:
    session = swarm.session
    made = swarm.serve("shop", swarm.digest("26.1.0"))
    assert session.swarm_service("nothing") is None
    assert session.swarm_service(NOTHING) is None
    # The beginning of an id is no name.
    assert session.swarm_service(made.id[:10]) is None
    assert session.config("nothing") is None
    session.remove_config(NOTHING)
    change = ServiceChange(swarm.digest("26.1.0"))
    assert refused(session.update_service, NOTHING, 1, change, None).kind is FailureKind.NOT_FOUND
    assert refused(session.set_config_labels, NOTHING, 1, {}).kind is FailureKind.NOT_FOUND


def test_an_update_changes_what_it_says_and_nothing_else(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    swarm.serve("shop", first, Env=["GREETING=hello", "OLD=1"], Labels={"kept": "yes"})
    before = swarm.whole("shop")["Spec"]
    settings = Settings(
        variables={"GREETING": "good day"},
        secrets={"TOKEN": SecretReference("a/token")},
        limits=Limits(64 * MIB, 0.5, 100),
        stop_seconds=2,
        stop_signal="SIGINT",
        init=True,
    )
    swarm.update("shop", second, "r1", settings=settings, secrets={"TOKEN": Secret("quiet")})
    swarm.until_update("shop", UpdateState.COMPLETED)
    service = swarm.service("shop")
    assert (service.image, service.rollout, service.previous_image) == (second, "r1", first)
    assert service.has_previous
    assert service.variables == {"GREETING": "good day", "TOKEN": "quiet"}
    assert (service.limits, service.stop_seconds, service.stop_signal) == (settings.limits, 2, "SIGINT")
    assert service.init
    assert "quiet" not in repr(service)
    (task,) = swarm.running("shop")
    assert (task.image, task.rollout) == (second, "r1")
    assert swarm.session.inspect(task.container_id) is not None
    # All else is as it was, to the letter.
    assert _without_ours(swarm.whole("shop")["Spec"]) == _without_ours(before)
    assert swarm.whole("shop")["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"]["kept"] == "yes"


def _without_ours(spec: dict[str, Any]) -> dict[str, Any]:
    template = spec["TaskTemplate"]
    changed = {"Image", "Labels", "Env", "StopGracePeriod", "StopSignal", "Init"}
    container = {name: value for name, value in template["ContainerSpec"].items() if name not in changed}
    resources = {name: value for name, value in template["Resources"].items() if name != "Limits"}
    rest = {name: value for name, value in spec.items() if name not in {"Labels", "UpdateConfig"}}
    labels = {name: value for name, value in spec["Labels"].items() if not name.startswith("io.mirrorconsole.")}
    return rest | {"TaskTemplate": template | {"ContainerSpec": container, "Resources": resources}, "Labels": labels}


def test_what_was_set_goes_when_nothing_says_so_any_more(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    swarm.serve("shop", first)
    given = Settings(
        variables={"A": "1"}, limits=Limits(64 * MIB, 0.5, 100), stop_signal="SIGINT", command=("sleep", "600")
    )
    swarm.update("shop", second, "r1", settings=given)
    assert swarm.service("shop").command == ("sleep", "600")
    swarm.update("shop", first, "r2", settings=Settings(stop_seconds=1))
    swarm.until_update("shop", UpdateState.COMPLETED)
    service = swarm.service("shop")
    assert (service.variables, service.limits, service.stop_signal, service.command) == ({}, Limits(), "", ())
    assert service.rollout == "r2"
    swarm.update("shop", second, "r3")
    swarm.until_update("shop", UpdateState.COMPLETED)
    assert swarm.service("shop").stop_seconds == 1


def test_a_stale_version_is_refused(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    before = swarm.serve("shop", first)

    def elsewhere(spec: dict[str, Any]) -> None:
        spec["Labels"]["by"] = "hand"

    swarm.change_by_hand("shop", elsewhere)
    change = ServiceChange(second)
    for call in (
        lambda: swarm.session.update_service(before.id, before.version, change, swarm.stage.login),
        lambda: swarm.session.roll_service_back(before.id, before.version),
    ):
        assert refused(call).kind is FailureKind.CONFLICT
    assert swarm.service("shop").image == first
    assert swarm.service("shop").version > before.version


def test_of_two_updates_at_once_one_is_refused(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    before = swarm.serve("shop", first)

    def update(rollout: str) -> FailureKind | None:
        change = ServiceChange(second, container_labels={"io.mirrorconsole.rollout": rollout})
        try:
            swarm.session.update_service(before.id, before.version, change, swarm.stage.login)
        except EngineError as error:
            return error.kind
        return None

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(update, ("r1", "r2", "r3", "r4")))
    assert sorted(map(str, outcomes)) == ["None", "conflict", "conflict", "conflict"]
    won = outcomes.index(None)
    assert swarm.service("shop").rollout == ("r1", "r2", "r3", "r4")[won]


def test_rolled_back_its_labels_go_back_too_and_a_second_time_would_go_forward(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    swarm.serve("shop", first, Env=["A=1"])
    before = swarm.service("shop")
    refusal = refused(swarm.session.roll_service_back, before.id, before.version)
    assert refusal.kind is FailureKind.REJECTED
    assert "previous spec" in refusal.title
    swarm.update("shop", second, "r1", settings=Settings(variables={"A": "2"}))
    swarm.until_update("shop", UpdateState.COMPLETED)
    service = swarm.service("shop")
    swarm.session.roll_service_back(service.id, service.version)
    swarm.until_update("shop", UpdateState.ROLLBACK_COMPLETED)
    back = swarm.service("shop")
    assert (back.image, back.rollout, back.variables, back.spec_hash) == (first, "", {"A": "1"}, before.spec_hash)
    assert (back.labels, back.previous_image, back.previous_rollout) == (before.labels, second, "r1")
    assert [task.image for task in swarm.running("shop")] == [first]
    swarm.session.roll_service_back(back.id, back.version)
    swarm.until_update("shop", UpdateState.ROLLBACK_COMPLETED)
    assert swarm.service("shop").image == second


def test_an_update_that_fails_pauses_and_can_be_rolled_back(swarm: SwarmStage) -> None:
    first, bad = swarm.digest("26.1.0"), swarm.digest("26.2.0", Behaviour.EXITS_AT_ONCE)
    swarm.serve("shop", first, 2)
    swarm.update("shop", bad, "r1")
    swarm.until_update("shop", UpdateState.PAUSED)
    service, tasks = swarm.service("shop"), swarm.tasks("shop")
    assert "paused" in service.update_words
    failed = [task for task in tasks if task.state == "failed"]
    assert failed
    assert all(task.rollout == "r1" and "non-zero exit" in task.words and task.exit_code for task in failed)
    # A manager that is busy may begin with the second slot before it hears of the first one's failure. What it hasn't
    # begun with serves on.
    begun = {task.slot for task in tasks if task.image == bad}
    assert {task.image for task in failed} == {bad}
    assert {task.slot for task in tasks if task.runs and task.image == first} == {1, 2} - begun
    swarm.session.roll_service_back(service.id, service.version)
    swarm.until_update("shop", UpdateState.ROLLBACK_COMPLETED)
    assert [task.image for task in swarm.running("shop")] == [first, first]


def test_who_never_gets_healthy_never_runs(swarm: SwarmStage) -> None:
    first, bad = swarm.digest("26.1.0"), swarm.digest("26.2.0", Behaviour.NEVER_HEALTHY)
    swarm.serve("shop", first)
    swarm.update("shop", bad, "r1")
    until(lambda: any(task.state == "starting" for task in swarm.tasks("shop")), "a task that starts")
    assert not swarm.running("shop")
    assert not tally(swarm.service("shop"), swarm.tasks("shop")).all_run


def test_what_no_registry_has_is_rejected(swarm: SwarmStage) -> None:
    first = swarm.digest("26.1.0")
    swarm.serve("shop", first)
    nowhere = f"{first.partition('@')[0]}@sha256:{'0' * 64}"
    swarm.update("shop", nowhere, "r1")
    until(lambda: any(task.state == "rejected" for task in swarm.tasks("shop")), "a task that is rejected")
    rejected = next(task for task in swarm.tasks("shop") if task.state == "rejected")
    assert "No such image" in rejected.words
    assert not rejected.container_id


def test_what_can_not_be_scheduled_stays_in_its_update(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")

    def more_than_there_is(spec: dict[str, Any]) -> None:
        spec["TaskTemplate"]["Resources"]["Reservations"] = {"MemoryBytes": 10**15}

    swarm.serve("shop", first)
    swarm.change_by_hand("shop", more_than_there_is)
    until(lambda: any(task.words.startswith("no suitable node") for task in swarm.tasks("shop")), "no node")
    assert swarm.service("shop").update is UpdateState.UPDATING
    # It can be changed in the midst of it, too: with the version that it has now.
    swarm.update("shop", second, "r1")
    until(lambda: any(task.rollout == "r1" and "no suitable" in task.words for task in swarm.tasks("shop")), "no node")
    service = swarm.service("shop")
    assert service.update is UpdateState.UPDATING
    standing = tally(service, swarm.tasks("shop"))
    assert (standing.running, standing.wanted) == (0, 1)
    assert standing.waiting.startswith("no suitable node")


def test_start_first_keeps_the_old_one_until_the_new_one_runs(swarm: SwarmStage) -> None:
    first, second = swarm.digest("26.1.0"), swarm.digest("26.2.0")
    swarm.serve("shop", first)

    def start_first(spec: dict[str, Any]) -> None:
        spec["UpdateConfig"]["Order"] = "start-first"

    swarm.change_by_hand("shop", start_first)
    assert swarm.service("shop").start_first
    swarm.update("shop", second, "r1")
    least = 1
    while swarm.service("shop").update is not UpdateState.COMPLETED:
        least = min(least, sum(task.state == "running" for task in swarm.tasks("shop")))
    assert least == 1
    assert swarm.service("shop").start_first


def test_what_its_swarm_takes_back_by_itself_leaves_nothing_to_go_back_to(swarm: SwarmStage) -> None:
    first, bad = swarm.digest("26.1.0"), swarm.digest("26.2.0", Behaviour.EXITS_AT_ONCE)
    swarm.serve("shop", first)

    def worse(spec: dict[str, Any]) -> None:
        spec["TaskTemplate"]["ContainerSpec"]["Image"] = bad
        spec["UpdateConfig"]["FailureAction"] = "rollback"

    swarm.change_by_hand("shop", worse)
    swarm.until_update("shop", UpdateState.ROLLBACK_COMPLETED)
    service = swarm.service("shop")
    assert (service.image, service.has_previous, service.previous_image) == (first, False, "")
    assert refused(swarm.session.roll_service_back, service.id, service.version).kind is FailureKind.REJECTED


def test_one_on_each_node_has_no_number(swarm: SwarmStage) -> None:
    first = swarm.digest("26.1.0")
    ask(swarm.socket, "POST", "/services/create", swarm.spec("agent", first) | {"Mode": {"Global": {}}})
    swarm.until_all_run("agent")
    assert swarm.service("agent").replicas is None
    (task,) = swarm.running("agent")
    assert task.slot == 0
    assert task.place == task.node_id != ""


def test_its_manager_tells_that_a_service_was_changed(swarm: SwarmStage) -> None:
    swarm.serve("shop", swarm.digest("26.1.0"))
    stream = swarm.session.events()
    try:
        # What was a moment before is told, too.
        while select.select([stream], [], [], 1.0)[0]:
            stream.heard()

        def labelled(spec: dict[str, Any]) -> None:
            spec["Labels"]["by"] = "hand"

        swarm.change_by_hand("shop", labelled)
        assert select.select([stream], [], [], PATIENCE)[0]
        stream.heard()
    finally:
        stream.close()


@pytest.mark.parametrize("swarm", ["real"], indirect=True)
def test_what_runs_on_other_nodes_is_known_by_its_digest(
    swarm: SwarmStage, swarm_engine: LabEngine, swarm_worker: LabEngine, lab: Lab
) -> None:
    until(lambda: swarm.session.facts().swarm_nodes == 2, "two nodes")
    # One that no other test has: what is forgotten here stays so.
    image = swarm.digest("26.7.0")
    lab.docker(swarm_engine).forget_image(image, swarm.stage.image("26.7.0", check_every=0.5))
    lab.docker(swarm_worker).run("pull", "--quiet", image)
    spec = swarm.spec("shop", image)
    spec["TaskTemplate"]["Placement"] = {"Constraints": ["node.role==worker"]}
    ask(swarm.socket, "POST", "/services/create", spec)
    swarm.until_all_run("shop")
    manager = session_of(swarm.session, swarm=True)
    seen = manager.inspect("shop")
    assert seen is not None
    assert (seen.state, seen.image_id, manager.image(image)) == (State.RUNNING, image, None)
    (task,) = swarm.running("shop")
    # Its container is none of the manager's.
    assert swarm.session.inspect(task.container_id) is None
    change = ServiceChange(image, settings=Settings(variables={"A": "1"}, stop_seconds=1), monitor=0.5)
    service = swarm.service("shop")
    swarm.session.update_service(service.id, service.version, change, swarm.stage.login)
    swarm.until_update("shop", UpdateState.COMPLETED)
    assert swarm.whole("shop")["Spec"]["TaskTemplate"]["Placement"]["Constraints"] == ["node.role==worker"]
    assert lab.docker(swarm_worker).variables(swarm.running("shop")[0].container_id)["A"] == "1"


# --- configs, which are the locks -------------------------------------------------------------------------------------


def test_a_config_is_made_once(swarm: SwarmStage) -> None:
    name = lock_config("shop")

    def make(number: int) -> str:
        try:
            return swarm.session.create_config(name, {"number": str(number)})
        except EngineError as error:
            return error.kind.value

    for _ in range(3):
        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(make, range(6)))
        made = [one for one in outcomes if one != FailureKind.CONFLICT.value]
        assert len(made) == 1
        (listed,) = swarm.session.configs()
        assert listed == swarm.session.config(name) == swarm.session.config(made[0])
        assert (listed.id, listed.name) == (made[0], name)
        swarm.session.remove_config(made[0])
        swarm.session.remove_config(made[0])
        assert swarm.session.configs() == []


def test_a_beat_counts_only_from_who_has_seen_the_last_one(swarm: SwarmStage) -> None:
    session = swarm.session
    made = session.create_config(lock_config("shop"), {"beat": "0"})
    first = session.config(made)
    assert first is not None
    session.set_config_labels(made, first.version, {"beat": "1"})
    assert refused(session.set_config_labels, made, first.version, {"beat": "2"}).kind is FailureKind.CONFLICT
    seen = session.config(made)
    assert seen is not None
    assert seen == replace(first, version=seen.version, labels={"beat": "1"})
    assert seen.version > first.version


def test_a_name_fits_however_long_that_of_its_service_is(swarm: SwarmStage) -> None:
    names = {lock_config("s" * 63), lock_config("s" * 62 + "t"), lock_config("shop")}
    assert len(names) == 3
    for name in names:
        swarm.session.create_config(name, {})
    assert {one.name for one in swarm.session.configs()} == names


def test_an_image_without_a_digest_is_refused_before_it_is_asked(swarm: SwarmStage) -> None:
    service = swarm.serve("shop", swarm.digest("26.1.0"))
    with pytest.raises(EngineError, match="digest"):
        swarm.session.update_service(service.id, service.version, ServiceChange("shop:latest"), None)
    assert swarm.service("shop").version == service.version
