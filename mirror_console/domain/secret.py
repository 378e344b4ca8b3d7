"""A secret value that shows itself only on request, and the reference under which the keyring keeps it."""

from __future__ import annotations

import hmac
import re
import weakref
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, Self, final

HIDDEN = "•••"
"""What stands wherever a secret would be shown."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LONGEST_NAME = 200


@final
class Secret:
    """A value that never reaches a log, a report or a traceback by itself: only `reveal` gives it.

    Two secrets are compared in constant time. A secret has no hash, can't be changed, and can't be pickled;
    a copy of it is itself. It is true when it isn't empty.
    """

    __slots__ = ("__value", "__weakref__")
    __value: str

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "_Secret__value", value)
        _LIVE[id(self)] = self

    def reveal(self) -> str:
        """The value itself: hand it straight to what needs it, and keep it nowhere."""
        return self.__value

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_octets(self.__value), _octets(other.__value))

    __hash__ = None  # type: ignore[assignment]  # a hash by value would tell two secrets apart in a listing

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A secret can't be changed.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("A secret can't be changed.")

    # Both are needed: pickle asks for the one, whoever copies state by hand for the other.
    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret can't be pickled.")

    def __getstate__(self) -> NoReturn:
        raise TypeError("A secret can't be pickled.")


_LIVE: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()


def live_secrets() -> list[Secret]:
    """Every secret that is in use somewhere in the program now: none is kept alive by being known here."""
    found = (reference() for reference in _LIVE.valuerefs())
    return [secret for secret in found if secret is not None]


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Under which name the keyring keeps a secret, such as ``engine/<id>/client-key``. It tells nothing of the value.

    The name is made by the console, never typed: letters, digits, dot, dash and underscore in parts divided by
    slashes, at most 200 characters. Anything else raises ValueError.
    """

    name: str

    def __post_init__(self) -> None:
        if len(self.name) > _LONGEST_NAME or not _NAME.fullmatch(self.name):
            raise ValueError(f"not the name of a secret: {self.name!r}")

    def __str__(self) -> str:
        return self.name


class VaultState(StrEnum):
    """Whether the keyring can be read now."""

    UNLOCKED = "unlocked"
    LOCKED = "locked"
    """The next use shows the keyring's own question for its password."""
    DISMISSED = "dismissed"
    """The question was shown and put away. It isn't shown again until the person asks for it."""
    ABSENT = "absent"
    """There is no keyring that keeps secrets safe."""


START_A_KEYRING = (
    "Start your desktop's keyring (GNOME Keyring or KWallet). In the window's settings, credentials can also be kept "
    "in memory for this run only."
)
"""What to do where there is none."""


def _octets(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")
