"""The window around the pages: rail, history, modes, keys, title, status bar, and what it remembers."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot

import mirror_console.ui
from mirror_console.domain.planning import make_plan
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.way import Way
from mirror_console.errors import ConsoleError
from mirror_console.jobs import Work
from mirror_console.settings import Density, Theme
from mirror_console.ui.activity.page import ActivityPage
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.page import Page
from mirror_console.ui.settings.page import SettingsPage
from mirror_console.ui.tokens import RAIL_COLLAPSED, RAIL_WIDTH
from mirror_console.ui.window import MainWindow, page_factories
from tests.ui.conftest import ContextMaker
from tests.ui.sample import NOW, every_state, sample_grid

pytestmark = pytest.mark.slow

PAGES = (AlignmentPage, ActivityPage, SettingsPage)
PACKAGE = Path(mirror_console.ui.__file__).parent


def _window(context: UiContext, qtbot: QtBot, state: Path | None = None) -> MainWindow:
    window = MainWindow(context, PAGES, state)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def window(context: UiContext, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window with three pages and a usual fleet."""
    made = _window(context, qtbot)
    context.set_grid(sample_grid())
    yield made
    made.close()
    QApplication.processEvents()


def _rollout() -> Rollout:
    row = every_state()["behind"]
    plan = make_plan("plan", "live", [row.cells["live"]], Way(), "operator", NOW)
    targets = tuple(Target(planned, TargetState.DONE) for planned in plan.targets)
    return Rollout("r1", plan, RolloutState.RUNNING, "operator", "fix", NOW, targets)


# --- pages --------------------------------------------------------------------------------------------------------


def test_every_page_stands_in_the_rail_in_its_order(context: UiContext, qtbot: QtBot) -> None:
    window = MainWindow(context)
    qtbot.addWidget(window)
    wanted = ["alignment", "rollouts", "mirrors", "sources", "engines", "activity", "settings"]
    assert list(window.pages) == list(window.rail.buttons) == wanted
    assert len(page_factories()) == 7
    for page_id in wanted:
        window.open_page(page_id)
        assert window.current.id == page_id
    context.set_grid(sample_grid())
    QApplication.processEvents()


def test_pages_are_reached_by_keys_and_history_goes_back(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.current.id == "activity"
    QTest.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window.rail.buttons["settings"].isChecked()
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert window.current.id == "activity"
    QTest.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert window.current.id == "settings"
    window.step(1)
    assert window.current.id == "settings"


def test_a_wish_to_go_is_followed_with_what_to_show(window: MainWindow) -> None:
    window.open_page("settings")
    window.context.go("alignment", filter="live:behind")
    page = window.current
    assert isinstance(page, AlignmentPage)
    assert page.filter.text() == "live:behind"
    hidden = next(row for row in sample_grid().rows if row.application.name == "Dunes Bakery")
    window.context.go("alignment", application_id=hidden.application.id, environment="test")
    assert page.view.cursor_mirror() == hidden.application.id
    assert page.view.cursor_column() == "test"
    window.context.go("nowhere")
    assert window.current is page


def test_the_rail_is_walked_by_arrows(window: MainWindow, qtbot: QtBot) -> None:
    button = window.rail.buttons["alignment"]
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Down)
    assert window.rail.buttons["activity"].hasFocus()
    QTest.keyClick(window.rail.buttons["activity"], Qt.Key.Key_Space)
    assert window.current.id == "activity"


def test_the_rail_gives_way_in_a_narrow_window(window: MainWindow) -> None:
    assert window.rail.width() == RAIL_WIDTH
    window.resize(1024, 640)
    assert window.rail.width() == RAIL_COLLAPSED
    window.context.actions.run("view.rail")
    assert window.rail.width() == RAIL_WIDTH
    assert window.rail.buttons["settings"].accessibleName() == "Settings"


class Stubborn(Page):
    """A page that lets nobody go."""

    id = "stubborn"
    title = "Stubborn"
    icon = "pencil"
    stays = True

    def may_leave(self) -> bool:
        """Not while it stays."""
        return not self.stays


def test_a_page_with_unsaved_changes_keeps_the_person(context: UiContext, qtbot: QtBot) -> None:
    window = MainWindow(context, (Stubborn, ActivityPage))
    qtbot.addWidget(window)
    window.show()
    window.open_page("activity")
    assert window.current.id == "stubborn"
    assert window.rail.buttons["stubborn"].isChecked()
    assert not window.close()
    page = window.pages["stubborn"]
    assert isinstance(page, Stubborn)
    page.stays = False
    window.open_page("activity")
    assert window.current.id == "activity"


# --- modes, title and status --------------------------------------------------------------------------------------


def _texts(window: QWidget) -> list[str]:
    return [one.text() for one in window.findChildren(QLabel) if one.isVisible()]


def test_read_only_and_simulated_are_told_on_every_page(make_context: ContextMaker, qtbot: QtBot) -> None:
    window = _window(make_context(read_only="Started with --read-only.", simulated=True), qtbot)
    for page_id in window.pages:
        window.open_page(page_id)
        assert "Read-only" in _texts(window)
        assert "Simulated" in _texts(window)
    assert window.windowTitle() == "Mirror Console (read-only)"


def test_a_usual_window_tells_of_no_mode(window: MainWindow) -> None:
    assert "Simulated" not in _texts(window)
    assert "Read-only" not in _texts(window)


def test_a_rollout_is_told_in_title_rail_and_status_bar(window: MainWindow) -> None:
    rollout = _rollout()
    window.context.set_running(rollout)
    assert window.windowTitle() == "1/1 – Mirror Console"
    assert window.status.rollout.text() == "live: 1 of 1 · running"
    window.context.set_running(None)
    assert window.windowTitle() == "Mirror Console"
    assert window.status.rollout.isHidden()


def test_the_status_bar_counts_engines_that_are_silent(window: MainWindow) -> None:
    assert window.status.engines.text() == "3 engines · 1 unreachable"
    assert "fra-2: connection refused" in window.status.engines.toolTip()


def test_what_is_said_goes_and_what_stands_comes_back(window: MainWindow, qtbot: QtBot) -> None:
    window.status.stand("Checked 40 environments on 3 engines.")
    window.context.say("Copied: Dunes Bakery live runs 26.8.3.")
    assert window.status.words.whole() == "Copied: Dunes Bakery live runs 26.8.3."
    window.status._quiet.setInterval(1)
    window.context.say("Copied.")
    qtbot.waitUntil(lambda: window.status.words.whole() == "Checked 40 environments on 3 engines.")


def test_the_window_remembers_its_place_and_never_the_selection(
    make_context: ContextMaker, qtbot: QtBot, tmp_path: Path
) -> None:
    state = tmp_path / "window.ini"
    first = _window(make_context(), qtbot, state)
    first.context.set_grid(sample_grid())
    page = first.pages["alignment"]
    assert isinstance(page, AlignmentPage)
    page.model.tick_shown()
    page.close_detail()
    first.context.actions.run("view.rail")
    first.resize(1234, 777)
    first.close()
    second = _window(make_context(), qtbot, state)
    again = second.pages["alignment"]
    assert isinstance(again, AlignmentPage)
    assert second.rail.collapsed
    assert again.detail.isHidden()
    assert not again.model.ticked.ids
    assert "mirror-" not in state.read_text()


# --- keys and menus -----------------------------------------------------------------------------------------------


def test_every_action_is_in_the_menu_bar_and_no_key_means_two_things(window: MainWindow) -> None:
    menus = [menu for menu in window.menuBar().findChildren(QMenu) if menu.title()]
    in_menus = {
        one.objectName() for menu in menus for one in menu.actions() if not one.isSeparator() and one.menu() is None
    }
    assert in_menus == {declared.id for declared in window.context.actions.all()}
    keys = Counter(one.shortcut for one in window.context.actions.all() if one.shortcut)
    assert not [key for key, many in keys.items() if many > 1]


def test_no_single_letter_works_in_the_whole_window(window: MainWindow) -> None:
    for declared in window.context.actions.all():
        assert not re.fullmatch(r"(Shift\+)?[A-Za-z]", declared.shortcut), declared.id
        if declared.shortcut:
            assert not QKeySequence(declared.shortcut).isEmpty()


def test_actions_of_another_page_are_off(window: MainWindow) -> None:
    assert window.context.actions.action("grid.search").isEnabled()
    window.open_page("settings")
    assert not window.context.actions.action("grid.search").isEnabled()


@pytest.mark.parametrize("page_id", ["alignment", "activity", "settings"])
def test_every_control_has_a_name_and_is_large_enough(window: MainWindow, page_id: str) -> None:
    window.open_page(page_id)
    QApplication.processEvents()
    nameless, small = [], []
    for one in window.findChildren(QWidget):
        if not one.isVisible() or not one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        said = QAccessible.queryAccessibleInterface(one)
        if not said.text(QAccessible.Text.Name).strip():
            nameless.append(f"{type(one).__name__} in {type(one.parentWidget()).__name__}")
        if one.height() < 24 or one.width() < 24:
            small.append(f"{type(one).__name__} {one.size().toTuple()}")
    assert not nameless
    assert not small


@pytest.mark.parametrize("page_id", ["alignment", "activity", "settings"])
def test_tab_goes_around(window: MainWindow, qtbot: QtBot, page_id: str) -> None:
    window.open_page(page_id)
    window.activateWindow()
    seen: list[QWidget] = []
    # A page takes the focus when it is opened, but Tab never goes to it.
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
    for _ in range(60):
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused.isVisible()
        if seen and focused is seen[0]:
            break
        seen.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    else:
        pytest.fail(f"the focus never came back: {seen[:20]}")
    assert len(seen) >= (2 if page_id == "activity" else 6)


# --- jobs ---------------------------------------------------------------------------------------------------------


def test_work_comes_back_on_the_thread_of_the_window(context: UiContext, qtbot: QtBot) -> None:
    got: list[object] = []
    context.run("Counting", lambda _work: 42, got.append)
    qtbot.waitUntil(lambda: got == [42])


def test_an_error_becomes_a_notice_and_a_fault_is_told(context: UiContext, qtbot: QtBot, expect_log: object) -> None:
    def refuse(_work: Work) -> None:
        raise ConsoleError("The engine refused.", "Test the connection.")

    def crash(_work: Work) -> None:
        raise ZeroDivisionError

    expect_log("mirror_console.ui.context", "Counting failed")  # type: ignore[operator]  # a fixture that is called
    context.run("Asking", refuse)
    qtbot.waitUntil(lambda: [one.title for one in context.notices.shown] == ["The engine refused."])
    failed: list[Exception] = []
    context.run("Counting", crash, failed=failed.append)
    qtbot.waitUntil(lambda: len(failed) == 1)
    assert "ZeroDivisionError" in context.notices.shown[-1].details


def test_nothing_is_called_for_a_page_that_is_gone(context: UiContext, qtbot: QtBot) -> None:
    got: list[object] = []
    owner = QWidget()
    job = context.run("Counting", lambda work: work.wait(0.05), got.append, owner=owner)
    owner.deleteLater()
    QApplication.processEvents()
    job.result(5)
    qtbot.wait(30)
    assert got == []


def test_a_change_of_the_catalog_is_surveyed_and_engines_are_asked(
    context: UiContext, qtbot: QtBot, window: MainWindow
) -> None:
    from tests.ui.sample import SOURCE, engine_row

    window.start()
    with qtbot.waitSignal(context.grid_changed, timeout=5000):
        pass
    with context.console.catalog.write() as books:
        books.engines.save(engine_row(0).engine)
        books.applications.save(SOURCE)
    qtbot.waitUntil(lambda: context.grid is not None and len(context.grid.engines) == 1, timeout=5000)
    qtbot.waitUntil(lambda: not window.fleet.checking, timeout=5000)
    with qtbot.waitSignal(window.fleet.checked, timeout=5000) as checked:
        context.check()
    assert checked.args[0].failed == (("fra-1", "connection refused"),)
    qtbot.waitUntil(lambda: "1 engine unreachable" in window.status.words.whole())
    window.open_page("activity")
    qtbot.waitUntil(lambda: "Check engines" in [row.title for row in _activity(window).table.rows])
    window.fleet.stop()
    assert not window.fleet.checking


def test_a_window_that_was_closed_asks_nothing_more(context: UiContext, window: MainWindow) -> None:
    """What happened to the catalog right before is still on its way when the jobs are closed already."""
    window.start()
    window.close()
    assert context.jobs.close() == ()
    context.signals.catalog.emit(frozenset({"engines"}))
    QTest.qWait(300)
    context.check()
    assert not window.fleet.reading
    assert not window.fleet.checking


def _activity(window: MainWindow) -> ActivityPage:
    page = window.pages["activity"]
    assert isinstance(page, ActivityPage)
    return page


# --- settings -----------------------------------------------------------------------------------------------------


def test_settings_take_effect_at_once_and_nonsense_is_refused(window: MainWindow, qtbot: QtBot) -> None:
    window.context.console.vault.put(SecretReference("one"), Secret("made up"))
    window.open_page("settings")
    page = window.pages["settings"]
    assert isinstance(page, SettingsPage)
    page.theme.setCurrentIndex(page.theme.findData("dark"))
    assert window.context.theme.colours.dark
    assert window.context.preferences.theme is Theme.DARK
    page.density.setCurrentIndex(page.density.findData("tall"))
    assert window.context.theme.density is Density.TALL
    page.ageing.setValue(90)
    assert page.error.text().startswith("Stale after: 30")
    assert window.context.preferences.ageing_minutes == 5
    page.stale.setValue(120)
    assert page.error.isHidden()
    assert window.context.preferences.ageing_minutes == 90
    qtbot.waitUntil(lambda: page.credentials.state.text() == "In memory, for this run only.")


# --- the sources of the window --------------------------------------------------------------------------------------


def test_only_one_module_asks_and_none_reads_markup() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8")
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        attributes = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
        assert "QMessageBox" not in names, path
        assert not attributes & {"AutoText", "RichText", "MarkdownText", "setHtml", "setMarkdown"}, path
        assert not attributes & {"resizeColumnsToContents", "resizeRowsToContents", "ResizeToContents"}, path


def test_labels_come_from_one_place() -> None:
    allowed = {"text.py"}
    for path in PACKAGE.rglob("*.py"):
        if path.name in allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "QLabel":
                assert not node.args or not isinstance(node.args[0], ast.Constant), f"{path.name}: {node.lineno}"
