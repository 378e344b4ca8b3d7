"""An engine by SSH as the console knows it, over the lab's own server."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mirror_console.domain.engine import Engine, parse_address
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop, HostKey, SignIn, SshAccess, ToSocket
from mirror_console.engine import DockerEngines
from mirror_console.errors import EngineError
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.vault import MemoryVault
from tests.contract.stage import now
from tests.lab.engine import LabEngine
from tests.lab.ssh import LabSsh, User

KEY, PASSPHRASE, PASSWORD = (SecretReference(f"engine/e1/ssh-{part}") for part in ("key", "passphrase", "password"))


def pin(server: LabSsh, kind: str = "ed25519") -> HostKey:
    """The key that a server really has."""
    type_, key = server.host_key(kind).public.split()
    return HostKey(server.host, 22, type_, key)


@dataclass
class Desk:
    """A console's engines with one vault."""

    lab: LabEngine
    folder: Path
    vault: MemoryVault = field(default_factory=MemoryVault)
    timeout: float = 10.0

    def __post_init__(self) -> None:
        self.engines = DockerEngines(self.vault, now, self.folder)
        self.keep(KEY, self.server.key.private)

    @property
    def server(self) -> LabSsh:
        """The engine's SSH server."""
        return self.lab.ssh

    def keep(self, reference: SecretReference, text: str) -> None:
        """Put a secret into the keyring."""
        self.vault.put(reference, Secret(text))

    def engine(
        self,
        user: User | str = User.DEPLOY,
        *,
        url: str = "",
        sign_in: SignIn = SignIn.KEY,
        to_socket: ToSocket = ToSocket.COMMAND,
        jumps: tuple[Hop, ...] = (),
        pins: tuple[HostKey, ...] | None = None,
        passphrase: bool = False,
    ) -> Engine:
        """The engine, by default with the key of its server accepted and a private key to sign in with."""
        address = parse_address(url or f"ssh://{user}@{self.server.host}")
        access = SshAccess(
            sign_in,
            to_socket,
            jumps,
            (pin(self.server),) if pins is None else pins,
            KEY if sign_in is SignIn.KEY else None,
            PASSPHRASE if passphrase else None,
            PASSWORD if sign_in is SignIn.PASSWORD else None,
        )
        return Engine("e1", "bern", address, timeout=self.timeout, ssh=access)

    def refusal(self, engine: Engine) -> EngineError:
        """Why there is no session with an engine."""
        with pytest.raises(EngineError) as caught:
            self.engines.session(engine)
        assert caught.value.title.endswith(".")
        assert caught.value.hint
        return caught.value


def answers(session: EngineSession) -> bool:
    """Whether a request is answered now."""
    try:
        session.list_containers()
    except EngineError:
        return False
    return True


def at_once(call: Callable[[], object], times: int, threads: int = 32) -> None:
    """Call it so often, from so many threads. Raises what one of them raised."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: call(), range(times)))


def until(holds: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Wait for what others do by themselves."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)
