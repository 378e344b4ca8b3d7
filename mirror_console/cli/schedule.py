"""Schedule: maintenance windows and freezes from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from mirror_console.cli.session import JsonOption, YesOption, session_of, told
from mirror_console.domain.moment import moment
from mirror_console.domain.schedule import Freeze, Schedule, Scope, Window, clock_text, scope_words
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.schedule import (
    FreezeInput,
    ScopeInput,
    WindowInput,
    save_freeze,
    save_window,
    take_away,
    the_schedule,
)

AccountOption = Annotated[str, typer.Option("--account", help="For the mirrors of this account.")]
MirrorOption = Annotated[str, typer.Option("--mirror", "-m", help="For this mirror, by slug.")]
EnvironmentOption = Annotated[str, typer.Option("--environment", "-e", help="For environments of this name.")]
ZoneOption = Annotated[str, typer.Option("--zone", help="The time zone, such as Europe/Berlin.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="schedule",
        help="When mirrors may be changed: maintenance windows, and freezes in which nobody changes anything.",
        short_help="When mirrors may be changed.",
    )
    group.command("list")(list_all)
    group.command("window")(window)
    group.command("freeze")(freeze)
    group.command("remove")(remove)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List all windows and freezes, and whether they count now."""
    session = session_of(context)
    with session.console() as (console, _):
        schedule, names = the_schedule(console)
        now = console.clock().astimezone()
    if as_json:
        session.out.json(
            [
                *(_window_shape(one, names) | {"now": one.is_open(now)} for one in schedule.windows),
                *(_freeze_shape(one, names) | {"now": one.in_force(now)} for one in schedule.freezes),
            ]
        )
        return
    if not schedule:
        session.out.say("Nothing is planned: mirrors may be changed at any time.")
        return
    session.out.table(["id", "what", "for", "when", "now", "why"], _rows(schedule, names, now))


def _rows(schedule: Schedule, names: dict[str, str], now: datetime) -> list[list[str]]:
    windows = [
        [one.id[:8], "window", scope_words(one.scope, names), str(one), "open" if one.is_open(now) else "closed", ""]
        for one in schedule.windows
    ]
    freezes = [
        [
            one.id[:8],
            "freeze",
            scope_words(one.scope, names),
            f"{moment(one.begins_at, now)} – {moment(one.ends_at, now)}",
            "frozen" if one.in_force(now) else "over" if one.ends_at <= now else "to come",
            one.reason,
        ]
        for one in schedule.freezes
    ]
    return windows + freezes


@told
def window(
    context: typer.Context,
    days: Annotated[str, typer.Option("--days", help="Such as sat,sun or mon-fri or 'every day'.")],
    begins: Annotated[str, typer.Option("--from", help="The time at which it opens, as 02:00.")],
    ends: Annotated[str, typer.Option("--to", help="The time at which it closes; earlier: on the next day.")],
    zone: ZoneOption,
    account: AccountOption = "",
    mirror: MirrorOption = "",
    environment: EnvironmentOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add hours in which changes may happen. Those of a mirror take the place of those of its account, and so on."""
    session = session_of(context)
    session.demand_write()
    scope = ScopeInput(account, mirror, environment)
    with session.console(write=True) as (console, _):
        made = save_window(console, WindowInput(days, begins, ends, zone, scope))
        _, names = the_schedule(console)
    words = f"Changes of {scope_words(made.scope, names)} may happen {made}."
    session.out.done(words, _window_shape(made, names), as_json=as_json)


@told
def freeze(
    context: typer.Context,
    begins: Annotated[str, typer.Option("--from", help="Its first day, or its begin, as '2026-12-20 18:00'.")],
    ends: Annotated[str, typer.Option("--until", help="Its last day, or its end.")],
    reason: Annotated[str, typer.Option("--reason", help="Why: whoever is stopped by it will ask.")],
    zone: ZoneOption,
    account: AccountOption = "",
    mirror: MirrorOption = "",
    environment: EnvironmentOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add a time in which nobody changes anything."""
    session = session_of(context)
    session.demand_write()
    scope = ScopeInput(account, mirror, environment)
    with session.console(write=True) as (console, _):
        made = save_freeze(console, FreezeInput(begins, ends, zone, reason, scope))
        _, names = the_schedule(console)
        now = console.clock().astimezone()
    when = f"from {moment(made.begins_at, now)} until {moment(made.ends_at, now)}"
    words = f"Frozen {when}: {scope_words(made.scope, names)}."
    session.out.done(words, _freeze_shape(made, names), as_json=as_json)


@told
def remove(
    context: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="As 'schedule list' shows it, or how it begins.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a window or a freeze away."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        schedule, names = the_schedule(console)
        one = _found(schedule, identity)
        told_of = f"the {'window' if isinstance(one, Window) else 'freeze'} of {scope_words(one.scope, names)}"
        session.agreed(f"Take away {told_of}?", "Nothing was taken away.", yes=yes)
        take_away(console, one.id)
    shape = _window_shape(one, names) if isinstance(one, Window) else _freeze_shape(one, names)
    session.out.done(f"Took away {told_of}.", shape, as_json=as_json)


def _found(schedule: Schedule, text: str) -> Window | Freeze:
    found = [one for one in schedule.all if text.strip() and one.id.startswith(text.strip())]
    if len(found) != 1:
        words = f"'{text}' fits {len(found)} of them" if found else f"there is no window and no freeze '{text}'"
        raise InvalidInput("It isn't clear what to take away.", [Problem("id", words)])
    return found[0]


def _scope_shape(scope: Scope, names: dict[str, str]) -> dict[str, str]:
    return {
        "account": scope.account,
        "mirror": names.get(scope.application_id, ""),
        "environment": scope.environment,
    }


def _window_shape(one: Window, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": "window",
        **_scope_shape(one.scope, names),
        "days": [day.value for day in one.days],
        "from": clock_text(one.begins),
        "to": clock_text(one.ends),
        "zone": one.zone,
    }


def _freeze_shape(one: Freeze, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": "freeze",
        **_scope_shape(one.scope, names),
        "from": one.begins_at,
        "until": one.ends_at,
        "reason": one.reason,
        "person": one.person,
    }
