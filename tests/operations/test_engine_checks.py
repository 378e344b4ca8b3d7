"""Checks of engines: whether each is the one that is meant, is well, and has what its targets are granted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.environment import Limits, Port
from mirror_console.domain.observation import LABEL
from mirror_console.domain.overriding import may_be_overridden, overridable, together
from mirror_console.domain.rollout import RolloutState
from mirror_console.domain.route import Route
from mirror_console.domain.validity import Validity
from mirror_console.engine.session import DockerSession
from mirror_console.operations.overriding import override
from mirror_console.operations.preflight import check_engine
from mirror_console.operations.refresh import refresh
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.schedule import ScopeInput, WindowInput, save_window
from mirror_console.operations.starting import start
from mirror_console.operations.trust import accept_identity
from mirror_console.simulator.faults import Fault
from tests.operations.check_desk import Desk
from tests.operations.fleet import QUICK, REPOSITORY, now

pytestmark = pytest.mark.slow

ORDINARY = {
    Check.ENGINE_HEALTH: "live restore is off",
    Check.SOURCE_PROOF: "Webshop live has run it for",
}
"""What is said as information of a rollout with which nothing is the matter."""


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


def version(desk: Desk, text: str) -> None:
    state = desk.engine().state
    state.generation = replace(state.generation, server=text)


def is_newer_than_tested(desk: Desk) -> None:
    version(desk, "30.0.0")


def is_rootless(desk: Desk) -> None:
    desk.engine().state.rootless = True


def does_not_come_back(desk: Desk) -> None:
    version(desk, "24.0.3")
    desk.engine().state.live_restore = True


def opens_ports(desk: Desk) -> None:
    version(desk, "28.3.1")
    desk.change(0, ports=(Port(8080, 11077, "127.0.0.1"),))


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


def one_of_its_own_is_kept_armed(desk: Desk) -> None:
    """As somebody left the way back: it is ours to bring back, or not."""
    one_that_is_stopped_wants_the_port(desk)
    armed = desk.engine().container("shop-of-before")
    armed.name = "mirror-01-live.mc-prev"
    armed.config["Labels"] |= {f"{LABEL}env": desk.fleet.environment(desk.fleet.mirrors[0], "live").id}


def made_by_compose(desk: Desk) -> None:
    desk.engine().container("mirror-01-live").config["Labels"] |= {"com.docker.compose.project": "shop"}


def runs_twice(desk: Desk) -> None:
    environment = desk.fleet.environment(desk.fleet.mirrors[0], "live")
    labels = {"env": environment.id, "process": "web", "role": "app"}
    desk.engine().run("renamed", f"{REPOSITORY}:26.8.3", labels={LABEL + name: value for name, value in labels.items()})


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
        (is_newer_than_tested, Check.API, Answer.WARNING, "alpha is Docker 30.0.0; this console was tested up to 29."),
        (is_rootless, Check.ENGINE_KIND, Answer.INFORMATION, "alpha runs without root"),
        (does_not_come_back, Check.ENGINE_HEALTH, Answer.WARNING, "in Docker 24.0.3 it doesn't come back"),
        (opens_ports, Check.ENGINE_HEALTH, Answer.WARNING, "in Docker 28.3.1 a reload of firewalld"),
        (too_many_cores, Check.CAPACITY, Answer.BLOCKED, "5 cores, and the host has 4"),
        (too_much_memory, Check.CAPACITY, Answer.WARNING, "the host has 8.6 GB"),
        (more_than_there_is, Check.CAPACITY, Answer.WARNING, "11 GB are granted"),
        (a_stranger_takes_memory, Check.CAPACITY, Answer.WARNING, "9.7 GB are granted"),
        (no_room, Check.DISK, Answer.BLOCKED, "1.0 MB are free"),
        (one_that_is_stopped_wants_the_port, Check.PORTS, Answer.BLOCKED, "comes back to port 11077"),
        (one_of_its_own_is_kept_armed, Check.PORTS, Answer.PASS, "No other container holds"),
        (made_by_compose, Check.SHAPE, Answer.BLOCKED, "made by Compose: that"),
        (runs_twice, Check.SHAPE, Answer.BLOCKED, "'renamed' runs for it, too"),
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


@pytest.mark.parametrize("fault", [Fault.ERROR_PAGE, Fault.DISK_FULL])
def test_trouble_in_between_is_no_refusal(desk: Desk, fault: Fault) -> None:
    desk.engine().misbehave(fault, "/containers/create")
    worst = desk.worst(Check.PERMISSION)
    assert worst.answer is Answer.UNKNOWN
    assert "Whether alpha lets us create containers isn't known" in worst.words
    assert "what is in between" in worst.remedy
    assert worst.blocks
    # What is refused besides is told first: that lasts.
    desk.engine().misbehave(Fault.FORBIDDEN, "/start")
    worst = desk.worst(Check.PERMISSION)
    assert (worst.answer, "refuses to start containers" in worst.words) == (Answer.BLOCKED, True)


def test_what_compose_made_is_taken_over_once_by_a_persons_word(desk: Desk) -> None:
    made_by_compose(desk)
    console, made = desk.fleet.console, desk.plan()
    checked = desk.checked(made)
    asked = overridable(checked)
    assert [(one.check, one.answer) for one in asked] == [(Check.SHAPE, Answer.BLOCKED)]
    begun = start(console, made, override(console, checked, asked, "taken out of the file"), "a test", typed=4)
    # Asked again before its wave: the word is for that very answer.
    done = Conductor(console, desk.fleet.jobs, begun).run()
    assert done.state is RolloutState.COMPLETED
    assert "com.docker.compose.project" not in desk.engine().container("mirror-01-live").config["Labels"]
    desk.fleet.publish("26.8.4", health_interval=0.02)
    refresh(console, desk.fleet.jobs)
    assert not desk.checked().blocking


def test_a_fleet_that_compose_made_is_taken_over_in_one_go_and_told_in_one_line(desk: Desk) -> None:
    for number, engine in enumerate(("alpha", "berlin", "alpha", "berlin")):
        container = desk.engine(engine).container(f"mirror-0{number + 1}-live")
        container.config["Labels"] |= {"com.docker.compose.project": f"mirror-{number}"}
    checked = desk.checked(desk.plan())
    assert len(checked.blocking) == 4
    word = override(desk.fleet.console, checked, overridable(checked), "taken out of their files")
    assert not word.blocking
    (told,) = together(word.overrides)
    assert len(told.environment_ids) == 4


def test_what_runs_beside_the_old_one_takes_memory_twice_for_a_while(desk: Desk) -> None:
    # 6 of 8.6 GB are granted on alpha; with one of the two beside its old one it is 9.
    for number in (0, 2):
        desk.change(number, limits=Limits(memory=3 * 10**9), route=Route("edge", f"shop-{number}", 8080))
    assert desk.worst(Check.CAPACITY).answer is Answer.PASS
    for number in (0, 2):
        desk.change(number, route=Route("edge", f"shop-{number}", 8080, overlap=True), ports=())
    # What has no limit now counts nothing, and is named.
    desk.engine().run("cron", f"{REPOSITORY}:26.8.3")
    assert desk.worst(Check.CAPACITY).answer is Answer.PASS
    free = "; 2 containers without a limit: 'cron', 'webshop-live'."
    assert [one for one in desk.answers(Check.CAPACITY) if one.words.endswith(free)]
    for number in (0, 2):
        limited(desk, number, memory=3 * 10**9)
    blocked = [one for one in desk.answers(Check.CAPACITY) if one.blocks]
    assert [one.environment_id for one in blocked] == [
        desk.fleet.environment(desk.fleet.mirrors[number], "live").id for number in (0, 2)
    ]
    assert "12 GB of memory are granted here, and the host has 8.6 GB" in blocked[0].words
    assert blocked[0].words.endswith(free)
    assert may_be_overridden(blocked[0])
    one_at_once = replace(QUICK, at_once_per_engine=1)
    assert "9.0 GB of memory" in desk.worst(Check.CAPACITY, one_at_once).words
    # With less it fits, one after the other and not two at once.
    for number in (0, 2):
        limited(desk, number, memory=2 * 10**9)
        desk.change(number, limits=Limits(memory=2 * 10**9))
    assert desk.worst(Check.CAPACITY, one_at_once).answer is Answer.PASS
    assert desk.worst(Check.CAPACITY).answer is Answer.BLOCKED


def test_where_more_memory_is_granted_already_one_more_is_told_and_blocks_nothing(desk: Desk) -> None:
    desk.engine().run("database", f"{REPOSITORY}:26.8.3", host={"Memory": 20 * 10**9})
    for number in (0, 2):
        route = Route("edge", f"shop-{number}", 8080, overlap=True)
        desk.change(number, limits=Limits(memory=10**9), route=route, ports=())
        limited(desk, number, memory=10**9)
    told = desk.worst(Check.CAPACITY)
    assert (told.answer, told.environment_id) == (Answer.INFORMATION, "")
    assert told.words.endswith("It was so before. While new ones run beside the old ones, it is 24 GB.")
    # Where the rollout grants more for good, it may be what is too much.
    desk.change(0, limits=Limits(memory=2 * 10**9))
    assert desk.worst(Check.CAPACITY).answer is Answer.BLOCKED


def limited(desk: Desk, number: int, memory: int = 0, cores: float = 0.0) -> None:
    """Limit the container that runs now."""
    host = desk.engine().container(f"mirror-0{number + 1}-live").host
    host["Memory"], host["NanoCpus"] = memory, int(cores * 10**9)


def test_cores_that_are_granted_twice_for_a_while_are_told(desk: Desk) -> None:
    for number in (0, 2):
        desk.change(number, limits=Limits(cpus=1.5), route=Route("edge", f"shop-{number}", 8080))
        limited(desk, number, cores=1.5)
    assert desk.worst(Check.CAPACITY).answer is Answer.PASS
    for number in (0, 2):
        desk.change(number, route=Route("edge", f"shop-{number}", 8080, overlap=True), ports=())
    told = desk.worst(Check.CAPACITY)
    assert (told.answer, told.words) == (
        Answer.WARNING,
        "Of 4 cores 6 are granted while new ones run beside the old ones.",
    )
    # Where more are granted than there are already, it is known.
    for number in (0, 2):
        desk.change(number, limits=Limits(cpus=2.0))
        limited(desk, number, cores=2.0)
    assert desk.worst(Check.CAPACITY).answer is Answer.PASS
    desk.change(0, limits=Limits(cpus=2.5))
    assert desk.worst(Check.CAPACITY).words == "Of 4 cores 8.5 are granted."


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
