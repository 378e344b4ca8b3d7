"""Rollout: plan, check, start, follow, and report a rollout from the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from mirror_console.cli.files import write_text
from mirror_console.cli.progress import carry_out
from mirror_console.cli.rollout_words import print_checks, print_plan, print_rollout, print_rollouts
from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.shapes import plan_shape, rollout_shape
from mirror_console.cli.status import FILTER_HELP, chosen, surveyed
from mirror_console.domain.check import Checked
from mirror_console.domain.plan import Plan, Way, number_to_type
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.errors import InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan as make_plan
from mirror_console.operations.preflight import preflight
from mirror_console.operations.refresh import refresh
from mirror_console.operations.report import report_html, report_json, summary_text
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.rollout import resume as go_on
from mirror_console.operations.rollout import start as begin
from mirror_console.operations.standing import all_rollouts
from mirror_console.operations.typed import parse_waves, parsed
from mirror_console.settings import WAYS, WayPreset

T = TypeVar("T")

EnvironmentOption = Annotated[str, typer.Option("--environment", "-e", help="The environment, such as live.")]
FilterOption = Annotated[str, typer.Option("--filter", "-f", help=FILTER_HELP)]
MirrorOption = Annotated[
    list[str] | None, typer.Option("--mirror", "-m", help="This mirror, by slug; may be repeated.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every mirror that has the environment.")]
PresetOption = Annotated[WayPreset, typer.Option("--way", help="What the options below don't say.")]
WavesOption = Annotated[str, typer.Option("--waves", help="Sizes of the waves, such as 1,5%,25%,rest.")]
BakeOption = Annotated[float | None, typer.Option("--bake", help="Seconds that a new container must stay well.")]
AtOnceOption = Annotated[int | None, typer.Option("--at-once", help="Targets at once.")]
PerEngineOption = Annotated[int | None, typer.Option("--per-engine", help="Targets at once on one engine.")]
MaxFailedOption = Annotated[int | None, typer.Option("--max-failed", help="Targets of a wave that may fail.")]
NoPauseOption = Annotated[bool, typer.Option("--no-pause", help="Don't pause after the first wave.")]
NoRefreshOption = Annotated[bool, typer.Option("--no-refresh", help="Don't ask the engines first.")]
YesOption = Annotated[int | None, typer.Option("--yes", help="Start without asking, if there are so many targets.")]
RolloutArgument = Annotated[str, typer.Argument(metavar="ROLLOUT", help="Its id or plan; the newest if left out.")]


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
def plan(
    context: typer.Context,
    environment: EnvironmentOption,
    filter_text: FilterOption = "",
    mirror: MirrorOption = None,
    every: AllOption = False,
    way: PresetOption = WayPreset.NORMAL,
    waves: WavesOption = "",
    bake: BakeOption = None,
    at_once: AtOnceOption = None,
    per_engine: PerEngineOption = None,
    max_failed: MaxFailedOption = None,
    no_pause: NoPauseOption = False,
    no_refresh: NoRefreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a rollout would do, and keep that plan for 15 minutes. Nothing is changed on an engine."""
    session = session_of(context)
    session.demand_write()
    wanted = _way(way, waves, bake, at_once, per_engine, max_failed, no_pause=no_pause)
    with session.console(write=True) as (console, jobs):
        made = _planned(session, console, jobs, environment, filter_text, mirror, wanted, every, not no_refresh)
    if as_json:
        session.out.json(plan_shape(made))
        return
    print_plan(session.out, made)
    session.out.say(f"Check it: mirror-console rollout checks {made.fingerprint}")


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
def start(
    context: typer.Context,
    why: Annotated[str, typer.Option("--why", help="The reason, for the report.")],
    environment: EnvironmentOption = "",
    filter_text: FilterOption = "",
    mirror: MirrorOption = None,
    every: AllOption = False,
    plan_text: Annotated[str, typer.Option("--plan", help="Start this plan instead of making one.")] = "",
    way: PresetOption = WayPreset.NORMAL,
    waves: WavesOption = "",
    bake: BakeOption = None,
    at_once: AtOnceOption = None,
    per_engine: PerEngineOption = None,
    max_failed: MaxFailedOption = None,
    no_pause: NoPauseOption = False,
    no_refresh: NoRefreshOption = False,
    yes: YesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan, check and carry out a rollout. Ctrl-C pauses it; what is in flight is finished. A second one stops it."""
    session = session_of(context)
    session.demand_write()
    if bool(plan_text) == bool(environment):
        problem = Problem("environment", "say either --environment, or --plan with a plan that was made")
        raise InvalidInput("It isn't clear what to start.", [problem])
    wanted = _way(way, waves, bake, at_once, per_engine, max_failed, no_pause=no_pause)
    with session.console(write=True) as (console, jobs):
        if plan_text:
            made = find_plan(console, plan_text)
        else:
            made = _planned(session, console, jobs, environment, filter_text, mirror, wanted, every, not no_refresh)
        if not as_json:
            print_plan(session.out, made)
        checked = preflight(console, jobs, made)
        if not as_json:
            print_checks(session.out, made, checked)
        typed = _confirmed(session, made, checked, yes)
        rollout = carry_out(session.out, console, jobs, begin(console, made, checked, why, typed))
        rollout = _past_pauses(session, console, jobs, rollout, as_json=as_json)
    _end(session, rollout, as_json=as_json)


@told
def resume(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Let a paused rollout go on."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        rollout = go_on(console, find_rollout(console, rollout_text, RolloutState.PAUSED).id)
        rollout = carry_out(session.out, console, jobs, rollout)
        rollout = _past_pauses(session, console, jobs, rollout, as_json=as_json)
    _end(session, rollout, as_json=as_json)


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
    _end(session, rollout, as_json=as_json)


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
    html: Annotated[Path | None, typer.Option("--html", help="Write the whole report to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the summary of a rollout for a ticket, or write its whole report."""
    session = session_of(context)
    with session.console() as (console, _):
        rollout = find_rollout(console, rollout_text)
        if html is not None:
            write_text(html, report_html(console, rollout.id))
            session.out.note(f"Wrote {html}.")
        if as_json:
            session.out.raw(report_json(console, rollout.id))
        elif html is None:
            session.out.raw(summary_text(console, rollout.id))


# --- what is meant ------------------------------------------------------------------------------------------------


def find_rollout(console: Console, text: str, state: RolloutState | None = None) -> Rollout:
    """The rollout whose id begins so or whose plan has that fingerprint; else the newest, one in `state` first.

    Raises InvalidInput where none fits, or several do.
    """
    return _found(
        [
            rollout
            for rollout in all_rollouts(console)
            if not text or _is_called(text, rollout.id, rollout.plan.fingerprint)
        ],
        text,
        "rollout",
        lambda rollout: state is None or rollout.state is state,
    )


def find_plan(console: Console, text: str) -> Plan:
    """The plan whose id begins so, or that has that fingerprint; else the newest. Raises InvalidInput."""
    with console.catalog.read() as books:
        plans = sorted(books.plans.all(), key=lambda plan: plan.made_at, reverse=True)
    fitting = [plan for plan in plans if not text or _is_called(text, plan.id, plan.fingerprint)]
    # The same plan made twice has one fingerprint: the newer one is meant.
    if text and len({plan.fingerprint for plan in fitting}) == 1:
        fitting = fitting[:1]
    return _found(fitting, text, "plan", lambda _: True)


def _is_called(text: str, identity: str, fingerprint: str) -> bool:
    return fingerprint.casefold() == text.casefold() or (len(text) >= 4 and identity.startswith(text.lower()))


def _found(fitting: Sequence[T], text: str, noun: str, preferred: Callable[[T], bool]) -> T:
    if not fitting:
        words = f"there is no {noun} '{text}'" if text else f"there is no {noun} yet"
        raise InvalidInput(f"This {noun} isn't in the catalog.", [Problem(noun, words)], "Choose another.")
    if text and len(fitting) > 1:
        words = f"{len(fitting)} are called '{text}': give more of the id"
        raise InvalidInput(f"It isn't clear which {noun} is meant.", [Problem(noun, words)], "Choose one.")
    return next((one for one in fitting if preferred(one)), fitting[0])


def _planned(
    session: Session,
    console: Console,
    jobs: Jobs,
    environment: str,
    filter_text: str,
    mirrors: Sequence[str] | None,
    way: Way,
    every: bool,
    ask: bool,
) -> Plan:
    if not (filter_text or mirrors or every):
        problem = Problem("targets", "say which mirrors: --filter, --mirror or --all")
        raise InvalidInput("No mirror is chosen.", [problem])
    if ask:
        session.out.note(refresh(console, jobs).sentence)
    grid = surveyed(session, console)
    rows = chosen(grid, filter_text, console.clock()) if filter_text or not mirrors else list(grid.rows)
    if mirrors:
        known = {row.application.slug for row in grid.rows}
        problems = [Problem("mirror", f"there is no mirror '{slug}'") for slug in mirrors if slug not in known]
        if problems:
            raise InvalidInput("Not every mirror is in the catalog.", problems, "Choose others.")
        rows = [row for row in rows if row.application.slug in mirrors]
    ids = [row.application.id for row in rows if environment not in grid.columns or environment in row.cells]
    return make_plan(console, environment, ids, way)


def _way(
    preset: WayPreset,
    waves: str,
    bake: float | None,
    at_once: int | None,
    per_engine: int | None,
    max_failed: int | None,
    *,
    no_pause: bool,
) -> Way:
    way = WAYS[preset]
    problems: list[Problem] = []
    given = {
        "waves": parsed(problems, "waves", parse_waves, waves, way.waves) if waves else None,
        "bake": bake,
        "at_once": at_once,
        "at_once_per_engine": per_engine,
        "max_failed": max_failed,
        "pause_after_canary": False if no_pause else None,
    }
    if problems:
        raise InvalidInput("The way of the rollout can't be read.", problems)
    return replace(way, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # names of Way's own fields


# --- asking and telling -------------------------------------------------------------------------------------------


def _confirmed(session: Session, made: Plan, checked: Checked, yes: int | None) -> int | None:
    """The number of targets that the person has said. Raises InvalidInput, or ends where the answer is no."""
    number = len(made.targets) - len(checked.blocked(target.environment_id for target in made.targets))
    if yes is not None:
        if yes != number:
            problem = Problem("yes", f"{number} targets would change, not {yes}")
            raise InvalidInput("The rollout was not started.", [problem])
        return yes
    if not number or checked.blocks_all:
        # The operation says why it can't be started.
        return None
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


def _end(session: Session, rollout: Rollout, *, as_json: bool) -> None:
    if as_json:
        session.out.json(rollout_shape(rollout))
    else:
        print_rollout(session.out, rollout)
    if rollout.state is not RolloutState.COMPLETED:
        raise typer.Exit(ExitCode.ATTENTION)


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
