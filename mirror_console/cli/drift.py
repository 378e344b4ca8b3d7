"""Drift: what differs from what was applied and what waits for a rollout; accept it, adopt it, or correct it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from mirror_console.cli.choice import way_of
from mirror_console.cli.confirming import WhyOption, carried_through
from mirror_console.cli.overriding import OverrideOption, wishes_of
from mirror_console.cli.progress import tell_outcome
from mirror_console.cli.rollout import YesOption
from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.surveyed import surveyed
from mirror_console.domain.alignment import SAME_IMAGE
from mirror_console.domain.applied import basis
from mirror_console.domain.cell import Cell
from mirror_console.domain.counting import counted
from mirror_console.domain.fleet import Row
from mirror_console.domain.moment import on_or_at
from mirror_console.domain.pending import pending_words
from mirror_console.domain.phrases import drift_text, drift_words
from mirror_console.domain.plan import Reason
from mirror_console.domain.taking import not_adoptable
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.accepting import Taken
from mirror_console.operations.accepting import accept as take_over
from mirror_console.operations.adoption import adopt as take_into_template
from mirror_console.operations.adoption import adoption
from mirror_console.operations.console import Console
from mirror_console.operations.drift import DriftReport, drift_of
from mirror_console.operations.local_time import local
from mirror_console.operations.plan import plan
from mirror_console.operations.refresh import refresh
from mirror_console.settings import WayPreset

MirrorArgument = Annotated[str, typer.Argument(metavar="MIRROR", help="A mirror, by slug.")]
EnvironmentArgument = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Its environment, such as live.")]
FieldOption = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="FIELD", help="This difference alone, such as 'memory limit'; may be repeated."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="drift",
        help="What differs from what was applied, and what waits: list, accept, adopt, correct.",
        short_help="See what was changed by hand, and decide about it.",
    )
    group.command("list")(list_all)
    group.command("accept")(accept)
    group.command("adopt")(adopt)
    group.command("correct")(correct)


@told
def list_all(
    context: typer.Context,
    mirror: Annotated[str, typer.Argument(metavar="MIRROR", help="This mirror alone, by slug.")] = "",
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Compare secrets with the keyring too; done anyway for one mirror.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what differs from what was last applied, and what waits for a rollout. No engine is asked."""
    session = session_of(context)
    with session.console() as (console, _):
        grid, now = surveyed(session, console), local(console.clock())
        rows = [_row(session, console, mirror)] if mirror else grid.rows
        found = []
        for cell in (row.cells[name] for row in rows for name in grid.columns if name in row.cells):
            asked = secrets or bool(mirror)
            if cell.differences or cell.pending or asked or cell.drift:
                found.append((cell, drift_of(console, cell.environment.id, ask_keyring=asked)))
    found = [(cell, report) for cell, report in found if _told_of(cell, report)]
    if as_json:
        session.out.json([_shape(cell, report) for cell, report in found])
    else:
        for cell, report in found:
            _print(session, cell, report, now)
        if not found:
            session.out.say("Nothing differs from what was applied, and nothing waits for a rollout.")
    if any(report.drift or cell.drift for cell, report in found):
        raise typer.Exit(ExitCode.ATTENTION)


@told
def accept(
    context: typer.Context,
    mirror: MirrorArgument,
    environment: EnvironmentArgument,
    field: FieldOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take what is observed into this mirror's settings. Values of secrets go into the keyring, unshown."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        cell = _cell(session, console, mirror, environment)
        taken = take_over(console, cell.environment.id, field or ())
    words = f"Accepted for {cell.application.name} {environment}: {', '.join(taken.fields)}."
    session.out.done(words, _taken_shape(cell, taken), as_json=as_json)


@told
def adopt(
    context: typer.Context,
    mirror: MirrorArgument,
    environment: EnvironmentArgument,
    field: FieldOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take what is observed into the source's template, and into every mirror that follows the template there."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        cell = _cell(session, console, mirror, environment)
        wished = adoption(console, cell.environment.id, field or ())
        for problem in wished.left_out:
            session.out.note(str(problem), "yellow")
        what = f"{', '.join(wished.fields)} into the template of {wished.source.name}"
        session.agreed(f"Adopt {what}? {wished.words}", "Nothing was adopted.", yes=yes)
        taken = take_into_template(console, wished)
    session.out.done(f"Adopted {what}. {wished.words}", _taken_shape(cell, taken), as_json=as_json)


@told
def correct(
    context: typer.Context,
    mirror: MirrorArgument,
    environment: EnvironmentArgument,
    why: WhyOption = "",
    preset: Annotated[str, typer.Option("--way", help="How the rollout goes.")] = WayPreset.NORMAL.value,
    override: OverrideOption = None,
    yes: YesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Roll out to this environment alone, so that it has the catalog's settings and the expected image again.

    Where it has them nothing is done, and that is fine.
    """
    session = session_of(context)
    session.demand_write()
    wishes = wishes_of(override)
    with session.console(write=True) as (console, jobs):
        cell = _cell(session, console, mirror, environment)
        session.out.note(refresh(console, jobs, [cell.environment.engine_id], inspect_all=True).sentence)
        made = plan(console, environment, [cell.application.id], way_of(session, preset))
        there = next((one for one in made.left_out if one.reason is Reason.NOTHING_TO_DO), None)
        if there is not None:
            words = f"There is nothing to correct on {cell.application.name} {environment}: {there.words}."
            shape = {"mirror": cell.application.name, "environment": environment, "words": words}
            session.out.done(words, shape, as_json=as_json)
            return
        rollout = carried_through(session, console, jobs, made, why, yes, wishes, as_json=as_json)
    tell_outcome(session, rollout, as_json=as_json)


# --- finding and telling ------------------------------------------------------------------------------------------


def _row(session: Session, console: Console, slug: str) -> Row:
    for row in surveyed(session, console).rows:
        if row.application.slug == slug:
            return row
    raise InvalidInput("This mirror isn't in the catalog.", [Problem("mirror", f"there is no mirror '{slug}'")])


def _cell(session: Session, console: Console, slug: str, environment: str) -> Cell:
    row = _row(session, console, slug)
    if environment not in row.cells:
        words = f"there is no environment '{environment}' (there are: {', '.join(row.cells) or 'none'})"
        raise InvalidInput(f"{row.application.name} has no such environment.", [Problem("environment", words)])
    return row.cells[environment]


def _told_of(cell: Cell, report: DriftReport) -> bool:
    return bool(report.drift or report.pending or report.not_compared or cell.drift)


def _print(session: Session, cell: Cell, report: DriftReport, now: datetime) -> None:
    out = session.out
    out.say(f"{cell.application.name} {cell.environment.name}", "bold")
    if cell.drift is not None and cell.drift not in SAME_IMAGE:
        out.say(f"  {cell.drift}: {drift_words(cell)}", "magenta")
    if report.drift:
        differences = counted(len(report.drift), "difference")
        out.say(f"  {differences} from {basis(report.record)}{_when(report, now)}:", "magenta")
        for difference in report.drift:
            out.say(f"    {difference}")
    if report.not_compared:
        out.say(f"  secrets {report.not_compared}", "bright_black")
    if report.pending:
        out.say(f"  {pending_words(len(report.pending))}:", "yellow")
        for difference in report.pending:
            out.say(f"    {difference}")


def _when(report: DriftReport, now: datetime) -> str:
    record = report.record
    return f" ({on_or_at(record.at, now)} by {record.by})" if record and record.by else ""


def _shape(cell: Cell, report: DriftReport) -> dict[str, object]:
    record = report.record
    return {
        "mirror": cell.application.name,
        "slug": cell.application.slug,
        "environment": cell.environment.name,
        "environment_id": cell.environment.id,
        "kind": cell.drift.value if cell.drift else None,
        "words": drift_text(cell) if cell.drift else "",
        "differences": [
            {
                "field": difference.field,
                "applied": difference.applied,
                "observed": difference.observed,
                "not_adoptable": not_adoptable(difference.field, cell.environment.settings),
            }
            for difference in report.drift
        ],
        "not_compared": report.not_compared,
        "pending": [{"field": one.field, "applied": one.applied, "catalog": one.observed} for one in report.pending],
        "applied": (
            {"at": record.at, "by": record.by, "title": record.title, "rollout_id": record.rollout_id}
            if record
            else None
        ),
    }


def _taken_shape(cell: Cell, taken: Taken) -> dict[str, object]:
    return {
        "mirror": cell.application.name,
        "environment": cell.environment.name,
        "fields": taken.fields,
        "others": len(taken.after) - 1,
    }
