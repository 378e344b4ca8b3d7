"""The scene of a target: its containers on the engine, told apart by name, label and recorded id.

Labels say whose a container is and never change. Names say what place it has in a swap: ``<name>`` serves,
``<name>.mc-next`` is about to, ``<name>.mc-prev`` is the way back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mirror_console.domain.environment import LOCK_PREFIX, RestartPolicy, Settings
from mirror_console.domain.in_place import FIXED, fixed_hash
from mirror_console.domain.lock import Lock, lock_of
from mirror_console.domain.observation import LABEL, Container, Health, Listed, Role, is_ours
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.release_command import CommandRun
from mirror_console.domain.rollout import ENDED
from mirror_console.domain.route import Route
from mirror_console.domain.service_settings import as_compared
from mirror_console.domain.swap import Swap
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession

NEXT, PREV, OLDER = ".mc-next", ".mc-prev", ".mc-older"
MAKES_ANEW = frozenset({Swap.CREATE, Swap.RECREATE, Swap.BESIDE})
SCHEMA = "1"
ILL_BEFORE = {LABEL + "prev-ill": "yes"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What is there of a target now. Each is None where it isn't there."""

    lock: Container | None
    named: Container | None
    """Whatever has the environment's container name."""
    old: Container | None
    """The container that served when the plan was made, under whatever name."""
    new: Container | None
    """The container that this rollout made, under whatever name."""
    told: Mapping[str, str] = field(default_factory=dict)
    """How the old container was, as labels, where the lock is gone that told it: see operations.pruned."""


def look(session: EngineSession, target: PlannedTarget, rollout_id: str) -> Scene:
    """Read the scene from the engine: by name, by recorded id and by label. Nothing is changed."""
    named = session.inspect(target.container)
    next_ = session.inspect(target.container + NEXT)
    old = session.inspect(target.before_container_id) if target.before_container_id else None
    new = next((found for found in (next_, named) if found is not None and made_by(found, target, rollout_id)), None)
    if new is None and target.swap in MAKES_ANEW:
        new = _under_another_name(session, target, rollout_id)
    return Scene(session.inspect(lock_name(target.container)), named, old, new)


def _under_another_name(session: EngineSession, target: PlannedTarget, rollout_id: str) -> Container | None:
    """The container that a rollout made, where somebody has renamed it: it may run, and none may be left behind."""
    for one in session.list_containers():
        labels = one.labels
        ours = labels.get(LABEL + "process") == target.process and labels.get(LABEL + "role") == Role.APPLICATION
        if ours and one.id != target.before_container_id and made_by(one, target, rollout_id):
            return session.inspect(one.id)
    return None


def lock_name(container: str) -> str:
    """The name of the lock of an environment with this container name: a never-started container beside it.

    It can exist only once on an engine, and is the same for every console, whatever identities its catalog gave.
    """
    return LOCK_PREFIX + container


def made_by(container: Container | Listed, target: PlannedTarget, rollout_id: str) -> bool:
    """Whether a rollout made this container for this target; of one that was taken over, whether the former one did."""
    former = target.taken_from
    environment_id = former.environment_id if former else target.environment_id
    whose = former.rollout_id if former else rollout_id
    return is_ours(container.labels, environment_id) and container.labels.get(LABEL + "rollout") == whose


def is_way_back(kept: Listed | Container, target: PlannedTarget, serving: Container | None) -> bool:
    """Whether a container is the way back that an earlier rollout kept: it is ours, or the serving one names it."""
    named_by = serving.labels.get(LABEL + "prev") if serving else None
    return is_ours(kept.labels, target.environment_id) or kept.id == named_by


def lock_labels(console: Console, target: PlannedTarget, rollout_id: str, about: Mapping[str, str]) -> dict[str, str]:
    """The labels of a lock: who holds it, since when, and, from `about`, what is needed to put back."""
    return {
        **_common(target, rollout_id, Role.LOCK),
        **told_by_lock(about),
        LABEL + "operator": console.person,
        LABEL + "machine": console.machine,
        LABEL + "catalog": console.catalog.id,
        LABEL + "console": console.run,
        LABEL + "taken": _stamp(console.clock()),
    }


def told_by_lock(labels: Mapping[str, str]) -> dict[str, str]:
    """Of labels those by which a lock tells how the old containers were."""
    return {name: value for name, value in labels.items() if name.startswith(LABEL + "prev")}


def container_labels(
    target: PlannedTarget, rollout_id: str, old: Container | None, fingerprint: str = ""
) -> dict[str, str]:
    """The labels of a new container: whose it is, what it was made from, and what it takes over from.

    `fingerprint` is that of its image, which a plan doesn't know where it was made by digest alone.
    """
    generation = _number(old.labels.get(LABEL + "gen", "")) + 1 if old else 1
    compared = as_compared(target.settings, swarm=target.swap is Swap.SERVICE)
    return {
        **_common(target, rollout_id, Role.APPLICATION),
        **about_old(old, target),
        LABEL + "mirror": target.application_id,
        LABEL + "environment": target.environment,
        LABEL + "gen": str(generation),
        LABEL + "from": target.before_fingerprint,
        LABEL + "to": target.after_fingerprint or fingerprint,
        LABEL + "version": target.after_title,
        LABEL + "spec": compared.hash,
        FIXED: fixed_hash(compared),
    }


def run_labels(target: PlannedTarget, run: CommandRun, role: Role) -> dict[str, str]:
    """The labels of the container that a release command or a backup runs in."""
    return {
        **_common(target, run.rollout_id, role),
        LABEL + "run": run.id,
        LABEL + "to": target.after_fingerprint,
        LABEL + "version": target.after_title,
    }


def _common(target: PlannedTarget, rollout_id: str, role: Role) -> dict[str, str]:
    return {
        LABEL + "schema": SCHEMA,
        LABEL + "role": role,
        LABEL + "env": target.environment_id,
        LABEL + "process": target.process,
        LABEL + "rollout": rollout_id,
        **_of_route(target),
    }


def _of_route(target: PlannedTarget) -> dict[str, str]:
    """Where the new container starts beside the old one: on which route, for whoever brings it to an end."""
    route = target.settings.route
    if target.swap is not Swap.BESIDE or route is None:
        return {}
    return {LABEL + "route": f"{route.network} {route.alias}" if route.by_alias else route.convention}


def labelled_route(labels: Mapping[str, str], settings: Settings) -> Route | None:
    """The route on which a swap started the new container beside the old one; None where it was none such."""
    told = labels.get(LABEL + "route", "")
    if not told:
        return None
    network, _, alias = told.partition(" ")
    known = settings.route or Route()
    return Route(network, alias, drain=known.drain, overlap=True) if alias else Route(convention=network, overlap=True)


def about_old(old: Container | None, target: PlannedTarget) -> dict[str, str]:
    """How the old container is before anything is changed, as labels: putting back needs no journal then."""
    if old is None:
        return {}
    found = {
        LABEL + "prev": old.id,
        LABEL + "prev-restart": f"{old.restart}:{old.restart_retries}",
        LABEL + "prev-running": "yes" if old.running else "no",
    }
    if old.started_at is not None:
        found[LABEL + "prev-started"] = old.started_at.isoformat()
    if old.health is Health.FAILING:
        found |= ILL_BEFORE
    route = target.settings.route
    if target.swap is Swap.BESIDE and route is not None:
        found[LABEL + "prev-route"] = " ".join(old_aliases_now(old, route))
    return found


def old_aliases_now(container: Container, route: Route) -> tuple[str, ...]:
    """The aliases that a container has in a route's network."""
    place = container.endpoints.get(route.network)
    return place.aliases if place is not None else ()


def old_aliases(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The aliases that the old container had in its route's network, from the labels of a lock or a new container."""
    return tuple(labels.get(LABEL + "prev-route", "").split())


def old_restart(labels: Mapping[str, str]) -> tuple[RestartPolicy, int] | None:
    """The restart policy that the old container had, from the labels of a lock or a new container."""
    policy, _, retries = labels.get(LABEL + "prev-restart", "").partition(":")
    if policy not in set(RestartPolicy):
        return None
    return RestartPolicy(policy), _number(retries)


def _number(text: str) -> int:
    """A number that a label tells; 0 where it tells none. Whoever may write on the engine may have written it."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def old_ran(labels: Mapping[str, str]) -> bool:
    """Whether the old container ran when the rollout came to it. True where nothing is recorded."""
    return labels.get(LABEL + "prev-running", "yes") != "no"


def old_started(labels: Mapping[str, str]) -> str:
    """Since when the old container had run, by its engine's time; empty where that isn't recorded."""
    return labels.get(LABEL + "prev-started", "")


def told_ill(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Of labels the one by which it is told that the old container wasn't well; none where it was."""
    return ILL_BEFORE if old_was_ill(labels) else {}


def old_was_ill(labels: Mapping[str, str]) -> bool:
    """Whether the old container wasn't well already when the rollout came to it. False where nothing is recorded."""
    return labels.get(LABEL + "prev-ill", "") == "yes"


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def lock_on(found: Container | Listed, container: str) -> Lock:
    """The lock of the environment with this container name, as it was seen on its engine."""
    beat = found.restart_retries if isinstance(found, Container) else 0
    return lock_of(found.id, found.labels, container, beat)


def is_left_over(console: Console, labels: Mapping[str, str]) -> bool:
    """Whether a lock was left behind by a rollout of this catalog that is over: nobody holds it any more.

    Only for whoever holds the catalog: then no other run of the program can be working with it.
    """
    if labels.get(LABEL + "catalog") != console.catalog.id:
        return False
    with console.catalog.read() as books:
        try:
            return books.rollouts.get(labels.get(LABEL + "rollout", "")).state in ENDED
        except KeyError:
            return False
