"""Links: open an address in the person's own browser. Only what is encrypted on its way, as sources' notes are."""

from __future__ import annotations

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_link(address: str) -> bool:
    """Open a web page. False where the address isn't one that starts with https://, or no program takes it."""
    url = QUrl(address, QUrl.ParsingMode.StrictMode)
    if not url.isValid() or url.scheme() != "https" or not url.host():
        return False
    return QDesktopServices.openUrl(url)
