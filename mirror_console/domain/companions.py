"""Companions: the processes beside the one that serves, each as a target of its own for whoever swaps its container."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from mirror_console.domain.counting import counted
from mirror_console.domain.plan import PlannedTarget, Swap
from mirror_console.domain.process import PlannedProcess


def companions_of(target: PlannedTarget) -> tuple[PlannedTarget, ...]:
    """The other processes of a target's environment, in the order in which they come into service."""
    return tuple(_as_target(target, one) for one in target.companions)


def _as_target(target: PlannedTarget, one: PlannedProcess) -> PlannedTarget:
    return replace(
        target,
        process=one.name,
        container=one.container,
        swap=Swap.RECREATE if one.before_container_id else Swap.CREATE,
        before_container_id=one.before_container_id,
        before_image_id=one.before_image_id,
        settings=one.settings,
        before_settings=one.before_settings,
        preparation=None,
        changes=(),
        companions=(),
    )


def companions_words(targets: Iterable[PlannedTarget]) -> list[str]:
    """How many targets have other processes, which these are, and which of them are down for how long, in sentences."""
    kinds = Counter(tuple((one.name, one.worker) for one in target.companions) for target in targets)
    told = []
    for kind, count in kinds.most_common():
        if not kind:
            continue
        workers = [name for name, worker in kind if worker]
        before = f"; of these {', '.join(workers)} from before the release command on" if workers else ""
        names = ", ".join(name for name, _ in kind)
        told.append(
            f"At {counted(count, 'target')} {names} {'is' if len(kind) == 1 else 'are'} replaced with what serves, and "
            f"down until the new release serves{before}."
        )
    return told


def companion_words(target: PlannedTarget) -> str:
    """``with worker, scheduler``; empty where a target has one process."""
    return f"with {', '.join(one.name for one in target.companions)}" if target.companions else ""
