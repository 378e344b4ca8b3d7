"""Wishes: what a command wants of the console that holds the catalog, left in a file beside the catalog.

Nothing of the catalog is changed by it. Whoever can write there could change the catalog itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mirror_console.store import failures

_LONGEST = 4096
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class _Wish:
    run: str
    rollout_id: str
    wish: str


class Wishes:
    """The wish beside the catalog at `path`; there is one at most, and the last one counts."""

    def __init__(self, path: Path) -> None:
        resolved = path.expanduser().resolve()
        self._place = resolved.with_name(resolved.name + ".wish")

    def leave(self, run: str, rollout_id: str, wish: str) -> None:
        """Leave a wish for a run of the program. Raises CatalogError where it can't be written."""
        new = self._place.with_name(f"{self._place.name}.{os.getpid()}")
        with failures.of_files(self._place):
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(_Wish(run, rollout_id, wish)))
            new.replace(self._place)

    def take(self, run: str, rollout_id: str) -> str:
        """What is wished of a rollout that this run carries out, once; empty where nothing is.

        One for another run that has ended is nobody's: it is taken away too.
        """
        try:
            with os.fdopen(os.open(self._place, os.O_RDONLY | _FLAGS), "rb") as file:
                found = msgspec.json.decode(file.read(_LONGEST), type=_Wish)
        except (OSError, msgspec.MsgspecError, ValueError):
            # Nearly always it isn't there. What can't be read is no wish, and must not end a rollout.
            return ""
        if found.run == run and found.rollout_id != rollout_id:
            # Of another rollout that this run carries out.
            return ""
        with failures.of_files(self._place):
            self._place.unlink(missing_ok=True)
        return found.wish if found.run == run else ""
