"""The watch on the simulator: whatever happens on engines, and to the way there, it ends up knowing what they have."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.status import Knowledge, Status
from mirror_console.errors import FailureKind
from mirror_console.jobs import JobEvent, Jobs, JobState
from mirror_console.operations.console import Console
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.operations.watch import Watch
from mirror_console.operations.watching import Watching
from mirror_console.simulator.changing import rename_container, update_container
from mirror_console.simulator.engine import SimulatedEngine
from mirror_console.simulator.faults import HOSTILE, Fault
from mirror_console.simulator.wire import Refusal
from tests.operations.fleet import REPOSITORY, Fleet, small_fleet

pytestmark = pytest.mark.slow

PATIENCE = 30.0
NEVER = 36000.0
"""Seconds between two looks: only what is heard brings one."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    """Nobody is told of how it came about: a stream that is opened tells what was a moment before."""
    made.publish("26.8.2", health_interval=0.0)
    made.run_mirrors("26.8.2")
    for engine in made.simulated.engines.values():
        engine.state.events.forget()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for what a watch does by itself."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


@dataclass
class Told:
    """What a watch told, newest last."""

    events: list[JobEvent] = field(default_factory=list)

    @property
    def last(self) -> Watching | None:
        bodies = [event.body for event in self.events if isinstance(event.body, Watching)]
        return bodies[-1] if bodies else None

    def live(self, engines: int = 2) -> bool:
        """Whether the streams of so many engines are open."""
        return self.last is not None and self.last.live == engines


@contextmanager
def watched(fleet: Fleet, every: float = NEVER, console: Console | None = None) -> Iterator[tuple[Watch, Told]]:
    """A watch that has looked at everything once."""
    told = Told()
    jobs = Jobs(told.events.append)
    watch = Watch(console or fleet.console, jobs, every, lambda: 0.0)
    first = watch.want()
    job = jobs.submit("Watching engines", watch.run)
    try:
        jobs.submit("first", first.wait).result(PATIENCE)
        yield watch, told
        assert job.state is JobState.RUNNING, job.event.error
    finally:
        job.cancel()
        assert job.over_within(PATIENCE)
        assert jobs.close() == ()
    until(lambda: not any(engine.state.events._streams for engine in fleet.simulated.engines.values()), "streams close")


def status(fleet: Fleet, mirror: str) -> Status:
    return survey(fleet.console).row(mirror).cells["live"].status


def now(watch: Watch, engine_ids: list[str] | None = None) -> Any:
    """Check now, from a job as the window does."""
    jobs = Jobs()
    try:
        return jobs.submit("check", watch.want(engine_ids).wait).result(PATIENCE)
    finally:
        jobs.close()


# --- what is done outside shows by itself ---------------------------------------------------------------------------


def test_a_container_that_is_stopped_added_or_lost_outside_shows(fleet: Fleet) -> None:
    alpha = fleet.simulated.engines["alpha"]
    with watched(fleet) as (_, told):
        assert status(fleet, "mirror-01") is Status.ALIGNED
        until(told.live, "both engines tell")
        alpha.stop_container("mirror-01-live")
        until(lambda: status(fleet, "mirror-01") is Status.UNHEALTHY, "it is seen stopped")
        alpha.lose_container("mirror-01-live")
        until(lambda: status(fleet, "mirror-01") is Status.MISSING, "it is seen gone")
        alpha.run("mirror-01-live", f"{REPOSITORY}:26.8.2", host={"RestartPolicy": {"Name": "unless-stopped"}})
        until(lambda: status(fleet, "mirror-01") is not Status.MISSING, "it is seen again")


def test_settings_that_are_changed_in_place_show(fleet: Fleet) -> None:
    """The listing is the same before and after: only the event tells which container to look into."""
    with watched(fleet) as (_, told):
        until(told.live, "both engines tell")
        update_container(
            fleet.simulated.engines["berlin"].state, "mirror-02-live", {"Memory": 64 * 1024**2, "MemorySwap": -1}
        )
        until(lambda: status(fleet, "mirror-02") is Status.DRIFTED, "the limit is seen")


def test_what_is_changed_in_place_while_a_way_in_is_changed_shows(fleet: Fleet) -> None:
    """The engine is listened to anew then, and of what happened in between nobody tells."""
    berlin = fleet.simulated.engines["berlin"]
    with watched(fleet) as (_, told):
        until(told.live, "both engines tell")
        berlin.lose_events()
        update_container(berlin.state, "mirror-02-live", {"Memory": 64 * 1024**2, "MemorySwap": -1})
        with fleet.console.catalog.write() as books:
            engine = books.engines.get("berlin")
            books.engines.save(replace(engine, timeout=engine.timeout + 1))
        until(lambda: status(fleet, "mirror-02") is Status.DRIFTED, "the limit is seen")


def test_lost_events_cost_time_but_nothing_else(fleet: Fleet) -> None:
    with watched(fleet, every=0.5):
        fleet.simulated.engines["alpha"].lose_events()
        fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
        until(lambda: status(fleet, "mirror-01") is Status.UNHEALTHY, "the next look shows it")


@pytest.mark.parametrize("how", ["restart", "end_streams"])
def test_a_stream_that_ended_is_opened_anew(fleet: Fleet, how: str) -> None:
    alpha = fleet.simulated.engines["alpha"]
    with watched(fleet) as (_, told):
        until(told.live, "both engines tell")
        getattr(alpha, how)()
        until(lambda: bool(alpha.state.events._streams), "it is listened to again")
        until(told.live, "both engines tell again")
        alpha.lose_container("mirror-01-live")
        until(lambda: status(fleet, "mirror-01") is Status.MISSING, "what happens then is seen")


def test_an_engine_that_was_away_is_found_again_by_itself(fleet: Fleet) -> None:
    berlin = fleet.simulated.engines["berlin"]
    with watched(fleet) as (_, told):
        until(told.live, "both engines tell")
        berlin.make_unreachable()
        until(lambda: status(fleet, "mirror-02") is Status.UNREACHABLE, "the end of the stream is a reason to look")
        assert status(fleet, "mirror-01") is Status.ALIGNED
        berlin.lose_container("mirror-02-live")
        berlin.make_reachable()
        until(lambda: status(fleet, "mirror-02") is Status.MISSING, "what happened meanwhile is seen")


def test_an_engine_is_known_as_soon_as_it_is_in_the_catalog(fleet: Fleet) -> None:
    with fleet.console.catalog.read() as books:
        berlin = books.engines.get("berlin")
    away = replace(berlin, address=parse_address("unix:///nonexistent/engine.sock"))
    with fleet.console.catalog.write() as books:
        books.engines.save(away)
    with watched(fleet) as (watch, _):
        assert status(fleet, "mirror-02") is Status.UNREACHABLE
        with fleet.console.catalog.write() as books:
            books.engines.save(berlin)
        until(lambda: status(fleet, "mirror-02") is Status.ALIGNED, "the corrected address is taken")
        assert now(watch).answered == ("alpha", "berlin")


# --- wishes ---------------------------------------------------------------------------------------------------------


def test_check_now_forgets_the_wait(fleet: Fleet) -> None:
    fleet.simulated.engines["berlin"].make_unreachable()
    with watched(fleet) as (watch, _):
        for _ in range(6):  # by now it would wait for half a minute
            assert [name for name, _why in now(watch, ["berlin"]).failed] == ["berlin"]
        fleet.simulated.engines["berlin"].make_reachable()
        began = time.monotonic()
        assert now(watch, ["berlin"]).answered == ("berlin",)
        assert time.monotonic() - began < 10.0
        assert status(fleet, "mirror-02") is Status.ALIGNED


def test_a_wish_after_the_end_is_not_waited_for(fleet: Fleet) -> None:
    with watched(fleet) as (watch, _):
        pass
    assert now(watch).answered == ()


# --- what didn't change costs one listing, and one change of the catalog ---------------------------------------------


@dataclass
class Counting:
    """The way to the engines, counting the verbs that are called."""

    engines: Any
    called: list[str] = field(default_factory=list)
    renewed: int = 0

    def session(self, engine: Engine) -> Any:
        return _CountingSession(self.engines.session(engine), self.called)

    def renew(self) -> None:
        self.renewed += 1
        self.engines.renew()


@dataclass
class _CountingSession:
    session: Any
    called: list[str]

    def __getattr__(self, verb: str) -> Any:
        self.called.append(verb)
        return getattr(self.session, verb)


def quiet(counting: Counting) -> None:
    """Wait until nothing more is asked: everything is looked at once more when a stream is opened."""
    while counting.called:
        counting.called.clear()
        time.sleep(1.5)


def counted(fleet: Fleet, **changes: Any) -> tuple[Counting, Console]:
    counting = Counting(fleet.console.engines)
    way: Any = counting
    return counting, replace(fleet.console, engines=way, **changes)


def test_what_did_not_change_is_listed_once_and_kept_together(fleet: Fleet) -> None:
    counting, console = counted(fleet)
    with watched(fleet, console=console) as (watch, told):
        until(told.live, "both engines tell")
        quiet(counting)
        commits: list[frozenset[str]] = []
        end = fleet.console.catalog.subscribe(commits.append)
        before = survey(fleet.console).row("mirror-01").cells["live"].observation
        assert len(now(watch).answered) == 2
        until(lambda: bool(commits), "it is kept")
        end()
        assert counting.called == ["list_containers"] * 2
        assert len(commits) == 1
        after = survey(fleet.console).row("mirror-01").cells["live"].observation
        assert before is not None
        assert after is not None
        assert after.at > before.at


# --- a sleep --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["monotonic", "clock"], ids=["boot time", "time of day"])
def test_after_a_sleep_nothing_is_fresh_and_everything_is_looked_at_once(fleet: Fleet, clock: str) -> None:
    asleep = 0.0
    ticking = {
        "monotonic": lambda: time.monotonic() + asleep,
        "clock": lambda: fleet.console.clock() + timedelta(seconds=asleep),
    }
    counting, console = counted(fleet, **{clock: ticking[clock]})
    with fleet.console.catalog.write() as books:
        for engine in books.engines.all():
            books.engines.save(replace(engine, timeout=90.0))
    with watched(fleet, console=console) as (watch, told):
        until(told.live, "both engines tell")
        quiet(counting)
        for simulated in fleet.simulated.engines.values():
            simulated.misbehave(Fault.LATE, "/containers/json", seconds=60.0)
        asleep = 120.0
        watch.want([])  # the computer is awake: the program goes on
        until(lambda: told.last is not None and told.last.woke is not None, "it noticed")
        assert told.last is not None
        assert told.last.woke is not None
        grid = survey(console, trusted_since=told.last.woke)
        assert {row.cells["live"].knowledge for row in grid.rows} == {Knowledge.AGEING}
        for simulated in fleet.simulated.engines.values():
            simulated.behave()
        until(lambda: counting.called.count("list_containers") == 2 and told.live(), "each is looked at")
        time.sleep(0.5)
        assert counting.called.count("list_containers") == 2
        assert counting.renewed == 1
        grid = survey(console, trusted_since=told.last.woke)
        assert {row.cells["live"].knowledge for row in grid.rows} == {Knowledge.FRESH}


# --- engines that misbehave -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.LATE, FailureKind.TIMEOUT),
        (Fault.HALF_A_REPLY, FailureKind.DROPPED),
        (Fault.RESET, FailureKind.DROPPED),
        (Fault.ERROR_PAGE, FailureKind.INVALID_REPLY),
        (Fault.INVALID_JSON, FailureKind.INVALID_REPLY),
        (Fault.ENDLESS, FailureKind.INVALID_REPLY),
    ],
)
def test_a_misbehaving_engine_costs_its_own_cells_and_recovers(fleet: Fleet, fault: Fault, kind: FailureKind) -> None:
    berlin = fleet.simulated.engines["berlin"]
    if fault is Fault.LATE:
        with fleet.console.catalog.write() as books:
            books.engines.save(replace(books.engines.get("berlin"), timeout=0.5))
    with watched(fleet) as (watch, told):
        until(told.live, "both engines tell")
        berlin.misbehave(fault, "/containers/json", seconds=30.0)
        found = now(watch)
        assert (found.answered, found.failed) == (("alpha",), (("berlin", kind.value),))
        cell = survey(fleet.console).row("mirror-02").cells["live"]
        assert cell.status is Status.UNREACHABLE
        assert cell.running_title == "26.8.2"
        assert status(fleet, "mirror-01") is Status.ALIGNED
        berlin.behave()
        until(lambda: status(fleet, "mirror-02") is Status.ALIGNED, "it is found again by itself")


def test_hostile_text_is_cleaned_on_its_way_in(fleet: Fleet) -> None:
    berlin = fleet.simulated.engines["berlin"]
    berlin.misbehave(Fault.HOSTILE_TEXT)
    with watched(fleet) as (watch, _):
        assert now(watch).failed == ()
        shown = repr(survey(fleet.console))
        assert HOSTILE not in shown
        assert "\\x1b" not in shown
        assert "\\u202e" not in shown
        assert len(shown) < 200_000


def test_an_engine_without_a_stream_is_looked_at_from_time_to_time(fleet: Fleet) -> None:
    for engine in fleet.simulated.engines.values():
        engine.misbehave(Fault.ERROR_PAGE, "/events")
    with watched(fleet, every=0.5) as (_, told):
        assert told.live(0)
        fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
        until(lambda: status(fleet, "mirror-01") is Status.UNHEALTHY, "the next look shows it")


def test_ten_thousand_containers_on_one_engine(fleet: Fleet) -> None:
    alpha = fleet.simulated.engines["alpha"]
    with alpha.state.lock:
        one = alpha.state.containers[alpha.run("other-0", f"{REPOSITORY}:26.8.2")]
        for number in range(1, 10_000):
            # Making each anew took half a minute.
            another = replace(one, id=alpha.state.new_id(), name=f"other-{number}")
            alpha.state.containers[another.id] = another
    with watched(fleet) as (watch, told):
        until(told.live, "both engines tell")
        alpha.stop_container("mirror-01-live")
        until(lambda: status(fleet, "mirror-01") is Status.UNHEALTHY, "it is seen stopped")
        assert now(watch).failed == ()


# --- whatever order things come in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_in_the_end_it_knows_what_the_engines_have(fleet: Fleet, seed: int) -> None:
    """Changes, ends of streams, restarts and lost contact in any order: after the last, the catalog has the truth."""
    dice = random.Random(seed)  # noqa: S311 - it has to be repeatable
    with watched(fleet) as (watch, _):
        for _ in range(30):
            engine = fleet.simulated.engines[dice.choice(["alpha", "berlin"])]
            number = dice.choice([1, 3] if engine.name == "alpha" else [2, 4])
            with suppress(Refusal):  # it is there already, or isn't
                _happen(dice, engine, f"mirror-{number:02}-live")
            if dice.random() < 0.1:
                watch.want([engine.name])
            time.sleep(dice.choice([0.0, 0.0, 0.05, 0.4]))
        for engine in fleet.simulated.engines.values():
            engine.make_reachable()
        until(lambda: _seen(fleet) == _there(fleet), f"seed {seed}: {_seen(fleet)} is not {_there(fleet)}")
        assert not refresh(fleet.console, fleet.jobs).failed
        assert _seen(fleet) == _there(fleet)


def _happen(dice: random.Random, engine: SimulatedEngine, name: str) -> None:
    match dice.randrange(8):
        case 0:
            engine.stop_container(name)
        case 1:
            engine.lose_container(name)
        case 2 | 3:
            engine.run(name, f"{REPOSITORY}:26.8.2")
        case 4:
            rename_container(engine.state, name, f"{name}-old")
        case 5:
            engine.end_streams()
        case 6:
            engine.restart(killed=dice.random() < 0.5)
        case _:
            engine.make_unreachable()
            time.sleep(dice.choice([0.0, 0.1]))
            if dice.random() < 0.7:
                engine.make_reachable()


def _there(fleet: Fleet) -> dict[str, tuple[str, str]]:
    """The containers that have the name of a mirror's live, with their states, read past the program."""
    found = {}
    for engine in fleet.simulated.engines.values():
        with engine.state.lock:
            for container in engine.state.containers.values():
                if container.name.startswith("mirror-") and container.name.endswith("-live"):
                    found[container.name] = (container.id, str(container.phase))
    return found


def _seen(fleet: Fleet) -> dict[str, tuple[str, str]]:
    with fleet.console.catalog.read() as books:
        seen = [one for one in books.observations.all() if one.present and one.environment_id != "source-live"]
    return {one.container_name: (one.container_id, str(one.state)) for one in seen}
