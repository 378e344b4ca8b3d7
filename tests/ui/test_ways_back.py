"""The column of ways back: shown by a key, read in the background only while it is, brought up to date, filtered by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from mirror_console.domain.changes import Changes
from mirror_console.domain.way_back import KnownWay, WayBack
from mirror_console.errors import ConsoleError
from mirror_console.operations.console import Console
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.columns import WAY_BACK
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.window import MainWindow
from tests.operations.fleet import Fleet, small_fleet
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.sample import sample_grid
from tests.ui.sample_ways import sample_ways
from tests.ui.window_on import context_on

pytestmark = pytest.mark.slow
GRID = sample_grid()
CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Reading:
    """Stands for the catalog: counts how often it is read, and can be told to fail."""

    def __init__(self) -> None:
        self.times = 0
        self.known = sample_ways(GRID)
        self.trouble: Exception | None = None

    def __call__(self, _console: Console, environment_ids: Collection[str]) -> dict[str, KnownWay]:
        """What is known."""
        self.times += 1
        if self.trouble is not None:
            raise self.trouble
        assert set(environment_ids) >= self.known.keys()
        return dict(self.known)


def _open(context: UiContext, qtbot: QtBot, reading: Reading, state: Path | None = None) -> MainWindow:
    window = MainWindow(context, (AlignmentPage,), state)
    page(window).ways.read_by(reading)
    # The catalog is empty: whatever is told of it, the sample stays.
    window.fleet.stop()
    qtbot.addWidget(window)
    window.resize(1280, 800)
    context.set_grid(GRID)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def page(window: MainWindow) -> AlignmentPage:
    found = window.pages["alignment"]
    assert isinstance(found, AlignmentPage)
    return found


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
def window(context: UiContext, qtbot: QtBot, reading: Reading) -> Iterator[MainWindow]:
    made = _open(context, qtbot, reading)
    yield made
    made.close()
    QApplication.processEvents()


def texts(shown: AlignmentPage) -> dict[str, str]:
    """What the column says, by mirror, from top to bottom."""
    column = shown.model.column_of(WAY_BACK)
    assert column is not None
    return {row.application.name: shown.model.text(place, column) for place, row in enumerate(shown.model.shown)}


def read(shown: AlignmentPage, qtbot: QtBot) -> None:
    """Wait until they are up to date."""
    qtbot.waitUntil(lambda: shown.model.ways is not None and not shown.model.ways_note)


def test_by_keyboard_it_is_shown_sorted_by_looked_into_and_hidden_again(
    window: MainWindow, qtbot: QtBot, reading: Reading
) -> None:
    shown = page(window)
    assert shown.model.column_of(WAY_BACK) is None
    assert reading.times == 0
    QTest.keyClick(window, Qt.Key.Key_B, CONTROL_SHIFT)
    column = shown.model.column_of(WAY_BACK)
    assert column is not None
    assert set(texts(shown).values()) == {"…"}
    read(shown, qtbot)
    assert reading.times == 1
    told = texts(shown)
    assert told["Dunes Bakery"] == "yes"
    assert {"live: by pull only", "by pull only", "live: blocked", "test: no", "not told"} <= set(told.values())
    # What couldn't be asked for long is told as what was known last.
    assert any(words.startswith("live: by pull only (last known 2 h ago)") for words in told.values())

    shown.view._sort(column)
    words = [one.partition(" (")[0].rpartition(": ")[2] for one in texts(shown).values()]
    order = ["blocked", "no", "by pull only", "nothing before", "not told", "yes"]
    assert words == sorted(words, key=order.index)
    assert words[0] == "blocked"

    # On the cell, Enter tells of the environment that it is said of.
    shown.view.setCurrentIndex(shown.model.index(0, column))
    cell = shown.view.cursor_cell()
    assert cell is not None
    assert cell.environment.name == "live"
    QTest.keyClick(shown.view, Qt.Key.Key_Return)
    assert shown.detail.isVisible()
    assert shown.detail.shown is cell
    tip = shown.model.data(shown.model.index(0, column), Qt.ItemDataRole.ToolTipRole)
    assert "live: blocked: 26.8.3 has a migration" in tip
    said = QAccessible.queryAccessibleInterface(shown.view)
    assert said is not None
    aloud = shown.model.data(shown.model.index(0, column), Qt.ItemDataRole.AccessibleTextRole)
    assert "Way back: live: blocked" in aloud

    QTest.keyClick(window, Qt.Key.Key_B, CONTROL_SHIFT)
    assert shown.model.column_of(WAY_BACK) is None
    assert shown.model.sorted_by is None
    assert reading.times == 1


def test_it_is_read_again_only_while_it_is_shown_and_something_it_follows_from_changed(
    window: MainWindow, qtbot: QtBot, reading: Reading
) -> None:
    shown, signals = page(window), window.context.signals
    shown.ways.show(True)
    read(shown, qtbot)
    shown.ways.reader._timer.setInterval(1)
    signals.report_catalog(Changes({"times": None}))
    signals.report_catalog(Changes({"accounts": None}))
    QTest.qWait(30)
    assert reading.times == 1
    gone = f"{GRID.rows[0].application.id}-live"
    reading.known[gone] = KnownWay(WayBack.GONE, "Gone.")
    notes: list[str] = []
    shown.ways.reader.stands.connect(lambda: notes.append(shown.model.ways_note))
    for _ in range(5):
        signals.report_catalog(Changes({"rollouts": None}))
    qtbot.waitUntil(lambda: texts(shown)[GRID.rows[0].application.name] == "live: no")
    read(shown, qtbot)
    assert reading.times == 2
    # Until it was read again, the head said so.
    assert notes == ["being read…", ""]
    shown.ways.show(False)
    signals.report_catalog(Changes({"rollouts": None}))
    QTest.qWait(30)
    assert reading.times == 2
    shown.ways.show(True)
    read(shown, qtbot)
    assert reading.times == 3


def test_what_couldn_t_be_read_stays_and_is_said(window: MainWindow, qtbot: QtBot, reading: Reading) -> None:
    shown = page(window)
    shown.ways.show(True)
    read(shown, qtbot)
    before = texts(shown)
    shown.ways.reader._timer.setInterval(1)
    reading.trouble = ConsoleError("The catalog can't be read.", "Look at its disk.")
    window.context.signals.report_catalog(Changes({"images": None}))
    qtbot.waitUntil(lambda: shown.model.ways_note == "couldn't be read")
    assert [one.title for one in window.context.notices.shown] == ["The catalog can't be read."]
    assert texts(shown) == before
    assert reading.times == 2
    reading.trouble = None
    shown.tick_clock()
    read(shown, qtbot)
    assert not window.context.notices.shown


def test_a_filter_that_asks_for_them_waits_until_they_are_read(
    window: MainWindow, qtbot: QtBot, reading: Reading
) -> None:
    shown = page(window)
    shown.filter_by("live:aligned")
    before = shown.model.rowCount()
    reading.trouble = ConsoleError("The catalog can't be read.", "Look at its disk.")
    shown.filter_by("live.back:pull")
    # Neither everything nor nothing: what was asked before still counts, and it is said.
    assert shown.model.filter_text == "live:aligned"
    assert shown.model.rowCount() == before
    qtbot.waitUntil(lambda: "couldn't be read" in shown.order_note.text())
    reading.trouble = None
    shown.tick_clock()
    qtbot.waitUntil(lambda: shown.model.filter_text == "live.back:pull")
    assert not shown.order_note.isVisible()
    wanted = {
        row.application.id
        for row in GRID.rows
        if (way := reading.known.get(f"{row.application.id}-live")) and way.way_back is WayBack.PULL
    }
    assert {row.application.id for row in shown.model.shown} == wanted
    assert wanted
    assert shown.model.column_of(WAY_BACK) is None


def test_the_choice_is_remembered_and_offered_at_the_head(
    make_context: ContextMaker, qtbot: QtBot, reading: Reading, tmp_path: Path
) -> None:
    state = tmp_path / "window.ini"
    window = _open(make_context(), qtbot, reading, state)
    shown = page(window)
    head = shown.view.environments
    head.customContextMenuRequested.emit(head.rect().center())
    (menu,) = [one for one in shown.findChildren(QMenu) if one.isVisible()]
    (action,) = menu.actions()
    assert action.text() == "Show or hide the way back"
    menu.close()
    action.trigger()
    assert shown.model.shows_ways
    window.close()
    again = _open(make_context(), qtbot, reading, state)
    assert page(again).model.shows_ways
    read(page(again), qtbot)
    again.close()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Two mirrors, which a rollout brought from 26.8.2 to 26.8.3."""
    with small_fleet(2, prepared=Fleet.fall_behind) as made:
        made.roll_out()
        refresh(made.console, made.jobs)
        yield made


def test_what_an_engine_loses_is_seen_after_its_next_check(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with context_on(qapp, fleet, Answers()) as context:
        shown = AlignmentPage(context)
        qtbot.addWidget(shown)
        shown.show()
        qtbot.waitExposed(shown)
        shown.refresh(survey(context.console))
        shown.ways.show(True)
        read(shown, qtbot)
        assert set(texts(shown).values()) == {"yes"}
        engine = fleet.simulated.engines["alpha"]
        kept = fleet.container("mirror-01-live.mc-prev").image.id
        engine.lose_container("mirror-01-live.mc-prev")
        engine.lose_container("webshop-live")
        engine.state.images.remove(kept, {}, force=True)
        refresh(fleet.console, fleet.jobs, inspect_all=True)
        _wait_for(qtbot, lambda: texts(shown) == {"Mirror 01": "by pull only", "Mirror 02": "yes"})
        shown.close()


def _wait_for(qtbot: QtBot, holds: Callable[[], bool]) -> None:
    qtbot.waitUntil(holds, timeout=15_000)
