"""Recheck: the checks of targets asked again right before their wave, and what a person overrides still overridden."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from mirror_console.domain.check import Checked, CheckResult, Override
from mirror_console.domain.rollout import Target
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.preflight import check_engine


def recheck(
    console: Console, jobs: Jobs, targets: Sequence[Target], overrides: Sequence[Override]
) -> list[tuple[Target, tuple[CheckResult, ...]]]:
    """Ask the checks of targets again, engine by engine; those that something blocks now, with what does.

    An answer that a person overrides doesn't block, as long as it is the same answer.
    """
    by_engine: dict[str, list[Target]] = defaultdict(list)
    for target in targets:
        by_engine[target.planned.engine_id].append(target)

    def ask(engine_id: str, several: Sequence[Target]) -> Callable[[], list[CheckResult]]:
        engine = console.engine(engine_id)
        return lambda: check_engine(console, jobs, engine, [target.planned for target in several])

    works = {engine_id: ask(engine_id, several) for engine_id, several in by_engine.items()}
    answers: list[CheckResult] = []
    for outcome in jobs.side_by_side(works, at_once=max(1, len(works))).values():
        if isinstance(outcome, Exception):
            raise outcome
        answers += outcome
    blocking: dict[str, list[CheckResult]] = defaultdict(list)
    for result in Checked(tuple(answers), tuple(overrides)).blocking:
        blocking[result.environment_id].append(result)
    return [(target, tuple(blocking[target.environment_id])) for target in targets if blocking[target.environment_id]]


def blocking_words(blocking: Iterable[CheckResult]) -> str:
    """What keeps a target from being changed, in words."""
    return " ".join(f"{result.check}: {result.words}" for result in blocking)
