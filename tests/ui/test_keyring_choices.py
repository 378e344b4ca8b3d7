"""The settings page says how the keyring is, and offers what helps: unlock it, or memory for this run only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.ui.context import UiContext
from mirror_console.ui.settings.credentials import KEYRING_WORDS, CredentialsPart
from mirror_console.ui.settings.page import SettingsPage

pytestmark = pytest.mark.slow


class StagedVault:
    """A keyring in a given state; only Qt's side of the conversation is looked at here."""

    def __init__(self, state: VaultState) -> None:
        self.now = state
        self.for_this_run_only = False
        self.asked = 0

    def state(self) -> VaultState:
        return VaultState.UNLOCKED if self.for_this_run_only else self.now

    def unlock(self) -> VaultState:
        self.asked += 1
        self.now = VaultState.UNLOCKED
        return self.now

    def keep_for_this_run_only(self) -> None:
        self.for_this_run_only = True

    def get(self, reference: SecretReference) -> Secret:
        raise NotImplementedError(reference.name)

    def find(self, reference: SecretReference) -> Secret | None:
        raise NotImplementedError(reference.name)

    def put(self, reference: SecretReference, secret: Secret) -> None:
        raise NotImplementedError(reference.name)

    def forget(self, reference: SecretReference) -> None:
        raise NotImplementedError(reference.name)

    def has(self, reference: SecretReference) -> bool:
        raise NotImplementedError(reference.name)


def shown(qtbot: QtBot, context: UiContext, vault: StagedVault) -> CredentialsPart:
    context.console = replace(context.console, vault=vault)
    with context.theme.undressed():
        page = SettingsPage(context)
    qtbot.addWidget(page)
    page.show()
    page.shown()
    part = page.credentials
    qtbot.waitUntil(lambda: part.state.text() == KEYRING_WORDS[vault.now])
    return part


@pytest.mark.parametrize(
    ("state", "unlock", "memory"),
    [
        (VaultState.UNLOCKED, False, False),
        (VaultState.LOCKED, True, False),
        (VaultState.DISMISSED, True, False),
        (VaultState.ABSENT, False, True),
    ],
)
def test_each_state_has_its_words_and_one_button_at_most(
    qtbot: QtBot, context: UiContext, state: VaultState, unlock: bool, memory: bool
) -> None:
    page = shown(qtbot, context, StagedVault(state))
    assert page.unlock.isVisible() is unlock
    assert page.memory.isVisible() is memory


def test_unlock_asks_once_and_says_what_came_of_it(qtbot: QtBot, context: UiContext) -> None:
    vault = StagedVault(VaultState.DISMISSED)
    page = shown(qtbot, context, vault)
    page.unlock.click()
    qtbot.waitUntil(lambda: page.state.text() == KEYRING_WORDS[VaultState.UNLOCKED])
    assert vault.asked == 1
    assert not page.unlock.isVisible()


@pytest.mark.parametrize("yes", [True, False])
def test_memory_is_used_after_a_yes_only(
    qtbot: QtBot, context: UiContext, monkeypatch: pytest.MonkeyPatch, yes: bool
) -> None:
    vault = StagedVault(VaultState.ABSENT)
    page = shown(qtbot, context, vault)
    monkeypatch.setattr(context.questions, "confirm", lambda *_words: yes)
    page.memory.click()
    if yes:
        qtbot.waitUntil(lambda: page.state.text() == "In memory, for this run only.")
    assert vault.for_this_run_only is yes
