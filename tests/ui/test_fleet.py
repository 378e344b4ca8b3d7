"""The fleet is kept up to date without holding up the window: what changed is reckoned in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pytestqt.qtbot import QtBot

from mirror_console.domain.account import Account
from mirror_console.domain.ages import Ages
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.engine import Contact, Engine, parse_address
from mirror_console.domain.environment import Environment, Process
from mirror_console.domain.fleet import Grid
from mirror_console.domain.observation import Observation, State
from mirror_console.domain.status import Knowledge
from mirror_console.jobs import JobEvent, JobState
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.refresh import Refreshed
from mirror_console.operations.status import Alignments
from mirror_console.operations.watching import Watching
from mirror_console.ui.activity.page import ActivityPage
from mirror_console.ui.context import UiContext
from mirror_console.ui.fleet import Fleet
from tests.ui.sample import NOW

ENGINE = "engine-0"
LATER = NOW + timedelta(minutes=3)


class Slow(Alignments):
    """Says in which thread it is asked, waits where it is told to, and fails where it is told to."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.threads: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = False

    def grid(self, ages: Ages, times: Mapping[str, datetime] | None = None) -> Grid:
        self.threads.append(threading.get_ident())
        assert self.go_on.wait(10)
        if self.fails:
            raise RuntimeError("the ages can't be reckoned")
        return super().grid(ages, times)


@pytest.fixture
def fleet(context: UiContext) -> Iterator[Fleet]:
    with context.console.catalog.write() as books:
        books.engines.save(Engine(ENGINE, "fra-1", parse_address("unix:///run/docker.sock")))
        books.engines.save_contact(Contact(ENGINE, NOW, True, 0.1, None, "", NOW))
        books.applications.save(
            Application("source", Kind.SOURCE, "Webshop", "webshop", repository="registry.test/shop")
        )
        _add_mirror(books, "one")
    context.console = replace(context.console, clock=lambda: LATER + timedelta(minutes=10))
    made = Fleet(context, Slow)
    yield made
    slow(made).go_on.set()
    made.stop()
    made.deleteLater()


def slow(fleet: Fleet) -> Slow:
    """What the fleet reckons with."""
    assert isinstance(fleet.alignments, Slow)
    return fleet.alignments


def tell_seen(fleet: Fleet, at: datetime = LATER) -> None:
    """What the watch tells after it found the engine unchanged."""
    told = Watching(Refreshed((), (), 0), 3, {ENGINE: at})
    fleet._told(JobEvent("1", "Watching engines", JobState.RUNNING, body=told))


def last_seen(grid: Grid | None) -> datetime:
    """When the environment that was looked at last was looked at."""
    assert grid is not None
    return max(cell.observation.at for row in grid.rows for cell in row.cells.values() if cell.observation)


def surveyed(fleet: Fleet, context: UiContext, qtbot: QtBot) -> Grid:
    """The first survey."""
    with qtbot.waitSignal(context.grid_changed, timeout=5000) as shown:
        fleet.survey()
    grid: Grid = shown.args[0]
    return grid


def test_what_is_seen_again_is_reckoned_in_the_background_and_shown_once_it_is(
    fleet: Fleet, context: UiContext, qtbot: QtBot
) -> None:
    with context.theme.undressed():
        activity = ActivityPage(context)
    qtbot.addWidget(activity)
    grid = surveyed(fleet, context, qtbot)
    slow(fleet).go_on.clear()
    tell_seen(fleet)
    assert context.grid is grid, "the window waited for it"
    with qtbot.waitSignal(context.grid_changed, timeout=5000) as shown:
        slow(fleet).go_on.set()
    assert last_seen(shown.args[0]) == LATER
    assert threading.get_ident() not in slow(fleet).threads
    assert not activity._entries, "nobody asked for it, and it changes nothing"


def test_a_change_of_the_catalog_meanwhile_is_not_lost(fleet: Fleet, context: UiContext, qtbot: QtBot) -> None:
    surveyed(fleet, context, qtbot)
    slow(fleet).go_on.clear()
    tell_seen(fleet)
    with context.console.catalog.write() as books:
        _add_mirror(books, "two")
    slow(fleet).go_on.set()
    qtbot.waitUntil(lambda: context.grid is not None and len(context.grid.rows) == 2, timeout=5000)
    assert last_seen(context.grid) == LATER


def test_what_is_told_while_it_is_reckoned_comes_next(fleet: Fleet, context: UiContext, qtbot: QtBot) -> None:
    surveyed(fleet, context, qtbot)
    slow(fleet).threads.clear()
    slow(fleet).go_on.clear()
    for minutes in range(5):
        tell_seen(fleet, LATER + timedelta(minutes=minutes))
    slow(fleet).go_on.set()
    qtbot.waitUntil(lambda: last_seen(context.grid) == LATER + timedelta(minutes=4), timeout=5000)
    assert len(slow(fleet).threads) == 2, "what is overtaken was reckoned all the same"


def test_where_nothing_is_new_no_page_is_told_but_what_they_read_themselves_may_be(
    fleet: Fleet, context: UiContext, qtbot: QtBot
) -> None:
    grid = surveyed(fleet, context, qtbot)
    told: list[Grid] = []
    context.grid_changed.connect(told.append)
    fleet._tick()
    qtbot.waitUntil(lambda: not fleet.reading, timeout=5000)
    assert not told
    with context.console.catalog.write() as books:
        books.accounts.save(Account("Dunes GmbH"))
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    assert told[0] is grid


def test_as_time_passes_what_was_fresh_grows_old_in_the_background(context: UiContext, qtbot: QtBot) -> None:
    times = [NOW]
    context.console = replace(context.console, clock=lambda: times[0])
    with context.console.catalog.write() as books:
        books.engines.save(Engine(ENGINE, "fra-1", parse_address("unix:///run/docker.sock")))
        books.applications.save(
            Application("source", Kind.SOURCE, "Webshop", "webshop", repository="registry.test/shop")
        )
        _add_mirror(books, "one")
    fleet = Fleet(context, Slow)
    surveyed(fleet, context, qtbot)
    times[0] = NOW + context.preferences.stale_after + timedelta(minutes=1)
    with qtbot.waitSignal(fleet.ticked), qtbot.waitSignal(context.grid_changed, timeout=5000):
        fleet._tick()
    assert context.grid is not None
    assert {cell.knowledge for cell in context.grid.rows[0].cells.values()} == {Knowledge.STALE}
    assert threading.get_ident() not in slow(fleet).threads
    fleet.stop()
    fleet.deleteLater()


def test_a_fault_while_reckoning_is_told_and_the_next_time_it_is_tried_again(
    fleet: Fleet, context: UiContext, qtbot: QtBot, expect_log: object
) -> None:
    expect_log("mirror_console.ui.context", "Read the catalog failed")  # type: ignore[operator]  # a fixture that is called
    surveyed(fleet, context, qtbot)
    slow(fleet).fails = True
    tell_seen(fleet)
    qtbot.waitUntil(lambda: bool(context.notices.shown), timeout=5000)
    assert "can't be reckoned" in context.notices.shown[-1].details
    slow(fleet).fails = False
    tell_seen(fleet, LATER + timedelta(minutes=1))
    qtbot.waitUntil(lambda: last_seen(context.grid) == LATER + timedelta(minutes=1), timeout=5000)


def test_of_a_fleet_that_was_stopped_nothing_more_is_reckoned(fleet: Fleet, context: UiContext, qtbot: QtBot) -> None:
    grid = surveyed(fleet, context, qtbot)
    slow(fleet).threads.clear()
    slow(fleet).go_on.clear()
    tell_seen(fleet)
    fleet.stop()
    slow(fleet).go_on.set()
    tell_seen(fleet, LATER + timedelta(minutes=1))
    qtbot.wait(50)
    assert context.grid is grid
    assert len(slow(fleet).threads) <= 1


def _add_mirror(books: Books, slug: str) -> None:
    books.applications.save(Application(slug, Kind.MIRROR, slug.title(), slug, source_id="source"))
    books.environments.save(Environment(f"{slug}-live", slug, "live", ENGINE, (Process("web", f"{slug}-live"),)))
    seen = Observation(f"{slug}-live", "web", ENGINE, NOW, "c" * 64, f"{slug}-live", state=State.RUNNING)
    books.observations.save_all([seen])
