"""The two vaults: one over the operating system's keyring, one in memory for this run only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import assert_never

from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.vault import parts
from mirror_console.vault.choice import secure_ring
from mirror_console.vault.failures import SecretMissing, VaultAbsent, VaultDismissed, VaultLocked
from mirror_console.vault.patient import Within, without_end
from mirror_console.vault.rings import Ring


class Vault:
    """The secrets of one catalog in the keyring: one entry a secret, named after catalog and reference.

    Calls are made one at a time, from any thread but the window's: each may show the keyring's own question for its
    password and wait for the answer. When that is dismissed it isn't shown again before `unlock`. `may_ask=False`
    never shows it. `within` says how long a call may take: a keyring that doesn't answer counts as absent. Every method
    but `state` raises a VaultError when the keyring can't be used.
    """

    for_this_run_only = False

    def __init__(
        self, catalog: str, ring: Ring | None = None, *, may_ask: bool = True, within: Within = without_end
    ) -> None:
        self._catalog = catalog
        self._ring = ring
        self._may_ask = may_ask
        self._within = within
        self._dismissed = False
        self._one_at_a_time = threading.Lock()

    def get(self, reference: SecretReference) -> Secret:
        """The secret of this reference. Raises SecretMissing when there is none, or only a part of one."""
        service = self._service(reference)
        with self._one_at_a_time, self._opened(unless_missing=service) as ring:
            secret = _whole(parts.read(ring, service), reference) if ring else None
        if secret is None:
            raise SecretMissing(reference)
        return secret

    def find(self, reference: SecretReference) -> Secret | None:
        """The secret of this reference; None where there is none. Raises SecretMissing where there is a part of one.

        It is `has` and `get` in one: a locked keyring's question is shown only where it surely has the secret, else
        VaultLocked or VaultDismissed is raised.
        """
        service = self._service(reference)
        with self._one_at_a_time, self._opened(unless_missing=service, unless_unsure=True) as ring:
            return _whole(parts.read(ring, service), reference) if ring else None

    def put(self, reference: SecretReference, secret: Secret) -> None:
        """Keep this secret, in place of the one that was there. Broken off midway it leaves the old one whole."""
        with self._one_at_a_time, self._opened() as ring:
            if ring:
                parts.write(ring, self._service(reference), secret)

    def forget(self, reference: SecretReference) -> None:
        """Remove the secret. That there is none is no error."""
        service = self._service(reference)
        with self._one_at_a_time, self._opened(unless_missing=service) as ring:
            if ring:
                parts.remove(ring, service)

    def has(self, reference: SecretReference) -> bool:
        """Whether the keyring has a secret of this reference. Shows no question where the keyring tells without.

        Raises VaultLocked or VaultDismissed when it can't be told while the keyring is locked.
        """
        with self._one_at_a_time:
            held = self._found().holds(self._service(reference))
        if held is None:
            raise self._closed()
        return held

    def state(self) -> VaultState:
        """Whether the keyring can be read now. Shows no question, and doesn't wait for one that is shown."""
        try:
            state = self._found().state()
        except VaultAbsent:
            return VaultState.ABSENT
        return VaultState.DISMISSED if state is VaultState.LOCKED and self._dismissed else state

    def unlock(self) -> VaultState:
        """Show the keyring's question for its password, even if it was dismissed before; tells what came of it."""
        with self._one_at_a_time:
            ring = self._found()
            if ring.state() is VaultState.LOCKED:
                self._dismissed = not ring.unlock()
        return self.state()

    def _service(self, reference: SecretReference) -> str:
        return f"mirror-console/{self._catalog}/{reference.name}"

    def _found(self) -> Ring:
        # An absence isn't remembered: the keyring's service may be started while the console runs.
        if self._ring is None:
            self._ring = secure_ring(self._within)
        return self._ring

    @contextmanager
    def _opened(self, *, unless_missing: str = "", unless_unsure: bool = False) -> Iterator[Ring | None]:
        """The keyring, unlocked; or None without a question, when the entry to be read is surely not there."""
        ring = self._found()
        match ring.state():
            case VaultState.UNLOCKED:
                self._dismissed = False
            case VaultState.LOCKED | VaultState.DISMISSED:
                held = ring.holds(unless_missing) if unless_missing else None
                if held is False:
                    yield None
                    return
                if held is None and unless_unsure:
                    raise self._closed()
                self._ask(ring)
            case VaultState.ABSENT:
                raise VaultAbsent("its service doesn't answer")
            case never:
                assert_never(never)
        try:
            yield ring
        except VaultDismissed:
            self._dismissed = True
            raise

    def _closed(self) -> VaultLocked | VaultDismissed:
        return VaultDismissed() if self._dismissed else VaultLocked()

    def _ask(self, ring: Ring) -> None:
        if self._dismissed:
            raise VaultDismissed
        if not self._may_ask:
            raise VaultLocked
        if not ring.unlock():
            self._dismissed = True
            raise VaultDismissed


def _whole(read: Secret | parts.Incomplete | None, reference: SecretReference) -> Secret | None:
    if isinstance(read, parts.Incomplete):
        raise SecretMissing(reference, incomplete=True)
    return read


class MemoryVault:
    """Secrets for this run only: in the memory of this program, gone when it ends. For who has no keyring."""

    for_this_run_only = True

    def keep_for_this_run_only(self) -> None:
        """It does so anyway."""

    def __init__(self) -> None:
        self._secrets: dict[SecretReference, Secret] = {}

    def get(self, reference: SecretReference) -> Secret:
        """The secret of this reference. Raises SecretMissing when there is none."""
        try:
            return self._secrets[reference]
        except KeyError:
            raise SecretMissing(reference) from None

    def find(self, reference: SecretReference) -> Secret | None:
        """The secret of this reference; None where there is none."""
        return self._secrets.get(reference)

    def put(self, reference: SecretReference, secret: Secret) -> None:
        """Keep this secret until the program ends."""
        self._secrets[reference] = secret

    def forget(self, reference: SecretReference) -> None:
        """Remove the secret. That there is none is no error."""
        self._secrets.pop(reference, None)

    def has(self, reference: SecretReference) -> bool:
        """Whether there is a secret of this reference."""
        return reference in self._secrets

    def state(self) -> VaultState:
        """Always unlocked."""
        return VaultState.UNLOCKED

    def unlock(self) -> VaultState:
        """Nothing to unlock."""
        return VaultState.UNLOCKED
