"""A rollout: the execution of a plan. Its states, its targets, and how it has ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.check import Override
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.steps import Step
from mirror_console.domain.taken_back import TakenBack
from mirror_console.domain.trip import Trip


class RolloutState(StrEnum):
    """Where a rollout stands."""

    RUNNING = "running"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    """The console ended in the middle. Nothing is changed until a person has chosen."""
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed with failures"
    STOPPED = "stopped"


ENDED = frozenset({RolloutState.COMPLETED, RolloutState.COMPLETED_WITH_FAILURES, RolloutState.STOPPED})


class TargetState(StrEnum):
    """Where a target stands. The words are those of code, screens and reports."""

    QUEUED = "queued"
    CHECKING = "checking"
    FETCHING = "fetching"
    BACKING_UP = "backing up"
    RELEASING = "releasing"
    """Its release command runs, or is waited for."""
    SWAPPING = "swapping"
    VERIFYING = "verifying"
    BAKING = "baking"
    PUTTING_BACK = "putting back"
    UNKNOWN = "unknown"
    """Contact was lost in mid-step: it is read again before anything is said of it."""
    UNDECIDED = "undecided"
    """It failed and is left as it stands, for what a person decides. Its lock is held meanwhile."""
    DONE = "done"
    ALREADY = "already"
    FAILED = "failed"
    """Nothing was changed: the environment runs what it ran."""
    PUT_BACK = "put back"
    LEFT = "left"
    """It failed, and its new container stays, as the way says or a person decided."""
    STRANDED = "stranded"
    """Neither the new nor the old container could be brought to serve well: needs a person."""
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    NOT_STARTED = "not started"


SUCCEEDED = frozenset({TargetState.DONE, TargetState.ALREADY})
UNSUCCESSFUL = frozenset(
    {
        TargetState.FAILED,
        TargetState.PUT_BACK,
        TargetState.LEFT,
        TargetState.STRANDED,
        TargetState.SUPERSEDED,
        TargetState.UNKNOWN,
    }
)
COUNTS_AS_FAILED = UNSUCCESSFUL | {TargetState.UNDECIDED}
"""What the stop rule counts."""
WORKING = frozenset(
    {
        TargetState.CHECKING,
        TargetState.FETCHING,
        TargetState.BACKING_UP,
        TargetState.RELEASING,
        TargetState.SWAPPING,
        TargetState.VERIFYING,
        TargetState.BAKING,
        TargetState.PUTTING_BACK,
    }
)
OVER = SUCCEEDED | UNSUCCESSFUL | {TargetState.SKIPPED, TargetState.NOT_STARTED}
CHANGED = frozenset({TargetState.DONE, TargetState.LEFT, TargetState.STRANDED, TargetState.SUPERSEDED})
"""Targets at which something else may run than before."""
BY_A_PERSON = "skipped by "
"""So begin the words of what a person skipped, and not a check."""
AFTER = " after: "
"""Between that and why it had failed."""
ROLLED_BACK = "rolled back"
"""What is said, in the place of its state, of a target that a rollback took back since."""


@dataclass(frozen=True, slots=True)
class Target:
    """One environment in a rollout: what was planned for it, and where it stands."""

    planned: PlannedTarget
    state: TargetState = TargetState.QUEUED
    step: Step | None = None
    words: str = ""
    """Why it failed or was skipped; else what it waits for."""
    attempt: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None
    way_back: str = ""
    """The id of the container that was kept as the way back."""
    after_fingerprint: str = ""
    """What was read back after the swap."""
    verified_by: str = ""
    """What the health gate saw, in words."""
    down_seconds: float | None = None
    """The longest time for which nothing served: until a container was found well, or, without a health test, ran."""
    down_since: datetime | None = None
    """Since when nothing serves, by this computer's clock; kept where nobody knows until when, else None."""

    taken_back: TakenBack | None = None
    """What came of it in the last rollback of its rollout; read from there, and never kept with it."""

    @property
    def environment_id(self) -> str:
        """The environment's identity."""
        return self.planned.environment_id

    @property
    def down_for(self) -> float | None:
        """The longest time for which nothing served, in seconds; None where something always did, or nobody knows."""
        return self.down_seconds if self.down_since is None else None

    @property
    def attempts(self) -> int:
        """How often it was begun. The attempt that it waits for, or never came to, isn't one of them."""
        return self.attempt if self.started_at is not None else self.attempt - 1

    @property
    def since(self) -> TakenBack | None:
        """What a rollback did since to what this rollout changed, or failed to do. What was tried again after that, and
        what the rollout changed nothing of, has none."""
        back = self.taken_back
        if back is None or self.state not in CHANGED:
            return None
        again = self.ended_at is not None and back.at is not None and self.ended_at > back.at
        return None if again else back

    @property
    def rolled_back(self) -> bool:
        """Whether a rollback took it back since."""
        back = self.since
        return back is not None and back.well

    @property
    def stands(self) -> str:
        """Where it stands now, in a word or two: its state, or that it was rolled back since."""
        return ROLLED_BACK if self.rolled_back else self.state

    @property
    def told(self) -> str:
        """Why it failed, or what it waits for; first of all what a rollback did since."""
        back = self.since
        if back is None:
            return self.words
        was = f"; it was {self.state} before" if back.well else ""
        words = f". {self.words}" if self.words else ""
        return f"{back.words}{was}{words}"

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it in this rollout."""
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class Rollout:
    """One execution of a plan: who, why, and where it stands."""

    id: str
    plan: Plan
    state: RolloutState
    started_by: str
    why: str
    started_at: datetime
    targets: tuple[Target, ...]
    ended_at: datetime | None = None
    paused_because: str = ""
    passed_gates: tuple[int, ...] = ()
    """Waves after which a person has said to go on."""
    console: str = ""
    """The console process that carries it out."""
    fetches: tuple[Fetch, ...] = ()
    """What is brought to engines before the first wave; empty where that isn't done ahead."""
    overrides: tuple[Override, ...] = ()
    """The answers to checks that it goes on in spite of. They count for all its waves and attempts."""
    trips: tuple[Trip, ...] = ()
    """The times that its stop rule stopped it, and what came of each."""
    only: frozenset[str] = frozenset()
    """The environments that are tried again, and carried out alone: then it pauses. Empty where all go on.

    It is the word for one go, and never kept: who finds the rollout cut off is asked anew."""

    def count(self, *states: TargetState) -> int:
        """How many targets are in one of the states."""
        return sum(target.state in states for target in self.targets)

    def target(self, environment_id: str) -> Target:
        """The target of an environment. Raises KeyError if it has none."""
        for target in self.targets:
            if target.environment_id == environment_id:
                return target
        raise KeyError(environment_id)

    def wave(self, number: int) -> tuple[Target, ...]:
        """The targets of a wave."""
        return tuple(target for target in self.targets if target.planned.wave == number)

    def stands_back(self, target: Target) -> bool:
        """Whether a target waits until others were tried again, and a person has the rollout go on."""
        return target.state is TargetState.QUEUED and bool(self.only) and target.environment_id not in self.only

    def may_begin(self, target: Target) -> bool:
        """Whether a target waits for its turn, and for nothing else."""
        return target.state is TargetState.QUEUED and not self.stands_back(target)

    @property
    def fetches_ahead(self) -> bool:
        """Whether images are on their way, before the first wave."""
        return any(not fetch.over for fetch in self.fetches)

    @property
    def waves(self) -> int:
        """How many waves there are."""
        return max((target.planned.wave for target in self.targets), default=-1) + 1

    @property
    def current_wave(self) -> int:
        """The first wave that isn't over; the last one if all are."""
        begun = min((target.planned.wave for target in self.targets if not target.over), default=None)
        return max(0, self.waves - 1) if begun is None else begun


def end_state(rollout: Rollout) -> RolloutState:
    """How a rollout has ended whose targets are all over. With an unknown one it hasn't: that is read again first."""
    if rollout.count(TargetState.UNKNOWN):
        return RolloutState.INTERRUPTED
    if rollout.count(TargetState.NOT_STARTED):
        return RolloutState.STOPPED
    if any(target.state in UNSUCCESSFUL or target.state is TargetState.SKIPPED for target in rollout.targets):
        return RolloutState.COMPLETED_WITH_FAILURES
    return RolloutState.COMPLETED


@dataclass(frozen=True, slots=True)
class RolloutHead:
    """What tells one rollout from the others, without its plan and its targets: those are long."""

    id: str
    fingerprint: str
    """That of its plan."""
    state: RolloutState
    console: str


def headline(rollout: Rollout) -> str:
    """One sentence that counts outcomes: ``383 of 386 updated, 2 put back, 1 unknown``.

    What was rolled back since is counted as that alone: ``9 of 12 updated, 3 rolled back since``. A rollback updates
    nothing: ``3 of 3 taken back``.
    """
    total = len(rollout.targets)
    standing = Counter(target.state for target in rollout.targets if not target.rolled_back)
    back = sum(target.rolled_back for target in rollout.targets)
    done = "updated" if rollout.plan.rollback_of is None else "taken back"
    parts = [f"{sum(standing[state] for state in SUCCEEDED)} of {total} {done}"]
    parts += [f"{back} {ROLLED_BACK} since"] if back else []
    parts += [f"{standing[state]} {state}" for state in TargetState if standing[state] and state not in SUCCEEDED]
    return ", ".join(parts)
