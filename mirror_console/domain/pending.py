"""Pending: what the catalog's settings have that differs from those last applied, and so waits for a rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from mirror_console.domain.counting import counted
from mirror_console.domain.environment import Settings
from mirror_console.domain.observation import Difference
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
    health_words,
    label_words,
    memory_words,
    number_words,
    port_words,
    route_words,
    seconds_words,
    volume_words,
    yes_words,
)

T = TypeVar("T")

IMAGES = "the image's"
"""What stands for a setting that is left to the image."""


def settings_changes(applied: Settings, catalog: Settings) -> tuple[Difference, ...]:
    """Field by field what a rollout would change: `applied` as it was, `observed` as the catalog has it.

    There are some exactly where the hashes of the two differ.
    """
    found = [_told(*one) for one in _fields(applied, catalog) if one[1] != one[2]]
    return (*found, *_variables(applied, catalog), *_labels(applied, catalog))


def replaced_secret(name: str) -> Difference:
    """That the keyring has another value for a secret variable than the one that was applied."""
    return Difference(VARIABLE + name, AS_APPLIED, "replaced in the keyring")


def going_away(process: str) -> Difference:
    """That a process has a container still which its source declares no more."""
    return Difference(f"process {process}", "declared", "taken away")


def pending_words(number: int) -> str:
    """``pending: 2 changes wait for a rollout``."""
    return f"pending: {counted(number, 'change')} {'waits' if number == 1 else 'wait'} for a rollout"


_Field = tuple[str, object, object, str, str]
"""A field, its two values, and both in words."""


def _fields(applied: Settings, catalog: Settings) -> Iterator[_Field]:
    was, now = applied.limits, catalog.limits
    yield _field("ports", sorted(applied.ports, key=repr), sorted(catalog.ports, key=repr), _each(port_words))
    yield _field("volumes", sorted(applied.volumes, key=repr), sorted(catalog.volumes, key=repr), _each(volume_words))
    # The first network is the one that a container is made in: their order counts.
    yield _field("networks", applied.networks, catalog.networks, lambda names: ", ".join(names) or "default")
    # How a container is replaced is no part of it: only its place in the route is.
    yield _field("route", route_words(applied.route), route_words(catalog.route), str)
    yield _field("memory limit", was.memory, now.memory, memory_words)
    yield _field("CPU limit", was.cpus, now.cpus, number_words)
    yield _field("process limit", was.pids, now.pids, number_words)
    yield _field("restart policy", applied.restart, catalog.restart, str)
    yield _field("health", applied.health, catalog.health, health_words)
    yield _field("stop signal", applied.stop_signal, catalog.stop_signal, lambda signal: signal or IMAGES)
    yield _field("stop time", applied.stop_seconds, catalog.stop_seconds, seconds_words)
    yield _field("command", applied.command, catalog.command, lambda words: " ".join(words) or IMAGES)
    yield _field("init", applied.init, catalog.init, yes_words)


def _field(name: str, before: T, after: T, words: Callable[[T], str]) -> _Field:
    return name, before, after, words(before), words(after)


def _each(words: Callable[[T], str]) -> Callable[[Iterable[T]], str]:
    return lambda values: ", ".join(map(words, values)) or NONE


def _told(field: str, _before: object, _after: object, before: str, after: str) -> Difference:
    """Two values may read the same, such as a word with a space in it and two words."""
    before, after = clean(before), clean(after)
    return Difference(field, *((before, after) if before != after else (AS_APPLIED, ANOTHER)))


def _variables(applied: Settings, catalog: Settings) -> Iterator[Difference]:
    for name in sorted({*applied.variables, *applied.secrets, *catalog.variables, *catalog.secrets}):
        before, after = _how(name, applied), _how(name, catalog)
        if before != after:
            yield Difference(VARIABLE + clean(name), before, after)
        elif applied.variables.get(name) != catalog.variables.get(name):
            yield Difference(VARIABLE + clean(name), AS_APPLIED, ANOTHER)


def _how(name: str, settings: Settings) -> str:
    if name in settings.secrets:
        return A_SECRET
    return SET if name in settings.variables else NOT_SET


def _labels(applied: Settings, catalog: Settings) -> Iterator[Difference]:
    for name in sorted({*applied.labels, *catalog.labels}):
        was, now = applied.labels, catalog.labels
        if was.get(name) != now.get(name):
            words = label_words(name, was), label_words(name, now)
            yield _told(LABEL_FIELD + clean(name), None, None, *words)
