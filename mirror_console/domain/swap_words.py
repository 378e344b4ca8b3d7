"""Why a target's container is replaced as it is, and what is noticed of it, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import assert_never

from mirror_console.domain.plan import PlannedTarget, Swap
from mirror_console.domain.route import alias_words

MIXED = "brief mixed versions"
NO_GAP = "something serves all the time"
GAP = "down while its container is exchanged"
STAYS = "no restart, no downtime"


def swap_words(target: PlannedTarget) -> str:
    """``start beside: by the alias shop-a in edge; something serves all the time``."""
    return f"{target.swap}: {why_words(target)}; {noticed_words(target)}"


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
        case _:
            assert_never(target.swap)


_SENTENCES = {
    GAP: "Each target is down while its container is exchanged; the old one is kept, stopped, as the way back.",
    NO_GAP: "Where a new container starts beside the old one, it gets the requests when it is well, and the old one "
    "ends what it was asked: something serves all the time.",
    MIXED: "Where a proxy follows labels, both versions answer for a moment, and what reaches the old container while "
    "it stops may fail: brief mixed versions.",
}


def swaps_words(targets: Iterable[PlannedTarget]) -> tuple[str, ...]:
    """What whoever uses them notices, in a sentence for each way in which some of the targets are swapped."""
    of = list(targets)
    noticed = {noticed_words(target) for target in of}
    sentences = _SENTENCES
    if any(target.preparation is not None and target.preparation.irreversible for target in of):
        # The old container is kept, but what was run before can't be taken back with it.
        sentences = sentences | {GAP: sentences[GAP].replace(", as the way back", "")}
    # Beside those that are changed while they run.
    each = "Every other target" if STAYS in noticed else "Each target"
    return tuple(words.replace("Each target", each) for key, words in sentences.items() if key in noticed)
