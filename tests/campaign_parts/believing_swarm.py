"""Mutants that believe what a Swarm says of a service, and don't look at what its tasks run."""

from __future__ import annotations

import importlib
from typing import Any

from mirror_console.domain.health import Judged, Verdict
from tests.campaign_parts.mutant import Mutant, put

service_update: Any = importlib.import_module("mirror_console.operations.service_update")


def _believe_the_label() -> None:
    """That the service has its labels of before is taken for that its tasks run what they ran."""
    put(service_update, "_await_before", lambda *_seen: ("", False))


def _look_at_no_task() -> None:
    """That the service is what it is to be is taken for that its tasks run it."""
    put(service_update, "judge_tasks", lambda *_seen, **_more: Judged(Verdict.WELL, "the Swarm has it"))


BELIEVING_SWARM = (
    Mutant("believe-label", "putting a service back doesn't look at its tasks", ("kill-service",), _believe_the_label),
    Mutant("no-task-seen", "a service is judged without its tasks", ("kill-service",), _look_at_no_task),
)
