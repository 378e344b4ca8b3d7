"""Channels of an SSH connection as the sockets that HTTP is spoken over, and the bounded pool of them."""

from __future__ import annotations

import io
import queue
import socket
import time
from typing import Any

import paramiko
import urllib3
import urllib3.connection
from paramiko.common import cMSG_CHANNEL_REQUEST

from mirror_console.engine.ssh_failures import RemoteEnded
from mirror_console.engine.ssh_line import SshLine
from mirror_console.engine.ssh_wire import say
from mirror_console.engine.timed import TimedReply

_BUFFER = 64 * 1024
_COMPLAINT = 4096


class ChannelSocket:
    """A channel, used as a socket is: it stays open as long as a reply is still read from it."""

    def __init__(self, channel: paramiko.Channel, line: SshLine, *, command: bool) -> None:
        self._channel = channel
        self._line = line
        self._command = command
        self._heard = False
        self._readers = 0
        self._wished_closed = False
        self._counted = True

    @property
    def usable(self) -> bool:
        """Whether another request may be sent: nothing has ended, and nothing lies there that nobody asked for."""
        channel = self._channel
        return not (channel.closed or channel.eof_received or channel.recv_ready()) and self._line.alive

    def settimeout(self, seconds: float | None) -> None:
        """For each read and write."""
        self._channel.settimeout(seconds)

    def gettimeout(self) -> float | None:
        """For each read and write."""
        return self._channel.gettimeout()

    def sendall(self, octets: bytes | bytearray | memoryview) -> None:
        """Write all of it. Raises TimeoutError, OSError; BrokenPipeError where the channel is closed."""
        left = memoryview(octets)
        while left:
            try:
                sent = self._channel.send(bytes(left[:_BUFFER]))
            except TimeoutError:
                self._line.doubt()
                raise
            except (EOFError, paramiko.SSHException) as error:
                raise ConnectionResetError(str(error)) from error
            except OSError as error:
                # So it says that the other side has closed it: why, as that there is no such command, is read then.
                raise BrokenPipeError("the channel is closed") from error
            if sent == 0:
                raise BrokenPipeError("the channel is closed")
            left = left[sent:]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """What is read from it. A socket's own makes other things too; HTTP asks for this alone."""
        self._readers += 1
        return io.BufferedReader(_Reading(self), _BUFFER)

    def shutdown(self, _how: int) -> None:
        """End whatever is being read."""
        self._channel.close()

    def close(self) -> None:
        """Close, as soon as nobody reads any more."""
        self._wished_closed = True
        if self._readers == 0 and self._counted:
            self._counted = False
            self._channel.close()
            self._line.channel_closed()

    def read(self, size: int) -> bytes:
        """What is there, `size` octets at most; none at the end. Raises RemoteEnded where nothing ever came."""
        try:
            piece = self._channel.recv(size)
        except TimeoutError:
            self._line.doubt()
            raise
        if piece:
            self._heard = True
        elif self._command and not self._heard:
            raise self._ended()
        return piece

    def fileno(self) -> int:
        """For a selector: it can be read where something has come, or the channel has ended."""
        return self._channel.fileno()

    def recv(self, size: int) -> bytes:
        """As `read`; but where the time for it is zero, BlockingIOError says that nothing has come yet."""
        channel = self._channel
        if channel.gettimeout() == 0.0 and not (channel.recv_ready() or channel.eof_received or channel.closed):
            raise BlockingIOError("nothing has come yet")
        return self.read(size)

    def read_to_end(self, seconds: float, most: int) -> tuple[int, bytes]:
        """All that a command writes, and its status (-1 where it wasn't told). Raises TimeoutError."""
        end = time.monotonic() + seconds
        written = bytearray()
        while len(written) < most:
            self._channel.settimeout(max(0.01, end - time.monotonic()))
            piece = self._channel.recv(most - len(written))
            if not piece:
                break
            written += piece
        return self._status(), bytes(written)

    def reader_closed(self) -> None:
        """A reply has been read, or given up."""
        self._readers -= 1
        if self._wished_closed:
            self.close()

    def _ended(self) -> Exception:
        if not self._line.alive:
            return ConnectionResetError("the SSH connection was lost")
        self._channel.settimeout(1.0)
        complaint = b""
        try:
            while len(complaint) < _COMPLAINT and (piece := self._channel.recv_stderr(_COMPLAINT)):
                complaint += piece
        except TimeoutError:
            complaint += b" (and says no more)"
        return RemoteEnded(self._status(), complaint.decode("utf-8", "replace"))

    def _status(self) -> int:
        # The status comes after the end of the output; some servers never tell it.
        self._channel.status_event.wait(1.0)
        return self._channel.exit_status


class _Reading(io.RawIOBase):
    def __init__(self, source: ChannelSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        room = memoryview(into).cast("B")
        piece = self._source.read(len(room))
        room[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._source.reader_closed()


def begin_command(channel: paramiko.Channel, transport: paramiko.Transport, command: str) -> None:
    """Start a command on the other side, without waiting for the answer that it was started: it comes with the output.

    paramiko's own waits for that without any limit. Source of the message: RFC 4254, 6.5.
    """
    wish = paramiko.Message()
    wish.add_byte(cMSG_CHANNEL_REQUEST)
    wish.add_int(channel.remote_chanid)
    wish.add_string("exec")
    wish.add_boolean(True)
    wish.add_string(command)
    say(transport, wish)


class _ChannelConnection(urllib3.connection.HTTPConnection):
    response_class = TimedReply

    def __init__(self, *args: Any, opener: Opener, **more: Any) -> None:
        super().__init__(*args, **more)
        self._opener = opener

    def connect(self) -> None:
        self.sock = self._opener.open_channel()

    @property
    def is_connected(self) -> bool:
        return isinstance(self.sock, ChannelSocket) and self.sock.usable


class Opener:
    """What opens a channel to the engine: see mirror_console.engine.ssh."""

    def open_channel(self) -> ChannelSocket:
        """Raises EngineError."""
        raise NotImplementedError

    def retire(self) -> None:
        """No channel is wanted any more."""
        raise NotImplementedError


class ChannelPool(urllib3.HTTPConnectionPool):
    """At most `most` channels of one connection; who comes next waits."""

    ConnectionCls = _ChannelConnection

    def __init__(self, opener: Opener, most: int) -> None:
        super().__init__("localhost", maxsize=most, block=True, opener=opener)
        self._opener = opener

    def take_idle(self, seconds: float) -> ChannelSocket | None:
        """A channel that nobody uses now, for good; None where none comes back in time.

        The pool is smaller by one place afterwards: a server that allows fewer channels than we open is met so.
        """
        end = time.monotonic() + seconds
        while self.pool is not None:
            try:
                connection = self.pool.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            if connection is not None and isinstance(connection.sock, ChannelSocket):
                taken, connection.sock = connection.sock, None
                return taken
        return None

    def close(self) -> None:
        """Close those that aren't in use; the connection when the last of the others is."""
        super().close()
        self._opener.retire()


def as_socket(channel: ChannelSocket) -> socket.socket:
    """A channel where a socket is asked for: HTTP uses no more of it than there is."""
    return channel  # type: ignore[return-value]
