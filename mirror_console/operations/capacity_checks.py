"""Capacity checks: whether what the containers of an engine are granted at most is there to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.counting import counted
from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.environment import Limits
from mirror_console.domain.observation import LABEL, Role
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.sizes import size_text
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way
from mirror_console.operations.engine_checks import of_engine
from mirror_console.operations.here import HOLDING, Here
from mirror_console.operations.target_checks import EngineScene, said

SPARED = 0.9
"""The share of a host's memory and cores that may be granted: the rest is the host's own."""
NO_LIMITS = Limits()
MOST_NAMED = 3
"""Containers without a limit that are named."""


@dataclass(frozen=True, slots=True)
class _Granted:
    """A container that runs there when the rollout is through, and what it is granted now and then.

    `neighbour`: it is none of the targets'. `twice` is what it is granted besides while old and new run side by side.
    `goes`: it is taken away.
    """

    name: str
    before: Limits
    after: Limits
    neighbour: bool = False
    twice: Limits = NO_LIMITS
    goes: bool = False


def check_capacity(scene: EngineScene, here: Here, targets: Sequence[PlannedTarget], way: Way) -> Iterator[CheckResult]:
    """What the targets are granted, each by itself, and all together with what runs there besides."""
    granted = list(_granted(scene, here, targets))
    at_once = _at_once(targets, way)
    overlap = _overlap(scene.facts, granted, at_once) if scene.facts.memory else ""
    for target in targets:
        yield _one(scene.facts, target, overlap if _twice(scene, target).memory else "")
    if scene.facts.memory:
        yield _memory(scene, here, granted, at_once)
    if scene.facts.cpus:
        yield from _cores(scene, here, granted, at_once)


def _one(facts: EngineFacts, target: PlannedTarget, overlap: str) -> CheckResult:
    """`overlap` is what keeps the new one from running beside the old one; empty where nothing does."""
    limits = target.settings.limits
    if facts.cpus and limits.cpus > facts.cpus:
        words = f"It is granted {limits.cpus:g} cores, and the host has {facts.cpus}: the engine refuses that."
        remedy = "Give it less on the mirror's form, or place it on another engine."
        return said(target, Check.CAPACITY, Answer.BLOCKED, words, remedy)
    if overlap:
        remedy = "Roll fewer out at once on this engine, give less, or place some of them on another engine."
        return replace(said(target, Check.CAPACITY, Answer.BLOCKED, overlap, remedy), by_consent=True)
    if facts.memory and limits.memory > facts.memory:
        words = f"It is granted {size_text(limits.memory)} of memory, and the host has {size_text(facts.memory)}."
        remedy = "Give it less on the mirror's form, or place it on another engine."
        return said(target, Check.CAPACITY, Answer.WARNING, words, remedy)
    return said(target, Check.CAPACITY, Answer.PASS, "What it is granted at most, its host has.")


def _at_once(targets: Sequence[PlannedTarget], way: Way) -> int:
    """On how many targets of the engine a rollout works side by side."""
    return min([way.at_once, way.at_once_per_engine, *(target.engine_at_once for target in targets)])


def _granted(scene: EngineScene, here: Here, targets: Sequence[PlannedTarget]) -> Iterator[_Granted]:
    """All that holds memory there, and what it is granted. Each process of an environment is granted the same."""
    planned = {target.environment_id for target in targets}
    for environment_id in sorted(_running(scene, here) - planned):
        environment = here.environments[environment_id]
        limits = environment.settings.limits
        yield from (_Granted(name, limits, limits, neighbour=True) for name in environment.containers)
    yield from (_Granted(one.name, one.limits, one.limits, neighbour=True) for one in scene.strangers)
    for target in targets:
        yield _Granted(
            target.container, _limits_now(scene, target), target.settings.limits, twice=_twice(scene, target)
        )
        for one in companions_of(target):
            yield _Granted(one.container, _limits_now(scene, one), one.settings.limits)
        for one in going_of(target):
            yield _Granted(one.container, _limits_now(scene, one), NO_LIMITS, goes=True)


def _twice(scene: EngineScene, target: PlannedTarget) -> Limits:
    """What comes on top of the greater of old and new, where the two run side by side for a while."""
    if target.swap is not Swap.BESIDE:
        return NO_LIMITS
    now, then = _limits_now(scene, target), target.settings.limits
    return Limits(memory=min(now.memory, then.memory), cpus=min(now.cpus, then.cpus))


def _at_most(granted: Iterable[_Granted], at_once: int, of: Callable[[Limits], float]) -> float:
    """What is granted at most at any moment of the rollout, while so many run beside the ones that they replace.

    One that goes from less to more, or the other way, counts with the greater of the two, in whatever order they come.
    """
    granted = list(granted)
    twice = sorted((of(one.twice) for one in granted), reverse=True)[:at_once]
    return sum(max(of(one.before), of(one.after)) for one in granted) + sum(twice)


def _overlap(facts: EngineFacts, granted: Sequence[_Granted], at_once: int) -> str:
    """That new ones don't fit beside the old ones; empty where they do.

    Where limits are more than the host has already, they tell nothing of whether there is room for another one.
    """
    most = _at_most(granted, at_once, lambda limits: limits.memory)
    if most <= facts.memory * SPARED or _was_so_before(facts, granted):
        return ""
    return (
        f"While new ones run beside the old ones, {size_text(int(most))} of memory are granted here, and the host has "
        f"{size_text(facts.memory)}: what is over nine tenths of it may be ended for want of memory{_free(granted)}."
    )


def _was_so_before(facts: EngineFacts, granted: Sequence[_Granted]) -> bool:
    """Whether more memory is granted than may be, and the rollout makes it no more for good."""
    before, after = sum(one.before.memory for one in granted), sum(one.after.memory for one in granted)
    return before > facts.memory * SPARED and after <= before


def _free(granted: Iterable[_Granted]) -> str:
    """The containers without a limit, which count nothing: neighbours are named first."""
    free = sorted(
        (one for one in granted if not one.after.memory and not one.goes), key=lambda one: (not one.neighbour, one.name)
    )
    if not free:
        return ""
    names = ", ".join(f"'{one.name}'" for one in free[:MOST_NAMED])
    more = f" and {len(free) - MOST_NAMED} more" if len(free) > MOST_NAMED else ""
    return f"; {counted(len(free), 'container')} without a limit: {names}{more}"


def _memory(scene: EngineScene, here: Here, granted: Sequence[_Granted], at_once: int) -> CheckResult:
    """Limits are often more than is ever used: that they add up to more asks for a look only where it gets worse."""
    after = sum(one.after.memory for one in granted)
    words = f"Of {size_text(scene.facts.memory)} of memory {size_text(after)} are granted{_free(granted)}."
    if after <= scene.facts.memory * SPARED:
        return of_engine(here.engine, Check.CAPACITY, Answer.PASS, words)
    if _was_so_before(scene.facts, granted):
        most = _at_most(granted, at_once, lambda limits: limits.memory)
        while_both = f" While new ones run beside the old ones, it is {size_text(int(most))}." if most > after else ""
        return of_engine(here.engine, Check.CAPACITY, Answer.INFORMATION, f"{words} It was so before.{while_both}")
    remedy = "Look at what the host really uses; give less, or place some of them on another engine."
    return of_engine(here.engine, Check.CAPACITY, Answer.WARNING, words, remedy)


def _cores(scene: EngineScene, here: Here, granted: Sequence[_Granted], at_once: int) -> Iterator[CheckResult]:
    """Cores that are granted twice slow all down, and end none: it is told where it comes to be so."""
    most = _at_most(granted, at_once, lambda limits: limits.cpus)
    before, after = (sum(one.before.cpus for one in granted), sum(one.after.cpus for one in granted))
    enough = scene.facts.cpus * SPARED
    if most <= enough or (before > enough and after <= before):
        return
    twice = " while new ones run beside the old ones" if after <= enough else ""
    words = f"Of {counted(scene.facts.cpus, 'core')} {most:g} are granted{twice}."
    remedy = "Look at what the host really uses; roll fewer out at once, or give less."
    yield of_engine(here.engine, Check.CAPACITY, Answer.WARNING, words, remedy)


def _running(scene: EngineScene, here: Here) -> set[str]:
    """The environments of the catalog of which something runs there."""
    found = (
        here.environment_of(one)
        for one in scene.listed
        if one.state in HOLDING and one.labels.get(LABEL + "role", Role.APPLICATION) == Role.APPLICATION
    )
    return {environment.id for environment in found if environment is not None}


def _limits_now(scene: EngineScene, target: PlannedTarget) -> Limits:
    """What a target's container has, which was looked at for its other checks."""
    now = scene.inspected.get(target.container)
    return now.limits if now is not None else NO_LIMITS
