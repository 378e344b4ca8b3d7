"""The engines page: states, the form with its test, credentials that are never shown, registries, and reading only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.engine import Contact, EngineFacts
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.secret import Secret
from mirror_console.domain.status import Knowledge, Status
from mirror_console.operations.connection import TITLES
from mirror_console.operations.engines import (
    ConnectionStep,
    EngineInput,
    RegistryInput,
    StepState,
    save_engine,
    save_registry,
)
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.connection import result_text
from mirror_console.ui.engines.details import sentence_of, state_glyph, state_words
from mirror_console.ui.engines.editor import EngineEditor
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.engines.registry_editor import RegistryEditor
from mirror_console.ui.questions import Answer
from mirror_console.ui.widgets.secret_field import SecretInput
from tests.operations.fleet import small_fleet
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.sample import engine_row, grid_with_podman, sample_grid
from tests.ui.window_on import context_on, press, tab_to

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE-secret-part\n-----END PRIVATE KEY-----\n"


def shown(qtbot: QtBot, context: UiContext) -> EnginesPage:
    with context.theme.undressed():
        page = EnginesPage(context)
    context.wish_to_go.connect(lambda _page, what: page.show_what(what))
    qtbot.addWidget(page)
    page.resize(960, 600)
    page.show()
    qtbot.waitExposed(page)
    context.set_grid(context.grid or survey(context.console))
    page.refresh(context.grid or survey(context.console))
    context.actions.current_page = "engines"
    return page


@pytest.fixture
def page(qtbot: QtBot, context: UiContext) -> Iterator[EnginesPage]:
    made = shown(qtbot, context)
    yield made
    made.close()


def engine_editor(page: EnginesPage) -> EngineEditor:
    assert isinstance(page.editor, EngineEditor)
    return page.editor


def test_an_empty_page_says_what_belongs_here(page: EnginesPage) -> None:
    assert page.nothing.isVisible()
    assert page.nothing.title() == "No engine yet"


def test_an_engine_is_added_by_the_keyboard(qtbot: QtBot, page: EnginesPage) -> None:
    press(page.add_button)
    editor = engine_editor(page)
    assert editor.name.hasFocus()
    QTest.keyClicks(editor.name, "fra-9")
    tab_to(editor.address)
    QTest.keyClicks(editor.address, "unix:///run/fra-9.sock")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    with page.context.console.catalog.read() as books:
        assert [str(engine.address) for engine in books.engines.all()] == ["unix:///run/fra-9.sock"]
    assert page.focusWidget() is page.add_button


def test_a_wrong_address_is_told_after_the_field_was_left_and_save_goes_there(qtbot: QtBot, page: EnginesPage) -> None:
    page.add()
    editor = engine_editor(page)
    editor.name.setText("fra-9")
    tab_to(editor.address)
    QTest.keyClicks(editor.address, "tcp://fra-9:2375")
    field = editor.form.fields["address"]
    assert field.problem == ""
    QTest.keyClick(editor.address, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: "unencrypted" in field.problem)
    assert "unencrypted" in editor.address.accessibleDescription()
    assert editor.editor.save.isEnabled()
    press(editor.editor.save)
    assert editor.address.hasFocus()
    assert page.editor is editor


def test_a_field_that_rests_is_judged_where_the_cursor_still_is(qtbot: QtBot, page: EnginesPage) -> None:
    page.add()
    editor = engine_editor(page)
    tab_to(editor.timeout)
    QTest.keyClicks(editor.timeout, "x")
    qtbot.waitUntil(lambda: editor.form.fields["timeout"].problem != "", timeout=2000)
    assert editor.timeout.hasFocus()


def test_what_was_changed_is_guarded(qtbot: QtBot, make_context: ContextMaker) -> None:
    answers = Answers(Answer(False))
    page = shown(qtbot, make_context(questions=answers))
    page.add()
    editor = engine_editor(page)
    assert page.may_leave()
    editor.name.setText("fra-9")
    assert not page.may_leave()
    tab_to(editor.name)
    QTest.keyClick(editor.name, Qt.Key.Key_Escape)
    assert page.stack.currentWidget() is editor
    assert len(answers.asked) == 2
    answers.answer = Answer(True)
    QTest.keyClick(editor.name, Qt.Key.Key_Escape)
    assert page.editor is None
    page.close()


def test_credentials_are_replaced_and_never_shown(qtbot: QtBot, page: EnginesPage, tmp_path: Path) -> None:
    console = page.context.console
    typed = EngineInput("fra-9", "tcp://fra-9:2376", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    engine = save_engine(console, typed)
    page.refresh(survey(console))
    page.view.move_to(engine.id)
    page.edit()
    editor = engine_editor(page)
    assert editor.parts.tls.key.typed is None
    assert editor.input().ca == ""
    file = tmp_path / "key.pem"
    file.write_text(KEY, "ascii")
    field = SecretInput("Client key", stored=True, lines=3, from_file=True, ask=lambda _over, _title: str(file))
    qtbot.addWidget(field)
    field.open()
    field.read_file()
    kept = field.typed
    assert kept == KEY
    field.close_again()
    assert "secret-part" not in str(field.property("typed"))


def test_a_file_that_is_no_text_is_refused_in_words(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    file.write_bytes(b"\xff\x00\xfe")
    field = SecretInput("Client key", stored=False, lines=3, from_file=True, ask=lambda _over, _title: str(file))
    qtbot.addWidget(field)
    field.read_file()
    assert field.says.text() == "The file can't be read: it is not a text. Choose another one."
    assert field.typed is None


def test_a_connection_is_tested_before_it_is_saved(qtbot: QtBot, qapp: QApplication) -> None:
    with small_fleet(1) as fleet, context_on(qapp, fleet, Answers()) as context:
        page = shown(qtbot, context)
        page.add()
        editor = engine_editor(page)
        editor.name.setText("third")
        editor.address.setText("unix:///run/nobody-listens.sock")
        with qtbot.waitSignal(editor.connection.ended, timeout=20_000) as ended:
            press(editor.test)
        assert ended.args == [False]
        failed = next(step for step in editor.connection.steps if step.state is StepState.FAILED)
        assert failed.remedy
        assert editor.connection.says.text().startswith(f"It ends at step {failed.number}")
        assert len(editor.connection.steps) == len(TITLES)
        editor.connection.copy.click()
        assert QGuiApplication.clipboard().text() == result_text(editor.connection.steps)
        editor.form.begin()
        page.close()


def test_the_connection_of_a_saved_engine_is_tested_from_its_details(qtbot: QtBot, qapp: QApplication) -> None:
    with small_fleet(1) as fleet, context_on(qapp, fleet, Answers()) as context:
        refresh(fleet.console, fleet.jobs)
        page = shown(qtbot, context)
        page.view.move_to("alpha")
        with qtbot.waitSignal(page.details.connection.ended, timeout=20_000) as ended:
            press(page.details.test)
        assert ended.args == [True], result_text(page.details.connection.steps)
        assert page.details.connection.says.text().startswith("The connection works.")
        page.close()


def test_the_state_of_an_engine_names_the_reason() -> None:
    assert state_words(engine_row(1, answered=False)) == "unreachable: connection refused"
    away = engine_row(1, answered=False)
    assert away.contact is not None
    assert sentence_of(replace(away, contact=replace(away.contact, words=""))).startswith("It can't be reached: ")
    locked = replace(away, contact=replace(away.contact, words="The keyring is locked. Unlock it."))
    assert sentence_of(locked) == "It can't be reached. The keyring is locked. Unlock it."
    bare = engine_row(0)
    assert bare.contact is not None
    never = EngineRow(
        bare.engine, replace(bare.contact, facts=EngineFacts("20.10", "1.41", "linux/amd64")), 0, Knowledge.NEVER
    )
    assert state_words(never) == "fresh"
    assert isinstance(never.contact, Contact)


def test_an_engine_that_wasn_t_asked_for_a_while_has_no_tick() -> None:
    fresh = engine_row(1)
    ageing = replace(fresh, knowledge=Knowledge.AGEING)
    assert (state_glyph(fresh), sentence_of(fresh)) == (Status.ALIGNED, "It answers.")
    assert (state_words(ageing), state_glyph(ageing)) == ("ageing", Status.NOT_APPLICABLE)
    assert sentence_of(ageing) == "It answered when it was asked last."


def test_what_does_not_work_with_an_engine_is_said_beside_it(page: EnginesPage) -> None:
    page.refresh(grid_with_podman())
    page.view.move_to("engine-1")
    assert page.details.facts.text().splitlines()[1] == "Podman 4.3.1, API 1.41, linux/amd64"
    lines = page.details.limits.text().splitlines()
    assert lines[0] == "What doesn't work with Podman:"
    assert lines[1].startswith("• No rollouts")
    assert page.details.limits.isVisible()
    page.view.move_to("engine-0")
    assert not page.details.limits.isVisible()
    assert page.details.facts.text().splitlines()[1] == "Docker 20.10.24, API 1.41, linux/amd64"


def test_a_registry_is_added_and_its_password_stays_hidden(qtbot: QtBot, page: EnginesPage) -> None:
    press(page.add_registry_button)
    editor = page.editor
    assert isinstance(editor, RegistryEditor)
    QTest.keyClicks(editor.host, "registry.lab:5000")
    tab_to(editor.user)
    QTest.keyClicks(editor.user, "deploy")
    tab_to(editor.password.edit)
    QTest.keyClicks(editor.password.edit, "pass-word")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.registries.table.rowCount() == 1)
    assert page.tabs.tabText(1) == "Registries (1)"
    page.tabs.setCurrentIndex(1)
    page.registries.edit()
    assert isinstance(page.editor, RegistryEditor)
    assert page.editor.password.typed is None


def test_removing_asks_first(qtbot: QtBot, make_context: ContextMaker) -> None:
    answers = Answers(Answer(False))
    context = make_context(questions=answers)
    engine = save_engine(context.console, EngineInput("fra-9", "unix:///run/x.sock"))
    save_registry(context.console, RegistryInput("registry.lab:5000", "deploy", Secret("x")))
    page = shown(qtbot, context)
    page.view.move_to(engine.id)
    page.remove()
    assert answers.asked[-1].title == "Remove fra-9?"
    with context.console.catalog.read() as books:
        assert books.engines.by_name("fra-9") is not None
    answers.answer = Answer(True)
    page.remove()
    qtbot.waitUntil(lambda: any(notice.title == "Removed fra-9." for notice in context.notices.shown))
    page.close()


def test_read_only_opens_the_form_and_says_why_it_cannot_be_saved(qtbot: QtBot, make_context: ContextMaker) -> None:
    context = make_context(read_only="The console was started with --read-only.")
    context.set_grid(sample_grid())
    page = shown(qtbot, context)
    assert not page.add_button.isEnabled()
    page.view.move_to("engine-0")
    page.edit()
    editor = engine_editor(page)
    assert editor.name.isReadOnly()
    assert not editor.editor.save.isEnabled()
    assert editor.editor.says.whole() == "The console was started with --read-only."
    page.close()


def test_the_steps_of_a_test_can_be_copied_as_text() -> None:
    steps = (
        ConnectionStep(1, "Address understood", StepState.OK, "unix:///run/x.sock", 0.0),
        ConnectionStep(2, "Name resolved", StepState.FAILED, "No such host.", 0.25, "Correct the address."),
    )
    assert result_text(steps).splitlines()[1] == (
        " 2 failed     0.25 s  Name resolved: No such host. Correct the address."
    )


@pytest.mark.parametrize(("seconds", "words"), [(59.0, ""), (300.0, "300 s ahead"), (-61.0, "61 s behind")])
def test_a_clock_that_is_off_is_warned_of(seconds: float, words: str) -> None:
    row = engine_row(0)
    assert row.contact is not None
    assert row.contact.facts is not None
    told = replace(row, contact=replace(row.contact, facts=replace(row.contact.facts, clock_offset=seconds)))
    assert ("its clock is" in sentence_of(told)) is bool(words)
    assert words in sentence_of(told)
