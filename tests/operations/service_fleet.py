"""A fleet whose mirror is a service of a Swarm, on the simulator, and what its tests do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.environment import HealthTest
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, Target
from mirror_console.errors import CatalogError
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.swarm import Service, Swarm
from mirror_console.simulator.wire import Document
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

SERVICE = "mirror-01-live"
LABEL = "io.mirrorconsole."
OLD, NEW = "26.8.2", "26.8.3"


@contextmanager
def fleet_with_a_service() -> Iterator[Fleet]:
    """A fleet of one mirror, whose live is a service."""
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


def swarm_of(fleet: Fleet) -> Swarm:
    """What its engine knows of its Swarm."""
    found = engine(fleet).state.swarm
    assert found is not None
    return found


def service(fleet: Fleet) -> Service:
    return engine(fleet).service(SERVICE)


def runs(fleet: Fleet) -> list[str]:
    """The versions of what its tasks run."""
    engine(fleet).service(SERVICE)
    state = engine(fleet).state
    with state.lock:
        running = [task for task in swarm_of(fleet).tasks_of(service(fleet)) if task.state == "running"]
        containers = [state.containers[task.container_id] for task in running]
        return [str(one.image.config["Labels"]["org.opencontainers.image.version"]) for one in containers]


def configs(fleet: Fleet) -> list[str]:
    return [config.spec["Name"] for config in swarm_of(fleet).configs.values()]


def container_spec(fleet: Fleet) -> Document:
    spec: Document = service(fleet).template["ContainerSpec"]
    return spec


def planned(fleet: Fleet, *, settings_only: bool = False, **way: Any) -> Plan:
    return plan(fleet.console, "live", ["mirror-01"], replace(QUICK, **way), settings_only=settings_only)


def carried_out(fleet: Fleet, made: Plan, mark: Callable[[str], None] = lambda _boundary: None) -> Rollout:
    console = replace(fleet.console, mark=mark)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    return Conductor(console, fleet.jobs, rollout).run()


def rolled_out(fleet: Fleet, mark: Callable[[str], None] = lambda _boundary: None, **way: Any) -> Target:
    return carried_out(fleet, planned(fleet, settings_only=False, **way), mark).targets[0]


def unlocked(fleet: Fleet) -> bool:
    return configs(fleet) == []


def answer(fleet: Fleet, check: Check, *, settings_only: bool = False) -> tuple[Answer, str]:
    made = planned(fleet, settings_only=settings_only)
    results = preflight(fleet.console, fleet.jobs, made).results
    found = next(one for one in results if one.check is check)
    return found.answer, found.words


def scaled_to(fleet: Fleet, tasks: int) -> None:
    service(fleet).spec["Mode"]["Replicated"]["Replicas"] = tasks


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
    swarm_of(fleet).configs.clear()
