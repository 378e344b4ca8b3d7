"""A way: how a rollout goes, in which waves, how fast, and what stops it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.canary import FIRST_THAT_RUN_WELL, Canary
from mirror_console.errors import Problem


@dataclass(frozen=True, slots=True)
class WaveSize:
    """The size of a wave: a count, or a share of all targets in percent, or the rest."""

    count: int = 0
    percent: float = 0.0

    def __str__(self) -> str:
        if self.count:
            return str(self.count)
        return f"{self.percent:g}%" if self.percent else "rest"


REST = WaveSize()


class OnFailure(StrEnum):
    """What becomes of a target whose new container isn't well."""

    PUT_BACK = "put back"
    LEAVE = "leave"
    """The new container stays, to be looked at; the old one is kept as the way back."""
    ASK = "ask"
    """It is left as it stands until a person decides; the rollout pauses when nothing else is to be done."""


class OnTrip(StrEnum):
    """What becomes of a rollout that its stop rule stops. Nothing more is begun in any case."""

    PAUSE = "pause"
    ROLL_BACK_WAVE = "roll back the wave"
    """What the wave changed goes back to what it was, and the rollout waits for a person."""
    ROLL_BACK_ALL = "roll back the rollout"
    """The rollout ends, and everything that it changed goes back to what it was."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a rollout goes: its waves, caps, rests and its stop rule.

    `max_failed` is how many targets of a wave may fail, or `max_failed_percent` of them where that isn't 0, rounded
    down; in the first wave, the canary, none may. `max_failed_in_all` is how many of all targets may, or
    `max_failed_in_all_percent` of them; None and 0 for no such rule. A share is of the targets as they were planned,
    whatever becomes of some of them. `in_a_row` so many failures one after the other stop it in any case; 0 for never.
    Unreachable counts as failed. `on_trip` is what becomes of the rollout then.

    `bake` is in seconds: how long a new container must stay well after it took over. `health_limit`, in seconds, takes
    the place of how long each environment waits for health; 0 leaves that to them. With `prefetch` images are brought
    to all engines before the first wave, where more than one engine lacks its image. It pauses after the canary, after
    every wave, or after those in `pause_after`, counted from 1. With `resumes` it goes on by itself where it waits for
    nothing but a window to open, or a freeze to end. That a mirror's test ran a release well counts as a proof for
    `proof_days`: later, data, services and hosts have moved on.
    """

    waves: tuple[WaveSize, ...] = (WaveSize(count=1), WaveSize(percent=5), WaveSize(percent=25), REST)
    at_once: int = 8
    at_once_per_engine: int = 2
    bake: float = 60.0
    max_failed: int = 2
    pause_after_canary: bool = True
    prefetch: bool = True
    pulls_per_engine: int = 2
    pulls_per_registry: int = 6
    canary: Canary = FIRST_THAT_RUN_WELL
    max_failed_percent: float = 0.0
    in_a_row: int = 0
    health_limit: float = 0.0
    pause_after_every: bool = False
    pause_after: tuple[int, ...] = ()
    on_failure: OnFailure = OnFailure.PUT_BACK
    resumes: bool = False
    max_failed_in_all: int | None = None
    max_failed_in_all_percent: float = 0.0
    on_trip: OnTrip = OnTrip.PAUSE
    proof_days: int = 14

    def allowed_failures(self, wave: int, waves: int, size: int) -> int:
        """How many targets of a wave of this size may fail before the rollout pauses. A share becomes a count here."""
        if wave == 0 and waves > 1:
            return 0
        return _share(size, self.max_failed_percent) if self.max_failed_percent else self.max_failed

    def allowed_in_all(self, size: int) -> int | None:
        """How many targets of a rollout of this size may fail before it pauses; None where only waves have a rule."""
        if self.max_failed_in_all_percent:
            return _share(size, self.max_failed_in_all_percent)
        return self.max_failed_in_all

    def pauses_after(self, wave: int, waves: int) -> bool:
        """Whether a person is waited for after a wave, counted from 0. Never after the last one."""
        if wave >= waves - 1:
            return False
        return self.pause_after_every or (self.pause_after_canary and wave == 0) or wave + 1 in self.pause_after


def _share(size: int, percent: float) -> int:
    # To a millionth: that 7 % of 100 targets are 7 is not for binary fractions to decide.
    return math.floor(round(size * percent / 100, 6))


def way_problems(way: Way) -> list[Problem]:
    """Everything wrong with a way."""
    found = []
    if not way.waves or way.waves[-1] != REST:
        found.append(Problem("waves", "the last wave is 'rest', so that no target is left over"))
    if any(size.count < 0 or not 0 <= size.percent <= 100 for size in way.waves):
        found.append(Problem("waves", "a wave is a count, or a share from 0% to 100%"))
    if not 1 <= way.at_once <= 64 or not 1 <= way.at_once_per_engine <= 16:
        found.append(Problem("at once", "1 to 64 targets at once, 1 to 16 of them on one engine"))
    if not 1 <= way.pulls_per_engine <= 16 or not 1 <= way.pulls_per_registry <= 64:
        found.append(Problem("pulls", "1 to 16 pulls at once to one engine, 1 to 64 from one registry"))
    if not 0 <= way.bake <= 24 * 3600:
        found.append(Problem("bake", "0 seconds to a day"))
    if way.max_failed < 0 or not 0 <= way.max_failed_percent <= 100:
        found.append(Problem("max failed", "0 or more targets, or a share up to 100%"))
    if (way.max_failed_in_all or 0) < 0 or not 0 <= way.max_failed_in_all_percent <= 100:
        found.append(Problem("max failed in all", "0 or more targets, or a share up to 100%"))
    if not 0 <= way.in_a_row <= 1000:
        found.append(Problem("in a row", "1 to 1000 failures, or 0 for no such rule"))
    if not 0 <= way.health_limit <= 24 * 3600:
        found.append(Problem("health limit", "up to a day, or 0 for what each environment says"))
    if not 1 <= way.proof_days <= 365:
        found.append(Problem("proof days", "1 to 365 days"))
    if way.on_trip is not OnTrip.PAUSE and way.on_failure is OnFailure.ASK:
        words = "a rule that rolls back waits for nobody: have targets that fail put back or left, not asked about"
        found.append(Problem("on trip", words))
    if any(wave < 1 for wave in way.pause_after):
        found.append(Problem("pause after", "waves are counted from 1"))
    return found


def stops_at(allowed: int, size: int) -> str:
    """The arithmetic of a wave's stop rule: ``stops at 3 of 50``."""
    if allowed < size:
        return f"stops at {allowed + 1} of {size}"
    return f"never stops: all {size} may fail" if size > 1 else "never stops: its one target may fail"


ONE_TARGET = "one target: nothing to stop"
"""A stop rule that a rollout of one target can never trip."""


def at_in_all(allowed: int | None, size: int) -> str:
    """The arithmetic of the rule over a whole rollout: ``at 8 of 500 in all``; empty where it can't stop it."""
    return f"at {allowed + 1} of {size} in all" if allowed is not None and allowed < size else ""


def wave_counts(sizes: Sequence[WaveSize], targets: int) -> tuple[int, ...]:
    """How many targets each wave gets. Shares are rounded up; empty waves are left out; the sum is `targets`."""
    counts: list[int] = []
    left = targets
    for size in sizes:
        if size == REST:
            wanted = left
        elif size.count:
            wanted = size.count
        else:
            wanted = math.ceil(targets * size.percent / 100)
        taken = min(left, wanted)
        if taken:
            counts.append(taken)
        left -= taken
    if left:
        counts.append(left)
    return tuple(counts)
