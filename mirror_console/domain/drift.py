"""Drift of settings: what a container is made of, compared with the settings that were last applied.

Values of secrets are never part of it: that one is another than was applied is told by its keyed hash, which the caller
compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mirror_console.domain.environment import Limits, Settings
from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container, Difference
from mirror_console.domain.plain import clean
from mirror_console.domain.setting_words import (
    A_SECRET,
    ANOTHER,
    AS_APPLIED,
    LABEL_FIELD,
    NONE,
    NOT_SET,
    SET,
    VARIABLE,
    label_words,
    memory_words,
    number_words,
    port_words,
    route_words,
    seconds_words,
    volume_words,
    yes_words,
)

DEFAULT_NETWORKS = frozenset({"default", "bridge", ""})
CONTAINER = "container"
"""The field that says that somebody else made the container anew: no setting, but drift."""
REMADE = Difference(CONTAINER, "made by a rollout", "made by hand")
TOOL_LABELS = ("com.docker.compose.", "com.dokku.", "coolify.", "desktop.docker.io/")
"""Notes of the tool that made a container; nothing runs by them once it is ours."""


def differences(
    applied: Settings, container: Container, image: Image | None, secrets: Mapping[str, bool] | None = None
) -> tuple[Difference, ...]:
    """What differs between the settings that were applied and a container. Empty where nothing does.

    `image` is the container's own image: what comes from it is no difference. Where it couldn't be read, variables,
    labels, the command and the stop signal are left out of the comparison. `secrets` says of those secret variables
    that could be compared whether the container has the value that was applied.
    """
    found = [
        *_compare("ports", map(port_words, applied.ports), map(port_words, container.declared_ports)),
        *_compare("volumes", map(volume_words, applied.volumes), map(volume_words, container.volumes)),
        *_networks(applied, container),
        *_route(applied, container),
        *_limits(applied.limits, container.limits),
    ]
    if applied.restart is not container.restart:
        found.append(Difference("restart policy", str(applied.restart), str(container.restart)))
    if applied.init != container.init:
        found.append(Difference("init", yes_words(applied.init), yes_words(container.init)))
    # A container that says nothing is stopped with the time that whoever stops it gives it, as the console does.
    if container.stop_seconds not in {None, applied.stop_seconds}:
        observed = seconds_words(container.stop_seconds or 0)
        found.append(Difference("stop time", seconds_words(applied.stop_seconds), observed))
    if image is not None:
        wanted = {**image_variables(image), **applied.variables}
        found += _variables(wanted, applied, container, secrets or {})
        found += _one("command", applied.command or image.command, container.command)
        found += _one("stop signal", (applied.stop_signal or image.stop_signal,), (container.stop_signal,))
        found += _labels(applied, container, image)
    # An engine has its words in it: names, paths, a command.
    return tuple(Difference(clean(one.field), clean(one.applied), clean(one.observed)) for one in found)


def service_differences(
    applied: Settings, container: Container, image: Image | None, secrets: Mapping[str, bool] | None = None
) -> tuple[Difference, ...]:
    """What differs of a service of a Swarm, told as a container, in what a rollout brings to it.

    All else is its stack's. A service says only what it has beside its `image`, which isn't needed; what is said once
    more that the image says already is no difference.
    """
    command = () if image is not None and container.command == image.command else container.command
    signal = "" if image is not None and container.stop_signal == image.stop_signal else container.stop_signal
    found = [
        *_limits(applied.limits, container.limits),
        *_variables(dict(applied.variables), applied, container, secrets or {}),
        *_one("command", applied.command, command),
        *_one("stop signal", _given(applied.stop_signal), _given(signal)),
    ]
    if applied.init != container.init:
        found.append(Difference("init", yes_words(applied.init), yes_words(container.init)))
    if container.stop_seconds not in {None, applied.stop_seconds}:
        observed = seconds_words(container.stop_seconds or 0)
        found.append(Difference("stop time", seconds_words(applied.stop_seconds), observed))
    return tuple(Difference(clean(one.field), clean(one.applied), clean(one.observed)) for one in found)


def _given(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def of_settings(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """Those among differences that concern settings, and not who made the container."""
    return tuple(difference for difference in found if difference.field.rpartition(": ")[2] != CONTAINER)


def not_made_again(settings: Settings, container: Container) -> tuple[str, ...]:
    """What a container has that one made of these settings would lack, in words."""
    route = settings.route
    found = list(container.unsupported)
    for network, endpoint in sorted(container.endpoints.items()):
        ours = {route.alias} if route is not None and route.network == network else set()
        lost = [alias for alias in endpoint.aliases if alias not in ours]
        if lost:
            found.append(clean(f"network aliases {', '.join(lost)} in {network}"))
    return tuple(found)


def foreign_labels(container: Container, image: Image) -> dict[str, str]:
    """A container's labels without those of its image, of ours, and of the tool that made it."""
    return {
        name: value
        for name, value in container.labels.items()
        if image.labels.get(name) != value and not name.startswith((LABEL, *TOOL_LABELS))
    }


def image_variables(image: Image) -> dict[str, str]:
    """The variables that an image gives to its containers."""
    return dict(entry.partition("=")[::2] for entry in image.environment)


def _compare(field: str, applied: Iterable[str], observed: Iterable[str]) -> list[Difference]:
    before, after = set(applied), set(observed)
    if before == after:
        return []
    return [Difference(field, ", ".join(sorted(before)) or NONE, ", ".join(sorted(after)) or NONE)]


def _one(field: str, applied: tuple[str, ...], observed: tuple[str, ...]) -> list[Difference]:
    if applied == observed:
        return []
    return [Difference(field, " ".join(applied) or NONE, " ".join(observed) or NONE)]


def _networks(applied: Settings, container: Container) -> list[Difference]:
    wanted, observed = applied.networks, besides_route(applied, container)
    if not wanted and set(observed) <= DEFAULT_NETWORKS:
        return []
    return _compare("networks", wanted or ("default",), observed)


def besides_route(settings: Settings, container: Container) -> tuple[str, ...]:
    """The networks that a container is in, without the one of its route: where nothing else was asked for, the default.

    One that is nowhere else is as one for which no other network was asked for.
    """
    if settings.route is None or not settings.route.by_alias:
        return container.networks or (container.network_mode,)
    rest = tuple(name for name in container.networks if name != settings.route.network)
    return rest or ("default",) if container.networks else (container.network_mode,)


def _route(applied: Settings, container: Container) -> list[Difference]:
    route = applied.route
    if route is None or not route.by_alias:
        return []
    there = container.endpoints.get(route.network)
    aliases = there.aliases if there is not None else ()
    if route.alias in aliases:
        return []
    observed = f"{', '.join(aliases) or 'no alias'} in {route.network}" if there is not None else NONE
    return [Difference("route", route_words(route), observed)]


def _limits(applied: Limits, observed: Limits) -> list[Difference]:
    found = []
    if applied.memory != observed.memory:
        found.append(Difference("memory limit", memory_words(applied.memory), memory_words(observed.memory)))
    if abs(applied.cpus - observed.cpus) > 1e-6:
        found.append(Difference("CPU limit", number_words(applied.cpus), number_words(observed.cpus)))
    if applied.pids != observed.pids:
        found.append(Difference("process limit", number_words(applied.pids), number_words(observed.pids)))
    return found


def _variables(
    wanted: Mapping[str, str], applied: Settings, container: Container, secrets: Mapping[str, bool]
) -> list[Difference]:
    found = []
    for name in sorted({*wanted, *applied.secrets, *container.variables}):
        there = name in container.variables
        if name in applied.secrets:
            if not there:
                found.append(Difference(VARIABLE + name, A_SECRET, NOT_SET))
            elif not secrets.get(name, True):
                found.append(Difference(VARIABLE + name, AS_APPLIED, ANOTHER))
        elif name not in wanted:
            found.append(Difference(VARIABLE + name, NOT_SET, SET))
        elif not there:
            found.append(Difference(VARIABLE + name, SET, NOT_SET))
        elif wanted[name] != container.variables[name]:
            found.append(Difference(VARIABLE + name, AS_APPLIED, ANOTHER))
    return found


def _labels(applied: Settings, container: Container, image: Image) -> list[Difference]:
    observed = foreign_labels(container, image)
    # A label that repeats the image's is its image's, whoever asked for it.
    wanted = {name: value for name, value in applied.labels.items() if image.labels.get(name) != value}
    return [
        _label(name, wanted, observed)
        for name in sorted({*wanted, *observed})
        if wanted.get(name) != observed.get(name)
    ]


def _label(name: str, wanted: Mapping[str, str], observed: Mapping[str, str]) -> Difference:
    before, after = label_words(name, wanted), label_words(name, observed)
    if before == after:
        before, after = AS_APPLIED, ANOTHER
    return Difference(LABEL_FIELD + name, before, after)
