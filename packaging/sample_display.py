"""The display of the person who called: how a program in the sample's own session still reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def way_to_display(surroundings: Mapping[str, str], home: Path, runtime: Path) -> dict[str, str]:
    """Variables that lead to the display whatever HOME and XDG_RUNTIME_DIR are.

    `home` and `runtime` are the person's own: X keeps its key in the one, Wayland its socket in the other.
    """
    way = {}
    key = home / ".Xauthority"
    if surroundings.get("DISPLAY") and not surroundings.get("XAUTHORITY") and key.is_file():
        way["XAUTHORITY"] = str(key)
    socket = surroundings.get("WAYLAND_DISPLAY", "")
    if socket and not socket.startswith("/"):
        # libwayland takes an absolute path as it is.
        way["WAYLAND_DISPLAY"] = str(runtime / socket)
    return way


def names_display(surroundings: Mapping[str, str]) -> bool:
    """Whether there might be a display: without a name for one nothing need be tried."""
    return bool(surroundings.get("DISPLAY") or surroundings.get("WAYLAND_DISPLAY"))
