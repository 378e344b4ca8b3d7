"""Mutants that believe what a Swarm says of a service, and don't look at what its tasks run."""

from __future__ import annotations

import importlib
from typing import Any

from mirror_console.domain.rollout import TargetState
from mirror_console.operations.turn import Turn
from tests.campaign_parts.mutant import Mutant, put

service_update: Any = importlib.import_module("mirror_console.operations.service_update")


def _believe_the_label() -> None:
    """That the service has its labels of before is taken for that its tasks run what they ran."""
    put(service_update, "_await_before", lambda *_seen: ("", False))


def _look_at_no_task() -> None:
    """That the service has the update is taken for that its tasks run it."""

    def verify_update(turn: Turn, *_more: Any, **_also: Any) -> None:
        words = "the Swarm has the update"
        turn.become(TargetState.VERIFYING, words, verified_by=words, after_fingerprint=turn.planned.after_fingerprint)

    put(service_update, "verify_update", verify_update)


BELIEVING_SWARM = (
    Mutant("believe-label", "putting a service back doesn't look at its tasks", ("kill-service",), _believe_the_label),
    Mutant("no-task-seen", "a service is verified without its tasks", ("kill-service",), _look_at_no_task),
)
