"""Route input: how an environment's route is typed in a form, written in an import file, and exported again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mirror_console.domain.route import DEFAULT_DRAIN, Route
from mirror_console.errors import Problem
from mirror_console.operations.import_fields import Fields
from mirror_console.operations.proxies import parse_convention
from mirror_console.operations.typed import number_text, parse_number, parse_whole, parsed

ROUTE = ("network", "alias", "port", "labels", "drain", "overlap", "proof")


@dataclass(frozen=True, slots=True)
class RouteInput:
    """What is typed for a route. `labels` is the name of a convention; all empty: there is no route."""

    network: str = ""
    alias: str = ""
    port: str = ""
    labels: str = ""
    drain: str = f"{DEFAULT_DRAIN:g}"
    overlap: bool = False
    proof: str = ""


NO_ROUTE = RouteInput()


def route_input(route: Route | None) -> RouteInput:
    """What a form shows of a route."""
    if route is None:
        return NO_ROUTE
    return RouteInput(
        network=route.network,
        alias=route.alias,
        port=number_text(route.port),
        labels=route.convention,
        drain=f"{route.drain:g}",
        overlap=route.overlap,
        proof=route.proof,
    )


def draft_route(typed: RouteInput, problems: list[Problem], at: str) -> Route | None:
    """The route that is typed; what can't be read is added to `problems`."""
    drain = parsed(problems, f"{at}.drain", parse_number, typed.drain, DEFAULT_DRAIN)
    route = Route(
        network=typed.network.strip(),
        alias=typed.alias.strip(),
        port=parsed(problems, f"{at}.port", parse_whole, typed.port, 0),
        convention=parsed(problems, f"{at}.labels", parse_convention, typed.labels, ""),
        drain=drain,
        overlap=typed.overlap,
        proof=typed.proof.strip(),
    )
    return None if replace(route, drain=DEFAULT_DRAIN) == Route() else route


def read_route(fields: Fields, before: Route | None) -> Route | None:
    """The route that a mapping describes; what it leaves out stays as it was. None where nothing stands there."""
    node = fields.node("route")
    if node is None:
        return before
    if node.is_nothing:
        return None
    route, old = fields.below("route", ROUTE), before or Route()
    return Route(
        network=route.text("network", old.network),
        alias=route.text("alias", old.alias),
        port=route.whole("port", old.port),
        convention=route.of("labels", parse_convention, old.convention),
        drain=route.number("drain", old.drain),
        overlap=route.flag("overlap", old.overlap),
        proof=route.text("proof", old.proof),
    )


def route_content(route: Route | None, template: Route | None = None) -> dict[str, Any] | None:
    """A route as an import file writes it, where what is left out is as in the `template`; None for no route."""
    if route is None:
        return None
    there, start = _written(route), _written(template or Route())
    return {name: value for name, value in there.items() if value != start[name]}


def _written(route: Route) -> dict[str, Any]:
    return {
        "network": route.network,
        "alias": route.alias,
        "port": route.port,
        "labels": route.convention,
        "drain": route.drain,
        "overlap": route.overlap,
        "proof": route.proof,
    }
