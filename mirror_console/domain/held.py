"""A held image: what one engine has of images, as it was last seen, and who brought it there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

BY_PREFETCH, BY_RELAY = "prefetch", "relay"
AHEAD = frozenset({BY_PREFETCH, BY_RELAY})
"""What brings images that no rollout asked for: a person does, for a rollout that is to come."""


@dataclass(frozen=True, slots=True)
class HeldImage:
    """An image that an engine holds. `size` in bytes, as that engine counts it.

    Tags and digests change and pile up; what an id means on one engine never changes.
    """

    engine_id: str
    id: str
    fingerprint: str
    platform: str
    seen_at: datetime
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """``repository@sha256:…``, each."""
    version: str = ""
    revision: str = ""
    created: datetime | None = None
    size: int | None = None
    brought_by: str = ""
    """The identity of the rollout that brought it there; ``prefetch`` or ``relay`` where a person did without one.
    Empty where it came otherwise, and isn't ours."""
