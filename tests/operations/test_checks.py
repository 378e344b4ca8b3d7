"""Checks of engines, data, proofs and this console, asked of a whole plan; on the simulator with a real catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.domain.engine import Registry
from mirror_console.domain.environment import Environment, Limits, Port, Process, Settings, Volume
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.release_command import NO_COMMAND, ReleaseCommand
from mirror_console.domain.route import Route
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.domain.swap import Swap
from mirror_console.domain.validity import Validity
from mirror_console.domain.way import REST, WaveSize, Way
from mirror_console.engine.session import DockerSession
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.console_checks import check_console
from mirror_console.operations.imports import export_catalog
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import check_engine, preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.schedule import ScopeInput, WindowInput, save_window
from mirror_console.operations.starting import start
from mirror_console.operations.trust import accept_identity
from mirror_console.simulator import routes
from mirror_console.simulator.calls import Reply, Request
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.faults import Fault
from mirror_console.simulator.state import EngineState
from mirror_console.store.catalog import Catalog
from mirror_console.vault import MemoryVault
from tests.operations.fleet import QUICK, REPOSITORY, Fleet, now, small_fleet

pytestmark = pytest.mark.slow

ORDINARY = {
    Check.ENGINE_HEALTH: "live restore is off",
    Check.SOURCE_PROOF: "Webshop live has run it for",
}
"""What is said as information of a rollout with which nothing is the matter."""


@dataclass(slots=True)
class Desk:
    """A fleet that is a release behind, and what its checks answer."""

    fleet: Fleet

    def engine(self, name: str = "alpha") -> SimulatedEngine:
        return self.fleet.simulated.engines[name]

    def plan(self, way: Way = QUICK) -> Plan:
        return plan(self.fleet.console, "live", [mirror.id for mirror in self.fleet.mirrors], way)

    def checked(self, made: Plan | None = None) -> Checked:
        return preflight(self.fleet.console, self.fleet.jobs, made or self.plan())

    def answers(self, check: Check, way: Way = QUICK) -> list[CheckResult]:
        return [one for one in self.checked(self.plan(way)).results if one.check is check]

    def worst(self, check: Check, way: Way = QUICK) -> CheckResult:
        return max(self.answers(check, way), key=lambda one: list(Answer).index(one.answer))

    def change(self, number: int, **settings: object) -> Environment:
        environment = self.fleet.environment(self.fleet.mirrors[number], "live")
        return self.fleet.with_settings(environment, **settings)

    def source(self, **changes: Any) -> None:
        with self.fleet.console.catalog.write() as books:
            books.applications.save(replace(books.applications.get("source"), **changes))


@pytest.fixture
def desk() -> Iterator[Desk]:
    with small_fleet(prepared=Fleet.fall_behind) as fleet:
        yield Desk(fleet)


def test_an_ordinary_rollout_asks_for_no_look(desk: Desk) -> None:
    checked = desk.checked()
    assert not checked.blocking
    assert not checked.warnings
    assert {one.check for one in checked.informing} == set(ORDINARY)
    for one in checked.informing:
        assert ORDINARY[one.check] in one.words
    # Of an engine it is said once what it is like, and of each target only what is its own.
    of_engines = [one for one in checked.results if one.of_engine]
    assert {one.check for one in of_engines} >= {Check.SAME_ENGINE, Check.CREDENTIALS, Check.CLOCK, Check.CAPACITY}
    assert len([one for one in of_engines if one.check is Check.CLOCK]) == 2
    assert any("86 GB are free" in one.words for one in desk.answers(Check.DISK))
    # The same once more, before its wave: with less that is asked, and nothing that is found.
    targets = [one for one in desk.plan().targets if one.engine_id == "alpha"]
    console = desk.fleet.console
    again = check_engine(console, desk.fleet.jobs, console.engine("alpha"), targets)
    assert not [one for one in again if one.blocks]
    assert Check.PERMISSION not in {one.check for one in again}


def clock_is_off(desk: Desk) -> None:
    desk.engine().set_clock_off(90)


def clock_is_far_off(desk: Desk) -> None:
    desk.engine().set_clock_off(-400)


def clock_is_far_off_in_a_window(desk: Desk) -> None:
    desk.engine().set_clock_off(-400)
    save_window(desk.fleet.console, WindowInput("every day", "0:00", "24:00", "UTC", ScopeInput(mirror="mirror-01")))


def set_up_anew(desk: Desk) -> None:
    desk.engine().state.identity = "another one"


def copied(desk: Desk) -> None:
    with desk.fleet.console.catalog.write() as books:
        books.engines.save(replace(books.engines.get("berlin"), identity=books.engines.get("alpha").identity))
    desk.engine("berlin").state.identity = "alpha"


def not_known_yet(desk: Desk) -> None:
    with desk.fleet.console.catalog.write() as books:
        books.engines.save(replace(books.engines.get("alpha"), identity=""))


def may_not_create(desk: Desk) -> None:
    desk.engine().misbehave(Fault.FORBIDDEN, "/containers/create")


def is_open_to_all(desk: Desk) -> None:
    desk.engine().state.warnings = ["WARNING: API is accessible on http://0.0.0.0:2375 without encryption."]


def warns_of_swap(desk: Desk) -> None:
    desk.engine().state.warnings = ["WARNING: No swap limit support"]


def ignores_limits(desk: Desk) -> None:
    desk.engine().state.warnings = ["WARNING: No memory limit support"]
    desk.change(0, limits=Limits(memory=64 * 1024**2))


def has_a_dead_one(desk: Desk) -> None:
    desk.engine().run("gone", f"{REPOSITORY}:26.8.3")
    desk.engine().leave_dead("gone")


def live_restore(desk: Desk) -> None:
    for name in ("alpha", "berlin"):
        desk.engine(name).state.live_restore = True


def too_many_cores(desk: Desk) -> None:
    desk.change(0, limits=Limits(cpus=5.0))


def too_much_memory(desk: Desk) -> None:
    desk.change(0, limits=Limits(memory=9 * 1024**3))


def more_than_there_is(desk: Desk) -> None:
    for number in (0, 2):
        desk.change(number, limits=Limits(memory=5 * 1024**3))


def a_stranger_takes_memory(desk: Desk) -> None:
    desk.engine().run("database", f"{REPOSITORY}:26.8.3", host={"Memory": 7 * 1024**3})
    desk.change(0, limits=Limits(memory=2 * 1024**3))


def no_room(desk: Desk) -> None:
    desk.engine("berlin").state.free_kilobytes = 1000


def one_that_is_stopped_wants_the_port(desk: Desk) -> None:
    policy = {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}
    desk.engine().run("shop-of-before", f"{REPOSITORY}:26.8.3", ports={8080: 11077}, host=policy)
    desk.engine().stop_container("shop-of-before")
    desk.change(0, ports=(Port(8080, 11077),))


def cannot_be_asked_for_room(desk: Desk) -> None:
    desk.engine("berlin").misbehave(Fault.FORBIDDEN, "/exec")


@pytest.mark.parametrize(
    ("arrange", "check", "answer", "words"),
    [
        (clock_is_off, Check.CLOCK, Answer.WARNING, "90 s ahead"),
        (clock_is_far_off, Check.CLOCK, Answer.WARNING, "400 s behind"),
        (clock_is_far_off_in_a_window, Check.CLOCK, Answer.BLOCKED, "window is open can't be told"),
        (set_up_anew, Check.SAME_ENGINE, Answer.BLOCKED, "not the engine that was there before"),
        (copied, Check.SAME_ENGINE, Answer.WARNING, "same identity as"),
        (not_known_yet, Check.SAME_ENGINE, Answer.INFORMATION, "remembered from the next refresh"),
        (may_not_create, Check.PERMISSION, Answer.BLOCKED, "refuses to create containers"),
        (is_open_to_all, Check.ENGINE_HEALTH, Answer.WARNING, "without encryption"),
        (warns_of_swap, Check.ENGINE_HEALTH, Answer.INFORMATION, "No swap limit"),
        (ignores_limits, Check.ENGINE_HEALTH, Answer.WARNING, "No memory limit"),
        (has_a_dead_one, Check.ENGINE_HEALTH, Answer.WARNING, "1 container couldn't be removed ('gone')"),
        (live_restore, Check.ENGINE_HEALTH, Answer.PASS, "warns of nothing"),
        (too_many_cores, Check.CAPACITY, Answer.BLOCKED, "5 cores, and the host has 4"),
        (too_much_memory, Check.CAPACITY, Answer.WARNING, "the host has 8.6 GB"),
        (more_than_there_is, Check.CAPACITY, Answer.WARNING, "11 GB are granted"),
        (a_stranger_takes_memory, Check.CAPACITY, Answer.WARNING, "9.7 GB are granted"),
        (no_room, Check.DISK, Answer.BLOCKED, "1.0 MB are free"),
        (one_that_is_stopped_wants_the_port, Check.PORTS, Answer.WARNING, "comes back to port 11077"),
        (cannot_be_asked_for_room, Check.DISK, Answer.UNKNOWN, "isn't told"),
    ],
)
def test_what_is_said_of_engines(
    desk: Desk, arrange: Callable[[Desk], None], check: Check, answer: Answer, words: str
) -> None:
    arrange(desk)
    worst = desk.worst(check)
    assert worst.answer is answer, worst
    assert words in worst.words
    assert worst.blocks is (answer is Answer.BLOCKED)
    assert bool(worst.remedy) is (answer not in {Answer.PASS, Answer.INFORMATION})
    if worst.blocks:
        # It costs that engine's targets, and no others.
        blocked = desk.checked().blocked([one.environment_id for one in desk.plan().targets])
        assert 0 < len(blocked) < 4


def test_what_runs_beside_the_old_one_takes_memory_twice_for_a_while(desk: Desk) -> None:
    # 6 of 8.6 GB are granted on alpha; with one of the two beside its old one it is 9.
    for number in (0, 2):
        desk.change(number, limits=Limits(memory=3 * 10**9), route=Route("edge", f"shop-{number}", 8080))
    assert desk.worst(Check.CAPACITY).answer is Answer.PASS
    for number in (0, 2):
        desk.change(number, route=Route("edge", f"shop-{number}", 8080, overlap=True), ports=())
    told = desk.worst(Check.CAPACITY)
    assert (told.answer, told.words.partition(". ")[2]) == (
        Answer.WARNING,
        "While new ones run beside the old ones, it is 12 GB.",
    )
    told = desk.worst(Check.CAPACITY, replace(QUICK, at_once_per_engine=1))
    assert told.words.endswith("it is 9.0 GB.")


def test_an_engine_that_was_set_up_anew_is_accepted_by_a_person(desk: Desk) -> None:
    set_up_anew(desk)
    console = desk.fleet.console
    refresh(console, desk.fleet.jobs)
    blocked = desk.worst(Check.SAME_ENGINE)
    told = console.engines.session(console.engine("alpha")).facts().identity
    assert blocked.blocks
    assert blocked.remedy.endswith(f"mirror-console engines trust alpha --identity {told}.")
    # Rollouts that are under way ask it again before each wave.
    targets = [one for one in desk.plan().targets if one.engine_id == "alpha"]
    again = check_engine(console, desk.fleet.jobs, console.engine("alpha"), targets)
    assert {one.check for one in again if one.blocks} == {Check.SAME_ENGINE}
    accept_identity(console, "alpha", told)
    assert desk.worst(Check.SAME_ENGINE).answer is Answer.PASS
    with console.catalog.read() as books:
        [line] = [one.act for one in books.audit.lines() if "identity" in one.act.after]
    assert (line.title, line.after) == ("alpha", {"identity": told})


def test_the_certificate_of_an_engine_may_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    year = timedelta(days=365)
    for left, answer in ((30, Answer.PASS), (3, Answer.WARNING), (-1, Answer.BLOCKED)):
        ends = now() + timedelta(days=left)
        monkeypatch.setattr(DockerSession, "certificate", Validity(ends - year, ends))
        assert desk.worst(Check.CREDENTIALS).answer is answer


# --- data ---------------------------------------------------------------------------------------------------------

MEDIA = Volume("media", "/media")


def test_data_of_another_application_blocks_unless_it_is_shared_on_purpose(desk: Desk) -> None:
    # Mirrors 01 and 03 are on alpha, 02 and 04 on berlin: there a volume of the same name is another one.
    desk.change(0, volumes=(MEDIA,))
    desk.change(1, volumes=(MEDIA,))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    desk.change(2, volumes=(MEDIA,))
    blocked = [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    assert [one.words for one in blocked] == [
        "Its data isn't its own: 'media' is also with Mirror 03 live.",
        "Its data isn't its own: 'media' is also with Mirror 01 live.",
    ]
    # Environments of one group share their data on purpose, and so does whoever has what the source names.
    for number in (0, 2):
        grouped = desk.fleet.environment(desk.fleet.mirrors[number], "live")
        with desk.fleet.console.catalog.write() as books:
            books.environments.save(replace(grouped, group="holding"))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(replace(grouped, group=""))
    assert desk.worst(Check.ISOLATION).blocks
    desk.source(shared=("media",))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    assert "Shared on purpose: media." in {one.words for one in desk.answers(Check.ISOLATION)}
    assert "shared:\n  - media\n" in export_catalog(desk.fleet.console)


def test_what_containers_really_mount_counts(desk: Desk) -> None:
    desk.change(0, volumes=(Volume("/srv/shop/01", "/data"), Volume("/run/docker.sock", "/run/docker.sock")))
    image = f"{REPOSITORY}:26.8.3"
    desk.engine().run("backup", image, host={"Binds": ["/srv:/srv:ro", "/run/docker.sock:/run/docker.sock"]})
    # Its own way back has the same data, also where that was made by hand and has no label.
    desk.engine().run("mirror-01-live.mc-prev", image, host={"Binds": ["/srv/shop/01:/data"]})
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    desk.engine().lose_container("mirror-01-live.mc-prev")
    desk.engine().run("cron", image, host={"Binds": ["/srv/shop:/srv"]})
    worst = desk.worst(Check.ISOLATION)
    assert worst.answer is Answer.INFORMATION
    assert "'/srv/shop/01' is also with container 'cron'" in worst.words
    desk.engine().lose_container("mirror-03-live")
    desk.engine().run("mirror-03-live", image, host={"Binds": ["/srv/shop/01:/data"]})
    worst = desk.worst(Check.ISOLATION)
    assert worst.blocks
    assert "Mirror 03 live" in worst.words


def test_an_environment_beside_it_with_the_same_data_is_warned_of(desk: Desk) -> None:
    live = desk.change(0, volumes=(MEDIA,))
    test = Environment("t" * 32, live.application_id, "test", "alpha", (Process("web", "mirror-01-test"),))
    with desk.fleet.console.catalog.write() as books:
        books.environments.save(replace(test, settings=Settings(volumes=(replace(MEDIA, read_only=True),))))
    worst = desk.worst(Check.ISOLATION)
    assert worst.answer is Answer.WARNING
    assert "Mirror 01 test" in worst.words


def test_a_host_network_of_several_is_told(desk: Desk) -> None:
    desk.change(0, networks=("host",), ports=())
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS
    desk.change(2, networks=("host",), ports=())
    assert "1 other application can reach" in desk.worst(Check.ISOLATION).words
    desk.source(shared=("host",))
    assert desk.worst(Check.ISOLATION).answer is Answer.PASS


def test_values_that_should_be_their_own_are_compared_everywhere(desk: Desk) -> None:
    desk.source(own_variables=("DATABASE_URL", "SECRET_KEY"))
    console = desk.fleet.console
    references = [SecretReference(f"environment/{number}/SECRET_KEY") for number in range(4)]
    for number, reference in enumerate(references):
        console.vault.put(reference, Secret(f"key-{number}"))
        desk.change(number, secrets={"SECRET_KEY": reference}, variables={"DATABASE_URL": f"db-{number}"})
    answers = desk.answers(Check.ISOLATION)
    assert {one.answer for one in answers} == {Answer.PASS}
    assert "Its own: DATABASE_URL, SECRET_KEY." in {one.words for one in answers}
    # On another engine, in the keyring, and at the source itself.
    console.vault.put(references[3], Secret("key-0"))
    desk.engine().lose_container("webshop-live")
    desk.engine().run("webshop-live", f"{REPOSITORY}:26.8.3", variables={"DATABASE_URL": "db-1"})
    blocked = [one for one in desk.answers(Check.ISOLATION) if one.blocks]
    assert [one.words.partition(": ")[2] for one in blocked] == [
        "SECRET_KEY is also that of Mirror 04 live.",
        "DATABASE_URL is also that of Webshop live.",
        "SECRET_KEY is also that of Mirror 01 live.",
    ]
    assert not any("key-" in one.words or "db-" in one.words for one in blocked)


# --- proofs -------------------------------------------------------------------------------------------------------


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

    desk.engine().container("webshop-live").restart_count = 3
    assert "has restarted 3 times" in answer().words
    desk.engine().stop_container("webshop-live")
    assert (answer().answer, answer().words) == (Answer.WARNING, "Webshop live is exited with just this image.")
    desk.engine().lose_container("webshop-live")
    assert answer().words == "No environment of the source runs 26.8.3 now."
    monkeypatch.setattr("mirror_console.operations.proof_checks.reached", reached_nowhere)
    assert answer().answer is Answer.UNKNOWN
    assert not answer().blocks


def reached_nowhere(*_about: object) -> object:
    raise EngineError(FailureKind.TIMEOUT, "alpha did not answer in time.")


def test_a_mirrors_own_test_is_asked_for(desk: Desk) -> None:
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
    # What it ran well before counts, too, for a while.
    desk.engine().lose_container("mirror-01-test")
    desk.engine().run("mirror-01-test", f"{REPOSITORY}:26.8.2")
    refresh(desk.fleet.console, desk.fleet.jobs)
    told = of_test(desk, timedelta(days=13))
    assert told.words.startswith("A rollout brought it to its test before")
    assert told.answer is Answer.PASS
    told = of_test(desk, timedelta(days=15))
    assert (told.answer, told.words.endswith("and ended well, more than 14 days ago.")) == (Answer.WARNING, True)
    # So do the settings, which have been changed since.
    desk.fleet.with_settings(desk.fleet.environment(desk.fleet.mirrors[0], "test"), variables={"CACHE": "on"})
    told = of_test(desk)
    assert told.answer is Answer.WARNING
    assert told.words.endswith("and ended well, with other settings than the catalog has for it now.")


def of_test(desk: Desk, later: timedelta = timedelta()) -> CheckResult:
    """What is said of the test of the first mirror, after a while."""
    made = desk.plan()
    console = replace(desk.fleet.console, clock=lambda: now() + later)
    [told] = [one for one in preflight(console, desk.fleet.jobs, made).results if one.check is Check.TEST_PROOF]
    return told


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


# --- this console, and the plan -----------------------------------------------------------------------------------


def test_this_console_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.worst(Check.CONSOLE_HEALTH).answer is Answer.PASS
    for free, answer in ((150_000_000, Answer.WARNING), (10_000_000, Answer.BLOCKED)):
        with monkeypatch.context() as full:
            full.setattr(Catalog, "free_disk", free)
            assert desk.worst(Check.CONSOLE_HEALTH).answer is answer
            assert desk.checked().blocks_all is (answer is Answer.BLOCKED)
    console = desk.fleet.console
    console.vault.put(SecretReference("environment/1/KEY"), Secret("x"))
    desk.change(0, secrets={"KEY": SecretReference("environment/1/KEY")})
    with monkeypatch.context() as locked:
        locked.setattr(MemoryVault, "state", lambda _vault: VaultState.LOCKED)
        assert "keyring is locked" in desk.worst(Check.CONSOLE_HEALTH).words


def test_a_limit_of_open_files_that_is_too_low_is_warned_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for allowed, answer in ((None, Answer.PASS), (116, Answer.PASS), (115, Answer.WARNING)):
        monkeypatch.setattr("mirror_console.operations.console_checks.files_allowed", lambda now=allowed: now)
        told = desk.worst(Check.CONSOLE_HEALTH)
        assert told.answer is answer, told
    assert told.words == "With 2 engines up to 116 connections and files are open at once; 115 may be."


def test_more_pulls_than_a_free_account_of_docker_hub_has_are_warned_of(desk: Desk) -> None:
    console, made = desk.fleet.console, desk.plan()
    reference = f"shop/webshop@{made.targets[0].digest}"

    def sanity(count: int) -> CheckResult:
        spread = tuple(
            replace(made.targets[0], engine_id=f"engine-{number}", reference=reference) for number in range(count)
        )
        return next(
            one for one in check_console(console, replace(made, targets=spread)) if one.check is Check.PLAN_SANITY
        )

    assert sanity(201).answer is Answer.PASS, "without an account each engine has its own"
    with console.catalog.write() as books:
        books.registries.save(Registry("hub", "docker.io", "agency", SecretReference("registry/hub/password")))
    assert sanity(200).answer is Answer.PASS
    told = sanity(201)
    assert (told.answer, told.words) == (
        Answer.WARNING,
        "201 pulls from Docker Hub: a free account has 200 in six hours.",
    )
    assert "Relay the image" in told.remedy
    # Whoever has it pulls nothing.
    with console.catalog.write() as books:
        held = next(one for one in books.images.on("alpha") if one.fingerprint == made.targets[0].after_fingerprint)
        books.engines.save(replace(books.engines.get("alpha"), id="engine-7", name="seven"))
        books.images.save_all([replace(held, engine_id="engine-7")])
    assert sanity(201).answer is Answer.PASS


def test_a_way_to_take_over_that_the_first_wave_does_not_show_is_told(desk: Desk) -> None:
    made = desk.plan()
    first, second, *rest = made.targets
    alias = Settings(route=Route("edge", "shop", 8080, overlap=True))
    labels = Settings(route=Route(convention="traefik", overlap=True))

    def told(*targets: PlannedTarget) -> CheckResult:
        changed = replace(made, targets=(*targets, *rest))
        return next(one for one in check_console(desk.fleet.console, changed) if one.check is Check.PLAN_SANITY)

    beside = replace(second, swap=Swap.BESIDE, settings=alias)
    found = told(first, beside)
    assert (found.answer, found.words) == (
        Answer.INFORMATION,
        "The first wave says nothing of a proxy that is told by an alias (Mirror 02).",
    )
    assert told(replace(first, swap=Swap.BESIDE, settings=alias), beside).answer is Answer.PASS
    found = told(replace(first, swap=Swap.BESIDE, settings=alias), replace(beside, settings=labels))
    assert "labels of traefik (Mirror 02)" in found.words


def test_a_journal_that_was_changed_blocks_everything(desk: Desk) -> None:
    desk.fleet.roll_out()
    desk.fleet.publish("26.8.4", health_interval=0.02)
    refresh(desk.fleet.console, desk.fleet.jobs)
    assert desk.worst(Check.CONSOLE_HEALTH).answer is Answer.PASS
    tamper(desk.fleet.folder / "catalog" / "catalog.sqlite")
    worst = desk.worst(Check.CONSOLE_HEALTH)
    assert worst.blocks
    assert "aren't as they were written" in worst.words


def tamper(path: Path) -> None:
    with sqlite3.connect(path) as changed:
        changed.execute("DROP TRIGGER journal_is_never_changed")
        changed.execute("UPDATE journal SET entry = replace(entry, 'unlock', 'stop it') WHERE entry LIKE '%unlock%'")
    changed.close()


def test_waves_and_stop_rule_are_weighed(desk: Desk) -> None:
    assert desk.worst(Check.PLAN_SANITY).answer is Answer.PASS
    baking = replace(QUICK, bake=3600.0)
    assert desk.worst(Check.PLAN_SANITY, baking).answer is Answer.PASS
    soon = now() + timedelta(minutes=50)
    window = WindowInput("every day", "0:00", f"{soon.hour}:{soon.minute:02}", "UTC", ScopeInput())
    if soon.hour:
        save_window(desk.fleet.console, window)
        worst = desk.worst(Check.PLAN_SANITY, baking)
        assert worst.answer is Answer.WARNING
        assert "Baking alone takes 2 hours: 3 targets aren't begun before its window closes" in worst.words


def test_a_wave_without_a_stop_rule_is_warned_of() -> None:
    with small_fleet(mirrors=6, prepared=Fleet.align) as fleet:
        fleet.publish("26.8.3", health_interval=0.02)
        with fleet.console.catalog.write() as books:
            contact = books.engines.contacts()["berlin"]
            assert contact.facts is not None
            books.engines.save_contact(replace(contact, facts=replace(contact.facts, version="29.0.1")))
        refresh(fleet.console, fleet.jobs)
        desk = Desk(fleet)
        way = Way(waves=(WaveSize(count=1), REST), bake=0.0, max_failed=5)
        worst = desk.worst(Check.PLAN_SANITY, way)
        assert (worst.answer, worst.words) == (
            Answer.WARNING,
            "All 5 targets of wave 2 may fail before the rollout pauses.",
        )
        for stopped_else in (replace(way, in_a_row=2), replace(way, max_failed_in_all=4)):
            told = desk.worst(Check.PLAN_SANITY, stopped_else)
            assert (told.answer, told.words) == (
                Answer.INFORMATION,
                "The first wave says nothing of Docker 29 on linux/amd64 (berlin).",
            )
        assert desk.worst(Check.PLAN_SANITY, replace(way, max_failed_in_all=5)).answer is Answer.WARNING


def test_a_read_only_console_asks_for_no_change(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.plan()
    asked: set[str] = set()
    real = routes.answer

    def answer(state: EngineState, request: Request) -> Reply:
        asked.add(request.method)
        return real(state, request)

    monkeypatch.setattr("mirror_console.simulator.engine.answer", answer)
    looking = replace(desk.fleet.console, read_only="It was started with --read-only.")
    checked = preflight(looking, desk.fleet.jobs, made)
    assert asked == {"GET"}
    assert {one.answer for one in checked.results if one.check is Check.PERMISSION} == {Answer.INFORMATION}
