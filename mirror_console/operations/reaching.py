"""Reaching the engine of a planned target: as what its environment is, a container or a service of a Swarm."""

from __future__ import annotations

from mirror_console.domain.engine import Engine
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.swap import Swap
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.swarm_session import session_of


def session_for(console: Console, engine: Engine, planned: PlannedTarget) -> EngineSession:
    """A session by which a target is worked on. Connects where needed. Raises EngineError."""
    return session_of(console.engines.session(engine), swarm=planned.swap is Swap.SERVICE)
