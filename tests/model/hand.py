"""What a person does to a rollout of several mirrors, and what its stop rule may let begin: reckoned apart from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mirror_console.domain.rollout import COUNTS_AS_FAILED, Rollout, TargetState


class Hand(StrEnum):
    """What a person does in the middle: the name of what a conductor is told."""

    NOTHING = "nothing"
    PAUSE = "pause"
    STOP = "stop"
    ABORT = "abort"


def failures(rollout: Rollout) -> dict[int, int]:
    """How many targets of each wave count as failed."""
    counted = dict.fromkeys(range(rollout.waves), 0)
    for target in rollout.targets:
        counted[target.planned.wave] += target.state in COUNTS_AS_FAILED
    return counted


def tripped_in(rollout: Rollout, accepted: Mapping[int, int]) -> int | None:
    """The first wave of which more have failed than may; None where all is as it may be.

    None may fail in the first of several waves; `accepted` is how many of each wave a person has gone on in spite of.
    """
    for wave, failed in failures(rollout).items():
        may = 0 if wave == 0 and rollout.waves > 1 else rollout.plan.way.max_failed
        if failed > max(may, accepted.get(wave, 0)):
            return wave
    return None


@dataclass(slots=True)
class Watcher:
    """Hears of each change of a rollout, and notes what was begun though nothing more was to be."""

    states: dict[str, TargetState]
    accepted: Mapping[int, int]
    also: Callable[[Rollout], None]
    asked: bool = False
    """Whether a person had it pause, stop or abort."""
    broken: list[str] = field(default_factory=list)

    def __call__(self, rollout: Rollout) -> None:
        """A rollout changed."""
        for target in rollout.targets:
            before = self.states.get(target.environment_id)
            self.states[target.environment_id] = target.state
            if target.state is TargetState.CHECKING and before is TargetState.QUEUED:
                if rollout.only and target.environment_id not in rollout.only:
                    self.broken.append(f"{target.planned.application} was begun, and others were to be tried again")
                if self.asked:
                    self.broken.append(f"{target.planned.application} was begun after a person said stop")
                # What is tried again may be, until one of those has failed again: it mends what had tripped the rule.
                again = [one.state for one in rollout.targets if one.environment_id in rollout.only]
                mends = bool(again) and not COUNTS_AS_FAILED & set(again)
                if tripped_in(rollout, self.accepted) is not None and not mends:
                    self.broken.append(f"{target.planned.application} was begun beyond the stop rule")
        self.also(rollout)
