"""Swarm checks: whether a service of a Swarm may be updated, how that goes, and which settings come to it."""

from __future__ import annotations

from collections.abc import Iterator

from mirror_console.domain.check import Answer, Check
from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.environment import Settings
from mirror_console.domain.image import Image
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.service_settings import left_to_its_stack
from mirror_console.domain.service_update import at_rest_words, goes_words
from mirror_console.domain.swarm import DEFAULT_STOP, SwarmService, digest_of
from mirror_console.domain.way import Way
from mirror_console.domain.way_back import WayBack
from mirror_console.operations.container_checks import GOES_FIRST
from mirror_console.operations.ports.engine import EngineSession

Said = tuple[Check, Answer, str, str]
"""A check, its answer with its words, and its remedy."""


def manages(facts: EngineFacts) -> tuple[Answer, str, str]:
    """Whether an engine changes the services of its Swarm."""
    if facts.manages_swarm:
        nodes = f" of {facts.swarm_nodes} nodes" if facts.swarm_nodes > 1 else ""
        return Answer.PASS, f"It is Docker, and a manager of its Swarm{nodes}.", ""
    words = "It is no manager of a Swarm, so that no service can be changed there."
    return Answer.BLOCKED, words, "Place the environment on an engine that is a manager, or say that it is a container."


def check_service(
    session: EngineSession,
    target: PlannedTarget,
    way: Way | None,
    of_catalog: Settings | None = None,
    *,
    lost_before: str = "",
    one_node: bool = True,
) -> Iterator[Said]:
    """The checks of one service, for which the catalog has these settings. Looks at it now. Raises EngineError.

    Without a `way` it is asked again, before a wave: then what can't block is left out. `lost_before` is why what it
    runs can't be had again from its registry, `one_node` whether its Swarm has no other node.
    """
    service = session.swarm_service(target.before_container_id)
    if service is None:
        # That it is gone is said of the plan.
        return
    yield (Check.SERVICE, *_may_be_updated(session, service, target, one_node=one_node))
    if way is None:
        return
    yield (Check.WAY_BACK, *_way_back(service, target, lost_before))
    yield (Check.SERVICE_SETTINGS, *_settings(of_catalog or target.settings))
    yield (Check.STOPPING, *_stopping(service, target.settings))
    yield (Check.HEALTH_CHECK, *_health_check(session, service, target, way))


def _may_be_updated(
    session: EngineSession, service: SwarmService, target: PlannedTarget, *, one_node: bool
) -> tuple[Answer, str, str]:
    if why := at_rest_words(service):
        words = f"It can't be updated now: {why}."
        said = f" Its Swarm says: {service.update_words}." if service.update_words else ""
        name = service.name
        remedy = (
            f"Let it come to its end, or end it by hand: 'docker service rollback {name}', or 'docker service update "
            f"--image IMAGE {name}'."
        )
        return Answer.BLOCKED, words + said, remedy
    if target.preparation is not None and service.networks:
        closed = _not_attachable(session, service)
        if closed:
            words = f"Its release command runs in a container of its own, which can't join {', '.join(closed)}."
            return Answer.BLOCKED, words, "Make its network attachable in the stack, or run the command by hand."
    if service.replicas == 0:
        words = "It is to have no task at all: nothing will run that could be looked at."
        return Answer.BLOCKED, words, f"Give it some first: 'docker service scale {service.name}=2'."
    goes = f"{goes_words(service)}."
    lacks = _lacks(service, one_node=one_node) if target.preparation is not None else []
    if lacks:
        words = f"{goes} Its command before runs in a container of its own, without {' and '.join(lacks)}."
        return Answer.WARNING, words, "See that the command does without, or run it by hand and declare none."
    return Answer.PASS, goes, ""


def _lacks(service: SwarmService, *, one_node: bool) -> list[str]:
    """What the tasks of a service have that a container beside them can't be given."""
    lacks = []
    if service.files:
        lacks.append(f"the secrets and configs of its Swarm ({', '.join(service.files)})")
    if service.mounts and not one_node:
        sources = ", ".join(one.source for one in service.mounts)
        lacks.append(f"its volumes, which may be on other nodes ({sources})")
    return lacks


def _stopping(service: SwarmService, settings: Settings) -> tuple[Answer, str, str]:
    """Whether its tasks keep the time to end that they have."""
    had = DEFAULT_STOP if service.stop_seconds is None else service.stop_seconds
    seconds = settings.stop_seconds
    if had > seconds:
        words = f"Its tasks have {had} s to stop; the rollout leaves them {seconds} s."
        return Answer.WARNING, words, "Give it that time on the mirror's form, unless it needs less by now."
    if not seconds:
        words = "Its tasks have no time to stop: requests and writes that are under way are cut off."
        return Answer.WARNING, words, "Give it some seconds on the mirror's form."
    return Answer.PASS, f"Each task has {seconds} s to stop.", ""


def _not_attachable(session: EngineSession, service: SwarmService) -> list[str]:
    return sorted(
        network.name for network in session.networks() if network.id in service.networks and not network.attachable
    )


def _way_back(service: SwarmService, target: PlannedTarget, lost: str) -> tuple[Answer, str, str]:
    if target.way_back is WayBack.BLOCKED:
        words = "Its Swarm keeps what it was; but once the data has changed the older release may not work on it."
        return Answer.WARNING, words, "Try it at one mirror first, with a backup at hand."
    if lost:
        words = f"What it runs can't be had again from its registry: {lost}"
        remedy = "Putting back needs the image on its nodes. Publish it again there, or keep it from being cleaned up."
        return Answer.WARNING, words, remedy
    if digest_of(service.image):
        words = "Its Swarm keeps what it was until it is changed again, and its registry has the image by its digest."
        return Answer.PASS, words, ""
    words = f"What it runs is named by a tag ({service.image}), which may lead to another image by now."
    return Answer.WARNING, words, "Putting back needs the image on its nodes; a rollout later can't go back to it."


def _settings(settings: Settings) -> tuple[Answer, str, str]:
    """Which of the catalog's settings don't come to a service."""
    left = left_to_its_stack(settings)
    if not left:
        return Answer.PASS, "Image, variables, limits, command and stopping come to the service; all else stays.", ""
    return Answer.INFORMATION, f"Its stack decides, and not the catalog, about: {', '.join(left)}.", ""


def _health_check(
    session: EngineSession, service: SwarmService, target: PlannedTarget, way: Way
) -> tuple[Answer, str, str]:
    limit = way.health_limit or target.settings.health.limit
    if service.health_check:
        words = f"Its stack gives it a health check; its tasks may move for {limit:g} s without one passing."
        return Answer.PASS, words, ""
    if service.health_check is False:
        words = "Its stack switches the health check of the image off: that its tasks run is all that is known of them."
        return _unproved(target, words, "Leave it on in the stack: services are not asked over HTTP.")
    image: Image | None = session.image(target.reference)
    if image is not None and image.has_health_check:
        return Answer.PASS, f"The image has a health check; its tasks may move for {limit:g} s without one passing.", ""
    if image is None:
        words = "By its Swarm: a task runs once the health check of its image has passed, where there is one."
        return Answer.INFORMATION, words, ""
    words = "The image has no health check: that its tasks run is all that is known of them."
    return _unproved(target, words, "Give the image a HEALTHCHECK: services are not asked over HTTP.")


def _unproved(target: PlannedTarget, words: str, remedy: str) -> tuple[Answer, str, str]:
    """Nothing tells that it is well: what goes first has to."""
    if target.canary is not None:
        return Answer.BLOCKED, f"{words} {GOES_FIRST}", remedy
    return Answer.WARNING, words, remedy
