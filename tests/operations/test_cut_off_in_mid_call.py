"""Cut off in the middle of a call, on the simulator: the engine carries it out after the console was recovered."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.late import HURTS
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.steps import Step
from mirror_console.errors import CatalogError, EngineError
from mirror_console.operations import recovery
from mirror_console.operations.late_calls import WATCHES, late_of
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.scene import look
from mirror_console.operations.starting import start
from mirror_console.simulator.faults import Fault
from tests.operations.fleet import QUICK, STOPS, Fleet, small_fleet
from tests.operations.test_recovery import BACK, DONE, alpha

pytestmark = pytest.mark.slow

NAME = "mirror-01-live"
ARRIVES, WITHIN = 0.7, 1.4
"""Seconds after which what was sent arrives, and in which it may, so that it may be recovered in between."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A mirror that is behind."""
    with small_fleet(mirrors=1, prepared=Fleet.fall_behind) as made:
        made.console = replace(made.console, lock_times=LockTimes(grace=WITHIN - STOPS))
        yield made


def cut_off(
    fleet: Fleet, step: Step, sends: Callable[[], object], also: Callable[[str], None] = lambda _boundary: None
) -> Rollout:
    """Begin a rollout, and cut it off right after a call was sent, which arrives later."""
    cut = cut_off_at(fleet, step, sends)

    def mark(boundary: str) -> None:
        also(boundary)
        cut(boundary)

    console = replace(fleet.console, mark=mark)
    made = plan(console, "live", ["mirror-01"], QUICK)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    with pytest.raises(CatalogError, match="journal"):
        Conductor(console, fleet.jobs, rollout).run()
    (left,) = recovery.interrupted(fleet.console)
    return left.rollout


def cut_off_at(fleet: Fleet, step: Step, sends: Callable[[], object]) -> Callable[[str], None]:
    def mark(boundary: str) -> None:
        if boundary == f"{step.name}:intent":
            fleet.jobs.submit("What was sent", lambda work: (work.wait(ARRIVES), sends()))
            raise CatalogError("The journal can't be written.", "A test says so.")

    return mark


def stops(fleet: Fleet, name: str) -> Callable[[], object]:
    """The call that stops what has the name now."""
    container, session = fleet.container(name).id, fleet.console.engines.session(fleet.console.engine("alpha"))
    return lambda: session.stop(container, STOPS)


def journal_lost(fleet: Fleet) -> None:
    with closing(sqlite3.connect(fleet.folder / "catalog" / "catalog.sqlite")) as connection, connection:
        (name, text) = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%DELETE ON journal%'"
        ).fetchone()
        connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM journal")
        connection.execute(text)


@pytest.mark.parametrize("journal", [True, False], ids=["by the journal", "without the journal"])
def test_what_is_put_back_while_its_stop_is_on_its_way_serves_afterwards(fleet: Fleet, journal: bool) -> None:
    rollout = cut_off(fleet, Step.STOP, stops(fleet, NAME))
    if not journal:
        journal_lost(fleet)
    (finding,) = recovery.examine(fleet.console, fleet.jobs, rollout)
    assert "'stop old'" in finding.words
    assert "may be carried out yet, for 1 s" in finding.words
    told: list[str] = []
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id, lambda now: told.append(now.targets[0].words))
    assert any(words.startswith(f"{WATCHES} 1 s whether") for words in told)
    assert (ended.targets[0].state, alpha(fleet)) == (TargetState.PUT_BACK, BACK)
    assert f"what came late was put right: '{NAME}' was stopped" in ended.targets[0].words
    assert fleet.container(NAME).starts == 2, "it was never stopped: the call came too late, or not at all"


def test_what_goes_on_while_its_stop_is_on_its_way_is_begun_once_that_is_outlasted(fleet: Fleet) -> None:
    old = fleet.container(NAME)
    rollout = cut_off(fleet, Step.STOP, stops(fleet, NAME))
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
    assert (ended.state, alpha(fleet)) == (RolloutState.COMPLETED, DONE)
    assert old.starts == 2, "it was never stopped: the call came too late, or not at all"


def test_a_start_that_is_on_its_way_finds_nothing_to_start(fleet: Fleet) -> None:
    refused: list[str] = []

    def starts() -> None:
        try:
            session.start(new[-1])
        except EngineError as error:
            refused.append(error.title)

    def mark(boundary: str) -> None:
        if boundary == "CREATE:outcome":
            new.append(fleet.container(f"{NAME}.mc-next").id)

    new: list[str] = []
    session = fleet.console.engines.session(fleet.console.engine("alpha"))
    rollout = cut_off(fleet, Step.START, starts, mark)
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id)
    assert (ended.targets[0].state, alpha(fleet)) == (TargetState.PUT_BACK, BACK)
    assert len(refused) == 1


@pytest.mark.parametrize("step", [Step.LOCK, Step.CREATE])
def test_what_is_made_late_goes_again(fleet: Fleet, step: Step) -> None:
    with fleet.console.catalog.write() as books:
        books.engines.save(replace(books.engines.get("alpha"), timeout=0.3))

    def mark(boundary: str) -> None:
        if boundary == f"{step.name}:intent":
            engine.misbehave(Fault.LATE, "/create", times=1, seconds=ARRIVES)
        if boundary == f"{step.name}:sent":
            raise CatalogError("The journal can't be written.", "A test says so.")

    engine = fleet.simulated.engines["alpha"]
    console = replace(fleet.console, mark=mark)
    made = plan(console, "live", ["mirror-01"], QUICK)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    with pytest.raises(CatalogError):
        Conductor(console, fleet.jobs, rollout).run()
    recovery.interrupted(fleet.console)
    ended = recovery.put_back(fleet.console, fleet.jobs, rollout.id)
    assert (ended.state, alpha(fleet)) == (RolloutState.COMPLETED_WITH_FAILURES, BACK)
    what = "the lock" if step is Step.LOCK else f"'{NAME}.mc-next'"
    assert f"what came late was put right: {what} was made" in ended.targets[0].words


def test_what_goes_on_while_it_was_being_put_back_runs_afterwards(fleet: Fleet) -> None:
    """The new container is well and takes over; then the stop arrives that was sent to put it back."""

    def cut() -> None:
        raise CatalogError("The journal can't be written.", "A test says so.")

    console = replace(fleet.console, mark=lambda boundary: cut() if boundary == "VERIFY:outcome" else None)
    made = plan(console, "live", ["mirror-01"], QUICK)
    rollout = start(console, made, preflight(console, fleet.jobs, made), "a test")
    with pytest.raises(CatalogError):
        Conductor(console, fleet.jobs, rollout).run()
    recovery.interrupted(fleet.console)
    stopped = stops(fleet, f"{NAME}.mc-next")
    with pytest.raises(CatalogError):
        recovery.put_back(
            replace(fleet.console, mark=cut_off_at(fleet, Step.STOP_NEW, stopped)), fleet.jobs, rollout.id
        )
    ended = recovery.go_on(fleet.console, fleet.jobs, rollout.id).run()
    assert (ended.state, alpha(fleet)) == (RolloutState.COMPLETED, DONE), ended.targets[0].words
    assert f"what came late was put right: '{NAME}' was stopped" in ended.targets[0].words
    assert fleet.container(NAME).starts == 2, "it was never stopped: the call came too late, or not at all"


def test_how_long_ago_it_was_sent_is_told_by_the_journal_unless_the_clock_went_back(fleet: Fleet) -> None:
    rollout = cut_off(fleet, Step.STOP, lambda: None)

    def left(later: timedelta) -> float:
        console = replace(fleet.console, clock=lambda: fleet.console.clock() + later)
        (target,) = rollout.targets
        scene = look(console.engines.session(console.engine("alpha")), target.planned, rollout.id)
        return late_of(console, rollout.id, target, scene).left(console.monotonic(), HURTS)

    assert left(timedelta(hours=1)) == 0
    assert 0 < left(timedelta()) < WITHIN
    assert WITHIN - 0.2 < left(timedelta(hours=-1)) <= WITHIN
