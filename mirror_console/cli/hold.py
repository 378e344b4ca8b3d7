"""Hold: keep a mirror's environment on one image whatever its image source says, and let it follow it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from mirror_console.cli.session import JsonOption, session_of, told
from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment
from mirror_console.domain.moment import day, end_of_day, read_day
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.hold import clear_hold, set_hold
from mirror_console.operations.local_time import local
from mirror_console.operations.marks import find_release, source_releases

MirrorArgument = Annotated[str, typer.Argument(metavar="MIRROR", help="The mirror, by slug.")]
NOT_HELD = "This can't be held."
EnvironmentArgument = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Its environment, such as live.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("hold", short_help="Keep an environment on one image.")(hold)
    app.command("unhold", short_help="Let it follow its image source again.")(unhold)


@told
def hold(
    context: typer.Context,
    mirror: MirrorArgument,
    environment: EnvironmentArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why: whoever looks at it later will ask.")],
    version: Annotated[str, typer.Option("--version", help="A release of its source; else what runs there.")] = "",
    digest: Annotated[str, typer.Option("--digest", help="The same by digest, or how it begins.")] = "",
    until: Annotated[str, typer.Option("--until", help="Its last day, as 2026-09-30; else it has no end.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Keep an environment on one image whatever its image source says. Rollouts to it go to that image.

    After its last day it follows its image source again.
    """
    session = session_of(context)
    session.demand_write()
    if version and digest:
        raise InvalidInput("The environment was not held.", [Problem("version", "give a version or a digest")])
    with session.console(write=True) as (console, _):
        now = local(console.clock())
        end = _end_of(until, now)
        application, found = find_environment(console, mirror, environment, NOT_HELD)
        wanted = version or digest
        release = find_release(source_releases(console, application.source_id), wanted) if wanted else None
        held = set_hold(console, found.id, reason, end, release)
    kept = held.hold
    assert kept is not None  # noqa: S101 - it was held just now
    when = f" until {day(kept.until, now)}" if kept.until else ", without an end"
    what = kept.version or kept.identity
    session.out.done(
        f"{application.name} {held.name} is held on {what}{when}: {kept.reason}.",
        {
            "mirror": application.slug,
            "environment": held.name,
            "version": kept.version,
            "fingerprint": kept.fingerprint,
            "digest": kept.digest,
            "reason": kept.reason,
            "person": kept.person,
            "until": kept.until,
        },
        as_json=as_json,
    )


@told
def unhold(
    context: typer.Context, mirror: MirrorArgument, environment: EnvironmentArgument, as_json: JsonOption = False
) -> None:
    """Let an environment follow its image source again. That it isn't held is fine."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        application, found = find_environment(console, mirror, environment, NOT_HELD)
        was_held = found.hold is not None
        clear_hold(console, found.id)
    words = f"{application.name} {found.name} {'follows its image source again' if was_held else 'was not held'}."
    shape = {"mirror": application.slug, "environment": found.name, "was_held": was_held}
    session.out.done(words, shape, as_json=as_json)


def find_environment(console: Console, mirror: str, name: str, refusal: str) -> tuple[Application, Environment]:
    """A mirror's environment. Raises InvalidInput, with `refusal` as its title."""
    with console.catalog.read() as books:
        application = books.applications.by_slug(mirror.strip())
        if application is None or not application.is_mirror:
            raise InvalidInput(refusal, [Problem("mirror", f"there is no mirror '{mirror}'")])
        environments = books.environments.of(application.id)
    found = next((one for one in environments if one.name == name.strip()), None)
    if found is None:
        there = ", ".join(one.name for one in environments) or "none yet"
        problem = Problem("environment", f"{application.name} has no environment '{name}' (it has: {there})")
        raise InvalidInput(refusal, [problem])
    return application, found


def _end_of(text: str, now: datetime) -> datetime | None:
    """The end of a day that was typed. Raises InvalidInput."""
    if not text.strip():
        return None
    last = read_day(text)
    if last is None:
        problem = Problem("until", f"'{text.strip()}' is no day: write 2026-09-30")
        raise InvalidInput("The environment was not held.", [problem])
    return end_of_day(last, now)
