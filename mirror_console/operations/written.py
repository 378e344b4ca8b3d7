"""Written: how what is reported becomes a file for others: cells of CSV, Markdown and HTML in which text stays text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import jinja2
import msgspec

from mirror_console.domain.counting import counted
from mirror_console.domain.moment import MONTHS
from mirror_console.domain.plain import plain, plain_lines
from mirror_console.operations.local_time import local
from mirror_console.paths import resources

Cell = str | int | float | datetime | None
_ACTS = re.compile(r"[=+\-@\t\r]")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table as CSV, by RFC 4180: commas, quotes where needed, lines that end in CR LF, the names first.

    Text that a spreadsheet would run as a formula begins with an apostrophe. Times are in UTC, spans in seconds.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return file.getvalue()


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            text = plain(cell)
            return f"'{text}" if _ACTS.match(text) else text
        case datetime():
            return cell.isoformat(timespec="seconds").replace("+00:00", "Z")
        case float():
            return f"{cell:.3f}"
        case _:
            return str(cell)


def json_document(content: object) -> str:
    """A JSON document that people can read too."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def marked(text: str) -> str:
    """Text of others, so that it stays text in Markdown: no mark, no HTML, no link."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_[]<>#|~!&" else sign for sign in plain(text))
    return escaped.replace("://", ":\\//").replace("www.", "www\\.")


def moment(at: datetime | None) -> str:
    """A time in the zone of this computer: ``30 Aug 2026 14:21:07``."""
    if at is None:
        return "—"
    here = local(at)
    return f"{here.day} {MONTHS[here.month - 1]} {here.year} {here:%H:%M:%S}"


def zone(at: datetime) -> str:
    """The zone that times are told in: ``UTC+02:00``."""
    here = local(at)
    return f"UTC{here.isoformat()[-6:]}" if here.utcoffset() else "UTC"


def seconds(span: float | None) -> str:
    """A span: ``0.4 s``, ``58 s``, ``4 min 12 s``, ``2 h 5 min``."""
    if span is None:
        return "—"
    if span < 10:
        return f"{span:.1f} s"
    whole = round(span)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def templates() -> jinja2.Environment:
    """Where HTML comes from; every text in it is escaped."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Everything that is written out passes here: text of engines is on every second line. Text that has lines of
        # its own goes through 'in_lines' and 'forceescape' before, and is left as it is.
        finalize=lambda value: plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    found.filters.update(
        moment=moment, zone=zone, seconds=seconds, joined=", ".join, counted=counted, in_lines=plain_lines
    )
    return found
