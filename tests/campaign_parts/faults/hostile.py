"""Fault of an engine that is hostile: each point hears hundreds of replies that are spoilt in whatever way there is."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.campaign_parts.fault import Fault, Outcome
from tests.campaign_parts.hostile.bodies import HTML, RICH
from tests.campaign_parts.hostile.errand import ENDS, PLAIN, Errand
from tests.campaign_parts.hostile.fleet import simulated
from tests.campaign_parts.hostile.stub import hostile
from tests.campaign_parts.inside import Orders
from tests.campaign_parts.play import REPORTS, Point
from tests.campaign_parts.violation import Violation
from tests.campaign_parts.world import World
from tests.catalogs import opened_catalog
from tests.journeys.console import Ended, Program
from tests.journeys.starter import ORDERS

REPLIES = 200
"""Spoilt ones that a point hears at least."""
SHOWN = (
    ("status",),
    ("status", "--answer"),
    ("status", "--json"),
    ("check",),
    ("engine", "list"),
    ("image", "list"),
    ("audit", "list"),
    ("drift", "list"),
)
"""Commands that say what a hostile engine has told."""
MAY_END = "each command ends, and without a traceback"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def play(world: World, point: Point, replies: int = REPLIES) -> Outcome:
    """Hear that many, by the program's own code in a process of its own, and see what it shows of them."""
    # A socket's path may have a hundred letters; a test's folder has more.
    with tempfile.TemporaryDirectory(prefix="mc-") as short:
        return _play(world, point, replies, Path(short) / "e.sock")


def _play(world: World, point: Point, replies: int, socket: Path) -> Outcome:
    home = world.folder / f"h{world.port()}"
    home.mkdir(mode=0o700)
    opened_catalog(home / "catalog.sqlite").close()
    program = world.program(home)
    seed = f"{point.seed} {point.number}"
    every = point.number % 4
    file, hung = home / "told", home / "hung"
    errand = Errand(
        str(socket),
        str(file),
        str(hung),
        seed,
        replies,
        watch=every in {0, 1},
        rollout=point.number % 8 in {0, 2},
        window=every == 0,
    )
    with hostile(simulated(lambda: datetime.fromtimestamp(time.time(), UTC)), socket, seed):
        orders = Orders(mutant=point.mutant, gone=True, patience=0.5, hostile=asdict(errand)).text()
        ended = program.but(keyring={ORDERS: orders}).run("status", expect=None)
        told = json.loads(file.read_text()) if file.exists() else _no_end(ended, hung)
        wrong = [Violation(law, words) for law, words in told["wrong"]]
        if every in {0, 3}:
            wrong += _said(program, point.mutant)
    return Outcome(tuple(wrong), f"{told['lied']} hostile replies, after {seed}", "heard out")


def _no_end(ended: Ended, hung: Path) -> dict[str, Any]:
    stack = hung.read_text() if hung.exists() else ""
    wrong = (ENDS, f"it hangs:\n{stack[:3000]}") if stack else (MAY_END, str(ended)[-3000:])
    return {"wrong": [wrong], "lied": 0}


def _said(program: Program, mutant: str) -> Iterator[Violation]:
    """What commands and reports show of what was told."""
    begun = program.but(keyring={ORDERS: Orders(mutant=mutant).text()})
    reports = [("rollout", "report", "--format", form) for form in REPORTS]
    for command in (*SHOWN, *reports):
        try:
            ended = begun.run(*command, expect=None)
        except AssertionError as error:
            yield Violation(MAY_END, str(error)[-1500:])
            continue
        for words in _read_as_markup(command[-1], ended.out, ended.err):
            yield Violation(PLAIN, f"{' '.join(command)}: {words}")


def _read_as_markup(form: str, out: str, err: str) -> Iterator[str]:
    said = f"{out}\n{err}"
    found = _CONTROLS.search(said)
    if found:
        yield f"{found[0]!r} in {said[max(0, found.start() - 60) : found.end() + 60]!r}"
    if form not in {"html", "md"} and said.count(RICH) != said.count(f"[b]{RICH}"):
        yield "the markup of a terminal was read"
    if form == "html":
        reading = _Tags()
        reading.feed(out)
        if reading.found:
            yield f"a tag in HTML: {reading.found[:3]}"
    if form == "md" and re.search(rf"(?<!\\)<img src=x:{HTML}", out):
        yield "a tag in Markdown"
    if form == "csv":
        rows = csv.reader(io.StringIO(out))
        cells = [cell for row in rows for cell in row if cell[:1] in {"=", "+", "@"}]
        if cells:
            yield f"a table would calculate {cells[0][:60]!r}"


class _Tags(HTMLParser):
    """Tags that only a hostile text can have brought."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each."""
        if tag == "img" or any(HTML in (value or "") for _, value in attrs):
            self.found.append(tag)


FAULTS = (Fault("hostile", f"engine says {REPLIES} hostile things at each point", play, at_once=2),)
