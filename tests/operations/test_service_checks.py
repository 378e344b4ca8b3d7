"""Whether services answer, asked in the containers of a fleet that is a release behind; on the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.environment import Limits
from mirror_console.domain.overriding import overridable
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.service import Service
from mirror_console.operations.overriding import override
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import check_engine, preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import report_json
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

WELL = Service("database", ("true",))
SILENT = Service("database", ("sh", "-c", "echo db:5432 - no response; exit 2"))
MISSING = Service("database", ("/nope",))
CAREFUL = replace(QUICK, pause_after_canary=True, prefetch=False)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        yield made


def declare(fleet: Fleet, *services: Service) -> None:
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), services=services))


def asked(fleet: Fleet) -> tuple[Plan, Checked]:
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], CAREFUL)
    return made, preflight(fleet.console, fleet.jobs, made)


def answers(fleet: Fleet) -> list[CheckResult]:
    return [one for one in asked(fleet)[1].results if one.check is Check.SERVICES]


def executions(fleet: Fleet) -> list[str]:
    """The commands that were run in containers, on all engines."""
    engines = fleet.simulated.engines.values()
    return [" ".join(one.command) for engine in engines for one in engine.state.executions.values()]


def test_nothing_is_asked_where_no_service_is_declared(fleet: Fleet) -> None:
    assert {(one.answer, one.words) for one in answers(fleet)} == {(Answer.PASS, "Its source declares no services.")}
    assert [one for one in executions(fleet) if not one.startswith("df")] == []


def test_those_that_answer_are_told_together(fleet: Fleet) -> None:
    declare(fleet, WELL, Service("cache", ("echo", "PONG")))
    found = answers(fleet)
    assert {(one.answer, one.words) for one in found} == {(Answer.PASS, "database, cache answer.")}
    assert len(found) == 4
    # Each once at each mirror.
    assert sorted(one for one in executions(fleet) if not one.startswith("df")) == ["echo PONG"] * 4 + ["true"] * 4


def test_a_silent_one_blocks_in_the_same_words_at_each_unless_it_is_optional(fleet: Fleet) -> None:
    declare(fleet, WELL, replace(SILENT, name="search", optional=True), replace(SILENT, name="queue"))
    found = answers(fleet)
    silent = "“sh -c 'echo db:5432 - no response; exit 2'” ended with 2: db:5432 - no response."
    assert {(one.answer, one.words, one.blocks) for one in found} == {
        (Answer.PASS, "database answers.", False),
        (Answer.WARNING, f"search doesn't answer: {silent}", False),
        (Answer.BLOCKED, f"queue doesn't answer: {silent}", True),
    }
    assert len(found) == 12
    assert all(bool(one.remedy) is (one.answer is not Answer.PASS) for one in found)
    # Before a wave only what can block is asked again.
    targets = [one for one in asked(fleet)[0].targets if one.engine_id == "alpha"]
    again = check_engine(fleet.console, fleet.jobs, fleet.console.engine("alpha"), targets)
    assert {one.ground for one in again if one.check is Check.SERVICES and one.blocks} == {"queue"}
    assert not [one for one in again if "search" in one.words]


@pytest.mark.timeout(120)
def test_one_that_takes_too_long_is_silent_and_takes_nothing_from_others(fleet: Fleet) -> None:
    declare(fleet, Service("database", ("sleep", "2"), 1.0))
    _, checked = asked(fleet)
    found = [one for one in checked.results if one.check is Check.SERVICES]
    assert {(one.answer, one.words) for one in found} == {
        (Answer.BLOCKED, "database doesn't answer: 'sleep 2' hadn't ended after 1 s.")
    }
    assert {one.check for one in checked.blocking} == {Check.SERVICES}


def test_a_command_that_is_not_in_the_image_is_told_as_that(fleet: Fleet) -> None:
    declare(fleet, MISSING, Service("cache", ("sh", "-c", "echo sh: redis-cli: not found; exit 127")))
    found = answers(fleet)
    assert {one.answer for one in found} == {Answer.UNKNOWN}
    assert not any(one.blocks or "doesn't answer" in one.words for one in found)
    assert any(
        "can't be run in the container, and ended with 127: sh: redis-cli: not found." in one.words for one in found
    )
    assert {one.remedy for one in found} == {"Name a command that is in the image, on the source's form."}


def test_what_cannot_be_asked_is_not_known_and_said_to_be(fleet: Fleet) -> None:
    declare(fleet, SILENT)
    alpha, berlin = (fleet.simulated.engines[name] for name in ("alpha", "berlin"))
    alpha.stop_container("mirror-01-live")
    alpha.lose_container("mirror-03-live")
    berlin.misbehave(Fault.FORBIDDEN, "/exec")
    made, checked = asked(fleet)
    told = {
        target.application: next(one for one in checked.of(target.environment_id) if one.check is Check.SERVICES)
        for target in made.targets
    }
    assert {one.answer for one in told.values()} == {Answer.UNKNOWN}
    assert not [one for one in checked.blocking if one.check is Check.SERVICES]
    assert told["Mirror 01"].words == "Not known, as the container is exited and nothing can be asked in it: database."
    assert "nothing runs here yet" in told["Mirror 03"].words
    assert told["Mirror 02"].words == "Not known: database. berlin answered with status 403, and not as Docker does."
    # It is no reason to say that the engine isn't reached.
    assert {one.answer for one in checked.results if one.check is Check.REACHABLE} == {Answer.PASS}


def test_a_container_that_is_another_one_by_now_is_left_alone(fleet: Fleet) -> None:
    declare(fleet, SILENT)
    made, _ = asked(fleet)
    alpha = fleet.simulated.engines["alpha"]
    alpha.lose_container("mirror-01-live")
    alpha.run("mirror-01-live", f"{REPOSITORY}:26.8.2")
    before = executions(fleet)
    checked = preflight(fleet.console, fleet.jobs, made)
    target = next(one for one in made.targets if one.application == "Mirror 01")
    (told,) = [one for one in checked.of(target.environment_id) if one.check is Check.SERVICES]
    assert (told.answer, "another one than when" in told.words) == (Answer.UNKNOWN, True)
    assert (
        len([one for one in executions(fleet) if "sh -c" in one]) == len([one for one in before if "sh -c" in one]) + 3
    )


def test_a_console_that_only_reads_runs_nothing_in_containers(fleet: Fleet) -> None:
    declare(fleet, SILENT)
    made, _ = asked(fleet)
    before = executions(fleet)
    checked = preflight(replace(fleet.console, read_only="Only for looking."), fleet.jobs, made)
    found = {(one.answer, one.words) for one in checked.results if one.check is Check.SERVICES}
    assert found == {(Answer.INFORMATION, "Not asked, as the console is read-only: database.")}
    assert executions(fleet) == before


def test_what_changes_with_the_rollout_is_said_and_where_the_container_stays_nothing_is_asked(fleet: Fleet) -> None:
    declare(fleet, WELL)
    for mirror in fleet.mirrors:
        fleet.with_settings(fleet.environment(mirror, "live"), limits=Limits(memory=64 * 1024**2))
    made, checked = asked(fleet)
    way = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test", 4)).run()
    rollout = Conductor(fleet.console, fleet.jobs, resume(fleet.console, way.id)).run()
    assert rollout.state is RolloutState.COMPLETED
    # One gets its database elsewhere, all others are granted more memory.
    first, *others = (fleet.environment(mirror, "live") for mirror in fleet.mirrors)
    fleet.with_settings(first, variables={**first.settings.variables, "DATABASE_HOST": "new"})
    for environment in others:
        fleet.with_settings(environment, limits=Limits(memory=96 * 1024**2))
    assert {(one.answer, one.words) for one in answers(fleet)} == {
        (
            Answer.INFORMATION,
            "database answers. That is with the settings of now; this rollout changes variable DATABASE_HOST.",
        ),
        (Answer.PASS, "Not asked, as the container goes on as it is: database."),
    }


def test_a_secret_that_a_command_writes_is_told_nowhere(fleet: Fleet) -> None:
    secret = "postgres://shop:hunter2-of-the-shop@db/shop"
    reference = SecretReference("environment/1/DATABASE_URL")
    fleet.console.vault.put(reference, Secret(secret))
    for mirror in fleet.mirrors:
        environment = fleet.environment(mirror, "live")
        engine = fleet.simulated.engines[environment.engine_id]
        engine.lose_container(environment.container)
        engine.run(environment.container, f"{REPOSITORY}:26.8.2", variables={"DATABASE_URL": secret})
        fleet.with_settings(environment, secrets={"DATABASE_URL": reference})
    refresh(fleet.console, fleet.jobs)
    # What the simulator's shell can't do: put the value of a variable in.
    script = f"echo no way to {secret} with hunter2-of-the-shop; exit 1"
    declare(fleet, Service("database", ("sh", "-c", script)))
    told = [one.words for one in answers(fleet)]
    assert all(words.startswith("database doesn't answer: ") and "no way to" in words for words in told), told
    assert not any("hunter2" in words for words in told)


def test_each_service_is_overridden_by_itself_and_asked_again_before_each_wave(fleet: Fleet) -> None:
    declare(fleet, SILENT)
    made, checked = asked(fleet)
    assert {one.check for one in checked.blocking} == {Check.SERVICES}
    checked = override(fleet.console, checked, overridable(checked), "The database is being moved")
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test", 4)).run()
    assert rollout.state is RolloutState.PAUSED
    # It says something else as it fails: that it is silent is the same answer. Another service is another one.
    declare(fleet, Service("database", ("sh", "-c", "echo refused; exit 1")))
    rollout = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert [one.state for one in rollout.targets] == [TargetState.DONE] * 4
    (told,) = json.loads(report_json(fleet.console, rollout.id))["overrides"]
    assert (told["id"], told["reason"]) == ("services", "The database is being moved")


def test_one_that_falls_silent_between_the_waves_leaves_the_rest_out_with_one_cause(fleet: Fleet) -> None:
    declare(fleet, WELL)
    made, checked = asked(fleet)
    rollout = Conductor(fleet.console, fleet.jobs, start(fleet.console, made, checked, "a test", 4)).run()
    assert rollout.state is RolloutState.PAUSED
    declare(fleet, SILENT)
    rollout = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert [one.state for one in rollout.targets] == [TargetState.DONE, *[TargetState.SKIPPED] * 3]
    assert len({one.words for one in rollout.targets[1:]}) == 1
    assert rollout.targets[1].words.startswith("services answer: database doesn't answer: ")
