"""The schedule part of the settings page: maintenance windows and freezes, for whom and when, and which count now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QTimeZone
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.schedule import Freeze, Schedule, Window, scope_words
from mirror_console.domain.status import Status
from mirror_console.errors import InvalidInput
from mirror_console.operations.schedule import (
    FreezeInput,
    WindowInput,
    as_typed,
    save_freeze,
    save_window,
    slug_of,
    take_away,
    the_schedule,
)
from mirror_console.ui.context import UiContext
from mirror_console.ui.settings.schedule_form import FreezeDialog, ScheduleDialog, WindowDialog
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import moment, tr

ROWS_SHOWN = 8


class SchedulePart(QWidget):
    """A list, two buttons to add to it, and two to change or take away what is chosen; a double click changes it."""

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        self._names: dict[str, str] = {}
        self.nothing = label(tr("None: mirrors may be changed at any time."), Look.MUTED, wrap=True)
        self.table: Table[Window | Freeze] = Table(
            (
                Column("what", tr("What"), _what, 86, status=self._mark),
                Column("for", tr("For"), self._for, 120, strong=True, tip=self._for),
                Column("when", tr("When"), self._when, 200, stretch=True, tip=self._when),
                Column("now", tr("Now"), self._now, 64, muted=True),
            ),
            key=lambda one: one.id,
        )
        self.view = TableView(self.table, context.theme, tr("Windows and freezes"))
        self.add_window = button(tr("Add a window…"), self._new_window)
        self.add_freeze = button(tr("Add a freeze…"), self._new_freeze)
        self.change = button(tr("Change…"), self._change)
        self.remove = button(tr("Take away…"), self._remove)
        self.says = label("", Look.MUTED, wrap=True)
        row = QHBoxLayout()
        row.setSpacing(SPACE_2)
        for one in (self.add_window, self.add_freeze, self.change, self.remove):
            row.addWidget(one)
        row.addWidget(self.says, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.nothing)
        column.addWidget(self.view)
        column.addLayout(row)
        self.view.hide()
        self.setFocusProxy(self.add_window)
        self.view.doubleClicked.connect(lambda _index: self._change())
        self.view.selectionModel().currentChanged.connect(lambda *_: self._offer())
        self._offer()

    def look(self) -> None:
        """Read them anew."""
        console = self._context.console
        self._context.run(
            tr("Read windows and freezes"), lambda _work: the_schedule(console), self._show, lane="schedule", owner=self
        )

    def _show(self, found: tuple[Schedule, dict[str, str]]) -> None:
        schedule, self._names = found
        self.table.show(schedule.all)
        self.view.setVisible(bool(schedule))
        self.nothing.setVisible(not schedule)
        rows = min(len(schedule.all), ROWS_SHOWN)
        header = self.view.horizontalHeader().sizeHint().height()
        self.view.setFixedHeight(header + rows * self.view.verticalHeader().defaultSectionSize() + 4)
        self._offer()

    def _offer(self) -> None:
        refusal = self._context.console.read_only
        for one in (self.add_window, self.add_freeze):
            one.setEnabled(not refusal)
        for one in (self.change, self.remove):
            one.setVisible(self.view.isVisibleTo(self))
            one.setEnabled(not refusal and self._chosen() is not None)
        self.says.setText(tr("The console is read-only.") if refusal else "")

    def _chosen(self) -> Window | Freeze | None:
        place = self.view.currentIndex().row()
        return self.table.row(place) if 0 <= place < len(self.table.rows) else None

    # --- what a person may do -----------------------------------------------------------------------------------

    def _new_window(self) -> None:
        console = self._context.console
        dialog = WindowDialog(
            self._context.grid, lambda: self._save(dialog, lambda: save_window(console, dialog.input())), self
        )
        dialog.open()

    def _new_freeze(self) -> None:
        console = self._context.console
        dialog = FreezeDialog(
            self._context.grid, lambda: self._save(dialog, lambda: save_freeze(console, dialog.input())), self
        )
        dialog.open()

    def _change(self) -> None:
        chosen, console = self._chosen(), self._context.console
        if chosen is None:
            return
        here = bytes(QTimeZone.systemTimeZoneId().data()).decode() or "UTC"
        self._context.run(
            tr("Read windows and freezes"),
            lambda _work: as_typed(chosen, slug_of(console, chosen), here),
            self._ask_change,
            lane="schedule",
            owner=self,
        )

    def _ask_change(self, typed: WindowInput | FreezeInput) -> None:
        console, grid = self._context.console, self._context.grid
        dialog: WindowDialog | FreezeDialog
        if isinstance(typed, WindowInput):
            window = WindowDialog(grid, lambda: self._save(window, lambda: save_window(console, window.input())), self)
            window.change(typed)
            dialog = window
        else:
            freeze = FreezeDialog(grid, lambda: self._save(freeze, lambda: save_freeze(console, freeze.input())), self)
            freeze.change(typed)
            dialog = freeze
        dialog.open()

    def _save(self, dialog: ScheduleDialog, save: Callable[[], object]) -> None:
        """Save in the background: the dialog closes once that is done, and tells what is wrong where it isn't."""
        dialog.go_button.setEnabled(False)

        def saved(_made: object) -> None:
            dialog.accept()
            self.look()

        def failed(error: Exception) -> None:
            dialog.go_button.setEnabled(True)
            if isinstance(error, InvalidInput):
                dialog.refused(error)
            else:
                self._context.tell(error, "schedule")

        self._context.run(tr("Save"), lambda _work: save(), saved, failed, lane="schedule", owner=dialog)

    def _remove(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        what = tr("window") if isinstance(chosen, Window) else tr("freeze")
        title = tr("Take away this {}?").format(what)
        words = f"{self._for(chosen)}: {self._when(chosen)}."
        if not self._context.questions.confirm(title, words, tr("Take it away")):
            return
        console = self._context.console
        self._context.run(
            tr("Take a window or freeze away"),
            lambda _work: take_away(console, chosen.id),
            lambda _done: self.look(),
            owner=self,
        )

    # --- words --------------------------------------------------------------------------------------------------

    def _time(self) -> datetime:
        return self._context.now()

    def _for(self, one: Window | Freeze) -> str:
        return scope_words(one.scope, self._names)

    def _when(self, one: Window | Freeze) -> str:
        if isinstance(one, Window):
            return str(one)
        now = self._time()
        return f"{moment(one.begins_at, now)} – {moment(one.ends_at, now)}: {one.reason} ({one.person})"

    def _now(self, one: Window | Freeze) -> str:
        now = self._time()
        if isinstance(one, Window):
            return tr("open") if one.is_open(now) else tr("closed")
        if one.in_force(now):
            return tr("frozen")
        return tr("over") if one.ends_at <= now else tr("to come")

    def _mark(self, one: Window | Freeze) -> Status:
        now = self._time()
        if isinstance(one, Window):
            return Status.ALIGNED if one.is_open(now) else Status.NOT_APPLICABLE
        return Status.UNREACHABLE if one.in_force(now) else Status.NOT_APPLICABLE


def _what(one: Window | Freeze) -> str:
    return tr("window") if isinstance(one, Window) else tr("freeze")
