"""Undecided: what is said of failed targets that wait for a decision, and of those that a stop could not put back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from mirror_console.domain.counting import counted
from mirror_console.domain.rollout import Target, TargetState

NAMED = 3
"""How many targets, and how many reasons, a sentence names; it says how many more there are."""
_NOT_NOW = "It could not be decided about now"
_AFTER = (_NOT_NOW, "Putting back failed", "Contact was lost while putting back")
"""With these begins, after why it failed, why it isn't put back."""
_SINCE = re.compile("|".join(re.escape(f". {words}") for words in (*_AFTER, "The old container runs again")))
_WHY_NOT = re.compile(rf"(?:{'|'.join(_AFTER)}): (.+?)\.?$")


def waiting_words(asking: Sequence[Target]) -> str:
    """What a rollout says that is paused for targets that wait for a decision."""
    waits, becomes = ("waits", "it") if len(asking) == 1 else ("wait", "them")
    names = ", ".join(target.planned.application for target in asking[:NAMED])
    more = " and more" if len(asking) > NAMED else ""
    how_many = counted(len(asking), "failed target")
    return f"Paused: {how_many} {waits} for a decision ({names}{more}). Say what is to become of {becomes}."


DECIDED = "Paused: what had failed was decided about. Resume it to go on."
"""What it says once none of them waits any more, and others wait for their turn."""
_WAITS = re.compile(r"Paused: [\d,]+ failed targets? waits? for a decision \(")
_COUNTS = re.compile(r"[\d,]+ failed targets? (?:could not be put back, and )?waits? for a decision\b")


def tells_who_waits(words: str) -> bool:
    """Whether that is all that a rollout says: who still waits for a decision is no decision itself."""
    return words == DECIDED or _WAITS.match(words) is not None


def after_deciding(words: str, waited: Sequence[Target], wait: Sequence[Target]) -> str:
    """What a paused rollout says once `wait` are left of those that `waited`.

    Where it told how many do, for whatever reason it was paused then, that is another number now.
    """
    if len(wait) == len(waited) or _COUNTS.search(words) is None:
        return words
    return waiting_words(wait) if wait else DECIDED


def not_now_words(target: Target, why: str) -> str:
    """Why it failed, and why what was decided about it could not be done: it stands as it stood."""
    return f"{target.words.partition(f'. {_NOT_NOW}')[0]}. {_NOT_NOW}: {why}"


def failed_words(target: Target) -> str:
    """Why it failed, without what came since of putting it back, or of deciding about it."""
    return _SINCE.split(target.words, 1)[0]


def halted_words(asking: Sequence[Target]) -> str:
    """Where a stop was halted before it had come to all of them."""
    waits, those = ("waits", "the target") if len(asking) == 1 else ("wait", "the targets")
    return (
        f"{counted(len(asking), 'failed target')} {waits} for a decision still ({_names(asking)}). "
        f"Stop the rollout again, or say what is to become of {those}."
    )


_LEFT: dict[TargetState, tuple[str, str, str]] = {
    TargetState.STRANDED: (
        "is stranded",
        "are stranded",
        "Look at what runs there now, and try again what failed: that puts back first.",
    ),
    TargetState.UNKNOWN: ("is unknown", "are unknown", "Recover the rollout: the engines are read again."),
    TargetState.UNDECIDED: (
        "waits for a decision still",
        "wait for a decision still",
        "Once the cause is gone, stop the rollout again, or say what is to become of what waits.",
    ),
    TargetState.SUPERSEDED: ("is left alone", "are left alone", "Look at what runs there now."),
}
"""How one or several may stand that were to be put back and aren't, the most pressing first, and what to do."""


def not_put_back_words(targets: Sequence[Target]) -> str:
    """Of targets that a stop was to put back: how many could not be, which and why, and how they are brought on.

    Empty where all were.
    """
    sentences = []
    for state, (one, many, advice) in _LEFT.items():
        several = [target for target in targets if target.state is state]
        if several:
            stand = one if len(several) == 1 else many
            how_many = counted(len(several), "failed target")
            sentences.append(f"{how_many} could not be put back, and {stand} ({_reasons(several)}). {advice}")
    return " ".join(sentences)


def _reasons(targets: Sequence[Target]) -> str:
    """Why they aren't put back, with the names of those that it kept from it; what keeps the most comes first."""
    by_reason: defaultdict[str, list[Target]] = defaultdict(list)
    for target in targets:
        found = _WHY_NOT.search(target.words)
        by_reason[found[1] if found else target.words.rstrip(".")].append(target)
    groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
    told = [f"{_names(those)}: {why}" for why, those in groups[:NAMED]]
    more = sum(len(those) for _, those in groups[NAMED:])
    return "; ".join([*told, *([f"and {more} more"] if more else [])])


def _names(targets: Sequence[Target]) -> str:
    names = ", ".join(target.planned.application for target in targets[:NAMED])
    return names + (f" and {len(targets) - NAMED} more" if len(targets) > NAMED else "")
