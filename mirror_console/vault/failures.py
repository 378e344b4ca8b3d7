"""What can go wrong with the keyring, each kind with words that say what to do."""

from __future__ import annotations

from mirror_console.domain.secret import START_A_KEYRING, SecretReference
from mirror_console.errors import FailureKind, VaultError


class VaultLocked(VaultError):
    """The keyring is locked, and its question for the password may not be shown now."""

    kind = FailureKind.KEYRING

    def __init__(self) -> None:
        super().__init__("The keyring is locked.", "Unlock it and try again.")


class VaultDismissed(VaultError):
    """The keyring's question for its password was put away, or it could not be shown."""

    kind = FailureKind.KEYRING

    def __init__(self) -> None:
        super().__init__(
            "The keyring stayed locked: its question for the password was dismissed or could not be shown.",
            "Choose Unlock to be asked again, or unlock the keyring with your desktop's own program.",
        )


class VaultAbsent(VaultError):
    """No keyring that keeps secrets safe was found. `why` says what was tried."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"No keyring was found that keeps passwords and keys safe: {why.rstrip('.')}.",
            START_A_KEYRING,
        )


class VaultSilent(VaultAbsent):
    """There is a keyring, and it doesn't answer: it hangs, or the computer is too busy. `seconds` it was waited for."""

    def __init__(self, seconds: float) -> None:
        VaultError.__init__(
            self,
            f"The keyring doesn't answer: nothing came from it within {seconds:g} s.",
            "Look whether a question for its password waits behind another window. On a busy computer, try later. "
            "If it stays silent, start your desktop's keyring anew, or sign out and in again.",
        )


class SecretMissing(VaultError):
    """The keyring has no such secret, or not all of it."""

    kind = FailureKind.NO_CREDENTIAL

    def __init__(self, reference: SecretReference, *, incomplete: bool = False) -> None:
        state = "has only a part of the credential" if incomplete else "has no credential"
        super().__init__(f"The keyring {state} {reference.name}.", "Enter the credential again.")
        self.reference = reference


class VaultFailed(VaultError):
    """The keyring answered with an error of its own. `detail` is its kind, never its words: they may hold a value."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The keyring could not do what was asked ({detail}).",
            "Look whether your desktop's keyring program can open it, then try again.",
        )
        self.detail = detail
