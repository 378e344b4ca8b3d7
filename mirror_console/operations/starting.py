"""Starting: a checked plan becomes a rollout, and a paused one goes on."""

from __future__ import annotations

from dataclasses import replace

from mirror_console.domain.check import Checked
from mirror_console.domain.plan import Plan, number_to_type, why_nothing
from mirror_console.domain.rollout import Rollout, RolloutState, Target, TargetState
from mirror_console.domain.stop_rule import after_resume
from mirror_console.domain.trip import in_spite
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.overriding import start_problems
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.reasons import reason_problems
from mirror_console.operations.recheck import blocking_words
from mirror_console.operations.schedule_checks import counted_then
from mirror_console.operations.trips import note_rollback

LET_IT_END = "Let it end first."
"""What to do where something else works on the same targets."""


def start(console: Console, plan: Plan, checked: Checked, why: str, typed: int | None = None) -> Rollout:
    """Turn a checked plan into a rollout. Nothing is changed on an engine yet.

    Targets with a blocking check are left out, as skipped, with the reason; what a person overrides of the checks is
    kept with the rollout. Raises InvalidInput where the plan is too old, a check blocks the whole rollout or can't be
    overridden, the typed number isn't the number of targets that will change, or a reason is wanted and none is given.
    """
    console.demand_write()
    now = console.clock()
    problems = [
        Problem("checks", f"{result.words} {result.remedy}".strip())
        for result in checked.blocking
        if not result.environment_id
    ]
    problems += [*start_problems(checked), *reason_problems(console, plan, checked, why)]
    if now > plan.valid_until:
        problems.append(Problem("plan", "it is too old; plan again"))
    if not plan.targets and not problems:
        problems.append(Problem("targets", why_nothing(plan)))
    blocked = checked.blocked(target.environment_id for target in plan.targets)
    to_type = number_to_type(len(plan.targets) - len(blocked), overridden=bool(checked.overrides))
    if to_type is not None and typed != to_type:
        problems.append(Problem("confirmation", f"type {to_type}, the number of targets that will change"))
    if len(blocked) == len(plan.targets) and plan.targets:
        causes = list(dict.fromkeys(result.words for result in checked.blocking if result.environment_id in blocked))
        more = f" And {len(causes) - 1} more." if len(causes) > 1 else ""
        problems.append(Problem("targets", f"every target is blocked by a check: {causes[0]}{more}"))
    if problems:
        raise InvalidInput("The rollout was not started.", problems)
    windows = counted_then(console, plan.targets)
    targets = tuple(
        Target(
            planned,
            TargetState.SKIPPED,
            words=blocking_words(result for result in checked.of(planned.environment_id) if checked.blocks(result)),
        )
        if planned.environment_id in blocked
        else Target(planned)
        for planned in (replace(one, window=windows.get(one.environment_id, "")) for one in plan.targets)
    )
    rollout = Rollout(
        new_id(),
        plan,
        RolloutState.RUNNING,
        console.person,
        why.strip(),
        now,
        targets,
        console=console.run,
        overrides=checked.overrides,
    )
    with console.catalog.write() as books:
        books.rollouts.add(rollout)
        note_rollback(books, rollout)
    return rollout


def goes_back_now(books: Books, rollout_id: str) -> str:
    """That a rollback of a rollout isn't over, in words; empty where none is under way."""
    for other in books.rollouts.unfinished():
        if other.plan.rollback_of is not None and other.plan.rollback_of.rollout_id == rollout_id:
            return f"rollback {other.plan.fingerprint} of it is {other.state}"
    return ""


def resume(console: Console, rollout_id: str) -> Rollout:
    """Let a paused rollout go on: past the gate that it stands at, or in spite of the failures that stopped it."""
    console.demand_write()
    with console.catalog.write() as books:
        rollout = books.rollouts.get(rollout_id)
        if rollout.state is not RolloutState.PAUSED:
            raise InvalidInput("Only a paused rollout can go on.", [Problem("rollout", f"it is {rollout.state}")])
        if words := goes_back_now(books, rollout_id):
            raise InvalidInput("It can't go on now.", [Problem("rollout", words)], LET_IT_END)
        gone_on = replace(
            rollout,
            state=RolloutState.RUNNING,
            paused_because="",
            passed_gates=after_resume(rollout),
            trips=in_spite(rollout.trips),
            console=console.run,
        )
        books.rollouts.save_head(gone_on)
    return gone_on
