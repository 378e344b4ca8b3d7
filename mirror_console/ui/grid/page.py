"""The alignment page: what every mirror runs against what it should run, and from there to a rollout."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.filter_states import states_of, with_states
from mirror_console.domain.fleet import Grid
from mirror_console.domain.selection import BadFilter, completions, parse
from mirror_console.domain.status import Status
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.actions import LEAVE_OUT, ONLY, declared
from mirror_console.ui.grid.at_cursor import AtCursor
from mirror_console.ui.grid.detail import WIDTH, DetailPanel
from mirror_console.ui.grid.drift_actions import DriftActions
from mirror_console.ui.grid.lock_actions import LockOperations
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.grid.nothing_shown import NothingShown
from mirror_console.ui.grid.operations import DriftOperations
from mirror_console.ui.grid.selection_bar import SelectionBar
from mirror_console.ui.grid.view import GridView
from mirror_console.ui.grid.ways_part import WaysPart
from mirror_console.ui.page import Page
from mirror_console.ui.tokens import SPACE_2, SPACE_3
from mirror_console.ui.widgets.filter_box import FilterBox, Offer
from mirror_console.ui.widgets.summary import SummaryBar
from mirror_console.ui.widgets.text import Look, icon_button, label
from mirror_console.ui.words import number, tr

FOLLOW = 150
"""Milliseconds until the panel follows the cursor: while keys repeat it would only flicker."""
MENU = (
    "grid.details",
    "grid.check_this",
    "",
    "grid.copy_answer",
    "grid.copy_version",
    "grid.where_it_runs",
    "",
    *ONLY,
    "",
    *LEAVE_OUT,
    "grid.show_engine",
    "",
    "grid.roll_out_this",
    "grid.accept_drift",
    "grid.adopt_drift",
    "grid.correct_drift",
    "grid.take_over",
    "grid.edit_mirror",
)


class AlignmentPage(Page):
    """Filter, summary, grid, details and selection."""

    id = "alignment"
    title = "Alignment"
    icon = "layout-grid"

    def __init__(
        self, context: UiContext, operations: DriftOperations | None = None, locks: LockOperations | None = None
    ) -> None:
        super().__init__(context)
        self.model = GridModel(context.now)
        self.view = GridView(self.model, context.theme, context.icons)
        placeholder = tr("Filter: name, domain, tag, live:behind, engine:…, is:attention")
        self.at_cursor = AtCursor(context, self.view, lambda: self.model.filter_text, self.filter_by)
        self.filter = FilterBox(placeholder, context.theme, context.icons, self._offers)
        self.summary = SummaryBar(context.theme)
        self.selection = SelectionBar()
        self.selection.refuse(context.console.read_only)
        self.detail = DetailPanel(context, self._run, operations, locks)
        self.drift = DriftActions(context, self.at_cursor.cell, operations)
        self.empty = NothingShown(context, self.filter_by)
        self.ways = WaysPart(context, self.model, self.view, self)
        self.order_note = label("", Look.MUTED)
        self.check_button = icon_button(
            tr("Check all engines now"), context.icons.icon("refresh-cw"), lambda: self._run("check.all"), "F5"
        )
        context.icons.wear(self.check_button, "refresh-cw")
        self.detail_button = icon_button(
            tr("Show or hide the details"), context.icons.icon("panel-right-open"), self.toggle_detail, "Ctrl+I"
        )
        context.icons.wear(self.detail_button, "panel-right-open")
        self._everything: dict[Status, int] = {}
        self._build()
        self._follow = QTimer(self, singleShot=True, interval=FOLLOW)
        self._follow.timeout.connect(self._show_detail)
        context.actions.declare(*declared(self))
        self._connect()
        self.filter_by("")

    def _build(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.empty)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.stack)
        self.splitter.addWidget(self.detail)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setCollapsible(0, False)
        self.splitter.setCollapsible(1, False)
        self.splitter.setSizes([800, WIDTH])
        top = QHBoxLayout()
        top.setSpacing(SPACE_2)
        top.addWidget(self.filter, 1)
        for tool in (self.check_button, self.detail_button):
            top.addWidget(tool, 0, Qt.AlignmentFlag.AlignTop)
        head = QVBoxLayout()
        head.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_2)
        head.setSpacing(SPACE_2)
        head.addLayout(top)
        head.addWidget(self.summary)
        head.addWidget(self.order_note)
        self.order_note.hide()
        foot = QWidget()
        below = QVBoxLayout(foot)
        below.setContentsMargins(SPACE_2, 0, SPACE_2, 0)
        below.addWidget(self.selection)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(head)
        box.addWidget(self.splitter, 1)
        box.addWidget(foot)

    def _connect(self) -> None:
        self.filter.wanted.connect(self._filter)
        self.filter.left.connect(self._enter_grid)
        self.summary.chosen.connect(self._filter_states)
        self.view.moved.connect(self._moved)
        self.view.opened.connect(self.open_detail)
        self.view.asked.connect(self._run)
        self.view.menu_wanted.connect(self._menu)
        self.model.ticks_changed.connect(self._ticks)
        self.selection.wanted.connect(self._selection_asked)
        self.detail.closed.connect(self.close_detail)
        self.detail.environment_wanted.connect(self._go_environment)
        self.ways.moved.connect(self._ways_moved)

    # --- what the window asks ---------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Keys go to the grid."""
        self.ways.look()
        self._enter_grid()

    def refresh(self, grid: Grid) -> None:
        """Take a new survey."""
        # A window that isn't active has the focus nowhere yet, and knows where it will be.
        there = self.window().focusWidget() is self.filter.line
        waiting = there and self.stack.currentWidget() is self.empty and not self.filter.text()
        self.model.take(grid)
        self.ways.look()
        self._everything = self.model.counts_of_all()
        self.selection.show_environments(grid.columns)
        self._count()
        self._show_detail()
        if waiting:
            self._enter_grid()

    def show_what(self, what: dict[str, object]) -> None:
        """A filter, or a mirror and its environment."""
        match what:
            case {"filter": str(text)}:
                self.filter_by(text)
            case {"application_id": str(mirror), **rest}:
                if self.model.place_of(mirror) is None:
                    self.filter_by("")
                self.view.move_to(mirror, str(rest.get("environment", "")))
                self.open_detail()
            case _:
                pass
        self._enter_grid()

    def tick_clock(self) -> None:
        """Time has passed."""
        self.ways.tick_clock()
        self.model.tick_clock()
        self.detail.say_again()

    # --- what actions do --------------------------------------------------------------------------------------------

    def filter_by(self, text: str) -> None:
        """Show only what matches."""
        self.filter.put(text)

    def sort_again(self) -> None:
        """Bring the rows into the order of their states as they are now."""
        self.model.sort_again()
        self._count()

    def open_detail(self) -> None:
        """Show the details of the cell that the cursor is in."""
        self.detail.show()
        self._show_detail()

    def close_detail(self) -> None:
        """Give the room to the grid."""
        self.detail.hide()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def toggle_detail(self) -> None:
        """Show the details, or give the room to the grid."""
        if self.detail.isVisible():
            self.close_detail()
        else:
            self.open_detail()

    def back_out(self) -> None:
        """One step back: clear the filter, then leave the details. Ticks stay."""
        if self.filter.text():
            self.filter_by("")
        elif self.detail.isVisible():
            self.close_detail()

    def roll_out_ticked(self) -> None:
        """Begin a plan for the ticked mirrors in the environment that was chosen."""
        environment = self.selection.chosen_environment()
        if environment and self.model.ticked.ids:
            self.context.go("rollouts", environment=environment, application_ids=self.model.ticked.ids)

    def next_attention(self, step: int) -> None:
        """Go to the next cell that needs a person."""
        if not self.view.next_attention(step):
            self.context.say(tr("Nothing that is shown needs attention."))

    # --- parts ------------------------------------------------------------------------------------------------------

    def _run(self, action_id: str) -> None:
        self.context.actions.run(action_id)

    def _enter_grid(self) -> None:
        target = self.view if self.stack.currentWidget() is self.view else self.filter.line
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def _offers(self, text: str, cursor: int) -> Sequence[Offer]:
        if self.model.grid is None:
            return ()
        offers = []
        for one in completions(text, cursor, self.model.grid, self.model.ways):
            whole = text[: one.start] + one.text + text[one.end :]
            if whole != text:
                shown = one.text if one.count is None else f"{one.text}   ({number(one.count)})"
                offers.append(Offer(whole, one.start + len(one.text), shown))
        return offers

    def _filter(self, text: str) -> None:
        try:
            query = parse(text, self.model.grid.columns if self.model.grid else None)
        except BadFilter as wrong:
            # The last filter that could be read stays: a slip of the finger must not show everything.
            self.filter.show_error(str(wrong), wrong.start, wrong.end)
            return
        self.filter.show_error("")
        # As long as the ways back that it asks for are being read, the last filter stays.
        if self.ways.allow(query) and text.strip() != self.model.filter_text:
            self.model.filter(query if text.strip() else None, text.strip())
        self.summary.set_active(states_of(text))
        self._count()

    def _ways_moved(self) -> None:
        self._filter(self.filter.text())
        self._show_detail()

    def _filter_states(self, states: frozenset[Status]) -> None:
        self.filter_by(with_states(self.filter.text(), states))

    def _count(self) -> None:
        grid = self.model.grid
        old_order = tr("States have changed since the rows were ordered. Press F5 to order them again.")
        words = self.ways.waiting or (old_order if self.model.order_is_old else "")
        self.order_note.setText(words)
        self.order_note.setVisible(bool(words))
        if grid is None:
            self.stack.setCurrentWidget(self.empty)
            self.empty.say_reading()
            return
        everything = self._everything
        self.summary.show_counts(self.model.counts(), everything, len(grid.rows))
        self.summary.setVisible(bool(grid.rows))
        self.filter.setEnabled(bool(grid.rows))
        self.stack.setCurrentWidget(self.view if self.model.rowCount() else self.empty)
        if not grid.rows:
            self.empty.say_no_mirrors()
        elif not self.model.rowCount():
            self.empty.say_no_match(grid, everything, self.model.filter_text)

    def _moved(self) -> None:
        self._follow.start()
        self.context.actions.refresh()

    def _show_detail(self) -> None:
        if self.detail.isHidden():
            return
        mirror = self.view.cursor_mirror()
        row = self.model.row_at(self.view.currentIndex().row()) if mirror else None
        self.detail.show_cell(row, self.view.cursor_cell())

    def _go_environment(self, name: str) -> None:
        mirror = self.view.cursor_mirror()
        if mirror is not None:
            self.view.move_to(mirror, name)
            self._show_detail()

    def _ticks(self) -> None:
        self.selection.show_ticked(self.model.ticked, alone=self.model.only_ticked)
        self.context.actions.refresh()

    def _selection_asked(self, what: str) -> None:
        match what:
            case "show":
                alone = self.model.only_ticked
                self.filter_by("")
                self.model.show_only_ticked(not alone)
                self._count()
            case "drop":
                self.model.drop_hidden()
            case "clear":
                self.model.clear_ticks()
            case "roll out":
                self.roll_out_ticked()

    def _menu(self, at: QPoint) -> None:
        menu = self.context.actions.context_menu(MENU, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)
