"""The way to every engine: connected on first use with what the keyring holds, kept open, shared by threads."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import urllib3

from mirror_console.domain.engine import Engine, TlsReferences, Way
from mirror_console.domain.secret import Secret, SecretReference, VaultState
from mirror_console.engine import transport
from mirror_console.engine.client import EngineClient
from mirror_console.engine.failures import in_our_words
from mirror_console.engine.greeting import greet
from mirror_console.engine.session import DockerSession, Link
from mirror_console.errors import EngineError, FailureKind, VaultError


class Vault(Protocol):
    """What is needed of the keyring."""

    def get(self, reference: SecretReference) -> Secret:
        """Raises VaultError."""

    def state(self) -> VaultState:
        """Without ever raising a prompt."""


class DockerEngines:
    """The way to all engines. `clock` tells the time in UTC: an engine's own clock is compared with it."""

    def __init__(self, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._vault = vault
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, TlsReferences | None], _Kept] = {}
        """By engine and by whose credentials: accounts share an engine, never a connection."""
        self._tried: weakref.WeakSet[Link] = weakref.WeakSet()

    def session(self, engine: Engine) -> DockerSession:
        """A session with an engine, over the connection that is kept or a new one. Raises EngineError.

        Threads that ask for one engine at the same time wait for one attempt, and not for that to another engine.
        """
        with self._lock:
            kept = self._kept.setdefault((engine.id, engine.tls), _Kept())
        with kept.lock:
            way = (engine.address, engine.tls, engine.timeout)
            if kept.link is None or kept.way != way:
                kept.close()
                kept.link, kept.way = self._connect(engine, {}), way
            return DockerSession(engine, kept.link, self._clock)

    def try_out(self, engine: Engine, secrets: Mapping[str, Secret]) -> DockerSession:
        """A session over a connection of its own. `secrets`, by reference name, go before those of the keyring.

        Its connection is closed with the last reference to it, or by `close`.
        """
        link = self._connect(engine, secrets)
        with self._lock:
            self._tried.add(link)
        return DockerSession(engine, link, self._clock)

    def forget(self, engine_id: str) -> None:
        """Close the connections to an engine: its address or credentials have changed."""
        with self._lock:
            dropped = [self._kept.pop(key) for key in list(self._kept) if key[0] == engine_id]
        for kept in dropped:
            with kept.lock:
                kept.close()

    def close(self) -> None:
        """Close everything that is open."""
        with self._lock:
            kept, tried = list(self._kept), list(self._tried)
        for engine_id, _ in kept:
            self.forget(engine_id)
        for link in tried:
            link.close()

    def _connect(self, engine: Engine, secrets: Mapping[str, Secret]) -> Link:
        """Find out whom we speak with before anything is asked."""
        address = engine.address
        if address.way is Way.SOCKET:
            return _open(engine, "http+docker://localhost", lambda: transport.socket_pool(address.path))
        context = self._tls_context(engine, secrets)
        host = f"[{address.host}]" if ":" in address.host else address.host
        base_url = f"https://{host}:{address.port}"
        try:
            return _open(engine, base_url, lambda: transport.tls_pool(address.host, address.port, context))
        except EngineError as error:
            if error.kind is FailureKind.DROPPED:
                # Silence means that the certificate was taken, and the connection was lost for another reason.
                with in_our_words(engine.name, "shake hands"), suppress(TimeoutError):
                    transport.hear_out(address.host, address.port, context, engine.timeout)
            raise

    def _tls_context(self, engine: Engine, secrets: Mapping[str, Secret]) -> ssl.SSLContext:
        if engine.tls is None:
            raise EngineError(
                FailureKind.NO_CREDENTIAL,
                f"{engine.name} has no certificates.",
                "Give the authority's certificate, the client certificate and its key in the engine's settings.",
            )
        return transport.tls_context(engine.name, *self._credentials(engine, engine.tls, secrets))

    def _credentials(self, engine: Engine, tls: TlsReferences, secrets: Mapping[str, Secret]) -> list[str]:
        def fetch(reference: SecretReference) -> str:
            given = secrets.get(reference.name)
            return (given if given is not None else self._vault.get(reference)).reveal()

        try:
            return [fetch(reference) for reference in (tls.authority, tls.certificate, tls.key)]
        except VaultError as error:
            unlocked = self._vault.state() is VaultState.UNLOCKED
            kind = FailureKind.NO_CREDENTIAL if unlocked else FailureKind.KEYRING
            title = f"{engine.name} can't be reached without its certificates. {error.title}"
            raise EngineError(kind, title, error.hint) from error


class _Kept:
    """The place of one engine's connection. Its lock is held while connecting."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.link: Link | None = None
        self.way: object = None

    def close(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None


def _open(engine: Engine, base_url: str, make_pool: Callable[[], urllib3.HTTPConnectionPool]) -> Link:
    calls, streams = (EngineClient(base_url, make_pool(), engine.timeout) for _ in range(2))
    link = Link(calls, streams)
    try:
        greeting = greet(engine, calls)
        link.speak(greeting.api)
        link.kind = greeting.kind
    except BaseException:
        link.close()
        raise
    return link
