"""Locks: who works on which environments, and how a lock is taken over whose console is gone."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror_console.cli.hold import EnvironmentArgument, MirrorArgument, find_environment
from mirror_console.cli.progress import tell_outcome
from mirror_console.cli.session import ExitCode, JsonOption, Session, YesOption, session_of, told
from mirror_console.domain.lock import Lock, Pulse
from mirror_console.domain.moment import moment
from mirror_console.domain.rollout import Rollout
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.local_time import local
from mirror_console.operations.locks import all_locks
from mirror_console.operations.take_over import NOT_TAKEN, Found, Watched, standing_words, take_over, watch


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="locks",
        help="Who works on which environments: list, take-over.",
        short_help="Who works on which environments.",
    )
    group.command("list")(list_all)
    group.command("take-over")(take)


@told
def list_all(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the locks on all engines, as they say now: of any console, this one's among them."""
    session = session_of(context)
    with session.console() as (console, jobs):
        there = all_locks(console, jobs)
        now = local(console.clock())
    shapes = [
        {
            "engine": one.engine,
            "mirror": one.mirror,
            "environment": one.environment,
            "container": one.lock.container,
            "person": one.lock.person,
            "machine": one.lock.machine,
            "console": one.lock.console,
            "rollout": one.lock.rollout_id,
            "taken_at": one.lock.taken_at,
            "own": one.own,
        }
        for one in there.found
    ]
    if as_json:
        session.out.json(
            {
                "locks": shapes,
                "failed": [{"engine": name, "why": error.kind.value} for name, error in there.failed],
            }
        )
    elif there.found:
        rows = [
            [
                f"{one.mirror} {one.environment}".strip() or one.lock.container,
                one.engine,
                f"{one.lock.holder}{' (this catalog)' if one.own else ''}",
                moment(one.lock.taken_at, now) if one.lock.taken_at else "unknown",
                one.lock.rollout_id[:8],
            ]
            for one in there.found
        ]
        session.out.table(["environment", "engine", "held by", "since", "rollout"], rows)
    else:
        session.out.say("Nobody holds a lock.")
    if there.failed:
        names = ", ".join(f"{name} ({error.kind.value})" for name, error in there.failed)
        session.out.note(f"Not asked, as they don't answer: {names}.")
        raise typer.Exit(ExitCode.ATTENTION)


@told
def take(
    context: typer.Context,
    mirror: MirrorArgument,
    environment: EnvironmentArgument,
    why: Annotated[str, typer.Option("--why", help="Why: it stands in the report.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take the lock of a console over that is gone, and bring what it left in the middle to an end.

    Its heartbeat is watched first, for a minute: one that beats isn't taken from anybody. What was verified is
    finished, all else is put back. It takes a minute or two more, as a call that was sent before may still arrive.
    """
    session = session_of(context)
    session.demand_write()
    if not why.strip():
        raise InvalidInput(NOT_TAKEN, [Problem("why", "say why")])
    with session.console(write=True) as (console, jobs):
        _, found = find_environment(console, mirror, environment, NOT_TAKEN)
        watched = watch(console, found.id, _Told(session, console.lock_times.term))
        words = standing_words(watched, local(console.clock()))
        if watched.found is not Found.STILL:
            raise InvalidInput(NOT_TAKEN, [Problem("lock", words.rstrip("."))])
        _agreed(session, watched, words, yes=yes, may_ask=not as_json)
        rollout = take_over(console, jobs, watched, why.strip(), _Progress(session))
    tell_outcome(session, rollout, as_json=as_json)


class _Told:
    """Tells on whose heartbeat is waited, once."""

    def __init__(self, session: Session, term: float) -> None:
        self._session = session
        self._term = term
        self._said = False

    def __call__(self, lock: Lock, _pulse: Pulse) -> None:
        if not self._said:
            self._said = True
            self._session.out.note(f"Watches the heartbeat of {lock.holder} for {self._term:.0f} s.")


class _Progress:
    """Tells what is done, in a line for each new word of it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._said = ""

    def __call__(self, rollout: Rollout) -> None:
        (target,) = rollout.targets
        if target.words and target.words != self._said and not target.over:
            self._said = target.words
            self._session.out.note(f"{target.planned.application}: {target.words}.")


def _agreed(session: Session, watched: Watched, words: str, *, yes: bool, may_ask: bool) -> None:
    """Let a person say whose lock it is that is taken. Raises InvalidInput where they don't.

    A lock isn't taken by a habit, so no yes at a question is enough.
    """
    session.out.note(words, "bold")
    if yes or watched.lock is None:
        return
    holder = watched.lock.holder
    if not (may_ask and session.parts.interactive()):
        raise InvalidInput(NOT_TAKEN, [Problem("yes", "nobody can be asked here: say --yes")])
    session.out.note("Ask there first, where you can: whoever comes back finds that its rollout was ended here.")
    answer = typer.prompt(f"Type '{holder}' to take the lock over", err=True)
    if answer.strip() != holder:
        raise InvalidInput(NOT_TAKEN, [Problem("lock", f"that isn't '{holder}'")])
