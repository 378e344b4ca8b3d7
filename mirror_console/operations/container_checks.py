"""Container checks: what a target's containers are tied to, made of and given time for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mirror_console.domain.check import Answer
from mirror_console.domain.environment import Settings
from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container, Listed
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way

Said = tuple[Answer, str, str]
"""An answer with its words and its remedy."""

LONG_STOP = 60
"""Seconds of stopping from which on it is said how long nothing may serve."""
MANAGED = {
    "com.docker.swarm.service.name": "a service of a Swarm",
    "io.kubernetes.pod.name": "a pod of Kubernetes",
    "com.hashicorp.nomad.alloc_id": "a job of Nomad",
}
"""By label: what would start another container by itself, as soon as this one stops."""
COMPOSE = "com.docker.compose.project"
TOOLS = {
    COMPOSE: "Compose",
    "com.dokku.app-name": "Dokku",
    "coolify.managed": "Coolify",
}
"""By label: what makes another container once a person has it deploy again. Sources: dokku, plugins/logs; coolify,
bootstrap/helpers/docker.php."""

_NETWORK_OF = "container:"
_PLACEHOLDER = re.compile(
    r"\$\{[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|<[^<>]+>|(?:change|replace)[-_ ]?(?:me|this)\W*|todo|fixme", re.IGNORECASE
)
_WITHIN = re.compile(r"\$\{[A-Z_][A-Z0-9_]*(?::?[-?][^}]*)?\}|CHANGE_?ME")
GOES_FIRST = "It goes first, and would prove nothing to the others."


def ties(old: Container, listed: Sequence[Listed], strangers: Sequence[Container]) -> Said | None:
    """What would break, or act against it, once a container is replaced by another one; None where nothing is known."""
    lends = {_NETWORK_OF + old.id, _NETWORK_OF + old.name}
    hangers = [one.name for one in listed if one.network_mode in lends]
    hangers += [one.name for one in strangers if {old.id, old.name} & set(one.joins)]
    if hangers:
        names = ", ".join(f"'{name}'" for name in sorted(set(hangers)))
        words = f"It lends its network, processes, memory, volumes or name to {names}, which would be cut off."
        return Answer.BLOCKED, words, "Deploy both by hand, or take that container away first."
    manager = next((words for label, words in MANAGED.items() if label in old.labels), "")
    if manager:
        words = f"Its container belongs to {manager}, which would start it again beside the new one."
        remedy = "Deploy it with what manages it, or take it out of that first."
        if "Swarm" in manager:
            remedy = "Say on the mirror's form that it is a service of a Swarm, on an engine that is a manager of it."
        return Answer.BLOCKED, words, remedy
    return None


def made_by_tool(old: Container) -> Said | None:
    """That another tool made the container, and makes another one beside the rollout's once it deploys again.

    It is asked once, before the environment is taken over: what a rollout made has that tool's mark only from an image
    that the tool built.
    """
    if old.labels.get(LABEL + "rollout"):
        return None
    label = next((label for label in TOOLS if label in old.labels), "")
    if not label:
        return None
    # The same words for a whole fleet, without its projects: one person's word over them is told as one.
    words = (
        f"Its container was made by {TOOLS[label]}: that makes another one beside the rollout's once it is brought up "
        "again."
    )
    remedy = "Take the service out of what that tool deploys, so that one of the two decides. Then override this check."
    return Answer.BLOCKED, words, remedy


def values(settings: Settings) -> Said:
    """Whether something was left to be filled in. Values of secrets aren't looked at, and no value is ever said."""
    given = {
        **settings.variables,
        **{f"label {name}": value for name, value in settings.labels.items()},
        **{f"volume at {volume.target}": volume.source for volume in settings.volumes},
    }
    unfilled = _named(given, _PLACEHOLDER.fullmatch)
    if unfilled:
        words = f"Still a placeholder, and not a value: {', '.join(unfilled)}."
        return Answer.BLOCKED, words, "Give the values on the mirror's form, then plan again."
    within = _named(given, _WITHIN.search)
    if within:
        words = f"There is a placeholder in it, which nothing fills in: {', '.join(within)}."
        return Answer.WARNING, words, "Write the value out, unless the application itself fills it in."
    return Answer.PASS, "No placeholder was left.", ""


def _named(given: Mapping[str, str], matches: object) -> list[str]:
    return [name for name, value in given.items() if value and matches(value.strip())]  # type: ignore[operator]


def health_check(target: PlannedTarget, way: Way, image: Image | None, *, planned: bool) -> Said:
    """By what it is told that the new container is well, and whether that is waited for long enough.

    `image` is the planned one where it could be looked at; else (not `planned`) the one that runs now.
    """
    test = target.settings.health
    limit = way.health_limit or test.limit
    if image is not None and image.has_health_check:
        whose = "The image has a health check" if planned else "The image that runs now has a health check"
        if image.health_interval >= limit:
            words = f"{whose} that is tried after {image.health_interval:g} s, and {limit:g} s are waited for it."
            return Answer.WARNING, words, "Give it more time on the mirror's form, or with the way."
        if image.health_seconds >= limit:
            words = f"{whose} that takes {image.health_seconds:g} s to call it ill; after {limit:g} s it is put back."
            return Answer.INFORMATION, words, ""
        return Answer.PASS, f"{whose}; {limit:g} s are waited for it.", ""
    if test.path:
        return Answer.PASS, f"It is asked over HTTP at {test.path}, for {limit:g} s at most.", ""
    if image is None:
        words = "Whether the image has a health check shows once it is on the engine."
        return Answer.INFORMATION, words, ""
    words = f"Nothing says how it is told that it is well: only that it runs for {test.settle:g} s is looked at."
    remedy = "Give its health test a path on the mirror's form, or the image a HEALTHCHECK."
    if planned and target.canary is not None and target.swap is not Swap.IN_PLACE:
        # What goes first is to show that the others may follow. Of an image that isn't there yet nothing is known.
        return Answer.BLOCKED, f"{words} {GOES_FIRST}", remedy
    return Answer.WARNING, words, remedy


def stopping(target: PlannedTarget, old: Container | None) -> Said:
    """Whether the container that goes has the time to end that it was made for."""
    seconds = target.settings.stop_seconds
    if old is not None and old.stop_seconds is not None and old.stop_seconds > seconds:
        words = f"Its container was made with {old.stop_seconds} s to stop; the rollout ends it after {seconds} s."
        return Answer.WARNING, words, "Give it that time on the mirror's form, unless it needs less by now."
    if old is not None and not seconds:
        words = "It has no time to stop: requests and writes that are under way are cut off."
        return Answer.WARNING, words, "Give it some seconds on the mirror's form."
    if seconds > LONG_STOP and target.swap is Swap.RECREATE:
        return Answer.INFORMATION, f"It may take {seconds} s to stop, and nothing serves meanwhile.", ""
    return Answer.PASS, f"It has {seconds} s to stop.", ""
