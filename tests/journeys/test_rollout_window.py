"""A rollout in the window on a real engine, by the keyboard alone; what runs is read by the docker command line."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.rollout import RolloutState
from mirror_console.ui.grid.page import AlignmentPage
from mirror_console.ui.questions import QuestionDialog
from mirror_console.ui.rollout.assistant import CHECKS, PLAN
from mirror_console.ui.rollout.page import RolloutsPage
from mirror_console.ui.window import MainWindow
from tests.journeys.agency import SOURCE, Agency, mirror_entry, wait_until
from tests.journeys.console import Program, cells
from tests.journeys.window import LONGEST, window_on_the_catalog
from tests.lab.asking import state_of
from tests.lab.docker_cli import Docker
from tests.lab.engine import LabEngine
from tests.ui.window_on import press, tab_to, when_asked

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(600),
    pytest.mark.qt_log_ignore("^This plugin does not support ", extend=True),
]

SLUGS = tuple(f"shop-{number}" for number in range(1, 7))
"""One more than may be rolled out to without a reason."""


def behind(program: Program, agency: Agency, engine: LabEngine, slugs: Sequence[str]) -> Docker:
    """Have mirrors run 26.8.1, made by hand, while the source's live has 26.8.2 already."""
    docker = agency.docker(engine)
    first = agency.publish(engine, "26.8.1")
    # What goes first has to tell that it is well.
    second = agency.publish(engine, "26.8.2", probe=0.5)
    entries = []
    for place, slug in enumerate(slugs):
        variables = {"PORT": str(9200 + place)}
        docker.start_container(first.reference, f"{slug}-live", "--network", "host", variables=variables)
        entries.append(
            mirror_entry(slug.title(), engine, f"{slug}-live", variables=variables, networks=["host"], restart="no")
        )
    docker.start_container(second.reference, SOURCE, "--network", "host", variables={"PORT": "9199"})
    agency.fill(program, engine, mirrors=entries)
    program.run("check")
    return docker


def versions(docker: Docker, slugs: Sequence[str]) -> list[str]:
    """What each mirror's live really runs; empty where it doesn't run."""
    found = docker.versions()
    return [found.get(f"{slug}-live", "") for slug in slugs]


def rollouts_page(window: MainWindow) -> RolloutsPage:
    page = window.pages["rollouts"]
    assert isinstance(page, RolloutsPage)
    return page


def type_into(field: QLineEdit, text: str) -> None:
    """Go to a field by Tab and type over what stands in it."""
    tab_to(field)
    field.selectAll()
    QTest.keyClicks(field, text)


def choose(box: QComboBox, value: str) -> None:
    """Go to a list by Tab and step down to what is wanted."""
    tab_to(box)
    for _ in range(box.count()):
        if box.currentData() == value:
            return
        QTest.keyClick(box, Qt.Key.Key_Down)
    raise AssertionError(f"{box.accessibleName()} doesn't offer {value}")


def button_that_says(within: QWidget, words: str) -> QAbstractButton:
    return next(one for one in within.findChildren(QAbstractButton) if one.text() == words and one.isVisible())


def test_a_rollout_by_the_keyboard_alone(
    program: Program, agency: Agency, fast_engine: LabEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = behind(program, agency, fast_engine, SLUGS)
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(program.home))
    with window_on_the_catalog(qtbot) as window:
        grid, page = window.pages["alignment"], rollouts_page(window)
        assert isinstance(grid, AlignmentPage)
        tab_to(grid.view)
        QTest.keyClick(grid.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        choose(grid.selection.environment, "live")
        press(grid.selection.roll_out)
        assert window.current is page

        way = page.assistant.targets.way
        type_into(way.waves, "1, rest")
        type_into(way.bake, "0")
        press(page.assistant.next_button)
        qtbot.waitUntil(lambda: page.assistant.step == PLAN, timeout=LONGEST)
        press(page.assistant.next_button)
        checks = page.assistant.checks
        qtbot.waitUntil(lambda: page.assistant.step == CHECKS and checks.checked is not None, timeout=LONGEST)
        for tick in checks.ticks:
            press(tick)
        assert versions(docker, SLUGS) == ["26.8.1"] * 6

        asked: list[str] = []

        def answer(dialog: QuestionDialog) -> None:
            assert dialog.cancel_button.isDefault()
            assert dialog.reason_field is not None
            assert not dialog.go_button.isEnabled()
            type_into(dialog.reason_field, "release day")
            asked.append(dialog.go_button.text())
            press(dialog.go_button)

        when_asked(window, answer)
        press(page.assistant.next_button)
        assert asked == ["Start rollout to 6"]
        qtbot.waitUntil(page.run_view.resume.isVisible, timeout=LONGEST)
        assert page.run_view.why.text().startswith("Paused after the canary, as planned")
        assert versions(docker, SLUGS) == ["26.8.2", *["26.8.1"] * 5]
        press(page.run_view.resume)
        qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=LONGEST)
        assert page.report_view.headline.text() == "6 of 6 updated"
        press(page.report_view.copy)
        qtbot.waitUntil(lambda: "release day" in QApplication.clipboard().text(), timeout=LONGEST)

    assert versions(docker, SLUGS) == ["26.8.2"] * 6
    assert docker.running() == sorted([*(f"{slug}-live" for slug in SLUGS), SOURCE])
    assert {cell["status"] for cell in cells(program.ask("status")).values()} == {"aligned"}


def test_after_a_kill_the_person_chooses_by_the_keyboard(
    program: Program, agency: Agency, fast_engine: LabEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slugs = SLUGS[:3]
    docker = behind(program, agency, fast_engine, slugs)
    monkeypatch.setenv("MIRROR_CONSOLE_HOME", str(program.home))
    how = ("--waves", "rest", "--at-once", "1", "--bake", "3", "--no-pause")
    # What was put back is rolled out to again.
    for way, ends, runs in (
        ("put_back", RolloutState.STOPPED, "26.8.1"),
        ("go_on", RolloutState.COMPLETED, "26.8.2"),
    ):
        with program.running("rollout", "start", "-e", "live", "--all", *how, "--why", "x", "--yes", "3") as command:
            wait_until(lambda: bool(state_of(docker.engine.socket, "shop-1-live.mc-prev")), "the first one is swapped")
            command.send_signal(signal.SIGKILL)
            assert command.end().exit_code == -signal.SIGKILL
        told = program.ask("rollout", "show")
        assert (told["state"], told["words"]) == ("interrupted", "The console ended in the middle.")
        choose_in_the_window(qtbot, docker, way, ends)
        assert versions(docker, slugs) == [runs] * 3
        assert docker.running() == sorted([*(f"{slug}-live" for slug in slugs), SOURCE])
        assert not [name for name in docker.names() if name.startswith("mc-lock.") or name.endswith(".mc-next")]


def choose_in_the_window(qtbot: QtBot, docker: Docker, way: str, ends: RolloutState) -> None:
    """Follow what the window says of an interruption, and choose there."""
    there = docker.names()
    with window_on_the_catalog(qtbot) as window:
        page = rollouts_page(window)
        qtbot.waitUntil(lambda: any("interrupted" in one.title for one in window.context.notices.shown))
        press(button_that_says(window, "Look at it"))
        assert page.stack.currentWidget() is page.interruption_view
        chosen: QAbstractButton = getattr(page.interruption_view, way)
        qtbot.waitUntil(chosen.isEnabled, timeout=LONGEST)
        assert docker.names() == there, "something was changed before anybody chose"
        press(chosen)
        qtbot.waitUntil(lambda: page.stack.currentWidget() is page.report_view, timeout=LONGEST)
        rollout = page.report_view.rollout
        assert rollout is not None
        assert rollout.state is ends
