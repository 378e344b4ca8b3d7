"""One window a catalog: a second start brings the first one's window to the front, over a socket of this person."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT = 1000
"""Milliseconds for which a second start waits for the first one's window."""


def raise_other(catalog: Path) -> bool:
    """Ask the window that has this catalog to come to the front. False where none answers."""
    other = QLocalSocket()
    other.connectToServer(_name(catalog))
    answered = other.waitForConnected(WAIT)
    other.abort()
    return answered


class Raisable(QObject):
    """Listens for a second start, for as long as the window is open. A connection is all that is asked for."""

    def __init__(self, catalog: Path, come: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._come = come
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        # Left by a window that was killed. Whoever calls this holds the catalog's lock, so it is nobody else's.
        QLocalServer.removeServer(_name(catalog))
        self._server.newConnection.connect(self._connected)
        self._server.listen(_name(catalog))

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _connected(self) -> None:
        while (other := self._server.nextPendingConnection()) is not None:
            mine = _is_mine(other)
            other.disconnected.connect(other.deleteLater)
            other.disconnectFromServer()
            if mine:
                self._come()


def _is_mine(local: QLocalSocket) -> bool:
    """Whether a program of this person is at the other end; where the system can't tell, the socket's rights do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    with socket.socket(socket.AF_UNIX, fileno=os.dup(int(local.socketDescriptor()))) as other:
        credentials = other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return int(uid) == os.getuid()


def _name(catalog: Path) -> str:
    return "mirror-console-" + hashlib.sha256(str(catalog.expanduser().resolve()).encode()).hexdigest()[:16]
