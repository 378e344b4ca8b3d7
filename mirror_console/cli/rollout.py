"""Rollout: plan, check, start, follow, and report a rollout from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.choice import Choice, planned, with_choice
from mirror_console.cli.files import write_text
from mirror_console.cli.finding import RolloutArgument, find_plan, find_rollout
from mirror_console.cli.progress import carry_out, tell_outcome
from mirror_console.cli.rollout_words import print_checks, print_plan, print_rollout, print_rollouts
from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.shapes import plan_shape, rollout_shape
from mirror_console.domain.check import Checked
from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan, left_out_words, number_to_type, why_nothing
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.durations import learned
from mirror_console.operations.preflight import preflight
from mirror_console.operations.report import Format, report_text
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.rollout import resume as go_on
from mirror_console.operations.rollout import start as begin
from mirror_console.operations.standing import all_rollouts

EnvironmentOption = Annotated[str, typer.Option("--environment", "-e", help="The environment, such as live.")]
YesOption = Annotated[int | None, typer.Option("--yes", help="Start without asking, if there are so many targets.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="rollout",
        help="Take a release to mirrors: plan, checks, start, list, show, report.",
        short_help="Take a release to mirrors.",
    )
    group.command("plan")(plan)
    group.command("checks")(checks)
    group.command("start")(start)
    group.command("resume")(resume)
    group.command("stop")(stop)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("report")(report)


@told
@with_choice
def plan(
    context: typer.Context,
    environment: EnvironmentOption,
    choice: Choice,
    as_json: JsonOption = False,
) -> None:
    """Show what a rollout would do, and keep that plan for 15 minutes. Nothing is changed on an engine."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        made = planned(session, console, jobs, environment, choice)
        usual = learned(console)
    if as_json:
        session.out.json(plan_shape(made, usual))
        return
    print_plan(session.out, made, usual)
    if made.targets:
        session.out.say(f"Check it: mirror-console rollout checks {made.fingerprint}")
    else:
        session.out.say(why_nothing(made))


@told
def checks(
    context: typer.Context,
    plan_text: Annotated[str, typer.Argument(metavar="PLAN", help="Its fingerprint; the newest if left out.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Ask every check of a plan. Nothing is changed on an engine."""
    session = session_of(context)
    with session.console() as (console, jobs):
        made = find_plan(console, plan_text)
        # The catalog is only read here; whether a rollout may write is for --read-only to say.
        checked = preflight(replace(console, read_only=session.read_only), jobs, made)
    _show_checks(session, made, checked, as_json=as_json)
    if checked.blocking:
        raise typer.Exit(ExitCode.ATTENTION)


@told
@with_choice
def start(
    context: typer.Context,
    why: Annotated[str, typer.Option("--why", help="The reason, for the report.")],
    choice: Choice,
    environment: EnvironmentOption = "",
    plan_text: Annotated[str, typer.Option("--plan", help="Start this plan instead of making one.")] = "",
    yes: YesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan, check and carry out a rollout. Ctrl-C pauses it; what is in flight is finished. A second one stops it."""
    session = session_of(context)
    session.demand_write()
    if bool(plan_text) == bool(environment):
        problem = Problem("environment", "say either --environment, or --plan with a plan that was made")
        raise InvalidInput("It isn't clear what to start.", [problem])
    with session.console(write=True) as (console, jobs):
        made = find_plan(console, plan_text) if plan_text else planned(session, console, jobs, environment, choice)
        rollout = carried_through(session, console, jobs, made, why, yes, as_json=as_json)
    tell_outcome(session, rollout, as_json=as_json)


@told
def resume(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Let a paused rollout go on."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        rollout = go_on(console, find_rollout(console, rollout_text, RolloutState.PAUSED).id)
        rollout = carry_out(session.out, console, jobs, rollout)
        rollout = _past_pauses(session, console, jobs, rollout, as_json=as_json)
    tell_outcome(session, rollout, as_json=as_json)


@told
def stop(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """End a paused rollout. Targets that were not begun are left as they are."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        rollout = find_rollout(console, rollout_text, RolloutState.PAUSED)
        if rollout.state is not RolloutState.PAUSED:
            problem = Problem("rollout", f"{rollout.plan.fingerprint} is {rollout.state}")
            raise InvalidInput("Only a paused rollout can be stopped.", [problem], "Choose another.")
        conductor = Conductor(console, jobs, rollout)
        conductor.stop()
        rollout = conductor.run()
    tell_outcome(session, rollout, as_json=as_json)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List every rollout, newest first."""
    session = session_of(context)
    with session.console() as (console, _):
        rollouts = all_rollouts(console)
    if as_json:
        session.out.json([rollout_shape(rollout) for rollout in rollouts])
    else:
        print_rollouts(session.out, rollouts)


@told
def show(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Show a rollout and its targets."""
    session = session_of(context)
    with session.console() as (console, _):
        rollout = find_rollout(console, rollout_text)
    if as_json:
        session.out.json(rollout_shape(rollout))
    else:
        print_rollout(session.out, rollout)


@told
def report(
    context: typer.Context,
    rollout_text: RolloutArgument = "",
    form: Annotated[Format, typer.Option("--format", help="As what it is written.")] = Format.MARKDOWN,
    to: Annotated[Path | None, typer.Option("--to", help="Write it to this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as HTML to this file, too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the report of a rollout, or write it to a file: exceptions first, as Markdown short enough for a ticket."""
    session = session_of(context)
    with session.console() as (console, _):
        rollout = find_rollout(console, rollout_text)
        if html is not None:
            write_text(html, report_text(console, rollout.id, Format.HTML))
            session.out.note(f"Wrote {html}.")
        if html is not None and to is None and not as_json:
            return
        text = report_text(console, rollout.id, Format.JSON if as_json else form)
        if to is None:
            session.out.raw(text)
        else:
            write_text(to, text)
            session.out.note(f"Wrote {to}.")


def carried_through(
    session: Session, console: Console, jobs: Jobs, made: Plan, why: str, yes: int | None, *, as_json: bool
) -> Rollout:
    """Show a plan, check it, have it confirmed, and carry it out until it ends or pauses."""
    if not as_json:
        print_plan(session.out, made, learned(console))
    checked = preflight(console, jobs, made)
    if not as_json:
        print_checks(session.out, made, checked)
    typed = _confirmed(session, made, checked, yes)
    rollout = carry_out(session.out, console, jobs, begin(console, made, checked, why, typed))
    return _past_pauses(session, console, jobs, rollout, as_json=as_json)


# --- asking and telling -------------------------------------------------------------------------------------------


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
    question = f"Roll out to {number} {made.environment} target{'' if number == 1 else 's'}?"
    if number_to_type(number) is None:
        if typer.confirm(question, default=False, err=True):
            return None
    else:
        answer = typer.prompt(f"{question} Type {number} to start", default="", show_default=False, err=True)
        if answer.strip() == str(number):
            return number
        session.out.note(f"{number} expected.")
    session.out.note("Nothing was started.")
    raise typer.Exit(ExitCode.ATTENTION)


def _past_pauses(session: Session, console: Console, jobs: Jobs, rollout: Rollout, *, as_json: bool) -> Rollout:
    while rollout.state is RolloutState.PAUSED and session.parts.interactive() and not as_json:
        session.out.note(rollout.paused_because, "yellow")
        if not typer.confirm("Go on?", default=False, err=True):
            return rollout
        rollout = carry_out(session.out, console, jobs, go_on(console, rollout.id))
    return rollout


def _show_checks(session: Session, made: Plan, checked: Checked, *, as_json: bool) -> None:
    if not as_json:
        print_checks(session.out, made, checked)
        return
    mirrors = {target.environment_id: target.application for target in made.targets}
    results = [
        {
            "check": result.check.value,
            "answer": result.answer.value,
            "blocks": result.blocks,
            "words": result.words,
            "remedy": result.remedy,
            "environment_id": result.environment_id,
            "mirror": mirrors.get(result.environment_id, ""),
        }
        for result in checked.results
    ]
    session.out.json({"plan": made.fingerprint, "blocks_all": checked.blocks_all, "results": results})
