"""One SSH connection to an engine's host, over all hosts on the way: made when it is needed, and again when lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import paramiko

from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import HostKey, HostKeyRefused, SshAccess, SshError
from mirror_console.engine import ssh_failures
from mirror_console.engine.pace import Pace
from mirror_console.engine.ssh_own import OwnSettings, ProxyProgram, Stop
from mirror_console.engine.ssh_wire import LineTransport, Wire
from mirror_console.engine.transport import CONNECT_SECONDS, KEEP_ALIVE

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
"""By which names an RSA key (``ssh-rsa``) is asked for: its type itself names signatures that aren't safe."""


@dataclass(frozen=True, slots=True)
class SignOn:
    """What is offered to every host on the way: exactly one of these."""

    key: paramiko.PKey | None = None
    password: Secret | None = None
    own: OwnSettings | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How an engine's host is reached. `seconds` bounds the whole of it, from the first packet to being signed in."""

    engine: str
    route: tuple[Stop, ...]
    access: SshAccess
    sign_on: SignOn
    seconds: float
    pace: Pace


class SshLine:
    """The connection. Threads share it: who comes while it is being made waits, and meets the same success or failure.

    `retire` closes it when the last channel is, `close` at once.
    """

    def __init__(self, way: Way) -> None:
        self.way = way
        self.host_key: HostKey | None = None
        """The key that the engine's host was seen to have."""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._retired = False
        self._opened: list[LineTransport] = []
        self._channels = 0
        self._counting = threading.Lock()
        self._attempt = 0
        self._failure: SshError | None = None

    def transport(self) -> LineTransport:
        """The transport to the engine's host, signed in. Raises SshError."""
        seen = self._attempt
        with self._lock:
            if self._opened:
                if self._opened[-1].lives():
                    return self._opened[-1]
                self._drop()
            if self._failure is not None and self._attempt != seen:
                # It failed while we waited for it: to try again at once would make eight who wait wait eight times.
                raise self._failure
            self._attempt += 1
            self._failure = None
            try:
                self._connect()
            except SshError as error:
                self._failure = error
                self._drop()
                raise
            except BaseException:
                self._drop()
                raise
            return self._opened[-1]

    @property
    def alive(self) -> bool:
        """Whether the connection is there and lives."""
        opened = list(self._opened)
        return bool(opened) and opened[-1].lives()

    def doubt(self) -> None:
        """An answer didn't come in time: before the next use the connection has to show that it lives."""
        for transport in self._opened[-1:]:
            transport.doubt()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Count whoever opens a channel; where that fails, it isn't counted."""
        with self._counting:
            self._channels += 1
        try:
            yield
        except BaseException:
            self.channel_closed()
            raise

    def channel_closed(self) -> None:
        """A channel that was counted has been closed."""
        with self._counting:
            self._channels -= 1
            over = self._retired and self._channels == 0
        if over:
            self.close()

    def retire(self) -> None:
        """Open nothing any more; close when the last channel is."""
        with self._counting:
            self._retired = True
            over = self._channels == 0
        if over:
            self.close()

    def close(self) -> None:
        """Close at once, whatever is in flight, and also while it is still being made."""
        self._retired = True
        self._stopped.set()
        # Without the lock: whoever makes the connection holds it, and is to be woken.
        for transport in reversed(list(self._opened)):
            transport.end()

    # --- making it --------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        way = self.way
        if self._retired or self._stopped.wait(way.pace.turn()) or self._retired:
            raise ssh_failures.unreached(way.engine, way.route[-1].named, ConnectionAbortedError("closed"))
        end = time.monotonic() + way.seconds
        for stop in way.route:
            try:
                with way.pace.signing_in(stop.hop.place, end - time.monotonic()):
                    transport = self._begin(stop, end)
                    self._shake_hands(transport, stop, end)
                    self._sign_in(transport, stop, end)
            except (OSError, EOFError, paramiko.SSHException) as error:
                raise ssh_failures.unreached(way.engine, stop.named, error) from error
            transport.watch()

    def _begin(self, stop: Stop, end: float) -> LineTransport:
        seconds = min(CONNECT_SECONDS, max(0.1, end - time.monotonic()))
        if self._opened:
            inside = (stop.hop.host, stop.hop.port)
            channel = self._opened[-1].open_channel("direct-tcpip", inside, ("127.0.0.1", 0), timeout=seconds)
            wire = Wire(channel)
        elif stop.command:
            program = ProxyProgram(stop.command)
            wire = Wire(program.line, program.close)
        else:
            line = socket.create_connection((stop.hop.host, stop.hop.port), timeout=seconds)
            for option in KEEP_ALIVE:
                with suppress(OSError):
                    line.setsockopt(*option)
            wire = Wire(line)
        transport = LineTransport(wire)
        self._opened.append(transport)
        return transport

    def _shake_hands(self, transport: LineTransport, stop: Stop, end: float) -> None:
        """Agree on keys, and look at the server's own. Nothing of the sign-in has been sent until this returns."""
        accepted = self._accepted(stop)
        _prefer(transport, accepted)
        seconds = max(0.1, end - time.monotonic())
        transport.banner_timeout = transport.handshake_timeout = seconds
        transport.start_client(timeout=seconds)
        if not transport.initial_kex_done:
            raise TimeoutError("the handshake takes too long")
        key = transport.get_remote_server_key()
        offered = HostKey(stop.named.host, stop.named.port, key.get_name(), key.get_base64())
        if offered not in accepted:
            raise HostKeyRefused(self.way.engine, offered, accepted)
        if stop is self.way.route[-1]:
            self.host_key = offered

    def _accepted(self, stop: Stop) -> tuple[HostKey, ...]:
        own = self.way.sign_on.own
        return self.way.access.known(stop.named.host, stop.named.port) + (own.known(stop) if own else ())

    def _sign_in(self, transport: LineTransport, stop: Stop, end: float) -> None:
        offered, user, engine = self.way.sign_on, stop.hop.user, self.way.engine
        transport.auth_timeout = max(0.1, end - time.monotonic())
        what = "the password" if offered.password else "the SSH key"
        try:
            if offered.key is not None:
                transport.auth_publickey(user, offered.key)
            elif offered.password is not None:
                transport.auth_password(user, offered.password.reveal())
            elif offered.own is not None:
                with offered.own.keys(engine, stop, transport.auth_timeout) as keys:
                    _offer(engine, transport, user, keys)
        except (OSError, EOFError, paramiko.SSHException) as error:
            away = transport.sent_away
            raise ssh_failures.not_signed_in(engine, user, what, stop.named, error, sent_away=away) from error
        if not transport.is_authenticated():
            raise ssh_failures.not_signed_in(engine, user, what, stop.named, None)

    def _drop(self) -> None:
        opened, self._opened = self._opened, []
        for transport in reversed(opened):
            transport.end()


def _prefer(transport: paramiko.Transport, accepted: tuple[HostKey, ...]) -> None:
    """Ask for the types of key that are accepted: a server with several shows the first that is asked for."""
    types = [name for key in accepted for name in (_RSA if key.type == "ssh-rsa" else (key.type,))]
    options = transport.get_security_options()
    known = list(options.key_types)
    first = [name for name in dict.fromkeys(types) if name in known]
    options.key_types = (*first, *(name for name in known if name not in first))


def _offer(engine: str, transport: paramiko.Transport, user: str, keys: list[paramiko.PKey]) -> None:
    """One key after the other, until one is taken. Raises what the last one was refused with."""
    if not keys:
        raise ssh_failures.no_key_at_hand(engine)
    refusal: paramiko.AuthenticationException | None = None
    for key in keys:
        try:
            transport.auth_publickey(user, key)
        except paramiko.AuthenticationException as error:
            refusal = error
            if not transport.is_active():
                break
        else:
            return
    if refusal is not None:
        raise refusal
