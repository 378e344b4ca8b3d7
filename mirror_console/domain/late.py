"""Late: which calls of a console may reach an engine yet that it gave up on, or that it was cut off in.

Engines carry out what they were sent, whether anybody waits for it or not. What a call does to a container that is gone
is nothing, so that of those that come late only some do harm, others on the way back than on the way forward.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mirror_console.domain.journal import JournalEntry, Phase, Result
from mirror_console.domain.lock import LockTimes
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.steps import Step

UNANSWERED = " (no answer came)"
"""With what the journal's words end where a call that failed had no answer: it may be carried out yet."""
HURTS_BACK = frozenset(
    {
        Step.LOCK,
        Step.CREATE,
        Step.MAKE_COMMAND,
        Step.DISARM,
        Step.STOP,
        Step.SHELVE,
        Step.COMMIT,
        Step.DISCONNECT,
        Step.CHANGE,
        Step.UPDATE,
    }
)
"""Steps whose call harms what was put back: it is about the old container, or leaves something that nobody expects."""
HURTS_FORWARD = frozenset(
    {
        Step.STOP_NEW,
        Step.REMOVE_NEW,
        Step.DISCONNECT_NEW,
        Step.NAME_BACK,
        Step.START_OLD,
        Step.ARM_OLD,
        Step.CONNECT_OLD,
        Step.CHANGE_BACK,
        Step.ROLL_BACK,
    }
)
"""Steps whose call harms what goes on: it was to put back."""
ON_NEW = frozenset({Step.START, Step.ARM, Step.CONNECT, Step.NAME})
"""Steps whose call is about the new container alone: it meets nothing where that is gone."""
HURTS = HURTS_BACK | HURTS_FORWARD | ON_NEW
"""All of them. The calls of other steps change nothing that serves, or only what isn't needed any more."""


@dataclass(frozen=True, slots=True)
class Late:
    """What may reach an engine yet: the calls of these steps, until then, in monotonic seconds."""

    steps: frozenset[Step] = frozenset()
    until: float = 0.0

    def expecting(self, steps: Collection[Step], until: float) -> Late:
        """Calls of these as well, of those that do harm."""
        more = HURTS & {*steps}
        return replace(self, steps=self.steps | more, until=max(self.until, until)) if more else self

    def left(self, now: float, steps: Collection[Step] = HURTS) -> float:
        """For how many seconds more one of these steps may be carried out late; 0 for none of them."""
        return max(0.0, self.until - now) if self.steps & {*steps} else 0.0

    def words(self, steps: Collection[Step] = HURTS) -> str:
        """Which of these steps it may be, in the order of a swap: ``'stop old' or 'start new'``."""
        *most, last = [f"'{step}'" for step in Step if step in self.steps & {*steps}]
        return f"{', '.join(most)} or {last}" if most else last


def arrives_within(target: PlannedTarget, times: LockTimes) -> float:
    """Seconds for which a call for a target may be on its way to the engine after it was decided."""
    return target.settings.stop_seconds + times.grace


def sent_last(lines: Sequence[JournalEntry]) -> tuple[frozenset[Step], datetime | None]:
    """The steps whose calls may be on their way yet, by the lines of one target's attempt, and when the last was sent.

    Those are the steps of which no outcome is known: whoever was cut off was in one of them. It was sent no later than
    shortly after the last line. That the lock was let go in one of its own tells that what came before was outlasted.
    """
    begun: dict[tuple[str, Step], datetime] = {}
    given_up: dict[tuple[str, Step], datetime] = {}
    for line in lines:
        key = (line.process, line.step)
        if line.phase is Phase.INTENT:
            if line.step is Step.UNLOCK:
                begun = {one: at for one, at in begun.items() if at == line.at}
                given_up.clear()
            begun[key] = line.at
            continue
        begun.pop(key, None)
        if line.result is Result.UNKNOWN or line.words.endswith(UNANSWERED):
            given_up[key] = line.at
        elif line.result is Result.OK:
            given_up.pop(key, None)
    harmful = {step for _process, step in begun.keys() | given_up.keys()} & HURTS
    moments = [at for (_process, step), at in given_up.items() if step in HURTS]
    if any(step in HURTS for _process, step in begun):
        moments.append(lines[-1].at)
    return frozenset(harmful), max(moments, default=None)
