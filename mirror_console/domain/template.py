"""A source's template: how a setting gets from it into the settings of its mirrors' environments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from mirror_console.domain.environment import Settings, settings_problems
from mirror_console.domain.route import no_alias
from mirror_console.domain.setting_words import LABEL_FIELD, VARIABLE
from mirror_console.errors import Problem


def copied(settings: Settings, field: str, origin: Settings) -> Settings:
    """Settings with one field as `origin` has it."""
    limits, there = settings.limits, origin.limits
    match field:
        case "memory limit":
            return replace(settings, limits=replace(limits, memory=there.memory))
        case "CPU limit":
            return replace(settings, limits=replace(limits, cpus=there.cpus))
        case "process limit":
            return replace(settings, limits=replace(limits, pids=there.pids))
        case "restart policy":
            return replace(settings, restart=origin.restart)
        case "init":
            return replace(settings, init=origin.init)
        case "stop time":
            return replace(settings, stop_seconds=origin.stop_seconds)
        case "stop signal":
            return replace(settings, stop_signal=origin.stop_signal)
        case "command":
            return replace(settings, command=origin.command)
    if field.startswith(VARIABLE):
        name = field.removeprefix(VARIABLE)
        return replace(settings, variables=_with(settings.variables, name, origin.variables))
    if field.startswith(LABEL_FIELD):
        name = field.removeprefix(LABEL_FIELD)
        return replace(settings, labels=_with(settings.labels, name, origin.labels))
    return settings


def followed(settings: Settings, old: Settings, new: Settings, fields: Collection[str]) -> Settings:
    """What a mirror's settings become when the template goes from `old` to `new` in these fields.

    A field follows where its value was the template's, or where there is none; what a mirror has of its own stays.
    """
    for field in fields:
        mine = _value(settings, field)
        if mine is None or mine == _value(old, field):
            settings = copied(settings, field, new)
    return settings


def template_problems(template: Settings, at: str = "template") -> list[Problem]:
    """Everything wrong with a template by itself."""
    found = settings_problems(template, at)
    found += no_alias(template.route, f"{at}.route")
    if template.secrets:
        found.append(Problem(f"{at}.secrets", "a template has no secrets: each environment has its own"))
    return found


def _value(settings: Settings, field: str) -> object:
    """A field's value; None where nothing is set."""
    limits = settings.limits
    plain: dict[str, object] = {
        "memory limit": limits.memory or None,
        "CPU limit": limits.cpus or None,
        "process limit": limits.pids or None,
        "restart policy": settings.restart,
        "init": settings.init,
        "stop time": settings.stop_seconds,
        "stop signal": settings.stop_signal or None,
        "command": settings.command or None,
    }
    if field.startswith(VARIABLE):
        name = field.removeprefix(VARIABLE)
        # A secret of that name is a value of its own, whatever it is.
        return settings.secrets.get(name, settings.variables.get(name))
    if field.startswith(LABEL_FIELD):
        return settings.labels.get(field.removeprefix(LABEL_FIELD))
    return plain.get(field)


def _with(values: Mapping[str, str], name: str, origin: Mapping[str, str]) -> dict[str, str]:
    found = {**values, name: origin.get(name, "")}
    if name not in origin:
        del found[name]
    return found
