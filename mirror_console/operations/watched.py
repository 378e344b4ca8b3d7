"""Watched: what the watch knows of one way into an engine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from mirror_console.domain.watching import Appointment
from mirror_console.operations.access import Entry
from mirror_console.operations.look import Look
from mirror_console.operations.ports.engine import EventStream


@dataclass(slots=True)
class Watched:
    """What the watch knows of one way into an engine."""

    entry: Entry
    shared: bool
    next: Appointment
    stream: EventStream | None = None
    opened: float = 0.0
    look: Look | None = None
    inspect: set[str] = field(default_factory=set)
    inspect_all: bool = False
    again: bool = False
    """Asked for while it is being looked at: that look may have come too early."""
    picture: object = None
    facts_at: float = float("-inf")
    environments: int = 0
    answered: bool = False
    failure: str = ""

    @property
    def key(self) -> str:
        """What it is known by."""
        return key_of(self.entry)

    def among(self, engine_ids: Collection[str] | None) -> bool:
        """Whether its engine is one of these; None means all."""
        return engine_ids is None or self.entry.engine.id in engine_ids


def key_of(entry: Entry) -> str:
    """What a way into an engine is known by: the engine's identity, or that with the account whose own it is."""
    return f"{entry.engine.id}/{entry.account}" if entry.own else entry.engine.id
