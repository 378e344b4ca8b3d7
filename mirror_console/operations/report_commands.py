"""Report commands: what a report tells of what was run before releases took over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.release_command import CommandRun, RunKind, RunState
from mirror_console.operations.ports.catalog import Books

LINES = 40
"""Lines of the end of its output that are told of a run that didn't succeed."""


@dataclass(frozen=True, slots=True)
class ReportedCommand:
    """One run. `output` is the end of what it wrote where it didn't succeed; secrets are taken out."""

    kind: RunKind
    mirror: str
    command: str
    state: RunState
    exit_code: int | None
    began_at: datetime
    seconds: float | None
    words: str
    said: str
    """What a person said of it, and who."""
    output: str


def reported_commands(books: Books, rollout_id: str) -> tuple[ReportedCommand, ...]:
    """What was run in a rollout: what didn't succeed first."""
    runs = sorted(books.commands.of(rollout_id), key=lambda run: run.state is RunState.SUCCEEDED)
    return tuple(_reported(books, run) for run in runs)


def commands_words(commands: Sequence[ReportedCommand]) -> str:
    """In one sentence what came of them: ``3 release commands succeeded, 1 failed``; empty where nothing was run."""
    told = []
    for kind in RunKind:
        counts = Counter(one.state for one in commands if one.kind is kind)
        if counts:
            outcomes = ", ".join(f"{counts[state]} {state}" for state in RunState if counts[state])
            told.append(f"{kind}: {outcomes}")
    return "; ".join(told)


def _reported(books: Books, run: CommandRun) -> ReportedCommand:
    good = run.state is RunState.SUCCEEDED
    written = "" if good else "\n".join(books.commands.get(run.id).output.splitlines()[-LINES:])
    return ReportedCommand(
        kind=run.kind,
        mirror=run.title,
        command=run.line,
        state=run.state,
        exit_code=run.exit_code,
        began_at=run.begun_at,
        seconds=(run.ended_at - run.begun_at).total_seconds() if run.ended_at else None,
        words=run.words,
        said=f"{run.said_by}: {run.word}" if run.word else "",
        output=written,
    )
