"""Control in the window: one decision for each cause of failures, trying again, aborting, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.causes import causes
from mirror_console.domain.plan import Plan
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.taken_back import TakenBack
from mirror_console.operations.deciding import Decision
from mirror_console.operations.rollback import Part
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Answer
from mirror_console.ui.rollout.assistant import question
from mirror_console.ui.rollout.causes_panel import SEEN, SHOWN, choices
from mirror_console.ui.rollout.control import parts_of
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.widgets.scrolled import LEAST
from tests.ui import sample_rollout as sample
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.pictures import settle
from tests.ui.sample import NOW
from tests.ui.test_rollout_pages import GRID, OPERATIONS, PLAN, start_one
from tests.ui.window_on import press, tab_to


@dataclass
class Asked:
    """What was asked of the operations."""

    calls: list[tuple[object, ...]] = field(default_factory=list)

    def retry(self, _console: object, _jobs: object, rollout_id: str, ids: Collection[str], _report: object) -> Rollout:
        self.calls.append(("retry", rollout_id, tuple(ids)))
        return replace(sample.ended(PLAN), state=RolloutState.COMPLETED)

    def decide(
        self,
        _console: object,
        _jobs: object,
        rollout_id: str,
        ids: Collection[str],
        decision: Decision,
        _report: object,
    ) -> Rollout:
        self.calls.append(("decide", rollout_id, tuple(ids), decision))
        return sample.paused(PLAN)

    def plan_rollback(self, _console: object, _jobs: object, rollout_id: str, part: Part, wave: int | None) -> Plan:
        self.calls.append(("rollback", rollout_id, part, wave))
        return sample.rollback(PLAN)


PageMaker = Callable[[UiContext, Rollout], RolloutsPage]


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def make_page(qtbot: QtBot, asked: Asked) -> Iterator[PageMaker]:
    made: list[RolloutsPage] = []

    def make(context: UiContext, rollout: Rollout) -> RolloutsPage:
        operations = replace(OPERATIONS, retry=asked.retry, decide=asked.decide, plan_rollback=asked.plan_rollback)
        context.set_grid(GRID)
        with context.theme.undressed():
            page = RolloutsPage(context, operations)
        page.refresh(GRID)
        qtbot.addWidget(page)
        page.resize(960, 600)
        page.show()
        qtbot.waitExposed(page)
        page.list.show_rollouts([rollout])
        page.open(rollout.id)
        made.append(page)
        return page

    yield make
    for page in made:
        page.close()


def test_one_decision_is_for_all_targets_of_a_cause(
    qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker, asked: Asked
) -> None:
    rollout = sample.asking(PLAN)
    page = make_page(make_context(questions=Answers(chosen="leave")), rollout)
    panel = page.run_view.causes
    assert panel.isVisible()
    assert len(panel.buttons) == 1
    (cause,) = causes(rollout.targets)
    assert [choice.id for choice in choices(cause)] == ["retry", "put back", "leave", "skip"]
    panel.buttons[0].click()
    qtbot.waitUntil(lambda: bool(asked.calls))
    assert asked.calls == [("decide", rollout.id, cause.environment_ids, Decision.LEAVE)]
    qtbot.waitUntil(lambda: not page.runs.running)
    assert len(panel.buttons) == 2


def told(page: RolloutsPage) -> list[str]:
    """What the causes that are shown can be decided about are called."""
    return [made.accessibleName().removeprefix("Decide about ") for made in page.run_view.causes.buttons]


def test_what_failed_is_asked_before_what_was_left_out_and_what_was_decided(
    context: UiContext, make_page: PageMaker
) -> None:
    page = make_page(context, sample.with_causes(PLAN, 4))
    assert told(page)[0] == sample.FAILURE
    assert len(told(page)) == SHOWN
    page.run_view.show_rollout(sample.with_causes(PLAN, 8))
    assert told(page) == [sample.CAUSES[place][1] for place in (7, 3, 4)]
    # What a person has skipped makes room for what wasn't decided about yet.
    one, skipped = sample.with_causes(PLAN, 4), f"skipped by operator after: {sample.FAILURE}"
    done = [
        replace(target, state=TargetState.SKIPPED, words=skipped) if target.state is TargetState.PUT_BACK else target
        for target in one.targets
    ]
    page.run_view.show_rollout(replace(one, targets=tuple(done)))
    assert told(page) == [words for _state, words, _times in sample.CAUSES[:3]]
    assert [cause.words for cause in causes(done)][-1] == skipped


def is_seen(through: QWidget) -> bool:
    """Whether the middle of what has the focus is seen where it is scrolled."""
    part = QApplication.focusWidget()
    return part is not None and through.rect().contains(part.mapTo(through, part.rect().center()))


def test_every_cause_can_be_decided_about_by_the_keys(
    qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker, asked: Asked
) -> None:
    rollout = sample.with_causes(PLAN, 8)
    page = make_page(make_context(questions=Answers(chosen="retry")), rollout)
    panel = page.run_view.causes
    assert panel.unfold.text() == "Show all 8 causes"
    # Tab comes to them before the targets, which stand below.
    tab_to(page.run_view.control.roll_back)
    QTest.keyClick(page.run_view.control.roll_back, Qt.Key.Key_Tab)
    assert panel.buttons[0].hasFocus()
    press(panel.unfold)
    found = causes(rollout.targets)
    assert len(panel.buttons) == len(found) == 8
    assert panel.buttons[SHOWN].hasFocus()
    for place in (*range(SHOWN, 8), *range(SHOWN)):
        tab_to(panel.buttons[place])
        qtbot.waitUntil(lambda: is_seen(panel.area.viewport()))
    press(panel.buttons[7])
    qtbot.waitUntil(lambda: bool(asked.calls))
    assert asked.calls[-1] == ("retry", rollout.id, found[7].environment_ids)
    qtbot.waitUntil(lambda: not page.runs.running)


def test_many_causes_leave_the_targets_their_room(context: UiContext, make_page: PageMaker) -> None:
    rollout = sample.with_causes(PLAN, 8)
    page = make_page(context, rollout)
    panel, targets = page.run_view.causes, page.run_view.view
    panel.unfold.click()
    for width, height in ((752, 480), (960, 600), (1400, 1000)):
        page.resize(width, height)
        settle()
        assert panel.area.geometry().bottom() < panel.unfold.geometry().top()
        assert panel.unfold.geometry().bottom() < panel.height()
        assert panel.area.height() >= SHOWN * panel.buttons[0].height()
        assert panel.mapTo(page, panel.rect().bottomLeft()).y() < targets.mapTo(page, targets.rect().topLeft()).y()
        assert targets.height() >= LEAST
    # In a high window all is seen without scrolling the page.
    assert targets.mapTo(page, targets.rect().bottomLeft()).y() < page.height()
    line = panel.buttons[1].y() - panel.buttons[0].y()
    assert SEEN * line - line // 2 < panel.area.height() <= SEEN * line
    panel.unfold.click()
    settle()
    assert len(panel.buttons) == SHOWN
    assert not panel.area.verticalScrollBar().isVisible()
    # Of another rollout the first are shown again.
    panel.unfold.click()
    page.run_view.show_rollout(replace(rollout, id="rollout-2"))
    assert len(panel.buttons) == SHOWN


@pytest.mark.parametrize("rollout", [sample.ended(PLAN), sample.with_causes(PLAN, 8)])
def test_a_low_page_scrolls_as_one_and_shows_its_first_causes_whole(
    context: UiContext, make_page: PageMaker, rollout: Rollout
) -> None:
    page = make_page(context, rollout)
    page.resize(752, 400)
    settle()
    panel = (page.report_view if rollout.ended_at else page.run_view).causes
    assert len(panel.buttons) == SHOWN
    assert not panel.area.verticalScrollBar().isVisible()


def test_what_failed_is_tried_again(qtbot: QtBot, context: UiContext, make_page: PageMaker, asked: Asked) -> None:
    rollout = sample.paused(PLAN)
    page = make_page(context, rollout)
    assert page.run_view.control.retry.text() == "Retry failed (4)"
    page.run_view.control.retry.click()
    qtbot.waitUntil(lambda: asked.calls == [("retry", rollout.id, ())])
    qtbot.waitUntil(lambda: not page.runs.running)


def test_a_report_offers_the_same(qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker, asked: Asked) -> None:
    rollout = sample.ended(PLAN)
    page = make_page(make_context(questions=Answers(chosen="retry")), rollout)
    assert page.stack.currentWidget() is page.report_view
    assert page.report_view.control.retry.text() == "Retry failed (3)"
    page.report_view.causes.buttons[0].click()
    failed = causes(rollout.targets)[0].environment_ids
    qtbot.waitUntil(lambda: asked.calls == [("retry", rollout.id, failed)])
    qtbot.waitUntil(lambda: not page.runs.running)


def test_of_what_was_rolled_back_since_nothing_is_asked(context: UiContext, make_page: PageMaker) -> None:
    rollout = sample.ended(PLAN)
    by = TakenBack("back-1", "B51C-07E2", True, NOW)
    left = [
        replace(one, state=TargetState.LEFT) if one.state is TargetState.PUT_BACK else one for one in rollout.targets
    ]
    page = make_page(context, replace(rollout, targets=tuple(left)))
    assert page.report_view.control.retry.text() == "Retry failed (3)"
    assert len(page.report_view.causes.buttons) == 3
    back = [replace(one, taken_back=by) for one in left]
    page.report_view.show_rollout(replace(rollout, targets=tuple(back)))
    # What a check left out was not changed, and is no matter of the rollback.
    assert [cause.state for cause in causes(back)] == [TargetState.SKIPPED]
    assert len(page.report_view.causes.buttons) == 1
    assert not page.report_view.control.retry.isVisible()
    assert not page.report_view.control.roll_back.isVisible()


def test_a_rollback_is_a_plan_that_is_looked_at_first(
    qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker, asked: Asked
) -> None:
    rollout = sample.ended(PLAN)
    assert [choice.id for choice in parts_of(rollout)] == ["failed", "wave:0", "wave:1", "wave:2", "wave:3", "all"]
    assert "all" not in [choice.id for choice in parts_of(sample.paused(PLAN))]
    page = make_page(make_context(questions=Answers(chosen="wave:2")), rollout)
    page.report_view.control.roll_back.click()
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.assistant)
    assert asked.calls == [("rollback", rollout.id, Part.WAVE, 2)]
    assert page.assistant.head.title.whole() == f"Rollback of {PLAN.fingerprint} → live"
    assert not page.assistant.back_button.isVisible()
    assert page.assistant.next_button.text() == "Ask the checks"
    asks = question(sample.rollback(PLAN), sample.checked(PLAN), protected=True)
    assert asks.title.startswith("Roll back ")
    assert asks.go.startswith("Start rollback of ")


def test_an_abort_is_confirmed_and_passed_on(qtbot: QtBot, make_context: ContextMaker, make_page: PageMaker) -> None:
    answers = Answers(Answer(False))
    page = make_page(make_context(questions=answers), sample.running(PLAN))
    start_one(qtbot, page)
    assert page.run_view.abort.isEnabled()
    # While targets are worked on nothing is decided: that would be about what may change at any moment.
    assert not any(made.isEnabled() for made in page.run_view.causes.buttons)
    assert not page.run_view.control.roll_back.isVisible()
    page.run_view.abort.click()
    assert page.runs.asked(sample.running(PLAN).id) == ""
    answers.answer = Answer(True)
    page.run_view.abort.click()
    assert page.runs.asked(sample.running(PLAN).id) == "abort"
    qtbot.waitUntil(lambda: not page.runs.running)


def test_read_only_offers_nothing(make_context: ContextMaker, make_page: PageMaker) -> None:
    page = make_page(make_context(read_only="Only for looking."), sample.paused(PLAN))
    assert not page.run_view.control.retry.isVisible()
    assert not page.run_view.control.roll_back.isVisible()
    assert not any(made.isEnabled() for made in page.run_view.causes.buttons)
    assert page.run_view.causes.isVisible()
