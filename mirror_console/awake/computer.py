"""This computer: kept awake by what its system has for that, and asked what it runs on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mirror_console.awake import caffeinate, logind, windows
from mirror_console.awake.hold import Hold, NotHeld, Release
from mirror_console.awake.supplies import supply_in
from mirror_console.domain.power import Power, Supply

_HOLDS: dict[str, Hold] = {"linux": logind.hold, "darwin": caffeinate.hold, "win32": windows.hold}

logger = logging.getLogger(__name__)


def _nothing_known() -> Release:
    raise NotHeld("how that is done on this system isn't known")


def _supply_here() -> Supply:
    """The other systems aren't asked."""
    return supply_in() if sys.platform == "linux" else Supply.UNTOLD


class ThisComputer:
    """The computer that the console runs on."""

    def __init__(self, hold: Hold | None = None, supply: Callable[[], Supply] = _supply_here) -> None:
        self._hold = hold or _HOLDS.get(sys.platform, _nothing_known)
        self._supply = supply

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Within, it doesn't fall asleep by itself, where the system can be asked for that. Raises nothing."""
        release: Release | None = None
        try:
            release = self._hold()
        except NotHeld as refused:
            logger.info("this computer can't be kept awake: %s", refused)
        try:
            yield
        finally:
            if release is not None:
                release()

    def power(self) -> Power:
        """Whether it can be kept awake, by trying it, and what it runs on now. Raises nothing."""
        try:
            self._hold()()
        except NotHeld as refused:
            return Power(self._supply(), str(refused))
        return Power(self._supply())
