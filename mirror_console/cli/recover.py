"""Recover: what a console that was cut off has left, and the choice what becomes of it."""

from __future__ import annotations

from functools import partial

import typer

from mirror_console.cli import progress
from mirror_console.cli.finding import RolloutArgument, find_rollout
from mirror_console.cli.progress import Watch, gone_on, tell_outcome
from mirror_console.cli.rollout_words import next_steps
from mirror_console.cli.session import ExitCode, JsonOption, session_of, told
from mirror_console.cli.shapes.rollouts import rollout_shape
from mirror_console.domain.recovery import MEANING
from mirror_console.domain.rollout import Rollout, RolloutState
from mirror_console.operations.console import Console
from mirror_console.operations.recovery import examine, go_on, interrupted, put_back
from mirror_console.operations.standing import tripped
from mirror_console.operations.trips import is_due, leave


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="recover",
        help="After a rollout that was cut off: list, continue, put-back, leave.",
        short_help="After a rollout that was cut off.",
    )
    group.command("list")(list_all)
    group.command("continue")(continue_)
    group.command("put-back")(put_it_back)
    group.command("leave")(leave_it)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """Say what was interrupted, and how its targets look on the engines now. Nothing is changed there.

    Rollbacks that a stop rule asks for, and that weren't begun before the console ended, are told too.
    """
    session = session_of(context)
    shapes = []
    with session.console(write=True) as (console, jobs):
        found = interrupted(console)
        for interruption in found:
            findings = examine(console, jobs, interruption.rollout)
            if not as_json:
                session.out.say(interruption.words, "bold")
                rows = [
                    [
                        one.target.planned.application,
                        one.target.planned.engine,
                        one.words,
                        MEANING[one.found] if one.found else "It stays unknown until its engine answers.",
                    ]
                    for one in findings
                ]
                session.out.table(["mirror", "engine", "what is there now", "what that means"], rows)
                name = interruption.rollout.id[:8]
                session.out.say(f"Re-read and continue: mirror-console recover continue {name}")
                session.out.say(f"Put back:             mirror-console recover put-back {name}")
            shapes.append(
                {
                    "rollout": rollout_shape(interruption.rollout),
                    "words": interruption.words,
                    "findings": [
                        {
                            "environment_id": one.target.environment_id,
                            "mirror": one.target.planned.application,
                            "found": one.found.value if one.found else None,
                            "words": one.words,
                            "down": one.down,
                        }
                        for one in findings
                    ],
                }
            )
        due = [rollout for rollout in tripped(console) if is_due(rollout)]
    for rollout in due:
        if not as_json:
            session.out.say(f"Rollout {rollout.plan.fingerprint}: {rollout.paused_because}", "bold")
            for words in (*next_steps(rollout), f"Leave it as it is: mirror-console recover leave {rollout.id[:8]}"):
                session.out.say(words)
        shapes.append({"rollout": rollout_shape(rollout), "words": rollout.paused_because, "findings": []})
    if as_json:
        session.out.json(shapes)
    elif not shapes:
        session.out.say("No rollout was interrupted.")
    if shapes:
        raise typer.Exit(ExitCode.ATTENTION)


@told
def continue_(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Re-read the engines, bring every target to one end or the other, and let the rest of the rollout go on.

    The rest is all that waits, also where it was cut off while only some targets were tried again.
    """
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        rollout = _chosen(console, rollout_text)
        watch = Watch(session.out, rollout, console)
        settle = partial(go_on, console, jobs, rollout.id, watch.tell)
        rollout = gone_on(session.out, console, jobs, settle, watch)
    tell_outcome(session, rollout, as_json=as_json)


@told
def put_it_back(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Put every target back that was cut off, begin no others, and end the rollout."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        rollout = _chosen(console, rollout_text)
        watch = Watch(session.out, rollout, console)
        work = partial(put_back, console, jobs, rollout.id, watch.tell)
        rollout = progress.put_back(jobs, work, watch)
    tell_outcome(session, rollout, as_json=as_json)


@told
def leave_it(context: typer.Context, rollout_text: RolloutArgument = "", as_json: JsonOption = False) -> None:
    """Leave as it is what a stop rule asks to roll back, where that wasn't begun before the console ended."""
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, _jobs):
        rollout = leave(console, find_rollout(console, rollout_text).id)
    tell_outcome(session, rollout, as_json=as_json)


def _chosen(console: Console, text: str) -> Rollout:
    """The rollout that is meant; those that were cut off are marked so first."""
    interrupted(console)
    return find_rollout(console, text, RolloutState.INTERRUPTED)
