"""A reply that is given up when its time is over, however slowly it trickles in.

A timeout of a socket is for each piece that comes. Who sends a byte now and then would be listened to for ever: in the
head of a reply, in the size of a chunk, in what follows the last one.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextlib import suppress
from typing import Any

_PIECE = 64 * 1024


class TimedReply(http.client.HTTPResponse):
    """Has to be there whole in the time that its socket gives to one piece. For `response_class` of a connection.

    Reading it later raises TimeoutError.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self._line = _Line(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._line, _PIECE)

    def last(self) -> None:
        """Take as long as it takes from now on: only each silence is limited. For a stream, once its head is read."""
        self._line.last()


class _Line(io.RawIOBase):
    """What comes from a socket, until the time is over."""

    def __init__(self, coming: io.RawIOBase, sock: socket.socket) -> None:
        self._coming = coming
        self._sock = sock
        self._seconds = sock.gettimeout()
        self._end = None if self._seconds is None else time.monotonic() + self._seconds

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._coming.fileno()

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the reply trickles")
            self._sock.settimeout(left)
        return self._coming.readinto(buffer)

    def last(self) -> None:
        self._end = None
        self._sock.settimeout(self._seconds)

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):  # it was closed
                self._sock.settimeout(self._seconds)  # the next request on it has its own time
        self._coming.close()
        super().close()
