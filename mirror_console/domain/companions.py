"""Companions: the processes beside the one that serves, each as a target of its own for whoever swaps its container.

Those that their source declares no more go with the others: of them there is an old container alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from mirror_console.domain.counting import counted
from mirror_console.domain.observation import of_process
from mirror_console.domain.pending import going_away, settings_changes
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.process import PlannedProcess
from mirror_console.domain.swap import Swap


def companions_of(target: PlannedTarget) -> tuple[PlannedTarget, ...]:
    """The other processes of a target's environment, in the order in which they come into service."""
    return tuple(_as_target(target, one) for one in target.companions if not one.goes)


def going_of(target: PlannedTarget) -> tuple[PlannedTarget, ...]:
    """The processes whose containers are taken away in the turn of a target, as its source declares them no more."""
    return tuple(_as_target(target, one) for one in target.companions if one.goes)


def workers_of(target: PlannedTarget) -> tuple[PlannedTarget, ...]:
    """Those of its other processes that stop before the release command, whether they come back or go."""
    return tuple(_as_target(target, one) for one in target.companions if one.worker)


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


def with_changes_beside(target: PlannedTarget) -> PlannedTarget:
    """The target with what changes of its other processes alone, told with their names, and what is taken away."""
    told = [going_away(one.name) for one in target.companions if one.goes]
    for one in target.companions:
        before = one.before_settings if not one.goes else None
        found = settings_changes(before, one.settings) if before is not None else ()
        told += [of_process(one.name, each) for each in found if each not in target.changes]
    return replace(target, changes=(*target.changes, *told)) if told else target


def companions_words(targets: Iterable[PlannedTarget]) -> list[str]:
    """How many targets have other processes, which these are, and which of them are down for how long, in sentences."""
    several = list(targets)
    kinds = Counter(tuple((one.name, one.worker) for one in target.companions if not one.goes) for target in several)
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
    leaving = Counter(tuple(one.name for one in target.companions if one.goes) for target in several)
    told += [
        f"At {counted(count, 'target')} {', '.join(names)} {'is' if len(names) == 1 else 'are'} taken away."
        for names, count in leaving.most_common()
        if names
    ]
    return told


def companion_words(target: PlannedTarget) -> str:
    """``with worker, scheduler; mailer is taken away``; empty where a target has one process."""
    stay = [one.name for one in target.companions if not one.goes]
    go = [one.name for one in target.companions if one.goes]
    words = [f"with {', '.join(stay)}"] if stay else []
    if go:
        words.append(f"{', '.join(go)} {'is' if len(go) == 1 else 'are'} taken away")
    return "; ".join(words)
