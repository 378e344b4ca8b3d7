"""Schedule: maintenance windows and freezes from the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from mirror_console.cli.session import JsonOption, YesOption, session_of, told
from mirror_console.domain.moment import moment
from mirror_console.domain.schedule import Freeze, Schedule, Scope, Window, clock_text, scope_words
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.local_time import local
from mirror_console.operations.schedule import (
    FreezeInput,
    ScopeInput,
    WindowInput,
    as_typed,
    save_freeze,
    save_window,
    slug_of,
    take_away,
    the_schedule,
)

AccountOption = Annotated[str, typer.Option("--account", help="For the mirrors of this account.")]
MirrorOption = Annotated[str, typer.Option("--mirror", "-m", help="For this mirror, by slug.")]
EnvironmentOption = Annotated[str, typer.Option("--environment", "-e", help="For environments of this name.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As 'schedule list' shows it, or how it begins.")]
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
    group.command("edit")(edit)
    group.command("remove")(remove)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List all windows and freezes, and whether they count now."""
    session = session_of(context)
    with session.console() as (console, _):
        schedule, names = the_schedule(console)
        now = local(console.clock())
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
        now = local(console.clock())
    when = f"from {moment(made.begins_at, now)} until {moment(made.ends_at, now)}"
    words = f"Frozen {when}: {scope_words(made.scope, names)}."
    session.out.done(words, _freeze_shape(made, names), as_json=as_json)


@told
def remove(
    context: typer.Context,
    identity: IdArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a window or a freeze away."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        schedule, names = the_schedule(console)
        one = _found(schedule, identity, "take away")
        told_of = f"the {_kind(one)} of {scope_words(one.scope, names)}"
        session.agreed(f"Take away {told_of}?", "Nothing was taken away.", yes=yes)
        take_away(console, one.id)
    shape = _window_shape(one, names) if isinstance(one, Window) else _freeze_shape(one, names)
    session.out.done(f"Took away {told_of}.", shape, as_json=as_json)


@told
def edit(
    context: typer.Context,
    identity: IdArgument,
    days: Annotated[str | None, typer.Option("--days", help="Of a window: its days.")] = None,
    begins: Annotated[str | None, typer.Option("--from", help="When it begins.")] = None,
    ends: Annotated[str | None, typer.Option("--to", "--until", help="When it ends.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Of a freeze: why.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="The time zone of what is typed.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="For this account; '' for every.")] = None,
    mirror: Annotated[str | None, typer.Option("--mirror", "-m", help="For this mirror; '' for every.")] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", help="For environments of this name; '' for every.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Change a window or a freeze; what isn't named stays. Rollouts that are under way heed it at once."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _):
        schedule, _names = the_schedule(console)
        one = _found(schedule, identity, "change")
        typed = as_typed(one, slug_of(console, one), zone or "UTC")
        scope = _given(typed.scope, account=account, mirror=mirror, environment=environment)
        foreign = ({"days": days} if isinstance(one, Freeze) else {"reason": reason}).items()
        problems = [Problem(name, f"a {_kind(one)} has none") for name, text in foreign if text is not None]
        if isinstance(one, Freeze) and (begins or ends) and not zone:
            problems.append(
                Problem("zone", "in which time zone the time is meant is missing: say --zone Europe/Berlin")
            )
        if problems:
            raise InvalidInput("Nothing was changed.", problems)
        typed = _given(typed, days=days, begins=begins, ends=ends, reason=reason, zone=zone, scope=scope)
        made = save_window(console, typed) if isinstance(typed, WindowInput) else save_freeze(console, typed)
        _, names = the_schedule(console)
    shape = _window_shape(made, names) if isinstance(made, Window) else _freeze_shape(made, names)
    session.out.done(f"Changed the {_kind(made)} of {scope_words(made.scope, names)}.", shape, as_json=as_json)


T = TypeVar("T", ScopeInput, WindowInput | FreezeInput)


def _given(typed: T, **texts: object) -> T:
    """What is typed, with what was named in its place."""
    return replace(typed, **{name: value for name, value in texts.items() if value is not None})  # type: ignore[arg-type]  # names of its own fields


def _kind(one: Window | Freeze) -> str:
    return "window" if isinstance(one, Window) else "freeze"


def _found(schedule: Schedule, text: str, verb: str) -> Window | Freeze:
    found = [one for one in schedule.all if text.strip() and one.id.startswith(text.strip())]
    if len(found) != 1:
        words = f"'{text}' fits {len(found)} of them" if found else f"there is no window and no freeze '{text}'"
        raise InvalidInput(f"It isn't clear what to {verb}.", [Problem("id", words)])
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
