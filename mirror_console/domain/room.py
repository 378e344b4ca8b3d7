"""Room: how much is free on the disk where an engine keeps its images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """In octets, and in files that can be made yet. What isn't told of is None."""

    free: int
    total: int | None = None
    free_files: int | None = None
    files: int | None = None
    """How many there may be at all."""
