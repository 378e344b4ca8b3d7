"""Clean: show what on engines is ours and needed no more, ask, and remove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from mirror_console.cli.session import ExitCode, JsonOption, Session, session_of, told
from mirror_console.cli.surveyed import engine_ids
from mirror_console.domain.cleanup import CleanUp, Item, counted
from mirror_console.domain.engine import Engine
from mirror_console.domain.sizes import size_text
from mirror_console.errors import EngineError
from mirror_console.jobs import Jobs
from mirror_console.operations.cleanup import Cleaned, look, remove
from mirror_console.operations.console import Console

AT_ONCE = 16


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("clean", short_help="Remove what rollouts left and nothing needs.")(clean)


@told
def clean(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="ENGINE", help="Their names; all engines if left out.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is shown, without a question.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what rollouts left on engines and nothing needs any more, and remove it once you agree.

    Ways back are kept, with their images. What doesn't carry this catalog's labels, or isn't in its records, is never
    touched.
    """
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        engines = _chosen(console, names or [])
        found, failed = _looked(console, jobs, engines)
        if not as_json:
            for engine_id, what in found.items():
                _show(session, engines[engine_id], what)
            for engine_id, error in failed.items():
                session.out.note(f"{engines[engine_id].name} couldn't be asked: {error}", "yellow")
        goes = [item for what in found.values() for item in what.goes]
        cleaned: dict[str, Cleaned] = {}
        if goes:
            frees = sum(what.frees for what in found.values())
            what_goes = counted(goes) + (f", up to {size_text(frees)}" if frees else "")
            session.agreed(f"Remove {what_goes}?", "Nothing was removed.", yes=yes, may_ask=not as_json)
            for engine_id, what in found.items():
                report = (lambda _words: None) if as_json else session.out.note
                try:
                    cleaned[engine_id] = remove(console, engines[engine_id], what.goes, report)
                except EngineError as error:
                    failed[engine_id] = error
                    session.out.error(error)
    if as_json:
        session.out.json([_shape(engines[one], found.get(one), cleaned.get(one), failed.get(one)) for one in engines])
    else:
        _tell(session, engines, cleaned, nothing=bool(found) and not goes)
    if failed or any(done.left for done in cleaned.values()):
        raise typer.Exit(ExitCode.ATTENTION)


def _chosen(console: Console, names: Sequence[str]) -> dict[str, Engine]:
    """The engines of these names, or all, by identity."""
    wanted = engine_ids(console, names) if names else None
    with console.catalog.read() as books:
        return {engine.id: engine for engine in books.engines.all() if wanted is None or engine.id in wanted}


def _looked(
    console: Console, jobs: Jobs, engines: Mapping[str, Engine]
) -> tuple[dict[str, CleanUp], dict[str, EngineError]]:
    """What each engine has, or why it couldn't be asked."""
    works = {one: (lambda engine=engine: look(console, engine)) for one, engine in engines.items()}
    found: dict[str, CleanUp] = {}
    failed: dict[str, EngineError] = {}
    for one, outcome in jobs.side_by_side(works, at_once=AT_ONCE).items():
        if isinstance(outcome, EngineError):
            failed[one] = outcome
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            found[one] = outcome
    return found, failed


def _show(session: Session, engine: Engine, what: CleanUp) -> None:
    out = session.out
    out.say(f"{engine.name}: {what.ways_back}.", "bold")
    for words, items in (("goes", what.goes), ("stays", what.stays)):
        if items:
            rows = [[words, str(item.thing), item.name, size_text(item.size), item.why] for item in items]
            out.table(["", "what", "name", ">size", "why"], rows)


def _tell(session: Session, engines: Mapping[str, Engine], cleaned: Mapping[str, Cleaned], *, nothing: bool) -> None:
    if nothing:
        session.out.say("There is nothing to clean up.")
    for engine_id, done in cleaned.items():
        if done.removed:
            freed = f"; that frees up to {size_text(done.frees)}" if done.frees else ""
            session.out.say(f"Removed {counted(done.removed)} from {engines[engine_id].name}{freed}.")
        for item in done.left:
            session.out.say(f"{item.name} stays on {engines[engine_id].name}: {item.why}", "yellow")


def _shape(engine: Engine, what: CleanUp | None, done: Cleaned | None, error: EngineError | None) -> dict[str, object]:
    ways_back = what.ways_back if what else None
    return {
        "engine": engine.name,
        "error": str(error) if error else None,
        "ways_back": ways_back
        and {"containers": ways_back.containers, "images": ways_back.images, "size": ways_back.size},
        "stays": [_item(item) for item in what.stays] if what else [],
        "goes": [_item(item) for item in what.goes] if what else [],
        "frees_at_most": what.frees if what else 0,
        "removed": [item.id for item in done.removed] if done else [],
        "left": [_item(item) for item in done.left] if done else [],
    }


def _item(item: Item) -> dict[str, object]:
    return {"what": item.thing, "id": item.id, "name": item.name, "why": item.why, "size": item.size}
