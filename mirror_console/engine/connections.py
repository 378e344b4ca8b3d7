"""The way to every engine: connected on first use with what the keyring holds, kept open, shared by threads."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol, assert_never

import urllib3

from mirror_console.domain.engine import Engine, TlsReferences, Way
from mirror_console.domain.host import is_loopback
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import Hop, SshAccess, SshError, Stage
from mirror_console.engine import ssh, transport
from mirror_console.engine.client import EngineClient
from mirror_console.engine.failures import causes, in_our_words
from mirror_console.engine.greeting import greet
from mirror_console.engine.link import Link
from mirror_console.engine.pace import Pace
from mirror_console.engine.session import DockerSession
from mirror_console.engine.ssh_failures import RemoteEnded, neither
from mirror_console.errors import EngineError, FailureKind, VaultError

LISTEN_SECONDS = 2.0
"""How long an engine that breaks off gets to say why: it does so at once, or not at all."""


class Vault(Protocol):
    """What is needed of the keyring."""

    def get(self, reference: SecretReference) -> Secret:
        """Raises VaultError."""


class DockerEngines:
    """The way to all engines. `clock` tells the time in UTC: an engine's own clock is compared with it.

    `ssh_folder` is where the person's own SSH settings are, for the engines that are reached by them.
    """

    def __init__(self, vault: Vault, clock: Callable[[], datetime], ssh_folder: Path = Path("~/.ssh")) -> None:
        self._vault = vault
        self._clock = clock
        self._ssh_folder = ssh_folder
        self._pace = Pace()
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, TlsReferences | None, SshAccess | None], _Kept] = {}
        """By engine and by whose credentials: accounts share an engine, never a connection."""
        self._tried: weakref.WeakSet[Link] = weakref.WeakSet()
        self._by_ssh: weakref.WeakSet[ssh.SshWay] = weakref.WeakSet()

    def session(self, engine: Engine) -> DockerSession:
        """A session with an engine, over the connection that is kept or a new one. Raises EngineError.

        Threads that ask for one engine at the same time wait for one attempt, and not for that to another engine.
        """
        with self._lock:
            kept = self._kept.setdefault((engine.id, engine.tls, engine.ssh), _Kept())
        with kept.lock:
            way = (engine.address, engine.tls, engine.ssh, engine.unencrypted_accepted, engine.timeout)
            if kept.link is None or kept.way != way or engine.server_key not in {"", kept.link.server_key}:
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

    def entrance(self, engine: Engine) -> Hop | None:
        """The host that the first packet goes to; None where there is none, or a program stands for the network.

        Raises EngineError.
        """
        address = engine.address
        match address.way:
            case Way.SOCKET:
                return None
            case Way.TLS | Way.PLAIN:
                return Hop(address.host, address.port)
            case Way.SSH:
                first = ssh.entrance(engine, self._ssh_folder.expanduser())
                return None if first.command else first.hop
            case _:
                assert_never(address.way)

    def forget(self, engine_id: str) -> None:
        """Close the connections to an engine: its address or credentials have changed."""
        with self._lock:
            dropped = [self._kept.pop(key) for key in list(self._kept) if key[0] == engine_id]
        for kept in dropped:
            with kept.lock:
                kept.close()

    def renew(self) -> None:
        """Connect anew from the next session on, to every engine: after a sleep what was open may be dead.

        Who has a session keeps it: its connections are closed with the last reference to it, or by `close`.
        """
        with self._lock:
            kept, self._kept = self._kept, {}
            self._tried.update(one.link for one in kept.values() if one.link is not None)

    def close(self) -> None:
        """Close everything that is open, and what is still being opened by SSH."""
        with self._lock:
            kept, tried, by_ssh = list(self._kept), list(self._tried), list(self._by_ssh)
        for way in by_ssh:
            way.close()
        for engine_id, *_ in kept:
            self.forget(engine_id)
        for link in tried:
            link.close()

    def _connect(self, engine: Engine, secrets: Mapping[str, Secret]) -> Link:
        """Find out whom we speak with before anything is asked."""
        address = engine.address
        match address.way:
            case Way.SOCKET:
                return _open(engine, "http+docker://localhost", lambda: transport.socket_pool(address.path))
            case Way.TLS:
                return self._connect_by_tls(engine, secrets)
            case Way.SSH:
                return self._connect_by_ssh(engine, secrets)
            case Way.PLAIN:
                return _connect_plainly(engine)
            case _:
                assert_never(address.way)

    def _connect_by_tls(self, engine: Engine, secrets: Mapping[str, Secret]) -> Link:
        address = engine.address
        texts = self._tls_texts(engine, secrets)
        context = transport.tls_context(engine.name, *texts)
        base_url = f"https://{_written(address.host)}:{address.port}"
        key = transport.ServerKey(engine.name, engine.server_key)

        def hear_out() -> None:
            # Silence means that the certificate was taken, and the connection was lost for another reason.
            with in_our_words(engine.name, "shake hands"), suppress(TimeoutError):
                transport.hear_out(address.host, address.port, context, min(engine.timeout, LISTEN_SECONDS))

        try:
            link = _open(engine, base_url, lambda: transport.tls_pool(address.host, address.port, context, key))
        except EngineError as error:
            if error.kind is FailureKind.DROPPED:
                hear_out()
            raise
        link.hear_out = hear_out
        link.seen = key
        link.certificate = transport.validity(texts[1])
        return link

    def _connect_by_ssh(self, engine: Engine, secrets: Mapping[str, Secret]) -> Link:
        access = ssh.access_of(engine)
        with self._from_keyring(engine, "key or password"):
            sign_on = ssh.sign_on(engine, access, self._fetching(secrets), self._ssh_folder.expanduser())
        way = ssh.SshWay(engine, access, sign_on, self._pace)
        with self._lock:
            self._by_ssh.add(way)
        pools = iter((way.calls, way.streams))
        try:
            return _open(engine, ssh.BASE_URL, lambda: next(pools), way)
        except EngineError as error:
            if way.straight or not _lacks_command(error):
                raise
        # There is no docker command on the host: the socket may be there all the same.
        way = ssh.SshWay(engine, access, sign_on, self._pace)
        way.go_straight()
        with self._lock:
            self._by_ssh.add(way)
        pools = iter((way.calls, way.streams))
        try:
            return _open(engine, ssh.BASE_URL, lambda: next(pools), way)
        except SshError as error:
            if error.stage is not Stage.SOCKET:
                raise
            raise neither(engine.name, error) from error

    def _tls_texts(self, engine: Engine, secrets: Mapping[str, Secret]) -> tuple[str, str, str]:
        """The authority's certificate, the client certificate and its key."""
        if engine.tls is None:
            raise EngineError(
                FailureKind.NO_CREDENTIAL,
                f"{engine.name} has no certificates.",
                "Give the authority's certificate, the client certificate and its key in the engine's settings.",
            )
        tls = engine.tls
        with self._from_keyring(engine, "certificates"):
            fetch = self._fetching(secrets)
            return fetch(tls.authority).reveal(), fetch(tls.certificate).reveal(), fetch(tls.key).reveal()

    def _fetching(self, secrets: Mapping[str, Secret]) -> Callable[[SecretReference], Secret]:
        def fetch(reference: SecretReference) -> Secret:
            given = secrets.get(reference.name)
            return given if given is not None else self._vault.get(reference)

        return fetch

    @contextmanager
    def _from_keyring(self, engine: Engine, what: str) -> Iterator[None]:
        try:
            yield
        except VaultError as error:
            title = f"{engine.name} can't be reached without its {what}. {error.title}"
            raise EngineError(error.kind, title, error.hint) from error


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


def _connect_plainly(engine: Engine) -> Link:
    """Only on this computer, and only where a person has accepted it. Anything else is refused with nothing sent."""
    address = engine.address
    if not (engine.unencrypted_accepted and is_loopback(address.host)):
        raise EngineError(
            FailureKind.UNENCRYPTED,
            f"The way to {engine.name} is not encrypted, and whoever uses it is root there: it was not tried.",
            "Use SSH or TLS. On this computer alone, accept it in the engine's settings.",
        )
    # A name could be made to lead elsewhere: this one is never looked up.
    host = "127.0.0.1" if address.host.lower() == "localhost" else address.host
    base_url = f"http://{_written(host)}:{address.port}"
    return _open(engine, base_url, lambda: transport.plain_pool(host, address.port))


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _lacks_command(error: BaseException) -> bool:
    """Whether a failure comes of there being no docker command on the host."""
    return any(isinstance(cause, RemoteEnded) and cause.no_command for cause in causes(error))


def _open(
    engine: Engine,
    base_url: str,
    make_pool: Callable[[], urllib3.HTTPConnectionPool],
    by_ssh: ssh.SshWay | None = None,
) -> Link:
    calls, streams = (EngineClient(base_url, make_pool(), engine.timeout) for _ in range(2))
    link = Link(calls, streams, by_ssh)
    try:
        greeting = greet(engine, calls)
        link.speak(greeting.api)
        link.kind = greeting.kind
    except BaseException:
        link.close()
        raise
    return link
