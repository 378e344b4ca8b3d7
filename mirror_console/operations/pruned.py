"""Pruned: where a lock is gone that told how the old containers were, it is told by the journal, or by the new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror_console.domain.journal import Result
from mirror_console.domain.observation import LABEL
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.steps import Step
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.scene import Scene, look, told_by_lock


def look_with_told(console: Console, session: EngineSession, target: PlannedTarget, rollout_id: str) -> Scene:
    """The scene of a target of a rollout that was left in the middle, with all that is told of how it was before."""
    scene = look(session, target, rollout_id)
    return scene if scene.lock is not None else replace(scene, told=_told(console, target, rollout_id, scene))


def _told(console: Console, target: PlannedTarget, rollout_id: str, scene: Scene) -> Mapping[str, str]:
    by_new = told_by_lock(scene.new.labels) if scene.new is not None else {}
    with console.catalog.read() as books:
        lines = [one for one in books.journal.of(rollout_id) if one.environment_id == target.environment_id]
    held: Mapping[str, str] = {}
    for line in lines:
        if line.result is Result.OK and line.step is Step.LOCK and line.objects:
            held = line.objects
        elif line.result is Result.OK and line.step is Step.UNLOCK:
            held = {}  # what was so then may have been changed by whoever likes since
    return by_new | told_by_lock({LABEL + name: value for name, value in held.items()})
