"""filter: 10,000 mirrors × 3 environments, from the end of the debounce to painted rows, against a bare repaint.

The page takes the filter as it does when typing has paused, and is measured until the rows are painted. The bare table
view has the same rows, columns, sizes and delegate, and is only painted again. Both wait for their paint event in the
same way; the pause of the platform before it is switched off.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

# Before anything imports Qt: it reads these once.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QPA_UPDATE_IDLE_TIME"] = "0"

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QTableView, QWidget

from mirror_console.domain.fleet import Grid
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.settings import Preferences
from mirror_console.store import Catalog
from mirror_console.ui.context import UiContext
from mirror_console.ui.desktop import application
from mirror_console.ui.grid.delegate import CellDelegate
from mirror_console.ui.grid.model import GridModel
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.grid.view import GridView
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.vault import MemoryVault
from tests.benchmarks.ground import seconds_since
from tests.benchmarks.harness import Benchmark, Bound, Goal, NotMeasured, Sides
from tests.ui.conftest import SilentEngines
from tests.ui.sample import NOW, grid_of, sample_grid

MIRRORS = 10_000
WIDTH, HEIGHT = 1400, 1000
FILTERS = ("example", "live:aligned", "tag:early,vip", "is:attention", "ba", "-live:aligned", "engine:fra-1", "")
"""Each lets more mirrors through than are painted at once: a filter with few rows would paint less."""


@contextmanager
def sides() -> Iterator[Sides]:
    """The page and the bare view, both on the screen, filled and painted once."""
    qt = application()
    grid = _grid()
    with _context(qt) as context:
        page = AlignmentPage(context)
        page.resize(WIDTH, HEIGHT)
        page.refresh(grid)
        painted_page = _Painted(page.view.viewport())
        page.show()
        painted_page.wait(qt)
        painted_page.none_left(qt)
        # Only now the page has the sizes that the bare view is to have.
        bare = _bare_view(context, page.view, grid)
        painted_bare = _Painted(bare.viewport())
        bare.show()
        painted_bare.wait(qt)
        texts = itertools.cycle(FILTERS)

        def ours() -> float:
            text = next(texts)
            painted_page.none_left(qt)
            began = time.perf_counter()
            page.filter.put(text)  # asks at once, as the end of the pause does
            painted_page.wait(qt)
            took = seconds_since(began)
            if page.filter.error.isVisible() or len(page.model.shown) < page.view.viewport().height() // 20:
                raise NotMeasured(f"the filter '{text}' shows {len(page.model.shown)} rows")
            return took * 1000

        def alternative() -> float:
            painted_bare.none_left(qt)
            began = time.perf_counter()
            for part in (bare, bare.horizontalHeader(), bare.verticalHeader()):
                part.viewport().update()
            painted_bare.wait(qt)
            return seconds_since(began) * 1000

        try:
            yield Sides(ours, alternative)
        finally:
            for window in (page, bare):
                window.close()
                window.deleteLater()
            qt.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))


class _Painted(QObject):
    """Waits until a widget has been painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._times = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's own name
        """Counts paint events; the widget still gets them."""
        if event.type() is QEvent.Type.Paint:
            self._times += 1
        return False

    def wait(self, qt: QApplication) -> None:
        """Let Qt work until the widget is painted, and with it whatever waits to be painted beside it."""
        until = time.perf_counter() + 10.0
        while not self._times:
            qt.processEvents()
            if time.perf_counter() > until:
                raise NotMeasured("nothing was painted")
        self._times = 0

    def none_left(self, qt: QApplication) -> None:
        """Let Qt do what is left to do, so that it isn't measured."""
        for _ in range(3):
            qt.processEvents()
        self._times = 0


def _bare_view(context: UiContext, like: GridView, grid: Grid) -> QTableView:
    """Qt's own table view with the sizes of another one."""
    model = GridModel(context.now)
    model.take(grid)
    bare = QTableView()
    model.setParent(bare)
    bare.setModel(model)
    bare.setItemDelegate(CellDelegate(context.theme, context.icons, bare, model))
    bare.setShowGrid(False)
    bare.setWordWrap(False)
    bare.resize(like.size())
    bare.verticalHeader().setDefaultSectionSize(like.verticalHeader().defaultSectionSize())
    bare.verticalHeader().setFixedWidth(like.verticalHeader().width())
    for column in range(model.columnCount()):
        bare.setColumnWidth(column, like.columnWidth(column))
        bare.setColumnHidden(column, like.isColumnHidden(column))
    return bare


def _grid() -> Grid:
    rows = []
    for row in sample_grid(MIRRORS).rows:
        live = row.cells["live"]
        cells = {
            name: row.cells.get(name)
            or live._replace(environment=replace(live.environment, id=f"{row.application.id}-{name}", name=name))
            for name in ("test", "staging", "live")
        }
        rows.append(replace(row, cells=cells))
    return replace(grid_of(rows), columns=("test", "staging", "live"))


@contextmanager
def _context(qt: QApplication) -> Iterator[UiContext]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    catalog = Catalog.open(folder / "catalog.sqlite")
    signals = Signals()
    jobs = Jobs(signals.report_job)
    vault = MemoryVault()
    console = Console(
        catalog, SilentEngines(), vault, lambda: NOW, time.monotonic, time.sleep, "operator", "workstation"
    )
    preferences = Preferences()
    theme = ThemeService(qt, preferences.theme, preferences.density)
    try:
        yield UiContext(console, jobs, preferences, theme, signals)
    finally:
        signals.close()
        jobs.close()
        catalog.close()
        shutil.rmtree(folder)


BENCHMARK = Benchmark(
    name="filter",
    unit="ms",
    ours=f"a filter over {MIRRORS} mirrors × 3 environments, from the end of the debounce to painted rows",
    alternative="a repaint of a bare table view of the same size with the same delegate",
    goal=Goal(Bound.AT_MOST, 2.0),
    rounds=24,
    setup=sides,
)
