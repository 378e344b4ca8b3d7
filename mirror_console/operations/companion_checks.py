"""Companion checks: what is asked of the processes beside the one that serves, told with the target's own answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mirror_console.domain.check import Answer, CheckResult
from mirror_console.domain.companions import companions_of, going_of
from mirror_console.domain.observation import LABEL, Listed, Role, State, is_ours
from mirror_console.domain.plan import PlannedTarget

RUNS = frozenset({State.RUNNING, State.RESTARTING, State.PAUSED})

_WORST = (Answer.BLOCKED, Answer.UNKNOWN, Answer.WARNING, Answer.INFORMATION, Answer.PASS)


def undeclared(listed: Sequence[Listed], target: PlannedTarget) -> str:
    """That a process runs which this catalog knows nothing of, and no rollout touches; empty where none does."""
    planned = {target.process, *(one.name for one in target.companions)}
    places = {target.container, *(one.container for one in target.companions)}
    found = sorted(
        one.name
        for one in listed
        if is_ours(one.labels, target.environment_id)
        and one.labels.get(LABEL + "role") == Role.APPLICATION
        and one.labels.get(LABEL + "process", target.process) not in planned
        and one.name not in places
        and one.state in RUNS
    )
    names = ", ".join(f"'{name}'" for name in found)
    return f"{names} runs for a process that this catalog doesn't know, and isn't touched." if found else ""


def with_companions(
    target: PlannedTarget,
    own: Sequence[CheckResult],
    ask: Callable[[PlannedTarget], Sequence[CheckResult]],
    ask_going: Callable[[PlannedTarget], Sequence[CheckResult]],
) -> list[CheckResult]:
    """The answers of a target, each replaced by that of another of its processes where that is worse.

    `ask` gives the answers of one process, `ask_going` those of one that is taken away; its words are told with its
    name.
    """
    found = list(own)
    asked = [(one, ask(one)) for one in companions_of(target)] + [(one, ask_going(one)) for one in going_of(target)]
    for one, results in asked:
        for result in results:
            place = next((place for place, there in enumerate(found) if there.check is result.check), None)
            told = replace(result, words=f"{one.process}: {result.words}")
            if place is None:
                found.append(told)
            elif _WORST.index(result.answer) < _WORST.index(found[place].answer):
                found[place] = told
    return found
