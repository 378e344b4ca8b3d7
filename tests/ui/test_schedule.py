"""Windows and freezes in the window: typed with the keyboard alone, listed, told in the details, and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.schedule import Day, Freeze, Schedule, Window
from mirror_console.operations.schedule import FreezeInput, WindowInput, save_freeze, save_window
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.detail import DetailPanel
from mirror_console.ui.settings.schedule import SchedulePart
from mirror_console.ui.settings.schedule_form import FreezeDialog, ScheduleDialog, WindowDialog
from tests.ui import sample_rollout
from tests.ui.conftest import ContextMaker
from tests.ui.sample import NOW

GRID = sample_rollout.behind_fleet(3)
LIVE = "live"
NIGHT = Window("w", (Day.SUNDAY,), 120, 360, "Europe/Berlin", environment=LIVE)


@pytest.fixture
def part(qtbot: QtBot, context: UiContext) -> Iterator[SchedulePart]:
    context.set_grid(GRID)
    made = SchedulePart(context)
    qtbot.addWidget(made)
    made.resize(760, 300)
    made.show()
    qtbot.waitExposed(made)
    made.look()
    yield made
    made.close()


def opened(qtbot: QtBot, part: SchedulePart, kind: type[ScheduleDialog]) -> ScheduleDialog:
    qtbot.waitUntil(lambda: bool(part.findChildren(kind)))
    return part.findChildren(kind)[-1]


def type_into(field: QWidget, text: str) -> None:
    field.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClicks(field, text)


def test_a_window_is_added_with_the_keyboard_alone(qtbot: QtBot, part: SchedulePart) -> None:
    part.add_window.setFocus()
    QTest.keyClick(part.add_window, Qt.Key.Key_Space)
    dialog = opened(qtbot, part, WindowDialog)
    assert isinstance(dialog, WindowDialog)
    dialog.zone.clear()
    type_into(dialog.days, "sat, caturday")
    type_into(dialog.begins, "22:00")
    type_into(dialog.ends, "4:00")
    type_into(dialog.zone, "Europe/Berlin")
    # Enter is Cancel's, so that nothing is saved by accident: the button has to be reached.
    assert dialog.cancel_button.isDefault()
    dialog.go_button.setFocus()
    QTest.keyClick(dialog.go_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: bool(dialog.form.fields["days"].problem))
    assert "'caturday' is no day" in dialog.form.fields["days"].problem
    assert dialog.days.hasFocus() or not dialog.isActiveWindow()

    dialog.days.selectAll()
    QTest.keyClicks(dialog.days, "sat, sun")
    QTest.keyClick(dialog.go_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: part.view.isVisible() and part.table.rowCount() == 1)

    row = part.table.row(0)
    assert isinstance(row, Window)
    assert str(row) == "sat, sun 22:00–04:00 Europe/Berlin"
    assert part.nothing.isHidden()


def test_a_freeze_says_why_and_is_taken_away_once_that_was_confirmed(qtbot: QtBot, part: SchedulePart) -> None:
    QTest.mouseClick(part.add_freeze, Qt.MouseButton.LeftButton)
    dialog = opened(qtbot, part, FreezeDialog)
    assert isinstance(dialog, FreezeDialog)
    type_into(dialog.begins, "2998-12-20")
    type_into(dialog.ends, "2999-01-06")
    QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(dialog.form.fields["reason"].problem))
    type_into(dialog.reason, "Christmas")
    QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: part.table.rowCount() == 1)
    row = part.table.row(0)
    assert isinstance(row, Freeze)
    assert (row.reason, row.scope.environment) == ("Christmas", "")

    part.view.move_to(row.id)
    QTest.mouseClick(part.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: part.table.rowCount() == 0)
    assert part.nothing.isVisible()


def test_a_window_and_a_freeze_are_changed_where_they_stand(qtbot: QtBot, part: SchedulePart) -> None:
    console = part._context.console
    save_window(console, WindowInput("sat", "22:00", "4:00", "Europe/Berlin"))
    save_freeze(console, FreezeInput("2998-12-20", "2999-01-06", "UTC", "Christmas"))
    part.look()
    qtbot.waitUntil(lambda: part.table.rowCount() == 2)
    window, freeze = part.table.row(0), part.table.row(1)
    assert isinstance(freeze, Freeze)

    part.view.move_to(window.id)
    part.change.setFocus()
    QTest.keyClick(part.change, Qt.Key.Key_Space)
    dialog = opened(qtbot, part, WindowDialog)
    assert isinstance(dialog, WindowDialog)
    assert dialog.windowTitle() == "Change this maintenance window"
    assert (dialog.days.text(), dialog.begins.text(), dialog.ends.text()) == ("sat", "22:00", "04:00")
    dialog.days.selectAll()
    type_into(dialog.days, "sat, sun")
    dialog.go_button.setFocus()
    QTest.keyClick(dialog.go_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: str(part.table.row(0)) == "sat, sun 22:00–04:00 Europe/Berlin")
    assert part.table.row(0).id == window.id

    part.view.move_to(freeze.id)
    QTest.mouseClick(part.change, Qt.MouseButton.LeftButton)
    dialog = opened(qtbot, part, FreezeDialog)
    assert isinstance(dialog, FreezeDialog)
    type_into(dialog.reason, "Christmas and New Year")
    QTest.mouseClick(dialog.go_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: getattr(part.table.row(1), "reason", "") == "Christmas and New Year")
    changed = part.table.row(1)
    assert isinstance(changed, Freeze)
    assert (changed.id, changed.begins_at, changed.ends_at) == (freeze.id, freeze.begins_at, freeze.ends_at)


def test_who_may_change_nothing_sees_everything(qtbot: QtBot, make_context: ContextMaker) -> None:
    context = make_context(read_only="Started with --read-only.")
    made = SchedulePart(context)
    qtbot.addWidget(made)
    assert not made.add_window.isEnabled()
    assert not made.add_freeze.isEnabled()
    assert made.says.text() == "The console is read-only."


def test_the_details_tell_whether_it_may_be_changed(qtbot: QtBot, context: UiContext) -> None:
    panel = DetailPanel(context, lambda _action: None)
    qtbot.addWidget(panel)
    panel.show()
    row = next(row for row in GRID.rows if LIVE in row.cells)

    def told() -> str:
        panel.show_cell(row, row.cells[LIVE])
        QApplication.processEvents()
        return "\n".join(label.text() for label in panel.findChildren(QWidget) if hasattr(label, "text"))

    context.set_grid(GRID)
    assert "May be changed" not in told()
    context.set_grid(replace(GRID, schedule=Schedule((NIGHT,))))
    assert "no, outside its window (sun 02:00–06:00 Europe/Berlin); it may be changed from " in told()
    freeze = Freeze("f", NOW, datetime(2999, 1, 1, tzinfo=UTC), "an audit", "operator")
    context.set_grid(replace(GRID, schedule=Schedule((), (freeze,))))
    assert "no, frozen until 1 Jan 2999" in told()
