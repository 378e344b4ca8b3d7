"""A mutant: the program with one mistake, made in a started process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `make` makes it in this process."""

    name: str
    words: str
    faults: tuple[str, ...]
    make: Callable[[], None]


def put(place: Any, name: str, new: Any) -> None:
    """Put something in the place of a part of the program."""
    setattr(place, name, new)
