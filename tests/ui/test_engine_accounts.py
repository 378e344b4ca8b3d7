"""Accounts on an engine by SSH: as whom they sign in and with what; engines that take no credential say why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from mirror_console.domain.access import Access
from mirror_console.domain.credential import Kept
from mirror_console.domain.engine import Engine
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import SignIn
from mirror_console.operations.access import AccessInput, save_access
from mirror_console.operations.engines import EngineInput, SshInput, save_engine
from mirror_console.operations.status import survey
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.access_editor import AccessEditor, SshPart
from mirror_console.ui.engines.page import EnginesPage
from mirror_console.ui.questions import Answer
from tests.ui.conftest import Answers, ContextMaker
from tests.ui.test_engine_ways_in import BY_SSH, KEY, page_on
from tests.ui.window_on import press, tab_to

pytestmark = pytest.mark.slow

OWN = EngineInput("ber-1", "ssh://deploy@ber-1.lab", ssh=SshInput(sign_in=SignIn.OWN))


def access_of(context: UiContext, engine: Engine) -> Access:
    with context.console.catalog.read() as books:
        (access,) = books.accesses.of(engine.id)
    return access


def form_on(page: EnginesPage) -> tuple[AccessEditor, SshPart]:
    assert isinstance(page.editor, AccessEditor)
    assert isinstance(page.editor.part, SshPart)
    return page.editor, page.editor.part


def test_an_account_signs_in_as_its_own_user_with_its_own_key_by_the_keyboard(qtbot: QtBot, context: UiContext) -> None:
    engine = save_engine(context.console, BY_SSH)
    page = page_on(qtbot, context)
    page.view.move_to(engine.id)
    accounts = page.details.accounts
    qtbot.waitUntil(lambda: accounts.says.text().startswith("All environments"))
    press(accounts.add)
    editor, ssh = form_on(page)
    assert {"certificate", "key", "ca"}.isdisjoint(editor.form.fields)
    assert not editor.form.fields["ssh_password"].isVisible()
    QTest.keyClicks(editor.account, "Dunes")
    tab_to(ssh.user)
    QTest.keyClicks(ssh.user, "dunes")
    press(editor.editor.save)
    assert "private key is needed" in editor.form.fields["ssh_key"].problem
    assert isinstance(ssh.key.edit, QPlainTextEdit)
    tab_to(ssh.key.edit)
    ssh.key.edit.setPlainText(KEY)
    assert isinstance(ssh.passphrase.edit, QLineEdit)
    tab_to(ssh.passphrase.edit)
    QTest.keyClicks(ssh.passphrase.edit, "open sesame")
    press(editor.editor.save)
    qtbot.waitUntil(lambda: accounts.table.rowCount() == 1)
    assert [(one.account, one.kept) for one in accounts.table.rows] == [("Dunes", Kept.STORED)]
    access = access_of(context, engine)
    assert access.user == "dunes"
    vault = context.console.vault
    kept = {name: vault.get(reference).reveal() for name, reference in access.references.items()}
    assert kept == {"ssh_key": KEY, "ssh_passphrase": "open sesame"}
    page.close()


def test_a_password_takes_the_place_of_the_key_only_once_it_is_typed(qtbot: QtBot, context: UiContext) -> None:
    engine = save_engine(context.console, BY_SSH)
    save_access(context.console, engine, AccessInput("Dunes", user="dunes", ssh_key=Secret(KEY)))
    page = page_on(qtbot, context)
    page.view.move_to(engine.id)
    accounts = page.details.accounts
    qtbot.waitUntil(lambda: accounts.table.rowCount() == 1)
    accounts.view.move_to("Dunes")
    press(accounts.replace)
    editor, ssh = form_on(page)
    assert (ssh.user.text(), ssh.sign_in.currentData(), ssh.key.typed) == ("dunes", SignIn.KEY, None)
    assert not editor.form.dirty
    texts = [field.toPlainText() for field in editor.findChildren(QPlainTextEdit)]
    assert not any("secret-part" in text for text in texts)
    ssh.sign_in.setCurrentIndex(ssh.sign_in.findData(SignIn.PASSWORD))
    assert not editor.form.fields["ssh_key"].isVisible()
    press(editor.editor.save)
    assert "password is needed" in editor.form.fields["ssh_password"].problem
    assert access_of(context, engine).references.keys() == {"ssh_key"}
    assert isinstance(ssh.password.edit, QLineEdit)
    tab_to(ssh.password.edit)
    QTest.keyClicks(ssh.password.edit, "hunter two")
    ssh.user.clear()
    press(editor.editor.save)
    qtbot.waitUntil(lambda: page.editor is None)
    access = access_of(context, engine)
    assert (set(access.references), access.user) == ({"ssh_password"}, "")
    assert context.console.vault.get(access.references["ssh_password"]).reveal() == "hunter two"
    page.close()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (EngineInput("here", "unix:///run/docker.sock"), "here is a local socket: it asks for no credential."),
        (OWN, "ber-1 is reached by your own SSH settings: give the engine a key or a password first."),
    ],
)
def test_an_engine_that_takes_no_credential_says_why_and_offers_nothing(
    qtbot: QtBot, context: UiContext, typed: EngineInput, why: str
) -> None:
    engine = save_engine(context.console, typed)
    page = page_on(qtbot, context)
    page.view.move_to(engine.id)
    accounts = page.details.accounts
    qtbot.waitUntil(accounts.says.isVisible, timeout=5000)
    assert accounts.says.text().replace("\u200b", "") == why
    for part in (accounts.view, accounts.add, accounts.replace, accounts.remove):
        assert not part.isVisible()
    page.close()


def test_once_it_takes_none_what_accounts_had_can_be_removed_and_nothing_added(
    qtbot: QtBot, make_context: ContextMaker
) -> None:
    context = make_context(questions=Answers(Answer(True)))
    engine = save_engine(context.console, BY_SSH)
    save_access(context.console, engine, AccessInput("Dunes", ssh_key=Secret(KEY)))
    page = page_on(qtbot, context)
    page.view.move_to(engine.id)
    accounts = page.details.accounts
    qtbot.waitUntil(lambda: accounts.table.rowCount() == 1)
    assert accounts.add.isVisible()
    own = replace(OWN, ssh=replace(OWN.ssh, host_keys=BY_SSH.ssh.host_keys))
    save_engine(context.console, own, engine.id)
    context.set_grid(survey(context.console))
    qtbot.waitUntil(lambda: "your own SSH settings" in accounts.says.text().replace("\u200b", ""))
    qtbot.waitUntil(accounts.view.isVisible)
    assert not accounts.add.isVisible()
    assert not accounts.replace.isVisible()
    accounts.view.move_to("Dunes")
    press(accounts.remove)
    qtbot.waitUntil(lambda: accounts.table.rowCount() == 0)
    assert not accounts.view.isVisible()
    page.close()
