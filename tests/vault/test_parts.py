"""A secret in a keyring with short entries, as that of Windows: old or new, whole, wherever a write is broken off."""

from __future__ import annotations

import itertools
import traceback

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from mirror_console.vault import (
    MemoryVault,
    Secret,
    SecretMissing,
    SecretReference,
    Vault,
    VaultDismissed,
    VaultFailed,
    VaultState,
)
from mirror_console.vault.rings import SystemRing

KEY = SecretReference("engine/e1/client-key")
ENTRY = "mirror-console/c1/engine/e1/client-key"

TEXTS = st.text(st.characters(codec="utf-16"), max_size=60)


class PowerCut(BaseException):
    """The program ended here."""


class ShortEntries(KeyringBackend):
    """A keyring as that of Windows: at most `limit` UTF-16 units an entry. It can be cut off after some changes."""

    priority = 1

    def __init__(self, limit: int = 12) -> None:
        self.limit = limit
        self.entries: dict[str, str] = {}
        self.changes_left: int | None = None
        self.refuses = False
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        if self.refuses:
            raise KeyringLocked("denied")
        return self.entries.get(service)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._change()
        if len(password.encode("utf-16-le")) // 2 > self.limit:
            raise ValueError(f"(1783, 'CredWrite', 'The stub received bad data') {password}")
        self.entries[service] = password

    def delete_password(self, service: str, username: str) -> None:
        self._change()
        if self.entries.pop(service, None) is None:
            raise PasswordDeleteError(service)

    def _change(self) -> None:
        if self.changes_left == 0:
            raise PowerCut
        if self.changes_left is not None:
            self.changes_left -= 1


def vault_on(backend: ShortEntries) -> Vault:
    """A vault that starts anew on what the keyring holds."""
    return Vault("c1", SystemRing(backend, limit=backend.limit))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_what_was_put_last_is_got_and_nothing_else_is_kept(values: list[str]) -> None:
    backend = ShortEntries()
    for value in values:
        vault_on(backend).put(KEY, Secret(value))
        assert vault_on(backend).get(KEY) == Secret(value)
    pieces = len(backend.entries) - 1
    assert pieces <= len(values[-1].encode("utf-16-le")) // 2
    assert (pieces == 0) == (len(values[-1].encode("utf-16-le")) // 2 < backend.limit)
    vault_on(backend).forget(KEY)
    assert backend.entries == {}


@given(st.none() | TEXTS, TEXTS, TEXTS)
def test_broken_off_at_any_change_the_old_or_the_new_one_is_whole(old: str | None, new: str, after: str) -> None:
    assume(old != new)
    for cut in itertools.count():
        backend = ShortEntries()
        if old is not None:
            vault_on(backend).put(KEY, Secret(old))
        backend.changes_left = cut
        try:
            vault_on(backend).put(KEY, Secret(new))
        except PowerCut:
            backend.changes_left = None
            assert value_of(backend) in {old, new}
        else:
            break
        # What the break left over harms no later write, and goes with it.
        vault_on(backend).put(KEY, Secret(after))
        assert value_of(backend) == after
        assert len(backend.entries) == entries_needed(after, backend.limit)
    assert cut > 0
    assert value_of(backend) == new


@given(TEXTS)
def test_forgetting_broken_off_leaves_it_whole_or_gone(old: str) -> None:
    for cut in itertools.count():
        backend = ShortEntries()
        vault_on(backend).put(KEY, Secret(old))
        backend.changes_left = cut
        try:
            vault_on(backend).forget(KEY)
        except PowerCut:
            backend.changes_left = None
            assert value_of(backend) in {old, None}
            vault_on(backend).forget(KEY)
            assert backend.entries == {}
        else:
            break
    assert backend.entries == {}


@pytest.mark.parametrize("damage", ["+a:2", "+a:x", "+c:1", "of another program", ""])
def test_an_entry_without_its_parts_is_told_as_incomplete(damage: str) -> None:
    backend = ShortEntries()
    backend.entries = {ENTRY: damage, f"{ENTRY}#a0": "only this"}

    with pytest.raises(SecretMissing, match="only a part of the credential") as refusal:
        vault_on(backend).get(KEY)
    assert refusal.value.reference == KEY
    with pytest.raises(SecretMissing, match="only a part of the credential"):
        vault_on(backend).find(KEY)
    vault_on(backend).put(KEY, Secret("a new one, long enough"))
    assert value_of(backend) == "a new one, long enough"


def test_a_value_replaced_while_it_is_read_is_read_again() -> None:
    class ReplacedMeanwhile(ShortEntries):
        def get_password(self, service: str, username: str) -> str | None:
            if service.endswith("#a1") and not self.asked:
                self.asked = 1
                vault_on(other).put(KEY, Secret("the second of the values"))
            return self.entries.get(service)

    backend, other = ReplacedMeanwhile(), ShortEntries()
    other.entries = backend.entries
    backend.asked = 1
    vault_on(backend).put(KEY, Secret("the first of the two values"))
    backend.asked = 0

    assert vault_on(backend).get(KEY) == Secret("the second of the values")
    assert backend.asked == 1


def test_a_refused_question_is_not_asked_again_before_unlock() -> None:
    backend = ShortEntries()
    vault = vault_on(backend)
    vault.put(KEY, Secret("kept"))
    backend.refuses, backend.asked = True, 0

    for _ in range(3):
        with pytest.raises(VaultDismissed):
            vault.get(KEY)
        with pytest.raises(VaultDismissed):
            vault.has(KEY)
    assert backend.asked == 1
    assert vault.state() is VaultState.DISMISSED
    backend.refuses = False
    assert vault.unlock() is VaultState.UNLOCKED
    assert vault.get(KEY) == Secret("kept")


def test_what_is_looked_for_is_asked_for_once_whether_it_is_there_or_not() -> None:
    backend = ShortEntries()
    vault = vault_on(backend)
    assert vault.find(KEY) is None
    vault.put(KEY, Secret("kept"))
    backend.asked = 0
    assert vault.find(KEY) == Secret("kept")
    assert backend.asked == 1
    # Refused once, it says so without another question, as it does of whether there is one.
    backend.refuses, backend.asked = True, 0
    for _ in range(3):
        with pytest.raises(VaultDismissed):
            vault.find(KEY)
    assert backend.asked == 1


def test_a_failure_of_the_keyring_does_not_tell_the_secret() -> None:
    backend = ShortEntries(limit=10)

    for believed in (None, 60):  # wrongly: as many as wanted, and more than there are
        vault = Vault("c1", SystemRing(backend, limit=believed))
        with pytest.raises(VaultFailed, match=r"could not do what was asked \(ValueError\)") as refusal:
            vault.put(KEY, Secret("can" + "ary-77" * 20))

        told = traceback.TracebackException.from_exception(refusal.value, capture_locals=True)
        assert "canary" not in "".join(told.format())
        assert refusal.value.__context__ is None


def test_the_vault_for_this_run_only_keeps_secrets_in_memory() -> None:
    vault = MemoryVault()

    assert vault.for_this_run_only
    assert not vault_on(ShortEntries()).for_this_run_only
    assert vault.state() is vault.unlock() is VaultState.UNLOCKED
    with pytest.raises(SecretMissing):
        vault.get(KEY)
    vault.put(KEY, Secret("x"))
    assert vault.has(KEY)
    assert vault.get(KEY) == Secret("x")
    assert "x'" not in repr(vars(vault))
    vault.forget(KEY)
    vault.forget(KEY)
    assert not vault.has(KEY)
    assert not MemoryVault().has(KEY)


def value_of(backend: ShortEntries) -> str | None:
    """What a new vault reads from this keyring; None when it has no entry."""
    vault = vault_on(backend)
    return vault.get(KEY).reveal() if vault.has(KEY) else None


def entries_needed(text: str, limit: int) -> int:
    """How many entries hold this text: none of them but the last can have room for one more character."""
    if len(f"={text}".encode("utf-16-le")) // 2 <= limit:
        return 1
    count, room = 2, limit
    for character in text:
        units = len(character.encode("utf-16-le")) // 2
        if units > room:
            count, room = count + 1, limit
        room -= units
    return count
