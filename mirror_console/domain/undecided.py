"""Undecided: what is said of failed targets that wait for a decision, and of those that a stop could not put back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from mirror_console.domain.counting import counted
from mirror_console.domain.rollout import Target, TargetState

_NOT_NOW = ". It could not be decided about now: "
NAMED = 3
"""How many targets a sentence names; it says how many more there are."""


def not_now_words(target: Target, why: str) -> str:
    """Why it failed, and why what was decided about it could not be done: it still waits."""
    return f"{failed_words(target)}{_NOT_NOW}{why}"


def failed_words(target: Target) -> str:
    """Why it failed, without what kept it from being decided about since."""
    return target.words.partition(_NOT_NOW)[0]


def not_put_back_words(targets: Sequence[Target]) -> str:
    """Of targets that a stop was to put back: how many could not be, which and why, and how each is brought on.

    Empty where all were.
    """
    return " ".join(
        _sentence(several, state)
        for state in _LEFT
        if (several := [target for target in targets if target.state is state])
    )


def halted_words(asking: Sequence[Target]) -> str:
    """Where a stop was halted before it had come to all of them."""
    waits, them = ("waits", "it") if len(asking) == 1 else ("wait", "them")
    return (
        f"{counted(len(asking), 'failed target')} {waits} for a decision still ({_names(asking)}). "
        f"Stop it again, or say what is to become of {them}."
    )


def _of_undecided(several: Sequence[Target]) -> tuple[str, str]:
    by_reason: defaultdict[str, list[Target]] = defaultdict(list)
    for target in several:
        by_reason[target.words.partition(_NOT_NOW)[2].rstrip(".")].append(target)
    told = "; ".join(f"{_names(those)}: {why}" if why else _names(those) for why, those in by_reason.items())
    waits, them = ("waits", "it") if len(several) == 1 else ("wait", "them")
    advice = f"Once that is mended, stop it again, or say what is to become of {them}."
    return f"and {waits} for a decision still ({told})", advice


def _of_stranded(several: Sequence[Target]) -> tuple[str, str]:
    is_, its = ("is", "its engine") if len(several) == 1 else ("are", "their engines")
    advice = f"Look at {its} now, then try again: that puts back first."
    return f"and {is_} stranded ({_names(several)})", advice


def _of_unknown(several: Sequence[Target]) -> tuple[str, str]:
    is_ = "is" if len(several) == 1 else "are"
    return f"and {is_} unknown ({_names(several)})", "Recover the rollout: that reads the engine again."


def _of_superseded(several: Sequence[Target]) -> tuple[str, str]:
    is_ = "is" if len(several) == 1 else "are"
    return f"and {is_} left as somebody else has it ({_names(several)})", "Look at what runs there now."


_LEFT: dict[TargetState, Callable[[Sequence[Target]], tuple[str, str]]] = {
    TargetState.STRANDED: _of_stranded,
    TargetState.UNKNOWN: _of_unknown,
    TargetState.UNDECIDED: _of_undecided,
    TargetState.SUPERSEDED: _of_superseded,
}
"""How a target may stand that was to be put back and isn't, the most pressing first: where it is, and what to do."""


def _sentence(several: Sequence[Target], state: TargetState) -> str:
    where, advice = _LEFT[state](several)
    return f"{counted(len(several), 'failed target')} could not be put back, {where}. {advice}"


def _names(targets: Sequence[Target]) -> str:
    names = ", ".join(target.planned.application for target in targets[:NAMED])
    return names + (f" and {len(targets) - NAMED} more" if len(targets) > NAMED else "")
