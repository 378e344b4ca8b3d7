"""The main window: rail, pages, menu bar, notices and status bar, and the way from page to page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt
from PySide6.QtGui import QCloseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from mirror_console.domain.fleet import Grid
from mirror_console.domain.rollout import OVER, Rollout
from mirror_console.operations.refresh import Refreshed
from mirror_console.settings import Preferences
from mirror_console.ui.actions import Declared, MenuName
from mirror_console.ui.activity.page import ActivityPage
from mirror_console.ui.context import UiContext
from mirror_console.ui.fleet import Fleet
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.help import help_here
from mirror_console.ui.keys import show_keys
from mirror_console.ui.notices import NoticeBar, announce
from mirror_console.ui.page import Page
from mirror_console.ui.rail import Rail, RailEntry
from mirror_console.ui.settings.page import SettingsPage
from mirror_console.ui.status_line import StatusLine
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3
from mirror_console.ui.where import ask_where
from mirror_console.ui.widgets.text import Look, label, plain_tip
from mirror_console.ui.words import moment, tr

NAME = "Mirror Console"
NARROW = 1100
PageFactory = Callable[[UiContext], Page]


def page_factories() -> tuple[PageFactory, ...]:
    """Every page, in the order of the rail: the one place where pages are named."""
    from mirror_console.ui.engines.page import EnginesPage
    from mirror_console.ui.mirrors.page import MirrorsPage
    from mirror_console.ui.rollout.page import RolloutsPage
    from mirror_console.ui.sources.page import SourcesPage

    return (AlignmentPage, RolloutsPage, MirrorsPage, SourcesPage, EnginesPage, ActivityPage, SettingsPage)


class MainWindow(QMainWindow):
    """The window. `start` begins to survey and check; closing it ends that."""

    def __init__(
        self, context: UiContext, pages: Sequence[PageFactory] | None = None, state: Path | None = None
    ) -> None:
        super().__init__()
        self.context = context
        self._state = QSettings(str(state), QSettings.Format.IniFormat) if state else None
        self._history: list[str] = []
        self._place = -1
        self._rail_wanted = True
        self._title()
        self.setMinimumSize(800, 560)
        self.fleet = Fleet(context)
        self._declare_window_actions()
        self.pages: dict[str, Page] = {}
        with context.theme.undressed():
            self._make_parts(page_factories() if pages is None else pages)
        self._fill_menu_bar()
        self._connect()
        self._restore()
        self.open_page(next(iter(self.pages)))

    def start(self) -> None:
        """Read the catalog, ask the engines, and go on doing so."""
        self.status.stand(tr("Checking engines…"))
        self.fleet.start()

    def open_page(self, page_id: str, what: dict[str, object] | None = None, *, remember: bool = True) -> None:
        """Bring a page to the front, and have it show something. A page with unsaved changes may keep the person."""
        page = self.pages.get(page_id)
        if page is None:
            return
        current = self.stack.currentWidget()
        if page is not current or not self.context.actions.current_page:
            if isinstance(current, Page) and self.context.actions.current_page and not current.may_leave():
                self.rail.show_page(current.id)
                return
            self.stack.setCurrentWidget(page)
            self.context.actions.current_page = page_id
            if remember:
                self._history[self._place + 1 :] = [page_id]
                self._place = len(self._history) - 1
            page.shown()
        self.rail.show_page(page_id)
        if what:
            page.show_what(what)
        self.context.actions.refresh()

    def step(self, by: int) -> None:
        """Go back or on in the history of pages."""
        if 0 <= self._place + by < len(self._history):
            self._place += by
            self.open_page(self._history[self._place], remember=False)

    @property
    def current(self) -> Page:
        """The page in front."""
        page = self.stack.currentWidget()
        assert isinstance(page, Page)  # noqa: S101 - nothing else is ever put into the stack
        return page

    # --- building -------------------------------------------------------------------------------------------------

    def _make_parts(self, pages: Sequence[PageFactory]) -> None:
        for make in pages:
            page = make(self.context)
            self.pages[page.id] = page
        self._declare_page_actions()
        entries = [
            RailEntry(page.id, page.title, page.icon, f"Ctrl+{place}")
            for place, page in enumerate(self.pages.values(), start=1)
        ]
        self.rail = Rail(entries, self.context.theme, self.context.icons)
        self.notice_bar = NoticeBar(self.context.notices, self.context.theme, self.context.icons)
        self.stack = QStackedWidget()
        self.status = StatusLine(self.context)
        self._build()

    def _build(self) -> None:
        for page in self.pages.values():
            self.stack.addWidget(page)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        banner = self._banner()
        if banner is not None:
            column.addWidget(banner)
        column.addWidget(self.notice_bar)
        column.addWidget(self.stack, 1)
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(column, 1)
        self.setCentralWidget(inside)
        self.setStatusBar(self.status)
        if self.context.console.read_only:
            # The menu bar doesn't keep the widget alive by itself.
            self._mode_chip = self._chip("lock", tr("Read-only"))
            self.menuBar().setCornerWidget(self._mode_chip, Qt.Corner.TopRightCorner)

    def _banner(self) -> QWidget | None:
        if not self.context.console.simulated:
            return None
        banner = QFrame()
        banner.setProperty("class", "banner")
        banner.setAccessibleName(tr("Simulated"))
        row = QHBoxLayout(banner)
        row.setContentsMargins(SPACE_3, SPACE_1, SPACE_3, SPACE_1)
        row.setSpacing(SPACE_2)
        mark = QLabel()
        mark.setPixmap(self.context.icons.pixmap("flask-conical", 16, self.devicePixelRatioF()))
        self.context.theme.changed.connect(
            lambda: mark.setPixmap(self.context.icons.pixmap("flask-conical", 16, self.devicePixelRatioF()))
        )
        row.addWidget(mark)
        row.addWidget(label(tr("Simulated"), Look.STRONG))
        row.addWidget(label(tr("These engines are not real. Nothing here reaches a Docker engine.")), 1)
        return banner

    def _chip(self, icon: str, words: str) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 2, SPACE_3, 2)
        row.setSpacing(SPACE_1)
        mark = QLabel()
        mark.setPixmap(self.context.icons.pixmap(icon, 14, self.devicePixelRatioF()))
        self.context.theme.changed.connect(
            lambda: mark.setPixmap(self.context.icons.pixmap(icon, 14, self.devicePixelRatioF()))
        )
        row.addWidget(mark)
        row.addWidget(label(words, Look.CHIP))
        holder.setToolTip(plain_tip(self.context.console.read_only))
        return holder

    def _declare_window_actions(self) -> None:
        def checking() -> str:
            return tr("checking already") if self.fleet.checking else ""

        self.context.actions.declare(
            Declared(
                "check.all",
                "Check all engines now",
                MenuName.ROLLOUT,
                self._check_all,
                "refresh-cw",
                "F5",
                refusal=checking,
            ),
            Declared(
                "go.where",
                "Where does a build run?…",
                MenuName.GO,
                lambda: ask_where(self.context, self),
                "search",
                "Ctrl+Shift+F",
            ),
            Declared("go.back", "Back", MenuName.GO, lambda: self.step(-1), "arrow-left", "Alt+Left"),
            Declared("go.forward", "Forward", MenuName.GO, lambda: self.step(1), "arrow-right", "Alt+Right"),
            Declared(
                "view.rail",
                "Show or hide titles of pages",
                MenuName.VIEW,
                self._turn_rail,
                "panel-left-close",
                "Ctrl+B",
            ),
            Declared("help.pages", "Help", MenuName.HELP, lambda: help_here(self.context, self), "circle-help", "F1"),
            Declared(
                "help.keys", "Keys", MenuName.HELP, lambda: show_keys(self.context, self), "circle-help", "Ctrl+?"
            ),
        )

    def _declare_page_actions(self) -> None:
        actions = self.context.actions
        for place, page in enumerate(self.pages.values(), start=1):
            actions.declare(
                Declared(
                    f"go.{page.id}",
                    page.title,
                    MenuName.GO,
                    partial(self.open_page, page.id),
                    page.icon,
                    f"Ctrl+{place}",
                    begins_group=place == 1,
                )
            )
        actions.declare(Declared("file.quit", "Quit", MenuName.FILE, self.close, "", "Ctrl+Q", begins_group=True))

    def _fill_menu_bar(self) -> None:
        bar = self.menuBar()
        bar.setAccessibleName(tr("Menus"))
        for name, ids in self.context.actions.menus():
            if ids:
                menu = bar.addMenu(tr(name))
                menu.aboutToShow.connect(self.context.actions.refresh)
                self.context.actions.fill(menu, ids)
        for declared in self.context.actions.all():
            # So that a shortcut works also while the menu bar is hidden.
            self.addAction(self.context.actions.action(declared.id))

    def _connect(self) -> None:
        context = self.context
        self.context.questions.over = self
        self.rail.chosen.connect(self.open_page)
        context.wish_to_go.connect(self.open_page)
        context.grid_changed.connect(self._take_grid)
        context.running_changed.connect(self._take_rollout)
        context.preferences_changed.connect(self._take_preferences)
        self.fleet.checked.connect(self._checked)
        self.fleet.stands.connect(self._stand)
        self.fleet.busy.connect(self._busy)
        self.fleet.ticked.connect(self._tick)
        self.status.engines_wanted.connect(lambda: self.open_page("engines"))
        self.status.rollout_wanted.connect(self._open_rollout)

    # --- what is heard ----------------------------------------------------------------------------------------------

    def _check_all(self) -> None:
        page = self.pages.get("alignment")
        if isinstance(page, AlignmentPage):
            page.sort_again()
        self.fleet.check()

    def _take_grid(self, grid: Grid) -> None:
        for page in self.pages.values():
            page.refresh(grid)
        self.context.actions.refresh()

    def _take_rollout(self, rollout: Rollout | None) -> None:
        badge = "" if rollout is None else f"{rollout.count(*OVER)}/{len(rollout.targets)}"
        self._title(badge)
        if "rollouts" in self.rail.buttons:
            self.rail.set_badge("rollouts", badge)

    def _title(self, progress: str = "") -> None:
        mode = f" ({tr('read-only')})" if self.context.console.read_only else ""
        self.setWindowTitle((f"{progress} – " if progress else "") + NAME + mode)

    def _take_preferences(self, preferences: Preferences) -> None:
        self.context.theme.choose(preferences.theme)
        self.context.theme.choose_density(preferences.density)

    def _busy(self, busy: bool) -> None:
        if busy:
            self.status.stand(tr("Checking engines…"))
        self.context.actions.refresh()

    def _stand(self, refreshed: Refreshed) -> None:
        now = self.context.now()
        self.status.stand(f"{refreshed.sentence}  {moment(now, now)}")

    def _checked(self, refreshed: Refreshed) -> None:
        self._stand(refreshed)
        announce(self.status, refreshed.sentence)

    def _tick(self) -> None:
        page = self.pages.get("alignment")
        if isinstance(page, AlignmentPage):
            page.tick_clock()

    def _open_rollout(self) -> None:
        running = self.context.running
        self.open_page("rollouts", {"rollout_id": running.id} if running else None)

    def _turn_rail(self) -> None:
        self._rail_wanted = self.rail.collapsed
        self.rail.collapse(not self.rail.collapsed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window has no room for titles in the rail, unless the person wants them."""
        super().resizeEvent(event)
        was, now = event.oldSize().width(), event.size().width()
        if (was < NARROW) != (now < NARROW) or was <= 0:
            self.rail.collapse(now < NARROW or not self._rail_wanted)

    # --- remembering --------------------------------------------------------------------------------------------------

    def _restore(self) -> None:
        self.resize(1280, 800)
        if self._state is None:
            return
        geometry = self._state.value("geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self._rail_wanted = self._state.value("rail") != "collapsed"
        self.rail.collapse(not self._rail_wanted)
        page = self.pages.get("alignment")
        if isinstance(page, AlignmentPage):
            page.detail.setVisible(self._state.value("details") != "hidden")
            page.ways.show(self._state.value("way back") == "shown")

    def _remember(self) -> None:
        if self._state is None:
            return
        self._state.setValue("geometry", self.saveGeometry())
        self._state.setValue("rail", "open" if self._rail_wanted else "collapsed")
        page = self.pages.get("alignment")
        if isinstance(page, AlignmentPage):
            self._state.setValue("details", "hidden" if page.detail.isHidden() else "shown")
            self._state.setValue("way back", "shown" if page.model.shows_ways else "hidden")
        self._state.sync()

    def event(self, event: QEvent) -> bool:
        """Whatever is painted or laid out anew in one go is done within this one call.

        Each call from Qt into Python takes the lock of the interpreter, which threads that work want as well: painting
        a table calls once for each cell, and would wait as often. Within a call from Python it has the lock already.
        """
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        """A window that nobody sees asks engines seldom."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.fleet.watch(not self.isMinimized())

    def showEvent(self, event: QShowEvent) -> None:
        """Keys go where the page wants them."""
        super().showEvent(event)
        self.current.shown()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Every page may keep the person: for unsaved changes, or for a rollout that runs."""
        for page in self.pages.values():
            if not page.may_close():
                event.ignore()
                return
        self._remember()
        self.fleet.stop()
        event.accept()
