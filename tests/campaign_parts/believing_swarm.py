"""Mutants that believe what a Swarm says of a service, and don't look at what its tasks run."""

from __future__ import annotations

import importlib
from typing import Any

from mirror_console.domain.health import Judged, Verdict
from tests.campaign_parts.mutant import Mutant, put

swarm_back: Any = importlib.import_module("mirror_console.operations.swarm_back")
swarm_tasks: Any = importlib.import_module("mirror_console.operations.swarm_tasks")


def _believe_the_label() -> None:
    """That the service has its labels of before is taken for that its tasks run what they ran."""
    put(swarm_back, "_await_before", lambda *_seen: ("", False))


def _look_at_no_task() -> None:
    """That the service is what it is to be is taken for that its tasks run it."""
    put(swarm_tasks, "judge_tasks", lambda *_seen, **_more: Judged(Verdict.WELL, "the Swarm has it"))


BELIEVING_SWARM = (
    Mutant("believe-label", "putting a service back doesn't look at its tasks", ("kill-service",), _believe_the_label),
    Mutant("no-task-seen", "a service is judged without its tasks", ("kill-service",), _look_at_no_task),
)
