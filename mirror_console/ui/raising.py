"""One window a catalog: a second start brings the first one's window to the front, over a socket of this person."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT = 1000
"""Milliseconds for which a second start waits for the first one's window."""


def raise_other(catalog: Path) -> bool:
    """Ask the window that has this catalog to come to the front. False where none answers."""
    socket = QLocalSocket()
    socket.connectToServer(_name(catalog))
    answered = socket.waitForConnected(WAIT)
    socket.abort()
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
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.disconnectFromServer()
            self._come()


def _name(catalog: Path) -> str:
    return "mirror-console-" + hashlib.sha256(str(catalog.expanduser().resolve()).encode()).hexdigest()[:16]
