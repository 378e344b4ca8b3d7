"""A keyring as the vault needs it: entries of text by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from mirror_console.domain.secret import Secret, VaultState
from mirror_console.vault.failures import VaultAbsent, VaultDismissed, VaultFailed

USER = "mirror-console"
"""The user name of every entry. It never varies: Windows shuffles the entries of one service with several users."""

ANSWER_SECONDS = 120.0
"""How long a question waits for the person. Unanswered it counts as dismissed."""

_Answer = TypeVar("_Answer")


class Ring(Protocol):
    """What the vault needs of a keyring. Each write is whole or not at all."""

    @property
    def limit(self) -> int | None:
        """How many UTF-16 units an entry can hold; None is as many as wanted."""
        ...

    def state(self) -> VaultState:
        """Whether the keyring is unlocked, locked or absent. Never asks the person."""
        ...

    def unlock(self) -> bool:
        """Ask the person to unlock the keyring, and wait for the answer. False when it stays locked."""
        ...

    def holds(self, service: str) -> bool | None:
        """Whether there is such an entry, or None when that can't be told while the keyring is locked."""
        ...

    def read(self, service: str) -> Secret | None:
        """What the entry holds, or None when there is none."""
        ...

    def write(self, service: str, text: Secret) -> None:
        """Make or replace the entry."""
        ...

    def remove(self, service: str) -> None:
        """Remove the entry, if it is there."""
        ...


class SystemRing:
    """The keyring of Windows or macOS, through its backend. The system asks the person by itself.

    Whether it would ask can't be known beforehand. Once the person has refused, it counts as locked until `unlock`.
    """

    def __init__(self, backend: KeyringBackend, *, limit: int | None = None) -> None:
        self._backend = backend
        self._limit = limit
        self._refused = False

    @property
    def limit(self) -> int | None:
        """How many UTF-16 units an entry can hold."""
        return self._limit

    def state(self) -> VaultState:
        """Unlocked, until the person has refused."""
        return VaultState.LOCKED if self._refused else VaultState.UNLOCKED

    def unlock(self) -> bool:
        """Let the system ask again, with the next entry that is read."""
        self._refused = False
        return True

    def holds(self, service: str) -> bool | None:
        """Whether there is such an entry. macOS may ask before it tells."""
        return None if self._refused else self.read(service) is not None

    def read(self, service: str) -> Secret | None:
        """What the entry holds."""
        return self._ask(lambda: got(self._backend, service))

    def write(self, service: str, text: Secret) -> None:
        """Make or replace the entry."""
        self._ask(lambda: self._backend.set_password(service, USER, text.reveal()))

    def remove(self, service: str) -> None:
        """Remove the entry, if it is there."""

        def delete() -> None:
            try:
                self._backend.delete_password(service, USER)
            except PasswordDeleteError:
                # It is raised for 'not there' and for 'could not' alike.
                if self._backend.get_password(service, USER) is not None:
                    raise

        self._ask(delete)

    def _ask(self, call: Callable[[], _Answer]) -> _Answer:
        try:
            return answer(call)
        except VaultDismissed:
            self._refused = True
            raise


def got(backend: KeyringBackend, service: str) -> Secret | None:
    """What the backend has for this entry."""
    text = backend.get_password(service, USER)
    return None if text is None else Secret(text)


def answer(
    call: Callable[[], _Answer],
    *,
    dismissed: tuple[type[Exception], ...] = (KeyringLocked,),
    absent: tuple[type[Exception], ...] = (),
) -> _Answer:
    """The result of one call of a keyring, its failures turned into ours: those `dismissed`, `absent`, and all others.

    Only the kind of another failure is told on: its words and its frames may hold the secret.
    """
    try:
        return call()
    except dismissed:
        failure: Exception = VaultDismissed()
    except absent:
        failure = VaultAbsent("its service doesn't answer")
    except Exception as error:  # noqa: BLE001 # each keyring has kinds of its own, some in modules of one system only
        failure = VaultFailed(type(error).__name__)
    # Raised out here it has no context, which would carry those frames along.
    raise failure
