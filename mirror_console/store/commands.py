"""Runs of release commands and of the backups before them, in the catalog: history that is never cut."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mirror_console.domain.release_command import CommandRun, RunKind, Said
from mirror_console.store.collection import Collection
from mirror_console.store.shape import Shape
from mirror_console.store.tables import command_run

_SHAPE = Shape(CommandRun, command_run)
_BRIEF = Shape(CommandRun, command_run, {"output": sa.literal("").label("output")})
_IN_ORDER = _BRIEF.select.order_by(sa.text("command_run.rowid"))


class Commands(Collection):
    """What was run for releases, and what came of it. What each wrote is told of one at a time, by `get` alone."""

    def all(self) -> list[CommandRun]:
        """All of them, oldest first."""
        return _BRIEF.read(self._connection.execute(_IN_ORDER))

    def get(self, run_id: str) -> CommandRun:
        """One of them, with what it wrote. Raises KeyError."""
        found = _SHAPE.read(self._connection.execute(_SHAPE.select.where(command_run.c.id == run_id)))
        if not found:
            raise KeyError(run_id)
        return found[0]

    def like(self, kind: RunKind, data: str, names: Sequence[str]) -> list[CommandRun]:
        """Those for the same data and release, by any of its names, oldest first."""
        chosen = _IN_ORDER.where(
            command_run.c.kind == kind, command_run.c.data == data, command_run.c.release.in_(names)
        )
        return _BRIEF.read(self._connection.execute(chosen))

    def of(self, rollout_id: str) -> list[CommandRun]:
        """Those of one rollout, oldest first."""
        return _BRIEF.read(self._connection.execute(_IN_ORDER.where(command_run.c.rollout_id == rollout_id)))

    def save(self, value: CommandRun) -> None:
        """Add it, or change the one of its identity."""
        self._changes("commands")
        self._connection.execute(_SHAPE.upsert, _SHAPE.values(value))

    def say(self, run_id: str, word: Said, person: str) -> None:
        """Keep what a person says of one."""
        self._changes("commands")
        said = sa.update(command_run).where(command_run.c.id == run_id).values(word=word, said_by=person)
        self._connection.execute(said)

    def remove(self, run_id: str) -> None:
        """It was claimed and never started. That it isn't there is fine."""
        self._changes("commands")
        self._connection.execute(sa.delete(command_run).where(command_run.c.id == run_id))
