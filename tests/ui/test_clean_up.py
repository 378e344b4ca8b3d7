"""Clean-up in the window: the page counts ways back, shows what would go, and Cancel is where Enter goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.questions import Answer, Question, QuestionDialog
from tests.operations.fleet import REPOSITORY, Fleet, small_fleet
from tests.ui.conftest import Answers
from tests.ui.window_on import context_on

pytestmark = pytest.mark.slow


def test_an_engine_is_cleaned_up_once_a_person_agrees(qtbot: QtBot, qapp: QApplication) -> None:
    answers = Answers(answer=Answer(False))
    with small_fleet(1, prepared=Fleet.roll_out_twice) as fleet:
        with context_on(qapp, fleet, answers) as context:
            with context.theme.undressed():
                page = EnginesPage(context)
            qtbot.addWidget(page)
            assert context.grid is not None
            page.refresh(context.grid)
            page.view.move_to("alpha")
            part = page.details.clean_up
            qtbot.waitUntil(lambda: part.kept.text().startswith("1 way back kept, 1 image, "), timeout=20_000)
            context.actions.current_page = "engines"
            context.actions.run("engines.clean")
            qtbot.waitUntil(lambda: bool(answers.asked), timeout=20_000)
            question = answers.asked[0]
            assert (question.title, question.go) == ("Clean up alpha?", "Remove 1 image")
            assert question.text.startswith("That frees up to ")
            going, staying = question.details.split("Stays:")
            assert f"• image {REPOSITORY}:26.8.1, " in going
            assert "• container mirror-01-live.mc-prev\n   the way back of Mirror 01 live\n" in staying
            assert not context.notices.shown, "Cancel removes nothing"
            answers.answer = Answer(True)
            part.clean()
            qtbot.waitUntil(lambda: bool(context.notices.shown), timeout=20_000)
            assert context.notices.shown[0].title.startswith("Removed 1 image from alpha. That frees up to ")
            part.clean()
            words = "There is nothing to clean up on alpha. 1 way back kept, 1 image, "
            qtbot.waitUntil(lambda: context.notices.shown[-1].title.startswith(words), timeout=20_000)
            page.close()
        with context_on(qapp, fleet, answers, read_only="It was started with --read-only.") as context:
            with context.theme.undressed():
                page = EnginesPage(context)
            qtbot.addWidget(page)
            assert context.grid is not None
            page.refresh(context.grid)
            page.view.move_to("alpha")
            assert not page.details.clean_up.button.isEnabled()
            assert page.details.clean_up.button.accessibleDescription() == "It was started with --read-only."
            page.close()


def test_many_lines_of_a_question_scroll_and_enter_leaves_everything_as_it_is(qtbot: QtBot) -> None:
    few = Question("Clean up fra-1?", "Few.", go="Remove 1 image", details="\n".join("abc"))
    many = replace(few, details="\n".join(f"• image {number}" for number in range(300)))
    for question, areas in ((few, 0), (many, 1)):
        dialog = QuestionDialog(question)
        qtbot.addWidget(dialog)
        assert len(dialog.findChildren(QScrollArea)) == areas
        assert dialog.cancel_button.isDefault()
        assert dialog.minimumHeight() < 600
