"""Overriding in the window: from the answer over the dialog to the rollout that goes on, by the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from mirror_console.domain.check import Answer as CheckAnswer
from mirror_console.domain.check import Check, Checked, CheckResult
from mirror_console.domain.rollout import RolloutState, TargetState
from mirror_console.operations.help import help_pages
from mirror_console.simulator.faults import Fault
from mirror_console.ui.context import UiContext
from mirror_console.ui.help import HelpDialog, show_help
from mirror_console.ui.questions import ChoiceDialog, QuestionDialog, Questions
from mirror_console.ui.rollout.assistant import CHECKS, PLAN
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.overriding import OverrideDialog
from mirror_console.ui.rollout.page import RolloutsPage
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.ui import sample_rollout as sample
from tests.ui.conftest import ContextMaker
from tests.ui.window_on import context_on, press, tab_to

D = TypeVar("D", bound=QDialog)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        made.simulated.engines["berlin"].misbehave(Fault.INVALID_JSON, "/distribution/")
        yield made


def when_open(page: RolloutsPage, kind: type[D], answer: Callable[[D], None]) -> None:
    """Answer the next dialog of a kind; one that is left open by a failure is closed."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, kind):
            QTimer.singleShot(20, page, look)
            return
        try:
            answer(dialog)
        finally:
            if dialog.isVisible():
                dialog.reject()

    QTimer.singleShot(20, page, look)


def fill(dialog: OverrideDialog, *, every: bool, reason: str) -> None:
    """Cancel is what Enter and Escape mean; so the button is gone to."""
    assert dialog.cancel_button.isDefault()
    tab_to(dialog.reason_field)
    QTest.keyClicks(dialog.reason_field, reason)
    if every:
        tab_to(dialog.scope)
        QTest.keyClick(dialog.scope, Qt.Key.Key_End)
    tab_to(dialog.go_button)
    QTest.keyClick(dialog.go_button, Qt.Key.Key_Space)


def confirm(dialog: QuestionDialog) -> None:
    assert dialog.reason_field is not None
    assert dialog.number_field is not None
    QTest.keyClicks(dialog.reason_field, "security fix")
    assert not dialog.go_button.isEnabled()
    QTest.keyClicks(dialog.number_field, "4")
    tab_to(dialog.go_button)
    QTest.keyClick(dialog.go_button, Qt.Key.Key_Space)


def take_last(dialog: ChoiceDialog) -> None:
    """The last way to go on that is offered; Cancel stands after it."""
    made = [one for one in dialog.findChildren(QPushButton) if one is not dialog.cancel_button][-1]
    assert made.text() == "Go on in spite of it…"
    tab_to(made)
    QTest.keyClick(made, Qt.Key.Key_Space)


def to_the_checks(qtbot: QtBot, page: RolloutsPage, fleet: Fleet) -> None:
    page.begin("live", [mirror.id for mirror in fleet.mirrors])
    page.assistant.targets.way.choose(QUICK)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.assistant.step == PLAN)
    press(page.assistant.next_button)
    qtbot.waitUntil(lambda: page.assistant.step == CHECKS and page.assistant.checks.checked is not None)


@contextmanager
def shown_on(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> Iterator[RolloutsPage]:
    """The page on a fleet, with questions that are really asked."""
    with context_on(qapp, fleet, Questions()) as context:
        with context.theme.undressed():
            page = RolloutsPage(context)
        qtbot.addWidget(page)
        context.questions = Questions(page)
        page.resize(1000, 640)
        page.show()
        qtbot.waitExposed(page)
        yield page
        page.close()


def test_a_rollout_goes_on_in_spite_of_answers(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with shown_on(qapp, qtbot, fleet) as page:
        to_the_checks(qtbot, page, fleet)
        checks = page.assistant.checks
        assert checks.help_page() == "pullable"
        assert checks.ready == 2

        # Escape changes nothing.
        when_open(page, OverrideDialog, lambda dialog: QTest.keyClick(dialog, Qt.Key.Key_Escape))
        press(checks.answer.override_button)
        assert checks.ready == 2

        when_open(page, OverrideDialog, lambda dialog: fill(dialog, every=True, reason="it is there"))
        press(checks.answer.override_button)
        assert checks.ready == 4
        group = next(group for group in checks.groups.rows if group.check is Check.PULLABLE)
        assert group.words == "2 overridden · 2 pass"
        assert checks.answer.words.text().startswith("Overridden by operator: it is there\n")
        assert not checks.answer.override_button.isVisible()

        # Asked again, the answers are the same, and so is the word.
        press(page.assistant.back_button)
        press(page.assistant.next_button)
        qtbot.waitUntil(lambda: page.assistant.step == CHECKS and checks.checked is not None)
        assert checks.ready == 4
        for made in checks.ticks:
            press(made)

        when_open(page, QuestionDialog, confirm)
        press(page.assistant.next_button)
        qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
        rollout = page.report_view.rollout
        assert rollout is not None
        assert rollout.state is RolloutState.COMPLETED
        assert fleet.version_of("mirror-02-live") == "26.8.3"
        assert [one.reason for one in rollout.overrides] == ["it is there"] * 2
        assert "Overridden: “image can be had” of Mirror 02, Mirror 04" in page.report_view.facts.text()


def test_what_a_check_left_out_is_tried_again_in_spite_of_it(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with shown_on(qapp, qtbot, fleet) as page:
        to_the_checks(qtbot, page, fleet)
        for made in page.assistant.checks.ticks:
            press(made)
        when_open(page, QuestionDialog, lambda dialog: press(dialog.go_button))
        press(page.assistant.next_button)
        qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
        before = page.report_view.rollout
        assert before is not None
        assert [target.state for target in before.targets].count(TargetState.SKIPPED) == 2
        assert fleet.version_of("mirror-02-live") == "26.8.2"
        escaped: list[str] = []

        def escape(dialog: OverrideDialog) -> None:
            escaped.append(dialog.go_button.text())
            QTest.keyClick(dialog, Qt.Key.Key_Escape)

        when_open(page, ChoiceDialog, take_last)
        press(page.report_view.causes.buttons[0])
        when_open(page, OverrideDialog, escape)
        qtbot.waitUntil(lambda: bool(escaped), timeout=10_000)
        # All whom the check left out are meant, unless the person says otherwise; Escape changes nothing.
        assert escaped == ["Override 2 answers"]
        assert page.stack.currentWidget() is page.report_view

        when_open(page, ChoiceDialog, take_last)
        press(page.report_view.causes.buttons[0])
        when_open(page, OverrideDialog, lambda dialog: fill(dialog, every=False, reason="it is there"))
        qtbot.waitUntil(lambda: page.stack.currentWidget() is page.run_view, timeout=10_000)
        qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=30_000)
        rollout = page.report_view.rollout
        assert rollout is not None
        assert rollout.id == before.id
        assert rollout.state is RolloutState.COMPLETED
        assert fleet.version_of("mirror-02-live") == fleet.version_of("mirror-04-live") == "26.8.3"
        assert [one.reason for one in rollout.overrides] == ["it is there"] * 2


def test_what_can_never_be_overridden_is_told_and_nothing_is_tried(qtbot: QtBot, context: UiContext) -> None:
    grid = sample.behind_fleet()
    rollout = sample.ended(sample.plan_of(grid))
    asked = rollout.targets[:1]
    taken = CheckResult(Check.PORTS, CheckAnswer.BLOCKED, "port 8080 is taken", "", asked[0].environment_id)
    with context.theme.undressed():
        page = RolloutsPage(context, RolloutOperations(checked_again=lambda *_: Checked((taken,))))
    qtbot.addWidget(page)
    page.in_spite.ask(rollout, asked)
    qtbot.waitUntil(lambda: bool(context.notices.shown))
    notice = context.notices.shown[-1]
    assert "ports free or ours: port 8080 is taken" in notice.hint
    assert "can't be overridden: mend it" in notice.hint
    assert not page.runs.running
    page.close()


@pytest.fixture
def page(qtbot: QtBot, context: UiContext) -> Iterator[RolloutsPage]:
    """The checks of a plan of which the first two targets are held, and one more is blocked by its ports."""
    grid = sample.behind_fleet()
    context.set_grid(grid)
    with context.theme.undressed():
        made = RolloutsPage(context)
    made.refresh(grid)
    qtbot.addWidget(made)
    made.resize(960, 600)
    made.stack.setCurrentWidget(made.assistant)
    plan = sample.plan_of(grid)
    made.assistant.show_plan(plan)
    made.assistant.show_checks(plan)
    made.assistant.checks.finish(sample.held(plan))
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def test_one_or_all_alike_or_all_of_a_check(page: RolloutsPage) -> None:
    checks = page.assistant.checks
    checks.view.move_to(Check.HOLD)
    told: list[list[str]] = []

    def look(dialog: OverrideDialog) -> None:
        told.append([scope.words for scope in dialog.scopes])
        assert dialog.go_button.text() == "Override 1 answer"
        dialog.scope.setCurrentIndex(1)
        assert dialog.go_button.text() == "Override 2 answers"
        dialog.scope.setCurrentIndex(2)
        assert dialog.answer.text().endswith(" And 1 other answer.")
        dialog.go_button.click()
        assert dialog.isVisible()
        assert "Say why" in dialog.form.fields["reason"].problem

    when_open(page, OverrideDialog, look)
    checks.answer.override_button.click()
    assert told == [
        [
            checks.details.columns[0].text(checks.details.rows[0]),
            "All 2 targets with this answer",
            "All 3 targets that this check blocks",
        ]
    ]
    assert checks.checked is not None
    assert not checks.checked.overrides


def test_a_word_is_taken_back_for_all_whom_it_was_said_for(page: RolloutsPage) -> None:
    checks = page.assistant.checks
    checks.view.move_to(Check.HOLD)
    ready = checks.ready
    when_open(page, OverrideDialog, lambda dialog: fill(dialog, every=True, reason="agreed"))
    checks.answer.override_button.click()
    assert checks.ready == ready + 3
    assert {checks.details.columns[1].text(row) for row in checks.details.rows[:3]} == {"overridden"}
    checks.answer.take_back_button.click()
    assert checks.ready == ready
    assert checks.details.columns[1].text(checks.details.rows[0]) == "blocked"


def test_what_is_not_for_judgement_says_why(page: RolloutsPage) -> None:
    checks = page.assistant.checks
    checks.view.move_to(Check.PORTS)
    assert checks.details.rows[0][1].answer is CheckAnswer.BLOCKED
    assert not checks.answer.override_button.isEnabled()
    assert "It can't be overridden. Two can't have one port" in checks.answer.override_button.accessibleDescription()


def test_a_console_that_only_looks_overrides_nothing(qtbot: QtBot, make_context: ContextMaker) -> None:
    context = make_context(read_only="Only to look.")
    with context.theme.undressed():
        page = RolloutsPage(context)
    qtbot.addWidget(page)
    plan = sample.plan_of(sample.behind_fleet())
    checks = page.assistant.checks
    checks.begin(plan)
    checks.finish(sample.held(plan))
    assert not checks.answer.override_button.isEnabled()
    assert checks.answer.override_button.accessibleDescription() == "Only to look."
    page.close()


def test_what_is_this_opens_the_page_of_the_check(page: RolloutsPage) -> None:
    checks = page.assistant.checks
    checks.view.move_to(Check.HOLD)
    checks.answer.help_button.click()
    dialog = page.window().findChild(HelpDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.title.text() == "No hold against it"
    # One window of help is enough, and each of its pages can be gone to.
    assert show_help(page.context, page, "lock-of-another") is dialog
    for help_page in help_pages():
        assert dialog.view.move_to(help_page.id)
        shown = [part.text() for part in dialog.area.findChildren(QLabel)]
        assert all(any(part.text in words for words in shown) for part in help_page.parts)
        assert all(part.textFormat() is Qt.TextFormat.PlainText for part in dialog.area.findChildren(QLabel))
    dialog.close()
