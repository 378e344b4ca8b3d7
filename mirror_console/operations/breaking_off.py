"""Breaking off: a rollout is aborted, and every target in flight ends at its next safe point.

A safe point is right before a step, and any moment at which it is only waited. What isn't past its commit point is put
back; what is past it goes on to its end, without being watched any longer.
"""

from __future__ import annotations

from mirror_console.domain.steps import Step

BEFORE_COMMIT = frozenset(
    {
        Step.PULL,
        Step.LOCK,
        Step.PROVIDE,
        Step.CREATE,
        Step.MAKE_COMMAND,
        Step.BACK_UP,
        Step.RELEASE,
        Step.DISARM,
        Step.STOP,
        Step.START,
        Step.ARM,
        Step.VERIFY,
        Step.CONNECT,
        Step.PROVE,
        Step.DISCONNECT,
        Step.DRAIN,
        Step.SHELVE,
        Step.COMMIT,
        Step.CHANGE,
        Step.UPDATE,
    }
)
"""Steps that aren't begun any more once a rollout is aborted. Those that put back are none of them."""


class BrokenOff(Exception):
    """The rollout was aborted at a safe point, before a step or while it was waited."""

    def __init__(self, step: Step) -> None:
        self.words = f"aborted before '{step}'" if step is not Step.VERIFY else "aborted before it was verified"
        super().__init__(self.words)
        self.step = step


def never() -> bool:
    return False
