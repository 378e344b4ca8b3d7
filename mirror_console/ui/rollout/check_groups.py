"""Check groups: the answers to checks as they are read, what blocks first; all that pass are one line at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from mirror_console.domain.check import Answer, Check, Checked, CheckResult
from mirror_console.ui.rollout.words import titled
from mirror_console.ui.words import count, number, tr

_WORST = {answer: rank for rank, answer in enumerate(reversed(Answer))}
_WARNS = frozenset({Answer.WARNING, Answer.UNKNOWN})


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """All answers to one check; or to several, each of which all passed, or of which none has an answer yet."""

    checks: tuple[Check, ...]
    results: tuple[CheckResult, ...] = ()
    blocking: int = 0
    """How many answers block something."""
    overridden: frozenset[CheckResult] = frozenset()

    @property
    def check(self) -> Check:
        """The check, of several the first."""
        return self.checks[0]

    @property
    def key(self) -> Hashable:
        """What it is known by while answers come in."""
        return self.check if len(self.checks) == 1 else bool(self.results)

    @property
    def title(self) -> str:
        """The check's name, or how many there are."""
        if len(self.checks) == 1:
            return titled(tr(self.check))
        several = count(len(self.checks), "check", "checks")
        return tr("{} pass").format(several) if self.results else tr("{} to be asked").format(several)

    @property
    def worst(self) -> Answer | None:
        """The answer that counts most; None where it has not been answered yet. What is overridden asks for a look."""
        worst = min((result.answer for result in self.results), key=_WORST.__getitem__, default=None)
        return Answer.WARNING if self.overridden and not self.blocking else worst

    @property
    def warned(self) -> int:
        """How many answers ask for a look."""
        return sum(not result.blocks and result.answer in _WARNS for result in self.results)

    @property
    def words(self) -> str:
        """The counts: ``2 blocked · 1 overridden · 22 pass``; of several checks their number says it all."""
        if len(self.checks) > 1:
            return ""
        counted = Counter(tr(result.answer) for result in self.results if result not in self.overridden)
        words = [tr(answer) for answer in reversed(Answer)]
        if self.overridden:
            counted[tr("overridden")] = len(self.overridden)
            words.insert(1, tr("overridden"))
        parts = [f"{number(counted[word])} {word}" for word in words if counted[word]]
        return " · ".join(parts) if parts else tr("waiting")

    @property
    def answers(self) -> tuple[CheckResult, ...]:
        """The answers to read, worst first; of several checks one for each, which says how many there are."""
        if len(self.checks) == 1:
            return tuple(sorted(self.results, key=lambda result: _WORST[result.answer]))
        return tuple(map(self._summed, self.checks)) if self.results else ()

    def _summed(self, check: Check) -> CheckResult:
        results = [result for result in self.results if result.check is check]
        said = {result.words for result in results}
        words = said.pop() if len(said) == 1 else count(len(results), "answer", "answers")
        return replace(results[0], words=words, environment_id="", engine_id="")


def grouped(checked: Checked, *, asking: bool = False, folded: bool = True) -> list[CheckGroup]:
    """Answers by check: what blocks first, then what is overridden or warns, what is worth knowing, and what passes.

    `folded` makes one group of all checks that passed. While they are still being asked, those without an answer are
    one group more.
    """
    by_check: dict[Check, list[CheckResult]] = {check: [] for check in Check}
    for result in checked.results:
        by_check[result.check].append(result)
    groups = [_group(checked, check, several) for check, several in by_check.items() if several]
    groups.sort(key=_rank)
    passed = [group for group in groups if group.worst is Answer.PASS]
    if folded and len(passed) > 1:
        everything = tuple(result for group in passed for result in group.results)
        rest = [group for group in groups if group.worst is not Answer.PASS]
        groups = [*rest, CheckGroup(tuple(group.check for group in passed), everything)]
    waiting = tuple(check for check, several in by_check.items() if not several)
    return [*groups, CheckGroup(waiting)] if asking and waiting else groups


def _group(checked: Checked, check: Check, results: Sequence[CheckResult]) -> CheckGroup:
    overridden = frozenset(result for result in results if checked.override_of(result))
    return CheckGroup((check,), tuple(results), sum(map(checked.blocks, results)), overridden)


def _rank(group: CheckGroup) -> int:
    if group.blocking:
        return 0
    if group.overridden or group.warned:
        return 1
    return 2 if group.worst is Answer.INFORMATION else 3
