"""Permission: whether an engine, and what stands before it, would let us change containers; told without a change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from mirror_console.domain.environment import RestartPolicy, Settings
from mirror_console.domain.request import ContainerSpec
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.connection import NO_SUCH_IMAGE
from mirror_console.operations.ports.engine import EngineSession

NOBODY = "0" * 64
"""The id of no container."""
NOTHING = "0" * 25
"""The id of nothing in a Swarm."""
_NOT_THERE = frozenset({FailureKind.NOT_FOUND, FailureKind.IMAGE_NOT_FOUND})
REFUSED = frozenset({FailureKind.PERMISSION, FailureKind.SIGN_IN, FailureKind.INVALID_REPLY})
"""A proxy that lets only some requests through answers the others as no engine does."""
_TROUBLE = 500
"""From this status on who answers says that it can't now, and not that we may not."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What may not be done, and what couldn't be told, each by its verb, with the reason."""

    refused: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)
    """Where a status of 500 or more was answered: something is in trouble, which says nothing of what may be done."""


def refused_changes(session: EngineSession, *, switches: bool = False) -> Refusals:
    """What an engine, or what stands before it, won't let us do. Where containers take over by a route that
    `switches` from one to the other, also whether they may join and leave networks.

    Nothing is changed: it is asked for what can't be, and whoever may ask is told that it isn't there. Raises
    EngineError where the engine can't be reached.
    """
    spec = ContainerSpec("mirror-console-may-create", NO_SUCH_IMAGE, Settings())
    asked: dict[str, Callable[[], object]] = {
        "create": lambda: session.remove(session.create(spec)),
        "start": lambda: session.start(NOBODY),
        "stop": lambda: session.stop(NOBODY, 0),
        "rename": lambda: session.rename(NOBODY, "mirror-console-may-rename"),
        "update": lambda: session.set_restart(NOBODY, RestartPolicy.NO),
        "remove": lambda: session.remove(NOBODY),
    }
    if switches:
        asked |= {
            "connect": lambda: session.connect(NOBODY, NOBODY),
            "disconnect": lambda: session.disconnect(NOBODY, NOBODY),
        }
    return _refused(asked)


def refused_of_swarm(session: EngineSession) -> Refusals:
    """The same of the manager of a Swarm, as far as that can be told without a change: of services, and of the configs
    that are their locks.

    Raises EngineError where it can't be reached.
    """
    configs = _refused({"remove configs": lambda: session.remove_config(NOTHING)})
    # Whatever a manager says of an update that can't be: that it has got to it is what is asked.
    services = _refused({"update services": session.update_no_service}, _NOT_THERE | {FailureKind.REJECTED})
    return Refusals({**configs.refused, **services.refused}, {**configs.unclear, **services.unclear})


def _refused(asked: Mapping[str, Callable[[], object]], may: Collection[FailureKind] = _NOT_THERE) -> Refusals:
    refused: dict[str, str] = {}
    unclear: dict[str, str] = {}
    for verb, ask in asked.items():
        try:
            ask()
        except EngineError as error:
            if error.kind in may:
                continue
            if error.unreachable and error.kind not in REFUSED:
                raise
            found = unclear if error.status >= _TROUBLE else refused
            found[verb] = error.title
    return Refusals(refused, unclear)
