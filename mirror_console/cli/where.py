"""Where: which environments run a build, and which engines hold it."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror_console.cli.session import JsonOption, session_of, told
from mirror_console.domain.moment import age
from mirror_console.domain.where import Build, Whereabouts
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.where import where as whereabouts


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("where", short_help="Show where a build runs.")(where)


@told
def where(
    context: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A digest, tag, revision, version, image id or the start of one.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show which environments of mirrors and sources run a build, by any name of it, and which engines hold it.

    From the catalog: refresh first with `mirror-console check` where it may be old.
    """
    session = session_of(context)
    with session.console() as (console, _):
        found = whereabouts(console, text)
        now = console.clock()
    if not found.could_be_one:
        words = "it looks like registry.example:5000/shop/webshop:26.8, 26.8, sha256:4f1c… or 4f1c20a"
        raise InvalidInput(found.sentence, [Problem("text", words)])
    if as_json:
        session.out.json(_shape(found))
        return
    session.out.say(found.sentence)
    for build in found.builds:
        if len(found.builds) > 1:
            session.out.say(f"\n{_title(build)}")
        lines: list[list[str | tuple[str, str]]] = [
            [
                place.application if place.is_mirror else f"{place.application} (source)",
                place.environment + (f" ({', '.join(place.processes)})" if place.processes else ""),
                place.engine,
                "runs" if place.running else "stopped",
                f"{age(now - place.seen_at)} ago",
            ]
            for place in build.places
        ]
        lines += [["", "", one.engine, "holds it", f"{age(now - one.seen_at)} ago"] for one in build.holding]
        if lines:
            session.out.table(["application", "environment", "engine", "state", "seen"], lines)


def _title(build: Build) -> str:
    more = ", ".join(part for part in (build.platform, build.revision) if part)
    return f"{build.title} ({build.identity}{f', {more}' if more else ''})"


def _shape(found: Whereabouts) -> dict[str, object]:
    builds = [
        {
            "title": build.title,
            "fingerprint": build.fingerprint,
            "digest": build.digest,
            "platform": build.platform,
            "revision": build.revision,
            "names": build.names,
            "environments": [
                {
                    "application": place.application,
                    "environment": place.environment,
                    "source": not place.is_mirror,
                    "engine": place.engine,
                    "running": place.running,
                    "seen_at": place.seen_at,
                    "processes": place.processes,
                }
                for place in build.places
            ],
            "held_by": [{"engine": one.engine, "seen_at": one.seen_at} for one in build.holding],
        }
        for build in found.builds
    ]
    return {"asked": found.asked, "words": found.sentence, "builds": builds}
