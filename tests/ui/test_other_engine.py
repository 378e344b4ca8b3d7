"""Another engine than before at an address: said on its page, and accepted there by its ID alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.operations.plan import plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.engines.details import state_words
from mirror_console.ui.engines.other_engine import identity_question
from mirror_console.ui.questions import Answer, QuestionDialog
from tests.operations.fleet import QUICK, Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.test_engine_ways_in import page_on
from tests.ui.window_on import context_on, press, tab_to

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A mirror, whose engine was set up anew since it was seen first."""
    with small_fleet(1, prepared=Fleet.fall_behind) as made:
        alpha = made.simulated.engines["alpha"]
        alpha.make_unreachable()
        refresh(made.console, made.jobs)
        alpha.state.identity = "anew"
        alpha.make_reachable()
        refresh(made.console, made.jobs)
        yield made


def blocked(fleet: Fleet) -> set[str]:
    """What a rollout to the mirror is blocked by."""
    made = plan(fleet.console, "live", [fleet.mirrors[0].id], QUICK)
    return {result.words for result in preflight(fleet.console, fleet.jobs, made).blocking}


def test_it_is_said_as_the_checks_say_it_and_accepted_by_its_id_alone(
    qapp: QApplication, qtbot: QtBot, fleet: Fleet
) -> None:
    answers = Answers(Answer(False))
    checked: list[object] = []
    with context_on(qapp, fleet, answers) as context:
        context.wish_to_check.connect(lambda ids, _thorough: checked.append(ids))
        page = page_on(qtbot, context)
        row = next(one for one in survey(context.console).engines if one.engine.name == "alpha")
        page.view.move_to(row.engine.id)
        other = page.details.other
        assert other.isVisible()
        assert {other.words.text()} == blocked(fleet)
        assert state_words(row) == "another engine than before"
        press(other.button)
        (asked,) = answers.asked
        assert asked.phrase is not None
        assert asked.phrase.exact in asked.text
        assert row.engine.identity in asked.text
        assert context.console.engine(row.engine.id).identity == row.engine.identity
        answers.answer = Answer(True)
        press(other.button)
        qtbot.waitUntil(lambda: bool(checked), timeout=15_000)
        assert context.console.engine(row.engine.id).identity == asked.phrase.exact
        refresh(fleet.console, fleet.jobs)
        context.set_grid(survey(context.console))
        assert other.isHidden()
        assert blocked(fleet) == set()
        # The engine beside it is the one that was there before.
        page.view.move_to(next(one.engine.id for one in survey(context.console).engines if one.engine.name == "berlin"))
        assert other.isHidden()
        page.close()


def test_read_only_says_it_and_refuses(qapp: QApplication, qtbot: QtBot, fleet: Fleet) -> None:
    with context_on(qapp, fleet, Answers(), read_only="Started with --read-only.") as context:
        page = page_on(qtbot, context)
        page.view.move_to(next(one.engine.id for one in survey(context.console).engines if one.engine.name == "alpha"))
        assert page.details.other.isVisible()
        assert not page.details.other.button.isEnabled()
        assert page.details.other.button.accessibleDescription() == "Started with --read-only."
        page.close()


def test_the_id_is_pasted_and_nothing_else_will_do(qtbot: QtBot, fleet: Fleet) -> None:
    engine = fleet.console.engine("alpha")
    dialog = QuestionDialog(identity_question(engine, "ABCD:EFGH"))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    field = dialog.phrase_field
    assert field is not None
    tab_to(field)
    for wrong in ("", "yes", engine.identity, "ABCD:EFG"):
        field.setText(wrong)
        assert not dialog.go_button.isEnabled()
    QGuiApplication.clipboard().setText("ABCD:EFGH\n")
    field.clear()
    field.paste()
    assert dialog.go_button.isEnabled()
    press(dialog.go_button)
    assert dialog.answer().go
