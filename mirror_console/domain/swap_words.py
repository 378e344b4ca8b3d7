"""Why a target's container is replaced as it is, and what is noticed of it, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

from mirror_console.domain.companions import companion_words
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.route import alias_words
from mirror_console.domain.swap import Swap

MIXED = "brief mixed versions"
NO_GAP = "something serves all the time"
GAP = "down while its container is exchanged"
STAYS = "no restart, no downtime"
AS_SERVICE = "tasks exchanged as the service says"
KEEPS_NONE = frozenset({Swap.CREATE, Swap.IN_PLACE, Swap.SERVICE})
"""Swaps of which no old container is kept."""


def swap_words(target: PlannedTarget) -> str:
    """``start beside: by the alias shop-a in edge; something serves all the time``."""
    words = f"{target.swap}: {why_words(target)}; {noticed_words(target)}"
    return f"{words}; {companion_words(target)}" if target.companions else words


def why_words(target: PlannedTarget) -> str:
    """Why a target is swapped as it is."""
    route, fixed = target.settings.route, sorted({port.host for port in target.settings.ports if port.host})
    match target.swap:
        case Swap.CREATE:
            return "it has no container yet"
        case Swap.BESIDE if route is not None:
            return f"by the alias {alias_words(route)}" if route.by_alias else f"{route.convention} follows its labels"
        case Swap.RECREATE | Swap.BESIDE:
            if fixed:
                ports = ", ".join(map(str, fixed))
                return f"it publishes host port{'s' if len(fixed) > 1 else ''} {ports}"
            return "it has no route" if route is None else "two copies may not overlap"
        case Swap.IN_PLACE:
            return "its engine can change these settings while it runs"
        case Swap.SERVICE:
            return "by its Swarm"
        case _:
            assert_never(target.swap)


def noticed_words(target: PlannedTarget) -> str:
    """What whoever uses it notices of the swap."""
    route = target.settings.route
    match target.swap:
        case Swap.CREATE:
            return "nothing served before"
        case Swap.RECREATE:
            return GAP
        case Swap.BESIDE:
            return NO_GAP if route is not None and route.by_alias else MIXED
        case Swap.IN_PLACE:
            return STAYS
        case Swap.SERVICE:
            return AS_SERVICE
        case _:
            assert_never(target.swap)


def swap_counts(targets: Iterable[PlannedTarget]) -> tuple[str, ...]:
    """How many targets are swapped how, and why: ``3 recreate, as two copies may not overlap: down while …``."""
    counts = Counter((target.swap, _reason(target), noticed_words(target)) for target in targets)
    return tuple(f"{count} {swap}, {reason}: {noticed}" for (swap, reason, noticed), count in counts.most_common())


def _reason(target: PlannedTarget) -> str:
    """Why a target is swapped as it is, in words that many share."""
    route = target.settings.route
    match target.swap:
        case Swap.CREATE:
            return "as there is no container yet"
        case Swap.BESIDE:
            return "by its alias" if route is None or route.by_alias else f"as {route.convention} follows labels"
        case Swap.RECREATE:
            if any(port.host for port in target.settings.ports):
                return "as it publishes a host port"
            return "as it has no route" if route is None else "as two copies may not overlap"
        case Swap.IN_PLACE:
            return "as only what an engine can change meanwhile becomes other"
        case Swap.SERVICE:
            return "by its Swarm"
        case _:
            assert_never(target.swap)


def swaps_words(targets: Sequence[PlannedTarget]) -> str:
    """What whoever uses these targets notices of their swaps, in a sentence; empty where nothing served before."""
    told = (_containers_words(targets), _services_words(targets))
    return " ".join(filter(None, told))


def _services_words(targets: Sequence[PlannedTarget]) -> str:
    services = sum(target.swap is Swap.SERVICE for target in targets)
    if not services:
        return ""
    each = "The service of a Swarm" if services == 1 else "Each service of a Swarm"
    return f"{each} exchanges its tasks in its own order; the checks say whether it is down meanwhile."


def _containers_words(targets: Sequence[PlannedTarget]) -> str:
    counts = Counter(noticed_words(target) for target in targets if target.swap not in KEEPS_NONE)
    if not counts:
        return ""
    # Where what was run before can't be taken back with it, the old container is no way back.
    final = any(target.preparation is not None and target.preparation.irreversible for target in targets)
    kept = f"the old one is kept, stopped{'' if final else ', as the way back'}."
    if set(counts) == {GAP}:
        stay = any(target.swap in {Swap.IN_PLACE, Swap.SERVICE} for target in targets)
        each = "Every other target" if stay else "Each target"
        return f"{each} is down while its container is exchanged; {kept}"
    told = [
        f"{counts[noticed]} {one if counts[noticed] == 1 else many} {words}"
        for noticed, one, many, words in (
            (GAP, "is", "are", "down while the container is exchanged"),
            (
                NO_GAP,
                "starts",
                "start",
                "beside the old one, which ends what it was asked: something serves all the time",
            ),
            (MIXED, "starts", "start", "beside the old one while a proxy follows labels: brief mixed versions"),
        )
        if counts[noticed]
    ]
    return f"Of these targets, {'; '.join(told)}. Then {kept}"
