"""Pictures of windows and freezes: their list, their dialogs, and what the grid says of them.

They are taken with those of the other pages: python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from PySide6.QtWidgets import QWidget

from mirror_console.domain.schedule import Day, Freeze, Schedule, Window
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.imports import import_catalog
from mirror_console.operations.schedule import ScopeInput, WindowInput, save_window
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.settings.page import SettingsPage
from mirror_console.ui.settings.schedule_form import FreezeDialog, WindowDialog
from mirror_console.ui.window import MainWindow
from tests.ui import sample_rollout as sample
from tests.ui.pictures import rest
from tests.ui.sample import NOW

Scene = Callable[[MainWindow], QWidget]

GRID = sample.behind_fleet()


def _windows(window: MainWindow) -> SettingsPage:
    console, live = window.context.console, ScopeInput(environment="live")
    window.context.set_grid(GRID)
    import_catalog(console, "format: 1\naccounts: [{name: ACC-7}]\n")
    window.open_page("settings")
    page = window.pages["settings"]
    assert isinstance(page, SettingsPage)
    save_window(console, WindowInput("mon-fri", "20:00", "23:30", "Europe/Berlin", ScopeInput(account="ACC-7")))
    save_window(console, WindowInput("sat, sun", "22:00", "4:00", "America/New_York"))
    with console.catalog.write() as books:
        books.schedule.save_freeze(
            Freeze("f", NOW, NOW + timedelta(days=14), "Christmas business", "operator", environment=live.environment)
        )
    page.schedule.look()
    rest(window)
    return page


def _schedule(window: MainWindow) -> QWidget:
    part = _windows(window).schedule
    part.add_window.setFocus()
    rest(window)
    return window


def _new_window(window: MainWindow) -> QWidget:
    _windows(window)
    dialog = WindowDialog(GRID, lambda: None, window)
    dialog.zone.setText("Europe/Berlin")
    dialog.days.setText("sat, sun")
    dialog.begins.setText("22:00")
    dialog.ends.setText("4:00")
    return dialog


def _change_window(window: MainWindow) -> QWidget:
    _windows(window)
    dialog = WindowDialog(GRID, lambda: None, window)
    dialog.change(WindowInput("sat, sun", "22:00", "04:00", "Europe/Berlin", ScopeInput(environment="live"), "w"))
    return dialog


def _new_freeze(window: MainWindow) -> QWidget:
    _windows(window)
    dialog = FreezeDialog(GRID, lambda: None, window)
    dialog.zone.setText("Europe/Berlin")
    dialog.refused(InvalidInput("", [Problem("reason", "say why: whoever is stopped by it will ask")]))
    return dialog


def _windows_detail(window: MainWindow) -> QWidget:
    night = Window("w", (Day.SATURDAY, Day.SUNDAY), 22 * 60, 4 * 60, "Europe/Berlin", environment="live")
    window.context.set_grid(replace(GRID, schedule=Schedule((night,))))
    window.open_page("alignment")
    page = window.pages["alignment"]
    assert isinstance(page, AlignmentPage)
    rest(window)
    if page.detail.isHidden():
        page.toggle_detail()
    rest(window)
    return window


SCENES: dict[str, Scene] = {
    "schedule-change": _change_window,
    "schedule-settings": _schedule,
    "schedule-window": _new_window,
    "schedule-freeze": _new_freeze,
    "schedule-detail": _windows_detail,
}
