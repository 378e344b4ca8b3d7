"""The keyring, as operations need it."""

from __future__ import annotations

from typing import Protocol

from mirror_console.domain.secret import Secret, SecretReference, VaultState


class Vault(Protocol):
    """The OS keyring. Calls may take long: never on the thread of the window."""

    def get(self, reference: SecretReference) -> Secret:
        """Raises VaultError: missing, locked, dismissed or absent."""

    def find(self, reference: SecretReference) -> Secret | None:
        """`has` and `get` in one: None where there is none. Raises VaultError where it can't be told or read."""

    def put(self, reference: SecretReference, secret: Secret) -> None: ...
    def forget(self, reference: SecretReference) -> None: ...
    def has(self, reference: SecretReference) -> bool: ...
    def state(self) -> VaultState:
        """Without ever raising a prompt."""

    def unlock(self) -> VaultState:
        """Show the keyring's own question for its password, even if it was dismissed before. May wait for long."""

    @property
    def for_this_run_only(self) -> bool:
        """Whether what is put is gone when the program ends."""

    def keep_for_this_run_only(self) -> None:
        """Keep credentials in memory from now on, and in no keyring: a person's choice where there is none."""
