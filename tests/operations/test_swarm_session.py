"""A manager asked as an engine is: services stand for containers, configs for locks, and nothing meets any other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.environment import Limits, RestartPolicy, Settings
from mirror_console.domain.lock import LockTimes, felt
from mirror_console.domain.observation import Health, State
from mirror_console.domain.request import ContainerSpec
from mirror_console.domain.swarm import SwarmService, Task, UpdateState
from mirror_console.engine import DockerEngines
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.scene import lock_on
from mirror_console.operations.swarm_session import as_container, session_of
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.registry import SimulatedRegistry
from mirror_console.vault import MemoryVault
from tests.operations.fleet import REPOSITORY, now
from tests.operations.test_watch import until

LABEL = "io.mirrorconsole."
LOCK = {f"{LABEL}role": "lock", f"{LABEL}operator": "operator", f"{LABEL}console": "c1", f"{LABEL}rollout": "r1"}


@pytest.fixture
def engine() -> Iterator[SimulatedEngine]:
    """A manager with one service of two tasks."""
    registry = SimulatedRegistry("registry.test:5000", now)
    digest = registry.publish("shop/webshop", "1.0", "1.0", "abc", health_interval=0.0).digest
    with (
        tempfile.TemporaryDirectory(prefix="mc-") as folder,
        SimulatedEngine("alpha", now, socket_path=Path(folder, "s"), registries=(registry,)) as made,
    ):
        made.manage_swarm()
        made.serve("shop", f"{REPOSITORY}:1.0@{digest}", replicas=2, variables={"STAGE": "live"})
        until(lambda: len(made.service_runs("shop")) == 2, "its tasks")
        yield made


@pytest.fixture
def plain(engine: SimulatedEngine) -> Iterator[EngineSession]:
    """The engine itself."""
    engines = DockerEngines(MemoryVault(), now)
    yield engines.session(Engine("alpha", "alpha", parse_address(engine.address), simulated=True))
    engines.close()


@pytest.fixture
def manager(plain: EngineSession) -> EngineSession:
    """The engine, asked as a manager."""
    return session_of(plain, swarm=True)


def lock(name: str = "mc-lock.shop", **more: str) -> ContainerSpec:
    return ContainerSpec(name, "", Settings(), labels=LOCK | more)


def refused(call: Callable[..., object], *arguments: object) -> FailureKind:
    with pytest.raises(EngineError) as caught:
        call(*arguments)
    return caught.value.kind


def test_only_an_environment_of_a_swarm_is_asked_so(plain: EngineSession) -> None:
    assert session_of(plain, swarm=False) is plain


def test_a_service_looks_like_a_container(manager: EngineSession, plain: EngineSession) -> None:
    seen = manager.inspect("shop")
    assert seen is not None
    assert (seen.name, seen.state, seen.health, seen.running) == ("shop", State.RUNNING, Health.HEALTHY, True)
    assert seen.variables == {"STAGE": "live"}
    assert seen.health_output == "2 of 2 tasks run"
    assert manager.inspect(seen.id) == seen
    (listed,) = manager.list_containers()
    assert (listed.id, listed.name, listed.state, listed.health) == (seen.id, "shop", seen.state, seen.health)
    assert listed.whole == seen
    assert manager.list_these([seen.id, "a" * 25]) == [listed]
    image = manager.image(seen.image_id)
    assert image is not None
    assert image.version == "1.0"
    # What stands for its tasks on the engine itself is none of it.
    assert plain.inspect("shop") is None
    assert all(one.whole is None for one in plain.list_containers())


def test_a_lock_is_a_config_that_one_can_have(manager: EngineSession, plain: EngineSession) -> None:
    made = manager.create(lock())
    assert refused(manager.create, lock(**{f"{LABEL}console": "c2"})) is FailureKind.CONFLICT
    held = manager.inspect("mc-lock.shop")
    assert held is not None
    assert (held.id, held.name, held.restart_retries) == (made, "mc-lock.shop", 0)
    assert lock_on(held, "shop").rollout_id == "r1"
    assert manager.inspect(made) == held
    (listed,) = [one for one in manager.list_containers() if one.name.startswith("mc-lock.")]
    assert listed.whole == held
    # A lock of a container with that name is another one.
    assert plain.inspect("mc-lock.shop") is None
    manager.remove(made)
    manager.remove(made)
    assert manager.inspect("mc-lock.shop") is None
    assert manager.create(lock()) != made


def test_it_beats_for_whoever_watches(manager: EngineSession) -> None:
    made, times = manager.create(lock()), LockTimes()
    first = manager.inspect(made)
    assert first is not None
    pulse = felt(None, lock_on(first, "shop"), 0.0, times)
    manager.set_restart(made, RestartPolicy.ON_FAILURE, 1)
    second = manager.inspect(made)
    assert second is not None
    assert felt(pulse, lock_on(second, "shop"), 1.0, times).moved
    # All else that it tells stays.
    assert replace(lock_on(second, "shop"), beat=0) == lock_on(first, "shop")
    manager.remove(made)
    assert refused(manager.set_restart, made, RestartPolicy.ON_FAILURE, 2) is FailureKind.NOT_FOUND


def test_of_a_long_name_a_lock_tells_all(manager: EngineSession) -> None:
    long = "shop-" + "x" * 58
    made = manager.create(lock(f"mc-lock.{long}"))
    held = manager.inspect(f"mc-lock.{long}")
    assert held is not None
    assert (held.id, held.name) == (made, f"mc-lock.{long}")
    assert manager.inspect(f"mc-lock.{long[:-1]}y") is None


def test_a_config_of_somebody_else_is_no_lock(manager: EngineSession, plain: EngineSession) -> None:
    plain.create_config("app-settings", {})
    assert [one.name for one in manager.list_containers()] == ["shop"]


@pytest.mark.parametrize(
    "call",
    [
        lambda session, one: session.start(one),
        lambda session, one: session.stop(one, 1),
        lambda session, one: session.rename(one, "shop.mc-prev"),
        lambda session, one: session.create(ContainerSpec("shop.mc-next", one, Settings())),
    ],
    ids=["start", "stop", "rename", "create"],
)
def test_what_a_service_has_not_is_refused(
    manager: EngineSession, call: Callable[[EngineSession, str], object]
) -> None:
    service = manager.inspect("shop")
    assert service is not None
    assert refused(call, manager, service.id) is FailureKind.REJECTED
    # And to take one away is to take away a config of that id, which there is none of.
    manager.remove(service.id)
    assert manager.inspect("shop") == service


# --- how it stands ----------------------------------------------------------------------------------------------------

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SERVICE = SwarmService("s" * 25, "shop", 1, "shop@sha256:" + "0" * 64, replicas=2, limits=Limits())


def task(slot: int, state: str = "running", desired: str = "running", words: str = "") -> Task:
    return Task(f"{slot}{state}".ljust(25, "0"), SERVICE.id, slot, "n", state, desired, words, SERVICE.image, at=AT)


@pytest.mark.parametrize(
    ("tasks", "update", "state", "health", "words"),
    [
        ([task(1), task(2)], None, State.RUNNING, Health.HEALTHY, "2 of 2 tasks run"),
        ([task(1), task(2, "starting")], None, State.RESTARTING, Health.FAILING, "1 of 2 tasks run"),
        ([task(1), task(2, "starting")], UpdateState.UPDATING, State.RUNNING, Health.STARTING, "1 of 2 tasks run"),
        (
            [task(1), task(2, "pending", words="no suitable node")],
            UpdateState.UPDATING,
            State.RESTARTING,
            Health.FAILING,
            "1 of 2 tasks run: no suitable node",
        ),
        (
            [task(1), task(2, "ready", "ready")],
            UpdateState.PAUSED,
            State.RESTARTING,
            Health.FAILING,
            "1 of 2 tasks run",
        ),
        # The old one of a slot, which is to end, isn't counted; nor is one of another service.
        ([task(1), task(2, "running", "shutdown")], None, State.RESTARTING, Health.FAILING, "1 of 2 tasks run"),
        ([task(1), replace(task(2), service_id="o" * 25)], None, State.RESTARTING, Health.FAILING, "1 of 2 tasks run"),
        # Start first: while both run, the slot counts once.
        ([task(1), task(1), task(2)], UpdateState.UPDATING, State.RUNNING, Health.HEALTHY, "2 of 2 tasks run"),
        ([], None, State.EXITED, Health.FAILING, "0 of 2 tasks run"),
    ],
)
def test_it_runs_where_all_of_its_tasks_do(
    tasks: list[Task], update: UpdateState | None, state: State, health: Health, words: str
) -> None:
    seen = as_container(replace(SERVICE, update=update), tasks)
    assert (seen.state, seen.health, seen.health_output) == (state, health, words)


OTHER = "shop@sha256:" + "1" * 64


@pytest.mark.parametrize(
    ("images", "update", "image", "health", "words"),
    [
        ((SERVICE.image, SERVICE.image), UpdateState.COMPLETED, SERVICE.image, Health.HEALTHY, "2 of 2 tasks run"),
        # A tag beside the digest says nothing.
        (
            (SERVICE.image.replace("@", ":1.0@"), SERVICE.image),
            UpdateState.COMPLETED,
            SERVICE.image,
            Health.HEALTHY,
            "2 of 2 tasks run",
        ),
        ((OTHER, OTHER), None, OTHER, Health.STARTING, "2 of 2 tasks run"),
        (
            (SERVICE.image, OTHER),
            UpdateState.UPDATING,
            SERVICE.image,
            Health.STARTING,
            "2 of 2 tasks run, 1 of another image",
        ),
        (
            (SERVICE.image, OTHER),
            UpdateState.PAUSED,
            SERVICE.image,
            Health.FAILING,
            "2 of 2 tasks run, 1 of another image",
        ),
        ((OTHER, OTHER), UpdateState.ROLLBACK_PAUSED, OTHER, Health.FAILING, "2 of 2 tasks run"),
    ],
)
def test_it_has_the_image_that_its_tasks_run(
    images: tuple[str, str], update: UpdateState | None, image: str, health: Health, words: str
) -> None:
    tasks = [replace(task(slot), image=one) for slot, one in enumerate(images, 1)]
    seen = as_container(replace(SERVICE, update=update), tasks)
    assert (seen.image_id, seen.state, seen.health, seen.health_output) == (image, State.RUNNING, health, words)


def test_of_none_that_is_to_run_nothing_is_ill() -> None:
    seen = as_container(replace(SERVICE, replicas=0), [])
    assert (seen.state, seen.health, seen.health_output) == (State.CREATED, Health.STOPPED, "0 of 0 tasks run")


def test_one_on_each_node_is_counted_by_its_nodes() -> None:
    tasks = [replace(task(0), node_id=node, id=node.ljust(25, "0")) for node in ("a", "b")]
    every = replace(SERVICE, replicas=None)
    assert as_container(every, tasks).health_output == "2 of 2 tasks run"
    assert as_container(every, [tasks[0], replace(tasks[1], state="preparing")]).state is State.RESTARTING
