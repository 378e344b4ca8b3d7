"""The vault of a rehearsal on simulated engines: no secret in it is one."""

from __future__ import annotations

from mirror_console.domain.secret import Secret, SecretReference, VaultState

MADE_UP = "made up for a rehearsal"
"""What every secret of a rehearsal is."""


class MadeUpVault:
    """Says the same of every reference. What is put is dropped: a real secret typed by mistake is kept nowhere."""

    for_this_run_only = True

    def keep_for_this_run_only(self) -> None:
        """It does so anyway."""

    def unlock(self) -> VaultState:
        """Nothing to unlock."""
        return VaultState.UNLOCKED

    def get(self, reference: SecretReference) -> Secret:
        """The made-up secret."""
        return Secret(MADE_UP)

    def find(self, reference: SecretReference) -> Secret | None:
        """The made-up secret."""
        return Secret(MADE_UP)

    def put(self, reference: SecretReference, secret: Secret) -> None:
        """Keep nothing."""

    def forget(self, reference: SecretReference) -> None:
        """Forget nothing."""

    def has(self, reference: SecretReference) -> bool:
        """Yes."""
        return True

    def state(self) -> VaultState:
        """Always open."""
        return VaultState.UNLOCKED
