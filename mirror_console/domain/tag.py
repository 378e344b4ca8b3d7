"""A look at a registry's tag: what it pointed to, asked through an engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mirror_console.errors import FailureKind


@dataclass(frozen=True, slots=True)
class TagLook:
    """The last look at a tag. A look that failed keeps what the one before had learned."""

    reference: str
    """Repository and tag."""
    at: datetime
    digest: str = ""
    platforms: tuple[str, ...] = ()
    changed_at: datetime | None = None
    """When it was first seen to point to this digest."""
    engine_id: str = ""
    """The engine that asked the registry."""
    failure: FailureKind | None = None
    words: str = ""
    """Why the last look failed; empty where it didn't."""
