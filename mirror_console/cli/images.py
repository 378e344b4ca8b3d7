"""Images: what an engine holds, and how one is brought from engine to engine without a registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mirror_console.cli.output import Output, terminal_for_progress
from mirror_console.cli.prefetch import prefetch
from mirror_console.cli.session import ExitCode, JsonOption, session_of, told
from mirror_console.cli.shapes.images import image_shape, relay_shape
from mirror_console.cli.surveyed import engine_ids
from mirror_console.domain.engine import Engine
from mirror_console.domain.image import short
from mirror_console.domain.plain import plain
from mirror_console.domain.relay import OVER, LegState, Relay
from mirror_console.domain.sizes import size_text
from mirror_console.jobs import Jobs, Stopped
from mirror_console.operations.console import Console
from mirror_console.operations.neighbours import neighbours
from mirror_console.operations.relay import Asked, relay
from mirror_console.operations.relay_choice import asked_by

DRAWN_EVERY = 0.2
"""Seconds."""
_STYLES = {LegState.FAILED: "red", LegState.BROUGHT: "green", LegState.THERE: "green"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="images",
        help="Images on engines: list, prefetch, relay.",
        short_help="Images on engines.",
    )
    group.command("list")(list_all)
    group.command("prefetch")(prefetch)
    group.command("relay")(carry)


@told
def list_all(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ENGINE", help="The engine's name.")],
    as_json: JsonOption = False,
) -> None:
    """List the images that an engine holds, as it says now, and which of them were brought by this console."""
    session = session_of(context)
    with session.console() as (console, _):
        engine = console.engine(engine_ids(console, [name])[0])
        listed = console.engines.session(engine).images()
        with console.catalog.read() as books:
            known = {held.id: held for held in books.images.on(engine.id)}
    shapes = [image_shape(item, known.get(item.id)) for item in listed]
    if as_json:
        session.out.json(shapes)
        return
    rows = [
        [_names(shape.tags, shape.digests), short(shape.id), size_text(shape.size), shape.brought_by]
        for shape in shapes
    ]
    session.out.table(["image", "id", ">size", "brought by"], rows)


def _names(tags: Sequence[str], digests: Sequence[str]) -> str:
    """What an image is called: by its tags, else by what it was pulled by, as rollouts do."""
    pulled = (f"{name.partition('@')[0]}@sha256:{short(name)}" for name in digests)
    return ", ".join(tags or pulled) or "(no name)"


@told
def carry(
    context: typer.Context,
    release: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE",
            help="A release by version, tag, revision, digest or identity, with SOURCE: before it where it is needed; "
            "or an image of the engine that gives it, by reference or id.",
        ),
    ],
    to: Annotated[
        list[str], typer.Option("--to", metavar="ENGINE", help="An engine that is to have it; may be repeated.")
    ],
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="ENGINE",
            help="An engine that has it; may be repeated. Left out: those that are known to.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring an image from an engine that has it to others, through this computer, without a registry.

    It is read once, and only those that lack it are sent it. Run it again to resume those that failed. Ctrl-C ends it.
    """
    session = session_of(context)
    session.demand_write()
    with session.console(write=True) as (console, jobs):
        targets = [console.engine(one) for one in dict.fromkeys(engine_ids(console, to))]
        sources = [console.engine(one) for one in dict.fromkeys(engine_ids(console, source or []))]
        asked = asked_by(console, release, sources or targets)
        if not source:
            sources = [one for one in neighbours(console, asked.fingerprint, "", "") if one not in targets]
        watch = _Watch(session.out, silent=as_json)
        outcome = _carried(console, jobs, asked, watch, sources=sources, targets=targets)
    if as_json:
        session.out.json(relay_shape(outcome))
    else:
        session.out.say(outcome.sentence)
        for hint in dict.fromkeys(leg.hint for leg in outcome.failed if leg.hint):
            session.out.say(hint)
    if not outcome.complete:
        raise typer.Exit(ExitCode.ATTENTION)


def _carried(console: Console, jobs: Jobs, asked: Asked, watch: _Watch, **engines: list[Engine]) -> Relay:
    job = jobs.submit(
        "Relay",
        lambda work: relay(console, jobs, asked, engines["sources"], engines["targets"], watch.tell, work),
    )
    with watch.drawn():
        while True:
            try:
                return job.result(DRAWN_EVERY)
            except TimeoutError:
                watch.draw()
            except Stopped:
                watch.say("It was ended. What had arrived as a whole stays; the rest was thrown away.")
                raise typer.Exit(ExitCode.ATTENTION) from None
            except KeyboardInterrupt:
                job.cancel()


class _Watch:
    """Draws a relay on a terminal; where there is none, says a line for each engine that is done with before others.

    How it ended, and why it failed somewhere, is for the sentence at the end.
    """

    def __init__(self, out: Output, *, silent: bool) -> None:
        self._out = out
        self._silent = silent
        self._relay: Relay | None = None
        self._said: set[str] = set()
        self._live: Live | None = None

    def tell(self, standing: Relay) -> None:
        """Take the newest standing; from any thread."""
        self._relay = standing

    def say(self, words: str) -> None:
        """A sentence beside the picture."""
        self._out.note(words, "yellow")

    def draw(self) -> None:
        """Show the newest standing."""
        standing = self._relay
        if standing is None:
            return
        if self._live is not None:
            self._live.update(_picture(standing), refresh=True)
            return
        if all(leg.state in OVER for leg in standing.legs):
            return
        for leg in standing.legs:
            if leg.state in OVER and leg.engine_id not in self._said and not self._silent:
                self._said.add(leg.engine_id)
                why = f": {leg.words}" if leg.words and leg.arrived else ""
                self._out.note(f"{leg.engine} {leg.state}{why}")

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Around the relay: the last standing is drawn at the end."""
        if not self._out.live or self._silent:
            try:
                yield
            finally:
                self.draw()
            return
        with Live(console=terminal_for_progress(), auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self.draw()
                self._live = None


def _picture(standing: Relay) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    for leg in standing.legs:
        share = f"{size_text(leg.octets)} of about {size_text(standing.size)}" if leg.octets else ""
        cells = (leg.engine, str(leg.state), share, leg.words if leg.arrived else "")
        table.add_row(*(Text(plain(cell), _STYLES.get(leg.state, "")) for cell in cells))
    return table
