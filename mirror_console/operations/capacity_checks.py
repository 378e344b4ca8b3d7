"""Capacity checks: whether what the containers of an engine are granted at most is there to be had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
"""The share of a host's memory that may be granted: the rest is the host's own."""
NO_LIMITS = Limits()


def check_capacity(scene: EngineScene, here: Here, targets: Sequence[PlannedTarget], way: Way) -> Iterator[CheckResult]:
    """What the targets are granted, each by itself, and all together with what runs there besides."""
    for target in targets:
        yield _one(scene.facts, target)
    if scene.facts.memory:
        yield _together(scene, here, targets, way)


def _one(facts: EngineFacts, target: PlannedTarget) -> CheckResult:
    limits = target.settings.limits
    if facts.cpus and limits.cpus > facts.cpus:
        words = f"It is granted {limits.cpus:g} cores, and the host has {facts.cpus}: the engine refuses that."
        remedy = "Give it less on the mirror's form, or place it on another engine."
        return said(target, Check.CAPACITY, Answer.BLOCKED, words, remedy)
    if facts.memory and limits.memory > facts.memory:
        words = f"It is granted {size_text(limits.memory)} of memory, and the host has {size_text(facts.memory)}."
        remedy = "Give it less on the mirror's form, or place it on another engine."
        return said(target, Check.CAPACITY, Answer.WARNING, words, remedy)
    return said(target, Check.CAPACITY, Answer.PASS, "What it is granted at most, its host has.")


def _both_at_once(targets: Iterable[PlannedTarget], way: Way) -> int:
    """What is granted besides, at most, while new containers run beside the old ones that they replace."""
    beside = [target for target in targets if target.swap is Swap.BESIDE]
    at_once = min([way.at_once, way.at_once_per_engine, *(target.engine_at_once for target in beside)])
    return sum(sorted((target.settings.limits.memory for target in beside), reverse=True)[:at_once])


def _together(scene: EngineScene, here: Here, targets: Sequence[PlannedTarget], way: Way) -> CheckResult:
    """Limits are often more than is ever used: that they add up to more asks for a look only where it gets worse."""
    facts = scene.facts
    planned = {target.environment_id: target for target in targets}
    others = [here.environments[one] for one in sorted(_running(scene, here)) if one not in planned]
    # Each process of an environment is granted the same.
    beside = [one.settings.limits for one in others for _ in one.processes] + [one.limits for one in scene.strangers]
    planned_here = [one for target in targets for one in (target, *companions_of(target))]
    after = [*beside, *(one.settings.limits for one in planned_here)]
    leaving = [one for target in targets for one in going_of(target)]
    before = [*beside, *(_limits_now(scene, one) for one in (*planned_here, *leaving))]
    granted, already = (sum(limits.memory for limits in several) for several in (after, before))
    unlimited = sum(not limits.memory for limits in after)
    free = f"; {counted(unlimited, 'container')} without a limit" if unlimited else ""
    words = f"Of {size_text(facts.memory)} of memory {size_text(granted)} are granted{free}."
    twice = _both_at_once(targets, way)
    if granted <= facts.memory * SPARED < granted + twice:
        more = f"{words} While new ones run beside the old ones, it is {size_text(granted + twice)}."
        remedy = "Roll fewer out at once on this engine, give less, or place some of them on another engine."
        return of_engine(here.engine, Check.CAPACITY, Answer.WARNING, more, remedy)
    if granted <= facts.memory * SPARED:
        return of_engine(here.engine, Check.CAPACITY, Answer.PASS, words)
    if granted <= already:
        return of_engine(here.engine, Check.CAPACITY, Answer.INFORMATION, f"{words} It was so before.")
    remedy = "Look at what the host really uses; give less, or place some of them on another engine."
    return of_engine(here.engine, Check.CAPACITY, Answer.WARNING, words, remedy)


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
