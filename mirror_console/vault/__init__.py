"""The vault: credentials in the operating system's keyring, and nowhere else."""

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.vault.failures import (
    SecretMissing,
    VaultAbsent,
    VaultDismissed,
    VaultFailed,
    VaultLocked,
    VaultSilent,
)
from mirror_console.vault.made_up import MADE_UP, MadeUpVault
from mirror_console.vault.session import SessionVault
from mirror_console.vault.vault import MemoryVault, Vault

__all__ = [
    "MADE_UP",
    "MadeUpVault",
    "MemoryVault",
    "Secret",
    "SecretMissing",
    "SecretReference",
    "SessionVault",
    "Vault",
    "VaultAbsent",
    "VaultDismissed",
    "VaultFailed",
    "VaultLocked",
    "VaultSilent",
    "VaultState",
]
