"""Fetching from the plan's page, and the line that tells of it while a rollout runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from pytestqt.qtbot import QtBot

from mirror_console.domain.fetching import Fetch, FetchState
from mirror_console.domain.plan import Plan
from mirror_console.errors import EngineError, FailureKind
from mirror_console.jobs import Jobs, Work
from mirror_console.operations.console import Console
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.fetch_now import FetchNow
from mirror_console.ui.rollout.operations import RolloutOperations
from tests.ui import sample_rollout as sample
from tests.ui.sample import NOW

PLAN = sample.plan_of(sample.behind_fleet())
Report = Callable[[tuple[Fetch, ...]], None]


def fetch(state: FetchState, share: float = 0.0, words: str = "") -> Fetch:
    return Fetch("fra-1", "fra-1", PLAN.targets[0].reference, "26.8.3", 2, state, share, words, NOW)


def made(qtbot: QtBot, context: UiContext, prefetch: Callable[..., tuple[Fetch, ...]]) -> FetchNow:
    widget = FetchNow(context, RolloutOperations(prefetch=prefetch))
    qtbot.addWidget(widget)
    widget.show_plan(PLAN)
    return widget


def test_it_tells_how_far_it_is_and_how_it_ended(qtbot: QtBot, context: UiContext) -> None:
    gate = threading.Event()
    asked: list[Plan] = []

    def prefetch(_console: Console, _jobs: Jobs, plan: Plan, report: Report, work: Work) -> tuple[Fetch, ...]:
        asked.append(plan)
        report((fetch(FetchState.FETCHING, 0.64),))
        assert gate.wait(10)
        return (fetch(FetchState.THERE, 1.0),)

    widget = made(qtbot, context, prefetch)
    widget.button.click()
    qtbot.waitUntil(lambda: "1 on the way 64%" in widget.says.whole())
    assert widget.button.text() == "Stop fetching"
    gate.set()
    qtbot.waitUntil(lambda: widget.says.whole() == "Images for 1 engine: 1 fetched.")
    assert widget.button.text() == "Fetch images now"
    assert asked == [PLAN]


def test_it_can_be_stopped_and_another_plan_stops_it_too(qtbot: QtBot, context: UiContext) -> None:
    begun: list[Work] = []

    def prefetch(_console: Console, _jobs: Jobs, _plan: Plan, _report: Report, work: Work) -> tuple[Fetch, ...]:
        begun.append(work)
        while not work.stopped:
            threading.Event().wait(0.01)
        return ()

    widget = made(qtbot, context, prefetch)
    widget.button.click()
    qtbot.waitUntil(lambda: len(begun) == 1)
    widget.button.click()
    assert widget.says.whole() == "Stopped. What has come is there."
    widget.button.click()
    qtbot.waitUntil(lambda: len(begun) == 2)
    widget.show_plan(replace(PLAN, fingerprint="0000-0000"))
    qtbot.waitUntil(lambda: all(work.stopped for work in begun))
    assert widget.button.text() == "Fetch images now"


def test_what_fails_as_a_whole_is_told(qtbot: QtBot, context: UiContext) -> None:
    def prefetch(*_all: object) -> tuple[Fetch, ...]:
        raise EngineError(FailureKind.KEYRING, "The keyring is locked.", "Unlock it.")

    widget = made(qtbot, context, prefetch)
    widget.button.click()
    qtbot.waitUntil(lambda: widget.button.text() == "Fetch images now" and not widget.says.whole())
    assert [notice.title for notice in context.notices.shown] == ["The keyring is locked."]


def test_read_only_fetches_nothing(qtbot: QtBot, context: UiContext) -> None:
    context.console = replace(context.console, read_only="The console was started with --read-only.")
    widget = made(qtbot, context, lambda *_all: ())
    assert not widget.button.isEnabled()
    assert "--read-only" in widget.button.accessibleDescription()
