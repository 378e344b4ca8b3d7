"""Ruled rollback: what a plan says its stop rule rolls back, planned, checked and begun without another question.

A person has agreed to it with the plan. It is a rollback like any other: its checks block what they block, and that is
told, never forced. Only the console that saw the rule trip begins it; after a crash a person is asked.
"""

from __future__ import annotations

from collections.abc import Callable

from mirror_console.domain.check import Checked
from mirror_console.domain.plan import Plan, number_to_type
from mirror_console.domain.rollout import Rollout
from mirror_console.domain.trip import Came, Trip
from mirror_console.domain.way import OnTrip
from mirror_console.errors import CatalogError, ConsoleError, InvalidInput
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.preflight import preflight
from mirror_console.operations.rollback import Part, plan_rollback
from mirror_console.operations.starting import start
from mirror_console.operations.trips import left_out_words, note


def roll_back_as_ruled(console: Console, jobs: Jobs, rollout: Rollout, ends: Callable[[], bool]) -> Rollout | None:
    """Begin the rollback that the last trip of a rollout asks for; for a Conductor to carry out.

    None where nothing was begun, with the reason kept as what came of the trip. `ends` is whether the program ends:
    then it stays due. Raises CatalogError.
    """
    trip = rollout.trips[-1]
    part = Part.ALL if trip.action is OnTrip.ROLL_BACK_ALL else Part.WAVE
    try:
        made = plan_rollback(console, jobs, rollout.id, part, trip.wave if part is Part.WAVE else None)
        if not made.targets:
            kept = left_out_words(made)
            told = f"it would change nothing, and leave out {kept}." if kept else ""
            note(console, rollout.id, Came.NOT_BEGUN if kept else Came.NOTHING, told)
            return None
        checked = preflight(console, jobs, made)
        if ends():
            return None
        return start(console, made, checked, _why(rollout, trip, made, checked), _number(made, checked))
    except CatalogError:
        raise
    except ConsoleError as error:
        problems = [str(problem) for problem in error.problems] if isinstance(error, InvalidInput) else []
        note(console, rollout.id, Came.NOT_BEGUN, " ".join([error.title, *(f"{one.rstrip('.')}." for one in problems)]))
        return None


def _number(made: Plan, checked: Checked) -> int | None:
    """What a person would type: the choice was theirs when they typed the number of the rollout, whose plan says it."""
    blocked = checked.blocked(target.environment_id for target in made.targets)
    return number_to_type(len(made.targets) - len(blocked), overridden=bool(checked.overrides))


def _why(rollout: Rollout, trip: Trip, made: Plan, checked: Checked) -> str:
    parts = [f"Stop rule of rollout {rollout.plan.fingerprint}: {trip.words}"]
    if checked.warnings:
        ask = "answer of the checks asks" if len(checked.warnings) == 1 else "answers of the checks ask"
        parts.append(f"{len(checked.warnings)} {ask} for a look; nobody was asked.")
    if kept := left_out_words(made):
        parts.append(f"It leaves out {kept}.")
    if rollout.why:
        parts.append(f"It was rolled out for: {rollout.why}")
    return " ".join(parts)
