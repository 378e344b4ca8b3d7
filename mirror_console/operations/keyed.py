"""Keyed hashes of secrets: they tell whether a value is the one that was applied, and nothing else of it.

The key is random, one for each catalog, and kept in the keyring alone: whoever has the catalog can't try values against
its hashes. The keyring is never unlocked for this, and nothing fails where it can't be read.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Callable, Mapping

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.errors import VaultError
from mirror_console.operations.ports.vault import Vault

KEY = SecretReference("catalog/hash-key")
ASKED_AGAIN_AFTER = 5.0
"""Seconds after which a keyring that couldn't be read is asked again."""
LOCKED = "not compared: the keyring is locked"
ABSENT = "not compared: there is no keyring"
UNREADABLE = "not compared: the keyring can't be read"
ANOTHER_KEY = "not compared: the keyring has another key than when they were applied"
NO_HASH = "not compared: the keyring could not be read when they were applied"

logger = logging.getLogger(__name__)


class Keyed:
    """Hashes and compares with the catalog's key, which is read once and made on first need. From any thread."""

    def __init__(
        self, vault: Vault, monotonic: Callable[[], float], random: Callable[[], str] = lambda: secrets.token_hex(32)
    ) -> None:
        self._vault = vault
        self._monotonic = monotonic
        self._random = random
        self._key: Secret | None = None
        self._refused: tuple[float, str] | None = None
        """When the keyring was found not to be readable, and why."""
        self._one_at_a_time = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether the keyring can be read now without a question."""
        return not isinstance(self._key_or_why(make=False), str) and self._vault.state() is VaultState.UNLOCKED

    def hashes(self, environment_id: str, values: Mapping[str, Secret]) -> dict[str, str]:
        """The keyed hash of each value, by variable. Empty where the keyring can't be read now."""
        key = self._key_or_why(make=True) if values else LOCKED
        if isinstance(key, str):
            return {}
        return {name: _hash(key, environment_id, name, value) for name, value in values.items()}

    def compare(
        self, environment_id: str, hashes: Mapping[str, str], values: Mapping[str, Secret]
    ) -> tuple[dict[str, bool], str]:
        """Whether each value is the one that was hashed, by variable; and why some were not compared, in words."""
        if not values:
            return {}, ""
        key = self._key_or_why(make=False)
        if isinstance(key, str):
            return {}, key
        same: dict[str, bool] = {}
        why = ""
        for name, value in values.items():
            known = hashes.get(name, "")
            if not known:
                why = why or NO_HASH
            elif known.partition(":")[0] != _key_id(key):
                why = ANOTHER_KEY
            else:
                same[name] = hmac.compare_digest(known, _hash(key, environment_id, name, value))
        return same, why

    def _key_or_why(self, *, make: bool) -> Secret | str:
        with self._one_at_a_time:
            if self._key is not None:
                return self._key
            now = self._monotonic()
            # Thousands of containers may be looked at while it is locked, and each would ask anew.
            if self._refused is not None and now - self._refused[0] < ASKED_AGAIN_AFTER:
                return self._refused[1]
            found = self._read(make=make)
            if isinstance(found, Secret):
                self._key = found
            elif found is not ANOTHER_KEY:
                self._refused = now, found
            return found

    def _read(self, *, make: bool) -> Secret | str:
        try:
            match self._vault.state():
                case VaultState.ABSENT:
                    return ABSENT
                case VaultState.LOCKED | VaultState.DISMISSED:
                    return LOCKED
                case VaultState.UNLOCKED:
                    pass
            if (kept := self._vault.find(KEY)) is not None:
                return kept
            if not make:
                return ANOTHER_KEY
            made = Secret(self._random())
            self._vault.put(KEY, made)
        except VaultError as error:
            logger.info("secrets are not compared: %s", error.title)
            return UNREADABLE
        return made


def _hash(key: Secret, environment_id: str, name: str, value: Secret) -> str:
    content = "\0".join((environment_id, name, value.reveal())).encode("utf-8", "surrogatepass")
    return f"{_key_id(key)}:{hmac.new(key.reveal().encode(), content, hashlib.sha256).hexdigest()}"


def _key_id(key: Secret) -> str:
    """Tells two keys apart, so that a lost key isn't taken for other values."""
    return hmac.new(key.reveal().encode(), b"which key", hashlib.sha256).hexdigest()[:8]
