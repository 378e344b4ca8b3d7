"""How Podman differs from the contract, verb by verb: what it answers instead, on a real one.

A test that has the name of one of the contract takes its place on Podman.
"""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.environment import Limits, Port, RestartPolicy, Settings, Volume
from mirror_console.domain.in_place import Granted, granted_to
from mirror_console.domain.observation import Ending, Health, State
from mirror_console.domain.request import PullProgress
from mirror_console.domain.route import Route
from mirror_console.domain.secret import Secret
from mirror_console.engine.events import WANTED
from mirror_console.errors import FailureKind
from mirror_console.operations.permission import refused_changes
from tests.contract.stage import NOWHERE, Behaviour, Stage, killed_and_started_again, look, now, real, refused, until
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.lab.images import ImageSpec, load
from tests.lab.lab import Lab

EVENTS = {"create", "start", "die", "remove"}


# --- instead of the contract --------------------------------------------------------------------------------------


def test_networks(stage: Stage) -> None:
    """Those that every engine has are not all listed: host and none are left out."""
    stage.session.create_network("front", {"io.mirrorconsole.env": "e1"})
    networks = {network.name: network.id for network in stage.session.networks()}
    assert set(networks) == {"bridge", "front"}
    assert len(networks["front"]) == 64


def test_health_until_it_is_well(stage: Stage) -> None:
    """Nobody asks for health where there is no systemd to do it; and a listing never tells it."""
    made = stage.create(image=stage.image(check_every=0.2))
    stage.session.start(made)
    _stays_starting(stage, made)


def test_health_that_fails(stage: Stage) -> None:
    """As little as one that is well."""
    made = stage.create(image=stage.image(behaviour=Behaviour.NEVER_HEALTHY, check_every=0.2))
    stage.session.start(made)
    _stays_starting(stage, made)


def _stays_starting(stage: Stage, made: str) -> None:
    end = now() + timedelta(seconds=2)
    while now() < end:
        assert look(stage, made).health is Health.STARTING
        assert [listed.health for listed in stage.session.list_containers()] == [Health.NO_CHECK]


def test_a_port_that_the_engine_chooses(stage: Stage) -> None:
    """It is chosen when the container is made, and then looks like one that was asked for."""
    made = stage.create(Settings(ports=(Port(8080, 0),)))
    (chosen,) = look(stage, made).declared_ports
    assert chosen.host > 1024
    assert look(stage, made).bound_ports == ()
    stage.session.start(made)
    assert look(stage, made).bound_ports == (chosen,)


def test_names(stage: Stage) -> None:
    """A container may be given the name that it has."""
    old, new = stage.create(name="web-live"), stage.create(name="web-live.mc-next")
    assert refused(stage.session.rename, new, "web-live").kind is FailureKind.CONFLICT
    stage.session.rename(old, "web-live")
    stage.session.rename(old, "web-live.mc-prev")
    stage.session.rename(new, "web-live")
    assert look(stage, "web-live").id == new
    assert look(stage, "web-live.mc-prev").id == old
    assert stage.session.inspect("web-live.mc-next") is None


def test_restart_policies_change_in_place_before_and_after_the_start(stage: Stage) -> None:
    """They can't be changed at all: for this there are no rollouts."""
    made = stage.create(Settings(), restart=RestartPolicy.UNLESS_STOPPED)
    refusal = refused(stage.session.set_restart, made, RestartPolicy.NO)
    assert refusal.kind is FailureKind.REJECTED
    assert refusal.title == "porto is Podman, which can't change the restart policy."
    assert look(stage, made).restart is RestartPolicy.UNLESS_STOPPED


def test_limits_change_in_place_of_what_runs_and_it_runs_on(stage: Stage) -> None:
    """They can't be changed either."""
    made = stage.create(Settings(), restart=RestartPolicy.NO)
    there = granted_to(look(stage, made))
    refusal = refused(stage.session.grant, made, Granted(Limits(pids=50), RestartPolicy.ALWAYS), there)
    assert refusal.kind is FailureKind.REJECTED
    assert refusal.title == "porto is Podman, which can't change the limits."
    assert granted_to(look(stage, made)) == there


def test_what_is_not_there(stage: Stage) -> None:
    """A policy can't be changed of one that isn't there either."""
    assert stage.session.inspect(NOWHERE) is None
    assert stage.session.inspect("nobody") is None
    for verb in (stage.session.start, lambda identity: stage.session.stop(identity, 1)):
        assert refused(verb, NOWHERE).kind is FailureKind.NOT_FOUND
    assert refused(stage.session.rename, NOWHERE, "web-live").kind is FailureKind.NOT_FOUND
    assert refused(stage.session.set_restart, NOWHERE, RestartPolicy.NO).kind is FailureKind.REJECTED


def test_resolve_tells_digest_and_platforms(stage: Stage) -> None:
    """It tells nothing of what a registry has."""
    reference = stage.published("26.4.0")
    refusal = refused(stage.session.resolve, reference, stage.login)
    assert refusal.kind is FailureKind.REJECTED
    assert refusal.title == f"porto is Podman, which can't look up {reference} in its registry."


def test_pull_with_the_password(stage: Stage) -> None:
    """By tag and by digest, as Docker does; the digest isn't told before."""
    reference = stage.published("26.3.0")
    assert stage.session.image(reference) is None
    progress: list[PullProgress] = []
    stage.session.pull(reference, stage.login, progress.append, lambda: False)
    image = stage.session.image(reference)
    assert image is not None
    assert image.version == "26.3.0"
    pinned = f"{reference.rpartition(':')[0]}@{image.digest_in(reference.rpartition(':')[0])}"
    stage.session.pull(pinned, stage.login, progress.append, lambda: False)
    assert stage.session.image(pinned) == image


@pytest.mark.parametrize("password", ["wrong", None])
def test_without_the_right_password_nothing_is_told_or_pulled(stage: Stage, password: str | None) -> None:
    """It can't be told in any case; nothing is pulled."""
    reference = stage.published("26.5.0")
    login = replace(stage.login, password=Secret(password)) if password else None
    assert refused(stage.session.pull, reference, login, print, bool).kind is FailureKind.REGISTRY_SIGN_IN
    assert stage.session.image(reference) is None


def test_what_the_registry_has_not(stage: Stage) -> None:
    """Only a pull finds out."""
    repository = stage.published("26.6.0").rpartition(":")[0]
    for missing in (f"{repository}:nosuch", f"{repository}@sha256:{NOWHERE}"):
        assert refused(stage.session.pull, missing, stage.login, print, bool).kind is FailureKind.IMAGE_NOT_FOUND


# --- what only Podman does ----------------------------------------------------------------------------------------


def test_it_says_what_it_is(stage: Stage) -> None:
    facts = stage.session.facts()
    assert facts.kind is EngineKind.PODMAN
    assert facts.title == f"Podman {facts.version}, API {facts.api}"
    assert facts.limits[0].startswith("No rollouts")


def test_a_container_that_nobody_has_set_anything_for_has_nothing_unsupported(stage: Stage) -> None:
    made = stage.create(image=stage.image(check_every=0.2))
    stage.session.start(made)
    seen = look(stage, made)
    assert seen.unsupported == ()
    assert {"container", "TERM", "HOSTNAME"}.isdisjoint(seen.variables)
    stage.session.stop(made, 5)
    assert (look(stage, made).state, look(stage, made).bound_ports) == (State.EXITED, ())


@pytest.mark.lab
@pytest.mark.parametrize("probe", [None, 1.0])
def test_an_image_has_the_fingerprint_that_docker_gives_it(
    lab: Lab, tls_engine: LabEngine, podman_engine: LabEngine, probe: float | None
) -> None:
    spec = ImageSpec(f"{lab.registry.address}/contract/same", "1.0", probe=probe, labels={"a": "b"})
    prints = set()
    for engine in (tls_engine, podman_engine):
        load(lab.docker(engine), spec)
        prints.add(_fingerprint(lab, engine, spec.reference))
    assert len(prints) == 1


@pytest.mark.lab
@pytest.mark.parametrize(
    ("lines", "same"),
    [
        ('USER 1000:1000\nENTRYPOINT ["/app/main"]\nVOLUME /data\nSTOPSIGNAL SIGINT\nWORKDIR /tmp', True),
        ("ONBUILD ENV A=b", False),
        ('SHELL ["/bin/sh", "-ec"]', False),
    ],
)
def test_what_it_leaves_out_of_an_image_makes_another_fingerprint(
    lab: Lab, tls_engine: LabEngine, podman_engine: LabEngine, lines: str, same: bool
) -> None:
    docker, base = lab.docker(tls_engine), ImageSpec(f"{lab.registry.address}/contract/base", "1.0")
    reference = f"{lab.registry.address}/contract/built:{'same' if same else lines.split(maxsplit=1)[0].lower()}"
    load(docker, base)
    docker.run("build", "--tag", reference, "-", feed=f"FROM {base.reference}\n{lines}\n")
    _carry(docker, lab.docker(podman_engine), reference)
    prints = {_fingerprint(lab, engine, reference) for engine in (tls_engine, podman_engine)}
    assert (len(prints) == 1) is same


def _carry(from_engine: Docker, to_engine: Docker, reference: str) -> None:
    from_engine.run("push", "--quiet", reference)
    to_engine.run("pull", "--quiet", reference)


def _fingerprint(lab: Lab, engine: LabEngine, reference: str) -> str:
    with real(lab, engine) as stage:
        image = stage.session.image(reference)
    assert image is not None
    return image.fingerprint


def test_its_events_come_at_once(stage: Stage) -> None:
    """What watching an engine relies on, and asked as it asks. A container that goes is `remove`, not `destroy`."""
    asked = {"type": ["container"], "event": WANTED}
    connection = http.client.HTTPConnection("engine", timeout=5.0)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5.0)
        line.connect(stage.engine.address.path)
        connection.sock = line
        connection.request("GET", f"/v1.41/events?filters={quote(json.dumps(asked))}")
        told = connection.getresponse()
        made = stage.create(name="web-live")
        stage.session.start(made)
        stage.session.stop(made, 5)
        stage.session.remove(made)
        actions: list[str] = []
        while "remove" not in actions:
            event = json.loads(told.readline())
            if event["Actor"]["ID"] == made:
                actions.append(event["Action"])
    assert set(actions) >= EVENTS


def test_one_that_is_killed_for_lack_of_memory_tells_so_though_it_runs_again(stage: Stage) -> None:
    """It tells of what was only now and then, and never that memory was lacking: more than that isn't said either."""
    made, first, again = killed_and_started_again(stage, APP_SECONDS="0.3")
    assert set(stage.session.endings(made, first, again)) <= {Ending(137)}
    stage.session.stop(made, 0)


def test_of_a_name_with_tag_and_digest_the_digest_counts_and_it_stays_the_containers_name(stage: Stage) -> None:
    reference = stage.published("26.3.1")
    stage.session.pull(reference, stage.login, lambda _: None, lambda: False)
    found, repository = stage.session.image(reference), reference.rpartition(":")[0]
    assert found is not None
    name = f"{repository}:26.9.9@{found.digest_in(repository)}"
    made = stage.session.inspect(stage.create(image=name))
    assert made is not None
    # The digest counts; but Podman tells the name that the image has there.
    assert (made.image_id, made.image) == (found.id, reference)


def test_a_route_is_joined_and_left_and_only_a_look_tells(stage: Stage) -> None:
    """As on Docker, but that the network's id isn't told with the place in it."""
    stage.session.create_network("edge", {})
    edge = next(network.id for network in stage.session.networks() if network.name == "edge")
    settings = Settings(networks=("bridge",), restart=RestartPolicy.NO, route=Route("edge", "shop-a"))
    made = stage.create(settings)
    seen = stage.session.inspect(made)
    assert seen is not None
    assert (seen.endpoints["edge"].network_id, seen.endpoints["edge"].aliases) == ("", ("shop-a",))
    stage.session.disconnect(made, edge)
    seen = stage.session.inspect(made)
    assert seen is not None
    assert "edge" not in seen.endpoints


def test_of_much_output_only_the_beginning_and_the_end_are_read(stage: Stage) -> None:
    """A line that fell onto two of its own reads loses its end to the next, so that not each is as it was written."""
    made = stage.create(Settings(command=("busybox", "seq", "1", "100000")))
    stage.session.start(made)
    until(lambda: not _running(stage, made), "the end of a command")
    written = stage.session.output(made, 4096)
    assert len(written.beginning) == len(written.end) == 4096
    assert written.beginning.startswith("1\n2\n3\n")
    assert written.end.endswith("\n99999\n100000\n")


def _running(stage: Stage, container_id: str) -> bool:
    seen = stage.session.inspect(container_id)
    return seen is not None and seen.running


def test_an_engine_knows_itself(stage: Stage) -> None:
    # What it tells as its identity it makes up for each reply.
    assert stage.session.facts().identity == ""


def test_what_may_be_changed_is_told_without_a_change(stage: Stage) -> None:
    found = refused_changes(stage.session)
    assert (set(found.refused), set(found.unclear)) == ({"update"}, set())
    assert stage.session.list_containers() == []


def test_a_listing_tells_what_is_mounted_and_whose_network_it_is(stage: Stage) -> None:
    stage.session.create_volume("listed-data", {})
    stage.create(Settings(volumes=(Volume("listed-data", "/data"),)))
    [listed] = stage.session.list_containers()
    # Whose network it is it doesn't list; there are no rollouts to it, so that no check asks.
    assert (listed.volumes, listed.network_mode) == ((Volume("listed-data", "/data"),), "")
