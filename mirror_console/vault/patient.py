"""A keyring that is waited for only so long: a service that hangs costs what asks it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from mirror_console.domain.secret import Secret, VaultState
from mirror_console.vault.failures import VaultSilent
from mirror_console.vault.rings import ANSWER_SECONDS, Ring

KEYRING_SECONDS = 20.0
"""How long a keyring has for an answer that needs nobody: they take milliseconds."""

_Answer = TypeVar("_Answer")


class Within(Protocol):
    """Does work, and gives it up after some seconds."""

    def __call__(self, work: Callable[[], _Answer], seconds: float) -> _Answer:
        """Raises TimeoutError where it took longer."""


def without_end(work: Callable[[], _Answer], seconds: float) -> _Answer:
    """Does work as long as it takes: for a keyring that can't hang."""
    return work()


def asked_again(ask: Callable[[], _Answer], seconds: float = KEYRING_SECONDS) -> _Answer:
    """What `ask` gives, asked again for `seconds` where it was given up sooner. Raises ConnectionError after that.

    The D-Bus library gives the session bus one second for signing on. A busy computer needs more, and is not locked.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except TimeoutError as error:
            if time.monotonic() >= until:
                raise ConnectionError(f"nobody could sign on to the session bus within {seconds:g} s") from error


class PatientRing:
    """Any ring, each call of it given up after `seconds`; its question waits for the person besides."""

    def __init__(self, ring: Ring, within: Within, seconds: float) -> None:
        self._ring = ring
        self._within = within
        self._seconds = seconds

    @property
    def limit(self) -> int | None:
        """How many UTF-16 units an entry can hold."""
        return self._ring.limit

    def state(self) -> VaultState:
        """Whether it is unlocked, locked or absent."""
        return self._wait(self._ring.state)

    def unlock(self) -> bool:
        """Ask the person. False when it stays locked."""
        return self._wait(self._ring.unlock, ANSWER_SECONDS)

    def holds(self, service: str) -> bool | None:
        """Whether there is such an entry."""
        return self._wait(lambda: self._ring.holds(service))

    def read(self, service: str) -> Secret | None:
        """What the entry holds."""
        return self._wait(lambda: self._ring.read(service))

    def write(self, service: str, text: Secret) -> None:
        """Make or replace the entry."""
        self._wait(lambda: self._ring.write(service, text))

    def remove(self, service: str) -> None:
        """Remove the entry, if it is there."""
        self._wait(lambda: self._ring.remove(service))

    def _wait(self, call: Callable[[], _Answer], more: float = 0.0) -> _Answer:
        try:
            return self._within(call, self._seconds + more)
        except TimeoutError:
            raise VaultSilent(self._seconds + more) from None
