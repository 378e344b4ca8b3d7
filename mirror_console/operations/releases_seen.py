"""Releases seen: every image that a source's environment has is one, and engines that hold it tell more of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from mirror_console.domain.application import Application
from mirror_console.domain.environment import Environment
from mirror_console.domain.held import HeldImage
from mirror_console.domain.identity import learned
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Observation
from mirror_console.domain.release import Release, current
from mirror_console.domain.swarm import digest_of
from mirror_console.operations.console import new_id
from mirror_console.operations.ports.catalog import Books


def record_releases(
    books: Books,
    environments: Sequence[Environment],
    changed: Sequence[Observation],
    images: Mapping[str, Image | None],
    at: datetime,
) -> None:
    """Note every image that a source's environment has, when it has changed.

    So too of one whose image is what a tag points to: what runs there is told beside it.
    """
    sources = _sources_of(books, environments, changed)
    of_sources = {one.id: one for one in environments if one.application_id in sources}
    for seen in changed:
        environment = of_sources.get(seen.environment_id)
        # Of several processes the first one says what the environment has.
        if environment is None or seen.process != environment.processes[0].name:
            continue
        repository = sources[environment.application_id].repository
        pinned = _pinned(seen, repository)
        if not seen.fingerprint and not pinned:
            continue
        image = images.get(seen.image_id)
        releases = books.releases.of([environment.id])
        known = next((release for release in releases if _is_of(release, seen, pinned)), None)
        if known is None:
            books.releases.save(_release(environment, seen, repository, image, at))
            continue
        newest, digest = current(releases), _digest(image, repository, known.digest) or pinned
        if newest is None or newest.id != known.id:
            books.releases.save(replace(known, current_since=at, digest=digest))
        elif digest != known.digest:
            books.releases.save(replace(known, digest=digest))


def note_held(books: Books, engine_id: str, images: Iterable[Image | None], at: datetime, brought_by: str = "") -> None:
    """Keep, in a transaction that is open, that an engine holds these images; releases learn from what is new of them.

    `brought_by` is the rollout that brought them there; without it, who brought them before stays.
    """
    known = {one.id: one for one in books.images.on(engine_id)}
    seen = []
    news = []
    for image in images:
        if image is None:
            continue
        before = known.get(image.id)
        by = brought_by or (before.brought_by if before else "")
        held = _held(engine_id, image, at, by)
        seen.append(held)
        if before is None or set(held.digests) - set(before.digests):
            news.append(held)
    if seen:
        books.images.save_all(seen)
    if news:
        _keep_in_step(books, news)


def _keep_in_step(books: Books, news: Sequence[HeldImage]) -> None:
    """Let releases learn what they are on the platform of an engine that holds their digest."""
    under: dict[str, list[HeldImage]] = {}
    for held in news:
        for digest in {name.rpartition("@")[2] for name in held.digests} | {held.id}:
            under.setdefault(digest, []).append(held)
    of_digest = [release for release in books.releases.all() if release.digest in under]
    for release in of_digest:
        more = release
        for held in under[release.digest]:
            more = learned(more, held)
        if more == release:
            continue
        twin = _twin_in_time(books, more) if not release.fingerprint else None
        if twin is not None:
            # The same image under another digest: it was a release before, and the tag points to it.
            books.releases.remove(release.id)
            more = replace(
                twin,
                digest=more.digest,
                tag=more.tag or twin.tag,
                tagged_since=more.tagged_since or twin.tagged_since,
                marks=tuple(dict.fromkeys((*twin.marks, *more.marks))),
                remark=twin.remark or more.remark,
            )
        books.releases.save(more)


def _twin_in_time(books: Books, release: Release) -> Release | None:
    return next(
        (
            other
            for other in books.releases.of([release.environment_id])
            if other.id != release.id and other.fingerprint == release.fingerprint
        ),
        None,
    )


def _held(engine_id: str, image: Image, at: datetime, brought_by: str) -> HeldImage:
    return HeldImage(
        engine_id=engine_id,
        id=image.id,
        fingerprint=image.fingerprint,
        platform=image.platform,
        seen_at=at,
        tags=image.tags,
        digests=image.digests,
        version=image.version,
        revision=image.revision,
        created=image.created,
        size=image.size,
        brought_by=brought_by,
    )


def _release(
    environment: Environment, seen: Observation, repository: str, image: Image | None, at: datetime
) -> Release:
    return Release(
        id=new_id(),
        environment_id=environment.id,
        fingerprint=seen.fingerprint,
        repository=repository,
        digest=_digest(image, repository, "") or _pinned(seen, repository),
        first_seen=at,
        current_since=at,
        version=seen.version,
        revision=seen.revision,
        size=image.size if image else None,
        platform=image.platform if image else "",
        created=image.created if image else None,
    )


def _pinned(seen: Observation, repository: str) -> str:
    """The digest of a service of a Swarm in its source's repository: it is known where no engine holds the image."""
    name, _, digest = seen.image_id.partition("@")
    return digest if digest_of(seen.image_id) and repository in {name, name.rpartition(":")[0]} else ""


def _is_of(release: Release, seen: Observation, pinned: str) -> bool:
    return seen.fingerprint in release.fingerprints if seen.fingerprint else release.digest == pinned


def _digest(image: Image | None, repository: str, before: str) -> str:
    """What the release is pulled by: the digest of before as long as the engine has the image under it."""
    if image is None or f"{repository}@{before}" in image.digests:
        return before
    return image.digest_in(repository) or before


def _sources_of(
    books: Books, environments: Sequence[Environment], changed: Sequence[Observation]
) -> dict[str, Application]:
    """The sources among the applications that something changed of; few, where a catalog has thousands."""
    seen = {one.environment_id for one in changed}
    owners = {environment.application_id for environment in environments if environment.id in seen}
    sources = {}
    for owner in owners:
        with suppress(KeyError):  # it was removed in the meantime
            found = books.applications.get(owner)
            if not found.is_mirror:
                sources[owner] = found
    return sources
