"""What every verb of a session does, alike on real and simulated engines."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import pytest

from mirror_console.domain.drift import differences
from mirror_console.domain.engine import Way
from mirror_console.domain.environment import Limits, Port, RestartPolicy, Settings, Volume
from mirror_console.domain.in_place import Granted, granted_to
from mirror_console.domain.observation import BESIDE, Ending, Health, State
from mirror_console.domain.request import ContainerSpec, Ran
from mirror_console.domain.route import Route
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.service import NOT_RUNNABLE
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.permission import Refusals, refused_changes
from tests.contract import test_images, test_one_off
from tests.contract.conftest import BY_SSH
from tests.contract.stage import MIB, NOWHERE, Behaviour, Stage, killed_and_started_again, look, refused, until


def test_what_is_played_by_ssh_is_there() -> None:
    assert {name for module in (test_images, test_one_off, sys.modules[__name__]) for name in vars(module)} >= BY_SSH


# --- the engine ---------------------------------------------------------------------------------------------------


def test_facts(stage: Stage) -> None:
    facts = stage.session.facts()
    assert facts.platform in {"linux/amd64", "linux/arm64"}
    assert facts.api in {"1.41", "1.44"}
    assert facts.version
    assert facts.name
    assert facts.cpus > 0
    assert facts.memory > 0
    assert abs(facts.clock_offset) < 5
    assert facts.kernel
    assert facts.folder.startswith("/")


def test_an_engine_knows_itself(stage: Stage) -> None:
    facts = stage.session.facts()
    assert len(facts.identity) >= 36
    assert stage.session.facts().identity == facts.identity


def test_free_disk_is_told_by_a_container_where_the_host_does_not(stage: Stage) -> None:
    facts, session = stage.session.facts(), stage.session
    running, made = stage.create(), stage.create()
    session.start(running)
    by_host = session.free_disk(facts)
    room = session.free_disk(replace(facts, name="elsewhere"), running)
    assert room is not None
    assert room.total is not None
    assert 10**6 < room.free <= room.total < 10**15
    if by_host is not None:
        assert by_host.total == room.total
        assert abs(by_host.free - room.free) < 10**9
        assert by_host.files
    # Not every container has a 'df' that knows of files.
    assert room.files is None or 0 < (room.free_files or 0) <= room.files
    if stage.engine.address.way is not Way.SSH:
        # Neither one that doesn't run nor one that isn't there can be asked.
        assert session.free_disk(replace(facts, name="elsewhere"), made) is None
        assert session.free_disk(replace(facts, name="elsewhere"), NOWHERE) is None


def test_a_command_is_run_in_a_container_that_runs(stage: Stage) -> None:
    session, most = stage.session, 4096
    running, made = stage.create(Settings(variables={"WHO": "shop"}, networks=("host",))), stage.create()
    session.start(running)

    def ran(*command: str, limit: float = 10.0) -> Ran:
        return session.run_inside(running, command, most, limit)

    assert ran("true") == Ran(0, "")
    assert ran("sh", "-c", "echo no response; exit 2") == Ran(2, "no response\n")
    much = ran("busybox", "seq", "1", "100000")
    assert much.exit_code == 0
    assert much.written.startswith("1\n2\n3\n")
    assert len(much.written) == most
    missing = ran("/nope/pg_isready")
    assert missing.exit_code in NOT_RUNNABLE
    assert "/nope/pg_isready" in missing.written
    began = time.monotonic()
    assert ran("sh", "-c", "echo waiting; sleep 2", limit=0.5) in {
        Ran(None, "waiting\n", in_time=False),
        # A simulated engine gives its output at the end.
        Ran(None, "", in_time=False),
    }
    assert 0.4 < time.monotonic() - began < 1.9
    refusal = refused(session.run_inside, made, ("true",), most, 1.0)
    # Podman says it with another status.
    assert refusal.kind in {FailureKind.CONFLICT, FailureKind.REJECTED}
    assert refused(session.run_inside, NOWHERE, ("true",), most, 1.0).kind is FailureKind.NOT_FOUND


def test_what_may_be_changed_is_told_without_a_change(stage: Stage) -> None:
    before = stage.session.list_containers()
    assert refused_changes(stage.session) == Refusals()
    assert stage.session.list_containers() == before


def test_networks(stage: Stage) -> None:
    stage.session.create_network("front", {"io.mirrorconsole.env": "e1"})
    networks = {network.name: network.id for network in stage.session.networks()}
    assert {"bridge", "host", "none", "front"} <= set(networks)
    assert len(networks["front"]) == 64


def test_volumes(stage: Stage) -> None:
    assert not stage.session.volume_exists("shop-data")
    stage.session.create_volume("shop-data", {"io.mirrorconsole.env": "e1"})
    assert stage.session.volume_exists("shop-data")
    stage.session.create_volume("shop-data", {})
    assert "shop-data" in stage.session.volumes()


# --- making containers --------------------------------------------------------------------------------------------


def test_a_container_is_made_as_its_settings_say(stage: Stage) -> None:
    stage.session.create_network("front", {})
    stage.session.create_network("back", {})
    stage.session.create_volume("shop-data", {})
    settings = Settings(
        variables={"DOMAIN": "a.example", "EMPTY": "", "TEXT": "ü = 'ß'"},
        secrets={"KEY": SecretReference("environment/1/KEY")},
        ports=(Port(8080, 18080), Port(5353, 15353, "127.0.0.1", "udp")),
        volumes=(Volume("shop-data", "/data"),),
        networks=("front", "back"),
        limits=Limits(memory=64 * 1024 * 1024, cpus=0.5, pids=100),
        restart=RestartPolicy.NO,
        stop_signal="SIGINT",
        stop_seconds=7,
        init=True,
        labels={"traefik.http.routers.shop.rule": "Host(`a.example`)"},
    )
    labels = {"io.mirrorconsole.env": "e1", "io.mirrorconsole.role": "app"}
    image = stage.image()
    made = stage.create(settings, image, "web-live", secrets={"KEY": Secret("canary")}, labels=labels)
    seen = look(stage, made)
    assert (seen.id, seen.name, seen.image, seen.state) == (made, "web-live", image, State.CREATED)
    assert seen.labels.items() >= labels.items()
    assert seen.variables["KEY"] == "canary"
    assert seen.declared_ports == (Port(5353, 15353, "127.0.0.1", "udp"), Port(8080, 18080))
    assert seen.networks == ("back", "front")
    assert seen.stop_seconds == 7
    assert seen.restart is RestartPolicy.NO
    assert seen.started_at is None
    assert seen.unsupported == ()
    assert differences(settings, seen, stage.session.image(seen.image_id)) == ()
    stage.session.start(made)
    running = look(stage, made)
    assert running.networks == ("back", "front")
    assert running.bound_ports == running.declared_ports
    assert differences(settings, running, stage.session.image(seen.image_id)) == ()


@pytest.mark.parametrize("network", ["host", "none", "bridge"])
def test_networks_that_every_engine_has(stage: Stage, network: str) -> None:
    settings = Settings(networks=(network,), restart=RestartPolicy.NO)
    made = stage.create(settings)
    assert differences(settings, look(stage, made), None) == ()
    stage.session.start(made)
    assert look(stage, made).networks == (network,)


def test_without_a_network_it_is_the_engines_default(stage: Stage) -> None:
    settings = Settings(restart=RestartPolicy.NO)
    seen = look(stage, stage.create(settings))
    assert differences(settings, seen, stage.session.image(seen.image_id)) == ()
    assert seen.unsupported == ()


def test_a_command_of_its_own(stage: Stage) -> None:
    made = stage.create(Settings(command=("/bin/echo", "hello there")))
    assert look(stage, made).command == ("/bin/echo", "hello there")


def test_a_route_is_joined_and_left_and_only_a_look_tells(stage: Stage) -> None:
    stage.session.create_network("edge", {})
    edge = next(network.id for network in stage.session.networks() if network.name == "edge")
    settings = Settings(restart=RestartPolicy.NO, route=Route("edge", "shop-a"))
    old = stage.create(settings)
    stage.session.start(old)
    place = look(stage, old).endpoints["edge"]
    assert (place.network_id, place.aliases) == (edge, ("shop-a",))
    assert differences(settings, look(stage, old), None) == ()

    spec = ContainerSpec(next(stage.names), stage.image(), settings, on_route=False)
    new = stage.session.create(spec)
    stage.session.start(new)
    assert [str(one) for one in differences(settings, look(stage, new), None)] == ["route: shop-a in edge → none"]
    stage.session.connect(new, edge, ["shop-a"])
    assert look(stage, new).endpoints["edge"].aliases == ("shop-a",)
    assert differences(settings, look(stage, new), None) == ()
    with pytest.raises(EngineError):
        stage.session.connect(new, edge, ["shop-a"])

    stage.session.disconnect(old, edge)
    assert "edge" not in look(stage, old).endpoints
    with pytest.raises(EngineError):
        stage.session.disconnect(old, edge)
    # Nobody has chosen this network's addresses.
    assert refused(stage.session.connect, old, edge, (), place.address).kind is FailureKind.REJECTED
    assert "edge" not in look(stage, old).endpoints
    # Where it doesn't run, it has its place from its next start on.
    stage.session.stop(old, 0)
    stage.session.connect(old, edge, ["shop-a"])
    assert look(stage, old).endpoints["edge"].aliases == ("shop-a",)
    stage.session.start(old)
    assert look(stage, old).endpoints["edge"].address


def test_a_network_that_is_missing(stage: Stage) -> None:
    settings = Settings(networks=("nowhere",))
    assert refused(stage.create, settings).kind is FailureKind.NOT_FOUND


def test_a_name_exists_only_once(stage: Stage) -> None:
    made = stage.create(name="web-live")
    assert refused(stage.create, None, "", "web-live").kind is FailureKind.CONFLICT
    assert [listed.id for listed in stage.session.list_containers()] == [made]


def test_without_its_image_no_container_is_made(stage: Stage) -> None:
    missing = f"{stage.shelf.registry}/contract/none:1"
    assert refused(stage.create, None, missing).kind is FailureKind.IMAGE_NOT_FOUND
    assert stage.session.list_containers() == []


def test_a_container_from_an_image_id(stage: Stage) -> None:
    image = stage.session.image(stage.image())
    assert image is not None
    assert look(stage, stage.create(image=image.id)).image_id == image.id


def test_of_a_name_with_tag_and_digest_the_digest_counts_and_it_stays_the_containers_name(stage: Stage) -> None:
    reference = stage.published("26.3.1")
    stage.session.pull(reference, stage.login, lambda _: None, lambda: False)
    found, repository = stage.session.image(reference), reference.rpartition(":")[0]
    assert found is not None
    # No tag of that name is anywhere.
    name = f"{repository}:26.9.9@{found.digest_in(repository)}"
    assert stage.session.image(name) == found
    made = look(stage, stage.create(image=name))
    assert (made.image_id, made.image) == (found.id, name)
    (listed,) = stage.session.list_containers()
    assert (listed.image_id, listed.image) == (found.id, name)
    missing = f"{repository}:26.3.1@sha256:{'0' * 64}"
    assert stage.session.image(missing) is None
    assert refused(stage.create, None, missing).kind is FailureKind.IMAGE_NOT_FOUND


# --- running ------------------------------------------------------------------------------------------------------


def test_start_and_stop_and_start_again(stage: Stage) -> None:
    made = stage.create()
    stage.session.start(made)
    first = look(stage, made)
    assert (first.state, first.health, first.running) == (State.RUNNING, Health.NO_CHECK, True)
    stage.session.start(made)
    assert look(stage, made).started_at == first.started_at
    stage.session.stop(made, 5)
    stopped = look(stage, made)
    assert (stopped.state, stopped.health) == (State.EXITED, Health.STOPPED)
    assert stopped.finished_at is not None
    assert stopped.finished_at >= (first.started_at or stopped.finished_at)
    stage.session.stop(made, 5)
    stage.session.start(made)
    again = look(stage, made)
    assert again.running
    assert again.restart_count == 0
    assert again.started_at != first.started_at


def test_who_does_not_listen_is_stopped_by_force(stage: Stage) -> None:
    made = stage.create(image=stage.image(behaviour=Behaviour.IGNORES_TERM))
    stage.session.start(made)
    # Before that it is still the runtime that would hear the signal.
    until(lambda: bool(stage.session.logs(made, 10)), "output")
    stage.session.stop(made, 1)
    stopped = look(stage, made)
    assert (stopped.state, stopped.exit_code) == (State.EXITED, 137)


def test_health_until_it_is_well(stage: Stage) -> None:
    made = stage.create(image=stage.image(check_every=0.2))
    stage.session.start(made)
    assert look(stage, made).health in {Health.STARTING, Health.HEALTHY}
    until(lambda: look(stage, made).health is Health.HEALTHY, "healthy")
    assert [listed.health for listed in stage.session.list_containers()] == [Health.HEALTHY]


def test_health_that_fails(stage: Stage) -> None:
    made = stage.create(image=stage.image(behaviour=Behaviour.NEVER_HEALTHY, check_every=0.2))
    stage.session.start(made)
    until(lambda: look(stage, made).health is Health.FAILING, "failing")
    assert [listed.health for listed in stage.session.list_containers()] == [Health.FAILING]
    assert look(stage, made).running


def test_a_health_check_that_is_switched_off_counts_for_nothing(stage: Stage) -> None:
    image = stage.image(behaviour=Behaviour.NEVER_HEALTHY, check_every=0.2)
    spec = ContainerSpec(next(stage.names), image, Settings(), labels={BESIDE: "yes"}, health_check=False)
    made = stage.session.create(spec)
    stage.session.start(made)
    ill = stage.create(image=image)
    stage.session.start(ill)
    assert look(stage, ill).health in {Health.STARTING, Health.FAILING}
    seen = look(stage, made)
    assert (seen.health, seen.unsupported) == (Health.NO_CHECK, ())
    assert {one.health for one in stage.session.list_containers() if one.id == made} == {Health.NO_CHECK}


def test_one_that_ends_by_itself(stage: Stage) -> None:
    made = stage.create(image=stage.image(behaviour=Behaviour.EXITS_AT_ONCE))
    stage.session.start(made)
    until(lambda: look(stage, made).state is State.EXITED, "exited")
    assert look(stage, made).exit_code != 0
    assert [listed.state for listed in stage.session.list_containers()] == [State.EXITED]


def test_one_that_is_killed_for_lack_of_memory_tells_so_though_it_runs_again(stage: Stage) -> None:
    made, first, again = killed_and_started_again(stage, APP_DELAY="0.6", APP_SECONDS="0.6")
    assert stage.session.endings(made, first, again)[0] == Ending(137, oom_killed=True)
    assert stage.session.endings(made, first, first) == ()
    stage.session.stop(made, 0)


def test_a_command_that_is_missing(stage: Stage) -> None:
    made = stage.create(Settings(command=("/nope",)))
    assert refused(stage.session.start, made).kind is FailureKind.REJECTED
    assert not look(stage, made).running


def test_a_port_that_is_taken_is_told_at_start_and_free_again_later(stage: Stage) -> None:
    settings = Settings(ports=(Port(8080, 18081),))
    first, second = stage.create(settings), stage.create(settings)
    stage.session.start(first)
    assert refused(stage.session.start, second).kind is FailureKind.PORT_TAKEN
    waiting = look(stage, second)
    assert (waiting.state, waiting.bound_ports) == (State.CREATED, ())
    stage.session.stop(first, 5)
    stage.session.start(second)
    assert look(stage, second).bound_ports == (Port(8080, 18081),)
    assert look(stage, first).bound_ports == ()


def test_a_port_that_the_engine_chooses(stage: Stage) -> None:
    made = stage.create(Settings(ports=(Port(8080, 0),)))
    stage.session.start(made)
    seen = look(stage, made)
    assert seen.declared_ports == (Port(8080, 0),)
    assert [port.container for port in seen.bound_ports] == [8080]
    assert seen.bound_ports[0].host > 1024


def test_output(stage: Stage) -> None:
    made = stage.create()
    stage.session.start(made)
    until(lambda: bool(stage.session.logs(made, 10)), "output")
    assert "26.1.0" in " ".join(stage.session.logs(made, 10))
    assert len(stage.session.logs(made, 1)) == 1
    assert stage.session.logs(NOWHERE, 10) == []


def test_nobody_answers_where_nothing_listens(stage: Stage) -> None:
    answer = stage.session.probe(18999, "/", 2.0)
    assert answer.status is None
    assert answer.words


# --- names, policies, the end ------------------------------------------------------------------------------------


def test_names(stage: Stage) -> None:
    old, new = stage.create(name="web-live"), stage.create(name="web-live.mc-next")
    assert refused(stage.session.rename, new, "web-live").kind is FailureKind.CONFLICT
    assert refused(stage.session.rename, old, "web-live").kind is FailureKind.REJECTED
    stage.session.rename(old, "web-live.mc-prev")
    stage.session.rename(new, "web-live")
    assert look(stage, "web-live").id == new
    assert look(stage, "web-live.mc-prev").id == old
    assert stage.session.inspect("web-live.mc-next") is None


def test_names_that_are_none(stage: Stage) -> None:
    made = stage.create()
    for name in ("", "x/../y", "a b", "-a", "ä"):
        assert refused(stage.session.rename, made, name).kind is FailureKind.REJECTED
        assert stage.session.inspect(name) is None
    assert refused(stage.session.start, "web-live").kind is FailureKind.REJECTED


def test_the_beginning_of_an_id_is_no_name(stage: Stage) -> None:
    made = stage.create()
    assert stage.session.inspect(made[:12]) is None
    assert stage.session.inspect(made[:63]) is None
    assert look(stage, made).id == made


def test_restart_policies_change_in_place_before_and_after_the_start(stage: Stage) -> None:
    made = stage.create(Settings(), restart=RestartPolicy.NO)
    for retries in (1, 2):
        stage.session.set_restart(made, RestartPolicy.ON_FAILURE, retries)
        seen = look(stage, made)
        assert (seen.restart, seen.restart_retries, seen.state) == (RestartPolicy.ON_FAILURE, retries, State.CREATED)
    stage.session.start(made)
    for policy in (RestartPolicy.UNLESS_STOPPED, RestartPolicy.ALWAYS, RestartPolicy.NO):
        stage.session.set_restart(made, policy)
        seen = look(stage, made)
        assert (seen.restart, seen.restart_retries, seen.running) == (policy, 0, True)


def test_limits_change_in_place_of_what_runs_and_it_runs_on(stage: Stage) -> None:
    """Both limits of memory at once, for an engine refuses one above the other; what can't be taken away stays."""
    made = stage.create(Settings(limits=Limits(32 * MIB, 0.5, 50)), restart=RestartPolicy.NO)
    stage.session.start(made)
    before = look(stage, made)
    now = granted_to(before)
    assert (now.limits, now.restart) == (Limits(32 * MIB, 0.5, 50), RestartPolicy.NO)
    for wanted in (
        Granted(Limits(64 * MIB, 1.0, 60), RestartPolicy.UNLESS_STOPPED),
        Granted(Limits(32 * MIB, 1.0, 0), RestartPolicy.UNLESS_STOPPED),
        Granted(Limits(32 * MIB, 0.5, 50), RestartPolicy.NO),
    ):
        stage.session.grant(made, wanted, now)
        seen = look(stage, made)
        now = granted_to(seen)
        assert now.differs_from(wanted) is None
        assert (seen.running, seen.started_at, seen.restart_count) == (True, before.started_at, 0)
        assert seen.unsupported == ()
    # Nothing is sent for these: no number takes such a limit away.
    stage.session.grant(made, Granted(Limits(0, 0.0, 50), RestartPolicy.NO), now)
    assert granted_to(look(stage, made)) == now
    tiny = Granted(Limits(1 * MIB, 0.5, 50), RestartPolicy.ALWAYS)
    assert refused(stage.session.grant, made, tiny, now).kind is FailureKind.REJECTED
    assert granted_to(look(stage, made)) == now
    assert refused(stage.session.grant, NOWHERE, tiny, now).kind is FailureKind.NOT_FOUND


@pytest.mark.parametrize("policy", list(RestartPolicy))
def test_restart_policies_from_the_start(stage: Stage, policy: RestartPolicy) -> None:
    assert look(stage, stage.create(restart=policy)).restart is policy


def test_only_what_does_not_run_is_removed_and_never_its_volumes(stage: Stage) -> None:
    made = stage.create(Settings(volumes=(Volume("shop-data", "/data"),)))
    stage.session.start(made)
    assert refused(stage.session.remove, made).kind is FailureKind.CONFLICT
    assert look(stage, made).running
    stage.session.stop(made, 5)
    stage.session.remove(made)
    assert stage.session.inspect(made) is None
    assert stage.session.volume_exists("shop-data")
    stage.session.remove(made)


def test_what_is_not_there(stage: Stage) -> None:
    assert stage.session.inspect(NOWHERE) is None
    assert stage.session.inspect("nobody") is None
    for verb in (stage.session.start, lambda identity: stage.session.stop(identity, 1)):
        assert refused(verb, NOWHERE).kind is FailureKind.NOT_FOUND
    assert refused(stage.session.rename, NOWHERE, "web-live").kind is FailureKind.NOT_FOUND
    assert refused(stage.session.set_restart, NOWHERE, RestartPolicy.NO).kind is FailureKind.NOT_FOUND


def test_a_listing_agrees_with_what_an_inspect_says(stage: Stage) -> None:
    labels = {"io.mirrorconsole.env": "e1"}
    ports = Settings(ports=(Port(8080, 18082),))
    running = stage.create(ports, name="web-live", labels=labels)
    stopped, created = stage.create(name="web-live.mc-prev"), stage.create(name="web-test")
    stage.session.start(running)
    stage.session.start(stopped)
    stage.session.stop(stopped, 5)
    listed = {item.id: item for item in stage.session.list_containers()}
    assert set(listed) == {running, stopped, created}
    for identity, item in listed.items():
        seen = look(stage, identity)
        assert (item.name, item.image, item.image_id) == (seen.name, seen.image, seen.image_id)
        assert (item.state, item.health, item.labels) == (seen.state, seen.health, seen.labels)
        assert item.host_ports == seen.bound_ports
    assert listed[running].labels["io.mirrorconsole.env"] == "e1"


def test_some_containers_are_listed_by_their_ids_wherever_they_are(stage: Stage) -> None:
    made, other = stage.create(name="web-live", labels={"io.mirrorconsole.env": "e1"}), stage.create(name="web-test")
    assert stage.session.list_these([]) == []
    assert stage.session.list_these([NOWHERE]) == []
    [listed] = stage.session.list_these([made, NOWHERE])
    assert (listed.id, listed.name, listed.labels["io.mirrorconsole.env"]) == (made, "web-live", "e1")
    stage.session.rename(made, "web-live.mc-prev")
    found = {one.id: one.name for one in stage.session.list_these([made, other])}
    assert found == {made: "web-live.mc-prev", other: "web-test"}
    stage.session.remove(made)
    assert [one.id for one in stage.session.list_these([made, other])] == [other]


def test_a_listing_tells_what_is_mounted_and_whose_network_it_is(stage: Stage) -> None:
    stage.session.create_volume("listed-data", {})
    stage.session.create_network("front", {})
    settings = Settings(networks=("front",), volumes=(Volume("listed-data", "/data", read_only=True),))
    made = stage.create(settings)
    [listed], seen = stage.session.list_containers(), look(stage, made)
    assert listed.volumes == seen.volumes == settings.volumes
    assert listed.network_mode == seen.network_mode


# --- sessions -----------------------------------------------------------------------------------------------------


def test_a_forgotten_engine_is_connected_again(stage: Stage) -> None:
    before = stage.session
    stage.engines.forget(stage.engine.id)
    assert stage.session.facts() is not None
    assert refused(before.facts).kind is FailureKind.DROPPED


def test_a_spec_with_its_secrets_shows_none() -> None:
    spec = ContainerSpec("web", "x", Settings(), {"KEY": Secret("canary")})
    assert "canary" not in repr(spec)
