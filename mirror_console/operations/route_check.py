"""The check of a target's route: whether its proxy will find the new container."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.environment import Environment
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.route import Route, alias_words
from mirror_console.domain.swap import Swap
from mirror_console.operations.proxies import unmarked
from mirror_console.operations.scene import old_aliases_now


def check_route(
    networks: Callable[[], Collection[str]],
    target: PlannedTarget,
    old: Container | None,
    others: Collection[str] = (),
) -> list[CheckResult]:
    """Whether requests come to the new container; nothing is said of one without a route. Raises EngineError.

    `networks` tells the names of the engine's networks. `old` is the container that serves now. `others` are known by
    the same name in the same network, as people call them.
    """
    route = target.settings.route
    if route is None or not (route.by_alias or route.convention):
        return []
    if others:
        words = f"{alias_words(route)} is {' and '.join(others)} too: the proxy sends each the requests of the other."
        remedy = "Give each an alias of its own, on the mirror's form and in the proxy's settings."
        found: _Said = (Check.ROUTE, Answer.BLOCKED, f"{words[0].upper()}{words[1:]}", remedy)
    else:
        found = _by_alias(route, networks(), target, old) if route.by_alias else _by_labels(target)
    return [CheckResult(*found, target.environment_id, target.engine_id)]


def known_by_it(
    target: PlannedTarget,
    environments: Iterable[Environment],
    title: Callable[[Environment], str],
    strangers: Iterable[Container],
) -> list[str]:
    """Who else is known by a target's alias in its network: other environments, and containers of nobody."""
    route = target.settings.route
    if route is None or not route.by_alias:
        return []
    found = [
        title(one)
        for one in environments
        if one.id != target.environment_id
        and (its := one.settings.route) is not None
        and (its.network, its.alias) == (route.network, route.alias)
    ]
    for one in strangers:
        place = one.endpoints.get(route.network)
        if place is not None and route.alias in {one.name, *place.aliases}:
            found.append(f"container '{one.name}'")
    return found


_Said = tuple[Check, Answer, str, str]


def _by_alias(route: Route, networks: Collection[str], target: PlannedTarget, old: Container | None) -> _Said:
    if route.network not in networks:
        words = f"The engine has no network '{route.network}': it is made, and no proxy is in it yet."
        return (
            Check.ROUTE,
            Answer.WARNING,
            words,
            "Put the proxy into that network, or correct the route on the mirror's form.",
        )
    if target.swap is Swap.BESIDE and old is not None and route.alias not in old_aliases_now(old, route):
        words = f"The container that serves isn't known as {alias_words(route)}: its requests come by another way now."
        remedy = "Point the proxy to the alias before or right after this rollout; the other way ends with it."
        return Check.ROUTE, Answer.WARNING, words, remedy
    return Check.ROUTE, Answer.PASS, f"It is reached as {alias_words(route)}.", ""


def _by_labels(target: PlannedTarget) -> _Said:
    missing = unmarked(target.settings)
    if missing:
        return Check.ROUTE, Answer.WARNING, f"{missing}.", "Give that on the mirror's form."
    return Check.ROUTE, Answer.PASS, "Its proxy follows its labels.", ""
