"""Due commands: whether a target's release command, or its backup, is to be run yet, by the runs that are kept."""

from __future__ import annotations

from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.release_command import Due, Preparation, RunKind, due
from mirror_console.operations.ports.catalog import Books


def due_of(books: Books, preparation: Preparation, rollout_id: str) -> tuple[Due, str]:
    """Whether it is to be run now by a rollout; why it isn't. Where both are declared the release command decides."""
    kind = RunKind.RELEASE if preparation.release is not None else RunKind.BACKUP
    runs = books.commands.like(kind, preparation.data, preparation.names)
    if kind is RunKind.BACKUP:
        # A backup is of its own rollout: an older one says nothing of what the data is now.
        runs = [run for run in runs if run.rollout_id == rollout_id]
    return due(runs, rollout_id)


def runs_commands(books: Books, target: PlannedTarget, rollout_id: str) -> bool:
    """Whether a command may be run in a target's turn, or one of its group be waited for. Before the start of a rollout
    its identity is empty."""
    preparation = target.preparation
    return preparation is not None and due_of(books, preparation, rollout_id)[0] is not Due.DONE
