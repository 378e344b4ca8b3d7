"""A release: one image that a source environment has had, and when it was first seen there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.image import short


@dataclass(frozen=True, slots=True)
class Release:
    """One image that a source environment has had. `repository` and `digest` say how it can be pulled."""

    id: str
    environment_id: str
    fingerprint: str
    repository: str
    digest: str
    first_seen: datetime
    current_since: datetime
    """When the environment last changed to it. A source that goes back makes an older release the current one again."""
    version: str = ""
    revision: str = ""
    size: int | None = None
    platform: str = ""

    @property
    def title(self) -> str:
        """The version where the image tells one, else the start of its identity."""
        return self.version or short(self.fingerprint)

    @property
    def reference(self) -> str:
        """What is pulled: the repository pinned to the digest. Empty where no digest is known."""
        return f"{self.repository}@{self.digest}" if self.digest else ""


def current(releases: Sequence[Release]) -> Release | None:
    """The release that its environment changed to last."""
    return max(releases, key=lambda release: release.current_since, default=None)


def behind_by(releases: Sequence[Release], running: str, expected: str) -> int | None:
    """How many releases lie between two fingerprints in the order they were first seen: positive is behind, negative
    ahead, 0 the same, None where one of them was never a release of that environment."""
    order: dict[str, int] = {}
    for place, release in enumerate(sorted(releases, key=lambda release: release.first_seen)):
        order[release.fingerprint] = place
    if running not in order or expected not in order:
        return None
    return order[expected] - order[running]
