"""The vault of one run: the keyring until memory is chosen, and never a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.errors import VaultError
from mirror_console.vault import MADE_UP, MadeUpVault, SessionVault, Vault, VaultAbsent

KEY = SecretReference("engine/one/key")


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SessionVault:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-such-bus")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return SessionVault(Vault("catalog"))


def test_without_a_keyring_it_refuses_and_says_what_to_do(no_keyring: SessionVault) -> None:
    assert no_keyring.state() is VaultState.ABSENT
    with pytest.raises(VaultAbsent) as refusal:
        no_keyring.put(KEY, Secret("a key"))
    assert "for this run only" in refusal.value.hint


def test_memory_is_used_once_a_person_has_chosen_it_and_nothing_is_written(
    no_keyring: SessionVault, tmp_path: Path
) -> None:
    before = no_keyring.for_this_run_only
    no_keyring.keep_for_this_run_only()
    no_keyring.put(KEY, Secret("a key"))
    assert (before, no_keyring.for_this_run_only) == (False, True)
    assert no_keyring.get(KEY) == Secret("a key")
    assert no_keyring.state() is VaultState.UNLOCKED
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    no_keyring.forget(KEY)
    with pytest.raises(VaultError):
        no_keyring.get(KEY)


def test_a_second_choice_keeps_what_memory_holds(no_keyring: SessionVault) -> None:
    no_keyring.keep_for_this_run_only()
    no_keyring.put(KEY, Secret("a key"))
    no_keyring.keep_for_this_run_only()
    assert no_keyring.has(KEY)


def test_the_vault_of_a_rehearsal_keeps_nothing_that_is_put() -> None:
    vault = MadeUpVault()
    vault.put(KEY, Secret("typed by mistake"))
    assert vault.get(KEY).reveal() == MADE_UP
    assert vault.has(SecretReference("anything"))
