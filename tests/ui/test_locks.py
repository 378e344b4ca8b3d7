"""The lock of another console in the details of the grid: whose it is, and taking it over, asked with what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.lock import LockTimes
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.questions import Answer
from tests.operations.fleet import Fleet, small_fleet
from tests.operations.other_console import foreign_lock
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on

LIVE = "mirror-01-live"
LOCK = f"mc-lock.{LIVE}"
FAST = LockTimes(term=0.6, every=0.2, look_every=0.05, blind=0.6, wait=2.0, grace=0.1)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A mirror that another console has locked, before it changed anything."""
    with small_fleet(1) as made:
        made.console = replace(made.console, lock_times=FAST)
        made.publish("26.8.2", health_interval=0.02)
        made.run_mirrors("26.8.2")
        made.with_settings(made.environment(made.mirrors[0], "live"), stop_seconds=0)
        foreign_lock(made)
        refresh(made.console, made.jobs)
        yield made


def shown(qtbot: QtBot, context: UiContext) -> AlignmentPage:
    with context.theme.undressed():
        page = AlignmentPage(context)
    qtbot.addWidget(page)
    page.resize(1100, 640)
    page.show()
    qtbot.waitExposed(page)
    context.grid_changed.connect(page.refresh)
    context.signals.catalog.connect(lambda _changed: context.set_grid(survey(context.console)))
    page.refresh(survey(context.console))
    page.view.move_to("mirror-01", "live")
    page.open_detail()
    return page


@pytest.mark.parametrize("goes", [True, False])
def test_a_lock_is_told_watched_asked_about_and_taken_over(
    qapp: QApplication, qtbot: QtBot, fleet: Fleet, goes: bool
) -> None:
    answers = Answers(Answer(goes, reason="its computer is broken"))
    checked: list[object] = []
    with context_on(qapp, fleet, answers) as context:
        context.wish_to_check.connect(lambda ids, _thorough: checked.append(ids))
        page = shown(qtbot, context)
        part = page.detail.lock
        assert part.words.text().startswith("third-operator on desk-9 holds the lock since")
        assert part.details.text() == "Rollout rrrrrrrr, console cccccccc."
        assert not page.detail.lock_actions.refusal()
        part.take_over.click()
        assert part.doing.text() == "Watches its heartbeat."
        assert not part.take_over.isEnabled()
        wait_for(qtbot, lambda: bool(answers.asked))
        question = answers.asked[0]
        assert "third-operator on desk-9 holds the lock" in question.text
        assert "has stood still for" in question.text
        assert (question.go, question.reason) == ("Take over", True)
        if goes:
            wait_for(qtbot, lambda: bool(checked))
            (notice,) = context.notices.shown
            assert notice.title == "The lock of Mirror 01 live was taken over; it is failed."
            assert fleet.names("alpha").keys() == {"webshop-live", LIVE}
            refresh(fleet.console, fleet.jobs)
            wait_for(qtbot, part.isHidden)
        else:
            assert LOCK in fleet.names("alpha")
            assert part.take_over.isEnabled()
        page.close()


def test_read_only_tells_and_refuses(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with context_on(qapp, fleet, Answers(), read_only="Started with --read-only.") as context:
        page = shown(qtbot, context)
        assert page.detail.lock.isVisible()
        assert not page.detail.lock.take_over.isEnabled()
        assert page.detail.lock_actions.refusal() == "read-only"
        page.close()


def wait_for(qtbot: QtBot, seen: Callable[[], bool]) -> None:
    """Wait until something is seen; this machine may be busy."""
    qtbot.waitUntil(seen, timeout=30_000)
