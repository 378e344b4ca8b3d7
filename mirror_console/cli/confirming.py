"""Confirming: show a plan with its checks, have a person say yes, and carry it out past its pauses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from mirror_console.cli.overriding import OverrideWish, as_wished, print_overridable
from mirror_console.cli.progress import carry_out
from mirror_console.cli.rollout_words import print_checks, print_plan, print_plan_title
from mirror_console.cli.session import ExitCode, Session
from mirror_console.domain.check import Checked
from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan, left_out_words, number_to_type
from mirror_console.domain.reason import EVERYDAY
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.durations import learned
from mirror_console.operations.preflight import preflight
from mirror_console.operations.reasons import reason_problems
from mirror_console.operations.starting import resume as go_on
from mirror_console.operations.starting import start as begin
from mirror_console.operations.vigil import Vigil

WhyOption = Annotated[
    str,
    typer.Option(
        "--why",
        help="The reason, for the report. It is wanted where the environment is protected, a check asks for a look or "
        f"is overridden, or more than {EVERYDAY} targets change.",
    ),
]


def carried_through(
    session: Session,
    console: Console,
    jobs: Jobs,
    made: Plan,
    why: str,
    yes: int | None,
    wishes: Sequence[OverrideWish] = (),
    *,
    as_json: bool,
    seen: bool = False,
) -> Rollout:
    """Show a plan, check it, override what is wished, have it confirmed, and carry it out until it ends or pauses.

    `seen`: the person has named the plan, and so was shown it when it was made: its title will do.
    """
    if not as_json and seen:
        print_plan_title(session.out, made)
    elif not as_json:
        print_plan(session.out, made, learned(console))
    checked = as_wished(session, console, made.targets, preflight(console, jobs, made), wishes)
    if not as_json:
        print_checks(session.out, made, checked)
        print_overridable(session, made, checked)
    if made.targets and not checked.blocks_all and (problems := reason_problems(console, made, checked, why)):
        raise InvalidInput("The rollout was not started.", problems, 'Give the reason with --why "…".')
    typed = _confirmed(session, made, checked, yes)
    because = why.strip() or (made.kind if made.rollback_of else "")
    rollout = carry_out(session.out, console, jobs, begin(console, made, checked, because, typed))
    return past_pauses(session, console, jobs, rollout, as_json=as_json)


def _confirmed(session: Session, made: Plan, checked: Checked, yes: int | None) -> int | None:
    """The number of targets that the person has said. Raises InvalidInput, or ends where the answer is no."""
    number = len(made.targets) - len(checked.blocked(target.environment_id for target in made.targets))
    if not number or checked.blocks_all:
        # The operation says why it can't be started.
        return None
    if yes is not None:
        if yes != number:
            left_out = left_out_words(made)
            words = f"{counted(number, 'target')} would change, not {yes}"
            problem = Problem("yes", f"{words} (left out: {left_out})" if left_out else words)
            raise InvalidInput("The rollout was not started.", [problem])
        return yes
    if not session.parts.interactive():
        problem = Problem("yes", f"nobody can be asked here: say --yes {number} to start it")
        raise InvalidInput("The rollout was not started.", [problem])
    verb = "Roll back" if made.rollback_of else "Roll out to"
    question = f"{verb} {counted(number, f'{made.environment} target')}?"
    if number_to_type(number, overridden=bool(checked.overrides)) is None:
        if typer.confirm(question, default=False, err=True):
            return None
    else:
        answer = typer.prompt(f"{question} Type {number} to start", default="", show_default=False, err=True)
        if answer.strip() == str(number):
            return number
        session.out.note(f"{number} expected.")
    session.out.note("Nothing was started.")
    raise typer.Exit(ExitCode.ATTENTION)


def past_pauses(session: Session, console: Console, jobs: Jobs, rollout: Rollout, *, as_json: bool) -> Rollout:
    """Go on as often as it pauses and the person says so; not where nobody can be asked."""
    vigil = Vigil(console, jobs)
    while rollout.state is RolloutState.PAUSED and session.parts.interactive() and not as_json:
        session.out.note(rollout.paused_because, "yellow")
        vigil.keep(rollout)
        try:
            goes_on = typer.confirm("Go on?", default=False, err=True)
        finally:
            vigil.close()
        if not goes_on:
            return rollout
        rollout = carry_out(session.out, console, jobs, go_on(console, rollout.id))
    return rollout
