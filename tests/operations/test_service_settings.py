"""What of the catalog's settings comes to a service of a Swarm: for all else nothing waits, no task is exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.environment import HealthTest, Limits, Port, RestartPolicy, Settings, Volume
from mirror_console.domain.plan import Reason
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.service_settings import as_compared, brought, left_to_its_stack
from mirror_console.operations.accepting import accept
from mirror_console.operations.drift import drift_of
from tests.operations.fleet import Fleet
from tests.operations.service_fleet import (
    LABEL,
    answer,
    carried_out,
    container_spec,
    fleet_with_a_service,
    look,
    planned,
    rolled_out,
    service,
)

pytestmark = pytest.mark.slow

OF_THE_STACK: dict[str, dict[str, Any]] = {
    "ports": {"ports": (Port(80, 18080),)},
    "volumes": {"volumes": (Volume("media", "/srv/media"),)},
    "networks": {"networks": ("shop",)},
    "labels": {"labels": {"traefik.enable": "true"}},
    "restart policy": {"restart": RestartPolicy.ALWAYS},
    "health over HTTP": {"health": HealthTest(path="/health", port=80, settle=0.0, limit=2.0)},
}
"""Settings that don't come to a service, by what they are called."""
WAITED_FOR: dict[str, Any] = {"health": HealthTest(settle=0.5, limit=3.0)}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_with_a_service() as made:
        assert rolled_out(made).state is TargetState.DONE
        look(made)
        yield made


def given(fleet: Fleet, **settings: Any) -> str:
    """Give the catalog's environment other settings, and look again; its id."""
    environment = fleet.environment(fleet.mirrors[0], "live")
    fleet.with_settings(environment, **settings)
    look(fleet)
    return environment.id


@pytest.mark.parametrize("settings", [*OF_THE_STACK.values(), WAITED_FOR], ids=[*OF_THE_STACK, "health"])
def test_what_never_comes_to_it_waits_for_nothing_and_exchanges_no_task(fleet: Fleet, settings: dict[str, Any]) -> None:
    before = service(fleet).index

    environment_id = given(fleet, **settings)

    assert drift_of(fleet.console, environment_id).pending == ()
    assert drift_of(fleet.console, environment_id).drift == ()
    for settings_only in (True, False):
        made = planned(fleet, settings_only=settings_only)
        assert made.targets == ()
        assert [one.reason for one in made.left_out] == [Reason.NOTHING_TO_DO]
    assert service(fleet).index == before


def test_beside_what_comes_to_it_the_rest_is_neither_told_nor_recorded(fleet: Fleet) -> None:
    environment_id = given(
        fleet, limits=Limits(memory=64 * 1024 * 1024), **OF_THE_STACK["ports"], **OF_THE_STACK["volumes"]
    )
    assert [str(one) for one in drift_of(fleet.console, environment_id).pending] == ["memory limit: none → 64 MiB"]

    made = planned(fleet, settings_only=True)
    (target,) = made.targets
    assert [one.field for one in target.changes] == ["memory limit"]
    assert (target.settings.ports, target.settings.volumes) == ((), ())
    assert answer_of(fleet, Check.SERVICE_SETTINGS) == (
        Answer.INFORMATION,
        "Its stack decides, and not the catalog, about: ports, volumes.",
    )
    assert carried_out(fleet, made).targets[0].state is TargetState.DONE

    look(fleet)
    report = drift_of(fleet.console, environment_id)
    assert (report.pending, report.drift) == ((), ())
    assert report.record is not None
    assert report.record.settings.ports == ()
    assert container_spec(fleet)["Labels"][LABEL + "spec"] == as_compared(report.record.settings, swarm=True).hash


def answer_of(fleet: Fleet, check: Check) -> tuple[Answer, str]:
    return answer(fleet, check, settings_only=True)


def test_what_was_changed_by_hand_is_taken_over_although_the_rest_is_not_on_it(fleet: Fleet) -> None:
    environment_id = given(fleet, **OF_THE_STACK["ports"], **OF_THE_STACK["labels"])
    container_spec(fleet)["Args"] = ["serve", "--more"]
    look(fleet)
    assert [one.field for one in drift_of(fleet.console, environment_id).drift] == ["command"]

    accept(fleet.console, environment_id, ["command"])

    report = drift_of(fleet.console, environment_id)
    assert (report.pending, report.drift) == ((), ())
    assert report.environment.settings.command == ("serve", "--more")
    assert report.environment.settings.ports == (Port(80, 18080),)


def test_what_is_left_to_its_stack_is_named() -> None:
    for name, settings in OF_THE_STACK.items():
        wanted = Settings(**settings)
        assert left_to_its_stack(wanted) == (name,)
        assert left_to_its_stack(brought(wanted)) == ()
    assert brought(Settings(**WAITED_FOR)) == Settings(**WAITED_FOR)
    assert as_compared(Settings(**WAITED_FOR), swarm=True) == Settings()
    assert as_compared(Settings(**WAITED_FOR), swarm=False) == Settings(**WAITED_FOR)
