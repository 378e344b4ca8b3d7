"""A lock of another console, made past the program."""

from __future__ import annotations

from mirror_console.domain.environment import Settings
from mirror_console.domain.request import ContainerSpec
from tests.operations.fleet import Fleet

HOLDER = "third-operator on desk-9"


def foreign_lock(fleet: Fleet) -> str:
    """Lock the first mirror's live as a console would that knows what serves there, and has changed nothing; its id."""
    environment = fleet.environment(fleet.mirrors[0], "live")
    session = fleet.console.engines.session(fleet.console.engine(environment.engine_id))
    named = session.inspect(environment.container)
    assert named is not None
    person, _, machine = HOLDER.partition(" on ")
    about = {"role": "lock", "operator": person, "machine": machine, "console": "c" * 32, "rollout": "r" * 32}
    about |= {"prev": named.id, "prev-restart": f"{named.restart}:{named.restart_retries}", "prev-running": "yes"}
    labels = {f"io.mirrorconsole.{name}": value for name, value in about.items()}
    return session.create(ContainerSpec(f"mc-lock.{environment.container}", named.image_id, Settings(), labels=labels))
