"""Prefetch: bring a release to engines ahead of its rollout, from the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from mirror_console.cli.output import terminal_for_progress
from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.surveyed import engine_ids, surveyed
from mirror_console.domain.fetching import ARRIVED, Fetch, fetching_words
from mirror_console.domain.plain import plain
from mirror_console.domain.way import Way
from mirror_console.jobs import Jobs
from mirror_console.operations.ahead import Errand
from mirror_console.operations.console import Console
from mirror_console.operations.prefetch import demand_way, of_source
from mirror_console.operations.prefetch import prefetch as fetch_now

DRAWN_EVERY = 0.2
"""Seconds."""
_USUAL = Way()


@told
def prefetch(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source, by slug.")],
    environment: Annotated[
        str, typer.Option("--environment", "-e", help="The mirrors' environment that is to be rolled out.")
    ] = "live",
    release: Annotated[
        str, typer.Option("--release", help="A version, revision or digest; else what each mirror expects.")
    ] = "",
    engine: Annotated[
        list[str] | None, typer.Option("--engine", metavar="ENGINE", help="This engine alone; may be repeated.")
    ] = None,
    per_registry: Annotated[
        int, typer.Option("--per-registry", help="Pulls at once from one registry.")
    ] = _USUAL.pulls_per_registry,
    per_engine: Annotated[
        int, typer.Option("--per-engine", help="Pulls at once to one engine.")
    ] = _USUAL.pulls_per_engine,
    as_json: JsonOption = False,
) -> None:
    """Bring a release to the engines of a source's mirrors now, so that tonight's rollout needn't. No container is
    touched. Ctrl-C breaks it off.
    """
    session = session_of(context)
    session.demand_write()
    way = Way(pulls_per_registry=per_registry, pulls_per_engine=per_engine)
    demand_way(way)
    with session.console(write=True) as (console, jobs):
        if engine:
            engine_ids(console, engine)
        errands = of_source(console, surveyed(session, console), source, environment, release, engine or ())
        fetches = _fetched(session, console, jobs, errands, way)
    _tell(session, fetches, as_json=as_json)
    if any(fetch.state not in ARRIVED for fetch in fetches):
        raise typer.Exit(ExitCode.ATTENTION)


def _fetched(
    session: Session, console: Console, jobs: Jobs, errands: tuple[Errand, ...], way: Way
) -> tuple[Fetch, ...]:
    """Fetch while the sentence that tells of it is drawn."""
    now = tuple(errand.fetch for errand in errands)

    def heard(fetches: tuple[Fetch, ...]) -> None:
        nonlocal now
        now = fetches

    job = jobs.submit("Fetch", lambda work: fetch_now(console, jobs, errands, way, heard, work))
    try:
        if not session.out.live:
            return job.result()
        with Live(Text(""), console=terminal_for_progress(), auto_refresh=False, transient=True) as live:
            while True:
                try:
                    return job.result(DRAWN_EVERY)
                except TimeoutError:
                    live.update(Text(plain(fetching_words(now))), refresh=True)
    finally:
        job.cancel()


def _tell(session: Session, fetches: tuple[Fetch, ...], *, as_json: bool) -> None:
    if as_json:
        session.out.json({"words": fetching_words(fetches), "fetches": [asdict(fetch) for fetch in fetches]})
        return
    session.out.say(fetching_words(fetches), "bold")
    rows: list[list[str | tuple[str, str]]] = [
        [
            (str(fetch.state), "green" if fetch.state in ARRIVED else "red"),
            fetch.engine,
            fetch.title,
            str(fetch.targets),
            fetch.words,
        ]
        for fetch in sorted(fetches, key=lambda fetch: fetch.state in ARRIVED)
    ]
    session.out.table(["state", "engine", "image", ">mirrors", "in words"], rows)
