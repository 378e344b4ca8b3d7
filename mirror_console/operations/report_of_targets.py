"""Report of targets: what a person decided about targets that had failed, by the audit's lines of how each ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mirror_console.domain.audit import AuditLine, Noun
from mirror_console.domain.rollout import BY_A_PERSON, Target, TargetState

TOGETHER = timedelta(seconds=60)
"""Targets of which the same was decided are told in one go, where each was settled so soon after the one before."""
AT_ONCE = timedelta(seconds=5)
"""What is skipped is put back first: a skip so soon after that is one decision with it."""
NAMED = 5
"""How many targets a decision names; it says how many more there are."""

_WORDS: Mapping[str, str] = {
    TargetState.LEFT: "Left as it is",
    TargetState.PUT_BACK: "Put back",
    TargetState.FAILED: "Put back",
    TargetState.SKIPPED: "Skipped",
}
_ASKED_OF_SKIPPED = {TargetState.FAILED, TargetState.PUT_BACK, TargetState.UNDECIDED}


@dataclass(slots=True)
class Decided:
    """The same decision about one or several targets: who made it, from when on it was carried out, and on what."""

    line: AuditLine
    what: str
    names: list[str] = field(default_factory=list)
    until: datetime | None = None

    @property
    def words(self) -> str:
        """``Left as it is: Mirror 01, Mirror 02 and 3 more``."""
        more = f" and {len(self.names) - NAMED} more" if len(self.names) > NAMED else ""
        return f"{self.what}: {', '.join(self.names[:NAMED])}{more}"


def decided(lines: Sequence[AuditLine], targets: Iterable[Target]) -> tuple[Decided, ...]:
    """What was decided about targets, oldest first. `lines` are all of the rollout, in their order.

    Of what waited for a decision the next line says what came of it, be that another thing than was wanted.
    """
    names = {target.environment_id: target.planned.application for target in targets}
    found: list[Decided] = []
    # What may be gone on with; a line of the rollout as a whole comes between.
    open_ones: dict[tuple[str, str, str, str], Decided] = {}
    for line, of, what in _single(lines):
        key = (line.person, line.machine, line.run, what)
        if not what:
            open_ones.clear()
            continue
        one = open_ones.get(key)
        if one is None or one.until is None or line.at - one.until > TOGETHER:
            open_ones[key] = one = Decided(line, what)
            found.append(one)
        one.names.append(names.get(of, line.act.title))
        one.until = line.at
    return tuple(found)


def _single(lines: Sequence[AuditLine]) -> Iterable[tuple[AuditLine, str, str]]:
    """Each decision about one target: the line, the environment, and what it was; of others lines nothing but these."""
    last: dict[str, str] = {}
    for place, line in enumerate(lines):
        if line.act.noun is not Noun.TARGET:
            yield line, "", ""
            continue
        of, result = str(line.act.after.get("environment_id", "")), line.act.result
        before, last[of] = last.get(of, ""), result
        skipped = result == TargetState.SKIPPED and str(line.act.after.get("words", "")).startswith(BY_A_PERSON)
        if skipped and before in _ASKED_OF_SKIPPED:
            yield line, of, _WORDS[TargetState.SKIPPED]
        elif before == TargetState.UNDECIDED and not _skipped_with_it(line, of, lines[place + 1 :]):
            yield line, of, _WORDS.get(result, f"Decided about, and {result}")


def _skipped_with_it(line: AuditLine, of: str, later: Sequence[AuditLine]) -> bool:
    follows = next((one for one in later if one.act.after.get("environment_id") == of), None)
    return (
        follows is not None
        and follows.act.result == TargetState.SKIPPED
        and follows.run == line.run
        and follows.at - line.at <= AT_ONCE
    )
