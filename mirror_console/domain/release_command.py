"""Release commands: what a source has run before a release takes over, the backup before it, and what came of a run.

Data can be shared: environments of one group have the same, so that what is done to it is done once for all of them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from mirror_console.domain.counting import counted
from mirror_console.domain.environment import COMMAND_PREFIXES, RestartPolicy, Settings
from mirror_console.domain.image import parse_reference
from mirror_console.domain.observation import Container, State
from mirror_console.domain.plain import plain_lines, quoted
from mirror_console.domain.request import Written
from mirror_console.errors import InvalidInput, Problem

SHORTEST, LONGEST = 1.0, 24 * 3600.0
"""Seconds that a command may be given."""
USUAL_LIMIT = 600.0
LEFT_OUT = "[what lies between is left out]"
FIRST_KEPT, LAST_KEPT = 8 * 1024, 24 * 1024
"""Characters of a command's output that are kept at most, of its beginning and of its end."""


@dataclass(frozen=True, slots=True)
class ReleaseCommand:
    """What is run once for an environment and a release, in a container of the new image. Empty: explicitly nothing.

    The image's entry point gets it, as it gets any command. After `limit` seconds it is stopped, and has failed.
    """

    command: tuple[str, ...] = ()
    limit: float = USUAL_LIMIT
    reversible: bool = False
    """Whether the older release works on the data that it has changed."""
    idempotent: bool = False
    """Whether it may be run again, wherever it ended."""


NO_COMMAND = ReleaseCommand()
"""A source's word that there is none. Where it says nothing at all, a check asks for it."""


@dataclass(frozen=True, slots=True)
class BackupCommand:
    """What is run before that, in a container of the new image or of its own `image`, a reference."""

    command: tuple[str, ...]
    limit: float = USUAL_LIMIT
    image: str = ""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done for a target before anything that serves is changed."""

    data: str
    """Whose data it is: the environment's identity, or its source's and its group's."""
    names: tuple[str, ...]
    """By what the release is known: its fingerprints and its digest."""
    group: str = ""
    release: ReleaseCommand | None = None
    backup: BackupCommand | None = None

    @property
    def irreversible(self) -> bool:
        """Whether the older release may not work on the data any more, once this was done."""
        return self.release is not None and not self.release.reversible

    @property
    def limit(self) -> float:
        """Seconds that its commands may take at most, one after the other."""
        return sum(one.limit for one in (self.backup, self.release) if one is not None)


class RunKind(StrEnum):
    """What is run."""

    BACKUP = "backup"
    RELEASE = "release command"


class RunState(StrEnum):
    """Where a run stands."""

    CLAIMED = "claimed"
    """It is this one's turn to run it; nothing was started."""
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_RUN = "not run"
    """It was not started, and won't be by this run."""
    UNKNOWN = "unknown"
    """It was started, and what came of it can't be told: a person has to say."""


OPEN = frozenset({RunState.CLAIMED, RunState.STARTED})
ALIVE = frozenset({State.RUNNING, State.PAUSED, State.RESTARTING})
"""States of a container whose command isn't over."""


class Said(StrEnum):
    """What a person says of a run that didn't succeed, or of which nothing is known."""

    COUNTS_AS_RUN = "counts as run"
    MAY_RUN_AGAIN = "may run again"


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One run of a command, kept for good: it isn't run a second time for the same data and release."""

    id: str
    kind: RunKind
    data: str
    release: str
    """What the release is known by that it was run for."""
    rollout_id: str
    environment_id: str
    title: str
    """The mirror and the environment that ran it, for people."""
    engine_id: str
    container: str
    """The name of the container that it ran in."""
    command: tuple[str, ...]
    limit: float
    idempotent: bool
    reversible: bool
    state: RunState
    begun_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    words: str = ""
    output: str = ""
    """What it wrote, without secrets: all of it, or its beginning and its end."""
    word: Said | None = None
    said_by: str = ""

    @property
    def line(self) -> str:
        """The command as it is typed."""
        return shlex.join(self.command)

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.state not in OPEN

    @property
    def needs_a_word(self) -> bool:
        """Whether no rollout goes on here until a person has said what is to become of it."""
        if self.word is not None or self.kind is RunKind.BACKUP:
            return False
        return self.state is RunState.UNKNOWN or (self.state is RunState.FAILED and not self.idempotent)


class Due(StrEnum):
    """Whether a command is to be run now."""

    NOW = "now"
    DONE = "done"
    WAIT = "wait"
    """Somebody else of its group runs it."""
    REFUSED = "refused"


def due(runs: Sequence[CommandRun], rollout_id: str) -> tuple[Due, str]:
    """Whether a command is to be run now, from its runs for the same data and release, oldest first; why it isn't.

    What failed isn't tried again by the same rollout, unless a person said so; what nothing is known of, by none.
    """
    if not runs:
        return Due.NOW, ""
    last = runs[-1]
    match last.word:
        case Said.COUNTS_AS_RUN:
            return Due.DONE, ""
        case Said.MAY_RUN_AGAIN:
            return Due.NOW, ""
    here = last.rollout_id == rollout_id
    match last.state:
        case RunState.CLAIMED | RunState.STARTED:
            return Due.WAIT, f"the {last.kind} at {last.title} isn't over"
        case RunState.SUCCEEDED:
            return Due.DONE, ""
        case RunState.NOT_RUN:
            return (Due.REFUSED, f"at {last.title}: {last.words}") if here else (Due.NOW, "")
        case RunState.FAILED:
            again = last.idempotent and not here
            return (Due.NOW, "") if again else (Due.REFUSED, f"at {last.title}: {last.words}")
        case RunState.UNKNOWN:
            return Due.REFUSED, f"what came of it at {last.title} isn't known: a person has to say"
        case _:
            assert_never(last.state)


def outcome(run: CommandRun, seen: Container | None, *, stopped: bool) -> tuple[RunState, int | None, str]:
    """What came of a run, from a last look at its container: state, exit code and words. `stopped` at its limit."""
    if seen is None:
        if run.state is RunState.CLAIMED:
            return RunState.NOT_RUN, None, "it was not started"
        return RunState.UNKNOWN, None, "its container is gone, so that nobody can tell what came of it"
    if seen.started_at is None:
        return RunState.NOT_RUN, None, "it was not started"
    if seen.state in ALIVE:
        return RunState.UNKNOWN, None, f"it could not be stopped at its limit of {run.limit:g} s, and runs on"
    code = seen.exit_code
    if stopped:
        return RunState.FAILED, code, f"it was stopped at its limit of {run.limit:g} s"
    if code == 0:
        return RunState.SUCCEEDED, code, ""
    why = "it ran out of memory" if seen.oom_killed else f"it ended with exit code {code}"
    return RunState.FAILED, code, why


BACKUP_FAILED = "the backup before it failed: "
"""So begins why a release command was not run."""
_ENDS = re.compile(
    r"it ended with exit code -?\w+|it ran out of memory|it was stopped at its limit"
    r"|it could not be stopped at its limit"
)


def how_it_ended(words: str) -> str:
    """The words on how a run ended, without its last line, which stands behind them."""
    found = _ENDS.match(words)
    return found[0] if found is not None else words


def settings_of_run(settings: Settings, command: tuple[str, ...]) -> Settings:
    """What the container of a command is made from: what the environment's data is reached with, and nothing that
    serves. No ports, no labels for a proxy, no restart."""
    return Settings(
        variables=settings.variables,
        secrets=settings.secrets,
        volumes=settings.volumes,
        networks=settings.networks,
        limits=settings.limits,
        restart=RestartPolicy.NO,
        stop_signal=settings.stop_signal,
        stop_seconds=settings.stop_seconds,
        command=command,
        init=settings.init,
    )


def kept_output(written: Written, hidden: Callable[[str], str]) -> str:
    """What is kept of what a command wrote: all of it, or its beginning and its end. `hidden` takes the secrets out.

    They are taken out before it is cut: what is cut off in the middle isn't found any more.
    """
    beginning, end = plain_lines(hidden(written.beginning)), plain_lines(hidden(written.end))
    if not end and len(beginning) <= FIRST_KEPT + LAST_KEPT:
        return beginning
    first, last = beginning[:FIRST_KEPT], (end or beginning)[-LAST_KEPT:]
    # Whole lines, where there are any.
    first = first.rpartition("\n")[0] or first
    last = last.partition("\n")[2] or last
    return f"{first}\n{LEFT_OUT}\n{last}"


def last_line(output: str) -> str:
    """The last line that has something on it: where commands say how they ended."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")


def run_name(kind: RunKind, environment_id: str, rollout_id: str) -> str:
    """The name of the container that a command runs in: it can exist only once on an engine."""
    prefix = COMMAND_PREFIXES[0 if kind is RunKind.RELEASE else 1]
    return f"{prefix}{environment_id[:8]}.{rollout_id[:8]}"


def preparation_words(preparations: Sequence[Preparation]) -> str:
    """What is run before the targets of a plan take over, and what it means, in sentences; empty where nothing is."""
    told = []
    for one in dict.fromkeys(replace(one, data="", names=(), group="") for one in preparations):
        same = [other for other in preparations if (other.release, other.backup) == (one.release, one.backup)]
        groups = {other.group for other in same if other.group}
        alone = sum(not other.group for other in same)
        parts = [f"once for each of {counted(alone, 'target')}"] if alone else []
        parts += [f"once for {counted(len(groups), 'group')} ({', '.join(sorted(groups))})"] if groups else []
        times = " and ".join(parts)
        if one.release is None and one.backup is not None:
            told.append(f"A backup is made {times}: {quoted(shlex.join(one.backup.command))}.")
        elif one.release is not None:
            backup = ", a backup before it" if one.backup is not None else ""
            told.append(f"{quoted(shlex.join(one.release.command))} is run {times}{backup}, unless it was run already.")
            told.append(_undone(one))
    return " ".join(told)


def _undone(preparation: Preparation) -> str:
    if preparation.irreversible:
        return "Putting back doesn't undo it, and the older release may not work on what it leaves: no way back."
    return "Putting back doesn't undo it; the older release works on what it leaves."


def release_command_problems(command: ReleaseCommand | None, at: str) -> list[Problem]:
    """Everything wrong with a release command."""
    return [] if command is None else _limit_problems(command.limit, at) + _word_problems(command.command, at)


def backup_problems(backup: BackupCommand | None, at: str) -> list[Problem]:
    """Everything wrong with a backup command."""
    if backup is None:
        return []
    found = _limit_problems(backup.limit, at) + _word_problems(backup.command, at)
    if not backup.command:
        found.append(Problem(f"{at}.command", "say what makes the backup"))
    if backup.image:
        try:
            parse_reference(backup.image)
        except InvalidInput as error:
            found += [Problem(f"{at}.image", problem.words) for problem in error.problems]
    return found


def _limit_problems(limit: float, at: str) -> list[Problem]:
    words = "from one second to a day"
    return [] if SHORTEST <= limit <= LONGEST else [Problem(f"{at}.limit", words)]


def _word_problems(command: Sequence[str], at: str) -> list[Problem]:
    return [Problem(f"{at}.command", "a NUL can't be part of it")] if any("\0" in word for word in command) else []
