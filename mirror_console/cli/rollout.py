"""Rollout: plan, check, start, follow, and report a rollout from the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli import control
from mirror_console.cli.choice import Choice, options_said, planned, with_choice
from mirror_console.cli.confirming import WhyOption, carried_through, past_pauses
from mirror_console.cli.files import write_text
from mirror_console.cli.finding import RolloutArgument, find_plan, find_rollout, refuse_interrupted
from mirror_console.cli.overriding import OverrideOption, print_overridable, wishes_of
from mirror_console.cli.progress import carry_out, tell_outcome
from mirror_console.cli.rollout_words import next_steps, print_checks, print_plan, print_rollout, print_rollouts
from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.shapes.checks import checks_shape
from mirror_console.cli.shapes.rollouts import plan_shape, rollout_shape
from mirror_console.domain.check import Checked
from mirror_console.domain.plan import Plan, why_nothing
from mirror_console.domain.rollout import RolloutState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.durations import learned
from mirror_console.operations.preflight import preflight
from mirror_console.operations.report import Format, report_text
from mirror_console.operations.standing import all_rollouts
from mirror_console.operations.starting import resume as go_on
from mirror_console.operations.waiting import waiting

SHOWN = 50

EnvironmentOption = Annotated[str, typer.Option("--environment", "-e", help="The environment, such as live.")]
YesOption = Annotated[int | None, typer.Option("--yes", help="Start without asking, if there are so many targets.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="rollout",
        help="Take a release to mirrors: plan, checks, start, list, show, report; pause, resume, stop, abort, decide, "
        "retry, rollback.",
        short_help="Take a release to mirrors.",
    )
    group.command("plan")(plan)
    group.command("checks")(checks)
    group.command("start")(start)
    group.command("resume")(resume)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("report")(report)
    control.add_to(group)


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
    choice: Choice,
    why: WhyOption = "",
    environment: EnvironmentOption = "",
    plan_text: Annotated[str, typer.Option("--plan", help="Start this plan instead of making one.")] = "",
    override: OverrideOption = None,
    yes: YesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan, check and carry out a rollout. Ctrl-C pauses it; what is in flight is finished. A second one stops it."""
    session = session_of(context)
    session.demand_write()
    if bool(plan_text) == bool(environment):
        problem = Problem("environment", "say either --environment, or --plan with a plan that was made")
        raise InvalidInput("It isn't clear what to start.", [problem])
    if plan_text and (said := options_said(context)):
        problem = Problem(", ".join(said), "not beside --plan: its targets and its way are those of the plan")
        raise InvalidInput(
            "A plan is started as it was made.", [problem], "Leave that out, or make another plan: rollout plan."
        )
    wishes = wishes_of(override)
    with session.console(write=True) as (console, jobs):
        made = find_plan(console, plan_text) if plan_text else planned(session, console, jobs, environment, choice)
        seen = bool(plan_text)
        rollout = carried_through(session, console, jobs, made, why, yes, wishes, as_json=as_json, seen=seen)
    tell_outcome(session, rollout, as_json=as_json)


@told
def resume(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Let a paused rollout go on."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        rollout = find_rollout(console, rollout_text, RolloutState.PAUSED)
        refuse_interrupted(rollout)
        rollout = go_on(console, rollout.id)
        rollout = carry_out(session.out, console, jobs, rollout)
        rollout = past_pauses(session, console, jobs, rollout, as_json=as_json)
    tell_outcome(session, rollout, as_json=as_json)


@told
def list_all(
    context: typer.Context,
    most: Annotated[int, typer.Option("--most", min=1, help="How many, the newest; all with --json.")] = SHOWN,
    as_json: JsonOption = False,
) -> None:
    """List rollouts, newest first."""
    session = session_of(context)
    with session.console() as (console, _):
        rollouts = all_rollouts(console, most=None if as_json else most + 1)
    if as_json:
        session.out.json([rollout_shape(rollout) for rollout in rollouts])
        return
    print_rollouts(session.out, rollouts[:most])
    if len(rollouts) > most:
        session.out.note_more(most)


@told
def show(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Show a rollout and its targets."""
    session = session_of(context)
    with session.console() as (console, _):
        rollout = find_rollout(console, rollout_text)
        waits = waiting(console, rollout.id)
    if as_json:
        session.out.json(rollout_shape(rollout))
    else:
        print_rollout(session.out, rollout, waits)


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
        if html is None or to is not None or as_json:
            text = report_text(console, rollout.id, Format.JSON if as_json else form)
            if to is None:
                session.out.raw(text)
            else:
                write_text(to, text)
                session.out.note(f"Wrote {to}.")
    if not as_json and form is not Format.JSON:
        # Beside the report, not in it: who reads it may have no command line.
        for words in next_steps(rollout):
            session.out.note(words)


def _show_checks(session: Session, made: Plan, checked: Checked, *, as_json: bool) -> None:
    if not as_json:
        print_checks(session.out, made, checked)
        print_overridable(session, made, checked)
        return
    session.out.json(checks_shape(made, checked))
