"""Identity: whether the image that runs is the one that is expected, and how sure that is.

Equal fingerprints are the same image, and so is what an engine holds under the expected digest, in whatever repository:
digests and fingerprints are made of the content. Two fingerprints of one platform that differ are two images. Digests
that differ prove nothing: one image has one for its index, one for each platform, and others after each push.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mirror_console.domain.held import HeldImage
from mirror_console.domain.image import DIGEST, Image
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release, Twin


class Sureness(StrEnum):
    """How sure it is whether two images are the same."""

    PROVED = "proved"
    RECORDED = "by our record"
    """The image can't be read any more; the label says with which one the console started the container."""
    DIGEST = "by the digest"
    """Both have a digest of their own in the registry, and of one no more is known: it may be the same content that was
    pushed anew. What brings it there proves what it is."""
    UNKNOWN = "can't be told"


@dataclass(frozen=True, slots=True)
class Likeness:
    """Whether what runs is what is expected; `same` None where that can't be told, and then `why` says why not."""

    same: bool | None
    sureness: Sureness
    why: str = ""

    @property
    def words(self) -> str:
        """How sure it is where it isn't proved: ``by our record``, ``can't be told: …``; empty where it is."""
        if self.sureness is Sureness.PROVED:
            return ""
        return f"{self.sureness}: {self.why}" if self.why else str(self.sureness)


SAME = Likeness(True, Sureness.PROVED)
DIFFERENT = Likeness(False, Sureness.PROVED)
DIFFERENT_BY_DIGEST = Likeness(False, Sureness.DIGEST)
SAME_BY_RECORD = Likeness(True, Sureness.RECORDED)
DIFFERENT_BY_RECORD = Likeness(False, Sureness.RECORDED)
UNREAD = Likeness(None, Sureness.UNKNOWN, "its image could not be read")
DIGEST_ONLY = Likeness(
    None, Sureness.UNKNOWN, "of the release only its digest is known, which no engine was seen to hold"
)


def identify(fingerprint: str, release: Release | None, seen: Observation, held: HeldImage | None = None) -> Likeness:
    """Whether the image of a container that was seen is the expected one.

    `fingerprint` and `release` are what is expected, `held` what the container's engine was seen to hold under its
    image's id. Where a platform isn't known, as in catalogs from before it was noted, it is taken to be the same one.
    """
    found = seen.fingerprint
    if found and (found == fingerprint or (release is not None and found in release.fingerprints)):
        return SAME
    platform = held.platform if held is not None else ""
    if found and fingerprint and (release is None or (platform and platform in release.platforms)):
        return DIFFERENT
    if release is not None and release.digest and release.digest in digests(seen, held):
        return SAME
    if not found and not seen.recorded:
        return UNREAD
    if not fingerprint:
        return DIGEST_ONLY
    if not found:
        known = release.fingerprints if release is not None else ()
        return SAME_BY_RECORD if seen.recorded in {fingerprint, *known} else DIFFERENT_BY_RECORD
    if not platform or release is None or not release.platform:
        return DIFFERENT
    return Likeness(None, Sureness.UNKNOWN, f"on {platform} no engine was seen to hold the release under its digest")


def digests(seen: Observation, held: HeldImage | None) -> frozenset[str]:
    """All digests under which the image of a container is known.

    In an image store that keeps manifests the id is one of them; and a container that was made by a digest is what its
    engine had under it.
    """
    named = (*(held.digests if held is not None else ()), seen.image, seen.image_id)
    return frozenset(digest for name in named if DIGEST.fullmatch(digest := name.rpartition("@")[2]))


def release_of(releases: Iterable[Release], seen: Observation, held: HeldImage | None = None) -> Release | None:
    """The release that a container runs; None where it is none of them, or that can't be told."""
    several = tuple(releases)
    found = seen.fingerprint or seen.recorded
    if found:
        for release in several:
            if release.fingerprint == found:
                return release
    return next((one for one in several if identify(one.fingerprint, one, seen, held).same), None)


def apart(one: Release, other: Release | None) -> bool:
    """Whether two releases are proved to be two images."""
    if other is None or not one.fingerprint or not other.fingerprint:
        return False
    return one.platform == other.platform and one.fingerprint != other.fingerprint


def moved_on(running: Release, expected: Release | None) -> bool:
    """Whether a registry's tag went on from the release that runs to one of which no more than the digest is known.

    The digests of both are those under which the registry has them, and they differ. Otherwise a tag that moves would
    show nothing before somebody has pulled what it points to.
    """
    if expected is None or expected.fingerprint or not expected.digest:
        return False
    return bool(running.digest) and running.id != expected.id and running.digest != expected.digest


def is_image(fingerprint: str, digest: str, image: Image) -> bool:
    """Whether an engine's image is proved to be the one of a fingerprint, or of a digest; either may be empty."""
    if fingerprint and image.fingerprint == fingerprint:
        return True
    return bool(digest) and digest in {image.id, *(name.rpartition("@")[2] for name in image.digests)}


def learned(release: Release, held: HeldImage) -> Release:
    """A release with what an image tells of it that an engine holds under its digest.

    Its fingerprint where only the digest was known; else its fingerprint on another platform.
    """
    if not release.fingerprint:
        release = replace(release, fingerprint=held.fingerprint, platform=held.platform, size=release.size or held.size)
    elif held.fingerprint not in release.fingerprints:
        release = replace(release, also=(*release.also, Twin(held.platform, held.fingerprint)))
    return replace(
        release,
        version=release.version or held.version,
        revision=release.revision or held.revision,
        created=release.created or held.created,
    )
