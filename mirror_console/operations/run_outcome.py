"""Run outcome: what came of a command that was run for a release, read from its container and kept for good.

The container goes only after that. The same is done for a command that this console left when it was cut off.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mirror_console.domain.observation import LABEL, Container
from mirror_console.domain.redaction import Hiding
from mirror_console.domain.release_command import (
    ALIVE,
    FIRST_KEPT,
    LAST_KEPT,
    CommandRun,
    RunKind,
    RunState,
    kept_output,
    last_line,
    outcome,
)
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError
from mirror_console.operations.given_secrets import given_secrets
from mirror_console.operations.steps import remove, stop
from mirror_console.operations.turn import OutcomeUnknown, StepFailed, Turn

STEPS = {RunKind.BACKUP: Step.BACK_UP, RunKind.RELEASE: Step.RELEASE}
MARGIN = 16 * 1024
"""Octets that are read beyond what is kept: a secret that is cut off there isn't found, and is cut away whole."""


def settled(turn: Turn, run: CommandRun, refused: str = "") -> CommandRun:
    """Look what came of a run, stop it where it is at its limit, keep its outcome, then remove its container.

    `refused` are the engine's words where it wouldn't start it. Raises OutcomeUnknown, Superseded and EngineError.
    """
    seen = container_of(turn, run)
    stopped = False
    if seen is not None and seen.state in ALIVE:
        seen, stopped = _stopped(turn, seen), True
    state, exit_code, words = outcome(run, seen, stopped=stopped)
    output = _output(turn, run, seen) if seen is not None and seen.started_at is not None else ""
    if state is RunState.NOT_RUN:
        words = refused or words
    elif said := last_line(output):
        words = f"{words}: {said}" if words else said
    ended_at = turn.console.clock()
    ended = replace(run, state=state, exit_code=exit_code, words=words, output=output, ended_at=ended_at)
    turn.keep()
    keep(turn, ended)
    turn.console.mark("COMMAND:kept")
    if seen is not None and state is not RunState.UNKNOWN:
        try:
            remove(turn, Step.REMOVE_COMMAND, seen.id, "command")
        except (StepFailed, OutcomeUnknown) as left:
            # What came of it is kept: the clean-up finds what is left.
            keep(turn, replace(ended, words=f"{ended.words}; its container was left behind: {left}".lstrip("; ")))
    return ended


def keep(turn: Turn, run: CommandRun) -> None:
    """Keep where a run stands. Raises CatalogError."""
    with turn.console.catalog.write() as books:
        books.commands.save(run)


def is_run(container: Container, run: CommandRun) -> bool:
    """Whether a container is the one of a run."""
    return container.labels.get(LABEL + "run") == run.id


def container_of(turn: Turn, run: CommandRun) -> Container | None:
    """The container of a run, as it is now; None where it is gone, or was never made."""
    seen = turn.inspect(run.container)
    return seen if seen is not None and is_run(seen, run) else None


def _stopped(turn: Turn, running: Container) -> Container | None:
    with suppress(StepFailed):  # then the look says that it runs on
        stop(turn, Step.STOP_COMMAND, running.id, "command", running)
    return turn.inspect(running.id)


def _output(turn: Turn, run: CommandRun, seen: Container) -> str:
    """What is kept of what it wrote, or why nothing is."""
    try:
        values = [secret.reveal() for secret in given_secrets(turn, STEPS[run.kind]).values()]
    except StepFailed as failed:
        return f"What it wrote isn't kept, as secrets could not be taken out of it: {failed.words}"
    hiding = Hiding(values)
    margin = max(MARGIN, hiding.longest)
    try:
        written = turn.session.output(seen.id, FIRST_KEPT + LAST_KEPT + margin)
    except EngineError as error:
        return f"What it wrote could not be read: {error.title}"
    return kept_output(written, hiding)
