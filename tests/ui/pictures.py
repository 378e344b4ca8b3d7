"""Pictures of every page and state of the window, in both themes and two sizes: to be looked at, not compared.

python -m tests.ui.pictures FOLDER [part of a name]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Paths on the pictures are those of nobody.
os.environ["HOME"] = "/home/operator"

from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QEvent, QEventLoop
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from mirror_console.domain.applied import Applied
from mirror_console.domain.cell import Cell
from mirror_console.domain.fleet import Grid
from mirror_console.domain.observation import State
from mirror_console.domain.pending import replaced_secret, settings_changes
from mirror_console.domain.way_back import KnownWay
from mirror_console.errors import ConsoleError
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.drift import DriftReport
from mirror_console.settings import Density, Preferences, Theme
from mirror_console.ui.activity.page import ActivityPage
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.columns import WAY_BACK
from mirror_console.ui.grid.operations import DriftOperations
from mirror_console.ui.grid.page import FOLLOW, MENU, AlignmentPage
from mirror_console.ui.notices import Notice, NoticeAction, Tone
from mirror_console.ui.questions import Question, QuestionDialog
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.where import WhereDialog
from mirror_console.ui.window import MainWindow, PageFactory
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.ui.conftest import SilentEngines
from tests.ui.sample import NOW, every_state, grid_of, sample_grid
from tests.ui.sample_audit import VERIFIED, VERIFIED_BROKEN, audit_lines
from tests.ui.sample_ways import sample_ways

SIZES = ((1024, 640), (1920, 1080))
THEMES = (Theme.LIGHT, Theme.DARK)
Scene = Callable[[MainWindow], QWidget]
ROUNDS = 100
"""How often events are looked for at most: something that moves by itself never rests."""
PATIENCE = 1000
"""How often, 10 ms apart, it is looked whether jobs have ended."""


@contextmanager
def open_window(
    application: QApplication,
    theme: Theme,
    pages: Sequence[PageFactory] | None = None,
    *,
    read_only: str = "",
    simulated: bool = False,
    density: Density = Density.COMFORTABLE,
) -> Iterator[MainWindow]:
    """A window on an empty catalog, without its clocks running. Its pages are the usual ones where none are given."""
    signals = Signals()
    jobs = Jobs(signals.report_job)
    with tempfile.TemporaryDirectory() as folder:
        catalog = opened_catalog(Path(folder) / "catalog.sqlite")
        console = Console(
            catalog=catalog,
            engines=SilentEngines(),
            vault=MemoryVault(),
            clock=lambda: NOW,
            monotonic=lambda: 0.0,
            sleep=lambda _seconds: None,
            person="operator",
            machine="workstation",
            read_only=read_only,
            simulated=simulated,
        )
        preferences = Preferences(theme=theme, density=density)
        service = ThemeService(application, theme, density)
        window = MainWindow(UiContext(console, jobs, preferences, service, signals), pages)
        try:
            yield window
        finally:
            window.deleteLater()
            settle()
            signals.close()
            jobs.close()
            catalog.close()


def settle() -> None:
    """Let everything that was asked for happen: one layout asks for the next, so it goes on until nothing is left."""
    events = QAbstractEventDispatcher.instance()
    assert events is not None
    for _ in range(ROUNDS):
        QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))
        if not events.processEvents(QEventLoop.ProcessEventsFlag.AllEvents):
            return


def rest(window: MainWindow) -> None:
    """Wait until every job of a window has ended, and what came of it is shown. A fixed time is too short some day."""
    settle()
    for _ in range(PATIENCE):
        if not window.context._asked:
            return settle()
        QTest.qWait(10)
    raise AssertionError(f"{len(window.context._asked)} jobs don't end")


def alignment(window: MainWindow) -> AlignmentPage:
    """The alignment page of a window."""
    page = window.pages["alignment"]
    assert isinstance(page, AlignmentPage)
    return page


def show(window: MainWindow, grid: Grid) -> AlignmentPage:
    """Show a survey on the alignment page."""
    window.context.set_grid(grid)
    window.status.stand(
        "Checked 40 environments on 2 engines; 1 engine unreachable (fra-2: connection refused).  12:05"
    )
    window.open_page("alignment")
    return alignment(window)


def keep(console: Console, grid: Grid) -> None:
    """Put a survey into the catalog, for what asks the catalog itself."""
    releases = {
        release.id: release for source in grid.sources for one in source.environments for release in one.releases
    }
    cells = [cell for row in grid.rows for cell in row.cells.values()]
    with console.catalog.write() as books:
        for engine in grid.engines:
            books.engines.save(engine.engine)
        for source in grid.sources:
            books.applications.save(source.application)
            for one in source.environments:
                books.environments.save(one.environment)
        for row in grid.rows:
            books.applications.save(row.application)
        for cell in cells:
            books.environments.save(cell.environment)
        for release in releases.values():
            books.releases.save(release)
        books.observations.save_all(
            replace(cell.observation, environment_id=cell.environment.id, engine_id=cell.environment.engine_id)
            for cell in cells
            if cell.observation is not None
        )


# --- scenes -------------------------------------------------------------------------------------------------------


def _fleet(window: MainWindow) -> QWidget:
    page = show(window, sample_grid())
    page.view.next_attention(1)
    page.open_detail()
    return window


def _large_fleet(window: MainWindow) -> QWidget:
    show(window, sample_grid(400)).detail.hide()
    return window


def _states(window: MainWindow) -> QWidget:
    page = show(window, grid_of(list(every_state().values())))
    page.detail.hide()
    return window


def _drifted(window: MainWindow) -> QWidget:
    page = show(window, grid_of(list(every_state().values())))
    row = every_state()["drifted settings"]
    page.detail.drift_actions.operations = DriftOperations(
        report=lambda _console, _id, _ask: _report(row.cells["live"])
    )
    page.view.move_to(row.application.id, "live")
    page.open_detail()
    QTest.qWait(FOLLOW + 20)
    rest(window)
    return window


def _report(cell: Cell) -> DriftReport:
    """What is told beside the differences: when settings were applied, and what waits for a rollout."""
    here = cell.environment
    since = NOW - timedelta(days=4)
    record = Applied(here.id, "web", "c" * 64, since, "operator", "fp1:1", here.settings, "r1", "26.8.3")
    waits = replace(here.settings, variables={**here.settings.variables, "STAGE": "live"}, init=True)
    secret = replaced_secret("SECRET_KEY")
    changes = (*settings_changes(here.settings, waits), secret)
    return DriftReport(cell.application, here, record, cell.differences, "", changes)


def _unhealthy(window: MainWindow) -> QWidget:
    page = show(window, grid_of(list(every_state().values())))
    page.view.move_to(every_state()["unhealthy"].application.id, "live")
    page.open_detail()
    return window


def _service(window: MainWindow) -> QWidget:
    """A service of a Swarm of which one task runs nowhere."""
    ill = every_state()["unhealthy"]
    here = ill.cells["live"]
    assert here.observation is not None
    words = "2 of 3 tasks run: no suitable node (insufficient resources on 2 nodes)"
    seen = replace(here.observation, state=State.RESTARTING, health_output=words, image_id=f"shop@sha256:{'ab' * 32}")
    service = here._replace(environment=replace(here.environment, swarm=True), observation=seen)
    page = show(window, grid_of([replace(ill, cells={**ill.cells, "live": service})]))
    page.view.move_to(ill.application.id, "live")
    page.open_detail()
    return window


def _locked(window: MainWindow) -> QWidget:
    page = show(window, grid_of(list(every_state().values())))
    page.view.move_to(every_state()["locked"].application.id, "live")
    page.open_detail()
    return window


def _cannot_be_told(window: MainWindow) -> QWidget:
    page = show(window, grid_of(list(every_state().values())))
    page.view.move_to(every_state()["can not be told"].application.id, "live")
    page.open_detail()
    return window


def _where_it_runs(window: MainWindow) -> QWidget:
    keep(window.context.console, sample_grid(96))
    page = show(window, sample_grid(96))
    page.view.next_attention(1)
    page.context.actions.run("grid.where_it_runs")
    (dialog,) = page.window().findChildren(WhereDialog)
    rest(window)
    return dialog


def _selection(window: MainWindow) -> QWidget:
    page = show(window, sample_grid(120))
    page.filter_by("live:behind")
    page.model.tick_shown()
    page.filter_by("dunes")
    page.model.toggle(1)
    page.detail.hide()
    return window


def _ways_back(window: MainWindow, asked: str = "") -> QWidget:
    grid = sample_grid()
    alignment(window).ways.read_by(lambda _console, _ids: sample_ways(grid))
    page = show(window, grid)
    page.detail.hide()
    page.ways.show(True)
    rest(window)
    page.filter_by(asked)
    if not asked:
        page.model.sort_by(WAY_BACK)
    rest(window)
    page.view.setCurrentIndex(page.model.index(0, page.model.column_of(WAY_BACK) or 0))
    return window


def _ways_being_read(window: MainWindow) -> QWidget:
    go = threading.Event()
    window.destroyed.connect(go.set)

    def wait(_console: Console, _ids: Collection[str]) -> Mapping[str, KnownWay]:
        go.wait(2)
        return {}

    alignment(window).ways.read_by(wait)
    page = show(window, sample_grid())
    page.detail.hide()
    page.ways.show(True)
    page.filter_by("live.back:no")
    return window


def _bad_filter(window: MainWindow) -> QWidget:
    page = show(window, sample_grid())
    page.filter_by("live:behnid statsu:x")
    page.detail.hide()
    return window


def _chip(window: MainWindow) -> QWidget:
    page = show(window, sample_grid(96))
    page.filter_by("status:behind,unhealthy")
    page.detail.hide()
    return window


def _no_match(window: MainWindow) -> QWidget:
    page = show(window, sample_grid())
    page.filter_by("zebra")
    return window


def _empty(window: MainWindow) -> QWidget:
    show(window, grid_of([])).detail.hide()
    return window


def _notices(window: MainWindow) -> QWidget:
    page = show(window, sample_grid())
    page.detail.hide()
    window.context.notices.error(
        ConsoleError(
            "Could not check 2 mirrors on fra-2. The server refused the connection.",
            "What is shown of them is from 12:05. Open the engine and test the connection.",
        ),
        "fra-2",
        NoticeAction("Test connection", lambda: None),
    )
    window.context.notices.done("Saved Dunes Bakery.", "saved")
    window.context.notices.tell(Notice(Tone.WARNING, "The keyring is locked.", "Unlock it to check ber-1.", "keyring"))
    return window


def _question(_window: MainWindow) -> QWidget:
    text = (
        "371 updates, 12 replacements that lose changes made by hand, 3 new. First 1, then it pauses. You can stop at"
        " any time; finished targets keep the new version unless you put them back."
    )
    question = Question("Roll out 26.8.3 to 386 live mirrors?", text, "Start rollout to 386", number=386, reason=True)
    return QuestionDialog(question)


def _activity(window: MainWindow) -> QWidget:
    show(window, sample_grid())
    window.context.run("Check engines", lambda work: work.report("fra-1 answered")).result(5)
    window.context.run("Checking Dunes Bakery", lambda _work: None).result(5)
    settle()
    window.open_page("activity")
    return window


def _activity_empty(window: MainWindow) -> QWidget:
    window.open_page("activity")
    return window


def _audit(window: MainWindow, *, broken: bool = False) -> QWidget:
    show(window, sample_grid())
    window.open_page("activity")
    page = window.pages["activity"]
    assert isinstance(page, ActivityPage)
    page.tabs.setCurrentWidget(page.audit)
    rest(window)
    page.audit.show_lines(audit_lines())
    page.audit.view.move_to(44)
    page.audit._verified(VERIFIED_BROKEN if broken else VERIFIED)
    settle()
    return window


def _settings(window: MainWindow) -> QWidget:
    show(window, sample_grid())
    window.open_page("settings")
    return window


def _collapsed(window: MainWindow) -> QWidget:
    show(window, sample_grid())
    window.rail.collapse(True)
    return window


def _menu(window: MainWindow) -> QWidget:
    page = show(window, sample_grid())
    page.view.next_attention(1)
    return window.context.actions.context_menu(MENU, window)


SCENES: dict[str, Scene] = {
    "alignment": _fleet,
    "alignment-400": _large_fleet,
    "states": _states,
    "detail-drifted": _drifted,
    "detail-unhealthy": _unhealthy,
    "detail-service": _service,
    "detail-cannot-be-told": _cannot_be_told,
    "detail-locked": _locked,
    "selection": _selection,
    "ways-back": _ways_back,
    "ways-back-filter": lambda window: _ways_back(window, "live.back:pull,no,blocked"),
    "ways-back-being-read": _ways_being_read,
    "bad-filter": _bad_filter,
    "chip": _chip,
    "where-it-runs": _where_it_runs,
    "no-match": _no_match,
    "empty": _empty,
    "notices": _notices,
    "question": _question,
    "activity": _activity,
    "activity-empty": _activity_empty,
    "audit": _audit,
    "audit-broken": lambda window: _audit(window, broken=True),
    "settings": _settings,
    "collapsed": _collapsed,
    "menu": _menu,
}


def take(folder: Path, part: str = "") -> list[Path]:
    """Paint every scene whose name holds `part` into `folder`; returns the files."""
    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for theme in THEMES:
        for name, scene in SCENES.items():
            if part in name:
                for density, modes in _variants(name):
                    made += _take(application, folder, theme, name, scene, density, **modes)
    return made


def _variants(name: str) -> list[tuple[Density, dict[str, object]]]:
    if name == "alignment":
        tall: dict[str, object] = {"simulated": True, "read_only": "Started with --read-only."}
        return [(Density.COMFORTABLE, {}), (Density.TALL, tall), (Density.COMPACT, {})]
    return [(Density.COMFORTABLE, {})]


def _take(
    application: QApplication,
    folder: Path,
    theme: Theme,
    name: str,
    scene: Scene,
    density: Density,
    **modes: object,
) -> list[Path]:
    made = []
    for width, height in SIZES:
        with open_window(application, theme, density=density, **modes) as window:  # type: ignore[arg-type]  # by name
            window.resize(width, height)
            window.show()
            window.activateWindow()
            settle()
            shown = scene(window)
            if shown is not window:
                shown.ensurePolished()
                shown.show()
            settle()
            # The panel follows the cursor after a moment.
            QTest.qWait(FOLLOW + 20)
            settle()
            variant = "" if density is Density.COMFORTABLE else f"-{density}"
            path = folder / f"{name}{variant}-{theme}-{width}.png"
            shown.grab().save(str(path))
            made.append(path)
            if shown is not window:
                shown.close()
                shown.deleteLater()
                return made
    return made


def main() -> None:
    """Paint into the folder that is named on the command line."""
    # That module takes its window from this one.
    from tests.ui import pictures_pages

    parser = argparse.ArgumentParser(prog="python -m tests.ui.pictures", description="Pictures of the window.")
    parser.add_argument("folder", type=Path, help="where to put them")
    parser.add_argument("part", nargs="?", default="", help="only those with this in their name")
    asked = parser.parse_args()
    for path in [*take(asked.folder, asked.part), *pictures_pages.take(asked.folder, asked.part)]:
        print(path)


if __name__ == "__main__":
    main()
