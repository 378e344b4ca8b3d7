"""A keyring that hangs: it counts as absent after its time, and holds nothing else up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.errors import FailureKind
from mirror_console.jobs import Patience
from mirror_console.vault import Vault, VaultAbsent, VaultSilent
from mirror_console.vault.patient import PatientRing, asked_again

KEY = SecretReference("engine/e1/client-key")


class HangingRing:
    """A ring whose calls come back only when the test says so."""

    limit = None

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.calls: list[str] = []

    def _hang(self, name: str) -> None:
        self.calls.append(name)
        self.go_on.wait(60)

    def state(self) -> VaultState:
        return VaultState.UNLOCKED

    def unlock(self) -> bool:
        self._hang("unlock")
        return True

    def holds(self, service: str) -> bool | None:
        self._hang("holds")
        return True

    def read(self, service: str) -> Secret | None:
        self._hang("read")
        return Secret("=value")

    def write(self, service: str, text: Secret) -> None:
        self._hang("write")

    def remove(self, service: str) -> None:
        self._hang("remove")


@pytest.fixture
def ring() -> Iterator[HangingRing]:
    made = HangingRing()
    yield made
    made.go_on.set()


@pytest.mark.parametrize("call", ["get", "find", "has", "put", "forget"])
def test_each_call_is_given_up_with_words(ring: HangingRing, call: str) -> None:
    vault = Vault("c1", PatientRing(ring, Patience(), 0.05))
    arguments = (KEY, Secret("new")) if call == "put" else (KEY,)
    with pytest.raises(VaultSilent, match=r"The keyring doesn't answer: nothing came from it within 0\.05 s\.") as told:
        getattr(vault, call)(*arguments)
    assert told.value.kind is FailureKind.NO_KEYRING
    assert vault.state() is VaultState.ABSENT


def test_many_engines_together_wait_once(ring: HangingRing) -> None:
    vault = Vault("c1", PatientRing(ring, Patience(), 0.5))
    refused = []

    def ask() -> None:
        try:
            vault.get(KEY)
        except VaultAbsent as absent:
            refused.append(absent)

    threads = [threading.Thread(target=ask) for _ in range(20)]  # noqa: TID251 # twenty engines ask at once
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 20
    assert time.monotonic() - began < 8, "not twenty times half a second"
    assert ring.calls == ["read"]


def test_what_was_given_up_too_soon_is_asked_again_until_its_time_is_over() -> None:
    answers = iter(["", "", "here"])

    def ask() -> str:
        if answer := next(answers, ""):
            return answer
        raise TimeoutError

    assert asked_again(ask) == "here"
    with pytest.raises(ConnectionError, match=r"within 0\.05 s"):
        asked_again(ask, 0.05)


def test_once_it_answers_again_it_is_used_again(ring: HangingRing) -> None:
    vault = Vault("c1", PatientRing(ring, Patience(), 0.05))
    with pytest.raises(VaultAbsent):
        vault.get(KEY)
    ring.go_on.set()
    end = time.monotonic() + 30
    while vault.state() is not VaultState.UNLOCKED:
        assert time.monotonic() < end
        time.sleep(0.01)
    vault = Vault("c1", PatientRing(ring, Patience(), 30))
    assert vault.get(KEY) == Secret("value")
