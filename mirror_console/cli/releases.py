"""Releases: list what a source's environments have had, and say of a release what may not be missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer

from mirror_console.cli.session import JsonOption, Session, session_of, told
from mirror_console.cli.surveyed import surveyed
from mirror_console.domain.application import Application, notes_link
from mirror_console.domain.fleet import SourceRow
from mirror_console.domain.image import short
from mirror_console.domain.moment import moment
from mirror_console.domain.release import Mark, Release
from mirror_console.domain.release_use import Use, stands_for, uses
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.local_time import local
from mirror_console.operations.marks import find_release, find_source, mark_release, source_releases

SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="The source, by slug.")]
ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="Its version, or its digest or how that begins.")
]
_MARKS = {"stop-here": Mark.STOP_HERE, "migration": Mark.MIGRATION, "withdrawn": Mark.WITHDRAWN}
"""Marks as they are typed."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="releases",
        help="Releases of a source: list, mark, unmark. Rollouts heed the marks.",
        short_help="What a source's environments have had.",
    )
    group.command("list")(list_all)
    group.command("mark")(mark)
    group.command("unmark")(unmark)


@told
def list_all(context: typer.Context, source: SourceArgument, as_json: JsonOption = False) -> None:
    """List every image that the source's environments have had, the newest first, and who has it.

    As expected: so many environments of mirrors have it, of those that should. Not expected: so many have it and
    should have another.
    """
    session = session_of(context)
    with session.console() as (console, _):
        application = find_source(console, source)
        grid, now = surveyed(session, console), console.clock()
    row = next(one for one in grid.sources if one.application.id == application.id)
    used = uses(grid, application.id)
    if as_json:
        session.out.json(_shape(row, used))
    else:
        _print(session, row, used, local(now))


@told
def mark(
    context: typer.Context,
    source: SourceArgument,
    release: ReleaseArgument,
    mark: Annotated[
        list[str],
        typer.Option(
            "--mark", metavar="MARK", help=f"One of {', '.join(_MARKS)}; may be repeated. Others that it has stay."
        ),
    ],
    remark: Annotated[str | None, typer.Option("--remark", help="Why; else the remark that it has stays.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Mark a release, for every environment of the source that has had the same image.

    stop-here: no rollout skips it; who is behind goes to it first. migration: rollouts over it warn. withdrawn: no
    rollout goes to it.
    """
    session = session_of(context)
    session.demand_write()
    wanted = _read(mark)
    with session.console(write=True) as (console, _):
        application, chosen = _chosen(console, source, release)
        kept = chosen.remark if remark is None else remark
        marked = mark_release(console, application.id, chosen.id, {*chosen.marks, *wanted}, kept)
    _tell(session, application, marked[0], as_json=as_json)


@told
def unmark(
    context: typer.Context,
    source: SourceArgument,
    release: ReleaseArgument,
    marks: Annotated[
        list[str] | None, typer.Option("--mark", metavar="MARK", help="Take this mark away; all if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Take marks away from a release; with the last one goes the remark."""
    session = session_of(context)
    session.demand_write()
    gone = _read(marks) if marks else set(Mark)
    with session.console(write=True) as (console, _):
        application, chosen = _chosen(console, source, release)
        left = set(chosen.marks) - gone
        marked = mark_release(console, application.id, chosen.id, left, chosen.remark if left else "")
    _tell(session, application, marked[0], as_json=as_json)


def _chosen(console: Console, source: str, release: str) -> tuple[Application, Release]:
    application = find_source(console, source)
    return application, find_release(source_releases(console, application.id), release)


def _read(texts: Sequence[str]) -> set[Mark]:
    """Marks as they are typed. Raises InvalidInput."""
    found, problems = set(), []
    for text in texts:
        word = text.strip().lower().replace(" ", "-").replace("_", "-").removeprefix("has-a-")
        if word in _MARKS:
            found.add(_MARKS[word])
        else:
            problems.append(Problem("mark", f"'{text}' is not a mark: {', '.join(_MARKS)}"))
    if problems:
        raise InvalidInput("The release was not marked.", problems)
    return found


def _tell(session: Session, application: Application, release: Release, *, as_json: bool) -> None:
    marked = f"{application.name} {release.title}"
    words = f"{marked} is marked: {_marks(release)}." if release.marks else f"{marked} has no mark any more."
    shape = {
        "source": application.slug,
        "version": release.version,
        "digest": release.digest,
        "marks": release.marks,
        "remark": release.remark,
        "words": words,
    }
    session.out.done(words, shape, as_json=as_json)


def _marks(release: Release) -> str:
    words = ", ".join(release.marks)
    return f"{words} ({release.remark})" if release.remark else words


def _print(session: Session, row: SourceRow, used: Mapping[str, Use], now: datetime) -> None:
    for one in row.environments:
        session.out.say(f"{one.environment.name}: {stands_for(one, now)}")
    lines: list[list[str | tuple[str, str]]] = []
    for name, release, standing in _releases(row):
        use = used.get(release.id, Use())
        lines.append(
            [
                release.title,
                name,
                standing,
                moment(release.first_seen, now),
                short(release.revision),
                short(release.digest),
                use.as_expected,
                str(use.others or ""),
                (_marks(release), "yellow"),
            ]
        )
    if not lines:
        session.out.say("None was seen yet: 'mirror-console check' notes what its environments run.")
        return
    names = [
        "release",
        "environment",
        "now",
        "first seen",
        "revision",
        "digest",
        ">as expected",
        ">not expected",
        "marks",
    ]
    session.out.table(names, lines)
    notes = {release.title: link for _, release, _ in _releases(row) if (link := _notes(row.application, release))}
    if notes:
        session.out.say()
        session.out.table(["release", "notes"], [list(pair) for pair in notes.items()])


def _releases(row: SourceRow) -> list[tuple[str, Release, str]]:
    """Every release, the newest first: its environment, and whether that stands for it now."""
    found = [
        (one.environment.name, release, _standing(release, one.current, one.wanted))
        for one in row.environments
        for release in one.releases
    ]
    return sorted(found, key=lambda line: line[1].first_seen, reverse=True)


def _notes(application: Application, release: Release) -> str:
    return notes_link(application.notes_url, release.version, release.revision)


def _standing(release: Release, current: Release | None, wanted: Release | None) -> str:
    runs, points = current is not None and current.id == release.id, wanted is not None and wanted.id == release.id
    if wanted is None or (current is not None and wanted.id == current.id):
        return "current" if runs else ""
    return "tag" if points and release.tag else "current" if points else "runs" if runs else ""


def _shape(row: SourceRow, used: Mapping[str, Use]) -> dict[str, object]:
    application = row.application
    return {
        "source": application.slug,
        "environments": [
            {
                "name": one.environment.name,
                "tag": one.environment.follows.tag if one.environment.follows else None,
                "every": one.environment.follows.every if one.environment.follows else None,
                "wanted": one.wanted.title if one.wanted else None,
                "runs": one.current.title if one.current else None,
                "looked_at": one.look.at if one.look else None,
                "words": one.look.words if one.look else "",
            }
            for one in row.environments
        ],
        "releases": [
            {
                "environment": name,
                "now": standing,
                "version": release.version,
                "revision": release.revision,
                "repository": release.repository,
                "digest": release.digest,
                "fingerprint": release.fingerprint,
                "tag": release.tag,
                "first_seen": release.first_seen,
                "created": release.created,
                "expected": used.get(release.id, Use()).expected,
                "runs": used.get(release.id, Use()).runs,
                "as_expected": used.get(release.id, Use()).met,
                "marks": release.marks,
                "remark": release.remark,
                "notes": _notes(application, release),
            }
            for name, release, standing in _releases(row)
        ],
    }
