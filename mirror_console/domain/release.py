"""A release: one image that a source environment has had, and when it was first seen there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror_console.domain.environment import Environment
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
    current_since: datetime | None
    """When the environment was last seen to change to it. A source that goes back makes an older release the current
    one again. None where it was never seen to run there."""
    version: str = ""
    revision: str = ""
    size: int | None = None
    platform: str = ""
    also: tuple[Twin, ...] = ()
    """What it is on other platforms."""
    tag: str = ""
    """The registry's tag that pointed to it; empty where it was only seen running."""
    tagged_since: datetime | None = None
    """When that tag was last seen to come to point to it."""
    created: datetime | None = None
    """When it was built, where its labels tell."""
    marks: tuple[Mark, ...] = ()
    remark: str = ""
    """Why it is marked, in a person's words."""

    @property
    def identity(self) -> str:
        """What it is known by: its fingerprint, or its digest as long as that is all that is known."""
        return self.fingerprint or self.digest

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

    @property
    def withdrawn(self) -> bool:
        """Whether a person said that it shouldn't run anywhere any more."""
        return Mark.WITHDRAWN in self.marks

    def is_image(self, identity: str) -> bool:
        """Whether it is the image of that fingerprint, on any platform, or of that digest."""
        return bool(identity) and (identity in self.fingerprints or identity == self.digest)


def same_image(releases: Sequence[Release], chosen: Release) -> list[Release]:
    """Those of the releases that are the same image as one of them: several environments may have had it."""
    return [
        one
        for one in releases
        if one.id == chosen.id
        or one.is_image(chosen.fingerprint)
        or chosen.is_image(one.fingerprint)
        or (bool(one.digest) and one.digest == chosen.digest)
    ]


def best_known(releases: Sequence[Release]) -> Release:
    """The one to name an image by, of its releases: one that the registry has, as it can be pulled; then the newest."""
    return max(releases, key=lambda one: (bool(one.digest), one.first_seen))


def images(releases: Sequence[Release]) -> list[Release]:
    """A release for each image among them, the newest image first."""
    left = sorted(releases, key=_first_seen, reverse=True)
    found = []
    while left:
        same = same_image(left, left[0])
        found.append(best_known(same))
        left = [one for one in left if one not in same]
    return found


def current(releases: Sequence[Release]) -> Release | None:
    """The release that its environment was seen to change to last: the one that it runs."""
    return max((one for one in releases if one.current_since), key=_current_since, default=None)


def tagged(releases: Sequence[Release], tag: str) -> Release | None:
    """The release that a registry's tag was last seen to come to point to."""
    return max((one for one in releases if one.tag == tag and one.tagged_since), key=_tagged_since, default=None)


def wanted_of(environment: Environment, releases: Sequence[Release]) -> Release | None:
    """The image that a source's environment stands for: what the tag points to that it follows, or what it runs.

    `releases` are its own.
    """
    if environment.follows is not None:
        return tagged(releases, environment.follows.tag)
    return current(releases)


def wanted_since(environment: Environment, release: Release) -> datetime | None:
    """Since when a source's environment stands for a release, or when it last began to; None where it never did."""
    if environment.follows is not None:
        return release.tagged_since if release.tag == environment.follows.tag else None
    return release.current_since


def behind_by(releases: Sequence[Release], running: str, expected: str) -> int | None:
    """How many releases what runs is behind what is expected, in the order they were first seen: negative is ahead, 0
    the same, None where one of them was never a release of that environment.

    Both are told by a fingerprint, or by a digest where nothing else is known. Releases count, whatever their versions
    say. One that was withdrawn doesn't count on the way: nobody has to go through it. Where it is itself what runs or
    what is expected, it is one end of the way like any other.
    """
    way = _way(releases, running, expected)
    if way is None:
        return None
    steps, direction = way
    return direction * (sum(not release.withdrawn for release in steps) + 1) if direction else 0


@dataclass(frozen=True, slots=True)
class Passage:
    """What lies on the way from the release that runs to the one that is expected, oldest first."""

    back: bool = False
    """Whether it goes to an older release."""
    stops: tuple[Release, ...] = ()
    """Releases in between that may not be skipped."""
    migrations: tuple[Release, ...] = ()
    """Releases that change data on the way: in between, and the newer one of the two ends."""


def passage(releases: Sequence[Release], running: str, expected: str) -> Passage:
    """What has to be known before a mirror goes from one release to another. Withdrawn ones in between are no part of
    the way. Nothing where one of both was never a release: from there no way is known."""
    way = _way(releases, running, expected)
    if way is None:
        return Passage()
    steps, direction = way
    between = [release for release in steps if not release.withdrawn]
    if direction == 0:
        return Passage()
    newer = expected if direction > 0 else running
    end = [release for release in releases if release.is_image(newer)][:1]
    back = direction < 0
    return Passage(
        back=back,
        stops=() if back else tuple(release for release in between if Mark.STOP_HERE in release.marks),
        migrations=tuple(release for release in [*between, *end] if Mark.MIGRATION in release.marks),
    )


def _way(releases: Sequence[Release], running: str, expected: str) -> tuple[list[Release], int] | None:
    """The releases strictly between two, oldest first, and the direction: 1 forward, -1 back, 0 none."""
    ordered = sorted(releases, key=_first_seen)
    start = _place(ordered, running)
    end = _place(ordered, expected)
    if start is None or end is None:
        return None
    low, high = min(start, end), max(start, end)
    return ordered[low + 1 : high], (end > start) - (end < start)


def _place(ordered: Sequence[Release], identity: str) -> int | None:
    return next((place for place, release in enumerate(ordered) if release.is_image(identity)), None)


def _first_seen(release: Release) -> datetime:
    return release.first_seen


def _current_since(release: Release) -> datetime:
    return release.current_since or release.first_seen


def _tagged_since(release: Release) -> datetime:
    return release.tagged_since or release.first_seen
