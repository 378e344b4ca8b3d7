"""Alignment: whether what was observed is what is expected, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mirror_console.domain.expectation import Expected, NoExpectation
from mirror_console.domain.held import HeldImage
from mirror_console.domain.identity import (
    DIFFERENT,
    DIFFERENT_BY_DIGEST,
    DIFFERENT_BY_RECORD,
    UNREAD,
    Likeness,
    apart,
    identify,
    moved_on,
    release_of,
)
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release, behind_by


class Alignment(StrEnum):
    """Expected image against observed image."""

    ALIGNED = "aligned"
    BEHIND = "behind"
    AHEAD = "ahead"
    DRIFTED = "drifted"
    MISSING = "missing"
    NO_RELEASE = "no release"
    """No expectation: the source says nothing about what should run here."""
    UNKNOWN = "unknown"
    """Nothing was observed yet, or it can't be told whether it is what is expected."""


class DriftKind(StrEnum):
    """In what way the observed differs from what was applied."""

    DIGEST = "digest ≠"
    """The tag is right, the content isn't."""
    FOREIGN = "foreign image"
    UNKNOWN_RELEASE = "unknown release"
    SETTINGS = "settings ≠"
    BY_HAND = "made by hand"
    """Somebody made the container anew since the console's rollout; settings may differ as well."""


SAME_IMAGE = frozenset({DriftKind.SETTINGS, DriftKind.BY_HAND})
"""Drift of what runs the expected image."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome of comparing expected with observed."""

    alignment: Alignment
    behind: int | None = None
    drift: DriftKind | None = None
    likeness: Likeness | None = None


def compare(
    expected: Expected | NoExpectation,
    observed: Observation | None,
    releases: Sequence[Release],
    elsewhere: Sequence[Release] = (),
    held: HeldImage | None = None,
) -> Compared:
    """Whether what was observed is what is expected, and how sure that is.

    `releases` are those of the environment that the expectation comes from, `elsewhere` those of the source's other
    environments: a newer one of them, such as what its test has, is ahead. `held` is what its engine was seen to hold
    under the id of its image.
    """
    if observed is None:
        return Compared(Alignment.UNKNOWN)
    if isinstance(expected, NoExpectation):
        return Compared(Alignment.NO_RELEASE)
    if not observed.present:
        return Compared(Alignment.MISSING)
    release = expected.release
    likeness = identify(expected.fingerprint, release, observed, held)
    if likeness.same:
        if observed.differences:
            kind = DriftKind.BY_HAND if observed.remade else DriftKind.SETTINGS
            return Compared(Alignment.DRIFTED, None, kind, likeness)
        return Compared(Alignment.ALIGNED, 0, None, likeness)
    if likeness is UNREAD:
        return Compared(Alignment.UNKNOWN, likeness=likeness)
    running = release_of(releases, observed, held)
    if likeness.same is None:
        # What runs may be known by its own release, and that to be another than the expected one.
        if running is not None and moved_on(running, release):
            likeness = DIFFERENT_BY_DIGEST
        elif running is None or not apart(running, release):
            return Compared(Alignment.UNKNOWN, likeness=likeness)
        else:
            likeness = DIFFERENT if observed.fingerprint else DIFFERENT_BY_RECORD
    behind = behind_by(releases, running.identity, expected.identity) if running is not None else None
    if behind is not None and behind != 0:
        return Compared(Alignment.BEHIND if behind > 0 else Alignment.AHEAD, behind, None, likeness)
    found = observed.fingerprint or observed.recorded
    if release is not None and any(
        found in other.fingerprints and other.first_seen > release.first_seen for other in elsewhere
    ):
        return Compared(Alignment.AHEAD, None, None, likeness)
    return Compared(Alignment.DRIFTED, None, _drift_kind(expected, observed), likeness)


def _drift_kind(expected: Expected, observed: Observation) -> DriftKind:
    release = expected.release
    if release is None:
        return DriftKind.UNKNOWN_RELEASE
    if observed.version and observed.version == release.version:
        return DriftKind.DIGEST
    # An image is named by repository and tag, by repository and digest, or, once its tag moved on, by a bare id.
    repository = observed.image.partition("@")[0].rpartition(":")[0] or observed.image
    if observed.image.startswith("sha256:") or not release.repository or repository == release.repository:
        return DriftKind.UNKNOWN_RELEASE
    if observed.image.partition("@")[0] == release.repository:
        return DriftKind.UNKNOWN_RELEASE
    return DriftKind.FOREIGN
