"""Pictures of rollouts from plan to report, in both themes and two sizes: to be looked at. Takes those of others, too.

python -m tests.ui.pictures_rollout FOLDER [part of a name]
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from mirror_console.domain.causes import causes
from mirror_console.domain.check import Check
from mirror_console.domain.durations import Lasted, Learned
from mirror_console.domain.fetching import FetchState, fetching_words
from mirror_console.domain.fleet import Row
from mirror_console.domain.journal import Phase
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.recovery import Found
from mirror_console.domain.release_command import BackupCommand, Preparation, ReleaseCommand
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.domain.route import Route
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.domain.way_back import WayBack
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.overriding import override
from mirror_console.operations.recovery import Finding, Interruption
from mirror_console.settings import Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.help import HelpDialog
from mirror_console.ui.mirrors.page import MirrorsPage
from mirror_console.ui.questions import ChoiceDialog, QuestionDialog
from mirror_console.ui.rollout.assistant import question
from mirror_console.ui.rollout.causes_panel import choices
from mirror_console.ui.rollout.checks import ChecksStep
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.overriding import OverrideDialog
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.rollout.runs import _Run
from mirror_console.ui.settings.page import SettingsPage
from mirror_console.ui.signals import Signals
from mirror_console.ui.sources.page import SourcesPage
from mirror_console.ui.theme import ThemeService
from mirror_console.ui.window import MainWindow
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.ui import (
    pictures_catalog,
    pictures_commands,
    pictures_engines,
    pictures_images,
    pictures_processes,
    pictures_schedule,
    pictures_sources,
)
from tests.ui import sample_rollout as sample
from tests.ui.conftest import SilentEngines
from tests.ui.pictures import SIZES, THEMES, rest, settle
from tests.ui.sample import NOW

Scene = Callable[[MainWindow], QWidget]

GRID = sample.behind_fleet()
PLAN = sample.plan_of(GRID)
LARGE = sample.plan_of(sample.behind_fleet(60))
COMING = (
    (FetchState.ALREADY, 1.0, ""),
    (FetchState.RESTING, 0.0, "registry.lab:5000: too many requests; try 3 in 7 s"),
)


@contextmanager
def open_window(application: QApplication, theme: Theme, read_only: str = "") -> Iterator[MainWindow]:
    """A window whose pages work on what the sample says, without clocks."""
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
        )
        service = ThemeService(application, theme, Preferences().density)
        context = UiContext(console, jobs, Preferences(theme=theme), service, signals)
        window = MainWindow(
            context,
            (
                AlignmentPage,
                lambda context: RolloutsPage(context, ROLLOUT_OPERATIONS),
                lambda context: MirrorsPage(context, pictures_catalog.MIRROR_OPERATIONS),
                lambda context: SourcesPage(context, pictures_catalog.SOURCE_OPERATIONS),
                lambda context: EnginesPage(context, pictures_catalog.ENGINE_OPERATIONS),
                SettingsPage,
            ),
        )
        try:
            yield window
        finally:
            window.deleteLater()
            settle()
            signals.close()
            jobs.close()
            catalog.close()


# --- what stands in for the operations ----------------------------------------------------------------------------


def _interrupted(_console: Console, _running: Collection[str] = ()) -> tuple[Interruption, ...]:
    return ()


def _examine(_console: object, _jobs: object, rollout: object) -> tuple[Finding, ...]:
    cut_off = sample.interrupted(PLAN).targets[6:10]
    return (
        Finding(cut_off[0], Found.HALF_DONE, "half done; it is down now", down=True),
        Finding(cut_off[1], Found.UNVERIFIED, "new container runs, unverified"),
        Finding(cut_off[2], Found.NOT_BEGUN, "not begun"),
        Finding(cut_off[3], None, "fra-1 refused the connection"),
    )


def _learned(_console: Console) -> Learned:
    return Learned(tuple(Lasted("live", "any", change, 31.0 + place) for change in Change for place in range(9)))


ROLLOUT_OPERATIONS = RolloutOperations(interrupted=_interrupted, examine=_examine, learned=_learned)

# --- scenes -------------------------------------------------------------------------------------------------------


def _rollouts(window: MainWindow, grid: object = None) -> RolloutsPage:
    window.context.set_grid(GRID if grid is None else grid)  # type: ignore[arg-type]  # a Grid
    window.open_page("rollouts")
    page = window.pages["rollouts"]
    assert isinstance(page, RolloutsPage)
    rest(window)
    return page


def _list(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    day = NOW - sample.ended(PLAN).started_at
    older = [
        replace(
            sample.with_states(sample.started(PLAN), [sample.DONE] * len(PLAN.targets)),
            id=f"rollout-{number}",
            started_at=NOW - day * number * 200,
            state=RolloutState.COMPLETED if number % 3 else RolloutState.STOPPED,
            why=("release 26.8.2", "monthly release", "")[number % 3],
        )
        for number in range(2, 7)
    ]
    rollouts = [
        replace(sample.paused(PLAN), id="a"),
        replace(sample.interrupted(PLAN), id="b"),
        sample.ended(PLAN),
        *older,
    ]
    page.list.show_rollouts(rollouts)
    return window


def _list_empty(window: MainWindow) -> QWidget:
    _rollouts(window)
    return window


def _targets(window: MainWindow) -> QWidget:
    _rollouts(window).begin("live", sample.ids(GRID))
    return window


def _way(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    way = page.assistant.targets.way
    way.max_failed.setText("5%")
    way.canary.setText("tag:early")
    way.pauses.setCurrentIndex(3)
    way.pause_waves.setText("1, 3")
    rest(window)
    scroll = way.parentWidget()
    while scroll is not None and not isinstance(scroll, QScrollArea):
        scroll = scroll.parentWidget()
    assert scroll is not None
    scroll.ensureWidgetVisible(way.kept, 0, 40)
    return window


def _targets_wrong(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    way = page.assistant.targets.way
    way.waves.setText("1, a few, rest")
    way.bake.setText("soon")
    way.accept()
    return window


def _targets_none(window: MainWindow) -> QWidget:
    _rollouts(window).begin()
    return window


def _preview(window: MainWindow, tab: int = 0) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    page.assistant.show_plan(PLAN)
    page.assistant.preview.tabs.setCurrentIndex(tab)
    return window


def _prepared() -> Plan:
    """The same plan where a release command is run before, once for a group and once for each of the others."""
    release = ReleaseCommand(("python", "manage.py", "migrate", "--no-input"), reversible=False)
    backup = BackupCommand(("/app/backup",))

    def of(target: PlannedTarget, group: str) -> Preparation:
        return Preparation(group or target.environment_id, ("fp1:3",), group, release, backup)

    targets = [
        replace(target, preparation=of(target, "books" if place < 3 else ""), way_back=WayBack.BLOCKED)
        for place, target in enumerate(PLAN.targets)
    ]
    return replace(PLAN, targets=tuple(targets))


def _preview_prepared(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    page.assistant.show_plan(_prepared())
    return window


def _releasing(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    rollout = sample.running(_prepared())
    words = "python manage.py migrate --no-input (at most 600 s)"
    target = replace(rollout.targets[7], state=TargetState.RELEASING, words=words)
    rollout = replace(rollout, targets=(*rollout.targets[:7], target, *rollout.targets[8:]))
    page.list.show_rollouts([rollout])
    page.open("rollout-1")
    rest(window)
    page.run_view.view.move_to(target.environment_id)
    rest(window)
    page.run_view.hidden()
    entries = sample.journal(rollout, target.environment_id, Step.DISARM)[:-1]
    begun = replace(entries[-1], step=Step.RELEASE, phase=Phase.INTENT, result=None)
    page.run_view.panel.show_target(target, [*entries, begun], NOW)
    return window


def _settings_targets(window: MainWindow) -> QWidget:
    page = _rollouts(window, replace(GRID, rows=tuple(_pending(row) for row in GRID.rows)))
    page.begin("live", sample.ids(GRID))
    page.assistant.targets.what.setCurrentIndex(1)
    return window


def _pending(row: Row) -> Row:
    waits = len(row.application.slug) % 2 == 0
    cells = {name: cell._replace(pending=waits) for name, cell in row.cells.items()}
    return replace(row, cells=cells)


def _settings_plan(window: MainWindow, tab: int) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    page.assistant.show_plan(sample.settings_plan(PLAN))
    page.assistant.preview.tabs.setCurrentIndex(tab)
    return window


def _swaps(window: MainWindow, tab: int = 3) -> QWidget:
    """A third starts beside the old ones by their aliases, a third as their proxy follows labels."""

    def routed(place: int, target: PlannedTarget) -> PlannedTarget:
        alias = target.container.removesuffix("-live")
        route = (Route("edge", alias, 8080, overlap=True), Route(convention="traefik", overlap=True), None)[place % 3]
        if route is None:
            return target
        return replace(target, swap=Swap.BESIDE, settings=replace(target.settings, ports=(), route=route))

    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    targets = tuple(routed(place, target) for place, target in enumerate(PLAN.targets))
    page.assistant.show_plan(replace(PLAN, targets=targets))
    page.assistant.preview.tabs.setCurrentIndex(tab)
    return window


def _window_waits(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    rollout = sample.waits(PLAN)
    page.runs._runs[rollout.id] = _Run(rollout)
    page.list.show_rollouts([rollout])
    page.open(rollout.id)
    return window


def _fetch_now(window: MainWindow) -> QWidget:
    _preview(window)
    page = window.pages["rollouts"]
    assert isinstance(page, RolloutsPage)
    part = page.assistant.fetch_now
    part.says.say(fetching_words(sample.fetches(PLAN, *COMING)))
    part.button.setText("Stop fetching")
    return window


def _checks(window: MainWindow, share: float = 1.0) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    page.assistant.show_plan(PLAN)
    page.assistant.show_checks(PLAN)
    answers = sample.answers(PLAN)
    page.assistant.checks.take(answers[: int(len(answers) * share)])
    if share >= 1:
        page.assistant.checks.finish(sample.checked(PLAN))
    return window


def _confirm(window: MainWindow) -> QWidget:
    _checks(window)
    return QuestionDialog(question(LARGE, sample.checked(LARGE), protected=True))


def _running(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.running(PLAN)])
    page.open("rollout-1")
    rest(window)
    rollout = sample.running(PLAN)
    target = rollout.targets[7]
    page.run_view.view.move_to(target.environment_id)
    rest(window)
    page.run_view.hidden()
    page.run_view.panel.show_target(target, sample.journal(rollout, target.environment_id), NOW)
    page.run_view.pause.setEnabled(True)
    page.run_view.stop.setEnabled(True)
    return window


def _fetching(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.fetching(PLAN)])
    page.open("rollout-1")
    rest(window)
    page.run_view.hidden()
    return window


def _slow(window: MainWindow) -> QWidget:
    _running(window)
    page = window.pages["rollouts"]
    assert isinstance(page, RolloutsPage)
    rollout = sample.running(PLAN)
    late = replace(rollout.targets[7], started_at=NOW - timedelta(minutes=3))
    page.run_view.show_rollout(replace(rollout, targets=(*rollout.targets[:7], late, *rollout.targets[8:])))
    rest(window)
    page.run_view.hidden()
    return window


def _window_closed(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    rollout = sample.window_closed(PLAN)
    page.list.show_rollouts([rollout])
    page.open(rollout.id)
    return window


def _paused(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.paused(PLAN)])
    page.open("rollout-1")
    return window


def _asking(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.asking(PLAN)])
    page.open("rollout-1")
    return window


def _deciding(window: MainWindow) -> QWidget:
    _asking(window)
    cause = causes(sample.asking(PLAN).targets)[0]
    return ChoiceDialog("What becomes of 3 targets?", cause.words, choices(cause))


def _in_spite(window: MainWindow) -> QWidget:
    _report(window)
    words = "no hold against it: It is held on 26.8.2: the campaign runs until Sunday."
    held = [replace(one, state=TargetState.SKIPPED, words=words) for one in sample.started(PLAN).targets[:3]]
    return ChoiceDialog("What becomes of 3 targets?", words, choices(causes(held)[0]))


def _rollback(window: MainWindow, tab: int = 3) -> QWidget:
    page = _rollouts(window)
    page.assistant.show_plan(sample.rollback(PLAN))
    page.assistant.preview.tabs.setCurrentIndex(tab)
    return window


def _report(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.ended(PLAN)])
    page.open("rollout-1")
    return window


def _interruption(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.interrupted(PLAN)])
    page.open("rollout-1")
    rest(window)
    return window


def _held(window: MainWindow, *, overridden: bool = False) -> ChecksStep:
    """The checks of a plan against which some mirrors are held; with `overridden` a person goes on with two of them."""
    page = _rollouts(window)
    page.stack.setCurrentWidget(page.assistant)
    page.assistant.show_plan(PLAN)
    page.assistant.show_checks(PLAN)
    checks = page.assistant.checks
    checks.finish(sample.held(PLAN))
    checks.view.move_to(Check.HOLD)
    if overridden and checks.checked is not None:
        two = [result for result in checks.checked.blocking if "campaign" in result.words]
        checks._put(override(window.context.console, checks.checked, two, "Both customers agreed to the security fix"))
    return checks


def _overriding(window: MainWindow) -> QWidget:
    checks = _held(window)
    assert checks.checked is not None
    result = next(one for one in checks.checked.blocking if one.check is Check.HOLD)
    dialog = OverrideDialog(checks.checked, result, checks._about, window)
    dialog.scope.setCurrentIndex(1)
    return dialog


def _help(window: MainWindow) -> QWidget:
    dialog = HelpDialog(window.context, window)
    dialog.show_page("pullable")
    return dialog


def _shown(_widget: object, window: MainWindow) -> QWidget:
    return window


SCENES: dict[str, Scene] = {
    "rollout-3-held": lambda window: _shown(_held(window), window),
    "rollout-3-overridden": lambda window: _shown(_held(window, overridden=True), window),
    "rollout-3-override": _overriding,
    "help": _help,
    "rollouts": _list,
    "rollouts-empty": _list_empty,
    "rollout-1-targets": _targets,
    "rollout-1-way": _way,
    "rollout-1-wrong": _targets_wrong,
    "rollout-5-slow": _slow,
    "rollout-5-closed": _window_closed,
    "rollout-1-settings": _settings_targets,
    "rollout-2-settings": lambda window: _settings_plan(window, 0),
    "rollout-2-settings-tab": lambda window: _settings_plan(window, 5),
    "rollout-5-waits": _window_waits,
    "rollout-1-none": _targets_none,
    "rollout-2-plan": _preview,
    "rollout-2-prepared": _preview_prepared,
    "rollout-5-releasing": _releasing,
    "rollout-2-waves": lambda window: _preview(window, 1),
    "rollout-2-all": lambda window: _preview(window, 3),
    "rollout-2-swaps": _swaps,
    "rollout-2-left-out": lambda window: _preview(window, 4),
    "rollout-3-asking": lambda window: _checks(window, 0.4),
    "rollout-3-checks": _checks,
    "rollout-4-confirm": _confirm,
    "rollout-5-running": _running,
    "rollout-5-fetching": _fetching,
    "rollout-5-paused": _paused,
    "rollout-5-asking": _asking,
    "rollout-5-deciding": _deciding,
    "rollout-5-in-spite": _in_spite,
    "rollout-7-rollback": _rollback,
    "rollout-6-report": _report,
    "rollout-interrupted": _interruption,
    **pictures_catalog.SCENES,
    **pictures_engines.SCENES,
    **pictures_schedule.SCENES,
    **pictures_sources.SCENES,
    **pictures_images.SCENES,
    **pictures_commands.SCENES,
    **pictures_processes.SCENES,
    "rollout-2-fetch-now": _fetch_now,
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
                made += _take(application, folder, theme, name, scene)
    return made


def _take(application: QApplication, folder: Path, theme: Theme, name: str, scene: Scene) -> list[Path]:
    made = []
    pictures_catalog.PROBLEMS.clear()
    refusal = "The console was started with --read-only." if "read-only" in name else ""
    for width, height in SIZES:
        with open_window(application, theme, refusal) as window:
            window.resize(width, height)
            window.show()
            window.activateWindow()
            QTest.qWaitForWindowActive(window)
            settle()
            shown = scene(window)
            if shown is not window:
                shown.ensurePolished()
                shown.show()
            rest(window)
            path = folder / f"{name}-{theme}-{width}.png"
            shown.grab().save(str(path))
            made.append(path)
            if shown is not window:
                shown.close()
                shown.deleteLater()
                return made
    return made


def main() -> None:
    """Paint into the folder that is named on the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "pictures")
    for path in take(folder, sys.argv[2] if len(sys.argv) > 2 else ""):
        print(path)


if __name__ == "__main__":
    main()
