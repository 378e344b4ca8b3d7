"""A full disk: what becomes of a new container that serves well while its engine has no room to write down a new name.

To put the old one back would stop what serves, on an engine that may then start nothing any more. So it is tried again
for a while, and then left serving as it is, with its lock, until a person has made room: recovery goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable

from mirror_console.errors import FailureKind
from mirror_console.operations.step_outcomes import OutcomeUnknown, StepFailed
from mirror_console.operations.turn import Turn

TRIED_FOR = 30.0
"""Seconds for which a name that can't be written down is tried again."""
PAUSE = 3.0


def with_patience(turn: Turn, rename: Callable[[], None]) -> None:
    """Rename, once the new container is verified; again and again while the engine's disk is full.

    Raises OutcomeUnknown where it stays so: what serves goes on serving. Whatever else fails is raised as it is.
    """
    until = turn.console.monotonic() + TRIED_FOR
    while True:
        try:
            rename()
            return
        except StepFailed as failed:
            if failed.kind is not FailureKind.DISK_FULL:
                raise
            if turn.console.monotonic() >= until:
                words = (
                    f"The new container serves and is well, and is left so; but '{failed.step}' can't be done: "
                    f"{failed.words} Then choose 're-read and continue'."
                )
                raise OutcomeUnknown(failed.step, words) from failed
            turn.become(turn.target.state, f"it is well; '{failed.step}' is tried again: the engine's disk is full")
            turn.keep()
            turn.console.sleep(PAUSE)
