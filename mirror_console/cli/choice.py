"""Choice: which mirrors a rollout is for, and in which way, as options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, get_type_hints

import typer

from mirror_console import settings
from mirror_console.cli.session import Session
from mirror_console.cli.surveyed import FILTER_HELP, chosen, surveyed
from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan
from mirror_console.domain.way import OnFailure, OnTrip, Way
from mirror_console.errors import InvalidInput, Problem
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.plan import plan as make_plan
from mirror_console.operations.refresh import refresh
from mirror_console.operations.typed import parse_waves, parsed
from mirror_console.operations.way_typed import (
    NEVER,
    Allowed,
    Pauses,
    parse_allowed,
    parse_canary,
    parse_in_all,
    parse_pauses,
)
from mirror_console.settings import WayPreset, way_named, way_names

WAY_HELP = "What the options below don't say: careful, normal, test, or a way that you have kept."
RESUME_HELP = "Where it waits for a window to open, go on by itself then; this command waits."
SETTINGS_HELP = "Apply only settings that wait for a rollout; the image that runs stays."
IN_ALL_HELP = "Targets of the whole rollout that may fail, as 8 or 2%; none for no such rule."
TRIP_HELP = "What becomes of a rollout that its stop rule stops: it waits, or what it changed goes back unasked."
PROOF_HELP = "Days for which it counts that a mirror's test ran the release well."
PAUSE_HELP = "Pause after: canary, every, waves such as 1,3, or never."


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options say. Each field is an option, described where it stands."""

    filter_text: Annotated[str, typer.Option("--filter", "-f", help=FILTER_HELP)] = ""
    mirror: Annotated[
        list[str] | None,
        typer.Option("--mirror", "-m", metavar="MIRROR", help="This mirror, by slug; may be repeated."),
    ] = None
    every: Annotated[bool, typer.Option("--all", help="Every mirror that has the environment.")] = False
    settings: Annotated[bool, typer.Option("--settings", help=SETTINGS_HELP)] = False
    preset: Annotated[str, typer.Option("--way", help=WAY_HELP)] = WayPreset.NORMAL.value
    waves: Annotated[str, typer.Option("--waves", help="Sizes of the waves, such as 1,5%,25%,rest.")] = ""
    bake: Annotated[float | None, typer.Option("--bake", help="Seconds that a new container must stay well.")] = None
    at_once: Annotated[int | None, typer.Option("--at-once", help="Targets at once.")] = None
    per_engine: Annotated[int | None, typer.Option("--per-engine", help="Targets at once on one engine.")] = None
    canary: Annotated[str, typer.Option("--canary", help="Who goes first: slugs, tag:NAME, or first.")] = ""
    max_failed: Annotated[str, typer.Option("--max-failed", help="Targets of a wave that may fail, as 2 or 5%.")] = ""
    in_all: Annotated[str, typer.Option("--max-failed-in-all", metavar="TEXT", help=IN_ALL_HELP)] = ""
    on_trip: Annotated[OnTrip | None, typer.Option("--on-trip", help=TRIP_HELP)] = None
    in_a_row: Annotated[int | None, typer.Option("--in-a-row", help="Stop at so many failures in a row.")] = None
    health_limit: Annotated[float | None, typer.Option("--health-limit", help="Seconds to wait for health.")] = None
    pause_after: Annotated[str, typer.Option("--pause-after", help=PAUSE_HELP)] = ""
    on_failure: Annotated[
        OnFailure | None, typer.Option("--on-failure", help="What becomes of a target that fails.")
    ] = None
    per_registry: Annotated[int | None, typer.Option("--per-registry", help="Pulls at once from one registry.")] = None
    pulls_per_engine: Annotated[int | None, typer.Option("--pulls-per-engine", help="Pulls at once to one engine.")] = (
        None
    )
    no_prefetch: Annotated[bool, typer.Option("--no-prefetch", help="Fetch in each target's turn, not ahead.")] = False
    no_pause: Annotated[bool, typer.Option("--no-pause", help="Never pause between waves.")] = False
    proof_days: Annotated[int | None, typer.Option("--proof-days", help=PROOF_HELP)] = None
    resume_by_itself: Annotated[bool, typer.Option("--resume-by-itself", help=RESUME_HELP)] = False
    no_refresh: Annotated[bool, typer.Option("--no-refresh", help="Don't ask the engines first.")] = False


def with_choice(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of the Choice that it takes as its parameter `choice`."""
    hints = get_type_hints(Choice, include_extras=True)
    names = [field.name for field in fields(Choice)]

    @functools.wraps(command)
    def chosen_by_options(**given: Any) -> None:
        choice = Choice(**{name: given.pop(name) for name in names})
        command(choice=choice, **given)

    signature = inspect.signature(command, eval_str=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    options = [
        inspect.Parameter(field.name, kind, default=field.default, annotation=hints[field.name])
        for field in fields(Choice)
    ]
    parameters = [one.replace(kind=kind) for one in signature.parameters.values()]
    place = list(signature.parameters).index("choice")
    parameters[place : place + 1] = options
    # What reads the command's parameters sees the options in place of the choice.
    chosen_by_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # inspect reads it
    chosen_by_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return chosen_by_options


def options_said(context: typer.Context) -> list[str]:
    """The options of the choice that were typed, as they are called; not that engines aren't asked first."""
    names = {field.name for field in fields(Choice)} - {"no_refresh"}
    return [
        option.opts[0]
        for option in context.command.params
        if option.name in names and getattr(context.get_parameter_source(option.name), "name", "") == "COMMANDLINE"
    ]


def planned(session: Session, console: Console, jobs: Jobs, environment: str, choice: Choice) -> Plan:
    """Make the plan that is chosen, on what the engines say now. Raises InvalidInput, BadFilter, NotAllowed."""
    way = _way(choice, way_of(session, choice.preset))
    mirrors = choice.mirror
    if not (choice.filter_text or mirrors or choice.every):
        problem = Problem("targets", "say which mirrors: --filter, --mirror or --all")
        raise InvalidInput("No mirror is chosen.", [problem])
    if choice.every and (choice.filter_text or mirrors):
        problem = Problem("targets", "say --all alone, or which mirrors: --filter, --mirror")
        raise InvalidInput("It isn't clear which mirrors are meant.", [problem])
    if not choice.no_refresh:
        session.out.note(refresh(console, jobs).sentence)
    grid = surveyed(session, console)
    filtered = choice.filter_text or not mirrors
    rows = chosen(console, grid, choice.filter_text, console.clock()) if filtered else list(grid.rows)
    if mirrors:
        known = {row.application.slug for row in grid.rows}
        problems = [Problem("mirror", f"there is no mirror '{slug}'") for slug in mirrors if slug not in known]
        if problems:
            raise InvalidInput("Not every mirror is in the catalog.", problems, "Choose others.")
        rows = [row for row in rows if row.application.slug in mirrors]
    ids = [row.application.id for row in rows if environment not in grid.columns or environment in row.cells]
    return make_plan(console, environment, ids, way, settings_only=choice.settings)


def way_of(session: Session, name: str) -> Way:
    """The way of a preset, or one that the person has kept under that name. Raises InvalidInput."""
    own = settings.load(session.parts.preferences_path()).ways
    try:
        return way_named(name, own)
    except KeyError:
        problem = Problem("way", f"there is no way '{name}'; there are: {', '.join(way_names(own))}")
        raise InvalidInput("The way of the rollout can't be read.", [problem]) from None


def _way(choice: Choice, way: Way) -> Way:
    """The way that the options say, and `way` where they don't. Raises InvalidInput where one can't be read."""
    problems: list[Problem] = []
    given: dict[str, object] = {
        "bake": choice.bake,
        "at_once": choice.at_once,
        "at_once_per_engine": choice.per_engine,
        "in_a_row": choice.in_a_row,
        "health_limit": choice.health_limit,
        "on_trip": choice.on_trip,
        "on_failure": choice.on_failure,
        "pulls_per_registry": choice.per_registry,
        "pulls_per_engine": choice.pulls_per_engine,
        "prefetch": False if choice.no_prefetch else None,
        "proof_days": choice.proof_days,
        "resumes": True if choice.resume_by_itself else None,
    }
    waves = way.waves
    if choice.waves:
        given["waves"] = waves = parsed(problems, "waves", parse_waves, choice.waves, way.waves)
    if choice.canary:
        given["canary"] = parsed(problems, "canary", parse_canary, choice.canary, way.canary)
    if choice.max_failed:
        allowed = parsed(problems, "max failed", parse_allowed, choice.max_failed, Allowed())
        given |= {"max_failed": allowed.count, "max_failed_percent": allowed.percent}
    if choice.in_all:
        in_all = parsed(problems, "max failed in all", parse_in_all, choice.in_all, None)
        way = replace(
            way,
            max_failed_in_all=in_all.count if in_all and not in_all.percent else None,
            max_failed_in_all_percent=in_all.percent if in_all else 0.0,
        )
    if choice.pause_after and choice.no_pause:
        problems.append(Problem("no pause", "say either --no-pause, or --pause-after"))
    if choice.pause_after or choice.no_pause:
        pauses = parsed(problems, "pause after", parse_pauses, choice.pause_after or NEVER, Pauses())
        given |= {"pause_after_canary": pauses.canary, "pause_after_every": pauses.every, "pause_after": pauses.waves}
        problems += [
            Problem("pause after", f"there is no wave {wave}, of {counted(len(waves), 'wave')}")
            for wave in pauses.waves
            if wave > len(waves)
        ]
    if problems:
        raise InvalidInput("The way of the rollout can't be read.", problems)
    return replace(way, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # names of Way's own fields
