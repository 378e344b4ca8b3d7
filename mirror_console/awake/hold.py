"""A hold on the system: how it is asked not to fall asleep, and to sleep again as it likes."""

from __future__ import annotations

from collections.abc import Callable

WHO = "Mirror Console"
WHY = "A rollout is under way."
"""Both are shown by the system to whoever wants it to sleep."""

Release = Callable[[], None]
"""Lets the system fall asleep again. Called once, on any thread. A console that is killed lets go, too."""

Hold = Callable[[], Release]
"""Keeps the system awake from now on. Raises NotHeld."""


class NotHeld(Exception):
    """The system can't be kept awake; why, as the end of a sentence."""
