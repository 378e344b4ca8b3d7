"""The fleet is kept up to date without holding up the window: what was seen again is reckoned in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytestqt.qtbot import QtBot

from mirror_console.domain.alignment import Knowledge
from mirror_console.domain.fleet import Grid
from mirror_console.jobs import JobEvent, JobState
from mirror_console.operations.refresh import Refreshed
from mirror_console.operations.watch import Watching
from mirror_console.ui import fleet as fleet_module
from mirror_console.ui.activity.page import ActivityPage
from mirror_console.ui.ageing import seen_again
from mirror_console.ui.context import UiContext
from mirror_console.ui.fleet import Fleet
from tests.ui.sample import NOW, every_state, grid_of, sample_grid

LATER = NOW + timedelta(minutes=3)


class Reckoner:
    """Stands in the place of seen_again: says in which thread it is called, and waits where it is told to."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = False

    def __call__(self, grid: Grid, times: Mapping[str, datetime]) -> Grid:
        self.threads.append(threading.get_ident())
        assert self.go_on.wait(10)
        if self.fails:
            raise RuntimeError("the ages can't be reckoned")
        return seen_again(grid, times)


@pytest.fixture
def reckoner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reckoner]:
    made = Reckoner()
    monkeypatch.setattr(fleet_module, "seen_again", made)
    yield made
    made.go_on.set()


@pytest.fixture
def fleet(context: UiContext) -> Iterator[Fleet]:
    made = Fleet(context)
    yield made
    made.stop()
    made.deleteLater()


def tell_seen(fleet: Fleet, at: datetime = LATER) -> None:
    """What the watch tells after it found all engines of the sample unchanged."""
    times = {f"engine-{number}": at for number in range(3)}
    told = Watching(Refreshed((), (), 0), 3, times)
    fleet._told(JobEvent("1", "Watching engines", JobState.RUNNING, body=told))


def last_seen(grid: Grid | None) -> datetime:
    """When the environment that was looked at last was looked at."""
    assert grid is not None
    return max(cell.observation.at for row in grid.rows for cell in row.cells.values() if cell.observation)


def test_what_is_seen_again_is_reckoned_in_the_background_and_shown_once_it_is(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot
) -> None:
    activity = ActivityPage(context)
    qtbot.addWidget(activity)
    grid = sample_grid()
    context.set_grid(grid)
    reckoner.go_on.clear()
    tell_seen(fleet)
    assert context.grid is grid, "the window waited for it"
    with qtbot.waitSignal(context.grid_changed, timeout=5000) as shown:
        reckoner.go_on.set()
    assert last_seen(shown.args[0]) == LATER
    assert reckoner.threads
    assert threading.get_ident() not in reckoner.threads
    assert not activity._entries, "nobody asked for it, and it changes nothing"


def test_a_survey_that_comes_in_meanwhile_is_not_lost_and_is_reckoned_too(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot
) -> None:
    context.set_grid(sample_grid())
    reckoner.go_on.clear()
    tell_seen(fleet)
    newer = sample_grid(7)
    context.set_grid(newer)
    reckoner.go_on.set()
    qtbot.waitUntil(lambda: last_seen(context.grid) == LATER, timeout=5000)
    assert context.grid is not None
    assert len(context.grid.rows) == len(newer.rows)


def test_what_is_told_while_it_is_reckoned_comes_next(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot
) -> None:
    context.set_grid(sample_grid())
    reckoner.go_on.clear()
    for minutes in range(5):
        tell_seen(fleet, LATER + timedelta(minutes=minutes))
    reckoner.go_on.set()
    qtbot.waitUntil(lambda: last_seen(context.grid) == LATER + timedelta(minutes=4), timeout=5000)
    assert len(reckoner.threads) == 2, "what is overtaken was reckoned all the same"


def test_seen_while_the_catalog_was_read_is_not_forgotten(
    fleet: Fleet, context: UiContext, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(*_all: object) -> Grid:
        reading.set()
        assert go_on.wait(10)
        return sample_grid()

    monkeypatch.setattr(fleet_module, "survey", slow)
    fleet.survey()
    assert reading.wait(5)
    tell_seen(fleet)
    go_on.set()
    qtbot.waitUntil(lambda: context.grid is not None and last_seen(context.grid) == LATER, timeout=5000)


def test_as_time_passes_what_was_fresh_grows_old_in_the_background(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot
) -> None:
    context.set_grid(grid_of([every_state()["aligned"]]))
    later = NOW + context.preferences.stale_after + timedelta(minutes=1)
    context.console = replace(context.console, clock=lambda: later)
    with qtbot.waitSignal(fleet.ticked), qtbot.waitSignal(context.grid_changed, timeout=5000):
        fleet._tick()
    assert context.grid is not None
    assert {cell.knowledge for cell in context.grid.rows[0].cells.values()} == {Knowledge.STALE}
    assert threading.get_ident() not in reckoner.threads


def test_once_a_hold_has_ended_the_catalog_is_read_again(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot
) -> None:
    """Nothing changed in the catalog: by the clock alone something else is expected."""
    context.set_grid(replace(grid_of([every_state()["aligned"]]), next_end=NOW + timedelta(minutes=1)))
    fleet._tick()
    reading = [fleet.reading]
    context.console = replace(context.console, clock=lambda: NOW + timedelta(minutes=1))
    fleet._tick()
    assert [*reading, fleet.reading] == [False, True]
    # The catalog is empty, and so is what is shown after that.
    qtbot.waitUntil(lambda: context.grid is not None and not context.grid.rows, timeout=5000)


def test_a_fault_while_reckoning_is_told_and_the_next_time_it_is_tried_again(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot, expect_log: object
) -> None:
    expect_log("mirror_console.ui.context", "Reckoning ages failed")  # type: ignore[operator]  # a fixture that is called
    context.set_grid(sample_grid())
    reckoner.fails = True
    tell_seen(fleet)
    qtbot.waitUntil(lambda: bool(context.notices.shown), timeout=5000)
    assert "can't be reckoned" in context.notices.shown[-1].details
    reckoner.fails = False
    tell_seen(fleet)
    qtbot.waitUntil(lambda: last_seen(context.grid) == LATER, timeout=5000)


def test_of_a_fleet_that_was_stopped_nothing_more_is_reckoned(
    fleet: Fleet, context: UiContext, reckoner: Reckoner, qtbot: QtBot
) -> None:
    grid = sample_grid()
    context.set_grid(grid)
    reckoner.go_on.clear()
    tell_seen(fleet)
    fleet.stop()
    reckoner.go_on.set()
    tell_seen(fleet, LATER + timedelta(minutes=1))
    qtbot.wait(50)
    assert context.grid is grid
    assert len(reckoner.threads) <= 1
