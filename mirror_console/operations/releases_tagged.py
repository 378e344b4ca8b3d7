"""Releases tagged: what a registry's tag points to is a release of every source's environment that follows the tag."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mirror_console.domain.environment import Environment
from mirror_console.domain.identity import learned
from mirror_console.domain.release import Release, tagged
from mirror_console.operations.console import new_id
from mirror_console.operations.ports.catalog import Books


def note_tagged(books: Books, environment: Environment, repository: str, digest: str, at: datetime) -> bool:
    """Note that the tag which a source's environment follows points to a digest. Whether that is another one now.

    Its fingerprint is known where an engine was seen to hold that digest, or another release has it; else it comes
    once one does.
    """
    if environment.follows is None:
        return False
    tag = environment.follows.tag
    releases = books.releases.of([environment.id])
    before = tagged(releases, tag)
    if before is not None and before.digest == digest:
        return False
    found = next((release for release in releases if release.digest == digest), None)
    if found is None:
        found = _known(books, Release(new_id(), environment.id, "", repository, digest, at, None))
        # The same content may have been a release before, under another digest.
        same = next((one for one in releases if set(one.fingerprints) & set(found.fingerprints)), None)
        found = found if same is None else replace(same, digest=digest)
    if before is not None and before.id == found.id:
        # It was pushed anew: no other release, though it is pulled by another digest.
        books.releases.save(found)
        return False
    books.releases.save(replace(found, tag=tag, tagged_since=at))
    return True


def _known(books: Books, release: Release) -> Release:
    """A release with what is known of its digest: by other releases, and by engines that hold it."""
    for other in books.releases.of_digest(release.digest):
        if other.fingerprint:
            release = replace(
                release,
                fingerprint=other.fingerprint,
                platform=other.platform,
                also=other.also,
                version=other.version,
                revision=other.revision,
                size=other.size,
                created=other.created,
            )
            break
    for held in books.images.of_digest(release.digest):
        release = learned(release, held)
    return release
