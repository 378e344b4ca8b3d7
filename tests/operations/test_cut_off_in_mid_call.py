"""Cut off in the middle of a call, on the simulator: the engine carries it out while what was cut off is recovered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mirror_console.domain.late import HURTS
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.errors import CatalogError, EngineError
from mirror_console.operations import recovery
from mirror_console.operations.console import Console
from mirror_console.operations.late_calls import WATCHES, late_of
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.scene import look
from mirror_console.operations.starting import start
from tests.catalogs import lose_journal
from tests.operations.fleet import QUICK, STOPS, Fleet, small_fleet
from tests.operations.test_recovery import BACK, DONE, alpha

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"
WITHIN = 1.0
"""Seconds in which what was sent may arrive, the time of a stop included."""


@dataclass
class OnItsWay:
    """Cuts a console off in a call of this verb, the first or a later one: it is kept, and arrives when told to."""

    verb: str
    nth: int = 1
    sent: list[Callable[[], object]] = field(default_factory=list)
    refused: list[EngineError] = field(default_factory=list)

    def on(self, console: Console) -> Console:
        """A console that is cut off in it."""
        engines: Any = _Engines(console.engines, self)
        return replace(console, engines=engines)

    def arrives(self, now: Rollout) -> None:
        """Once late calls are watched for."""
        if self.sent and now.targets[0].words.startswith(WATCHES):
            try:
                self.sent.pop()()
            except EngineError as error:
                self.refused.append(error)

    def take(self, call: Callable[[], object]) -> object:
        """A call of the verb."""
        self.nth -= 1
        if self.nth:
            return call()
        self.sent.append(call)
        raise CatalogError("The console is gone.", "A test says so.")


@dataclass
class _Engines:
    engines: Any
    call: OnItsWay

    def session(self, engine: object) -> Any:
        return _Session(self.engines.session(engine), self.call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engines, name)


@dataclass
class _Session:
    session: Any
    call: OnItsWay

    def __getattr__(self, verb: str) -> Any:
        real = getattr(self.session, verb)
        if verb != self.call.verb:
            return real
        return lambda *about: self.call.take(lambda: real(*about))


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A mirror that is behind, seen at one instant: how long something takes here is no matter."""
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as made:
        at = made.console.clock()
        made.console = replace(made.console, lock_times=LockTimes(grace=WITHIN - STOPS), clock=lambda: at)
        yield made


def cut_off(
    fleet: Fleet, call: OnItsWay | None = None, mark: Callable[[str], None] = lambda _boundary: None
) -> Rollout:
    """Begin a rollout that is cut off in a call, or at a boundary."""
    made = plan(fleet.console, "live", ["mirror-01"], QUICK)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    console = replace(fleet.console, mark=mark)
    with pytest.raises(CatalogError):
        Conductor(call.on(console) if call else console, fleet.jobs, rollout).run()
    (left,) = recovery.interrupted(fleet.console)
    return left.rollout


@pytest.mark.parametrize("journal", [True, False], ids=["by the journal", "without the journal"])
def test_what_is_put_back_while_its_stop_is_on_its_way_serves_afterwards(fleet: Fleet, journal: bool) -> None:
    stop = OnItsWay("stop")
    rollout = cut_off(fleet, stop)
    if not journal:
        lose_journal(fleet.folder / "catalog" / "catalog.sqlite")
    (finding,) = recovery.examine(fleet.console, fleet.jobs, rollout)
    assert "'stop old'" in finding.words
    assert "may be carried out yet, for 1 s" in finding.words
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id, stop.arrives)
    assert (ended.targets[0].state, alpha(fleet)) == (TargetState.PUT_BACK, BACK)
    assert f"what came late was put right: '{NAME}' was stopped" in ended.targets[0].words
    assert fleet.container(NAME).starts == 2


def test_what_goes_on_while_its_stop_is_on_its_way_is_begun_once_that_is_outlasted(fleet: Fleet) -> None:
    old, stop = fleet.container(NAME), OnItsWay("stop")
    rollout = cut_off(fleet, stop)
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id, stop.arrives).run()
    assert (ended.state, alpha(fleet)) == (RolloutState.COMPLETED, DONE)
    assert (stop.sent, old.starts) == ([], 2)


def test_a_start_that_is_on_its_way_finds_nothing_to_start(fleet: Fleet) -> None:
    begun = OnItsWay("start")
    rollout = cut_off(fleet, begun)
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id, begun.arrives)
    assert (ended.targets[0].state, alpha(fleet)) == (TargetState.PUT_BACK, BACK)
    (refused,) = begun.refused
    assert "o such container" in f"{refused.title} {refused.detail}"


@pytest.mark.parametrize(("nth", "what"), [(1, "the lock"), (2, f"'{NAME}.mc-next'")])
def test_what_is_made_late_goes_again(fleet: Fleet, nth: int, what: str) -> None:
    create = OnItsWay("create", nth)
    rollout = cut_off(fleet, create)
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id, create.arrives)
    assert (ended.state, alpha(fleet)) == (RolloutState.COMPLETED_WITH_FAILURES, BACK)
    assert f"what came late was put right: {what} was made" in ended.targets[0].words


def test_what_goes_on_while_it_was_being_put_back_runs_afterwards(fleet: Fleet) -> None:
    """The new container is well and takes over; then the stop arrives that was sent to put it back."""

    def mark(boundary: str) -> None:
        if boundary == "VERIFY:outcome":
            raise CatalogError("The journal can't be written.", "A test says so.")

    stop = OnItsWay("stop")
    rollout = cut_off(fleet, mark=mark)
    with pytest.raises(CatalogError):
        recovery.put_back(stop.on(fleet.console), fleet.jobs, rollout.id)
    conductor = recovery.go_on(fleet.console, fleet.jobs, rollout.id, stop.arrives)
    ended = conductor.run()
    assert (ended.state, alpha(fleet)) == (RolloutState.COMPLETED, DONE), ended.targets[0].words
    assert f"what came late was put right: '{NAME}' was stopped" in ended.targets[0].words
    assert fleet.container(NAME).starts == 2


def test_what_is_on_its_way_for_what_is_gone_or_done_is_not_waited_for(fleet: Fleet) -> None:
    """An hour later nothing is; and that it is verified changes nothing."""
    rollout = cut_off(fleet, OnItsWay("stop"))
    told: list[str] = []
    later = replace(fleet.console, clock=lambda: fleet.console.clock() + timedelta(hours=1))
    ended = recovery.put_back(later, fleet.jobs, rollout.id, lambda now: told.append(now.targets[0].words))
    assert (ended.targets[0].state, alpha(fleet)) == (TargetState.FAILED, BACK)
    assert not [words for words in told if words.startswith(WATCHES)]


def test_how_long_ago_it_was_sent_is_told_by_the_journal_unless_the_clock_went_back(fleet: Fleet) -> None:
    rollout = cut_off(fleet, OnItsWay("stop"))

    def left(later: timedelta) -> float:
        console = replace(fleet.console, clock=lambda: fleet.console.clock() + later)
        (target,) = rollout.targets
        scene = look(console.engines.session(console.engine("alpha")), target.planned, rollout.id)
        return late_of(console, rollout.id, target, scene).left(console.monotonic(), HURTS)

    assert left(timedelta(hours=1)) == 0
    assert 0 < left(timedelta(seconds=0.5 * WITHIN)) <= 0.5 * WITHIN
    assert 0.5 * WITHIN < left(timedelta(hours=-1)) <= WITHIN
