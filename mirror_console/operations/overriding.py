"""Overriding: a person goes on in spite of answers to checks, and says why; or takes that back before the start."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from mirror_console.domain.check import Checked, CheckResult, Override
from mirror_console.domain.overriding import may_be_overridden, overrides_of, rule_words
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console

LONGEST_REASON = 500
"""Characters of a reason."""


def override(console: Console, checked: Checked, results: Collection[CheckResult], reason: str) -> Checked:
    """The same answers, some of them overridden. Nothing is kept before a rollout is started from them.

    Raises InvalidInput where an answer may not be overridden or isn't there, or no reason is given.
    """
    console.demand_write()
    problems = override_problems(checked, results, reason)
    if problems:
        raise InvalidInput("Nothing was overridden.", problems)
    taken = take_back(checked, results).overrides
    made = overrides_of(results, reason.strip(), console.person, console.clock())
    return replace(checked, overrides=(*taken, *made))


def override_problems(checked: Checked, results: Collection[CheckResult], reason: str) -> list[Problem]:
    """Why these answers can't be overridden so."""
    problems = []
    if not reason.strip():
        problems.append(Problem("reason", "say why: it goes into the report"))
    if len(reason.strip()) > LONGEST_REASON:
        problems.append(Problem("reason", f"{LONGEST_REASON} characters at most"))
    there = set(checked.results)
    for result in dict.fromkeys(results):
        if result not in there or not result.blocks:
            problems.append(Problem(result.check.id, "it blocks nothing"))
        elif not may_be_overridden(result):
            problems.append(Problem(result.check.id, rule_words(result.check)))
    # A rule is told once, however many targets it is about.
    return list(dict.fromkeys(problems))


def start_problems(checked: Checked) -> list[Problem]:
    """Why a rollout can't be started so: what is overridden must be an answer that may be, with a reason."""
    by_key = {result.key: result for result in checked.results}
    problems = []
    for one in checked.overrides:
        result = by_key.get(one.key)
        if result is None:
            problems.append(Problem(one.check.id, "what is overridden isn't what the check answered"))
        else:
            problems += override_problems(checked, [result], one.reason)
    return list(dict.fromkeys(problems))


def take_back(checked: Checked, results: Collection[CheckResult]) -> Checked:
    """The same answers, with none of these overridden any more."""
    keys = {result.key for result in results}
    return replace(checked, overrides=tuple(one for one in checked.overrides if one.key not in keys))


def still_overridden(checked: Checked, overrides: Sequence[Override]) -> Checked:
    """Answers that were asked again, with what was overridden before wherever the answer is the same."""
    keys = {result.key for result in checked.results if result.blocks}
    return replace(checked, overrides=tuple(one for one in overrides if one.key in keys))
