"""The settings page lists credentials with their state and use, and forgets one after a yes. No value is anywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from mirror_console.domain.engine import Engine, Registry, TlsReferences, parse_address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Answer
from mirror_console.ui.settings.credentials import CredentialsPart
from mirror_console.vault import VaultLocked
from tests import canaries
from tests.ui.conftest import Answers, ContextMaker

KEY = "engine/e1/client-key"
VALUE = canaries.SHOWN


@pytest.fixture
def part(context: UiContext, qtbot: QtBot) -> CredentialsPart:
    """The part on a catalog with an engine and a registry, whose password is missing."""
    return _part(context, qtbot)


def _part(context: UiContext, qtbot: QtBot) -> CredentialsPart:
    tls = TlsReferences(*(SecretReference(f"engine/e1/{name}") for name in ("ca", "client-cert", "client-key")))
    with context.console.catalog.write() as books:
        books.engines.save(Engine("e1", "paris", parse_address("tcp://paris.example"), tls=tls))
        books.registries.save(Registry("r1", "registry.example", "shop", SecretReference("registry/r1/password")))
    for reference in (tls.authority, tls.certificate, tls.key):
        context.console.vault.put(reference, Secret(VALUE))
    made = CredentialsPart(context)
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    made.look()
    qtbot.waitUntil(lambda: len(made.table.rows) == 4)
    return made


def _texts(part: CredentialsPart) -> list[list[str]]:
    return [[column.text(row) for column in part.table.columns] for row in part.table.rows]


def test_each_is_listed_with_its_use_and_state(part: CredentialsPart) -> None:
    assert _texts(part) == [
        ["engine paris: certificate of its authority", "stored", "engine/e1/ca"],
        ["engine paris: client certificate", "stored", "engine/e1/client-cert"],
        ["engine paris: key of the client certificate", "stored", KEY],
        ["registry registry.example: password of shop", "missing", "registry/r1/password"],
    ]
    said = [widget.text() for widget in part.findChildren(QLabel)]
    said += [widget.toolTip() + widget.accessibleName() for widget in part.findChildren(QWidget)]
    assert not any(VALUE in text for text in said)


@pytest.mark.parametrize("yes", [True, False])
def test_forgetting_asks_and_names_what_uses_it(
    part: CredentialsPart, context: UiContext, qtbot: QtBot, yes: bool
) -> None:
    answers = context.questions
    assert isinstance(answers, Answers)
    answers.answer = Answer(yes)
    part.view.setCurrentIndex(part.table.index(2, 0))
    assert part.forget.isEnabled()
    part.forget.click()
    assert "key of the client certificate" in answers.asked[0].details
    if yes:
        qtbot.waitUntil(lambda: _texts(part)[2][1] == "missing")
        assert not part.forget.isEnabled()
    assert context.console.vault.has(SecretReference(KEY)) is not yes


def test_what_is_missing_and_what_is_read_only_cannot_be_forgotten(part: CredentialsPart, context: UiContext) -> None:
    part.view.setCurrentIndex(part.table.index(3, 0))
    assert not part.forget.isEnabled()
    part.view.setCurrentIndex(part.table.index(2, 0))
    context.console = replace(context.console, read_only="It was started with --read-only.")
    part._offer()
    assert not part.forget.isEnabled()
    assert part.says.text() == "The console is read-only."


def test_a_keyring_that_refuses_is_told_and_the_list_stays(
    make_context: ContextMaker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_context()
    part = _part(context, qtbot)

    def refuse(_reference: SecretReference) -> None:
        raise VaultLocked

    monkeypatch.setattr(context.console.vault, "forget", refuse)
    part.view.setCurrentIndex(part.table.index(2, 0))
    part.forget.click()
    qtbot.waitUntil(lambda: part.state.text().startswith("The keyring is locked."))
    assert len(part.table.rows) == 4
