"""The rules of checks that need no engine: what is said of settings, places, proofs and containers, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from mirror_console.domain.applied import Applied
from mirror_console.domain.canary import CanaryRule
from mirror_console.domain.check import Answer
from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.environment import (
    Environment,
    HealthTest,
    Port,
    Process,
    RestartPolicy,
    Settings,
    Volume,
)
from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container, Endpoint, Health, Listed, State
from mirror_console.domain.overriding import may_be_overridden
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.release_command import Preparation, ReleaseCommand
from mirror_console.domain.request import Network
from mirror_console.domain.room import Room
from mirror_console.domain.route import Route
from mirror_console.domain.swap import Swap
from mirror_console.domain.validity import Validity
from mirror_console.domain.way import Way
from mirror_console.domain.way_back import WayBack
from mirror_console.operations.command_checks import check_backup
from mirror_console.operations.container_checks import health_check, made_by_tool, stopping, ties, values
from mirror_console.operations.place_checks import disk, networks, volumes
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.route_check import check_route, known_by_it
from mirror_console.operations.target_checks import EngineScene, free_ports

NOW = datetime(2026, 8, 30, 12, tzinfo=UTC)
OLD = Container("a" * 64, "shop", "shop:1", "sha256:1", State.RUNNING, Health.HEALTHY, NOW)
TARGET = PlannedTarget(
    "e1", "web", "m1", "Mirror 01", "live", "alpha", "alpha", "shop", Change.UPDATE, Swap.RECREATE,
    "26.8.2", "fp1:old", OLD.id, OLD.image_id, "26.8.3", "fp1:new", "shop@sha256:2", Settings(),
)  # fmt: skip
REVERSIBLE = Preparation("e1", ("fp1:new",), release=ReleaseCommand(("migrate",), reversible=True))
BY_HAND = Listed("b" * 64, "sidecar", "x", "sha256:9", State.RUNNING, Health.NO_CHECK)


def given(target: PlannedTarget = TARGET, **settings: object) -> PlannedTarget:
    return replace(target, settings=replace(target.settings, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "answer", "words"),
    [
        (Settings(variables={"DOMAIN": "dunes.example", "EMPTY": ""}), Answer.PASS, "No placeholder"),
        (Settings(variables={"KEY": "${SECRET_KEY}"}), Answer.BLOCKED, "KEY."),
        (
            Settings(variables={"A": "CHANGEME", "B": "change-me!", "C": "<your key>", "D": "{{ domain }}"}),
            Answer.BLOCKED,
            "B, C",
        ),
        (Settings(labels={"route": "${DOMAIN}"}), Answer.BLOCKED, "label route"),
        (Settings(volumes=(Volume("${NAME}-data", "/data"),)), Answer.WARNING, "volume at /data"),
        (Settings(variables={"URL": "https://${DOMAIN:-x}/up"}), Answer.WARNING, "URL."),
        (Settings(variables={"LOG": "$status ${method}"}), Answer.PASS, "No placeholder"),
    ],
)
def test_placeholders(settings: Settings, answer: Answer, words: str) -> None:
    said = values(settings)
    assert said[0] is answer
    assert words in said[1]
    assert not any(value and value in said[1] for value in settings.variables.values() if len(value) > 3)


HERE, THERE, ALL = (Port(80, 8080, address) for address in ("10.0.0.1", "10.0.0.2", "0.0.0.0"))  # noqa: S104


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (HERE, HERE, True),
        (HERE, THERE, False),
        (HERE, ALL, True),
        (ALL, replace(HERE, address="::"), True),
        (ALL, replace(ALL, container=81), True),
        (ALL, replace(ALL, protocol="udp"), False),
        (ALL, replace(ALL, host=8081), False),
        (replace(ALL, host=0), replace(ALL, host=0), False),
    ],
)
def test_ports_meet_at_an_address_that_both_have(one: Port, other: Port, meet: bool) -> None:
    assert one.meets(other) is meet
    assert other.meets(one) is meet


def test_a_neighbour_has_the_port_at_its_own_address_alone() -> None:
    neighbour = replace(BY_HAND, host_ports=(THERE,))
    assert free_ports([neighbour], given(ports=(HERE,)), OLD).answer is Answer.PASS
    blocked = free_ports([neighbour], given(ports=(ALL,)), OLD)
    assert (blocked.answer, blocked.words) == (Answer.BLOCKED, "Port 8080 is held by 'sidecar'.")


ALIAS = Route("edge", "shop", 8080, overlap=True)
BESIDE_IT = Environment("e2", "m2", "live", "alpha", (Process("web", "other"),), Settings(route=ALIAS))
STRANGER = replace(OLD, id="d" * 64, name="tracer")


@pytest.mark.parametrize(
    ("others", "strangers", "known"),
    [
        ([BESIDE_IT], [], ["m2 live"]),
        ([replace(BESIDE_IT, id="e1")], [], []),
        ([replace(BESIDE_IT, settings=Settings(route=replace(ALIAS, network="inner")))], [], []),
        ([replace(BESIDE_IT, settings=Settings(route=replace(ALIAS, alias="other")))], [], []),
        ([replace(BESIDE_IT, settings=Settings())], [], []),
        ([], [replace(STRANGER, endpoints={"edge": Endpoint(aliases=("shop",))})], ["container 'tracer'"]),
        # A container is known by its own name, too.
        ([], [replace(STRANGER, name="shop", endpoints={"edge": Endpoint()})], ["container 'shop'"]),
        ([], [replace(STRANGER, endpoints={"inner": Endpoint(aliases=("shop",))})], []),
    ],
)
def test_nobody_else_may_be_known_by_the_alias(
    others: list[Environment], strangers: list[Container], known: list[str]
) -> None:
    target = given(route=ALIAS)
    assert known_by_it(target, others, lambda one: f"{one.application_id} {one.name}", strangers) == known
    (found,) = check_route(lambda: {"edge"}, target, OLD, known)
    assert (found.answer is Answer.BLOCKED) is bool(known)
    assert all(one in found.words for one in known)


ASLEEP = replace(OLD, id="c" * 64, name="old-shop", state=State.EXITED, exit_code=143, declared_ports=(HERE,))


@pytest.mark.parametrize(
    ("changes", "answer", "words"),
    [
        ({"restart": RestartPolicy.ALWAYS}, Answer.BLOCKED, "'old-shop' is stopped, and comes back to port 8080"),
        ({"restart": RestartPolicy.ON_FAILURE}, Answer.BLOCKED, "when the engine restarts (on-failure)"),
        ({"restart": RestartPolicy.ON_FAILURE, "exit_code": 0}, Answer.PASS, "No other"),
        # Stopped by a call it stays down, as the console leaves the ways back.
        ({"restart": RestartPolicy.UNLESS_STOPPED}, Answer.PASS, "No other"),
        ({"restart": RestartPolicy.NO}, Answer.PASS, "No other"),
        ({"restart": RestartPolicy.ALWAYS, "declared_ports": (THERE,)}, Answer.PASS, "No other"),
        ({"restart": RestartPolicy.NO, "state": State.RESTARTING}, Answer.BLOCKED, "starts again and again"),
    ],
)
def test_who_is_stopped_may_come_back_to_the_port(changes: dict[str, object], answer: Answer, words: str) -> None:
    one = replace(ASLEEP, **changes)  # type: ignore[arg-type]
    found = free_ports([], given(ports=(HERE,)), OLD, [one])
    assert (found.answer, words in found.words) == (answer, True), found.words
    # Of one that is stopped a person may know better; of one that starts again and again nobody does.
    assert may_be_overridden(found) is ("comes back" in found.words)


@pytest.mark.parametrize("way_back", [WayBack.KEPT, WayBack.BLOCKED])
def test_a_migration_without_a_backup_is_blocked_until_a_person_says_why(way_back: WayBack) -> None:
    answers = {
        check_backup(replace(TARGET, way_back=way_back, preparation=one), ()).answer for one in (None, REVERSIBLE)
    }
    assert answers == {Answer.BLOCKED if way_back is WayBack.BLOCKED else Answer.PASS}


@pytest.mark.parametrize(
    ("wanted", "there", "answer", "words"),
    [
        ((), (), Answer.PASS, "names no network"),
        (("host",), (), Answer.PASS, "names no network"),
        (("shop",), ("shop", "bridge"), Answer.PASS, "shop"),
        (("shop",), ("bridge",), Answer.INFORMATION, "Made new"),
        (("shop",), ("shop", "shop"), Answer.BLOCKED, "2 networks 'shop'"),
    ],
)
def test_networks(wanted: tuple[str, ...], there: tuple[str, ...], answer: Answer, words: str) -> None:
    found = [Network(f"{place:064}", name) for place, name in enumerate(there)]
    said = networks(Settings(networks=wanted), found)
    assert said[0] is answer
    assert words in said[1]


DATA = Volume("shop-data", "/data")
APPLIED = Applied("e1", "web", OLD.id, NOW, "operator", "fp1:old", Settings(volumes=(DATA,)))


@pytest.mark.parametrize(
    ("planned", "old", "before", "there", "answer", "words"),
    [
        ((), None, None, (), Answer.PASS, "names no volume"),
        ((DATA,), (DATA,), APPLIED, ("shop-data",), Answer.PASS, "shop-data"),
        ((DATA,), None, None, (), Answer.INFORMATION, "Made new and empty"),
        ((DATA,), None, APPLIED, (), Answer.BLOCKED, "is gone: 'shop-data'"),
        (
            (DATA,),
            (Volume("other", "/data"),),
            None,
            ("shop-data",),
            Answer.WARNING,
            "'other' now, and gets 'shop-data'",
        ),
        ((Volume("/srv/shop", "/data"),), None, None, (), Answer.PASS, "names no volume"),
    ],
)
def test_volumes(
    planned: tuple[Volume, ...],
    old: tuple[Volume, ...] | None,
    before: Applied | None,
    there: tuple[str, ...],
    answer: Answer,
    words: str,
) -> None:
    said = volumes(given(volumes=planned), replace(OLD, volumes=old) if old else None, before, there)
    assert said[0] is answer
    assert words in said[1]


GB = 10**9
SMALL, LARGE = 40 * GB, 2000 * GB
"""Disks: a tenth of the small one is 4 GB, and of the large one no more than 10 GB are to stay free."""


@pytest.mark.parametrize(
    ("size", "room", "others", "answer", "words"),
    [
        (None, None, 0, Answer.UNKNOWN, "isn't told"),
        (10**8, None, 0, Answer.UNKNOWN, "isn't told"),
        (None, Room(6 * GB), 0, Answer.PASS, "size of the image isn't known"),
        (None, Room(GB), 0, Answer.WARNING, "size of the image isn't known"),
        (None, Room(6 * GB), 2 * GB, Answer.WARNING, "size of the image isn't known"),
        (GB, Room(10 * GB), 0, Answer.PASS, "up to 1.0 GB; 10 GB are free"),
        (GB, Room(int(1.4 * GB)), 0, Answer.BLOCKED, "half as much again, and 0 B are to stay free"),
        (GB, Room(10**8), 0, Answer.BLOCKED, "up to 1.0 GB; 100 MB are free."),
        (GB, Room(6 * GB, SMALL), 0, Answer.PASS, "are free"),
        (GB, Room(5 * GB, SMALL), 0, Answer.BLOCKED, "4.0 GB are to stay free"),
        (GB, Room(12 * GB, LARGE), 0, Answer.PASS, "are free"),
        (GB, Room(11 * GB, LARGE), 0, Answer.BLOCKED, "10 GB are to stay free"),
        (GB, Room(6 * GB, SMALL), 2 * GB, Answer.BLOCKED, "others that are fetched there 2.0 GB"),
        (GB, Room(20 * GB, SMALL, 90_000, 1_000_000), 0, Answer.BLOCKED, "1,000,000 files that its disk can hold 90,0"),
        (GB, Room(20 * GB, SMALL, 110_000, 1_000_000), 0, Answer.PASS, "are free"),
    ],
)
def test_disk(size: int | None, room: Room | None, others: int, answer: Answer, words: str) -> None:
    said = disk(replace(TARGET, image_bytes=size), room, others)
    assert said[0] is answer, said
    assert words in said[1]
    assert bool(said[2]) is (answer is not Answer.PASS)


class _WithRoom:
    """An engine that is asked for its room, and counts how often."""

    asked = 0

    def free_disk(self, _facts: object, _inside: str) -> Room:
        self.asked += 1
        return Room(10 * GB)


def test_each_image_of_a_plan_is_counted_for_the_next() -> None:
    engine = _WithRoom()
    facts = EngineFacts("20.10.24", "1.41", "linux/amd64")
    scene = EngineScene(cast(EngineSession, engine), facts, [], {}, {})
    found = [disk(replace(TARGET, image_bytes=4 * GB), *scene.room_for(4 * GB))[0] for _ in range(2)]
    assert found == [Answer.PASS, Answer.BLOCKED]
    assert engine.asked == 1


CHECKED = Image("sha256:2", "fp1:new", has_health_check=True, health_interval=5.0, health_seconds=20.0)


@pytest.mark.parametrize(
    ("test", "way", "image", "answer", "words"),
    [
        (HealthTest(limit=60.0), Way(), CHECKED, Answer.PASS, "has a health check; 60 s"),
        (HealthTest(limit=15.0), Way(), CHECKED, Answer.INFORMATION, "takes 20 s to call it ill"),
        (HealthTest(limit=60.0), Way(health_limit=5.0), CHECKED, Answer.WARNING, "tried after 5 s"),
        (HealthTest("/up", 8080), Way(), None, Answer.PASS, "/up"),
        (HealthTest(), Way(), None, Answer.INFORMATION, "once it is on the engine"),
        (HealthTest(settle=3.0), Way(), Image("sha256:2", "fp1:new"), Answer.WARNING, "runs for 3 s"),
    ],
)
def test_health_checks(test: HealthTest, way: Way, image: Image | None, answer: Answer, words: str) -> None:
    said = health_check(given(health=test), way, image, planned=True)
    assert said[0] is answer
    assert words in said[1]


@pytest.mark.parametrize(
    ("test", "swap", "answer"),
    [
        (HealthTest(), Swap.RECREATE, Answer.BLOCKED),
        (HealthTest(), Swap.CREATE, Answer.BLOCKED),
        # The same container goes on, and is known to run.
        (HealthTest(), Swap.IN_PLACE, Answer.WARNING),
        (HealthTest("/up", 8080), Swap.RECREATE, Answer.PASS),
    ],
)
def test_what_goes_first_has_to_tell_that_it_is_well(test: HealthTest, swap: Swap, answer: Answer) -> None:
    first = replace(given(health=test), canary=CanaryRule.FIRST_WELL, swap=swap)
    said = health_check(first, Way(), Image("sha256:2", "fp1:new"), planned=True)
    assert said[0] is answer
    assert ("prove nothing to the others" in said[1]) is (answer is Answer.BLOCKED)
    if said[0] is Answer.BLOCKED:
        # By the image that runs now it isn't known what the planned one has.
        assert health_check(first, Way(), Image("sha256:2", "fp1:new"), planned=False)[0] is Answer.WARNING


@pytest.mark.parametrize(
    ("made_with", "seconds", "swap", "answer"),
    [
        (None, 10, Swap.RECREATE, Answer.PASS),
        (30, 10, Swap.RECREATE, Answer.WARNING),
        (5, 10, Swap.RECREATE, Answer.PASS),
        (None, 0, Swap.RECREATE, Answer.WARNING),
        (None, 300, Swap.RECREATE, Answer.INFORMATION),
        (None, 300, Swap.CREATE, Answer.PASS),
    ],
)
def test_stopping(made_with: int | None, seconds: int, swap: Swap, answer: Answer) -> None:
    old = replace(OLD, stop_seconds=made_with) if swap is Swap.RECREATE else None
    assert stopping(given(replace(TARGET, swap=swap), stop_seconds=seconds), old)[0] is answer


@pytest.mark.parametrize(
    ("labels", "listed", "strangers", "answer", "words"),
    [
        ({}, (BY_HAND,), (), None, ""),
        ({}, (replace(BY_HAND, network_mode=f"container:{OLD.id}"),), (), Answer.BLOCKED, "'sidecar'"),
        ({}, (), (replace(OLD, id="c" * 64, name="tracer", joins=(OLD.id,)),), Answer.BLOCKED, "'tracer'"),
        ({"com.docker.swarm.service.name": "shop"}, (), (), Answer.BLOCKED, "Swarm"),
        ({}, (replace(BY_HAND, network_mode=f"container:{OLD.name}"),), (), Answer.BLOCKED, "'sidecar'"),
        ({}, (), (replace(OLD, id="c" * 64, name="tracer", joins=(OLD.name,)),), Answer.BLOCKED, "'tracer'"),
        ({}, (), (replace(OLD, id="c" * 64, name="tracer", joins=("other",)),), None, ""),
    ],
)
def test_ties(
    labels: dict[str, str],
    listed: tuple[Listed, ...],
    strangers: tuple[Container, ...],
    answer: Answer | None,
    words: str,
) -> None:
    said = ties(replace(OLD, labels=labels), listed, strangers)
    assert (said[0] if said else None) is answer
    assert said is None or words in said[1]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"com.docker.compose.project": "shop"}, "made by Compose: that"),
        ({"com.dokku.app-name": "shop"}, "made by Dokku: that"),
        ({"coolify.managed": "true"}, "made by Coolify: that"),
        ({"team": "blue"}, ""),
        # As of an image that Compose or Dokku has built: from it a rollout has made the container.
        ({"com.docker.compose.project": "shop", f"{LABEL}rollout": "r" * 32}, ""),
        ({"com.dokku.app-name": "shop", f"{LABEL}rollout": "r" * 32}, ""),
    ],
)
def test_what_another_tool_made_is_taken_from_it_by_a_persons_word_alone(labels: dict[str, str], words: str) -> None:
    found = made_by_tool(replace(OLD, labels=labels))
    assert (found[0] if found else None) is (Answer.BLOCKED if words else None)
    assert words in (found[1] if found else "")


@pytest.mark.parametrize(
    ("lives", "left", "soon", "over"),
    [
        (timedelta(days=365), timedelta(days=15), False, False),
        (timedelta(days=365), timedelta(days=13), True, False),
        (timedelta(days=365), timedelta(0), False, True),
        # One that is issued anew each day isn't told of each day.
        (timedelta(days=1), timedelta(hours=12), False, False),
        (timedelta(days=1), timedelta(hours=7), True, False),
    ],
)
def test_the_end_of_a_certificate(lives: timedelta, left: timedelta, soon: bool, over: bool) -> None:
    valid = Validity(NOW - lives + left, NOW + left)
    assert valid.ends_soon(NOW) is soon
    assert valid.has_ended(NOW) is over
