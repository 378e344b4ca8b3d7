"""Another TLS key of an engine than before: shown beside the remembered one, and replaced by its fingerprint alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mirror_console.domain.engine import Engine
from mirror_console.domain.secret import Secret
from mirror_console.domain.server_key import bare_digits
from mirror_console.operations.engines import EngineInput, accept_server_key, save_engine
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.editor import EngineEditor
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.server_keys import server_key_question
from mirror_console.ui.questions import Answer, QuestionDialog
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.pictures_engines import NEW_KEY, OLD_KEY, tls_steps_of
from tests.ui.test_engine_ways_in import CERTIFICATE, KEY, decide_button, page_on
from tests.ui.window_on import press, tab_to

pytestmark = pytest.mark.slow


def engine_with_a_key(context: UiContext) -> Engine:
    """An engine by TLS whose remembered key is OLD_KEY."""
    typed = EngineInput("fra-2", "tcp://fra-2:2376", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    return accept_server_key(context.console, save_engine(context.console, typed).id, OLD_KEY)


def kept_key(context: UiContext, engine: Engine) -> str:
    return context.console.engine(engine.id).server_key


def test_both_keys_are_shown_and_it_is_replaced_by_its_fingerprint_alone(
    qtbot: QtBot, make_context: ContextMaker
) -> None:
    answers = Answers(Answer(False))
    context = make_context(questions=answers)
    engine = engine_with_a_key(context)
    page = page_on(qtbot, context, EngineOperations(test_input=tls_steps_of))
    page.view.move_to(engine.id)
    panel = page.details.connection
    with qtbot.waitSignal(panel.ended, timeout=20_000):
        press(page.details.test)
    assert "step 4" in panel.says.text()
    assert "needs your decision" in panel.says.text()
    assert decide_button(panel).text() == "Replace key…"
    assert decide_button(panel).accessibleDescription() == NEW_KEY
    told = panel._lines[3].accessibleName()
    assert told.endswith("For that use “Replace key…”, below.")
    assert "mirror-console" not in told
    press(decide_button(panel))
    asked = answers.asked[-1]
    assert OLD_KEY in asked.text
    assert NEW_KEY in asked.text
    assert asked.phrase is not None
    assert asked.phrase.exact == NEW_KEY
    assert kept_key(context, engine) == OLD_KEY
    answers.answer = Answer(True)
    with qtbot.waitSignal(panel.ended, timeout=20_000) as ended:
        press(decide_button(panel))
    assert ended.args == [True]
    assert kept_key(context, engine) == NEW_KEY
    assert page.details.test.hasFocus()
    page.close()


@pytest.mark.parametrize("pasted", [NEW_KEY, f"SHA2-256(stdin)= {bare_digits(NEW_KEY)}"])
def test_the_fingerprint_is_pasted_as_it_is_shown_or_as_openssl_prints_it(qtbot: QtBot, pasted: str) -> None:
    dialog = QuestionDialog(server_key_question(NEW_KEY, OLD_KEY))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    field = dialog.phrase_field
    assert field is not None
    tab_to(field)
    assert dialog.cancel_button.isDefault()
    for wrong in (OLD_KEY, bare_digits(OLD_KEY), "yes", NEW_KEY[:-1]):
        field.setText(wrong)
        assert not dialog.go_button.isEnabled()
        assert "not the fingerprint" in field.accessibleDescription()
    QGuiApplication.clipboard().setText(pasted)
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert dialog.go_button.isEnabled()
    press(dialog.go_button)
    assert dialog.answer().go


def test_in_the_form_it_is_remembered_at_once_and_the_test_goes_on_with_what_is_typed(
    qtbot: QtBot, context: UiContext
) -> None:
    engine = engine_with_a_key(context)
    page = page_on(qtbot, context, EngineOperations(test_input=tls_steps_of))
    page.view.move_to(engine.id)
    page.edit()
    editor = page.editor
    assert isinstance(editor, EngineEditor)
    editor.location.setText("Lyon")
    with qtbot.waitSignal(editor.connection.ended, timeout=20_000):
        press(editor.test)
    with qtbot.waitSignal(editor.connection.ended, timeout=20_000) as ended:
        press(decide_button(editor.connection))
    assert ended.args == [True]
    assert kept_key(context, engine) == NEW_KEY
    assert editor.test.hasFocus()
    assert editor.form.dirty
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    saved = context.console.engine(engine.id)
    assert (saved.location, saved.server_key) == ("Lyon", NEW_KEY)
    page.close()


def test_reading_only_nobody_replaces_a_key(qtbot: QtBot, make_context: ContextMaker) -> None:
    context = make_context()
    engine = engine_with_a_key(context)
    context.console = replace(context.console, read_only="Started with --read-only.")
    page = page_on(qtbot, context, EngineOperations(test_input=tls_steps_of))
    page.view.move_to(engine.id)
    panel = page.details.connection
    with qtbot.waitSignal(panel.ended, timeout=20_000):
        page.test()
    assert not decide_button(panel).isEnabled()
    assert decide_button(panel).accessibleDescription() == "Started with --read-only."
    page.close()
