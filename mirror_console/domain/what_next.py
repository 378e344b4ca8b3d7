"""What happens next in a rollout: targets begin, it waits, it halts, or it is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mirror_console.domain.rollout import COUNTS_AS_FAILED, SUCCEEDED, WORKING, Rollout, Target, TargetState
from mirror_console.domain.stop_rule import tripped_words
from mirror_console.domain.undecided import waiting_words


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

    Where some are tried again, no others are begun: once those of the current wave are over, it halts before the rest.
    Waves and the stop rule stay those of the plan, and what failed before doesn't keep from being tried again what is
    to mend it; the first of them that fails does, where more have failed then than may.
    """
    if all(target.over for target in rollout.targets):
        return Complete()
    wave = rollout.current_wave
    tripped = tripped_words(rollout)
    in_flight = [target for target in rollout.targets if target.state in WORKING]
    if tripped and not none_failed_again(rollout):
        return Wait() if in_flight else Halt(tripped)
    if rollout.only and not any(one.environment_id in rollout.only and not one.over for one in rollout.wave(wave)):
        return Wait() if in_flight else Halt(" ".join(filter(None, (_tried_words(rollout), tripped))))
    if wave > 0 and 0 not in rollout.passed_gates and _untried(rollout.wave(0)):
        return Halt(_no_canary_words(rollout), gate=True)
    for before in range(wave):
        if before not in rollout.passed_gates and rollout.plan.way.pauses_after(before, rollout.waves):
            return Halt(_gate_words(rollout, before), gate=True)
    begun = _next_targets(rollout, wave, in_flight, closed)
    if begun or in_flight:
        return Begin(begun) if begun else Wait()
    waiting = _kept_waiting(rollout, closed)
    asking = [target for target in rollout.targets if target.state is TargetState.UNDECIDED]
    return Halt(waiting_words(asking)) if asking else Halt(_closed_words(rollout, waiting), closed=True)


def _next_targets(rollout: Rollout, wave: int, in_flight: Sequence[Target], closed: Collection[str]) -> tuple[str, ...]:
    way = rollout.plan.way
    per_engine = Counter(target.planned.engine_id for target in in_flight)
    free = way.at_once - len(in_flight)
    begun: list[str] = []
    queued = [
        target for target in rollout.wave(wave) if rollout.may_begin(target) and target.environment_id not in closed
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


def waits_words(rollout: Rollout, closed: Collection[str], opens: str) -> str:
    """What a rollout that goes on by itself says while it waits; `opens` is when, in words."""
    waiting = _kept_waiting(rollout, closed)
    return f"Waits: {_some(waiting)} may not be changed now; the list says why. It goes on by itself {opens}."


def _kept_waiting(rollout: Rollout, closed: Collection[str]) -> list[Target]:
    """Those of the current wave that would be begun, if they might be changed now."""
    return [
        one for one in rollout.wave(rollout.current_wave) if one.environment_id in closed and rollout.may_begin(one)
    ]


def none_failed_again(rollout: Rollout) -> bool:
    """Whether targets are tried again, and all that has failed did so before: of that a rule has done what it does."""
    again = [target for target in rollout.targets if target.environment_id in rollout.only]
    return bool(again) and not any(target.state in COUNTS_AS_FAILED for target in again)


def _tried_words(rollout: Rollout) -> str:
    """What came of those that were tried again, and that the others wait for a person."""
    again = Counter(target.state for target in rollout.targets if target.environment_id in rollout.only)
    later = again.pop(TargetState.QUEUED, 0)
    came = [f"{again[state]} {state}" for state in TargetState if again[state]]
    came += [f"{later} {'waits for its' if later == 1 else 'wait for their'} wave"] if later else []
    others = rollout.count(TargetState.QUEUED) - later
    tried = f"Tried again: {', '.join(came)}."
    asking = [target for target in rollout.targets if target.state is TargetState.UNDECIDED]
    if asking:
        tried = f"{tried} {waiting_words(asking).removeprefix('Paused: ')}"
    if not others:
        return f"{tried} Resume to go on." if later else tried
    wait, them = ("other waits", "it") if others == 1 else ("others wait", "them")
    return f"{tried} {others} {wait}: resume to go on with {them}."


def _untried(targets: Sequence[Target]) -> bool:
    return not any(target.state in SUCCEEDED for target in targets)


def _gate_words(rollout: Rollout, wave: int) -> str:
    if wave == 0:
        return _canary_words(rollout)
    targets = rollout.wave(wave)
    done = sum(target.state in SUCCEEDED for target in targets)
    return f"Paused after wave {wave + 1}, as planned: {done} of {len(targets)} updated. Look at them, then resume."


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
