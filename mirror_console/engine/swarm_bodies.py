"""What is sent to update a service: its specification as it is, and in it only what is to be another."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from mirror_console.domain.environment import OUR_LABELS, Limits, Settings
from mirror_console.domain.swarm import DEFAULT_STOP, ServiceChange

_NANO = 1_000_000_000

Document = dict[str, Any]


def updated_spec(spec: Mapping[str, Any], change: ServiceChange) -> Document:
    """The specification of a service with the change in it. What isn't changed stays as it was told, unread."""
    wanted: Document = copy.deepcopy(dict(spec))
    wanted["Labels"] = _relabelled(wanted.get("Labels"), change.labels)
    template: Document = wanted.setdefault("TaskTemplate", {})
    if change.template:
        wanted["TaskTemplate"] = json.loads(change.template)
    else:
        container: Document = template.setdefault("ContainerSpec", {})
        container["Image"] = change.image
        _put(container, "Labels", _relabelled(container.get("Labels"), change.container_labels))
        if change.settings is not None:
            _set_up(container, change.settings, change)
            _grant(template, change.settings.limits)
    # Its Swarm stops at the first task that fails: whether and how it goes back is decided here, and only once.
    update: Document = wanted.get("UpdateConfig") or {"Parallelism": 1, "Order": "stop-first"}
    update |= {"FailureAction": "pause", "Monitor": round(change.monitor * _NANO), "MaxFailureRatio": 0}
    wanted["UpdateConfig"] = update
    return wanted


def _relabelled(there: object, ours: Mapping[str, str]) -> dict[str, str]:
    kept = there if isinstance(there, dict) else {}
    return {name: value for name, value in kept.items() if not name.startswith(OUR_LABELS)} | dict(ours)


def _set_up(container: Document, settings: Settings, change: ServiceChange) -> None:
    revealed = {name: secret.reveal() for name, secret in change.secrets.items()}
    variables = [f"{name}={value}" for name, value in {**settings.variables, **revealed}.items()]
    _put(container, "Env", variables)
    _put(container, "Args", list(settings.command))
    _put(container, "StopSignal", settings.stop_signal)
    if container.get("StopGracePeriod", DEFAULT_STOP * _NANO) != settings.stop_seconds * _NANO:
        container["StopGracePeriod"] = settings.stop_seconds * _NANO
    if bool(container.get("Init")) != settings.init:
        container["Init"] = settings.init


def _grant(template: Document, limits: Limits) -> None:
    resources: Document = template.setdefault("Resources", {})
    granted: Document = resources.get("Limits") or {}
    _put(granted, "MemoryBytes", limits.memory)
    _put(granted, "NanoCPUs", round(limits.cpus * _NANO))
    _put(granted, "Pids", limits.pids)
    resources["Limits"] = granted


def _put(document: Document, name: str, value: object) -> None:
    """Without it where it is empty, as a manager tells it then: so that nothing looks changed that isn't."""
    if value:
        document[name] = value
    else:
        document.pop(name, None)
