"""The ways into an engine: what the form asks for, host keys that a person decides on, accounts, Docker's contexts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import UNENCRYPTED_ACCEPTED, Engine, Way
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.secret import Secret, VaultState
from mirror_console.domain.ssh import SignIn, ToSocket
from mirror_console.domain.status import Knowledge
from mirror_console.errors import FailureKind
from mirror_console.operations.access import AccessInput, save_access
from mirror_console.operations.engines import EngineInput, SshInput, save_engine
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.access_editor import AccessEditor, TlsPart
from mirror_console.ui.engines.connection import ConnectionPanel
from mirror_console.ui.engines.contexts import ContextsEditor
from mirror_console.ui.engines.editor import EngineEditor
from mirror_console.ui.engines.host_keys import trust_question
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.questions import Answer, QuestionDialog
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.pictures import settle
from tests.ui.pictures_engines import ACCEPTED, JUMP, OFFERED, steps_of, stopped
from tests.ui.sample import engine_row, sample_grid
from tests.ui.window_on import press, tab_to

pytestmark = pytest.mark.slow

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE-secret-part\n-----END PRIVATE KEY-----\n"
BY_SSH = EngineInput("ber-1", "ssh://deploy@ber-1.lab", ssh=SshInput(key=Secret(KEY), host_keys=(JUMP, ACCEPTED)))
CREDENTIALS = {"ca", "certificate", "key", "ssh_key", "ssh_passphrase", "ssh_password", "jumps", "unencrypted"}


def page_on(qtbot: QtBot, context: UiContext, operations: EngineOperations | None = None) -> EnginesPage:
    with context.theme.undressed():
        page = EnginesPage(context, operations)
    qtbot.addWidget(page)
    page.resize(960, 600)
    page.show()
    qtbot.waitExposed(page)
    context.grid_changed.connect(page.refresh)
    context.set_grid(survey(context.console))
    context.actions.current_page = "engines"
    return page


def editor_on(page: EnginesPage) -> EngineEditor:
    assert isinstance(page.editor, EngineEditor)
    return page.editor


def decide_button(panel: ConnectionPanel) -> QPushButton:
    """The button at the step that shows a key."""
    settle()  # what was just put into the panel is shown a moment later
    (found,) = [line.decide for line in panel._lines if line.decide.isVisible()]
    return found


def engines_of(context: UiContext) -> list[Engine]:
    with context.console.catalog.read() as books:
        return books.engines.all()


@pytest.fixture
def staged(qtbot: QtBot, make_context: ContextMaker) -> Iterator[tuple[EnginesPage, Answers]]:
    """A page with an engine by SSH whose server shows OFFERED, and what is answered to questions."""
    answers = Answers(Answer(False))
    context = make_context(questions=answers)
    save_engine(context.console, replace(BY_SSH, ssh=replace(BY_SSH.ssh, host_keys=(JUMP,))))
    page = page_on(qtbot, context, EngineOperations(test_input=steps_of))
    page.view.move_to(engines_of(context)[0].id)
    yield page, answers
    page.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", set()),
        ("unix:///run/docker.sock", set()),
        ("tcp://fra-9.lab", {"ca", "certificate", "key"}),
        ("tcp://fra-9.lab:2375", {"ca", "certificate", "key"}),
        ("ssh://", {"ssh_key", "ssh_passphrase", "jumps"}),
        ("ssh://deploy@fra-9.lab", {"ssh_key", "ssh_passphrase", "jumps"}),
        ("http://127.0.0.1:2375", {"unencrypted"}),
    ],
)
def test_the_address_decides_what_is_asked_for(qtbot: QtBot, context: UiContext, address: str, shown: set[str]) -> None:
    page = page_on(qtbot, context)
    page.add()
    editor = editor_on(page)
    editor.address.setText(address)
    assert {name for name in CREDENTIALS if editor.form.fields[name].isVisible()} == shown
    editor.form.begin()


def test_an_engine_by_ssh_is_added_by_the_keyboard_and_its_key_is_never_shown(qtbot: QtBot, context: UiContext) -> None:
    page = page_on(qtbot, context)
    page.add()
    editor = editor_on(page)
    QTest.keyClicks(editor.name, "ber-1")
    tab_to(editor.address)
    QTest.keyClicks(editor.address, "ssh://deploy@ber-1.lab")
    press(editor.editor.save)
    assert "private key is needed" in editor.form.fields["ssh_key"].problem
    key = editor.parts.ssh.key.edit
    assert isinstance(key, QPlainTextEdit)
    tab_to(key)
    key.setPlainText(KEY)
    tab_to(editor.parts.ssh.jumps)
    QTest.keyClicks(editor.parts.ssh.jumps, "deploy@jump.lab:2222")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    (engine,) = engines_of(context)
    assert engine.ssh is not None
    assert engine.ssh.key is not None
    assert (engine.ssh.sign_in, [str(hop) for hop in engine.ssh.jumps]) == (SignIn.KEY, ["deploy@jump.lab:2222"])
    assert context.console.vault.get(engine.ssh.key).reveal() == KEY
    page.open_editor(EngineEditor(context, EngineOperations(), engine))
    again = editor_on(page)
    assert not again.form.dirty
    assert again.parts.ssh.key.typed is None
    texts = [field.text() for field in again.findChildren(QLineEdit)]
    texts += [field.toPlainText() for field in again.findChildren(QPlainTextEdit)]
    assert "deploy@jump.lab:2222" in texts
    assert not any("secret-part" in text for text in texts)


def test_each_sign_in_asks_for_its_own(qtbot: QtBot, context: UiContext) -> None:
    page = page_on(qtbot, context)
    page.add()
    editor = editor_on(page)
    editor.name.setText("ber-1")
    editor.address.setText("ssh://deploy@ber-1.lab")
    ssh, fields = editor.parts.ssh, editor.form.fields
    ssh.sign_in.setCurrentIndex(ssh.sign_in.findData(SignIn.PASSWORD))
    assert fields["ssh_password"].isVisible()
    assert not fields["ssh_key"].isVisible()
    ssh.sign_in.setCurrentIndex(ssh.sign_in.findData(SignIn.OWN))
    ssh.to_socket.setCurrentIndex(ssh.to_socket.findData(ToSocket.SOCKET))
    assert not fields["ssh_password"].isVisible()
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    (engine,) = engines_of(context)
    assert engine.ssh is not None
    assert (engine.ssh.sign_in, engine.ssh.to_socket) == (SignIn.OWN, ToSocket.SOCKET)


def test_without_encryption_the_sentence_is_typed_that_names_the_risk(qtbot: QtBot, context: UiContext) -> None:
    page = page_on(qtbot, context)
    page.add()
    editor = editor_on(page)
    editor.name.setText("here")
    editor.address.setText("http://127.0.0.1:2375")
    press(editor.editor.save)
    sentence = editor.parts.plain.sentence
    assert sentence.hasFocus()
    assert "is root there" in editor.form.fields["unencrypted"].problem
    QTest.keyClicks(sentence, UNENCRYPTED_ACCEPTED)
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    (engine,) = engines_of(context)
    assert engine.unencrypted_accepted


def test_an_unknown_key_is_decided_on_before_saving_and_the_test_goes_on(
    qtbot: QtBot, staged: tuple[EnginesPage, Answers]
) -> None:
    page, answers = staged
    page.edit()
    editor = editor_on(page)
    with qtbot.waitSignal(editor.connection.ended, timeout=20_000) as ended:
        press(editor.test)
    assert ended.args == [False]
    assert "needs your decision" in editor.connection.says.text()
    press(decide_button(editor.connection))
    assert answers.asked[-1].phrase is None
    assert OFFERED.fingerprint in answers.asked[-1].text
    assert set(editor.parts.ssh.host_keys.keys) == {JUMP}
    assert not editor.form.dirty
    answers.answer = Answer(True)
    with qtbot.waitSignal(editor.connection.ended, timeout=20_000) as ended:
        press(decide_button(editor.connection))
    assert ended.args == [True]
    assert set(editor.parts.ssh.host_keys.keys) == {JUMP, OFFERED}
    assert editor.test.hasFocus()
    answers.answer = Answer(False)
    assert not page.may_leave()
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    (engine,) = engines_of(page.context)
    assert engine.ssh is not None
    assert engine.ssh.host_keys == (JUMP, OFFERED)


def test_a_changed_key_is_replaced_by_its_fingerprint_alone(qtbot: QtBot) -> None:
    dialog = QuestionDialog(trust_question(OFFERED, (ACCEPTED,)))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    field = dialog.phrase_field
    assert field is not None
    assert field.accessibleName().startswith("Type or paste")
    assert not dialog.go_button.isEnabled()
    assert dialog.cancel_button.isDefault()
    field.setText(ACCEPTED.fingerprint)
    assert not dialog.go_button.isEnabled()
    assert "not the fingerprint" in field.accessibleDescription()
    QGuiApplication.clipboard().setText(f"256 {OFFERED.fingerprint} root@ber-1 (ED25519)")
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert dialog.go_button.isEnabled()
    assert field.accessibleDescription() == ""
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.result() == 0


def test_a_changed_key_shows_both_and_is_told_as_a_replacement(qtbot: QtBot, make_context: ContextMaker) -> None:
    answers = Answers(Answer(True))
    context = make_context(questions=answers)
    engine = save_engine(context.console, BY_SSH)
    page = page_on(qtbot, context, EngineOperations(test_input=steps_of))
    page.view.move_to(engine.id)
    with qtbot.waitSignal(page.details.connection.ended, timeout=20_000):
        press(page.details.test)
    failed = page.details.connection.steps[3]
    assert ACCEPTED.fingerprint in failed.words
    assert OFFERED.fingerprint in failed.words
    replace_button = decide_button(page.details.connection)
    assert replace_button.text() == "Replace key…"
    with qtbot.waitSignal(page.details.connection.ended, timeout=20_000) as ended:
        press(replace_button)
    assert ended.args == [True]
    asked = answers.asked[-1].phrase
    assert asked is not None
    assert asked.exact == OFFERED.fingerprint
    (saved,) = engines_of(context)
    assert saved.ssh is not None
    assert set(saved.ssh.host_keys) == {JUMP, OFFERED}
    page.close()


def test_accepted_keys_are_removed_one_by_one_by_the_keyboard(qtbot: QtBot, context: UiContext) -> None:
    engine = save_engine(context.console, BY_SSH)
    page = page_on(qtbot, context)
    page.view.move_to(engine.id)
    page.edit()
    editor = editor_on(page)
    keys = editor.parts.ssh.host_keys
    assert keys.removers[0].accessibleName() == f"Remove the key of jump.lab:2222, {JUMP.words}"
    press(keys.removers[0])
    assert keys.keys == (ACCEPTED,)
    assert keys.removers[0].hasFocus()
    press(keys.removers[0])
    assert keys.none.isVisible()
    assert editor.focusWidget() is not None
    assert editor.form.dirty


def test_an_account_gets_a_credential_and_loses_it(qtbot: QtBot, make_context: ContextMaker) -> None:
    answers = Answers(Answer(True))
    context = make_context(questions=answers)
    typed = EngineInput("fra-9", "tcp://fra-9:2376", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    engine = save_engine(context.console, typed)
    page = page_on(qtbot, context)
    page.view.move_to(engine.id)
    accounts = page.details.accounts
    qtbot.waitUntil(lambda: accounts.says.text().startswith("All environments"))
    press(accounts.add)
    editor = page.editor
    assert isinstance(editor, AccessEditor)
    assert editor.account.hasFocus()
    QTest.keyClicks(editor.account, "Dunes")
    press(editor.editor.save)
    assert "is needed" in editor.form.fields["certificate"].problem
    assert isinstance(editor.part, TlsPart)
    for secret, text in ((editor.part.certificate, CERTIFICATE), (editor.part.key, KEY)):
        assert isinstance(secret.edit, QPlainTextEdit)
        secret.edit.setPlainText(text)
    press(editor.editor.save)
    qtbot.waitUntil(lambda: accounts.table.rowCount() == 1)
    assert [(one.account, one.kept) for one in accounts.table.rows] == [("Dunes", Kept.STORED)]
    with context.console.catalog.read() as books:
        (access,) = books.accesses.of(engine.id)
    context.console.vault.forget(access.references["key"])
    accounts.show_engine(engine)
    qtbot.waitUntil(lambda: accounts.table.rows[0].kept is Kept.MISSING)
    accounts.view.move_to("Dunes")
    press(accounts.replace)
    editor = page.editor
    assert isinstance(editor, AccessEditor)
    assert editor.account.isReadOnly()
    assert isinstance(editor.part, TlsPart)
    assert editor.part.key.typed is None
    page.close_editor()
    press(accounts.remove)
    qtbot.waitUntil(lambda: accounts.table.rowCount() == 0)
    assert answers.asked[-1].title == "Remove the credential of Dunes?"
    with context.console.catalog.read() as books:
        assert books.accesses.of(engine.id) == []
    page.close()


def test_reading_only_nobody_gets_a_credential_or_trusts_a_key(qtbot: QtBot, make_context: ContextMaker) -> None:
    context = make_context()
    typed = EngineInput("fra-9", "tcp://fra-9:2376", ca=CERTIFICATE, certificate=CERTIFICATE, key=Secret(KEY))
    engine = save_engine(context.console, typed)
    save_access(context.console, engine, AccessInput("Dunes", "", CERTIFICATE, Secret(KEY)))
    ssh = save_engine(context.console, BY_SSH)
    context.console = replace(context.console, read_only="Started with --read-only.")
    page = page_on(qtbot, context, EngineOperations(test_input=steps_of))
    page.view.move_to(engine.id)
    qtbot.waitUntil(lambda: page.details.accounts.table.rowCount() == 1)
    page.details.accounts.view.move_to("Dunes")
    for made in (page.details.accounts.add, page.details.accounts.remove, page.import_button):
        assert not made.isEnabled()
        assert made.accessibleDescription() == "Started with --read-only."
    page.view.move_to(ssh.id)
    with qtbot.waitSignal(page.details.connection.ended, timeout=20_000):
        page.test()
    assert not decide_button(page.details.connection).isEnabled()
    page.close()


def make_context_file(home: Path, name: str, host: str) -> None:
    entry = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker" / "contexts" / "meta" / entry
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (folder / "meta.json").write_text(json.dumps(meta))


def test_engines_of_docker_are_ticked_and_imported(qtbot: QtBot, context: UiContext, tmp_path: Path) -> None:
    home = tmp_path / "person"
    make_context_file(home, "hamburg", "ssh://deploy@ham-1.lab")
    make_context_file(home, "old-build", "tcp://build.lab:2375")
    make_context_file(home, "here", "unix:///run/here.sock")
    page = page_on(qtbot, context, EngineOperations(test_input=steps_of, home=lambda: home, environment={}))
    context.signals.catalog.connect(lambda _names: context.set_grid(survey(context.console)))
    context.console.catalog.subscribe(context.signals.report_catalog)
    press(page.import_button)
    editor = page.editor
    assert isinstance(editor, ContextsEditor)
    qtbot.waitUntil(lambda: len(editor.lines) == 3)
    assert not editor.lines["old-build"].box.isEnabled()
    assert "unencrypted" in editor.lines["old-build"].why.text()
    assert "unencrypted" in editor.lines["old-build"].box.accessibleDescription()
    assert not editor.editor.save.isEnabled()
    press(editor.lines["hamburg"].box)
    assert editor.editor.save.text() == "Import 1 engine"
    with qtbot.waitSignal(page.details.connection.ended, timeout=20_000):
        press(editor.editor.save)
    (engine,) = engines_of(context)
    assert (engine.name, engine.address.way) == ("hamburg", Way.SSH)
    assert engine.ssh is not None
    assert engine.ssh.sign_in is SignIn.OWN
    assert decide_button(page.details.connection).text() == "Trust this key…"
    page.close()


def test_a_locked_keyring_has_one_button_that_opens_it_and_checks_again(qtbot: QtBot, context: UiContext) -> None:
    row = engine_row(1, answered=False)
    assert row.contact is not None
    locked = EngineRow(row.engine, replace(row.contact, failure=FailureKind.KEYRING), 8, Knowledge.UNREACHABLE)
    page = page_on(qtbot, context)
    page.refresh(replace(sample_grid(), engines=(engine_row(0), locked)))
    page.view.move_to("engine-0")
    assert not page.details.unlock.isVisible()
    page.view.move_to("engine-1")
    assert page.details.unlock.isVisible()
    assert context.console.vault.state() is VaultState.UNLOCKED
    with qtbot.waitSignal(context.wish_to_check) as wish:
        press(page.details.unlock)
    assert wish.args == [("engine-1",), False]


def test_on_a_low_window_the_step_that_failed_comes_into_sight(qtbot: QtBot, context: UiContext) -> None:
    save_engine(context.console, BY_SSH)
    page = page_on(qtbot, context)
    page.resize(860, 420)
    page.view.move_to(engines_of(context)[0].id)
    panel = page.details.connection
    with qtbot.waitSignal(panel.ended, timeout=20_000):
        panel.run(lambda: iter(stopped()))
    line = panel._lines[3]

    def seen() -> bool:
        return line.visibleRegion().boundingRect().height() >= min(line.height(), page.details.height())

    qtbot.waitUntil(seen, timeout=5000)
    assert not page.details.title.visibleRegion().boundingRect().height(), "there is room for all: it proves nothing"
    page.close()
