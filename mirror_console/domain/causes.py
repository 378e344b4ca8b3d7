"""Causes: targets that failed for the same reason, told once with how many and which."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.moment import MONTHS
from mirror_console.domain.release_command import BACKUP_FAILED, how_it_ended
from mirror_console.domain.rollout import AFTER, BY_A_PERSON, COUNTS_AS_FAILED, Target, TargetState
from mirror_console.domain.steps import Step

CAUSED = COUNTS_AS_FAILED | {TargetState.SKIPPED}
"""States that have a cause: it failed, or a check or a person said no."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason, and the targets that it kept from what was planned.

    `words` are those of the first of them, or of the first that ran itself what failed for all of its group.
    """

    state: TargetState
    words: str
    targets: tuple[Target, ...]

    @property
    def count(self) -> int:
        """How many targets it has."""
        return len(self.targets)

    @property
    def decided(self) -> bool:
        """Whether a person has said that they are left out: nothing more is asked of anybody."""
        return self.state is TargetState.SKIPPED and self.words.startswith(BY_A_PERSON)

    @property
    def environment_ids(self) -> tuple[str, ...]:
        """The identities of its targets' environments."""
        return tuple(target.environment_id for target in self.targets)


def causes(targets: Iterable[Target]) -> tuple[Cause, ...]:
    """The reasons for which targets failed or were skipped: what needs a person first, then what failed, what a check
    left out, and what a person did; of each the most frequent first.

    Targets have one cause where the same step or check ended them, in the same state, with the same words but for what
    is each one's own: names, ids, ports, times, how long it took, and what a command wrote last. What a rollback took
    back since has none: it runs what it ran, and nothing is left to decide about it.
    """
    targets = tuple(targets)
    titles = frozenset(_title(target) for target in targets)
    alike: defaultdict[tuple[TargetState, str], list[Target]] = defaultdict(list)
    for target in targets:
        if target.state in CAUSED and not target.rolled_back:
            alike[target.state, reason(target, titles)].append(target)
    found = [Cause(state, _told(several, titles), tuple(several)) for (state, _), several in alike.items()]
    return tuple(sorted(found, key=lambda cause: (_rank(cause), -cause.count)))


def _rank(cause: Cause) -> int:
    match cause.state:
        case TargetState.STRANDED:
            return 0  # nothing may serve there
        case TargetState.UNDECIDED:
            return 1  # somebody is waited for
        case TargetState.SKIPPED:
            return 4 if cause.decided else 3
        case _:
            return 2


def _told(targets: Sequence[Target], titles: Collection[str]) -> str:
    first = next((one for one in targets if not _of_another(one.words, titles)), targets[0])
    return first.words or str(first.state)


def _title(target: Target) -> str:
    return f"{target.planned.application} {target.planned.environment}"


_ID = re.compile(r"\b(?:sha256:)?[0-9a-f]{12,64}\b")
_SPAN = re.compile(r"\b\d+(?:\.\d+)? s\b")
_MONTH = f"(?:{'|'.join(MONTHS)})"
_DAY = rf"(?:\d{{4}}[-/]\d\d[-/]\d\d|\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{4}}|{_MONTH} [ \d]\d)"
_ZONE = r"(?:(?: ?(?:UTC|GMT)|Z| ?[+-]\d\d:?\d\d)(?!\w))?"
_TIMES = re.compile(
    rf"\b(?:{_DAY}(?:(?:[T :]|, )\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d+)?)?{_ZONE})?"
    rf"|\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?{_ZONE})(?!\d)"
)
"""Dates and times of day as programs log them. Hours and minutes alone may be just what makes two windows differ."""


def reason(target: Target, titles: Collection[str] = ()) -> str:
    """Why a target failed, without what is its own. `titles` are those of all that it may have waited for.

    Starting and verifying are one here: which of both sees first that a container has ended is chance.
    """
    said, after, why = target.words.partition(AFTER)
    if target.state is TargetState.SKIPPED and said.startswith(BY_A_PERSON) and after:
        return f"{said}{after}{reason(replace(target, state=TargetState.FAILED, words=why), titles)}"
    planned = target.planned
    words = target.words.removeprefix(f"{Step.START}: ").removeprefix(f"{Step.VERIFY}: ")
    words = _command_reason(target, titles) or words
    own = (planned.container, planned.application, planned.engine)
    for name in sorted((name for name in own if name), key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", words)
    for port in planned.settings.ports:
        if port.host:
            words = re.sub(rf"\b{port.host}\b", "…", words)
    if target.state is not TargetState.SKIPPED:
        # What a check says of times is why it says no; what failed only tells when.
        words = _TIMES.sub("…", words)
    return _SPAN.sub("… s", _ID.sub("…", words))


# --- what was run before the release took over ----------------------------------------------------------------------

_NOT_OVER = re.compile(r"\bat .{1,500}? isn't (over|known: )")


def _command_reason(target: Target, titles: Collection[str]) -> str:
    """How a release command or a backup ended; empty where it is something else that failed.

    One alone of a group runs it, and the others say where it failed. What it wrote last is each one's own.
    """
    words = target.words
    step = next((step for step in (Step.RELEASE, Step.BACK_UP) if words.startswith(f"{step}: ")), None)
    if step is None:
        return ""
    elsewhere = _of_another(words, titles)
    told = elsewhere or words.removeprefix(f"{step}: ")
    if elsewhere.startswith(f"{Step.MAKE_COMMAND}: "):
        return elsewhere
    if elsewhere.startswith(BACKUP_FAILED):
        step, told = Step.BACK_UP, elsewhere.removeprefix(BACKUP_FAILED)
    ended = _NOT_OVER.sub(r"at … isn't \1", how_it_ended(told))
    prepared = target.planned.preparation
    run = (prepared.backup if step is Step.BACK_UP else prepared.release) if prepared is not None else None
    # Another source's command is another cause, whatever its exit code.
    return f"{step}: {ended}{f' ({shlex.join(run.command)})' if run is not None else ''}"


def _of_another(words: str, titles: Collection[str]) -> str:
    """How another one's command ended, from the words of a target that would not run it again; empty where it is
    its own. That one may be of an earlier rollout: then nobody knows where its name ends, unless it has no colon."""
    place = next((f"{step}: at " for step in (Step.RELEASE, Step.BACK_UP) if words.startswith(f"{step}: at ")), "")
    rest = words.removeprefix(place) if place else ""
    ends = [found.start() for found in re.finditer(": ", rest)]
    end = next((end for end in ends if rest[:end] in titles), ends[0] if ends else None)
    return rest[end + 2 :] if end is not None else ""
