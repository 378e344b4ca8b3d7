"""Taking over: what settings become when a person takes a difference as it was observed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mirror_console.domain.drift import DEFAULT_NETWORKS, besides_route, foreign_labels, image_variables
from mirror_console.domain.environment import Environment, Settings
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container
from mirror_console.domain.process import one_process
from mirror_console.domain.secret import Secret, SecretReference
from mirror_console.domain.setting_words import LABEL_FIELD, VARIABLE, looks_secret

PLACED = {
    "ports": "ports belong to the engine that it runs on",
    "volumes": "volumes hold a mirror's own data",
    "networks": "networks belong to the engine that it runs on",
    "route": "an alias belongs to one environment",
    "container": "who made a container is no setting",
}
"""What a template can't have, and why."""
LIMITS = {"memory limit": "memory", "CPU limit": "cpus", "process limit": "pids"}
_SHARED = ("variables", "secrets", "volumes", "networks", "restart", "init", "stop_signal", "stop_seconds")
"""What all processes of an environment have in common."""
A_SECRETS = "values of secrets belong to one environment alone"


@dataclass(frozen=True, slots=True)
class Observed:
    """A container as it was found, with its image. `reference` names a new secret variable of its environment."""

    container: Container
    image: Image
    references: Mapping[str, SecretReference]
    """For each variable that is to be kept as a secret, where the keyring keeps it."""


def taken(settings: Settings, observed: Observed, fields: Collection[str]) -> Settings:
    """Settings with the observed value in each of these fields; compared with the container, these don't differ."""
    container, image = observed.container, observed.image
    there, limits = _found(settings, container, image), settings.limits
    changes = {part: value for field in fields for part, value in there.get(field, {}).items()}
    if {"route", "networks"} <= set(fields) and "route" in changes and changes["route"] is None:
        # Its network is one like others then, wherever it stands among them.
        changes["networks"] = container.networks
    for field, part in LIMITS.items():
        if field in fields:
            limits = replace(limits, **{part: getattr(container.limits, part)})
    variables, secrets = _variables(settings, observed, fields)
    labels = _labels(settings, container, image, fields)
    return replace(settings, variables=variables, secrets=secrets, labels=labels, limits=limits, **changes)  # type: ignore[arg-type]  # names of Settings' own fields


def taken_by(environment: Environment, process: str, observed: Observed, fields: Collection[str]) -> Environment:
    """An environment with what was observed at one of its processes.

    What all of its processes have in common, the others get as well. Limits of one that doesn't serve are its own.
    """
    alone = one_process(environment, process)
    settings = taken(alone.settings, observed, fields)
    if process == environment.processes[0].name:
        return replace(environment, settings=settings)
    shared = {name: getattr(settings, name) for name in _SHARED}
    others = tuple(
        replace(one, own_limits=settings.limits) if one.name == process and set(fields) & set(LIMITS) else one
        for one in environment.processes
    )
    return replace(environment, processes=others, settings=replace(environment.settings, **shared))


def not_beside(field: str) -> str:
    """Why a difference of a process that doesn't serve can't be taken into settings; empty where it can."""
    if field == "command":
        return "its source declares what it runs"
    return "only what serves has it" if field in {"ports", "route"} or field.startswith(LABEL_FIELD) else ""


def secret_values(settings: Settings, observed: Observed, fields: Collection[str]) -> dict[str, Secret]:
    """The observed values of variables among the fields that are, or become, secrets; by variable."""
    there = observed.container.variables
    names = {field.removeprefix(VARIABLE) for field in fields if field.startswith(VARIABLE)}
    return {name: Secret(there[name]) for name in sorted(names) if name in there and _is_secret(name, settings, there)}


def parted(field: str) -> tuple[str, str]:
    """The process of a difference as it is told, and the field itself; empty where the process is the one that serves.

    ``worker: memory limit`` is the memory limit of the worker.
    """
    process, told, own = field.partition(": ")
    return (process, own) if told and not field.startswith((VARIABLE, LABEL_FIELD)) else ("", field)


def not_acceptable(field: str) -> str:
    """Why a mirror's settings can't have a difference as it is told; empty where they can."""
    process, own = parted(field)
    return not_beside(own) if process else ""


def not_adoptable(field: str, settings: Settings, observed: Mapping[str, str] | None = None) -> str:
    """Why a template can't have a difference as it is told; empty where it can.

    `observed` are a container's variables, where known. Of a process that doesn't serve its source declares the command
    and the limits, so that it can have them.
    """
    process, field = parted(field)
    if process and field != "command" and (why := not_beside(field)):
        return why
    if field in PLACED:
        return PLACED[field]
    name = field.removeprefix(VARIABLE)
    is_variable = field.startswith(VARIABLE)
    return A_SECRETS if is_variable and _is_secret(name, settings, observed or {}) else ""


def _found(settings: Settings, container: Container, image: Image) -> Mapping[str, Mapping[str, object]]:
    """What each field is on a container, as a change of settings; what is its image's own is left to the image."""
    networks = besides_route(settings, container)
    return {
        "ports": {"ports": container.declared_ports},
        "volumes": {"volumes": container.volumes},
        "networks": {"networks": () if set(networks) <= DEFAULT_NETWORKS else networks},
        "route": _route(settings, container),
        "restart policy": {"restart": container.restart},
        "init": {"init": container.init},
        "stop time": {} if container.stop_seconds is None else {"stop_seconds": container.stop_seconds},
        "command": {"command": () if container.command == image.command else container.command},
        "stop signal": {"stop_signal": "" if container.stop_signal == image.stop_signal else container.stop_signal},
    }


def _route(settings: Settings, container: Container) -> Mapping[str, object]:
    """The route under the alias that was found; none where there is none, and then its network is one like others."""
    route = settings.route
    if route is None or not route.by_alias:
        return {}
    there = container.endpoints.get(route.network)
    if there is not None and there.aliases:
        return {"route": replace(route, alias=there.aliases[0])}
    networks = settings.networks if there is None else (*settings.networks, route.network)
    return {"route": None, "networks": networks}


def _is_secret(name: str, settings: Settings, observed: Mapping[str, str]) -> bool:
    if name in settings.secrets:
        return True
    return name not in settings.variables and looks_secret(name, observed.get(name, ""))


def _variables(
    settings: Settings, observed: Observed, fields: Collection[str]
) -> tuple[dict[str, str], dict[str, SecretReference]]:
    variables, secrets = dict(settings.variables), dict(settings.secrets)
    there, given = observed.container.variables, image_variables(observed.image)
    for field in fields:
        if not field.startswith(VARIABLE):
            continue
        name = field.removeprefix(VARIABLE)
        if name not in there:
            variables.pop(name, None)
            secrets.pop(name, None)
        elif _is_secret(name, settings, there):
            secrets[name] = secrets.get(name) or observed.references[name]
        elif there[name] == given.get(name):
            # What the image gives anyway is left to it, also when another image gives another value.
            variables.pop(name, None)
        else:
            variables[name] = there[name]
    return variables, secrets


def _labels(settings: Settings, container: Container, image: Image, fields: Collection[str]) -> dict[str, str]:
    labels, found = dict(settings.labels), foreign_labels(container, image)
    for field in fields:
        if field.startswith(LABEL_FIELD):
            name = field.removeprefix(LABEL_FIELD)
            if name in found:
                labels[name] = found[name]
            else:
                labels.pop(name, None)
    return labels
