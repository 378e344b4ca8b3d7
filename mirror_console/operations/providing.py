"""Providing: make the networks and named volumes that a new container needs and its engine hasn't got."""

from __future__ import annotations

from threading import Lock

from mirror_console.domain.observation import LABEL
from mirror_console.domain.steps import Step
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.turn import Turn

BUILT_IN_NETWORKS = frozenset({"host", "none", "bridge", "default"})

_making: dict[str, Lock] = {}
"""By engine: whoever makes something there is alone with it, in whatever rollout of this program."""


def provide(turn: Turn) -> None:
    """Make them, one target of an engine after the other.

    Two that begin at once may need one network: before API 1.44 an engine makes two of one name then, of which nobody
    can say which one is meant; a later one refuses the second.
    """
    settings, session = turn.planned.settings, turn.session
    route = [settings.route.network] if settings.route is not None and settings.route.by_alias else []
    networks = [name for name in (*settings.networks, *route) if name not in BUILT_IN_NETWORKS]
    volumes = [volume.source for volume in settings.volumes if not volume.source.startswith("/")]
    if not networks and not volumes:
        return

    def missing() -> tuple[list[str], list[str]]:
        there = {network.name for network in session.networks()}
        return [n for n in networks if n not in there], [v for v in volumes if not session.volume_exists(v)]

    if missing() == ([], []):
        return
    labels = {LABEL + "env": turn.planned.environment_id, LABEL + "rollout": turn.rollout_id}

    def act() -> None:
        with _making.setdefault(turn.engine.id, Lock()):
            without_network, without_volume = missing()
            for name in without_network:
                try:
                    session.create_network(name, labels)
                except EngineError as error:
                    if error.kind is not FailureKind.CONFLICT:
                        raise
                    # Somebody else, such as another console, has made it just now.
            for name in without_volume:
                session.create_volume(name, labels)

    turn.step(Step.PROVIDE, act, lambda: None if missing() == ([], []) else "networks or volumes could not be made")
