"""Checks of proofs: whether the source, and a mirror's own test, have run well what is planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.drift import REMADE
from mirror_console.domain.environment import Process, Settings
from mirror_console.domain.observation import Difference
from mirror_console.domain.overriding import overridable
from mirror_console.domain.release_command import NO_COMMAND, ReleaseCommand
from mirror_console.domain.way import Way
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.operations.trial_checks import check_tests
from mirror_console.simulator import routes
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.state import EngineState
from tests.operations.check_desk import Desk
from tests.operations.fleet import QUICK, REPOSITORY, now

pytestmark = pytest.mark.slow


def test_the_source_is_looked_at_on_its_engine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told = desk.worst(Check.SOURCE_PROOF)
    assert (told.answer, told.environment_id, told.engine_id) == (Answer.INFORMATION, "", "")
    made = desk.plan()
    later = replace(desk.fleet.console, clock=lambda: now() + timedelta(minutes=12))
    [proved] = [one for one in preflight(later, desk.fleet.jobs, made).results if one.check is Check.SOURCE_PROOF]
    assert (proved.answer, proved.words) == (Answer.PASS, "Webshop live has run it for 12 minutes, healthy.")

    def answer() -> CheckResult:
        [found] = [one for one in desk.checked(made).results if one.check is Check.SOURCE_PROOF]
        return found

    def blocked() -> str:
        [words] = {one.words for one in desk.checked(made).blocking if one.check is Check.SOURCE_PROOF}
        assert len(overridable(desk.checked(made))) == 4
        assert desk.checked(made).blocked([one.environment_id for one in made.targets])
        assert not desk.checked(made).blocks_all
        return words

    # Since it restarted last it hasn't run for long: it may do so again.
    desk.engine().container("webshop-live").restart_count = 1
    assert blocked() == "Webshop live runs it, and has just restarted by itself, 1 time by now."
    desk.engine().container("webshop-live").restart_count = 3
    assert blocked() == "Webshop live runs it, and has just restarted by itself, 3 times by now."
    [proved] = [one for one in preflight(later, desk.fleet.jobs, made).results if one.check is Check.SOURCE_PROOF]
    assert (proved.answer, proved.words) == (
        Answer.WARNING,
        "Webshop live runs it, and has restarted 3 times by itself.",
    )
    desk.engine().stop_container("webshop-live")
    assert blocked() == "Webshop live is exited with just this image."
    desk.engine().lose_container("webshop-live")
    assert answer().words == "No environment of the source runs 26.8.3 now."
    monkeypatch.setattr("mirror_console.operations.proof_checks.reached", reached_nowhere)
    assert answer().answer is Answer.UNKNOWN
    assert not answer().blocks


def test_a_source_that_was_changed_by_hand_proves_less(desk: Desk) -> None:
    refresh(desk.fleet.console, desk.fleet.jobs)
    with desk.fleet.console.catalog.write() as books:
        [live] = books.environments.of("source")
        [seen] = books.observations.of(live.id)
        changed = (Difference("variable CACHE", "off", "on"), REMADE)
        books.observations.save_all([replace(seen, differences=changed, unrecorded=False)])
    told = desk.worst(Check.SOURCE_PROOF)
    assert (told.answer, told.words) == (
        Answer.WARNING,
        "Webshop live runs it with settings that were changed by hand: variable CACHE: off → on.",
    )
    # Where nothing was applied, nothing was changed either; nor at another container than the one that was seen.
    for differs in ({"unrecorded": True}, {"unrecorded": False, "container_id": "c" * 64}):
        with desk.fleet.console.catalog.write() as books:
            books.observations.save_all([replace(seen, differences=changed, **differs)])
        assert desk.worst(Check.SOURCE_PROOF).answer is Answer.INFORMATION


def reached_nowhere(*_about: object) -> object:
    raise EngineError(FailureKind.TIMEOUT, "alpha did not answer in time.")


def test_a_mirrors_own_test_is_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.answers(Check.TEST_PROOF) == []
    live = desk.fleet.environment(desk.fleet.mirrors[0], "live")
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(
            replace(live, id="t" * 32, name="test", processes=(Process("web", "mirror-01-test"),), settings=Settings())
        )
    desk.engine().run("mirror-01-test", f"{REPOSITORY}:26.8.2")
    refresh(desk.fleet.console, desk.fleet.jobs)
    [told] = desk.answers(Check.TEST_PROOF)
    assert (told.answer, told.words) == (Answer.WARNING, "Its test hasn't run 26.8.3.")
    made = plan(desk.fleet.console, "test", ["mirror-01"], QUICK)
    Conductor(desk.fleet.console, desk.fleet.jobs, start(desk.fleet.console, made, desk.checked(made), "a test")).run()
    told = of_test(desk)
    assert (told.answer, told.words) == (Answer.INFORMATION, "Its test has run it for 0 s only.")
    told = of_test(desk, timedelta(minutes=12))
    assert (told.answer, told.words) == (Answer.PASS, "Its test has run it for 12 min.")
    # Its engine is asked whether it still does so.
    with monkeypatch.context() as away:
        away.setattr("mirror_console.operations.trial_checks.reached", reached_nowhere)
        told = of_test(desk, timedelta(minutes=12))
        assert (told.answer, told.blocks) == (Answer.UNKNOWN, False)
        assert told.words == (
            "At the last refresh its test ran it; whether it does now can't be told: alpha did not answer in time."
        )
    desk.engine().stop_container("mirror-01-test")
    told = of_test(desk, timedelta(minutes=12))
    assert (told.answer, told.words) == (Answer.WARNING, "Its test has it, and isn't well.")
    # What it ran well before counts, too, for a while.
    desk.engine().lose_container("mirror-01-test")
    desk.engine().run("mirror-01-test", f"{REPOSITORY}:26.8.3")
    told = of_test(desk, timedelta(days=1))
    # Nobody has looked at it since; whoever made it, its settings aren't those of a rollout.
    assert told.words.endswith(", with other settings than the catalog has for it now.")
    desk.engine().lose_container("mirror-01-test")
    desk.engine().run("mirror-01-test", f"{REPOSITORY}:26.8.2")
    told = of_test(desk, timedelta(days=13))
    assert told.words.startswith("A rollout brought it to its test before")
    assert told.answer is Answer.PASS
    told = of_test(desk, timedelta(days=15))
    assert (told.answer, told.words.endswith("and ended well, more than 14 days ago.")) == (Answer.WARNING, True)
    told = of_test(desk, timedelta(days=15), replace(QUICK, proof_days=16))
    assert told.answer is Answer.PASS
    # So do the settings, which have been changed since.
    desk.fleet.with_settings(desk.fleet.environment(desk.fleet.mirrors[0], "test"), variables={"CACHE": "on"})
    told = of_test(desk)
    assert told.answer is Answer.WARNING
    assert told.words.endswith("and ended well, with other settings than the catalog has for it now.")


def of_test(desk: Desk, later: timedelta = timedelta(), way: Way = QUICK) -> CheckResult:
    """What is said of the test of the first mirror, after a while."""
    made = desk.plan(way)
    console = replace(desk.fleet.console, clock=lambda: now() + later)
    [told] = [one for one in preflight(console, desk.fleet.jobs, made).results if one.check is Check.TEST_PROOF]
    return told


def test_a_test_that_has_just_started_is_not_called_ill(desk: Desk) -> None:
    live = desk.fleet.environment(desk.fleet.mirrors[0], "live")
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(replace(live, id="t" * 32, name="test", processes=(Process("web", "mirror-01-test"),)))
    desk.fleet.publish("26.8.4", health_interval=3600)
    desk.engine().run("mirror-01-test", f"{REPOSITORY}:26.8.4")
    refresh(desk.fleet.console, desk.fleet.jobs)
    told = of_test(desk)
    assert (told.answer, told.words) == (
        Answer.INFORMATION,
        "Its test runs it: its health check has yet to say so.",
    )


def test_a_test_that_runs_it_as_it_was_set_up_before_proves_less(desk: Desk) -> None:
    live = desk.fleet.environment(desk.fleet.mirrors[0], "live")
    test = replace(
        live, id="t" * 32, name="test", processes=(Process("web", "mirror-01-test"),), settings=Settings(stop_seconds=1)
    )
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(test)
    desk.engine().run("mirror-01-test", f"{REPOSITORY}:26.8.2")
    refresh(desk.fleet.console, desk.fleet.jobs)
    made = plan(desk.fleet.console, "test", ["mirror-01"], QUICK)
    Conductor(desk.fleet.console, desk.fleet.jobs, start(desk.fleet.console, made, desk.checked(made), "a test")).run()
    later = timedelta(hours=1)
    assert of_test(desk, later).answer is Answer.PASS
    # What comes before the release on the live data was never tried.
    desk.source(release_command=ReleaseCommand(("migrate",), reversible=True))
    told = of_test(desk, later)
    assert (told.answer, told.words.endswith("and its release command wasn't run there.")) == (Answer.WARNING, True)
    desk.source(release_command=NO_COMMAND)
    desk.fleet.with_settings(test, variables={"CACHE": "on"})
    told = of_test(desk, later)
    assert (told.answer, told.words.endswith("with other settings than the catalog has for it now.")) == (
        Answer.WARNING,
        True,
    )


def test_the_engine_of_many_tests_is_asked_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    image = f"{REPOSITORY}:26.8.2"
    for number, mirror in enumerate(desk.fleet.mirrors):
        live = desk.fleet.environment(mirror, "live")
        name = f"mirror-0{number + 1}-test"
        test = replace(
            live,
            id=f"{number}" * 32,
            name="test",
            engine_id="alpha",
            processes=(Process("web", name),),
            settings=Settings(),
        )
        with desk.fleet.console.catalog.write() as books:
            books.environments.save(test)
        desk.engine().run(name, image)
    refresh(desk.fleet.console, desk.fleet.jobs)
    made, asked = desk.plan(), []
    real = routes.answer

    def answer(state: EngineState, request: Request) -> Reply:
        asked.append((request.method, request.target))
        return real(state, request)

    monkeypatch.setattr("mirror_console.simulator.engine.answer", answer)
    told = check_tests(desk.fleet.console, desk.fleet.jobs, made)
    assert [one.words for one in told] == ["Its test hasn't run 26.8.3."] * 4
    assert len([target for _method, target in asked if "/containers/json" in target]) == len(asked) == 1
