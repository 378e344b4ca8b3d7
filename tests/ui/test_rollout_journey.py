"""A rollout in the window by the keyboard alone, on simulated engines; what runs is read past the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.check import Answer as CheckAnswer
from mirror_console.domain.rollout import RolloutState, TargetState, headline
from mirror_console.domain.way import REST, OnFailure, OnTrip, WaveSize, Way
from mirror_console.operations import recovery
from mirror_console.operations.plan import plan as make_plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.starting import start
from mirror_console.simulator.behaviour import Behaviour
from mirror_console.simulator.faults import Fault
from mirror_console.ui.questions import Answer, ChoiceDialog, QuestionDialog, Questions
from mirror_console.ui.rollout.assistant import CHECKS, PLAN
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.rollout.report import ReportView
from tests.catalogs import has_no_room_while
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on, press, tab_to, when_asked


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        yield made


@pytest.fixture
def page(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> Iterator[RolloutsPage]:
    with context_on(qapp, fleet, Answers(Answer(True, None, "a test"))) as context:
        with context.theme.undressed():
            made = RolloutsPage(context)
        qtbot.addWidget(made)
        made.resize(1000, 640)
        made.show()
        context.wish_to_go.connect(lambda _page, what: made.show_what(what))
        context.actions.current_page = "rollouts"
        qtbot.waitExposed(made)
        yield made
        made.close()


def quick(page: RolloutsPage) -> None:
    page.assistant.targets.way.choose(QUICK)


def to_the_checks(qtbot: QtBot, page: RolloutsPage, fleet: Fleet, way: Way = QUICK) -> None:
    page.begin("live", [mirror.id for mirror in fleet.mirrors])
    page.assistant.targets.way.choose(way)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.assistant.step == PLAN)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.assistant.step == CHECKS and page.assistant.checks.checked is not None)
    for made in page.assistant.checks.ticks:
        press(made)


def test_a_rollout_by_the_keyboard_alone(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    page.context.questions = Questions(page)
    to_the_checks(qtbot, page, fleet)

    def answer(dialog: QuestionDialog) -> None:
        assert dialog.cancel_button.isDefault()
        if dialog.reason_field is not None:
            QTest.keyClicks(dialog.reason_field, "security fix")
        tab_to(dialog.go_button)
        QTest.keyClick(dialog.go_button, Qt.Key.Key_Space)

    when_asked(page, answer)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    rollout = page.report_view.rollout
    assert rollout is not None
    assert rollout.state is RolloutState.COMPLETED
    assert page.report_view.headline.text() == "4 of 4 updated"
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.3"] * 4
    assert page.focusWidget() is page.report_view.view


def typed(dialog: QuestionDialog) -> None:
    """Answer whatever a question asks for, by the keys."""
    if dialog.reason_field is not None:
        tab_to(dialog.reason_field)
        QTest.keyClicks(dialog.reason_field, "security fix")
    if dialog.number_field is not None:
        tab_to(dialog.number_field)
        QTest.keyClicks(dialog.number_field, str(dialog._question.number))
    press(dialog.go_button)


def chosen_by_keys(over: RolloutsPage, words: str) -> None:
    """Choose one of the ways that the next dialog offers."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, ChoiceDialog):
            QTimer.singleShot(20, over, look)
            return
        try:
            assert dialog.cancel_button.isDefault()
            press(next(one for one in dialog.findChildren(QAbstractButton) if one.text() == words))
        finally:
            if dialog.isVisible():
                dialog.reject()

    QTimer.singleShot(20, over, look)


def test_the_whole_job_by_the_keyboard_alone(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    """Plan, start, pause, resume, roll back, and look at what was rolled back; the focus is never lost."""
    page.context.questions = Questions(page)
    way = replace(QUICK, waves=(REST,), at_once=1, bake=0.5)
    to_the_checks(qtbot, page, fleet, way)
    when_asked(page, typed)
    press(page.assistant.next_button)
    run = page.run_view
    qtbot.waitUntil(lambda: run.pause.isVisible() and run.pause.isEnabled())
    press(run.pause)
    # The space bar once more must not be the one that stops it.
    assert run.view.hasFocus()
    qtbot.waitUntil(run.resume.isVisible, timeout=30_000)
    assert run.rollout is not None
    assert run.rollout.state is RolloutState.PAUSED
    assert run.rollout.count(TargetState.DONE) < 4
    assert run.view.hasFocus()
    press(run.resume)
    assert run.view.hasFocus()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    first = page.report_view.rollout
    assert first is not None
    assert first.state is RolloutState.COMPLETED

    chosen_by_keys(page, "Everything")
    press(page.report_view.control.roll_back)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.assistant and page.assistant.step == PLAN)
    press(page.assistant.next_button)
    checks = page.assistant.checks
    qtbot.waitUntil(lambda: page.assistant.step == CHECKS and checks.checked is not None)
    for tick in checks.ticks:
        press(tick)
    when_asked(page, typed)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    back = page.report_view.rollout
    assert back is not None
    assert back.plan.rollback_of is not None
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.2"] * 4

    press(page.report_view.head.back)
    assert page.list.view.hasFocus()
    qtbot.waitUntil(lambda: headline(page.list.rollout(first.id) or back) == "0 of 4 updated, 4 rolled back since")
    QTest.keyClick(page.list.view, Qt.Key.Key_Down)
    QTest.keyClick(page.list.view, Qt.Key.Key_Return)
    assert page.stack.currentWidget() is page.report_view
    assert page.report_view.headline.text() == "0 of 4 updated, 4 rolled back since"


def test_cancelling_the_question_starts_nothing(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    page.context.questions = Questions(page)
    to_the_checks(qtbot, page, fleet)
    when_asked(page, lambda dialog: QTest.keyClick(dialog, Qt.Key.Key_Return))
    press(page.assistant.next_button)
    assert page.assistant.step == CHECKS
    assert page.focusWidget() is page.assistant.next_button
    assert not page.runs.running
    assert fleet.version_of("mirror-01-live") == "26.8.2"


def test_the_report_can_be_saved_and_copied(qtbot: QtBot, page: RolloutsPage, fleet: Fleet, tmp_path: Path) -> None:
    to_the_checks(qtbot, page, fleet)
    page.assistant.go_on()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    rollout = page.report_view.rollout
    assert rollout is not None
    where = tmp_path / "report.html"
    saving = ReportView(page.context, page.operations, lambda _over, _name: str(where))
    qtbot.addWidget(saving)
    saving.show_rollout(rollout)
    saving.save_as()
    qtbot.waitUntil(where.exists)
    qtbot.waitUntil(lambda: "Mirror 01" in where.read_text("utf-8"))
    saving.copy_summary()
    qtbot.waitUntil(lambda: "26.8.3" in QGuiApplication.clipboard().text())
    qtbot.waitUntil(lambda: any("clipboard" in notice.title for notice in page.context.notices.shown))


def test_a_failing_release_pauses_and_says_why(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    to_the_checks(qtbot, page, fleet)
    page.assistant.go_on()
    qtbot.waitUntil(page.run_view.resume.isVisible, timeout=40_000)
    rollout = page.run_view.rollout
    assert rollout is not None
    assert rollout.count(TargetState.PUT_BACK) == 1
    assert page.run_view.why.text().startswith("Stop rule: 1 of 1 targets of wave 1 failed")
    assert page.run_view.targets.rows[0].state is TargetState.PUT_BACK
    assert fleet.version_of("mirror-01-live") == "26.8.2"
    page.run_view.stop.click()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=20_000)
    assert page.report_view.rollout is not None
    assert page.report_view.rollout.state is RolloutState.STOPPED
    assert page.report_view.rollout.count(TargetState.NOT_STARTED) == 3


@pytest.mark.parametrize("by_decision", [False, True])
def test_what_is_tried_again_goes_alone_and_the_rest_waits_for_resume(
    qtbot: QtBot, page: RolloutsPage, fleet: Fleet, by_decision: bool
) -> None:
    page.context.questions = Answers(Answer(True, None, "a test"), chosen="retry")
    fleet.publish("26.8.4", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    way = replace(QUICK, waves=(WaveSize(count=1), WaveSize(count=1), REST), max_failed=0, prefetch=False)
    to_the_checks(qtbot, page, fleet, way)
    fleet.simulated.engines["berlin"].make_unreachable()
    page.assistant.go_on()
    run = page.run_view
    qtbot.waitUntil(run.resume.isVisible, timeout=40_000)
    assert run.why.text().startswith("Stop rule: 1 of 1 targets of wave 2 failed")
    fleet.simulated.engines["berlin"].make_reachable()

    press(run.causes.buttons[0] if by_decision else run.control.retry)
    qtbot.waitUntil(lambda: run.why.text().startswith("Tried again") and run.resume.isVisible(), timeout=40_000)
    assert run.why.text() == "Tried again: 1 done. 2 others wait: resume to go on with them."
    assert run.rollout is not None
    assert [one.state for one in run.rollout.targets] == [TargetState.DONE] * 2 + [TargetState.QUEUED] * 2
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in (3, 4)] == ["26.8.2"] * 2
    press(run.resume)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.4"] * 4


def test_a_stop_rule_rolls_back_what_it_was_agreed_to_and_the_window_follows(
    qtbot: QtBot, page: RolloutsPage, fleet: Fleet
) -> None:
    fleet.publish("26.8.4", health_interval=0.02, behaviour=Behaviour.NEVER_HEALTHY)
    refresh(fleet.console, fleet.jobs)
    way = replace(QUICK, waves=(REST,), at_once=1, max_failed=1, on_failure=OnFailure.LEAVE)
    to_the_checks(qtbot, page, fleet, replace(way, on_trip=OnTrip.ROLL_BACK_ALL))
    page.assistant.go_on()

    def shows_the_rollback() -> bool:
        shown = page.report_view.rollout
        return shown is not None and shown.plan.rollback_of is not None

    qtbot.waitUntil(shows_the_rollback, timeout=60_000)
    back = page.report_view.rollout
    assert back is not None
    assert back.state is RolloutState.COMPLETED
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.2"] * 4
    assert not page.runs.running
    assert back.plan.rollback_of is not None
    page.open(back.plan.rollback_of.rollout_id)
    assert page.report_view.rollout is not None
    assert page.report_view.rollout.state is RolloutState.STOPPED
    words = f"Rollback {back.plan.fingerprint} of everything that it changed was begun, as the plan says."
    assert words in page.report_view.facts.text()


def test_an_engine_that_is_lost_as_checks_are_asked_is_left_out(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    page.begin("live", [mirror.id for mirror in fleet.mirrors])
    quick(page)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.assistant.step == PLAN)
    fleet.simulated.engines["berlin"].misbehave(Fault.RESET, "/images/")
    press(page.assistant.next_button)
    checks = page.assistant.checks
    qtbot.waitUntil(lambda: page.assistant.step == CHECKS and checks.checked is not None)
    assert checks.summary.text() == "2 targets are ready; 2 targets are blocked and will be left out."
    assert checks.details_title.text() == "Engine reachable"
    said = [(result.answer, result.words) for _, result in checks.details.rows]
    lost = (CheckAnswer.BLOCKED, "berlin closed the connection before it answered.")
    assert said == [lost] * 2 + [(CheckAnswer.PASS, "alpha answers.")] * 2
    for made in checks.ticks:
        press(made)
    page.assistant.go_on()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    assert page.report_view.headline.text() == "2 of 4 updated, 2 skipped"
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.3", "26.8.2"] * 2


def test_an_interrupted_rollout_waits_for_the_person(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    console, jobs = fleet.console, fleet.jobs
    plan = make_plan(console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    other = replace(console, run="another run")
    rollout = start(other, plan, preflight(other, jobs, plan), "cut off")
    page.look_for_interrupted()
    qtbot.waitUntil(lambda: any(notice.key == f"interrupted:{rollout.id}" for notice in page.context.notices.shown))
    assert fleet.version_of("mirror-01-live") == "26.8.2"
    page.open(rollout.id)
    assert page.stack.currentWidget() is page.interruption_view
    qtbot.waitUntil(page.interruption_view.go_on.isEnabled)
    press(page.interruption_view.go_on)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.3"] * 4
    assert not page.context.notices.shown


@pytest.mark.parametrize("again", [0.05, 3600.0])
@pytest.mark.parametrize("first", ["recovered", "begun"])
def test_what_breaks_off_on_a_full_disk_is_interrupted_without_another_start_of_the_program(
    qtbot: QtBot, page: RolloutsPage, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, first: str, again: float
) -> None:
    """With `again` the catalog is soon marked by itself once there is room, or only by what the person chooses."""
    full: list[bool] = []

    def fill(boundary: str) -> None:
        if boundary == "CREATE:sent" and not filled:
            filled.append(True)
            full.append(True)

    filled: list[bool] = []
    has_no_room_while(full, monkeypatch)
    monkeypatch.setattr(recovery, "MARK_AGAIN", again)
    console, jobs, view = replace(fleet.console, mark=fill), fleet.jobs, page.interruption_view
    page.context.console = console
    plan = make_plan(console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    run = console.run if first == "begun" else "another run"
    rollout = start(replace(console, run=run), plan, preflight(console, jobs, plan), "cut off")
    if first == "begun":
        page._start(rollout)
    else:
        page.look_for_interrupted()
        qtbot.waitUntil(lambda: page.list.rollout(rollout.id) is not None)
        page.open(rollout.id)
        qtbot.waitUntil(view.go_on.isEnabled)
        press(view.go_on)

    def kept() -> RolloutState:
        with console.catalog.read() as books:
            return books.rollouts.get(rollout.id).state

    def says_so() -> bool:
        shown = page.list.rollout(rollout.id)
        at_rest = page.stack.currentWidget() is view and view.go_on.isEnabled() and not page.runs.running
        return at_rest and shown is not None and shown.state is RolloutState.INTERRUPTED

    qtbot.waitUntil(says_so, timeout=30_000)
    assert view.words.text().startswith("The disk is full: the catalog ")
    assert (kept(), filled) == (RolloutState.RUNNING, [True])
    # Without room nothing is begun, and it stays so, whatever is read again.
    press(view.go_on)
    qtbot.waitUntil(says_so, timeout=30_000)
    with qtbot.waitSignal(page.context.signals.job, check_params_cb=lambda event: event.title == "Read the rollouts"):
        page.read()
    assert says_so()
    full.clear()
    if again < 1:
        qtbot.waitUntil(lambda: kept() is RolloutState.INTERRUPTED)
    press(view.go_on)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    assert [fleet.version_of(f"mirror-{number:02}-live") for number in range(1, 5)] == ["26.8.3"] * 4
    assert kept() is RolloutState.COMPLETED


def test_putting_back_begins_nothing_more(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    console, jobs = fleet.console, fleet.jobs
    plan = make_plan(console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    other = replace(console, run="another run")
    rollout = start(other, plan, preflight(other, jobs, plan), "cut off")
    page.look_for_interrupted()
    qtbot.waitUntil(lambda: page.list.rollout(rollout.id) is not None)
    page.open(rollout.id)
    qtbot.waitUntil(page.interruption_view.put_back.isEnabled)
    press(page.interruption_view.put_back)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
    assert page.report_view.rollout is not None
    assert page.report_view.rollout.count(TargetState.NOT_STARTED) == 4
    assert fleet.version_of("mirror-01-live") == "26.8.2"
