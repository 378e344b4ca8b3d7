"""Answers by check, with what blocks first: what the list of checks shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.ui.words import number, tr

WORST = {answer: rank for rank, answer in enumerate(reversed(Answer))}
"""The place of an answer where the worst stands first."""


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """All answers to one check, how many of them block something, and those that are overridden."""

    check: Check
    results: tuple[CheckResult, ...] = ()
    blocking: int = 0
    overridden: frozenset[CheckResult] = frozenset()

    @property
    def worst(self) -> Answer | None:
        """The answer that counts most; None where it has not been answered yet. What is overridden asks for a look."""
        worst = min((result.answer for result in self.results), key=WORST.__getitem__, default=None)
        return Answer.WARNING if self.overridden and not self.blocking else worst

    @property
    def warned(self) -> int:
        """How many answers ask for a look."""
        warning = {Answer.WARNING, Answer.UNKNOWN}
        return sum(not result.blocks and result.answer in warning for result in self.results)

    @property
    def words(self) -> str:
        """The counts: ``2 blocked · 1 overridden · 22 pass``."""
        counted = Counter(tr(result.answer) for result in self.results if result not in self.overridden)
        words = [tr(answer) for answer in reversed(Answer)]
        if self.overridden:
            counted[tr("overridden")] = len(self.overridden)
            words.insert(1, tr("overridden"))
        parts = [f"{number(counted[word])} {word}" for word in words if counted[word]]
        return " · ".join(parts) if parts else tr("waiting")


def grouped(checked: Checked) -> list[CheckGroup]:
    """Answers by check: what blocks first, then what is overridden or warns, then the rest in the checks' order."""
    groups = []
    for check in Check:
        results = tuple(result for result in checked.results if result.check is check)
        blocking = sum(checked.blocks(result) for result in results)
        overridden = frozenset(result for result in results if checked.override_of(result))
        groups.append(CheckGroup(check, results, blocking, overridden))
    return sorted(groups, key=_rank)


def _rank(group: CheckGroup) -> int:
    if group.blocking:
        return 0
    return 1 if group.overridden or group.warned else 2
