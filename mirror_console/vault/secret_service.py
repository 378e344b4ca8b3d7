"""The Secret Service of a Linux desktop, with the question for its password asked here and not in the backend.

The keyring package's backend would ask again at every call, wait for ever for the answer, and leave its connection
open when the question is dismissed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, TypeVar

import secretstorage
from keyring.backend import KeyringBackend
from keyring.backends.SecretService import Keyring
from keyring.errors import KeyringLocked, PasswordDeleteError
from secretstorage.exceptions import (
    ItemNotFoundException,
    PromptDismissedException,
    SecretServiceNotAvailableException,
)

from mirror_console.domain.secret import Secret, VaultState
from mirror_console.errors import VaultError
from mirror_console.vault.failures import VaultDismissed
from mirror_console.vault.patient import asked_again
from mirror_console.vault.rings import ANSWER_SECONDS, USER, answer, got

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

_DISMISSED = (KeyringLocked, PromptDismissedException, TimeoutError)
_GONE = (SecretServiceNotAvailableException,)

_Answer = TypeVar("_Answer")


def signed_on() -> DBusConnection:
    """A connection to the session bus. Raises SecretServiceNotAvailableException."""
    try:
        return asked_again(secretstorage.dbus_init)
    except ConnectionError as error:
        raise SecretServiceNotAvailableException(str(error)) from error


class SecretService(Keyring):
    """The keyring package's backend, over a collection that is open already: it neither asks nor unlocks by itself."""

    def get_preferred_collection(self) -> secretstorage.Collection:
        """The default collection; its caller closes its connection. Raises KeyringLocked."""
        with ExitStack() as failed:
            bus = signed_on()
            failed.callback(bus.close)
            collection = secretstorage.get_default_collection(bus)
            if collection.is_locked():
                raise KeyringLocked
            failed.pop_all()
            return collection


class SecretServiceRing:
    """The default collection of the Secret Service. Its entries can be of any length."""

    limit = None

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

    def state(self) -> VaultState:
        """Whether the default collection is unlocked. A missing one counts as locked: making it asks the person."""

        def look() -> VaultState:
            with closing(signed_on()) as bus:
                if not secretstorage.check_service_availability(bus):
                    return VaultState.ABSENT
                try:
                    locked = secretstorage.get_collection_by_alias(bus, "default").is_locked()
                except ItemNotFoundException:
                    return VaultState.LOCKED
                return VaultState.LOCKED if locked else VaultState.UNLOCKED

        try:
            return _answer(look)
        except VaultError:
            return VaultState.ABSENT

    def unlock(self) -> bool:
        """Show the question; at the very first use the one for a new keyring's password."""

        def ask() -> bool:
            with closing(signed_on()) as bus:
                try:
                    collection = secretstorage.get_collection_by_alias(bus, "default")
                except ItemNotFoundException:
                    return not secretstorage.create_collection(bus, "Default", "default").is_locked()
                # It returns whether the question was dismissed, which doesn't tell whether the collection is open.
                collection.unlock(timeout=ANSWER_SECONDS)
                return not collection.is_locked()

        try:
            return _answer(ask)
        except VaultDismissed:
            return False

    def holds(self, service: str) -> bool | None:
        """Whether an item with these attributes is there. Its secret isn't asked for, so nothing need be unlocked."""

        def look() -> bool | None:
            with closing(signed_on()) as bus:
                try:
                    collection = secretstorage.get_collection_by_alias(bus, "default")
                except ItemNotFoundException:
                    return False
                if any(True for _ in collection.search_items({"service": service, "username": USER})):
                    return True
                # A locked collection may keep even its items' attributes to itself.
                return None if collection.is_locked() else False

        return _answer(look)

    def read(self, service: str) -> Secret | None:
        """What the entry holds."""
        return _answer(lambda: got(self._backend, service))

    def write(self, service: str, text: Secret) -> None:
        """Make or replace the entry."""
        _answer(lambda: self._backend.set_password(service, USER, text.reveal()))

    def remove(self, service: str) -> None:
        """Remove the entry, if it is there."""

        def delete() -> None:
            try:
                self._backend.delete_password(service, USER)
            except PasswordDeleteError:
                # The only reason here: there is none.
                return

        _answer(delete)


def _answer(call: Callable[[], _Answer]) -> _Answer:
    return answer(call, dismissed=_DISMISSED, absent=_GONE)
