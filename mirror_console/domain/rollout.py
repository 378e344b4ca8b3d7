"""A rollout: the execution of a plan. Its states, its steps, and the rule that says what happens next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.check import Override
from mirror_console.domain.counting import counted
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import stops_at


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
    """Neither the new nor the old container could be brought to serve: needs a person."""
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


class Step(StrEnum):
    """One change on one target. Each has a predicate that a look at the engine answers: is it done?"""

    PULL = "pull"
    LOCK = "lock"
    PROVIDE = "provide networks and volumes"
    CREATE = "create new"
    MAKE_COMMAND = "make the command's container"
    BACK_UP = "back up"
    RELEASE = "run release command"
    STOP_COMMAND = "stop the command"
    REMOVE_COMMAND = "remove the command's container"
    DISARM = "take restart policy from old"
    STOP = "stop old"
    START = "start new"
    ARM = "give restart policy to new"
    VERIFY = "verify"
    SHELVE = "shelve older way back"
    COMMIT = "rename old away"
    NAME = "name new"
    BAKE = "bake"
    RETIRE = "retire older"
    UNLOCK = "unlock"
    STOP_NEW = "stop new"
    REMOVE_NEW = "remove new"
    NAME_BACK = "name old back"
    START_OLD = "start old"
    ARM_OLD = "give restart policy back to old"
    CONNECT = "put new on its route"
    PROVE = "prove the route"
    DISCONNECT = "take old from its route"
    DRAIN = "drain"
    CONNECT_OLD = "put old back on its route"
    DISCONNECT_NEW = "take new from its route"
    CHANGE = "change in place"
    CHANGE_BACK = "change back in place"


CREATE_STEPS = (
    Step.PULL,
    Step.LOCK,
    Step.PROVIDE,
    Step.CREATE,
    Step.START,
    Step.VERIFY,
    Step.NAME,
    Step.BAKE,
    Step.UNLOCK,
)
RECREATE_STEPS = (
    Step.LOCK,
    Step.PULL,
    Step.PROVIDE,
    Step.CREATE,
    Step.DISARM,
    Step.STOP,
    Step.START,
    Step.VERIFY,
    Step.SHELVE,
    Step.COMMIT,
    Step.NAME,
    Step.BAKE,
    Step.RETIRE,
    Step.UNLOCK,
)
BESIDE_STEPS = (
    Step.LOCK,
    Step.PULL,
    Step.PROVIDE,
    Step.CREATE,
    Step.START,
    Step.VERIFY,
    Step.CONNECT,
    Step.PROVE,
    Step.DISCONNECT,
    Step.DRAIN,
    Step.DISARM,
    Step.STOP,
    Step.SHELVE,
    Step.COMMIT,
    Step.NAME,
    Step.BAKE,
    Step.RETIRE,
    Step.UNLOCK,
)
IN_PLACE_STEPS = (Step.LOCK, Step.CHANGE, Step.VERIFY, Step.BAKE, Step.UNLOCK)
STEPS_OF = {
    Swap.CREATE: CREATE_STEPS,
    Swap.RECREATE: RECREATE_STEPS,
    Swap.BESIDE: BESIDE_STEPS,
    Swap.IN_PLACE: IN_PLACE_STEPS,
}
"""The steps of each swap, in their order. Those that find nothing to do aren't met."""
DOWN_AFTER = frozenset({Step.STOP, Step.START})
"""Steps that, cut off, may have left the environment without a running container."""


class Phase(StrEnum):
    """Whether a journal entry was written before a step acted, or after it was looked at."""

    INTENT = "intent"
    OUTCOME = "outcome"


class Result(StrEnum):
    """What a look at the engine said of a step. Unknown is never taken for failed."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal: what a step was about to do, or what came of it."""

    rollout_id: str
    environment_id: str
    process: str
    attempt: int
    step: Step
    phase: Phase
    at: datetime
    result: Result | None = None
    objects: Mapping[str, str] | None = None
    """Ids of the containers that are concerned, by their part: old, new, lock. Where the lock is taken, also what it
    tells of how the old ones were."""
    words: str = ""
    sequence: int = 0


def begun_at(intent: datetime, ended_before: datetime | None) -> datetime:
    """When a step began: its intent may have been written together with that of the steps before it."""
    return intent if ended_before is None else max(intent, ended_before)


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

    @property
    def environment_id(self) -> str:
        """The environment's identity."""
        return self.planned.environment_id

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


# --- what happens next -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin these targets now."""

    environment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to begin until something in flight ends."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Begin nothing more until a person says so; `why` is one sentence."""

    why: str
    gate: bool = False
    """Whether this is the planned pause after the canary, not a stop rule."""
    closed: bool = False
    """Whether it only waits for a window to open, or for a freeze to end."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Every target has its outcome."""


Decision = Begin | Wait | Halt | Complete


def decide(rollout: Rollout, closed: Collection[str] = ()) -> Decision:
    """What to do next in a running rollout.

    A wave begins only when the one before is over. The stop rule is asked before every start, so no more targets can
    fail beyond it than were in flight. Unreachable, unknown and undecided count as failed. Environments in `closed` may
    not be changed now: they wait, and once nothing else can be begun in their wave, the rollout does. So it does for
    those that a person has to decide about.
    """
    if all(target.over for target in rollout.targets):
        return Complete()
    wave = rollout.current_wave
    tripped = _tripped(rollout)
    in_flight = [target for target in rollout.targets if target.state in WORKING]
    if tripped:
        return Wait() if in_flight else Halt(tripped)
    if wave > 0 and 0 not in rollout.passed_gates and _untried(rollout.wave(0)):
        return Halt(_no_canary_words(rollout), gate=True)
    for before in range(wave):
        if before not in rollout.passed_gates and rollout.plan.way.pauses_after(before, rollout.waves):
            return Halt(_gate_words(rollout, before), gate=True)
    begun = _next_targets(rollout, wave, in_flight, closed)
    if begun or in_flight:
        return Begin(begun) if begun else Wait()
    waiting = [target for target in rollout.wave(wave) if target.environment_id in closed and not target.over]
    asking = [target for target in rollout.targets if target.state is TargetState.UNDECIDED]
    return Halt(_undecided_words(asking)) if asking else Halt(_closed_words(rollout, waiting), closed=True)


def _undecided_words(asking: Sequence[Target]) -> str:
    waits, becomes = ("waits", "it") if len(asking) == 1 else ("wait", "them")
    return (
        f"Paused: {counted(len(asking), 'failed target')} {waits} for a decision "
        f"({', '.join(target.planned.application for target in asking[:3])}{' and more' if len(asking) > 3 else ''}). "
        f"Say what is to become of {becomes}."
    )


def _untried(targets: Sequence[Target]) -> bool:
    return not any(target.state in SUCCEEDED for target in targets)


def _gate_words(rollout: Rollout, wave: int) -> str:
    if wave == 0:
        return _canary_words(rollout)
    targets = rollout.wave(wave)
    done = sum(target.state in SUCCEEDED for target in targets)
    return f"Paused after wave {wave + 1}, as planned: {done} of {len(targets)} updated. Look at them, then resume."


def waits_words(rollout: Rollout, closed: Collection[str], opens: str) -> str:
    """What a rollout that goes on by itself says while it waits; `opens` is when, in words."""
    waiting = [target for target in rollout.wave(rollout.current_wave) if target.environment_id in closed]
    return f"Waits: {_some(waiting)} may not be changed now; the list says why. It goes on by itself {opens}."


def _some(targets: Sequence[Target]) -> str:
    names = ", ".join(target.planned.application for target in targets[:3])
    return names + (f" and {len(targets) - 3} more" if len(targets) > 3 else "")


def _closed_words(rollout: Rollout, waiting: Sequence[Target]) -> str:
    later = sum(target.planned.wave > waiting[0].planned.wave for target in rollout.targets)
    after = f" {later} of later waves wait for them." if later else ""
    return (
        f"Paused: {_some(waiting)} may not be changed now; the list says why and until when.{after} Resume it then; "
        "or stop it, and they are left as they are."
    )


def _canary_words(rollout: Rollout) -> str:
    return f"Paused after the canary, as planned: {', '.join(_names(rollout.wave(0)))}. Look at it, then resume."


def _no_canary_words(rollout: Rollout) -> str:
    return (
        f"Paused: nothing was tried in the canary ({', '.join(_names(rollout.wave(0)))}). Resume to go on without it."
    )


def _names(targets: Sequence[Target]) -> list[str]:
    return [f"{target.planned.application} {target.state}" for target in targets]


def _tripped(rollout: Rollout) -> str:
    """The sentence of the stop rule that has tripped, or nothing. A person's resume allows what has failed so far."""
    if not any(target.state in COUNTS_AS_FAILED for target in rollout.targets):
        return ""  # asked before every start: a rollout in which nothing fails doesn't reckon how much might
    for wave in range(rollout.waves):
        targets = rollout.wave(wave)
        failed = [target for target in targets if target.state in COUNTS_AS_FAILED]
        allowed = _allowed(rollout, wave)
        if len(failed) > allowed:
            told = f"{len(failed)} of {len(targets)} targets of wave {wave + 1} failed; {allowed} may."
            return f"Stop rule: {told} {_THEN}"
    most, row = rollout.plan.way.in_a_row, failures_in_a_row(rollout)
    return f"Stop rule: {row} targets failed in a row; {most - 1} may. {_THEN}" if 0 < most <= row else ""


_THEN = "Look at why; then resume in spite of it, or stop."


def _allowed(rollout: Rollout, wave: int) -> int:
    by_rule = rollout.plan.way.allowed_failures(wave, rollout.waves, len(rollout.wave(wave)))
    return max(by_rule, _forgiven(rollout, wave))


def failures_in_a_row(rollout: Rollout) -> int:
    """How many targets failed last, one after the other, without those that a person has accepted.

    In the order in which they ended; those that were left out count neither way. One that is unknown ended last.
    """
    over = [target for target in rollout.targets if target.state in SUCCEEDED | COUNTS_AS_FAILED]
    ended = sorted(over, key=lambda target: (target.ended_at is None, target.ended_at or rollout.started_at))
    forgiven = sum(_forgiven(rollout, wave) for wave in range(rollout.waves))
    row = 0
    for target in ended:
        if target.state in SUCCEEDED:
            row = 0
        elif forgiven:
            # Accepted were those that had failed by then: the first of them.
            forgiven -= 1
        else:
            row += 1
    return row


_MOST_WAVES = 1000


def forgive(wave: int, failed: int) -> int:
    """The mark in `passed_gates` for 'go on in spite of the `failed` targets of this wave': one more trips the rule."""
    return -(failed * _MOST_WAVES + wave + 1)


def _of_mark(mark: int) -> tuple[int, int]:
    """What a mark says: how many failures were accepted, and of which wave."""
    failed, wave = divmod(-mark - 1, _MOST_WAVES)
    return failed, wave


def _forgiven(rollout: Rollout, wave: int) -> int:
    """How many failures of a wave a person has accepted."""
    marks = [_of_mark(mark) for mark in rollout.passed_gates if mark < 0]
    return max((failed for failed, of in marks if of == wave), default=0)


def after_resume(rollout: Rollout) -> tuple[int, ...]:
    """`passed_gates` once a person has said to go on: past every wave that is over, in spite of what failed so far.

    What was accepted before and was skipped since doesn't count any more: none may fail in its stead.
    """
    marked = {_of_mark(mark)[1] for mark in rollout.passed_gates if mark < 0}
    gates = {gate for gate in past_waves(rollout) if gate >= 0}
    for wave in range(rollout.waves):
        failed = sum(target.state in COUNTS_AS_FAILED for target in rollout.wave(wave))
        if failed or wave in marked:
            gates.add(forgive(wave, failed))
    return tuple(sorted(gates))


def past_waves(rollout: Rollout) -> tuple[int, ...]:
    """`passed_gates` with every wave that is over. What failed so far isn't forgiven: who tries again may not fail more
    often than before."""
    over = {wave for wave in range(rollout.waves) if all(target.over for target in rollout.wave(wave))}
    return tuple(sorted({*rollout.passed_gates, *over}))


def _next_targets(rollout: Rollout, wave: int, in_flight: Sequence[Target], closed: Collection[str]) -> tuple[str, ...]:
    way = rollout.plan.way
    per_engine = Counter(target.planned.engine_id for target in in_flight)
    free = way.at_once - len(in_flight)
    begun: list[str] = []
    queued = [
        target
        for target in rollout.wave(wave)
        if target.state is TargetState.QUEUED and target.environment_id not in closed
    ]
    # Those that are tried again come first: whether the cause is gone is worth knowing before others are begun.
    for target in sorted(queued, key=lambda target: target.attempt == 1):
        if len(begun) >= free:
            break
        most = min(way.at_once_per_engine, target.planned.engine_at_once)
        if per_engine[target.planned.engine_id] >= most:
            continue
        per_engine[target.planned.engine_id] += 1
        begun.append(target.environment_id)
    return tuple(begun)


def stop_rule_words(rollout: Rollout) -> str:
    """The arithmetic of the stop rule for the current wave: ``1 failed; stops at 3 of 50; unreachable counts``."""
    wave, way = rollout.current_wave, rollout.plan.way
    targets = rollout.wave(wave)
    failed = sum(target.state in COUNTS_AS_FAILED for target in targets)
    row = f", or at {way.in_a_row} in a row (now {failures_in_a_row(rollout)})" if way.in_a_row else ""
    return f"{failed} failed; {stops_at(_allowed(rollout, wave), len(targets))}{row}; unreachable counts"


def end_state(rollout: Rollout) -> RolloutState:
    """How a rollout has ended whose targets are all over. With an unknown one it hasn't: that is read again first."""
    if rollout.count(TargetState.UNKNOWN):
        return RolloutState.INTERRUPTED
    if rollout.count(TargetState.NOT_STARTED):
        return RolloutState.STOPPED
    if any(target.state in UNSUCCESSFUL or target.state is TargetState.SKIPPED for target in rollout.targets):
        return RolloutState.COMPLETED_WITH_FAILURES
    return RolloutState.COMPLETED


def headline(rollout: Rollout) -> str:
    """One sentence that counts outcomes: ``383 of 386 updated, 2 put back, 1 unknown``."""
    total = len(rollout.targets)
    done = rollout.count(*SUCCEEDED)
    parts = [f"{done} of {total} updated"]
    others = Counter(target.state for target in rollout.targets if target.state not in SUCCEEDED)
    parts += [f"{others[state]} {state}" for state in TargetState if others[state]]
    return ", ".join(parts)
