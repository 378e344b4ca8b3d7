"""Going: processes that their source declares no more, whose containers are taken away in the turn of what serves.

They stop when their like is replaced: workers before the release command, the others once the new release serves. Each
is renamed away, as the way back, after the commit point of all; until then it comes back with the others.
"""

from __future__ import annotations

from mirror_console.domain.companions import going_of
from mirror_console.domain.rollout import TargetState
from mirror_console.operations.companion_scene import scene_of
from mirror_console.operations.containers import disarm_old, put_aside, stop_old
from mirror_console.operations.turn import Turn


def stop_all(turn: Turn) -> None:
    """Stop what is there of them, and keep it from coming back by itself."""
    for one in going_of(turn.target.planned):
        with turn.of(one):
            old = scene_of(turn, one).old
            if old is not None:
                turn.become(TargetState.SWAPPING, f"{one.process} is taken away")
                disarm_old(turn, old)
                stop_old(turn, old)


def settle(turn: Turn) -> None:
    """Rename them away, now that what serves is committed: each is kept, stopped, as the way back."""
    for one in going_of(turn.target.planned):
        with turn.of(one):
            old = scene_of(turn, one).old
            if old is not None and old.name == one.container:
                put_aside(turn, old)
