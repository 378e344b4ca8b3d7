"""What the catalog keeps of what was done: plans, rollouts, commands, the journal and the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mirror_console.domain.audit import Act, AuditFilter, AuditLine, Head
from mirror_console.domain.check import Override
from mirror_console.domain.environment import Settings
from mirror_console.domain.fetching import Fetch
from mirror_console.domain.journal import JournalEntry
from mirror_console.domain.plan import Plan, PlannedTarget
from mirror_console.domain.release_command import CommandRun, RunKind, Said
from mirror_console.domain.rollout import Rollout, RolloutHead, Target
from mirror_console.domain.taken_back import Key, TakenBack


class Plans(Protocol):
    """Plans that were made, started or not."""

    def all(self) -> list[Plan]: ...
    def get(self, plan_id: str) -> Plan:
        """Raises KeyError."""

    def save(self, plan: Plan) -> None: ...


class Rollouts(Protocol):
    """Rollouts with their plans and targets. A saved plan never changes."""

    def all(self, known: Iterable[Rollout] = (), most: int | None = None) -> list[Rollout]:
        """All or the newest `most`, newest first. What ended, is known, and is as it was, isn't read again."""

    def tripped(self) -> list[Rollout]:
        """Those in which a stop rule came true, newest first."""

    def heads(self) -> list[RolloutHead]:
        """What tells them apart, of all of them, newest first."""

    def get(self, rollout_id: str) -> Rollout:
        """Raises KeyError."""

    def unfinished(self) -> list[Rollout]: ...
    def done(self, rollout_ids: Iterable[str]) -> dict[tuple[str, str], PlannedTarget]:
        """Targets of these rollouts that ended well, by rollout and environment."""

    def taken_back(self, rollout_ids: Iterable[str]) -> dict[str, dict[Key, TakenBack]]:
        """By rollout and target, which rollback took it back last, or failed to."""

    def last_settings(self, environment_id: str, settings_hash: str) -> Settings | None:
        """The settings with that hash that a rollout planned last for an environment: those that were applied."""

    def last_changes(self, environment_ids: Iterable[str]) -> dict[str, Target]:
        """What a rollout changed last of each environment, where one did: its target that is done, or was left."""

    def add(self, rollout: Rollout) -> None:
        """The rollout, its plan and its targets."""

    def save_head(self, rollout: Rollout) -> None:
        """State, pause, gates and end of the rollout; not its targets."""

    def save_target(self, rollout_id: str, target: Target) -> None: ...
    def save_fetches(self, rollout_id: str, values: Sequence[Fetch]) -> None:
        """Where it stands that images are brought ahead; those that are new are added."""

    def add_overrides(self, rollout_id: str, values: Sequence[Override]) -> None:
        """More answers to checks that it goes on in spite of."""


class Commands(Protocol):
    """Runs of release commands, and of the backups before them. What one wrote is told by `get` alone."""

    def all(self) -> list[CommandRun]:
        """Oldest first."""

    def get(self, run_id: str) -> CommandRun:
        """Raises KeyError."""

    def like(self, kind: RunKind, data: str, names: Sequence[str]) -> list[CommandRun]:
        """Those for the same data and release, by any of its names, oldest first."""

    def of(self, rollout_id: str) -> list[CommandRun]:
        """Those of one rollout, oldest first."""

    def save(self, value: CommandRun) -> None: ...
    def say(self, run_id: str, word: Said, person: str) -> None:
        """What a person says of one."""

    def remove(self, run_id: str) -> None:
        """It was claimed and never started."""


class Journal(Protocol):
    """What steps were about to do, and what came of them. Only ever appended to; each line is chained to the last."""

    def append(self, entry: JournalEntry) -> int:
        """Returns the sequence number."""

    def of(self, rollout_id: str) -> list[JournalEntry]: ...
    def of_target(self, rollout_id: str, environment_id: str) -> list[JournalEntry]:
        """The lines of one target, oldest first."""

    def newest(self, most: int) -> list[JournalEntry]:
        """The last lines of all rollouts, oldest first."""

    def end_holds(self, most: int) -> bool:
        """Whether so many last lines are as they were written, and nothing was cut off after them."""

    def broken_at(self) -> int | None:
        """The first line that isn't as it was written, or is missing."""


class AuditTrail(Protocol):
    """Every change that was made by this console. What rows of the catalog tell, the catalog writes by itself."""

    def append(self, *acts: Act) -> int:
        """What no row tells: what is done on engines and in the keyring. Returns the number of the last line."""

    def lines(self, which: AuditFilter = ..., most: int | None = None) -> list[AuditLine]:
        """The lines that are wanted, newest first."""

    def of(self, *identities: str) -> list[AuditLine]:
        """The lines about some things, by their identities, oldest first."""

    def head(self) -> Head:
        """The last line; number 0 where there is none."""

    def has(self, head: Head) -> bool:
        """Whether the line that was the last once is there, and is the same."""

    def broken_at(self) -> int | None:
        """The first line that isn't as it was written, or is missing."""
