"""One SSH transport: what paramiko speaks over, how it is watched for life, and the channel that paramiko lacks."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_GLOBAL_REQUEST

KEEPALIVE_SECONDS = 15
SILENCE_SECONDS = 40.0
"""So long nothing is heard of a server only where the connection is gone, or this computer has slept."""
DOUBT_SECONDS = 3.0
"""How long a server that is in doubt gets to show that it lives."""
_PIECE = 64 * 1024
_STREAM = "direct-streamlocal@openssh.com"

# What goes wrong reaches us as an exception; paramiko's own log would tell it once more, with a trace.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class Wire:
    """What a transport reads and writes: a socket or a channel of another transport. Knows when it was last heard."""

    def __init__(self, line: Any, close: Callable[[], None] | None = None) -> None:
        self._line = line
        self._close = close
        self._rest = b""
        self._closed = False
        self._fresh = threading.Event()
        self._heard()

    def recv(self, size: int) -> bytes:
        """Up to `size` octets. More is read at once than is asked for: paramiko asks for a packet in two pieces."""
        if not self._rest:
            self._rest = self._line.recv(_PIECE)
            self._heard()
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def send(self, octets: bytes) -> int:
        """Write; how much of it went."""
        return int(self._line.send(octets))

    def settimeout(self, seconds: float | None) -> None:
        """For reading and writing."""
        self._line.settimeout(seconds)

    def close(self) -> None:
        """Close, and wake whoever reads."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._line.shutdown(socket.SHUT_RDWR)
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._line.close()
        if self._close is not None:
            self._close()

    @property
    def silent(self) -> float:
        """Seconds since something was heard, by the clock that doesn't run while the computer sleeps or the other."""
        return max(time.monotonic() - self._heard_at, time.time() - self._heard_on)

    def listen_anew(self) -> None:
        """Forget what was heard so far, for `hears`."""
        self._fresh.clear()

    def hears(self, seconds: float) -> bool:
        """Wait until something is heard."""
        return self._fresh.wait(seconds)

    def _heard(self) -> None:
        self._heard_at, self._heard_on = time.monotonic(), time.time()
        if not self._fresh.is_set():  # as it is but for the moments in which somebody waits
            self._fresh.set()


class LineTransport(paramiko.Transport):
    """A transport that can be asked whether the other side lives, and that opens channels to sockets there."""

    # How often paramiko looks whether it was closed, ten times a second by itself. We wake it, so it need not.
    _active_check_timeout = 5.0
    # Authenticated ciphers first: one pass over each packet instead of two, and no length in clear to play with.
    _preferred_ciphers = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
    _preferred_macs = (
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    )

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)  # type: ignore[arg-type]  # a socket-like object is all that it needs
        self.wire = wire
        self.sent_away = False
        """Whether the other side has said that it ends the connection."""
        self._doubted_at: float | None = None

    def watch(self) -> None:
        """Ask the server for a sign of life from time to time; end the connection where none comes."""
        self.packetizer.set_keepalive(KEEPALIVE_SECONDS, self._sign_of_life)

    def doubt(self) -> None:
        """Ask for a sign of life now: before the next use it must have come."""
        if self._doubted_at is None:
            self.wire.listen_anew()
            self._doubted_at = time.monotonic()
            self._ask()

    def lives(self) -> bool:
        """Whether it can be used. Where it is in doubt, its sign of life is waited for."""
        if not self.is_active():
            return False
        if self.wire.silent > SILENCE_SECONDS:
            self.doubt()
        if self._doubted_at is None:
            return True
        left = self._doubted_at + DOUBT_SECONDS - time.monotonic()
        if not self.wire.hears(max(0.0, left)):
            return False
        self._doubted_at = None
        return self.is_active()

    def refused(self, error: BaseException) -> int | None:
        """With which code the server refused to open a channel; None where it failed in another way.

        Of several that are refused at once only one gets to know its code; for the others it is 0.
        """
        if isinstance(error, paramiko.ChannelException):
            return error.code
        unknown = isinstance(error, paramiko.SSHException) and "Unable to open channel" in str(error)
        return 0 if unknown and self.is_active() else None

    def end(self) -> None:
        """Close it and wait for its thread."""
        self.wire.close()
        self.packetizer.complete_handshake()  # its timer is a thread, which a handshake that failed leaves behind
        self.close()
        if self.is_alive() and self is not threading.current_thread():
            self.join(2.0)

    def open_stream(self, path: str, seconds: float) -> paramiko.Channel:
        """A channel to a socket on the other side. Source: OpenSSH's PROTOCOL, 2.4.

        Raises as `open_channel` does, which can't say what this kind of channel needs.
        """
        if not self.is_active():
            raise paramiko.SSHException("SSH session not active")
        inner: Any = self  # what paramiko's own kinds of channel are made of
        with self.lock:
            window, packet = inner._sanitize_window_size(None), inner._sanitize_packet_size(None)
            number = inner._next_channel()
            wish = paramiko.Message()
            wish.add_byte(cMSG_CHANNEL_OPEN)
            wish.add_string(_STREAM)
            for figure in (number, window, packet):
                wish.add_int(figure)
            wish.add_string(path)
            wish.add_string("")
            wish.add_int(0)
            channel: Any = paramiko.Channel(number)
            inner._channels.put(number, channel)
            answered = self.channel_events[number] = threading.Event()
            self.channels_seen[number] = True
            channel._set_transport(self)
            channel._set_window(window, packet)
        say(self, wish)
        if not answered.wait(seconds):
            raise paramiko.SSHException("Timeout opening channel.")
        if inner._channels.get(number) is None or not self.is_active():
            raise self.get_exception() or paramiko.SSHException("Unable to open channel.")
        made: paramiko.Channel = channel
        return made

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        # paramiko only writes it into its log. Source of the message: RFC 4253, 11.1.
        self.sent_away = True

    def _sign_of_life(self) -> None:
        # Called by the transport's own thread.
        if self.wire.silent > SILENCE_SECONDS:
            self.wire.close()
            return
        self._ask()

    def _ask(self) -> None:
        asking = paramiko.Message()
        asking.add_byte(cMSG_GLOBAL_REQUEST)
        asking.add_string("keepalive@openssh.com")
        asking.add_boolean(True)
        with suppress(OSError, EOFError, paramiko.SSHException):
            say(self, asking)


def say(transport: paramiko.Transport, message: paramiko.Message) -> None:
    """Send a message of a kind that paramiko has no call for; not in the midst of agreeing on new keys."""
    inner: Any = transport
    inner._send_user_message(message)
