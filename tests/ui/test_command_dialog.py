"""What was run for a target, shown from the running page, and the word that a person gives there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from mirror_console.domain.release_command import CommandRun, ReleaseCommand, RunKind, RunState, Said
from mirror_console.domain.rollout import Target
from mirror_console.domain.way import REST
from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import start
from mirror_console.ui.rollout.command_dialog import CommandDialog, show_runs
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.rollout.report import ReportView
from mirror_console.ui.rollout.steps import StepsPanel
from tests.domain.test_release_command import RUN
from tests.operations.fleet import QUICK, Fleet, now, small_fleet
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on, press

FAILED = replace(RUN, state=RunState.FAILED, words="it ended with exit code 7", output="cannot connect", exit_code=7)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(1, prepared=Fleet.fall_behind) as made:
        yield made


def target_of(fleet: Fleet, exits: int = 7) -> Target:
    command = ReleaseCommand(("sh", "-c", f"echo cannot connect; exit {exits}"), 20.0, reversible=True)
    with fleet.console.catalog.write() as books:
        books.applications.save(replace(books.applications.get("source"), release_command=command))
    made = plan(fleet.console, "live", ["mirror-01"], replace(QUICK, waves=(REST,), max_failed=9))
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a test")
    return Conductor(fleet.console, fleet.jobs, rollout).run().targets[0]


def dialog(qtbot: QtBot, *runs: CommandRun, may_say: bool = True) -> CommandDialog:
    made = CommandDialog("Alder live", runs, may_say=may_say)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_only_what_waits_for_a_word_asks_for_one(qtbot: QtBot) -> None:
    waits = dialog(qtbot, FAILED)
    assert waits.counts_button.isVisible()
    assert waits.again_button.isVisible()
    assert waits.close_button.isDefault()
    assert waits.written.toPlainText() == "cannot connect"
    press(waits.again_button)
    assert (waits.said, waits.isVisible()) == (Said.MAY_RUN_AGAIN, False)
    runs = dialog(qtbot, replace(FAILED, state=RunState.STARTED, output=""))
    assert not runs.counts_button.isVisible()
    assert not runs.again_button.isVisible()
    assert runs.written.toPlainText() == "It wrote nothing."
    assert not dialog(qtbot, FAILED, may_say=False).counts_button.isEnabled()
    dialog(qtbot)


SUCCEEDED = replace(RUN, state=RunState.SUCCEEDED, exit_code=0)
BACKUP = replace(SUCCEEDED, kind=RunKind.BACKUP)


@pytest.mark.parametrize("run", [SUCCEEDED, replace(FAILED, word=Said.COUNTS_AS_RUN, said_by="operator")])
def test_of_what_counts_as_run_it_can_be_said_that_it_may_run_again(qtbot: QtBot, run: CommandRun) -> None:
    shown = dialog(qtbot, BACKUP, run)
    assert not shown.counts_button.isVisible()
    assert any("from a restored backup" in one.text() for one in shown.findChildren(QLabel))
    assert shown.close_button.isDefault()
    press(shown.again_button)
    assert (shown.said, shown.about) == (Said.MAY_RUN_AGAIN, run)
    assert not dialog(qtbot, run, may_say=False).again_button.isEnabled()
    # Said already; and of a backup there is nothing to be said.
    again = replace(run, word=Said.MAY_RUN_AGAIN, said_by="operator")
    for nothing in (dialog(qtbot, again), dialog(qtbot, BACKUP)):
        assert not nothing.again_button.isVisible()


def test_a_report_shows_what_was_run_for_the_target_that_the_cursor_is_on(
    qapp: QApplication, qtbot: QtBot, fleet: Fleet
) -> None:
    target = target_of(fleet, exits=0)
    with fleet.console.catalog.read() as books:
        (ended,) = books.rollouts.all()
    with context_on(qapp, fleet, Answers()) as context:
        view = ReportView(context, RolloutOperations())
        qtbot.addWidget(view)
        view.show_rollout(replace(ended, targets=(replace(target, planned=replace(target.planned, preparation=None)),)))
        view.show()
        assert not view.commands.isVisible()
        view.show_rollout(ended)
        view.view.move_to(target.environment_id)

        def answer() -> None:
            shown = QApplication.activeModalWidget()
            if not isinstance(shown, CommandDialog):
                QTimer.singleShot(20, answer)
                return
            press(shown.again_button)

        QTimer.singleShot(20, answer)
        press(view.commands)
        qtbot.waitUntil(lambda: _word(fleet) is Said.MAY_RUN_AGAIN)
        view.close()


def test_the_word_is_kept(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    target = target_of(fleet)
    with context_on(qapp, fleet, Answers()) as context:
        panel = StepsPanel(context.theme)
        qtbot.addWidget(panel)
        panel.commands_wished.connect(lambda: show_runs(context, target, panel))
        panel.show_target(target, (), now())
        panel.show()
        said: list[str] = []

        def answer() -> None:
            shown = QApplication.activeModalWidget()
            if not isinstance(shown, CommandDialog):
                QTimer.singleShot(20, answer)
                return
            said.append(shown.written.toPlainText())
            press(shown.counts_button)

        QTimer.singleShot(20, answer)
        press(panel.commands)
        qtbot.waitUntil(lambda: _word(fleet) is Said.COUNTS_AS_RUN)
        assert said == ["cannot connect"]
        panel.show_target(replace(target, planned=replace(target.planned, preparation=None)), (), now())
        assert not panel.commands.isVisible()
        panel.close()


def _word(fleet: Fleet) -> Said | None:
    with fleet.console.catalog.read() as books:
        return books.commands.all()[-1].word
