"""What is ticked in the grid, as others are told of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ticked:
    """Which mirrors are ticked, and where they are now."""

    ids: tuple[str, ...]
    hidden: int
    """How many of them the filter hides."""
    gone: int
    """How many of them the catalog no longer has."""
    note: str = ""
    """How they came to be ticked, where that was by a filter."""
