"""Scenes of rollouts from plan to report. They are taken with those of the other pages: see tests.ui.pictures_pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QScrollArea, QWidget

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
from mirror_console.domain.trip import Came
from mirror_console.domain.way import OnTrip
from mirror_console.domain.way_back import WayBack
from mirror_console.operations.console import Console
from mirror_console.operations.overriding import override
from mirror_console.operations.recovery import Finding, Interruption
from mirror_console.ui.help import HelpDialog
from mirror_console.ui.questions import ChoiceDialog, QuestionDialog
from mirror_console.ui.rollout.assistant import question
from mirror_console.ui.rollout.causes_panel import choices
from mirror_console.ui.rollout.checks import ChecksStep
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.overriding import OverrideDialog
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.rollout.runs import _Run
from mirror_console.ui.window import MainWindow
from tests.ui import sample_rollout as sample
from tests.ui.pictures import rest
from tests.ui.sample import NOW

Scene = Callable[[MainWindow], QWidget]

GRID = sample.behind_fleet()
PLAN = sample.plan_of(GRID)
LARGE = sample.plan_of(sample.behind_fleet(60))
COMING = (
    (FetchState.ALREADY, 1.0, ""),
    (FetchState.RESTING, 0.0, "registry.lab:5000: too many requests; try 3 in 7 s"),
)


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


def _ruled_way(window: MainWindow, low: bool = False) -> QWidget:
    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    way = page.assistant.targets.way
    way.in_all.setText("10%")
    way.on_trip.setCurrentIndex(1)
    rest(window)
    scroll = way.parentWidget()
    while scroll is not None and not isinstance(scroll, QScrollArea):
        scroll = scroll.parentWidget()
    assert scroll is not None
    if low:
        scroll.ensureWidgetVisible(way.on_trip, 0, 90)
    return window


def _ruled_plan(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.assistant.show_plan(sample.ruled(PLAN).plan)
    return window


def _ruled_confirm(window: MainWindow) -> QWidget:
    _checks(window)
    large = replace(LARGE, way=replace(LARGE.way, on_trip=OnTrip.ROLL_BACK_ALL))
    return QuestionDialog(question(large, sample.checked(large), protected=True))


def _ruled(window: MainWindow, came: Came) -> QWidget:
    page = _rollouts(window)
    page._take_all([sample.ruled(PLAN, came)])
    page.open("rollout-1")
    return window


def _ruled_report(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    stopped = sample.ruled(PLAN)
    rest_of = [
        replace(one, state=TargetState.NOT_STARTED) if one.state is TargetState.QUEUED else one
        for one in stopped.targets
    ]
    page._take_all([replace(stopped, state=RolloutState.STOPPED, ended_at=NOW, targets=tuple(rest_of))])
    page.open("rollout-1")
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
    """A quarter starts beside the old ones by their aliases, one as their proxy follows labels; one are services."""

    def routed(place: int, target: PlannedTarget) -> PlannedTarget:
        alias = target.container.removesuffix("-live")
        route = (Route("edge", alias, 8080, overlap=True), Route(convention="traefik", overlap=True), None)[
            place % 4 % 3
        ]
        if place % 4 == 3:
            return replace(target, swap=Swap.SERVICE, settings=replace(target.settings, ports=()))
        if route is None:
            return target
        return replace(target, swap=Swap.BESIDE, settings=replace(target.settings, ports=(), route=route))

    page = _rollouts(window)
    page.begin("live", sample.ids(GRID))
    targets = tuple(routed(place, target) for place, target in enumerate(PLAN.targets))
    page.assistant.show_plan(replace(PLAN, targets=targets))
    page.assistant.preview.tabs.setCurrentIndex(tab)
    return window


def _updating_service(window: MainWindow) -> QWidget:
    """A target that is a service of a Swarm, while its tasks are exchanged."""
    page = _rollouts(window)
    rollout = sample.running(PLAN)
    target = rollout.targets[7]
    words = "1 of 2 tasks run it; in slot 2 preparing: downloading"
    planned = replace(target.planned, swap=Swap.SERVICE)
    target = replace(target, planned=planned, state=TargetState.VERIFYING, words=words)
    rollout = replace(rollout, targets=(*rollout.targets[:7], target, *rollout.targets[8:]))
    page.list.show_rollouts([rollout])
    page.open("rollout-1")
    rest(window)
    page.run_view.view.move_to(target.environment_id)
    rest(window)
    page.run_view.hidden()
    lock = sample.journal(rollout, target.environment_id, Step.PULL)[:-1]
    begun = replace(lock[0], step=Step.UPDATE, at=lock[-1].at)
    done = replace(lock[-1], step=Step.UPDATE)
    page.run_view.panel.show_target(target, [*lock, begun, done, replace(begun, step=Step.VERIFY)], NOW)
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
    rollout = sample.paused(PLAN)
    page.list.show_rollouts([rollout])
    page.open(rollout.id)
    rest(window)
    page.run_view.hidden()
    shown = next(target for target in rollout.targets if target.state is TargetState.PUT_BACK)
    page.run_view.panel.show_target(shown, sample.journal_put_back(rollout, shown.environment_id), NOW)
    return window


def _asking(window: MainWindow) -> QWidget:
    page = _rollouts(window)
    page.list.show_rollouts([sample.asking(PLAN)])
    page.open("rollout-1")
    return window


def _causes(window: MainWindow, many: int, *, unfolded: bool = False) -> QWidget:
    """Paused with so many causes, failed and skipped ones; with `unfolded` all of them are shown."""
    page = _rollouts(window)
    page.list.show_rollouts([sample.with_causes(PLAN, many)])
    page.open("rollout-1")
    rest(window)
    page.run_view.hidden()
    if unfolded:
        page.run_view.causes.unfold.click()
    rest(window)
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


def _report(window: MainWindow, *, taken_back: bool = False) -> QWidget:
    page = _rollouts(window)
    ended = sample.ended(PLAN)
    page.list.show_rollouts([sample.taken_back(ended) if taken_back else ended])
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
    "rollout-1-ruled": _ruled_way,
    "rollout-1-ruled-low": lambda window: _ruled_way(window, low=True),
    "rollout-2-ruled": _ruled_plan,
    "rollout-6-ruled": _ruled_report,
    "rollout-4-ruled": _ruled_confirm,
    "rollout-5-ruled": lambda window: _ruled(window, Came.BEGUN),
    "rollout-5-ruled-due": lambda window: _ruled(window, Came.DUE),
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
    "rollout-5-service": _updating_service,
    "rollout-5-fetching": _fetching,
    "rollout-5-paused": _paused,
    "rollout-5-asking": _asking,
    "rollout-5-causes-2": lambda window: _causes(window, 2),
    "rollout-5-causes-8": lambda window: _causes(window, 8),
    "rollout-5-causes-8-all": lambda window: _causes(window, 8, unfolded=True),
    "rollout-5-deciding": _deciding,
    "rollout-5-in-spite": _in_spite,
    "rollout-7-rollback": _rollback,
    "rollout-6-report": _report,
    "rollout-6-taken-back": lambda window: _report(window, taken_back=True),
    "rollout-interrupted": _interruption,
    "rollout-2-fetch-now": _fetch_now,
}
