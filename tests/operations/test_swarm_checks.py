"""What is asked of services of a Swarm before they are updated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.canary import CanaryRule
from mirror_console.domain.check import Answer, Check
from mirror_console.domain.rollout import TargetState
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.swarm_checks import check_service, manages
from tests.operations.fleet import Fleet
from tests.operations.service_fleet import (
    OLD,
    answer,
    container_spec,
    fleet_with_a_service,
    look,
    planned,
    runs,
    scaled_to,
    service,
    unlocked,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_with_a_service() as made:
        yield made


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
