"""Engines by SSH: one connection for all calls to an engine, another for replies that last, each with its channels."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path

import paramiko

from mirror_console.domain.engine import Engine
from mirror_console.domain.room import Room
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.ssh import DEFAULT_SOCKET, Hop, HostKey, SignIn, SshAccess, SshError, Stage, ToSocket
from mirror_console.engine import free_space, ssh_failures
from mirror_console.engine.pace import Pace
from mirror_console.engine.ssh_channel import ChannelPool, ChannelSocket, Opener, begin_command
from mirror_console.engine.ssh_keys import read_key
from mirror_console.engine.ssh_line import SignOn, SshLine, Way
from mirror_console.engine.ssh_own import OwnSettings, Stop, plain_route
from mirror_console.engine.ssh_wire import LineTransport
from mirror_console.engine.transport import AT_ONCE
from mirror_console.errors import EngineError, FailureKind

BASE_URL = "http+docker://ssh"
STREAMS_AT_ONCE = 8
_PROHIBITED = 1
"""A server's answer where a rule is against it. Source: RFC 4254, 5.1."""


class SshWay:
    """The way to one engine: its two connections, and how its socket is reached through them."""

    def __init__(self, engine: Engine, access: SshAccess, sign_on: SignOn, pace: Pace) -> None:
        self._engine = engine.name
        self._path = engine.address.path
        self._seconds = engine.timeout
        self.straight = access.to_socket is ToSocket.SOCKET
        """Whether channels go to the socket itself, without a command on the host."""
        way = Way(engine.name, route(engine, access, sign_on.own), access, sign_on, engine.timeout, pace)
        self._calls, self._streams = SshLine(way), SshLine(way)
        self.calls = ChannelPool(_ToEngine(self, self._calls), AT_ONCE)
        self.streams = ChannelPool(_ToEngine(self, self._streams), STREAMS_AT_ONCE)

    @property
    def host_key(self) -> HostKey | None:
        """The key that the engine's host was seen to have."""
        return self._calls.host_key

    def open_channel(self, line: SshLine) -> ChannelSocket:
        """A channel to the engine. Raises EngineError."""
        try:
            return self._opened(line)
        except SshError as error:
            if (error.stage, error.kind) != (Stage.SOCKET, FailureKind.DROPPED):
                raise
            # It broke off before anything was said to the engine, and it wasn't known yet: once more on a new one.
            return self._opened(line)

    def _opened(self, line: SshLine) -> ChannelSocket:
        if self.straight:
            return self._to_socket(line)
        docker = f"docker -H {shlex.quote(f'unix://{self._path}')}" if self._path else "docker"
        return self._run(line, f"{docker} system dial-stdio")

    def tunnel(self, port: int, seconds: float) -> ChannelSocket:
        """A channel to a port on the engine's host. Raises EngineError."""
        line = self._calls
        transport = line.transport()
        with line.in_use():
            try:
                channel = transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=seconds)
            except (OSError, EOFError, paramiko.SSHException) as error:
                code = transport.refused(error)
                if code is None:
                    raise self._lost(line, error, transport) from error
                if code == _PROHIBITED:
                    raise ssh_failures.no_forwarding(self._engine, f"port {port} of its host") from error
                raise ConnectionRefusedError(f"nothing listens at port {port} of the host") from error
            return ChannelSocket(channel, line, command=False)

    def ask_host(self, command: str, most: int = 64 * 1024) -> tuple[int, str]:
        """Run a command on the engine's host: its status and what it wrote. Raises EngineError."""
        running = self._run(self._calls, command)
        try:
            status, written = running.read_to_end(self._seconds, most)
        except TimeoutError as error:
            raise self._lost(self._calls, error) from error
        finally:
            running.close()
        return status, written.decode("utf-8", "replace")

    def free_disk(self, folder: str) -> Room | None:
        """The room where a folder of the engine's host is; None where the host doesn't tell."""
        try:
            status, written = self.ask_host(f"df -Pk -- {shlex.quote(folder)}")
            if status:
                return None
            status, of_files = self.ask_host(f"df -Pi -- {shlex.quote(folder)}")
        except EngineError:
            return None
        return free_space.told(written, "" if status else of_files)

    def go_straight(self) -> None:
        """Use the socket itself from now on: there is no docker command on the host."""
        self.straight = True

    def close(self) -> None:
        """Close both connections at once, whatever is in flight."""
        self._calls.close()
        self._streams.close()

    def _run(self, line: SshLine, command: str) -> ChannelSocket:
        transport = line.transport()
        with line.in_use():
            try:
                channel = transport.open_session(timeout=self._seconds)
                begin_command(channel, transport, command)
            except (OSError, EOFError, paramiko.SSHException) as error:
                if transport.refused(error) is None:
                    raise self._lost(line, error, transport) from error
                raise ssh_failures.too_many(self._engine) from error
            return ChannelSocket(channel, line, command=True)

    def _to_socket(self, line: SshLine) -> ChannelSocket:
        transport, path = line.transport(), self._path or DEFAULT_SOCKET
        with line.in_use():
            try:
                channel = transport.open_stream(path, self._seconds)
            except (OSError, EOFError, paramiko.SSHException) as error:
                code = transport.refused(error)
                if code is None:
                    raise self._lost(line, error, transport) from error
                if code == _PROHIBITED:
                    raise ssh_failures.no_forwarding(self._engine, "Docker's socket") from error
                raise self._why_no_socket(path) from error
            return ChannelSocket(channel, line, command=False)

    def _why_no_socket(self, path: str) -> SshError:
        """The server only says that it could not: ask the host, where it lets itself be asked."""
        quoted = shlex.quote(path)
        try:
            there, _ = self.ask_host(f"test -e {quoted}")
            allowed, _ = self.ask_host(f"test -w {quoted}") if there == 0 else (-1, "")
        except EngineError:
            return ssh_failures.socket_refused(self._engine, path)
        if there == 1:
            return ssh_failures.no_socket(self._engine, path)
        if there == 0 and allowed == 1:
            return ssh_failures.no_permission(self._engine)
        return ssh_failures.socket_refused(self._engine, path)

    def _lost(self, line: SshLine, error: BaseException, transport: LineTransport | None = None) -> EngineError:
        """A channel that didn't open in time, or a connection that broke off meanwhile: nobody uses that one again."""
        if isinstance(error, TimeoutError) or "Timeout" in str(error):
            line.doubt()
            title = f"The SSH server of {self._engine} did not answer in time."
            hint = "Check the network, the VPN and the load of the server, then try again."
            return SshError(Stage.SOCKET, FailureKind.TIMEOUT, title, hint, detail=str(error))
        if transport is not None:
            transport.close()
        title = f"The SSH connection to {self._engine} was lost."
        return SshError(Stage.SOCKET, FailureKind.DROPPED, title, "Look at it again.", detail=str(error))


class _ToEngine(Opener):
    """Opens the channels of one pool, over one connection."""

    def __init__(self, way: SshWay, line: SshLine) -> None:
        self._way = way
        self._line = line

    def open_channel(self) -> ChannelSocket:
        """Raises EngineError. Where the server allows no more channels, one that is idle is used."""
        try:
            return self._way.open_channel(self._line)
        except EngineError as error:
            if error.kind is not FailureKind.TOO_MANY:
                raise
            pool = self._way.calls if self._line is self._way._calls else self._way.streams
            began = time.monotonic()
            idle = pool.take_idle(self._way._seconds)
            while idle is not None and not idle.usable:
                idle.close()
                idle = pool.take_idle(max(0.0, self._way._seconds - (time.monotonic() - began)))
            if idle is None:
                raise
            return idle

    def retire(self) -> None:
        self._line.retire()


def access_of(engine: Engine) -> SshAccess:
    """How to sign in to an engine. Raises SshError where nothing was said of it."""
    if engine.ssh is None:
        raise SshError(
            Stage.SIGN_IN,
            FailureKind.NO_CREDENTIAL,
            f"{engine.name} has no way to sign in.",
            "Give a private key, a password or your own agent in the engine's settings.",
        )
    return engine.ssh


def sign_on(engine: Engine, access: SshAccess, fetch: Callable[[SecretReference], Secret], folder: Path) -> SignOn:
    """What is offered when signing in. `fetch` reads the keyring; `folder` is the person's own SSH folder.

    Raises SshError where it can't be used, and whatever `fetch` raises.
    """
    match access.sign_in:
        case SignIn.OWN:
            return SignOn(own=OwnSettings(folder))
        case SignIn.PASSWORD if access.password is not None:
            return SignOn(password=fetch(access.password))
        case SignIn.KEY if access.key is not None:
            passphrase = fetch(access.passphrase) if access.passphrase is not None else None
            return SignOn(key=read_key(engine.name, fetch(access.key), passphrase))
        case _:
            raise SshError(
                Stage.SIGN_IN,
                FailureKind.NO_CREDENTIAL,
                f"{engine.name} has no {access.sign_in} to sign in with.",
                "Give it in the engine's settings.",
            )


def route(engine: Engine, access: SshAccess, own: OwnSettings | None) -> tuple[Stop, ...]:
    """All hosts on the way, the engine's own last."""
    address = engine.address
    hops = (*access.jumps, Hop(address.host, address.port, address.user))
    return own.route(hops) if own is not None else plain_route(hops)


def entrance(engine: Engine, folder: Path) -> Stop:
    """The first host on the way. Raises SshError."""
    access = access_of(engine)
    return route(engine, access, OwnSettings(folder) if access.sign_in is SignIn.OWN else None)[0]
