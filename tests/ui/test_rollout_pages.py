"""The pages of rollouts with sample values: what they say, what they refuse, and how the window is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.check import Answer as CheckAnswer
from mirror_console.domain.check import Check
from mirror_console.domain.plan import Change, Plan
from mirror_console.domain.recovery import Found
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.status import Status
from mirror_console.domain.trip import Came
from mirror_console.domain.way import Way
from mirror_console.errors import CatalogError
from mirror_console.jobs import Work
from mirror_console.operations.console import Console
from mirror_console.operations.recovery import Finding
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Answer
from mirror_console.ui.rollout import runs
from mirror_console.ui.rollout.control import parts_of
from mirror_console.ui.rollout.operations import Planning, Report, RolloutOperations
from mirror_console.ui.rollout.page import RolloutsPage
from tests.ui import sample_rollout as sample
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.sample import NOW
from tests.ui.window_on import press

GRID = sample.behind_fleet()
PLAN = sample.plan_of(GRID)


class Held:
    """A conductor that works until it is told to pause or stop."""

    def __init__(self, rollout: Rollout, report: Report) -> None:
        self.rollout = rollout
        self.report = report
        self.asked = ""
        self.followed_by: Rollout | None = None

    def pause(self, because: str = "") -> None:
        self.asked = "pause"

    def stop(self) -> None:
        self.asked = "stop"

    def abort(self) -> None:
        self.asked = "abort"

    def run(self, work: Work | None = None) -> Rollout:
        assert work is not None
        self.report(self.rollout)
        while not self.asked:
            if work.wait(0.01):
                return self.rollout
        state = RolloutState.PAUSED if self.asked == "pause" else RolloutState.STOPPED
        return replace(self.rollout, state=state, paused_because="Paused by operator.", ended_at=NOW)


def held(_console: object, _jobs: object, rollout: Rollout, report: Report) -> Held:
    return Held(rollout, report)


def examined(_console: object, _jobs: object, rollout: Rollout) -> tuple[Finding, ...]:
    return (
        Finding(rollout.targets[6], Found.HALF_DONE, "half done; it is down now", down=True),
        Finding(rollout.targets[9], None, "fra-2 refused the connection"),
    )


OPERATIONS = RolloutOperations(conductor=held, examine=examined)
PageMaker = Callable[[UiContext], RolloutsPage]


@pytest.fixture
def make_page(qtbot: QtBot) -> Iterator[PageMaker]:
    made: list[RolloutsPage] = []

    def make(context: UiContext) -> RolloutsPage:
        context.set_grid(GRID)
        with context.theme.undressed():
            page = RolloutsPage(context, OPERATIONS)
        page.refresh(GRID)
        qtbot.addWidget(page)
        page.resize(960, 600)
        page.show()
        qtbot.waitExposed(page)
        made.append(page)
        return page

    yield make
    for page in made:
        page.close()


def start_one(qtbot: QtBot, page: RolloutsPage) -> Rollout:
    rollout = sample.running(PLAN)
    page.list.show_rollouts([rollout])
    page.runs.carry_out(rollout)
    page.open(rollout.id)
    qtbot.waitUntil(page.run_view.pause.isEnabled)
    return rollout


def test_the_chosen_mirrors_stay_chosen_whatever_a_survey_says(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.show_what({"environment": "live", "application_ids": sample.ids(GRID)[:5]})
    targets = page.assistant.targets
    assert targets.application_ids == tuple(sample.ids(GRID)[:5])
    context.set_grid(replace(GRID, rows=GRID.rows[2:]))
    page.refresh(replace(GRID, rows=GRID.rows[2:]))
    assert targets.application_ids == tuple(sample.ids(GRID)[:5])
    assert targets.table.rowCount() == 5


def test_every_exclusion_has_its_reason(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.begin("live", sample.ids(GRID))
    first = page.assistant.targets.table.rows[:2]
    assert [row.eligible for row in page.assistant.targets.table.rows].count(False) == 2
    assert {row.words for row in first} == {
        "unreachable: fra-2 refused the connection. Check that Docker runs there and listens.",
        "already there: it runs 26.8.3 with these settings",
    }
    assert page.assistant.targets.summary.text().startswith("22 mirrors will be considered · 2 can't be included")


def test_no_environment_is_implied(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.begin("", sample.ids(GRID))
    assert page.assistant.targets.environment_name == ""
    assert not page.assistant.next_button.isEnabled()
    assert page.assistant.says.whole() == "Choose an environment."


def test_a_wrong_way_is_told_at_its_field_and_makes_no_plan(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.begin("live", sample.ids(GRID))
    way = page.assistant.targets.way
    way.waves.setText("a few")
    assert way.form.fields["waves"].problem == ""
    page.assistant.go_on()
    assert "is not the size of a wave" in way.form.fields["waves"].problem
    assert "is not the size of a wave" in way.waves.accessibleDescription()
    assert page.assistant.plan is None


def test_a_figure_of_a_preset_that_is_changed_makes_a_way_of_ones_own(context: UiContext, make_page: PageMaker) -> None:
    way = make_page(context).assistant.targets.way
    way.max_failed.setText("7")
    assert way.preset.currentText() == "As typed below"
    way.preset.setCurrentIndex(0)
    assert way.max_failed.text() == "0"


def test_the_plan_is_summed_up_before_it_is_listed(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.assistant.show_plan(PLAN)
    preview = page.assistant.preview
    assert preview.sentence.text() == "22 of 24 targets will change, on 2 engines · 1 + 2 + 6 + 13 in 4 waves"
    assert preview.tabs.tabText(4) == "Left out (2)"
    assert "valid until" in preview.made.text()


def test_in_the_plan_of_a_rollback_no_row_wears_the_shape_of_a_state(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    preview = page.assistant.preview
    painted = {}
    for name, plan in (("downgrades", downgrades(PLAN)), ("rollback", sample.rollback(PLAN))):
        page.assistant.show_plan(plan)
        preview.tabs.setCurrentIndex(3)
        QApplication.processEvents()
        table = preview.tabs.currentWidget()
        assert table is not None
        image = table.grab().toImage()
        painted[name] = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    ahead = QColor(context.theme.colours.status[Status.AHEAD].glyph).name()
    assert ahead in painted["downgrades"]
    assert ahead not in painted["rollback"]


def downgrades(plan: Plan) -> Plan:
    """A plan that takes everything to an older release: each target is ahead of what it will run."""
    return replace(plan, targets=tuple(replace(target, change=Change.DOWNGRADE) for target in plan.targets))


def test_settings_alone_are_chosen_planned_and_told_change_by_change(
    qtbot: QtBot, context: UiContext, make_page: PageMaker
) -> None:
    page = make_page(context)
    targets = page.assistant.targets
    page.begin("live", sample.ids(GRID))
    targets.what.setFocus()
    QTest.keyClick(targets.what, Qt.Key.Key_Down)
    assert targets.settings_only
    # None of them has a change that waits.
    assert not page.assistant.next_button.isEnabled()
    waiting = {name: cell._replace(pending=True) for name, cell in GRID.rows[0].cells.items()}
    grid = replace(GRID, rows=(replace(GRID.rows[0], cells=waiting), *GRID.rows[1:]))
    context.set_grid(grid)
    page.refresh(grid)
    assert [row.words for row in targets.table.rows if row.eligible] == ["apply settings"]
    asked: list[bool] = []

    def plan(
        _console: Console, _environment: str, _ids: Sequence[str], _way: Way, *, settings_only: bool = False
    ) -> Plan:
        asked.append(settings_only)
        return sample.settings_plan(PLAN)

    planning: Planning = plan  # type: ignore[assignment]  # it is called by place
    page.assistant._operations = replace(OPERATIONS, plan=planning)
    page.assistant.go_on()
    qtbot.waitUntil(lambda: page.assistant.plan is not None)
    assert asked == [True]
    preview = page.assistant.preview
    assert page.assistant.head.title.whole() == "Roll out settings → live"
    assert preview.made.text().startswith("Settings only · Plan ")
    assert "20 targets changed in place, while it runs: no restart, no downtime." in preview.promise.text()
    assert preview.tabs.isTabVisible(preview.settings_tab)
    assert preview.tabs.tabText(preview.settings_tab) == "Settings (3)"
    assert [row.words for row in preview._settings.rows] == [
        "memory limit: 256 MiB → 512 MiB",
        "process limit: none → 200",
        "variable DOMAIN: as applied → another value",
    ]
    page.assistant.show_plan(PLAN)
    assert not preview.tabs.isTabVisible(preview.settings_tab)


def test_an_old_plan_can_be_read_but_not_started(context: UiContext, make_page: PageMaker) -> None:
    old = sample.plan_of(GRID, made_at=NOW.replace(hour=1))
    page = make_page(context)
    page.assistant.show_plan(old)
    assert page.assistant.next_button.text() == "Plan again"
    assert "too old to start" in page.assistant.preview.made.text()


def test_checks_put_what_blocks_first_and_ask_to_look_at_warnings(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.assistant.show_plan(PLAN)
    page.assistant.show_checks(PLAN)
    checks = page.assistant.checks
    checks.finish(sample.checked(PLAN))
    # What blocks, what warns, what is worth knowing; then in one line all that passes, until it is asked for.
    assert [group.checks for group in checks.groups.rows[:-1]] == [
        (Check.PORTS,),
        (Check.DISK,),
        (Check.HEALTHY_NOW,),
        (Check.ENGINE_HEALTH,),
    ]
    assert checks.groups.rows[-1].title == f"{len(Check) - 4} checks pass"
    checks.view.move_to(checks.groups.rows[-1].key)
    assert len(checks.details.rows) == len(Check) - 4
    assert {one.check: one.words for _, one in checks.details.rows}[
        Check.MAY_WRITE
    ] == "The console may change engines."
    checks.unfolded.click()
    assert [group.title for group in checks.groups.rows[4:6]] == ["Plan is current", "Something to do"]
    assert len(checks.groups.rows) == len(Check)
    checks.unfolded.click()
    checks.view.move_to(Check.PORTS)
    assert len(checks.ticks) == 2
    assert checks.details.rows[0][1].answer is CheckAnswer.BLOCKED
    ready = "20 targets are ready; 2 targets are blocked and will be left out."
    assert checks.summary.text() == f"{ready} 2 checks to look at first."
    assert page.assistant.says.whole() == "Look at what warns, and tick it."
    for made in checks.ticks:
        made.click()
    assert checks.summary.text() == ready
    assert page.assistant.next_button.text() == "Roll out 20 targets…"
    assert page.assistant.next_button.isEnabled()


def test_while_checks_are_asked_nothing_can_be_confirmed(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.assistant.show_plan(PLAN)
    page.assistant.show_checks(PLAN)
    page.assistant.checks.take(sample.answers(PLAN)[:30])
    assert not page.assistant.next_button.isEnabled()
    assert page.assistant.checks.summary.text() == "Asking… 30 answers so far."


def test_pausing_says_what_is_still_being_worked_on(qtbot: QtBot, context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    rollout = start_one(qtbot, page)
    assert context.running == rollout
    assert page.run_view.counts.text() == "7 of 22"
    page.run_view.pause.click()
    assert page.run_view.why.text() == "Pausing – 3 still working. Nothing new is begun."
    qtbot.waitUntil(page.run_view.resume.isVisible)
    assert page.run_view.why.text() == "Paused by operator."
    assert context.running is None


def report_of(page: RolloutsPage) -> tuple[Held, list[Rollout]]:
    """The conductor of the one that runs, and what is told of it from now on."""
    (run,) = page.runs._runs.values()
    assert isinstance(run.conductor, Held)
    told: list[Rollout] = []
    page.runs.changed.connect(told.append)
    return run.conductor, told


def moved_on(rollout: Rollout, place: int) -> Rollout:
    """The same with the first targets up to a place done."""
    return sample.with_states(rollout, [sample.DONE] * place)


def test_of_many_reports_the_page_tells_a_few_and_the_last(
    qtbot: QtBot, context: UiContext, make_page: PageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "TELL_EVERY_MS", 3_600_000)
    page = make_page(context)
    rollout = start_one(qtbot, page)
    qtbot.waitUntil(page.runs._told_just_now.isActive)
    conductor, told = report_of(page)
    for place in range(8, 12):
        conductor.report(moved_on(rollout, place))
    last = moved_on(rollout, 11)
    qtbot.waitUntil(lambda: page.runs.latest(rollout.id) == last)
    assert not told
    page.runs._told_just_now.setInterval(0)
    page.runs._told_just_now.start()
    qtbot.waitUntil(lambda: page.run_view.rollout == last)
    assert told == [last]


def test_what_runs_is_drawn_when_it_is_looked_at_again(qtbot: QtBot, context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    rollout = start_one(qtbot, page)
    conductor, _told = report_of(page)
    page.hide()
    last = moved_on(rollout, 9)
    conductor.report(last)
    qtbot.waitUntil(lambda: page.list.rollout(rollout.id) == last)
    assert page.run_view.rollout != last
    page.show()
    page.shown()
    assert page.run_view.rollout == last


def test_a_button_beside_a_cause_stays_while_other_targets_go_on(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    rollout = sample.running(PLAN)
    page.run_view.show_rollout(rollout)
    before = list(page.run_view.causes.buttons)
    assert before
    going_on = replace(rollout.targets[-1], words="12 of 60 s")
    page.run_view.show_rollout(replace(rollout, targets=(*rollout.targets[:-1], going_on)))
    assert page.run_view.causes.buttons == before
    page.run_view.show_rollout(sample.asking(PLAN))
    assert page.run_view.causes.buttons != before


def test_stopping_asks_first(qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker) -> None:
    answers = Answers(Answer(False))
    page = make_page(make_context(questions=answers))
    start_one(qtbot, page)
    page.run_view.stop.click()
    assert answers.asked[-1].text.startswith("12 will not be started.")
    assert page.runs.running
    answers.answer = Answer(True)
    page.run_view.stop.click()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view)


@pytest.mark.parametrize("chosen", [None, "keep"])
def test_a_window_with_a_running_rollout_stays(
    qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker, chosen: str | None
) -> None:
    answers = Answers(chosen=chosen)
    page = make_page(make_context(questions=answers))
    rollout = start_one(qtbot, page)
    assert not page.may_close()
    assert page.runs.is_running(rollout.id)
    assert page.isMinimized() == (chosen == "keep")


def test_pause_and_quit_closes_once_nothing_is_in_flight(
    qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker
) -> None:
    page = make_page(make_context(questions=Answers(chosen="pause")))
    start_one(qtbot, page)
    assert not page.may_close()
    assert page.isVisible()
    qtbot.waitUntil(lambda: not page.isVisible())
    assert page.may_close()


def test_the_rollback_that_a_stop_rule_began_is_carried_out_and_shown(
    qtbot: QtBot, context: UiContext, make_page: PageMaker
) -> None:
    page = make_page(context)
    start_one(qtbot, page)
    conductor, _told = report_of(page)
    conductor.followed_by = back = sample.started(sample.rollback(PLAN), id="back-1")
    conductor.stop()
    qtbot.waitUntil(lambda: page.run_view.rollout is not None and page.run_view.rollout.id == "back-1")
    assert page.stack.currentWidget() is page.run_view
    assert [one.id for one in page.runs.running] == ["back-1"]
    assert page.list.rollout("back-1") is not None
    assert context.running is not None
    assert context.running.id == back.id


def test_pause_and_quit_pauses_the_rollback_that_a_stop_rule_began_just_before(
    qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker
) -> None:
    page = make_page(make_context(questions=Answers(chosen="pause")))
    start_one(qtbot, page)
    conductor, told = report_of(page)
    conductor.followed_by = sample.started(sample.rollback(PLAN), id="back-1")
    assert not page.may_close()
    qtbot.waitUntil(lambda: not page.isVisible())
    assert ("back-1", RolloutState.PAUSED) in [(one.id, one.state) for one in told]
    assert page.may_close()


def test_a_rollback_that_was_not_begun_before_the_program_ended_is_told_until_it_is(
    qtbot: QtBot, context: UiContext, make_page: PageMaker
) -> None:
    page = make_page(context)
    due, other = sample.ruled(PLAN, Came.DUE), replace(sample.ended(PLAN), id="rollout-2")
    page._take_all([due, other])
    page._take_all([due, other])
    told = [one for one in context.notices.shown if one.key == "due:rollout-1"]
    assert [(one.title, one.hint) for one in told] == [("A rollback was not begun.", due.paused_because)]
    page.open("rollout-1")
    assert page.run_view.why.text() == due.paused_because
    assert page.run_view.control.roll_back.isVisible()
    # Who wants it left as it is says so, once.
    asked: list[str] = []

    def leave(_console: Console, rollout_id: str) -> Rollout:
        asked.append(rollout_id)
        return due

    page.operations = replace(page.operations, leave_rollback=leave)
    told[0].actions[1].run()
    qtbot.waitUntil(lambda: asked == ["rollout-1"])
    page._take_all([sample.ruled(PLAN), other])
    assert not [one for one in context.notices.shown if one.key == "due:rollout-1"]


@pytest.mark.parametrize("told_already", [True, False])
def test_the_report_tells_once_what_the_stop_rule_did(
    context: UiContext, make_page: PageMaker, told_already: bool
) -> None:
    page = make_page(context)
    ruled = sample.ruled(PLAN)
    words = ruled.paused_because if told_already else ""
    page._take_all([replace(ruled, state=RolloutState.STOPPED, ended_at=NOW, paused_because=words)])
    page.open("rollout-1")
    assert page.report_view.facts.text().count(ruled.paused_because) == 1


def test_a_rollout_that_is_looked_at_says_at_once_what_was_rolled_back_since(
    context: UiContext, make_page: PageMaker
) -> None:
    page = make_page(context)
    ended = sample.ended(PLAN)
    page._take_all([ended])
    page.open("rollout-1")
    page._take_all([sample.taken_back(ended)])
    view = page.report_view
    assert view.headline.text() == "16 of 22 updated, 2 rolled back since, 2 put back, 1 stranded, 1 skipped"
    state, now, words = (view.table.columns[place].text for place in (1, 3, 7))
    told = {(state(one), now(one), words(one).split(";")[0]) for one in view.table.rows if one.since is not None}
    assert ("rolled back", "26.8.2", "rolled back by B51C-07E2") in told
    assert ("done", "26.8.3", "its rollback by B51C-07E2 failed: put back, health: /up answered 500") in told
    # Nothing of it is offered to be rolled back once more.
    assert parts_of(ended)[-1].explanation == "19 targets changed by this rollout."
    assert parts_of(sample.taken_back(ended))[-1].explanation == "17 targets changed by this rollout."


def test_an_interruption_shows_what_was_found_and_what_is_down(
    qtbot: QtBot, context: UiContext, make_page: PageMaker
) -> None:
    page = make_page(context)
    page.list.show_rollouts([sample.interrupted(PLAN)])
    page.open("rollout-1")
    view = page.interruption_view
    qtbot.waitUntil(view.go_on.isEnabled)
    assert view.state.text() == "1 target is down now. Decide soon."
    told = [view.table.columns[3].text(target) for target in view.table.rows]
    assert told == ["half done; it is down now", "fra-2 refused the connection"]
    view.view.move_to(view.table.key(1))
    assert "fra-2 refused the connection. It stays unknown" in view.whole.text()
    heavy = [step.font().weight() > QFont.Weight.Normal for step in view.head._steps]
    assert heavy == [False, False, False, False, True, False]
    assert not page.runs.running


def test_read_only_shows_everything_and_changes_nothing(make_context: ContextMaker, make_page: PageMaker) -> None:
    context = make_context(read_only="The console was started with --read-only.")
    page = make_page(context)
    assert not page.list.new.isEnabled()
    page.begin("live", sample.ids(GRID))
    assert not page.assistant.next_button.isEnabled()
    assert page.assistant.says.whole() == "The console was started with --read-only."
    page.list.show_rollouts([sample.paused(PLAN)])
    page.open("rollout-1")
    assert not page.run_view.resume.isEnabled()
    assert not page.run_view.stop.isEnabled()


def test_a_look_that_failed_as_a_whole_does_not_say_that_none_is_down(
    qtbot: QtBot, context: UiContext, make_page: PageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(_console: object, _jobs: object, _rollout: Rollout) -> tuple[Finding, ...]:
        raise CatalogError("The catalog can't be read.", "Look at its disk.")

    page = make_page(context)
    view = page.interruption_view
    monkeypatch.setattr(view, "_operations", replace(OPERATIONS, examine=unread))
    page.list.show_rollouts([sample.interrupted(PLAN)])
    page.open("rollout-1")
    words = "The targets that were cut off could not be looked at. The catalog can't be read."
    qtbot.waitUntil(lambda: view.state.text() == words)
    monkeypatch.setattr(view, "_operations", OPERATIONS)
    press(view.look_again)
    qtbot.waitUntil(lambda: view.state.text() == "1 target is down now. Decide soon.")


def test_the_list_opens_a_rollout_with_enter(qtbot: QtBot, context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.list.show_rollouts([sample.ended(PLAN)])
    page.show_list()
    QTest.keyClick(page.list.view, Qt.Key.Key_Return)
    assert page.stack.currentWidget() is page.report_view
    assert page.report_view.headline.text() == "18 of 22 updated, 2 put back, 1 stranded, 1 skipped"
    page.report_view.head.back.click()
    assert page.stack.currentWidget() is page.list


def test_shapes_are_not_read_aloud_as_other_states(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    page.list.show_rollouts([sample.ended(PLAN)])
    page.open("rollout-1")
    table = page.report_view.table
    said = table.data(table.index(0, 1), Qt.ItemDataRole.AccessibleTextRole)
    assert said == "Outcome: stranded"


def test_the_report_says_what_is_not_known_and_what_never_began(context: UiContext, make_page: PageMaker) -> None:
    page = make_page(context)
    ended = sample.ended(PLAN)
    left, never = ended.targets[:2]
    left = replace(left, state=TargetState.LEFT, down_seconds=2.0, down_since=ended.started_at)
    never = replace(never, state=TargetState.NOT_STARTED, started_at=None, ended_at=None, down_seconds=None)
    page.report_view.show_rollout(replace(ended, targets=(left, never, *ended.targets[2:])))
    table = page.report_view.table
    titles = [table.headerData(column, Qt.Orientation.Horizontal) for column in range(table.columnCount())]
    rows = {
        table.data(table.index(row, 0)): [table.data(table.index(row, column)) for column in range(len(titles))]
        for row in range(table.rowCount())
    }
    down, attempts = titles.index("Down"), titles.index("Attempts")
    assert (rows[left.planned.application][down], rows[left.planned.application][attempts]) == ("not known", "1")
    assert (rows[never.planned.application][down], rows[never.planned.application][attempts]) == ("", "—")


class _Windows(QObject):
    """Notes every window that opens."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.opened.append(repr(watched))
        return False


def test_no_part_flashes_up_as_a_window_of_its_own(
    qapp: QApplication, context: UiContext, make_page: PageMaker
) -> None:
    windows = _Windows()
    qapp.installEventFilter(windows)
    try:
        page = make_page(context)
        page.begin("live", sample.ids(GRID))
        page.assistant.show_plan(PLAN)
        page.assistant.show_checks(PLAN)
        page.assistant.checks.finish(sample.checked(PLAN))
        for made in (sample.paused(PLAN), sample.ended(PLAN), sample.interrupted(PLAN)):
            page.list.show_rollouts([made])
            page.open(made.id)
    finally:
        qapp.removeEventFilter(windows)
    assert len(windows.opened) == 1, windows.opened
