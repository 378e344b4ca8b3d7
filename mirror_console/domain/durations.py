"""Durations: how long turns lasted in earlier rollouts, and how long a rollout will take by them, as a range.

Learned from what was carried out, never guessed: where there is nothing to learn from, that is said.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median

from mirror_console.domain.counting import counted
from mirror_console.domain.journal import JournalEntry, Phase
from mirror_console.domain.plan import Change, Plan, PlannedTarget
from mirror_console.domain.rollout import WORKING, Rollout, RolloutState, Target, TargetState
from mirror_console.domain.steps import Step
from mirror_console.domain.way import Way
from mirror_console.domain.way_words import span_text

ENOUGH = 5
"""Turns from which a range may be told without saying of how few it comes."""
AT_ONCE = 1.0
"""Seconds within which one step follows the other, unless something is waited for."""
NOTHING_LEARNED = "no earlier rollout to learn from"
NOT_JUDGED = frozenset({TargetState.FETCHING, TargetState.BACKING_UP, TargetState.RELEASING, TargetState.PUTTING_BACK})
"""What waits for a registry, or for a command with a limit of its own, or is being put back, is no slow swap."""
APART = (Step.PULL, Step.BACK_UP, Step.RELEASE, Step.BAKE)
"""Steps that last for as long as a registry, a command or the way says, whatever the swap does."""


@dataclass(frozen=True, slots=True)
class Lasted:
    """How many seconds the turn of a target lasted that ended well: fetching, commands and baking apart."""

    environment: str
    engine_id: str
    change: Change
    seconds: float
    fetching: float = 0.0


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual, in seconds: half of the turns took at most `middle`, nine of ten at most `high`."""

    middle: float
    high: float
    fetching: float
    """Nine of ten fetched their image within this."""
    turns: int


@dataclass(frozen=True, slots=True)
class Eta:
    """How long it will take, in seconds, and from how few turns that is known. Without pauses and fetching ahead."""

    low: float
    high: float
    turns: int

    def __str__(self) -> str:
        told = f"about {range_text(self.low, self.high)}".replace("about up to", "up to")
        return told if self.turns >= ENOUGH else f"{told} (learned from {counted(self.turns, 'target')} only)"


@dataclass(frozen=True, slots=True)
class Learned:
    """What earlier turns tell, told apart by environment, engine and kind of change as far as there are enough."""

    lasted: tuple[Lasted, ...] = ()
    _groups: Mapping[Hashable, list[Lasted]] = field(init=False, repr=False, compare=False)
    _usual: dict[Hashable, Usual] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was reckoned already: it is asked for each target of a rollout, which have few groups."""

    def __post_init__(self) -> None:
        groups: defaultdict[Hashable, list[Lasted]] = defaultdict(list)
        for one in self.lasted:
            for key in _keys(one.environment, one.engine_id, one.change):
                groups[key].append(one)
        object.__setattr__(self, "_groups", dict(groups))

    def usual(self, target: PlannedTarget) -> Usual | None:
        """What is usual for a target: of the closest turns of which there are enough, else of all."""
        for key in _keys(target.environment, target.engine_id, target.change):
            found = self._groups.get(key, [])
            if len(found) >= ENOUGH or (found and key is None):
                if key not in self._usual:
                    self._usual[key] = _usual_of(found)
                return self._usual[key]
        return None

    def also(self, more: Iterable[Lasted]) -> Learned:
        """This and more."""
        return Learned((*self.lasted, *more))


def _usual_of(turns: Sequence[Lasted]) -> Usual:
    seconds = sorted(one.seconds for one in turns)
    fetching = sorted(one.fetching for one in turns)
    return Usual(median(seconds), nine_of_ten(seconds), nine_of_ten(fetching), len(turns))


def _keys(environment: str, engine_id: str, change: Change) -> Iterator[Hashable]:
    """From the closest to the widest."""
    yield environment, engine_id, change
    yield engine_id, change
    yield environment, change
    yield change
    yield None


def nine_of_ten(ordered: Sequence[float]) -> float:
    """What nine of ten don't exceed. Raises IndexError for none."""
    return ordered[math.ceil(len(ordered) * 0.9) - 1]


# --- learning -----------------------------------------------------------------------------------------------------


def learn(entries: Iterable[JournalEntry], done: Mapping[tuple[str, str], PlannedTarget]) -> Learned:
    """From lines of the journal, oldest first. `done` are targets that ended well, by rollout and environment.

    A turn whose beginning isn't among the lines tells nothing.
    """
    turns: defaultdict[tuple[str, str, str, int], list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        if (entry.rollout_id, entry.environment_id) in done:
            turns[entry.rollout_id, entry.environment_id, entry.process, entry.attempt].append(entry)
    found = []
    for (rollout_id, environment_id, _, _), lines in turns.items():
        planned = done[rollout_id, environment_id]
        seconds = _seconds(lines, in_group=planned.preparation is not None and bool(planned.preparation.group))
        if seconds is not None:
            fetching = sum(_spans(lines, Step.PULL))
            found.append(Lasted(planned.environment, planned.engine_id, planned.change, seconds, fetching))
    return Learned(tuple(found))


def _seconds(lines: Sequence[JournalEntry], *, in_group: bool) -> float | None:
    """From the first step that isn't about the image to the last outcome, without what is told apart in between.

    Who is `in_group` may wait, between two of its steps, for a command that another one runs: that isn't counted.
    """
    own = [entry for entry in lines if entry.step is not Step.PULL]
    if not own or not {Step.LOCK, Step.UNLOCK} <= {entry.step for entry in own}:
        return None
    begun, ended = own[0].at, own[-1].at
    within = [entry for entry in lines if begun <= entry.at]
    apart = sum(span for step in APART for span in _spans(within, step)) + (sum(_pauses(within)) if in_group else 0.0)
    return max(0.0, (ended - begun).total_seconds() - apart)


def _pauses(lines: Sequence[JournalEntry]) -> Iterator[float]:
    """For how long nothing was done between steps, where that was longer than one follows the other."""
    for before, after in pairwise(lines):
        pause = (after.at - before.at).total_seconds()
        if before.phase is Phase.OUTCOME and after.phase is Phase.INTENT and pause > AT_ONCE:
            yield pause


def _spans(lines: Iterable[JournalEntry], step: Step) -> Iterator[float]:
    begun: datetime | None = None
    for entry in lines:
        if entry.step is not step:
            continue
        if entry.phase is Phase.INTENT:
            begun = entry.at
        elif begun is not None:
            yield max(0.0, (entry.at - begun).total_seconds())
            begun = None


def learned_here(rollout: Rollout) -> list[Lasted]:
    """What the turns of a rollout that is under way have told so far, where no command may have been run in between."""
    bake = rollout.plan.way.bake
    return [
        Lasted(
            target.planned.environment,
            target.planned.engine_id,
            target.planned.change,
            max(0.0, (target.ended_at - target.started_at).total_seconds() - bake),
        )
        for target in rollout.targets
        if target.state is TargetState.DONE and target.started_at is not None and target.ended_at is not None
        if target.planned.preparation is None
    ]


# --- telling ------------------------------------------------------------------------------------------------------


def eta_of_plan(plan: Plan, learned: Learned) -> Eta | None:
    """How long the rollout of a plan will take. None where nothing was learned, or nothing changes."""
    waves = [[(target, 0.0) for target in wave] for wave in plan.waves]
    return _eta(waves, plan.way, learned)


def eta_of_rollout(rollout: Rollout, learned: Learned, now: datetime) -> Eta | None:
    """How long what is left of a rollout will take. What its own turns took counts alone, once there are enough."""
    own = learned_here(rollout)
    known = Learned(tuple(own)) if len(own) >= ENOUGH else learned.also(own)
    waves = []
    for number in range(rollout.waves):
        left = [one for one in rollout.wave(number) if not one.over and not rollout.stands_back(one)]
        waves.append([(target.planned, _elapsed(target, now)) for target in left])
    return _eta(waves, rollout.plan.way, known)


def plan_words(plan: Plan, learned: Learned) -> str:
    """How long the rollout of a plan will take, in words, and what isn't counted."""
    eta = eta_of_plan(plan, learned)
    if eta is None:
        return f"how long it takes isn't known: {NOTHING_LEARNED}" if plan.targets else ""
    waves = len(plan.waves)
    apart = ["pauses"] if any(plan.way.pauses_after(wave, waves) for wave in range(waves)) else []
    if commands := _commands(plan.targets):
        apart.append(commands)
    return f"{eta}; {', '.join(apart)}{' and ' if apart else ''}fetching images not counted"


def _commands(targets: Sequence[PlannedTarget]) -> str:
    """What is run before targets, which lasts for as long as it does, and for how long it may; empty for nothing."""
    limit = max((one.preparation.limit for one in targets if one.preparation is not None), default=0.0)
    released = any(one.preparation is not None and one.preparation.release is not None for one in targets)
    return f"{'release commands' if released else 'backups'} (at most {span_text(limit)} each)" if limit else ""


def left_words(rollout: Rollout, learned: Learned, now: datetime) -> str:
    """How long what is left of a running rollout will take, in words; empty where it doesn't run, or fetches first."""
    if rollout.state is not RolloutState.RUNNING or rollout.fetches_ahead:
        return ""
    if all(target.over for target in rollout.targets):
        return ""
    eta = eta_of_rollout(rollout, learned, now)
    if eta is None:
        return NOTHING_LEARNED
    commands = _commands([target.planned for target in rollout.targets if not target.over])
    return f"{eta} left, {commands} not counted" if commands else f"{eta} left"


def _elapsed(target: Target, now: datetime) -> float:
    """Seconds that it is being worked on; 0 where it waits for its turn."""
    if target.started_at is None or target.state not in WORKING:
        return 0.0
    return max(0.001, (now - target.started_at).total_seconds())


def _eta(waves: Sequence[Sequence[tuple[PlannedTarget, float]]], way: Way, learned: Learned) -> Eta | None:
    usual = {target.environment_id: learned.usual(target) for wave in waves for target, _ in wave}
    known = [one for one in usual.values() if one is not None]
    if not known or len(known) < len(usual):
        return None

    def total(high: bool) -> float:
        def seconds(target: PlannedTarget) -> float:
            one = usual[target.environment_id]
            return 0.0 if one is None else (one.high if high else one.middle) + way.bake

        return sum(wave_seconds([(t, seconds(t), elapsed) for t, elapsed in wave], way) for wave in waves)

    return Eta(total(high=False), total(high=True), min(one.turns for one in known))


def wave_seconds(targets: Sequence[tuple[PlannedTarget, float, float]], way: Way) -> float:
    """How long a wave takes under the caps of a way: of each target its seconds, and for how many it is at work.

    In the order of the rollout: whoever is next and has a free place begins. One that is at work longer than it should
    be ends at once, for all that is known.
    """
    ends: list[tuple[float, str]] = []
    at_work: Counter[str] = Counter()
    queues: defaultdict[str, deque[tuple[int, float, int]]] = defaultdict(deque)
    for place, (target, seconds, elapsed) in enumerate(targets):
        if elapsed:
            heapq.heappush(ends, (max(0.0, seconds - elapsed), target.engine_id))
            at_work[target.engine_id] += 1
        else:
            most = min(way.at_once_per_engine, target.engine_at_once)
            queues[target.engine_id].append((place, seconds, most))
    now = 0.0
    while queues or ends:
        while queues and len(ends) < way.at_once:
            free = [(queue[0][0], engine) for engine, queue in queues.items() if at_work[engine] < queue[0][2]]
            if not free:
                break
            engine = min(free)[1]
            _, seconds, _ = queues[engine].popleft()
            if not queues[engine]:
                del queues[engine]
            heapq.heappush(ends, (now + seconds, engine))
            at_work[engine] += 1
        now, engine = heapq.heappop(ends)
        at_work[engine] -= 1
    return now


def slower_than_usual(target: Target, way: Way, learned: Learned, now: datetime) -> str:
    """What is said of a target that is worked on for longer than usual; empty where it isn't, or can't be told."""
    if target.state not in WORKING - NOT_JUDGED or target.started_at is None:
        return ""
    usual = learned.usual(target.planned)
    if usual is None or usual.turns < ENOUGH:
        return ""
    most = usual.high + usual.fetching + way.bake
    limit = target.planned.preparation.limit if target.planned.preparation is not None else 0.0
    elapsed = (now - target.started_at).total_seconds()
    if elapsed - limit <= most * 1.25 + 5:
        return ""
    commands = f" and {_span(limit)} for its commands" if limit else ""
    return f"slower than usual: {_span(elapsed)}, usually up to {_span(most)}{commands}"


def range_text(low: float, high: float) -> str:
    """A range of seconds in words, rounded outwards: ``12–18 min``, ``40–55 s``, ``1.5–2 h``."""
    if high < 90:
        first, last, unit = 5 * math.floor(low / 5), 5 * math.ceil(high / 5), "s"
    elif high < 120 * 60:
        first, last, unit = math.floor(low / 60), math.ceil(high / 60), "min"
    else:
        halves = math.floor(low / 1800), math.ceil(high / 1800)
        return f"{halves[0] / 2:g}–{halves[1] / 2:g} h" if halves[0] != halves[1] else f"{halves[1] / 2:g} h"
    if not first:
        return f"up to {max(last, 5 if unit == 's' else 1)} {unit}"
    return f"{first}–{last} {unit}" if first != last else f"{last} {unit}"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
