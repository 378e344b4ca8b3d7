"""Causes: targets that failed for the same reason, told once with how many and which."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mirror_console.domain.rollout import COUNTS_AS_FAILED, Target, TargetState
from mirror_console.domain.steps import Step

CAUSED = COUNTS_AS_FAILED | {TargetState.SKIPPED}
"""States that have a cause: it failed, or a check or a person said no."""

_FIRST = {TargetState.STRANDED: 0, TargetState.UNDECIDED: 1}
"""Nothing may serve there; somebody is waited for."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, and the targets that it kept from what was planned. `words` are those of the first of them."""

    state: TargetState
    words: str
    targets: tuple[Target, ...]

    @property
    def count(self) -> int:
        """How many targets it has."""
        return len(self.targets)

    @property
    def environment_ids(self) -> tuple[str, ...]:
        """The identities of its targets' environments."""
        return tuple(target.environment_id for target in self.targets)


def causes(targets: Iterable[Target]) -> tuple[Cause, ...]:
    """The reasons for which targets failed or were skipped: what needs a person first, then the most frequent.

    Targets have one cause where the same step or check ended them, in the same state, with the same words but for what
    is each one's own: names, ids, ports, and how long it took. What a rollback took back since has none: it runs what
    it ran, and nothing is left to decide about it.
    """
    alike: defaultdict[tuple[TargetState, str], list[Target]] = defaultdict(list)
    for target in targets:
        if target.state in CAUSED and not target.rolled_back:
            alike[target.state, reason(target)].append(target)
    found = [Cause(state, several[0].words or str(state), tuple(several)) for (state, _), several in alike.items()]
    return tuple(sorted(found, key=lambda cause: (_FIRST.get(cause.state, len(_FIRST)), -cause.count)))


_ID = re.compile(r"\b(?:sha256:)?[0-9a-f]{12,64}\b")
_SPAN = re.compile(r"\b\d+(?:\.\d+)? s\b")


def reason(target: Target) -> str:
    """Why a target failed, without what is its own.

    Starting and verifying are one here: which of both sees first that a container has ended is chance.
    """
    planned = target.planned
    words = target.words.removeprefix(f"{Step.START}: ").removeprefix(f"{Step.VERIFY}: ")
    own = (planned.container, planned.application, planned.engine)
    for name in sorted((name for name in own if name), key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", words)
    for port in planned.settings.ports:
        if port.host:
            words = re.sub(rf"\b{port.host}\b", "…", words)
    return _SPAN.sub("… s", _ID.sub("…", words))
