"""Audit: who changed what through this console, whether that is as it was written, and an account's part of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mirror_console.cli.files import write_text
from mirror_console.cli.session import ExitCode, JsonOption, session_of, told
from mirror_console.domain.audit import Act, AuditFilter, Noun, doing_words
from mirror_console.domain.image import short
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.act_words import how_words
from mirror_console.operations.audit import audit_lines
from mirror_console.operations.audit import verify as check
from mirror_console.operations.evidence import evidence as gather
from mirror_console.operations.evidence import written
from mirror_console.operations.report import Format
from mirror_console.operations.written import moment

SHOWN = 50
SinceOption = Annotated[str, typer.Option("--since", help="From this time on, such as 2026-08-30 or 2026-08-30T14:00.")]
UntilOption = Annotated[str, typer.Option("--until", help="Before this time.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(
        group,
        name="audit",
        help="Who changed what through this console, whether that record is whole, and an account's part of it.",
        short_help="Who changed what, and the proof of it.",
    )
    group.command("list")(list_lines)
    group.command("verify")(verify)
    group.command("evidence")(evidence)


@told
def list_lines(
    context: typer.Context,
    about: Annotated[str, typer.Argument(metavar="WORDS", help="A part of a name: a mirror, an engine, a plan.")] = "",
    person: Annotated[str, typer.Option("--person", help="By whom.")] = "",
    account: Annotated[str, typer.Option("--account", help="On whose mirrors.")] = "",
    noun: Annotated[Noun | None, typer.Option("--of", help="What was changed.")] = None,
    since: SinceOption = "",
    until: UntilOption = "",
    most: Annotated[int, typer.Option("--most", min=1, help="How many lines, the newest; all with --json.")] = SHOWN,
    as_json: JsonOption = False,
) -> None:
    """List what was changed, newest first.

    Identities are shortened, numbers rounded, and of targets only what people read is told; --json has all of it.
    """
    session = session_of(context)
    which = AuditFilter(_time(since, "since"), _time(until, "until"), person, noun, account, about)
    with session.console() as (console, _):
        lines = audit_lines(console, which, None if as_json else most + 1)
    if as_json:
        session.out.json(lines)
        return
    rows = []
    for line in lines[:most]:
        different = _readable("; ".join(how_words(_for_people(line.act))))
        why = f"{line.act.why.rstrip('.')}. " if line.act.why else ""
        who = f"{line.person} on {line.machine}" if line.machine else line.person
        what = doing_words(line.act)
        title = _readable(line.act.title)
        rows.append((str(line.sequence), moment(line.at), who, title, what, f"{why}{different}"))
    session.out.table((">line", "when", "who", "of", "what", "why and how"), rows)
    if len(lines) > most:
        session.out.note_more(most)


@told
def verify(context: typer.Context, as_json: JsonOption = False) -> None:
    """Read the whole audit and journal again, and say the first line that isn't as it was written.

    The exit code is 1 where one isn't. Lines that were cut off at the end are found by the line that the keyring keeps;
    where that can't be read, it is said, and the exit code tells of the rest. Nothing is changed.
    """
    session = session_of(context)
    with session.console() as (console, _):
        found = check(console)
    told = {
        "sound": found.sound,
        "lines": found.lines,
        "broken_at": found.broken_at,
        "journal_broken_at": found.journal_broken_at,
        "anchor": found.anchor.value,
        "anchored": found.anchored,
        "words": found.sentence,
    }
    session.out.done(found.sentence, told, as_json=as_json)
    if not found.sound:
        raise typer.Exit(ExitCode.ATTENTION)


@told
def evidence(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose mirrors.")],
    form: Annotated[Format, typer.Option("--format", help="As what it is written.")] = Format.MARKDOWN,
    to: Annotated[Path | None, typer.Option("--to", help="Write it to this file.")] = None,
    since: SinceOption = "",
    until: UntilOption = "",
    as_json: JsonOption = False,
) -> None:
    """Tell what was changed on one account's mirrors: when, by whom, from which image to which, verified how.

    It is written in any case; the exit code is 1, and its top says so, where the audit isn't as it was written.
    """
    session = session_of(context)
    with session.console() as (console, _):
        times = (_time(since, "since"), _time(until, "until"))
        found = gather(console, account, *times)
    text = written(found, Format.JSON if as_json else form)
    if to is None:
        session.out.raw(text)
    else:
        write_text(to, text)
        session.out.note(f"Wrote {to}.")
    if not found.sound:
        session.out.note(found.verified, "bold red")
        raise typer.Exit(ExitCode.ATTENTION)


_BY_MACHINES = {"container_id", "environment_id", "planned", "reference", "way_back", "container"}
"""What a line has of a target that is over for programs to look up."""
_IDENTITY = re.compile(r"(?:(?<!@)\b(?:sha256|fp1):|\b)(?=[0-9a-f]{24})[0-9a-f]+\b")
_FIGURE = re.compile(r"(?<![\d.:])\d+\.\d{3,}(?![\d.])")


def _for_people(act: Act) -> Act:
    if act.noun is not Noun.TARGET:
        return act
    before, after = (
        {name: value for name, value in side.items() if name not in _BY_MACHINES} for side in (act.before, act.after)
    )
    return replace(act, before=before, after=after)


def _readable(words: str) -> str:
    """Words with their identities and figures as short as everywhere else."""
    shortened = _IDENTITY.sub(lambda found: short(found[0]), words)
    return _FIGURE.sub(lambda found: f"{float(found[0]):.2f}", shortened)


def _time(text: str, field: str) -> datetime | None:
    """A time as it is typed, in the zone of this computer unless it says another. Raises InvalidInput."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        problem = Problem(field, f"'{text}' is no time: write 2026-08-30, or 2026-08-30T14:00")
        raise InvalidInput("The audit was not read.", [problem]) from None
