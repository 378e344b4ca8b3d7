"""What is asked of a service's place before it is updated: its nodes, its data, its way back, and whether we may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.environment import Limits, Volume
from mirror_console.domain.release_command import ReleaseCommand
from mirror_console.operations.preflight import preflight
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import Fleet, small_fleet
from tests.operations.service_fleet import (
    answer,
    container_spec,
    engine,
    fleet_with_a_service,
    look,
    planned,
    prepare,
    rolled_out,
    swarm_of,
)

pytestmark = pytest.mark.slow

GB = 1_000_000_000


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_with_a_service() as made:
        yield made


def given(fleet: Fleet, **settings: object) -> None:
    fleet.with_settings(fleet.environment(fleet.mirrors[0], "live"), **settings)
    look(fleet)


# --- its nodes --------------------------------------------------------------------------------------------------------


def of_another_kind(fleet: Fleet) -> None:
    swarm_of(fleet).join("small-one", "aarch64")


def alike(fleet: Fleet) -> None:
    swarm_of(fleet).join("second", "x86_64")


def away(fleet: Fleet) -> None:
    of_another_kind(fleet)
    swarm_of(fleet).others[0]["Status"]["State"] = "down"


def all_of_another_kind(fleet: Fleet) -> None:
    of_another_kind(fleet)
    engine(fleet).drain()


def untold(fleet: Fleet) -> None:
    engine(fleet).misbehave(Fault.FORBIDDEN, "/nodes")
    of_another_kind(fleet)


@pytest.mark.parametrize(
    ("arrange", "expected", "words"),
    [
        (alike, Answer.PASS, "The image is there for linux/amd64, as its nodes are."),
        (away, Answer.PASS, "as its nodes are"),
        (of_another_kind, Answer.WARNING, "of 2 nodes 1 (small-one) is linux/arm64. A task that comes there fails."),
        (all_of_another_kind, Answer.BLOCKED, "small-one is linux/arm64."),
        (untold, Answer.UNKNOWN, "there for linux/amd64. What the other nodes of its Swarm are isn't told."),
    ],
)
def test_on_which_of_its_nodes_the_image_runs(
    fleet: Fleet, arrange: Callable[[Fleet], None], expected: Answer, words: str
) -> None:
    fleet.publish("26.8.4", health_interval=0.02, platforms=("linux/amd64",))
    arrange(fleet)
    look(fleet)
    said = answer(fleet, Check.PLATFORM)
    assert (said[0], words in said[1]) == (expected, True), said


@pytest.mark.parametrize(
    ("limits", "expected", "words"),
    [
        (Limits(memory=GB, cpus=2), Answer.PASS, "each node has"),
        (Limits(cpus=3), Answer.WARNING, "granted 3 cores, and of 2 nodes 1 (second) has 2 at most"),
        (Limits(cpus=5), Answer.BLOCKED, "granted 5 cores, and of 2 nodes 2 (alpha-simulated, second) have 4 at most"),
        (Limits(memory=4 * GB), Answer.WARNING, "of memory, and of 2 nodes 1 (second) has 2.0 GB at most"),
    ],
)
def test_whether_its_nodes_have_what_a_task_is_granted(
    fleet: Fleet, limits: Limits, expected: Answer, words: str
) -> None:
    swarm_of(fleet).join("second", "x86_64", cpus=2, memory=2 * GB)
    given(fleet, limits=limits)
    said = answer(fleet, Check.CAPACITY)
    assert (said[0], words in said[1]) == (expected, True), said


def test_room_for_the_image_is_asked_where_its_manager_is_the_only_node(fleet: Fleet) -> None:
    assert answer(fleet, Check.DISK)[0] in {Answer.PASS, Answer.UNKNOWN}
    alike(fleet)
    results = preflight(fleet.console, fleet.jobs, planned(fleet)).results
    assert Check.DISK not in {one.check for one in results}


def test_of_the_only_node_it_is_said_that_it_has_the_image(fleet: Fleet) -> None:
    rolled_out(fleet)
    given(fleet, limits=Limits(memory=GB))
    assert answer(fleet, Check.PULLABLE, settings_only=True) == (
        Answer.PASS,
        "The only node of its Swarm has the image already.",
    )


# --- its data ---------------------------------------------------------------------------------------------------------


def mounts(fleet: Fleet, source: str, *, read_only: bool = False) -> None:
    kind = "bind" if source.startswith("/") else "volume"
    container_spec(fleet)["Mounts"] = [{"Type": kind, "Source": source, "Target": "/data", "ReadOnly": read_only}]


def second_service(fleet: Fleet, source: str) -> None:
    """Another mirror's service, which mounts something."""
    digest = container_spec(fleet)["Image"]
    mount = {"Type": "bind" if source.startswith("/") else "volume", "Source": source, "Target": "/srv"}
    engine(fleet).serve("another", str(digest), further={})
    other = engine(fleet).service("another")
    other.template["ContainerSpec"]["Mounts"] = [mount]


@pytest.mark.parametrize(
    ("own", "others", "read_only", "expected", "words"),
    [
        ("media", "", False, Answer.PASS, "Nobody else has its data."),
        ("media", "other", False, Answer.PASS, "Nobody else has its data."),
        ("media", "media", False, Answer.INFORMATION, "'media' is also with container 'another'"),
        ("/srv/media", "/srv", False, Answer.INFORMATION, "'/srv/media' is also with container 'another'"),
    ],
)
def test_whether_somebody_else_has_its_data(
    fleet: Fleet, own: str, others: str, read_only: bool, expected: Answer, words: str
) -> None:
    mounts(fleet, own, read_only=read_only)
    if others:
        second_service(fleet, others)
    # What the catalog says of volumes doesn't come to it, and says nothing of its data.
    given(fleet, volumes=(Volume("of-the-catalog", "/srv/media"),))
    said = answer(fleet, Check.ISOLATION)
    assert (said[0], words in said[1]) == (expected, True), said


def test_two_mirrors_whose_services_write_to_one_volume_are_blocked() -> None:
    with small_fleet(2, ("alpha",)) as fleet:
        prepare(fleet)
        second = fleet.environment(fleet.mirrors[1], "live")
        with fleet.console.catalog.write() as books:
            processes = (replace(second.processes[0], container="another"),)
            books.environments.save(replace(second, processes=processes, swarm=True))
        mounts(fleet, "media")
        second_service(fleet, "media")
        look(fleet)
        said = answer(fleet, Check.ISOLATION)
        assert said == (Answer.BLOCKED, "Its data isn't its own: 'media' is also with Mirror 02 live.")


@pytest.mark.parametrize(
    ("had", "gets", "expected", "words"),
    [
        (30, 10, Answer.WARNING, "Its tasks have 30 s to stop; the rollout leaves them 10 s."),
        (None, 0, Answer.WARNING, "Its tasks have 10 s to stop; the rollout leaves them 0 s."),
        (0, 0, Answer.WARNING, "Its tasks have no time to stop"),
        (None, 10, Answer.PASS, "Each task has 10 s to stop."),
    ],
)
def test_whether_its_tasks_keep_their_time_to_stop(
    fleet: Fleet, had: int | None, gets: int, expected: Answer, words: str
) -> None:
    if had is not None:
        container_spec(fleet)["StopGracePeriod"] = had * 1_000_000_000
    given(fleet, stop_seconds=gets)
    said = answer(fleet, Check.STOPPING)
    assert (said[0], words in said[1]) == (expected, True), said


# --- its way back, and whether we may ---------------------------------------------------------------------------------


def test_a_way_back_that_its_registry_has_no_more_is_told(fleet: Fleet) -> None:
    assert answer(fleet, Check.WAY_BACK) == (
        Answer.PASS,
        "Its Swarm keeps what it was until it is changed again, and its registry has the image by its digest.",
    )
    digest = str(container_spec(fleet)["Image"]).partition("@")[2]
    fleet.simulated.registry.delete("shop/webshop", digest)
    said = answer(fleet, Check.WAY_BACK)
    assert said[0] is Answer.WARNING, said
    assert said[1].startswith("What it runs can't be had again from its registry: ")


def test_a_front_door_that_lets_no_service_be_updated_is_told_before(fleet: Fleet) -> None:
    assert answer(fleet, Check.PERMISSION)[0] is Answer.PASS
    engine(fleet).misbehave(Fault.FORBIDDEN, "/services/0000")
    said = answer(fleet, Check.PERMISSION)
    assert said[0] is Answer.BLOCKED
    assert "refuses to update services of its Swarm" in said[1]


# --- a command before it ----------------------------------------------------------------------------------------------


def test_what_a_command_before_it_lacks_is_said(fleet: Fleet) -> None:
    command = ReleaseCommand(("migrate",), limit=5.0)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command))
    assert answer(fleet, Check.SERVICE)[0] is Answer.PASS
    mounts(fleet, "media")
    assert answer(fleet, Check.SERVICE)[0] is Answer.PASS
    container_spec(fleet)["Secrets"] = [{"SecretName": "db-password", "SecretID": "x" * 25}]
    said = answer(fleet, Check.SERVICE)
    assert said[0] is Answer.WARNING, said
    assert "without the secrets and configs of its Swarm (db-password)." in said[1]
    alike(fleet)
    look(fleet)
    assert "and its volumes, which may be on other nodes (media)." in answer(fleet, Check.SERVICE)[1]
