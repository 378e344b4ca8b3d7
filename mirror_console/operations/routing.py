"""Routing: containers join and leave the route of their environment, by its alias in the proxy's network.

Networks are addressed by id. Engines refuse what is so already, each in words of its own: what counts is a look.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from threading import Lock

from mirror_console.domain.observation import Container, Endpoint
from mirror_console.domain.route import Route
from mirror_console.domain.steps import Step
from mirror_console.domain.swap import Swap
from mirror_console.errors import EngineError
from mirror_console.operations.turn import StepFailed, Turn

logger = logging.getLogger(__name__)

GAVE_ADDRESS_UP = (
    "its address went with it, as the network lets no address be chosen: what was on its way there may not be answered"
)


def route_of(turn: Turn) -> Route | None:
    """The route of a target whose new container starts beside the old one, where it goes by an alias."""
    route = turn.planned.settings.route
    return route if turn.planned.swap is Swap.BESIDE and route is not None and route.by_alias else None


def is_on(container: Container | None, route: Route, aliases: Collection[str]) -> bool:
    """Whether a container runs and gets what is sent to one of these aliases of a route."""
    place = container.endpoints.get(route.network) if container is not None else None
    return container is not None and place is not None and container.running and bool({*aliases} & {*place.aliases})


def join(turn: Turn, step: Step, container: Container, aliases: Collection[str], part: str) -> None:
    """Put a container on the route under these aliases, in one go; left alone where it is there already."""
    route = route_of(turn)
    if route is None or not aliases:
        return
    session = turn.session

    def wrong(seen: Container | None) -> str | None:
        if seen is None:
            return f"the {part} container is gone"
        place = seen.endpoints.get(route.network, Endpoint())
        lacking = [alias for alias in aliases if alias not in place.aliases]
        if lacking:
            return f"the {part} container isn't known as '{lacking[0]}' in {route.network}"
        return f"the {part} container has no address in {route.network}" if seen.running and not place.address else None

    def act() -> None:
        seen = turn.inspect(container.id)
        network_id = _id_of(turn, step, route.network)
        with _alone(turn, route.network):
            if seen is not None and route.network in seen.endpoints:
                # It is there under other names, or under none, and names are given with the place alone.
                _disconnect(turn, container, network_id)
            session.connect(container.id, network_id, sorted(aliases))

    if wrong(turn.inspect(container.id)) is not None:
        turn.step(step, act, lambda: wrong(turn.inspect(container.id)), objects={part: container.id})


def leave(turn: Turn, step: Step, container: Container, part: str) -> None:
    """Take a container from the route. Where the network lets addresses be chosen it keeps its own, without a name.

    Then what is on its way to it still arrives: a proxy that has looked the name up a moment ago goes by the address.
    """
    route = route_of(turn)
    if route is None:
        return
    session = turn.session
    refused: list[EngineError] = []

    def wrong(seen: Container | None) -> str | None:
        place = seen.endpoints.get(route.network) if seen is not None else None
        if place is None or not place.aliases:
            return None
        return f"the {part} container still is known as '{place.aliases[0]}' in {route.network}"

    def act() -> None:
        seen = turn.inspect(container.id)
        place = seen.endpoints.get(route.network) if seen is not None else None
        if place is None or not place.aliases:
            return
        network_id = place.network_id or _id_of(turn, step, route.network)
        with _alone(turn, route.network):
            _disconnect(turn, container, network_id)
            if place.address:
                try:
                    session.connect(container.id, network_id, address=place.address)
                except EngineError as error:
                    # It has left, which is what this step is for; that what was on its way is lost is said.
                    refused.append(error)

    if wrong(turn.inspect(container.id)) is not None:
        turn.step(
            step,
            act,
            lambda: wrong(turn.inspect(container.id)),
            objects={part: container.id},
            words=lambda: GAVE_ADDRESS_UP if refused else "",
        )


def _disconnect(turn: Turn, container: Container, network_id: str) -> None:
    """Take it out of the network. An engine may list a place that it couldn't give: that one it refuses to take away.

    Raises EngineError where it isn't known whether it was done.
    """
    try:
        turn.session.disconnect(container.id, network_id)
    except EngineError as error:
        if error.outcome_unknown:
            raise
        logger.info("%s was not in its route's network: %s", container.name, error.title)


_changing: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)


def _alone(turn: Turn, network: str) -> Lock:
    """To be held while places in a network are changed, so that an address that is given up for a moment is not given
    to another mirror's container, which would get what a proxy sends to the address that it remembers.
    """
    return _changing[turn.engine.id, network]


def _id_of(turn: Turn, step: Step, name: str) -> str:
    """The network of that name. Raises StepFailed: some engines let several have it."""
    ids = [network.id for network in turn.session.networks() if network.name == name]
    if len(ids) != 1:
        words = f"{turn.planned.engine} has {len(ids) or 'no'} networks with the name {name}"
        raise StepFailed(step, words if ids else f"{turn.planned.engine} has no network with the name {name}")
    return ids[0]
