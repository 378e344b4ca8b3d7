"""Release commands: what was run for releases at mirrors, what it wrote, and what a person says of it."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror_console.cli.finding import find_rollout
from mirror_console.cli.session import JsonOption, session_of, told
from mirror_console.domain.release_command import CommandRun, RunState, Said
from mirror_console.operations.left_commands import find_run
from mirror_console.operations.left_commands import say as say_of
from mirror_console.operations.written import moment, seconds

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or how it begins.")]
SAYS = {"counts-as-run": Said.COUNTS_AS_RUN, "may-run-again": Said.MAY_RUN_AGAIN}
WORD_HELP = "counts-as-run, or may-run-again."


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="release-commands",
        help="What was run for releases before they took over, and the backups before that: list, show, say.",
        short_help="What was run for releases.",
    )
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("say")(say)


@told
def list_all(
    context: typer.Context,
    rollout: Annotated[str, typer.Option("--rollout", help="Those of this rollout alone.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List what was run, the newest last: which waits for a person's word is said."""
    session = session_of(context)
    with session.console() as (console, _):
        of = find_rollout(console, rollout).id if rollout else ""
        with console.catalog.read() as books:
            runs = books.commands.of(of) if of else books.commands.all()
    if as_json:
        session.out.json([_shape(run) for run in runs])
    elif runs:
        rows: list[list[str | tuple[str, str]]] = [
            [run.id[:8], str(run.kind), run.title, _state(run), _took(run), run.line, _words(run)] for run in runs
        ]
        session.out.table(["id", "what", "mirror", "state", ">took", "command", "in words"], rows)
    else:
        session.out.say("Nothing was run for a release yet.")


@told
def show(context: typer.Context, run: RunArgument, as_json: JsonOption = False) -> None:
    """Show one run with what it wrote, secrets taken out: its beginning and its end, where it wrote much."""
    session = session_of(context)
    with session.console() as (console, _):
        found = find_run(console, run)
    if as_json:
        session.out.json({**_shape(found), "output": found.output})
        return
    session.out.say(f"{found.kind} at {found.title}: {found.state}", "bold")
    session.out.say(f"{found.line}, begun at {moment(found.begun_at)}, took {_took(found)}. {_words(found)}".rstrip())
    session.out.lines(found.output or "It wrote nothing.")


@told
def say(
    context: typer.Context,
    run: RunArgument,
    word: Annotated[str, typer.Argument(metavar="WORD", help=WORD_HELP)],
    as_json: JsonOption = False,
) -> None:
    """Say of a run that it counts as run, or that it may run again. Rollouts of its release heed it.

    Until then no rollout goes on where one failed that may not run again, or where nobody knows what came of it.
    """
    session = session_of(context)
    session.demand_write()
    if word not in SAYS:
        raise typer.BadParameter(f"say one of: {', '.join(SAYS)}", param_hint="WORD")
    with session.console(write=True) as (console, _):
        said = say_of(console, find_run(console, run).id, SAYS[word])
    session.out.done(f"The {said.kind} at {said.title} {said.word}.", _shape(said), as_json=as_json)


def _state(run: CommandRun) -> tuple[str, str]:
    good = run.state is RunState.SUCCEEDED or run.word is not None
    return str(run.state), "green" if good else "red" if run.over else ""


def _took(run: CommandRun) -> str:
    return seconds((run.ended_at - run.begun_at).total_seconds() if run.ended_at else None)


def _words(run: CommandRun) -> str:
    if run.word is not None:
        return f"{run.words}; {run.said_by}: {run.word}"
    return f"{run.words}; waits for your word" if run.needs_a_word else run.words


def _shape(run: CommandRun) -> dict[str, object]:
    return {
        "id": run.id,
        "kind": run.kind.value,
        "mirror": run.title,
        "environment_id": run.environment_id,
        "rollout": run.rollout_id,
        "release": run.release,
        "command": list(run.command),
        "state": run.state.value,
        "exit_code": run.exit_code,
        "begun_at": run.begun_at,
        "ended_at": run.ended_at,
        "words": run.words,
        "needs_a_word": run.needs_a_word,
        "said": run.word.value if run.word else "",
        "said_by": run.said_by,
    }
