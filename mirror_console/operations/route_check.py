"""The check of a target's route: whether its proxy will find the new container."""

from __future__ import annotations

from collections.abc import Callable, Collection

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.observation import Container
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.route import Route, alias_words
from mirror_console.domain.swap import Swap
from mirror_console.operations.proxies import unmarked
from mirror_console.operations.scene import old_aliases_now


def check_route(
    networks: Callable[[], Collection[str]], target: PlannedTarget, old: Container | None
) -> list[CheckResult]:
    """Whether requests come to the new container; nothing is said of one without a route. Raises EngineError.

    `networks` tells the names of the engine's networks. `old` is the container that serves now.
    """
    route = target.settings.route
    if route is None or not (route.by_alias or route.convention):
        return []
    found = _by_alias(route, networks(), target, old) if route.by_alias else _by_labels(target)
    return [CheckResult(*found, target.environment_id, target.engine_id)]


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
