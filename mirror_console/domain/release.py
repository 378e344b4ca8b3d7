"""A release: one image that a source environment has had, and when it was first seen there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.image import short


class Mark(StrEnum):
    """What a person says of a release."""

    STOP_HERE = "stop here"
    """It may not be skipped: who is behind it goes to it first."""
    MIGRATION = "has a migration"
    WITHDRAWN = "withdrawn"
    """It shouldn't run anywhere any more."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A release on another platform: what was found there under the same digest."""

    platform: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Release:
    """One image that a source environment has had. `repository` and `digest` say how it can be pulled.

    `fingerprint` is empty as long as only its digest is known: it was read from a registry's tag, and no engine was
    seen to hold it.
    """

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
    also: tuple[Twin, ...] = ()
    """What it is on other platforms."""
    tag: str = ""
    """The registry's tag that pointed to it; empty where it was seen running."""
    created: datetime | None = None
    """When it was built, where its labels tell."""
    marks: tuple[Mark, ...] = ()
    remark: str = ""
    """Why it is marked, in a person's words."""

    @property
    def title(self) -> str:
        """The version where the image tells one, else the start of its identity, or of its digest."""
        return self.version or short(self.fingerprint or self.digest)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What it is on all platforms on which it was seen."""
        if not self.also:
            return (self.fingerprint,) if self.fingerprint else ()
        return (self.fingerprint, *(twin.fingerprint for twin in self.also))

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms on which its fingerprint is known."""
        return (self.platform, *(twin.platform for twin in self.also))

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
