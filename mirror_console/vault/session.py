"""The vault of one run of the console: the keyring, or memory where a person has chosen that for want of one."""

from __future__ import annotations

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.vault.vault import MemoryVault, Vault


class SessionVault:
    """The keyring's vault, until `keep_for_this_run_only` puts memory in its place. Never a file."""

    def __init__(self, keyring: Vault) -> None:
        self._chosen: Vault | MemoryVault = keyring

    @property
    def for_this_run_only(self) -> bool:
        """Whether what is put is gone when the program ends."""
        return self._chosen.for_this_run_only

    def keep_for_this_run_only(self) -> None:
        """Use memory from now on: for who has no keyring, or doesn't want to open it."""
        if not self._chosen.for_this_run_only:
            self._chosen = MemoryVault()

    def get(self, reference: SecretReference) -> Secret:
        """The secret of this reference. Raises VaultError."""
        return self._chosen.get(reference)

    def find(self, reference: SecretReference) -> Secret | None:
        """The secret of this reference; None where there is none. Raises VaultError where that can't be told."""
        return self._chosen.find(reference)

    def put(self, reference: SecretReference, secret: Secret) -> None:
        """Keep this secret. Raises VaultError."""
        self._chosen.put(reference, secret)

    def forget(self, reference: SecretReference) -> None:
        """Remove the secret. Raises VaultError."""
        self._chosen.forget(reference)

    def has(self, reference: SecretReference) -> bool:
        """Whether there is such a secret. Raises VaultError where that can't be told."""
        return self._chosen.has(reference)

    def state(self) -> VaultState:
        """Whether it can be read now, without a question."""
        return self._chosen.state()

    def unlock(self) -> VaultState:
        """Show the keyring's question, even if it was dismissed before."""
        return self._chosen.unlock()
