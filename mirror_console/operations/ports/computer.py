"""The computer that the console runs on, as operations need it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from mirror_console.domain.power import Power


class Computer(Protocol):
    """The computer. Every method is for any thread."""

    def awake(self) -> AbstractContextManager[None]:
        """Within, it doesn't fall asleep by itself, where the system can be asked for that. Raises nothing.

        May be within another one, and be left on another thread than it was entered on.
        """

    def power(self) -> Power:
        """Whether it can be kept awake, and what it runs on now. Asks the system. Raises nothing."""
