"""Left commands: what was run for releases and isn't settled, as the console was cut off, or as a person has to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mirror_console.domain.observation import Container
from mirror_console.domain.release_command import ALIVE, CommandRun, RunKind, RunState, Said, run_name
from mirror_console.domain.rollout import Target
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError, InvalidInput, NotAllowed, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.release_command import STATES, wait_for_end
from mirror_console.operations.run_outcome import STEPS, container_of, keep, settled
from mirror_console.operations.scene import made_by
from mirror_console.operations.steps import remove
from mirror_console.operations.turn import OutcomeUnknown, Turn


def settle_left(turn: Turn, about: Mapping[str, str]) -> str:
    """Bring what a target had begun to run to an end: one that runs is waited for, one that ended is read.

    Nothing is started, whatever is found. `about` tells how the old container was, where the lock has to be taken
    again. Returns why the target can't go on; empty where it can. Raises OutcomeUnknown where contact is lost.
    """
    with turn.console.catalog.read() as books:
        runs = [one for one in books.commands.of(turn.rollout_id) if one.environment_id == turn.target.environment_id]
    refused = ""
    for run in runs:
        try:
            if run.over and (run.state is not RunState.UNKNOWN or run.word is not None):
                why = _tidy(turn, run, about)
            else:
                why = _settle(turn, run, about)
        except EngineError as lost:
            raise OutcomeUnknown(STEPS[run.kind], lost.title) from lost
        refused = refused or why
    return refused


def _settle(turn: Turn, run: CommandRun, about: Mapping[str, str]) -> str:
    step = STEPS[run.kind]
    seen = container_of(turn, run)
    if seen is not None:
        _demand_lock(turn, seen, about)
    if seen is not None and seen.started_at is None:
        # It was never started: whoever comes next is to run it.
        remove(turn, Step.REMOVE_COMMAND, seen.id, "command")
        _forget(turn, run)
        return ""
    if seen is None and run.state is RunState.CLAIMED:
        _forget(turn, run)
        return ""
    if seen is not None and seen.state in ALIVE:
        # How long it has run by the engine's clock says nothing by ours: it has its whole limit from here on.
        turn.become(STATES[run.kind], f"{run.line} runs still (at most {run.limit:g} s more)")
        wait_for_end(turn, run, seen)
    ended = settled(turn, run)
    if ended.state is RunState.SUCCEEDED:
        return ""
    if ended.kind is RunKind.BACKUP and ended.state is RunState.UNKNOWN:
        # Nothing is lost by making another.
        keep(turn, replace(ended, state=RunState.NOT_RUN))
        return ""
    return f"{step}: {ended.words}"


def _tidy(turn: Turn, run: CommandRun, about: Mapping[str, str]) -> str:
    """What came of it is kept; its container may be there still."""
    seen = container_of(turn, run)
    if seen is not None and seen.state not in ALIVE:
        _demand_lock(turn, seen, about)
        remove(turn, Step.REMOVE_COMMAND, seen.id, "command")
    done = run.state is RunState.SUCCEEDED or run.word is not None
    return "" if done else f"{STEPS[run.kind]}: {run.words}"


def _demand_lock(turn: Turn, seen: Container, about: Mapping[str, str]) -> None:
    """Take the lock again where somebody pruned it."""
    if not turn.lock_id:
        turn.take_lock(seen.image_id, about)


def _forget(turn: Turn, run: CommandRun) -> None:
    with turn.console.catalog.write() as books:
        books.commands.remove(run.id)


def left_by_other(turn: Turn) -> str:
    """What another console, whose lock was taken over, had begun to run here, in words; empty where there is nothing.

    It stays: whoever comes back there reads what came of it. Raises EngineError.
    """
    former, told = turn.planned.taken_from, []
    for kind in RunKind if former is not None else ():
        seen = turn.inspect(run_name(kind, former.environment_id, former.rollout_id)) if former else None
        if seen is None or seen.started_at is None or not made_by(seen, turn.planned, turn.rollout_id):
            continue
        how = "runs still" if seen.state in ALIVE else f"ended with exit code {seen.exit_code}"
        told.append(f"its {kind} {how}, in '{seen.name}', which is left there")
    return "; ".join(told)


def left_words(books: Books, rollout_id: str, environment_id: str) -> str:
    """What a target that was cut off had begun to run, in words; empty where it had begun nothing."""
    begun = [run for run in books.commands.of(rollout_id) if run.environment_id == environment_id and not run.over]
    return f"the {begun[-1].kind} was begun: it is waited for, and not run again" if begun else ""


def let_run_again(books: Books, rollout_id: str, targets: Sequence[Target], person: str) -> None:
    """A person tries targets again: what failed for them runs again, where it may be run again wherever it ended."""
    data = {target.planned.preparation.data for target in targets if target.planned.preparation is not None}
    for run in books.commands.of(rollout_id):
        again = run.state is RunState.NOT_RUN or (run.state is RunState.FAILED and run.idempotent)
        if run.data in data and again and run.word is None:
            books.commands.say(run.id, Said.MAY_RUN_AGAIN, person)


def find_run(console: Console, text: str) -> CommandRun:
    """A run by its id or how that begins, with what it wrote. Raises InvalidInput where it isn't one alone."""
    wanted = text.strip().lower()
    with console.catalog.read() as books:
        found = [run for run in books.commands.all() if wanted and run.id.startswith(wanted)]
        if len(found) == 1:
            return books.commands.get(found[0].id)
    words = f"{len(found)} begin with '{wanted}'" if found else f"there is no run '{text.strip()}'"
    raise InvalidInput("It isn't clear which run.", [Problem("run", words)], "See 'release-commands list'.")


def say(console: Console, run_id: str, word: Said) -> CommandRun:
    """A person's word on a run: that it counts as run, or that it may run again. Returns it as it stands then.

    Raises KeyError where there is none, InvalidInput where it isn't over, NotAllowed and CatalogError.
    """
    console.demand_write()
    with console.catalog.write() as books:
        run = books.commands.get(run_id)
        if not run.over:
            problem = Problem("run", f"the {run.kind} at {run.title} is {run.state}")
            raise InvalidInput("Nothing was said.", [problem], "Let its rollout end, or recover it, then say it.")
        if run.kind is RunKind.BACKUP:
            raise NotAllowed("A backup is made anew by every rollout.", "There is nothing to be said of this one.")
        books.commands.say(run_id, word, console.person)
        return books.commands.get(run_id)
