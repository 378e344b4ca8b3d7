"""Waited: the time in which a target lay where it was cut off, until a person decided, is no time that it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mirror_console.domain.rollout import Rollout, Target
from mirror_console.operations.console import Console


def without_the_wait(console: Console, rollout: Rollout, targets: Sequence[Target]) -> list[Target]:
    """These targets, each with its start moved on by the time since its last line in the journal.

    So what a report says that they took is what was worked on them, before they were cut off and after.
    """
    now = console.clock()
    with console.catalog.read() as books:
        last = {line.environment_id: line.at for line in books.journal.of(rollout.id)}
    return [
        replace(target, started_at=target.started_at + (now - last[target.environment_id]))
        if target.started_at is not None and target.environment_id in last
        else target
        for target in targets
    ]
