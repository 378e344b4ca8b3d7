"""What a person prefers: how the window looks, how often engines are asked, and how a rollout usually goes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

import msgspec

from mirror_console.domain.status import AGEING_AFTER, STALE_AFTER
from mirror_console.domain.way import REST, WaveSize, Way, way_problems
from mirror_console.errors import ConsoleError, Problem
from mirror_console.paths import private_folder


class Theme(StrEnum):
    """Which colours the window has."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Density(StrEnum):
    """How high the rows of the grid are."""

    COMPACT = "compact"
    COMFORTABLE = "comfortable"
    TALL = "tall"


class WayPreset(StrEnum):
    """A way with a name."""

    CAREFUL = "careful"
    NORMAL = "normal"
    TEST = "test environment"


WAYS: Mapping[WayPreset, Way] = MappingProxyType(
    {
        WayPreset.CAREFUL: Way(
            at_once=4,
            at_once_per_engine=1,
            bake=300.0,
            max_failed=0,
            max_failed_in_all=0,
            pulls_per_engine=1,
            pulls_per_registry=3,
        ),
        # Three later waves of two failures each would come to six.
        WayPreset.NORMAL: Way(in_a_row=3, max_failed_in_all=4),
        WayPreset.TEST: Way(
            waves=(WaveSize(count=1), REST), bake=5.0, max_failed=5, max_failed_in_all=5, pause_after_canary=False
        ),
    }
)
"""The way of each preset."""


def way_names(ways: Mapping[str, Way]) -> tuple[str, ...]:
    """The names of all ways: the presets, then the person's own."""
    return (*map(str, WayPreset), *sorted(set(ways) - set(map(str, WayPreset))))


def way_named(name: str, ways: Mapping[str, Way]) -> Way:
    """The way of that name. Raises KeyError where there is none. A preset can't be replaced by one of the same name.

    That for a test environment is found as `test`, too, unless a person has kept one under that name.
    """
    preset = next((one for one in WayPreset if one == name), None)
    if name == "test" and name not in ways:
        preset = WayPreset.TEST
    return ways[name] if preset is None else WAYS[preset]


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person prefers.

    What was observed is called ageing after `ageing_minutes` and stale after `stale_minutes`. Engines are asked every
    `check_seconds` while the window is seen, every `background_seconds` while it isn't.
    """

    theme: Theme = Theme.SYSTEM
    density: Density = Density.COMFORTABLE
    ageing_minutes: int = _minutes(AGEING_AFTER)
    stale_minutes: int = _minutes(STALE_AFTER)
    check_seconds: int = 60
    background_seconds: int = 600
    way: WayPreset = WayPreset.NORMAL
    ways: Mapping[str, Way] = field(default_factory=dict)
    """Ways of the person's own, by the names that they gave them."""

    @property
    def ageing_after(self) -> timedelta:
        """When what was observed is called ageing."""
        return timedelta(minutes=self.ageing_minutes)

    @property
    def stale_after(self) -> timedelta:
        """When what was observed is called stale."""
        return timedelta(minutes=self.stale_minutes)


_RANGES = {
    "ageing_minutes": (1, 24 * 60),
    "stale_minutes": (1, 7 * 24 * 60),
    "check_seconds": (10, 3600),
    "background_seconds": (60, 24 * 3600),
}


def _nobody(_problem: Problem) -> None:
    """Nobody wants to know."""


def load(path: Path, say: Callable[[Problem], None] = _nobody) -> Preferences:
    """The preferences in a file. Where there is none they are the defaults.

    What can't be read or makes no sense is said to `say`, and the default is taken for it; the rest counts.
    Never raises.
    """
    written = _read(path, say)
    kinds = get_type_hints(Preferences)
    taken: dict[str, Any] = {}
    for name in [one.name for one in fields(Preferences)]:
        if name not in written:
            continue
        try:
            taken[name] = msgspec.convert(written[name], kinds[name])
        except msgspec.ValidationError:
            say(Problem(name, f"{_shown(written[name])} is not possible here; the default is used"))
    while wrong := preference_problems(Preferences(**taken)):
        for problem in wrong:
            # A default that stands for a bad figure may in turn not go with the other one: then both are dropped.
            dropped = problem.field if problem.field in taken else "ageing_minutes"
            say(Problem(dropped, f"{problem.words}; the default is used"))
            del taken[dropped]
    return Preferences(**taken)


def save(path: Path, preferences: Preferences) -> None:
    """Write the preferences, whole or not at all. Raises ConsoleError where that fails."""
    text = msgspec.json.format(msgspec.json.encode(preferences), indent=2) + b"\n"
    try:
        private_folder(path.parent)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
            Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)
    except OSError as error:
        hint = f"{path}: {error.strerror}. Free some space or correct the rights of the folder, then save again."
        raise ConsoleError("The preferences could not be saved.", hint) from error


def preference_problems(preferences: Preferences) -> list[Problem]:
    """Everything wrong with preferences."""
    found = [
        Problem(name, f"{getattr(preferences, name)} is out of range {low} to {high}")
        for name, (low, high) in _RANGES.items()
        if not low <= getattr(preferences, name) <= high
    ]
    if not found and preferences.stale_minutes <= preferences.ageing_minutes:
        words = f"{preferences.stale_minutes} is not later than {preferences.ageing_minutes}, when ageing begins"
        found.append(Problem("stale_minutes", words))
    return found + [
        Problem("ways", f"the way '{name}' can't be gone: {problem}")
        for name, way in preferences.ways.items()
        for problem in way_problems(way)
    ]


def _read(path: Path, say: Callable[[Problem], None]) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except OSError as error:
        say(Problem("", f"The preferences in {path} can't be read ({error.strerror}); the defaults are used."))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        say(Problem("", f"The file {path} holds no preferences; the defaults are used until you save them anew."))
    return {}


def _shown(value: object) -> str:
    text = str(value)
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
