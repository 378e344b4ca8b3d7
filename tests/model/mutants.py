"""Mutants of what only stories play: stop rules, what persons do to a rollout, and services. Each breaks a law.

Those of the campaign are played by stories as well; here it stands which stories have to catch which mutant.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.rollout import Target, TargetState
from mirror_console.operations.rollout import Conductor
from tests.campaign_parts.mutant import put

engine: Any = importlib.import_module("mirror_console.engine.swarm")
retrying: Any = importlib.import_module("mirror_console.operations.retrying")
rollback: Any = importlib.import_module("mirror_console.operations.rollback")
rollout: Any = importlib.import_module("mirror_console.operations.rollout")
ruled: Any = importlib.import_module("mirror_console.operations.ruled_rollback")
swarm_back: Any = importlib.import_module("mirror_console.operations.swarm_back")
what_next: Any = importlib.import_module("mirror_console.domain.what_next")


def _begin_beyond_the_rule() -> None:
    put(what_next, "tripped_words", lambda _rollout: "")


def _never_roll_back() -> None:
    real = ruled.plan_rollback
    put(ruled, "plan_rollback", lambda *about: replace(real(*about), targets=(), left_out=()))


def _leave_one_out() -> None:
    real = rollback._chosen
    put(rollback, "_chosen", lambda *about: real(*about)[1:])


def _go_back_to_what_is_there() -> None:
    real = rollback._back

    def back(target: Target, seen: Any, _image: object, reference: str) -> PlannedTarget:
        made: PlannedTarget = real(target, seen, seen.runs, reference)
        return replace(made, after_title=target.planned.after_title)

    put(rollback, "_back", back)


def _pause_unheard() -> None:
    def unheard(_conductor: Conductor, _because: str = "") -> None:
        """Goes on."""

    put(Conductor, "pause", unheard)


def _try_all_again() -> None:
    put(retrying, "FAILED", retrying.FAILED | {TargetState.DONE})


def _forget_the_stack() -> None:
    real = engine.updated_spec

    def updated_spec(spec: Mapping[str, Any], change: Any) -> dict[str, Any]:
        made: dict[str, Any] = real(spec, change)
        return made | {"Labels": dict(change.labels)}

    put(engine, "updated_spec", updated_spec)


def _leave_a_service_updated() -> None:
    put(swarm_back, "_take_back", lambda *_: [])


MUTANTS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {
        "beyond-rule": _begin_beyond_the_rule,
        "rule-never-back": _never_roll_back,
        "rule-leaves-one": _leave_one_out,
        "back-to-now": _go_back_to_what_is_there,
        "pause-unheard": _pause_unheard,
        "try-all-again": _try_all_again,
        "stack-forgotten": _forget_the_stack,
        "stays-updated": _leave_a_service_updated,
    }
)
"""What is only for stories, by name."""

CAUGHT_BY: Mapping[str, str] = MappingProxyType(
    {
        "beyond-rule": "waves",
        "rule-never-back": "waves",
        "rule-leaves-one": "waves",
        "back-to-now": "waves",
        "pause-unheard": "waves",
        "try-all-again": "waves",
        "stack-forgotten": "service",
        "stays-updated": "service",
        "no-task-seen": "service",
        "lock-kept": "one mirror",
        "remove-early": "one mirror",
    }
)
"""What stories of which kind have to catch each mutant."""
