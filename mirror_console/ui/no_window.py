"""No window: why there can't be one here, and what to do. Nothing of Qt is imported: it may be what is missing."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mirror_console.errors import NoWindow
from mirror_console.paths import resources

PACKAGES = "qt-packages.txt"
"""Of the resources: Debian's packages with the libraries that Qt needs, one a line."""

_LIBRARY = re.compile(r"^(?:.*/)?([^/\s]+\.so[.\d]*): ")
_FAILED = re.compile(r'Could not load the Qt platform plugin "([\w-]+)"')
_COMMANDS = (
    "All but the window works without it; 'mirror-console --help' lists the commands. What runs where is told by:"
)


def missing_library(error: ImportError | OSError) -> NoWindow | None:
    """What to do where one of the system's libraries can't be loaded; None where the error has another reason."""
    named = _LIBRARY.match(str(error))
    if named is None:
        return None
    packages = " ".join((resources() / PACKAGES).read_text("utf-8").split())
    return NoWindow(
        f"The window can't be opened: the library {named[1]}, which Qt draws with, is missing on this computer.",
        f"Install what Qt needs (on Debian, as root: apt-get install {packages}). {_COMMANDS}",
    )


def no_display(said: Sequence[str], plugins: Path, surroundings: Mapping[str, str]) -> NoWindow:
    """What to do where Qt found no display that it can use.

    `said` is what Qt said while it looked; its parts for each kind of display are in `plugins`; `surroundings` is the
    environment that it was started in.
    """
    chosen = surroundings.get("QT_QPA_PLATFORM", "")
    displays = [name for name in ("WAYLAND_DISPLAY", "DISPLAY") if surroundings.get(name)]
    if not chosen and not displays:
        return NoWindow(
            "There is no display to open a window on.",
            f"Start it on a desktop, or by 'ssh -X' from one. {_COMMANDS}",
        )
    tried = [name for words in said for name in _FAILED.findall(words)]
    if library := _unloadable(plugins, tried):
        return library
    if chosen:
        return NoWindow(
            f"QT_QPA_PLATFORM says {chosen!r}, and Qt can open no window in that way here.",
            f"Take that variable out of the environment, then try again. {_COMMANDS}",
        )
    named = " and ".join(f"{name}={surroundings[name]}" for name in displays)
    return NoWindow(
        f"No display can be used: nothing answers at {named}, or you are refused there.",
        f"Start it in a terminal of your desktop, as the person who is signed in there. {_COMMANDS}",
    )


def _unloadable(plugins: Path, tried: Iterable[str]) -> NoWindow | None:
    """The library for want of which Qt's part for a kind of display can't be loaded, if that is why."""
    for name in tried:
        for file in sorted(plugins.glob(f"libq{name}.so")):
            try:
                ctypes.CDLL(str(file))
            except OSError as error:
                return missing_library(error)
    return None
