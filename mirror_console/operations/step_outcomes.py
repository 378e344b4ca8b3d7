"""What ends a turn before its work is done: a step that failed, or of which nothing can be said, and a lost lock."""

from __future__ import annotations

from mirror_console.domain.steps import Step
from mirror_console.errors import FailureKind


class StepFailed(Exception):
    """A look at the engine says that the step was not done. `words` is why, `kind` what its engine refused it for."""

    def __init__(self, step: Step, words: str, kind: FailureKind | None = None) -> None:
        super().__init__(words)
        self.step = step
        self.words = words
        self.kind = kind


class OutcomeUnknown(Exception):
    """The engine could not be looked at, so that nothing can be said of the step."""

    def __init__(self, step: Step, words: str) -> None:
        super().__init__(words)
        self.step = step
        self.words = words


class Superseded(Exception):
    """The lock isn't ours any more: nothing may be changed here."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class LockGone(Exception):
    """The lock is there no more, and it can't be told whether somebody has had it meanwhile."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words
