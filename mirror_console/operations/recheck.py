"""Recheck: the checks of targets asked again right before their wave, and what a person overrides still overridden.

Where a target was left out by such a check, a person may go on in spite of it and have it tried again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from mirror_console.domain.check import Checked, CheckResult, Override
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import Rollout, Target
from mirror_console.errors import InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.overriding import start_problems, still_overridden
from mirror_console.operations.preflight import check_engine
from mirror_console.operations.schedule_checks import check_schedule


def recheck(
    console: Console, jobs: Jobs, targets: Sequence[Target], overrides: Sequence[Override]
) -> list[tuple[Target, tuple[CheckResult, ...]]]:
    """Ask the checks of targets again, engine by engine; those that something blocks now, with what does.

    An answer that a person overrides doesn't block, as long as it is the same answer.
    """
    answers = _answers(console, jobs, [target.planned for target in targets])
    blocking: dict[str, list[CheckResult]] = defaultdict(list)
    for result in Checked(answers, tuple(overrides)).blocking:
        blocking[result.environment_id].append(result)
    return [(target, tuple(blocking[target.environment_id])) for target in targets if blocking[target.environment_id]]


def checked_again(console: Console, jobs: Jobs, rollout: Rollout, environment_ids: Collection[str]) -> Checked:
    """What the checks of some targets of a rollout answer now, with what is overridden in it already."""
    planned = [one.planned for one in rollout.targets if one.environment_id in environment_ids]
    answers = (*check_schedule(console, planned, rollout.plan.way), *_answers(console, jobs, planned))
    return still_overridden(Checked(answers), rollout.overrides)


def keep_overrides(console: Console, rollout: Rollout, checked: Checked) -> None:
    """Keep with a rollout what a person overrides of its checks by now, before targets are tried again.

    Raises InvalidInput where one may not be overridden.
    """
    console.demand_write()
    problems = start_problems(checked)
    if problems:
        raise InvalidInput("Nothing was overridden.", problems)
    with console.catalog.write() as books:
        books.rollouts.add_overrides(rollout.id, [one for one in checked.overrides if one not in rollout.overrides])


def _answers(console: Console, jobs: Jobs, targets: Sequence[PlannedTarget]) -> tuple[CheckResult, ...]:
    by_engine: dict[str, list[PlannedTarget]] = defaultdict(list)
    for target in targets:
        by_engine[target.engine_id].append(target)

    def ask(engine_id: str, several: Sequence[PlannedTarget]) -> Callable[[], list[CheckResult]]:
        engine = console.engine(engine_id)
        return lambda: check_engine(console, jobs, engine, several)

    works = {engine_id: ask(engine_id, several) for engine_id, several in by_engine.items()}
    answers: list[CheckResult] = []
    for outcome in jobs.side_by_side(works, at_once=max(1, len(works))).values():
        if isinstance(outcome, Exception):
            raise outcome
        answers += outcome
    return tuple(answers)


def blocking_words(blocking: Iterable[CheckResult]) -> str:
    """What keeps a target from being changed, in words."""
    return " ".join(f"{result.check}: {result.words}" for result in blocking)
